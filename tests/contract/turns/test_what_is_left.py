"""What a turn leaves as it was, or to whoever comes next: values, findings, copies, strangers."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from connections_kit import registered
from kinds_kit import Stand, settled
from org_kit import at_its_org, register
from rig import SECRETS, Rig

from keyturn.domain.connection import ServiceApp
from keyturn.domain.drift import Finding
from keyturn.domain.errors import TurnFailed
from keyturn.domain.okta import CredentialKind
from keyturn.domain.secret import State, Version
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Phase
from keyturn.sandbox import Fault
from keyturn.services.connections import OktaConnectionChange, update_okta_connection
from keyturn.services.credentials import Credential
from keyturn.services.desk import Desk
from keyturn.services.drift import compare_now
from keyturn.services.orders import abort_turn
from keyturn.services.reports import list_turns
from keyturn.services.rotations import view
from keyturn.services.turns import rotate

LOGS = "/api/v1/logs"


async def overlapping(rig: Rig) -> str:
    """Turn a new rotation; return its id while both secrets work."""
    rotation_id = (await rig.rotation()).rotation.id
    await rotate(rig.world, rig.admin, rotation_id)
    return rotation_id


def remove(rig: Rig, secret_id: str) -> None:
    """Remove a client secret, as an administrator of the org does."""
    rig.org.deactivate_secret(rig.app_id, secret_id)
    rig.org.delete_secret(rig.app_id, secret_id)


async def states(rig: Rig) -> list[tuple[State, bool]]:
    """Return of each version of the client secret its state, and whether its value is kept."""
    async with rig.world.store.reading() as tx:
        every = await tx.list(Version)
    return [(v.state, bool(v.sealed)) for v in sorted(every, key=lambda v: v.number) if v.hash]


class TestValues:
    """The old value, where a turn ends that can serve neither."""

    async def test_one_that_okta_has_lost_is_destroyed(self, rig: Rig) -> None:
        """Nothing accepts it any more: there is no reason to keep it."""
        rotation_id = await overlapping(rig)
        old, new = (secret["id"] for secret in rig.living())
        remove(rig, old)
        rig.org.create_secret(rig.app_id)
        remove(rig, new)
        await abort_turn(rig.world, rig.admin, rotation_id)
        assert (await rig.run(rotation_id)).phase is Phase.ROLLED_BACK
        assert await states(rig) == [(State.DESTROYED, False), (State.CURRENT, True)]

    async def test_one_that_okta_still_has_is_kept(self, rig: Rig) -> None:
        """It has leaked and is INACTIVE: it is not served, and an administrator may need it."""
        rotation_id = await overlapping(rig)
        old, new = (secret["id"] for secret in rig.living())
        await rig.live(300)
        rig.org.activate_secret(rig.app_id, old)
        remove(rig, new)
        rig.org.create_secret(rig.app_id)
        rig.org.deactivate_secret(rig.app_id, old)
        assert (await rig.run(rotation_id)).blocked
        with suppress(TurnFailed):
            await rotate(rig.world, rig.admin, rotation_id, emergency=True)
        assert (await states(rig))[0] == (State.RETIRED, True)

    async def test_one_that_nobody_has_looked_for_is_kept(self, rig: Rig) -> None:
        """A connection was given its old key back by hand: the turn ends without Okta's list."""
        made = await settled(rig, CredentialKind.CONNECTION_KEY)
        service = ServiceApp(rig.org.apps[made.app_id].client_id, await made.served())
        await made.begin()
        of = OktaConnectionChange(credentials=service)
        await update_okta_connection(rig.world, rig.admin, made.connection_id, of)
        await abort_turn(rig.world, rig.admin, made.rotation_id)
        rig.calls()
        turn = await made.finish()
        assert turn.phase is Phase.ROLLED_BACK
        assert turn.old
        assert "GET" not in {call["method"] for call in rig.calls()}
        async with rig.world.store.reading() as tx:
            kept = await tx.find(Version, hash=turn.old.hash)
        assert kept
        assert (kept.state, bool(kept.sealed)) == (State.RETIRED, True)


async def test_findings_of_what_was_lost_end_with_it(rig: Rig) -> None:
    """Readers are given the old one again: that the new one is gone is no news any more."""
    rotation_id = await overlapping(rig)
    remove(rig, rig.living()[1]["id"])
    await compare_now(rig.world, rig.admin, rig.connection.id)
    await abort_turn(rig.world, rig.admin, rotation_id)
    turn = await rig.run(rotation_id)
    assert turn.phase is Phase.ROLLED_BACK
    async with rig.world.store.reading() as tx:
        (found,) = await tx.list(Finding)
    assert (found.closed_at, found.closed_by) == (turn.ended_at, f"turn {turn.id}")


async def test_copy_of_the_old_one_is_looked_at_once_that_is_retired(rig: Rig) -> None:
    """Who uses a copy of it is told soon that it works no more, and not at the next round."""
    async with at_its_org(rig):
        app = rig.org.read_app(rig.app_id)
        value = Sensitive(app.live_secrets[0].value)
        await register(rig, Credential(app.client_id, value))
        await overlapping(rig)
        await rig.live(300)
        assert [secret["status"] for secret in rig.living()] == ["INACTIVE", "ACTIVE"]
        assert (await registered(rig)).look_at == rig.clock.now()


class TestRoom:
    """What may be deleted at Okta to make room for the new one."""

    async def test_what_readers_are_given_is_not_cleared_away(self, rig: Rig) -> None:
        """Somebody has deactivated it by mistake, and may activate it again."""
        rotation_id = (await rig.rotation()).rotation.id
        (served,) = rig.living()
        rig.org.create_secret(rig.app_id)
        rig.org.deactivate_secret(rig.app_id, served["id"])
        with pytest.raises(TurnFailed, match="Foreign"):
            await rotate(rig.world, rig.admin, rotation_id)
        assert served["id"] in {secret["id"] for secret in rig.living()}

    async def test_what_is_about_to_be_served_is_not_superseded(self, rig: Rig) -> None:
        """Nor is what is served now."""
        rotation_id = (await rig.rotation()).rotation.id
        rig.org.add_fault(Fault("drop-before-effect", "POST", SECRETS, count=1))
        with pytest.raises(TurnFailed):
            await rotate(rig.world, rig.admin, rotation_id)
        turn = (await view(rig.world, rotation_id)).turn
        assert turn
        assert turn.phase is Phase.WRITTEN
        desk = await Desk.of(rig.world, turn, rig.clock.uptime_s())
        assert await desk.superseded() == frozenset()


async def test_every_call_of_a_turned_key_is_on_its_record(rig: Rig) -> None:
    """Also those by which the new key shows that Okta issues it a token."""
    made = await settled(rig, CredentialKind.CONNECTION_KEY)
    await made.begin()
    asked = len(rig.calls())
    told = (await list_turns(rig.world, rig.admin, made.rotation_id))[0]
    assert len([step for step in told.steps if step.detail.startswith("HTTP")]) == asked


class TestMaker:
    """Whose a secret is that Okta chose, and whose answer was lost."""

    @pytest.fixture
    async def made(self, rig: Rig) -> Stand:
        """Give an integration whose turn has lost an answer, and cannot see the log yet."""
        made = await settled(rig, CredentialKind.API_SERVICE_SECRET)
        rig.org.add_fault(Fault("drop-after-effect", "POST", made.routes.all, count=1))
        self.fault = rig.org.add_fault(Fault("error-before-effect", "GET", LOGS, status=503))
        with suppress(TurnFailed):
            await made.begin()
        return made

    async def test_rate_limit_of_the_log_is_no_word_of_its(self, made: Stand) -> None:
        """However late it comes, the log is asked again, and nobody is called in."""
        rig = made.rig
        rig.clock.advance(301)
        rig.org.remove_fault(self.fault)
        rig.org.add_fault(Fault("rate-limit", "GET", LOGS, count=1))
        assert (await made.finish()).phase is Phase.FINISHED
        assert len(made.living()) == 1

    async def test_log_may_be_behind_the_list_by_its_clock(self, made: Stand) -> None:
        """An event from just before the secret was made is that of its making."""
        org = made.rig.org
        app = org.apps[made.app_id]
        *others, lost = app.secrets
        late = replace(lost, created_at=lost.created_at + timedelta(seconds=4))
        org.store_app(replace(app, secrets=(*others, late)))
        org.remove_fault(self.fault)
        assert (await made.finish()).phase is Phase.FINISHED

    async def test_secret_is_deactivated_once_before_it_is_deleted(self, made: Stand) -> None:
        """Whose deletion has to be asked for again is INACTIVE by then."""
        org = made.rig.org
        org.remove_fault(self.fault)
        org.add_fault(Fault("drop-before-effect", "DELETE", made.routes.one, count=2))
        made.rig.calls()
        assert (await made.finish()).phase is Phase.FINISHED
        routes = [call["route"] for call in made.rig.calls()]
        assert [each.endswith("/deactivate") for each in routes].count(True) == 2
