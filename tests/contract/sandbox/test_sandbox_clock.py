"""The virtual clock: expiry, windows and the Date header follow what it shows."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from sandbox_kit import ManualClock, World

from keyturn.sandbox import VirtualClock, build_control

pytestmark = pytest.mark.anyio

NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.fixture
async def control(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    """Open the control port of the world's org."""
    transport = httpx2.ASGITransport(build_control(world.org, "t"))
    headers = {"authorization": "Bearer t"}
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://127.0.0.1:8712", headers=headers
    ) as client:
        yield client


def test_untouched_it_is_the_real_one() -> None:
    """Until somebody turns it, it shows what the clock behind it shows."""
    real = ManualClock()
    clock = VirtualClock(real)
    real.advance(5)
    assert (clock(), clock.virtual) == (real.at, False)


def test_set_advance_and_run() -> None:
    """It goes on from where it was set, as fast as it was told, and back to real time."""
    real = ManualClock()
    clock = VirtualClock(real)
    clock.set(NEW_YEAR)
    clock.advance(3600)
    clock.run(60)
    real.advance(2)
    assert clock() == NEW_YEAR + timedelta(seconds=3600 + 120)
    clock.run(0)
    real.advance(1000)
    assert clock() == NEW_YEAR + timedelta(seconds=3600 + 120)
    clock.follow()
    assert clock() == real.at


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_advance_takes_no_step_back(seconds: float) -> None:
    """A step back, and what is no number of seconds, is refused."""
    with pytest.raises(ValueError, match="advance_s"):
        VirtualClock(ManualClock()).advance(seconds)


async def test_tokens_expire_by_it(world: World, control: httpx2.AsyncClient) -> None:
    """An hour on the org's clock ends an access token; the Date header tells the same time."""
    token = (await world.service_token()).json()["access_token"]
    headers = {"authorization": f"Bearer {token}"}
    assert (await world.http.get("/api/v1/apps", headers=headers)).status_code == 200
    turned = await control.post("/clock", json={"advance_s": 3600})
    late = await world.http.get("/api/v1/apps", headers=headers)
    assert (late.status_code, "has expired" in late.headers["www-authenticate"]) == (401, True)
    assert late.headers["date"] == "Sun, 01 Mar 2026 13:00:00 GMT"
    assert turned.json()["now"] == "2026-03-01T13:00:00.250000+00:00"


async def test_windows_end_by_it(world: World, control: httpx2.AsyncClient) -> None:
    """A rate window is over when the org's clock says so."""
    await world.admin("GET", "/api/v1/apps")
    await control.post("/clock", json={"set": "2027-01-01T00:00:00Z", "rate": 0})
    answer = await world.admin("GET", "/api/v1/apps")
    assert answer.headers["x-rate-limit-remaining"] == "49"
    assert int(answer.headers["x-rate-limit-reset"]) == int(NEW_YEAR.timestamp()) + 60


@pytest.mark.parametrize(
    "body",
    [
        {"set": "yesterday"},
        {"set": "2027-01-01T00:00:00"},
        {"rate": -1},
        {"advance_s": "1"},
        {"x": 1},
    ],
)
async def test_what_is_no_time(control: httpx2.AsyncClient, body: dict[str, object]) -> None:
    """A time without zone, a rate below 0 and unknown words are 400 with a reason."""
    answer = await control.post("/clock", json=body)
    assert (answer.status_code, "error" in answer.json()) == (400, True)


async def test_reset_gives_real_time_back(world: World, control: httpx2.AsyncClient) -> None:
    """A reset org shows real time again."""
    await control.post("/clock", json={"advance_s": 86400})
    await control.post("/reset", json={"seed": 1})
    shown = (await control.get("/clock")).json()
    assert shown == {"now": world.clock.at.isoformat(), "rate": 1.0, "virtual": False}
