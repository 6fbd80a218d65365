"""The virtual clock: expiry, windows and the Date header follow what it shows."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from sandbox_kit import ManualClock, World

from keyturn.sandbox import Org, Start, VirtualClock, build_control

pytestmark = pytest.mark.anyio

NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)
LATER = datetime(2028, 2, 29, tzinfo=UTC)


def control_of(org: Org) -> httpx2.AsyncClient:
    """Return a client of an org's control port."""
    transport = httpx2.ASGITransport(build_control(org, "t"))
    headers = {"authorization": "Bearer t"}
    return httpx2.AsyncClient(
        transport=transport, base_url="http://127.0.0.1:8712", headers=headers
    )


@pytest.fixture
async def control(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    """Open the control port of the world's org."""
    async with control_of(world.org) as client:
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
    ("body", "words"),
    [
        ({"set": "yesterday"}, "set is a time with a zone"),
        ({"set": "2027-01-01T00:00:00"}, "set is a time with a zone"),
        ({"set": "1969-12-31T23:59:59Z"}, "from 1970-01-01 to 9000-01-01"),
        ({"set": "0001-01-01T00:00:00+14:00"}, "from 1970-01-01 to 9000-01-01"),
        ({"set": 1772366400}, "set is a time with a zone"),
        ({"set": "2027-01-01T00:00:00Z", "rate": -1}, "rate is a number from 0 to 1000000"),
        ({"real": True, "rate": "1"}, "rate is a number"),
        ({"advance_s": 60, "rate": True}, "rate is a number"),
        ({"rate": 60, "advance_s": "1"}, "advance_s is a number"),
        ({"advance_s": 10**300}, "advance_s is a number of seconds, from 0 to"),
        ({"rate": 2, "real": "yes"}, "real is true or false"),
        ({"set": "2027-01-01T00:00:00Z", "x": 1}, "unknown members: ['x']"),
    ],
)
async def test_what_is_no_time(
    world: World, control: httpx2.AsyncClient, body: dict[str, object], words: str
) -> None:
    """One member that cannot be is 400 with its name and what can, and nothing is turned."""
    world.org.clock.advance(5)
    before = (await control.get("/clock")).json()
    answer = await control.post("/clock", json=body)
    assert (answer.status_code, words in answer.json()["error"]) == (400, True), answer.text
    assert (await control.get("/clock")).json() == before


async def test_reset_gives_the_first_clock_back(world: World, control: httpx2.AsyncClient) -> None:
    """A reset org shows what it was started with: real time, when nothing was said."""
    await control.post("/clock", json={"advance_s": 86400})
    await control.post("/reset", json={"seed": 1})
    shown = (await control.get("/clock")).json()
    assert shown == {"now": world.clock.at.isoformat(), "rate": 1.0, "virtual": False}


@pytest.mark.parametrize(("body", "shown"), [({}, NEW_YEAR), ({"clock": LATER}, LATER)])
async def test_reset_of_an_org_with_a_start(body: dict[str, datetime], shown: datetime) -> None:
    """The clock begins again at its start, or where the reset says, as fast as at the start."""
    real = ManualClock()
    org = Org(1, VirtualClock(real, Start(NEW_YEAR, 2)))
    assert org.read_app(org.seeded.web_app_id).created_at == NEW_YEAR
    org.clock.set(NEW_YEAR + timedelta(days=400))
    org.clock.run(0)
    async with control_of(org) as control:
        await control.post("/reset", json={name: at.isoformat() for name, at in body.items()})
    assert org.now() == org.read_app(org.seeded.web_app_id).created_at == shown
    real.advance(1)
    assert org.now() == shown + timedelta(seconds=2)


def test_a_start_may_be_a_rate_alone() -> None:
    """A clock with a rate and no moment begins at the real one."""
    real = ManualClock()
    clock = VirtualClock(real, Start(rate=0))
    began = real.at
    real.advance(60)
    assert clock() == began


@pytest.mark.parametrize(
    "start",
    [{"at": datetime(2027, 1, 1)}, {"at": datetime(1969, 1, 1, tzinfo=UTC)}, {"rate": -1}],  # noqa: DTZ001  # that is the point
)
def test_a_start_that_cannot_be(start: dict[str, Any]) -> None:
    """A moment without zone, one that no clock shows and a rate below 0 are no start."""
    with pytest.raises(ValueError, match=r"is wanted|from 0"):
        Start(**start)
