"""Orders of an operator, evidence and reinstating, against the sandbox and judged by it."""

from dataclasses import replace
from typing import Any

import httpx2
import pytest
from rig import PLACE, SECRETS, Rig

from keyturn.cli.rotation import standing_of
from keyturn.domain.access import VIEWER, Caller, Holding
from keyturn.domain.errors import Forbidden, Refused, TurnFailed
from keyturn.domain.evidence import Shut
from keyturn.domain.identity import Identity
from keyturn.domain.ids import IdentityId
from keyturn.domain.turn import Opened, Overlap, Phase, Reason, Turn
from keyturn.sandbox import Fault
from keyturn.services.evidence_files import turn as wire_turn
from keyturn.services.logbook import Logbook
from keyturn.services.orders import (
    abort_turn,
    finish_now,
    pause_turn,
    reinstate_old,
    resume_turn,
)
from keyturn.services.policies import PolicyChange
from keyturn.services.reports import list_turns, report_turn
from keyturn.services.rotations import view
from keyturn.services.secrets import read_secret
from keyturn.services.turns import rotate

NAME = "OKTA_CLIENT_SECRET"
DEACTIVATE = f"{SECRETS}/{{secretId}}/lifecycle/deactivate"
BY_EVIDENCE = PolicyChange(overlap=Overlap.EVIDENCE, backstop_s=86_400)


async def overlapping(rig: Rig, **policy: Any) -> str:  # noqa: ANN401  fields of PolicyChange
    """Create a rotation and turn it; return its id while both secrets work."""
    rotation = (await rig.rotation(policy=PolicyChange(**policy))).rotation
    await rotate(rig.world, rig.admin, rotation.id)
    return rotation.id


async def turn_of(rig: Rig, rotation_id: str) -> Turn:
    """Return the open or last turn."""
    turn = (await view(rig.world, rotation_id)).turn
    assert turn
    return turn


async def shown_word(rig: Rig, rotation_id: str) -> list[str]:
    """Return what the command line shows of an operator's word about the newest turn."""
    newest = (await list_turns(rig.world, rig.admin, rotation_id))[0]
    return [line for line in standing_of(wire_turn(newest)) if line.startswith("word")]


async def reader(rig: Rig, name: str) -> Caller:
    """Make another identity that reads."""
    async with rig.world.store.writing() as tx:
        admin = await tx.find(Identity, name="administrator")
        assert admin
        made = replace(admin, id=IdentityId(name), name=name)
        await tx.add(made)
    return Caller(made.id, name, made.organization_id, (Holding(VIEWER),))


def statuses(rig: Rig) -> list[str]:
    """Return the status of each living secret at Okta, the older one first."""
    return [secret["status"] for secret in rig.living()]


class TestPause:
    """A turn that stands still."""

    async def test_paused_turn_stays_where_it_is(self, rig: Rig) -> None:
        """However long it lasts, nothing happens at Okta; resumed, the turn ends as any other."""
        rotation_id = await overlapping(rig)
        await pause_turn(rig.world, rig.admin, rotation_id)
        rig.calls()
        await rig.live(10_000)
        assert not [c for c in rig.calls() if c["route"].startswith(SECRETS)]
        assert statuses(rig) == ["ACTIVE", "ACTIVE"]
        await resume_turn(rig.world, rig.admin, rotation_id)
        assert (await rig.run(rotation_id)).phase is Phase.FINISHED

    async def test_paused_turn_keeps_others_away(self, rig: Rig) -> None:
        """No second turn begins beside a paused one, by hand or by the schedule."""
        rotation_id = await overlapping(rig)
        await pause_turn(rig.world, rig.admin, rotation_id)
        with pytest.raises(Refused, match="paused"):
            await rotate(rig.world, rig.admin, rotation_id)
        await rig.live(40 * 86_400)
        assert len(rig.posts()) == 1

    async def test_order_needs_the_permission_to_rotate(self, rig: Rig) -> None:
        """A reader may not give orders; nothing changes."""
        rotation_id = await overlapping(rig)
        before = await turn_of(rig, rotation_id)
        with pytest.raises(Forbidden):
            await pause_turn(rig.world, await reader(rig, "viewer"), rotation_id)
        assert await turn_of(rig, rotation_id) == before

    async def test_order_without_a_turn_is_refused(self, rig: Rig) -> None:
        """Where no turn is open there is nothing to order about."""
        rotation = (await rig.rotation()).rotation
        with pytest.raises(Refused, match="nothing to pause"):
            await pause_turn(rig.world, rig.admin, rotation.id)


class TestAbort:
    """A turn taken back before anybody is served."""

    async def unverified(self, rig: Rig) -> str:
        """Turn while Okta does not accept the new secret yet."""
        rotation = (await rig.rotation()).rotation
        rig.org.change_settings(propagation_s=3600)
        with pytest.raises(TurnFailed):
            await rotate(rig.world, rig.admin, rotation.id)
        assert (await turn_of(rig, rotation.id)).phase is Phase.ISSUED
        return rotation.id

    async def test_issued_secret_is_taken_back(self, rig: Rig) -> None:
        """Okta has the old secret alone again, and readers never saw another."""
        old = rig.at_okta()[0]["hash"]
        rotation_id = await self.unverified(rig)
        await abort_turn(rig.world, rig.admin, rotation_id)
        assert (await rig.run(rotation_id)).phase is Phase.ROLLED_BACK
        assert [s["hash"] for s in rig.living()] == [old]
        assert await rig.served_hash() == old

    async def test_addition_that_arrives_late_is_found(self, rig: Rig) -> None:
        """A value whose answer was lost is not left behind by an abort."""
        rotation = (await rig.rotation()).rotation
        rig.org.add_fault(Fault("drop-after-effect", method="POST", route=SECRETS, count=1))
        rig.org.add_fault(Fault("error-before-effect", method="GET", route=SECRETS, skip=1))
        with pytest.raises(TurnFailed, match="the connection broke"):
            await rotate(rig.world, rig.admin, rotation.id)
        await abort_turn(rig.world, rig.admin, rotation.id)
        rig.org.remove_fault(None)
        assert (await rig.run(rotation.id)).phase is Phase.ROLLED_BACK
        assert len(rig.living()) == 1

    async def test_served_secret_is_not_taken_back(self, rig: Rig) -> None:
        """Once readers hold the new secret an abort would be an outage."""
        rotation_id = await overlapping(rig)
        with pytest.raises(Refused, match="it stays"):
            await abort_turn(rig.world, rig.admin, rotation_id)
        assert statuses(rig) == ["ACTIVE", "ACTIVE"]


class TestReinstate:
    """An old secret that comes back."""

    async def soaking(self, rig: Rig, **policy: Any) -> str:  # noqa: ANN401  as above
        """Turn until the old secret is retired."""
        rotation_id = await overlapping(rig, **policy)
        rig.clock.advance(300)
        await rig.tick()
        assert statuses(rig) == ["INACTIVE", "ACTIVE"]
        return rotation_id

    async def test_operator_brings_it_back(self, rig: Rig) -> None:
        """The old secret works again, and time alone does not retire it a second time."""
        rotation_id = await self.soaking(rig)
        await reinstate_old(rig.world, rig.admin, rotation_id)
        await rig.tick()
        assert statuses(rig) == ["ACTIVE", "ACTIVE"]
        await rig.live(86_400)
        assert statuses(rig) == ["ACTIVE", "ACTIVE"]
        turn = await turn_of(rig, rotation_id)
        assert (turn.phase, turn.reinstated) == (Phase.OVERLAPPING, 1)
        await finish_now(rig.world, rig.admin, rotation_id)
        assert (await rig.run(rotation_id)).phase is Phase.FINISHED

    async def test_failures_in_oktas_log_bring_it_back(self, rig: Rig) -> None:
        """A straggler that Okta refuses gets its secret back in minutes, and people are told."""
        straggler = rig.org.read_app(rig.app_id)
        old = straggler.live_secrets[0].value
        rotation_id = await self.soaking(rig, log=True)
        assert await rig.authenticate(old) == 401
        rig.clock.advance(60)
        await rig.tick()
        assert statuses(rig) == ["ACTIVE", "ACTIVE"]
        assert await rig.authenticate(old) != 401
        told = (await view(rig.world, rotation_id)).rotation.last_message
        assert told
        assert "reinstated" in told

    async def test_secret_in_use_is_not_retired_again(self, rig: Rig) -> None:
        """At the backstop the turn stops and says so; a quiet log lets it go on."""
        rotation_id = await self.soaking(rig, backstop_s=7200)
        await reinstate_old(rig.world, rig.admin, rotation_id)
        turn = await rig.run(rotation_id)
        assert turn.blocked
        assert turn.blocked.reason is Reason.OLD_SECRET_USED
        assert statuses(rig) == ["ACTIVE", "ACTIVE"]

    async def test_secret_that_is_gone_cannot_come_back(self, rig: Rig) -> None:
        """Where somebody deleted it meanwhile the turn says so."""
        rotation_id = await self.soaking(rig)
        rig.org.delete_secret(rig.app_id, rig.living()[0]["id"])
        await reinstate_old(rig.world, rig.admin, rotation_id)
        await rig.tick()
        blocked = (await turn_of(rig, rotation_id)).blocked
        assert blocked
        assert blocked.reason is Reason.OLD_SECRET_GONE


class TestFinishNow:
    """Waiting that is cut short."""

    async def test_long_overlap_ends_on_a_word(self, rig: Rig) -> None:
        """Each word ends one wait: the overlap first, then the soak."""
        rotation_id = await overlapping(rig, overlap_s=86_400)
        await finish_now(rig.world, rig.admin, rotation_id)
        await rig.tick()
        assert statuses(rig) == ["ACTIVE", "ACTIVE"]
        rig.clock.advance(300)
        await rig.tick()
        assert statuses(rig) == ["INACTIVE", "ACTIVE"]
        assert (await turn_of(rig, rotation_id)).word is None
        await finish_now(rig.world, rig.admin, rotation_id)
        await rig.tick()
        assert statuses(rig) == ["ACTIVE"]

    async def test_emergency_leaves_nothing_of_the_old_secret(self, rig: Rig) -> None:
        """A leaked secret is gone as soon as the new one is served, within the one request."""
        old = rig.at_okta()[0]["hash"]
        rotation = (await rig.rotation()).rotation
        await rotate(rig.world, rig.admin, rotation.id, emergency=True)
        (only,) = rig.living()
        assert only["hash"] == await rig.served_hash() != old
        assert (await turn_of(rig, rotation.id)).opened is Opened.WORD


async def read_and_turned(rig: Rig, rotation_id: str) -> None:
    """Turn a secret whose one reader has both the old version and the new one."""
    await rig.served_hash()
    await rotate(rig.world, rig.admin, rotation_id)
    for _ in range(2):
        rig.clock.advance(60)
        await rig.served_hash()


class TestEvidence:
    """An overlap that waits for whoever uses the old secret."""

    async def test_reader_of_the_old_version_keeps_it(self, rig: Rig) -> None:
        """The gate names the reader, and opens once it was given the new version twice.

        The first answer may have been lost on its way.
        """
        ci = await reader(rig, "ci")
        rotation = (await rig.rotation(policy=BY_EVIDENCE)).rotation
        await read_secret(rig.world, ci, PLACE, NAME)
        await rotate(rig.world, rig.admin, rotation.id)
        await rig.live(3600)
        assert statuses(rig) == ["ACTIVE", "ACTIVE"]
        gate = (await list_turns(rig.world, rig.admin, rotation.id))[0].gate
        assert isinstance(gate, Shut)
        assert [w.who.partition(",")[0] for w in gate.waiting] == ["ci"]
        await read_secret(rig.world, ci, PLACE, NAME)
        await rig.live(300)
        assert statuses(rig) == ["ACTIVE", "ACTIVE"]
        await read_secret(rig.world, ci, PLACE, NAME)
        await rig.live(300)
        assert statuses(rig) == ["INACTIVE", "ACTIVE"]
        assert (await turn_of(rig, rotation.id)).opened is Opened.EVIDENCE

    async def test_backstop_opens_for_a_reader_that_never_comes_back(self, rig: Rig) -> None:
        """The old secret does not live for ever, and the record says who still held it."""
        ci = await reader(rig, "ci")
        rotation = (await rig.rotation(policy=BY_EVIDENCE)).rotation
        await read_secret(rig.world, ci, PLACE, NAME)
        await rotate(rig.world, rig.admin, rotation.id)
        turn = await rig.run(rotation.id)
        assert (turn.phase, turn.opened) == (Phase.FINISHED, Opened.BACKSTOP)
        report = await report_turn(rig.world, rig.admin, rotation.id, turn.id)
        assert any(step.step == "retire" and "ci" in step.detail for step in report.told.steps)

    async def test_use_in_oktas_log_keeps_it(self, rig: Rig) -> None:
        """A user that reads nothing from Keyturn is seen in Okta's log, for one call a look."""
        old = rig.org.read_app(rig.app_id).live_secrets[0].value
        rotation = (await rig.rotation(policy=replace(BY_EVIDENCE, log=True, quiet_s=600))).rotation
        await rotate(rig.world, rig.admin, rotation.id)
        rig.clock.advance(299)
        await rig.authenticate(old)
        await rig.live(590)
        assert statuses(rig) == ["ACTIVE", "ACTIVE"]
        await rig.live(20)
        assert statuses(rig) == ["INACTIVE", "ACTIVE"]

    async def test_quiet_turn_by_evidence_costs_six_management_calls(self, rig: Rig) -> None:
        """One look at the log, and none while it soaks: nothing is in doubt."""
        policy = replace(BY_EVIDENCE, log=True)
        rotation = (await rig.rotation(policy=policy)).rotation
        rig.calls()
        await read_and_turned(rig, rotation.id)
        await rig.run(rotation.id)
        made = [c["route"] for c in rig.calls() if c["route"].startswith("/api/v1/")]
        assert len(made) == 6
        assert made.count("/api/v1/logs") == 1

    async def test_org_without_log_access_is_done_without(self, rig: Rig) -> None:
        """Where Okta refuses the log, readers' evidence alone opens the gate."""
        rotation = (await rig.rotation(policy=replace(BY_EVIDENCE, log=True))).rotation
        await read_and_turned(rig, rotation.id)
        rig.org.add_fault(Fault("role-removed", route="/api/v1/logs"))
        rig.org.add_fault(Fault("error-before-effect", route="/api/v1/logs", status=403))
        await rig.live(301)
        assert (await turn_of(rig, rotation.id)).phase is Phase.SOAKING


async def test_old_secret_lives_until_the_next_turn_is_due(rig: Rig) -> None:
    """Two secrets work for nearly the whole interval; the next turn finds its room."""
    policy = PolicyChange(overlap=Overlap.UNTIL_NEXT)
    rotation = (await rig.rotation(policy=policy)).rotation
    await rotate(rig.world, rig.admin, rotation.id)
    await rig.live(28 * 86_400)
    assert statuses(rig) == ["ACTIVE", "ACTIVE"]
    assert len(rig.posts()) == 1
    await rig.live(5 * 86_400)
    assert len(rig.posts()) == 2
    assert statuses(rig) == ["ACTIVE", "ACTIVE"]


async def test_orders_are_on_record(rig: Rig) -> None:
    """The turn's own record names who ordered what."""
    rotation_id = await overlapping(rig)
    await pause_turn(rig.world, rig.admin, rotation_id)
    await resume_turn(rig.world, rig.admin, rotation_id)
    steps = (await list_turns(rig.world, rig.admin, rotation_id))[0].steps
    told = [(s.step, s.detail) for s in steps if s.step in ("pause", "resume")]
    assert told == [("pause", "By administrator."), ("resume", "By administrator.")]


async def test_worker_leaves_a_turn_that_was_decided_about(rig: Rig) -> None:
    """What a worker saw before the order no longer counts: its next write is refused."""
    rotation_id = await overlapping(rig)
    rig.clock.advance(300)
    async with rig.world.store.writing() as tx:
        (held,) = await tx.claim_due(
            rig.clock.now(), owner="w", lease=rig.world.limits.lease, limit=1
        )
    since_s = rig.clock.uptime_s()
    await pause_turn(rig.world, rig.admin, rotation_id)
    await rig.advance(held, since_s)
    assert statuses(rig) == ["ACTIVE", "ACTIVE"]
    assert (await turn_of(rig, rotation_id)).paused_at


@pytest.mark.parametrize(
    ("method", "route", "answered"),
    [("GET", SECRETS, True), ("POST", DEACTIVATE, True), ("POST", DEACTIVATE, False)],
)
async def test_turn_decided_about_goes_on_at_once(
    rig: Rig, method: str, route: str, *, answered: bool
) -> None:
    """Its worker gives it back when it finds out, but for where a call of its may be under way."""
    rotation_id = await overlapping(rig)
    rig.clock.advance(300)

    async def hurry(_seconds: float) -> None:
        await finish_now(rig.world, rig.admin, rotation_id, at_once=True)
        if not answered:
            raise httpx2.ReadTimeout("")

    rig.org.sleep = hurry
    rig.org.add_fault(Fault("delay-after-effect", method, route, seconds=1, count=1))
    await rig.tick()
    left = await turn_of(rig, rotation_id)
    assert left.wake_at
    assert (left.owner is None, left.wake_at <= rig.clock.now()) == (answered, answered)
    await rig.tick()
    assert (await turn_of(rig, rotation_id)).open is not answered


@pytest.mark.parametrize(("spent_s", "renewed"), [(20, False), (21, True)])
async def test_looking_renews_the_lease(rig: Rig, spent_s: int, *, renewed: bool) -> None:
    """Slow answers to mere looks do not lose a turn to another worker, nor cost a write each."""
    await overlapping(rig)
    rig.clock.advance(300)
    since_s = rig.clock.uptime_s()
    async with rig.world.store.writing() as tx:
        lease = rig.world.limits.lease
        (held,) = await tx.claim_due(rig.clock.now(), owner="w", lease=lease, limit=1)
    rig.clock.advance(spent_s)
    book = Logbook(rig.world, held, since_s)
    await book.renew()
    stored = await turn_of(rig, held.rotation_id)
    ends_at = rig.clock.now() + lease
    assert (stored.wake_at == ends_at, stored == book.turn) == (renewed, True)


async def test_word_is_open_until_it_was_heeded(rig: Rig) -> None:
    """Before, it is shown as not heeded; of a turn that has ended it tells what was said."""
    rotation_id = await overlapping(rig)
    await finish_now(rig.world, rig.admin, rotation_id)
    assert await shown_word(rig, rotation_id) == [
        "word         finish, said by an operator, not heeded yet"
    ]
    await finish_now(rig.world, rig.admin, rotation_id, at_once=True)
    assert (await rig.run(rotation_id)).phase is Phase.FINISHED
    assert await shown_word(rig, rotation_id) == ["word         at once, said by an operator"]
