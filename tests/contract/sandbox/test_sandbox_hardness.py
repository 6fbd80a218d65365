"""Faults that could not strike are refused, and an API token is its owner."""

import pytest
from sandbox_kit import World

from keyturn.sandbox import Fault

APPS = "/api/v1/apps"


@pytest.mark.parametrize(
    "members",
    [
        {"probability": 2.0},
        {"probability": -0.1},
        {"seconds": float("nan")},
        {"seconds": 1e300},
        {"count": -1},
        {"skip": -1},
        {"skip": 0.5},
        {"status": 9999},
    ],
)
def test_fault_that_could_not_strike_is_refused(members: dict[str, float]) -> None:
    """A rule that would break the org later is refused when it is made."""
    with pytest.raises(ValueError, match="from"):
        Fault("delay", **members)  # type: ignore[arg-type]  # the point


async def test_api_token_can_do_what_its_owner_can(world: World) -> None:
    """The token of a person without an admin role, or of a deactivated one, is refused."""
    token = world.org.create_api_token("plain", world.org.seeded.user_id)
    answer = await world.http.get(APPS, headers={"authorization": f"SSWS {token}"})
    assert (answer.status_code, answer.json()["errorCode"]) == (403, "E0000006")
