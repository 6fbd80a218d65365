"""What a turn looks at before it decides: how far back, in which way, and what no answer means."""

import pytest
from rig import Rig

from keyturn.domain.errors import TurnFailed
from keyturn.domain.okta import AuthMethod
from keyturn.domain.turn import Overlap, Phase, Reason, Turn
from keyturn.sandbox import Fault
from keyturn.services.policies import PolicyChange
from keyturn.services.rotations import view
from keyturn.services.turns import rotate


async def newest(rig: Rig, rotation_id: str) -> Turn:
    """Return the newest turn of a rotation."""
    turn = (await view(rig.world, rotation_id)).turn
    assert turn
    return turn


async def read_by_all(rig: Rig) -> None:
    """Turn by evidence and have every reader hold the new one: Okta's log is what is left."""
    policy = PolicyChange(overlap=Overlap.EVIDENCE, log=True, quiet_s=500)
    rotation_id = (await rig.rotation(policy=policy)).rotation.id
    await rig.served_hash()
    await rotate(rig.world, rig.admin, rotation_id)
    for _ in range(2):
        await rig.served_hash()
        rig.clock.advance(61)


def statuses(rig: Rig) -> list[str]:
    """Return how Okta has the app's secrets, the oldest first."""
    return [secret["status"] for secret in rig.living()]


class TestLog:
    """Okta's System Log, by which strangers are seen."""

    async def test_uses_from_before_the_overlap_count_for_as_long_as_is_asked(
        self, rig: Rig
    ) -> None:
        """The old one is to be quiet for longer than the overlap has lasted."""
        old = rig.org.read_app(rig.app_id).live_secrets[0].value
        await rig.authenticate(old)
        rig.clock.advance(10)
        await read_by_all(rig)
        await rig.live(330)
        assert statuses(rig) == ["ACTIVE", "ACTIVE"]
        await rig.live(200)
        assert statuses(rig) == ["INACTIVE", "ACTIVE"]

    async def test_refusal_is_found_however_late_it_is_looked_for(self, rig: Rig) -> None:
        """Keyturn was away for longer than the old one is to be quiet: the straggler is helped."""
        old = rig.org.read_app(rig.app_id).live_secrets[0].value
        rotation = (await rig.rotation(policy=PolicyChange(log=True, quiet_s=60))).rotation
        await rotate(rig.world, rig.admin, rotation.id)
        await rig.live(301)
        assert statuses(rig) == ["INACTIVE", "ACTIVE"]
        await rig.authenticate(old)
        rig.clock.advance(1800)
        await rig.tick()
        assert statuses(rig) == ["ACTIVE", "ACTIVE"]

    async def test_rate_limit_of_the_log_is_no_word_that_nobody_uses_it(self, rig: Rig) -> None:
        """Whoever may not ask now asks later, and does not go on without an answer."""
        old = rig.org.read_app(rig.app_id).live_secrets[0].value
        await read_by_all(rig)
        await rig.authenticate(old)
        rig.org.add_fault(Fault("rate-limit", route="/api/v1/logs", count=1))
        await rig.live(240)
        await rig.live(120)
        told = [c["status"] for c in rig.calls() if c["route"] == "/api/v1/logs"]
        assert told == [429, 200]
        assert statuses(rig) == ["ACTIVE", "ACTIVE"]


class TestWay:
    """How the app authenticates."""

    async def test_new_one_is_probed_again_in_the_new_way(self, rig: Rig) -> None:
        """That Okta refused it for ten minutes in the way of before is not held against it."""
        rotation_id = (await rig.rotation()).rotation.id
        rig.org.change_settings(propagation_s=30)
        with pytest.raises(TurnFailed):
            await rotate(rig.world, rig.admin, rotation_id)
        await rig.tick()
        rig.org.change_auth_method(rig.app_id, "client_secret_jwt")
        rig.clock.advance(601)
        assert (await rig.run(rotation_id)).phase is Phase.FINISHED

    async def test_way_without_a_client_secret_is_not_followed(self, rig: Rig) -> None:
        """The turn stops, and the rotation knows the way in which its secret was used."""
        rotation = (await rig.rotation()).rotation
        rig.org.change_auth_method(rig.app_id, "private_key_jwt")
        with pytest.raises(TurnFailed):
            await rotate(rig.world, rig.admin, rotation.id)
        blocked = (await newest(rig, rotation.id)).blocked
        assert blocked
        assert blocked.reason is Reason.NO_SECRET_USED
        told = (await view(rig.world, rotation.id)).rotation.auth_method
        assert told is rotation.auth_method is AuthMethod.CLIENT_SECRET_BASIC
