"""Drift while a turn is open, and repairs that start one: nothing is forgotten."""

from dataclasses import replace
from datetime import time

import pytest
from meanwhile_kit import Meanwhile
from rig import Rig

from keyturn.domain.drift import Finding, Kind
from keyturn.domain.errors import Refused
from keyturn.domain.foreign import Consent
from keyturn.domain.ids import CredentialId
from keyturn.domain.outlook import State
from keyturn.domain.schedule import Schedule
from keyturn.domain.turn import Overlap, Phase, Reason, Turn
from keyturn.sandbox import Fault
from keyturn.services.consent import adopt_existing, retire_existing
from keyturn.services.drift import list_findings, reconcile_due, repair_finding
from keyturn.services.orders import abort_turn, pause_turn
from keyturn.services.policies import PolicyChange
from keyturn.services.rotations import view
from keyturn.services.turns import rotate

DAY = 86_400


async def overlapping(rig: Rig, **policy: object) -> tuple[str, str]:
    """Create a rotation that overlaps until its next turn; return its id and the new secret's."""
    wanted = PolicyChange(overlap=Overlap.UNTIL_NEXT, **policy)  # type: ignore[arg-type]  # its fields
    rotation_id = (await rig.rotation(policy=wanted)).rotation.id
    await rotate(rig.world, rig.admin, rotation_id)
    await rig.live(600)
    turn = await turn_of(rig, rotation_id)
    assert turn.new
    return rotation_id, str(turn.new.okta_id)


async def turn_of(rig: Rig, rotation_id: str) -> Turn:
    """Return the open or last turn."""
    turn = (await view(rig.world, rotation_id)).turn
    assert turn
    return turn


async def kinds(rig: Rig) -> list[Kind]:
    """Return what is open."""
    views = await list_findings(rig.world, rig.admin, project="example")
    return [each.finding.kind for each in views]


def remove(rig: Rig, secret_id: str) -> None:
    """Remove a client secret, as an administrator of the org does."""
    rig.org.deactivate_secret(rig.app_id, secret_id)
    rig.org.delete_secret(rig.app_id, secret_id)


async def accepted(rig: Rig) -> bool:
    """Say whether Okta accepts what readers are given."""
    working = [secret["hash"] for secret in rig.living() if secret["status"] == "ACTIVE"]
    return await rig.served_hash() in working


async def test_dead_served_secret_is_found_during_an_overlap(rig: Rig) -> None:
    """A turn that sleeps for weeks does not keep anybody from looking."""
    _, new = await overlapping(rig)
    rig.org.deactivate_secret(rig.app_id, new)
    await rig.live(DAY)
    assert await kinds(rig) == [Kind.SECRET_DEACTIVATED]


async def test_dead_served_secret_is_mended_during_an_overlap(rig: Rig) -> None:
    """With the policy to repair, readers are served again within one comparison."""
    rotation_id, new = await overlapping(rig, repair=True)
    rig.org.deactivate_secret(rig.app_id, new)
    await rig.live(DAY)
    assert await accepted(rig)
    await rig.live(DAY)
    assert await kinds(rig) == []
    assert (await turn_of(rig, rotation_id)).phase is Phase.OVERLAPPING


async def test_turn_whose_new_secret_is_gone_stops_when_that_is_seen(rig: Rig) -> None:
    """Not at its next step weeks later: the turn and the rotation say so at once."""
    rotation_id, new = await overlapping(rig)
    remove(rig, new)
    await rig.live(DAY)
    assert await kinds(rig) == [Kind.SECRET_REMOVED]
    seen = await view(rig.world, rotation_id)
    assert seen.turn
    assert seen.turn.blocked
    assert seen.turn.blocked.reason is Reason.NEW_SECRET_LOST
    assert seen.rotation.last_message == str(seen.turn.blocked)


async def test_aborted_turn_is_stopped_by_no_comparison(rig: Rig) -> None:
    """Whoever has said that the old secret is to be served does not have to say it again."""
    rotation_id, new = await overlapping(rig)
    remove(rig, new)
    rig.clock.advance(DAY)
    await abort_turn(rig.world, rig.admin, rotation_id)
    assert (await rig.run(rotation_id)).phase is Phase.ROLLED_BACK
    assert await accepted(rig)


async def test_paused_turn_is_compared(rig: Rig) -> None:
    """Whoever paused a turn is still told that readers hold a dead secret."""
    rotation_id, new = await overlapping(rig)
    await pause_turn(rig.world, rig.admin, rotation_id)
    remove(rig, new)
    await rig.live(DAY)
    assert await kinds(rig) == [Kind.SECRET_REMOVED]
    assert (await turn_of(rig, rotation_id)).paused_at


async def room_taken(rig: Rig, **fields: object) -> tuple[str, str]:
    """Have the served secret removed while foreign ones take all the room.

    Return the rotation's id and that of one of the foreign secrets.
    """
    schedule = Schedule(30, time(0, 0), **fields)  # type: ignore[arg-type]  # its fields
    made = await rig.rotation(policy=PolicyChange(repair=True), schedule=schedule)
    served = rig.living()[0]["id"]
    rig.org.create_secret(rig.app_id)
    remove(rig, served)
    foreign = rig.org.create_secret(rig.app_id)
    await rig.live(DAY)
    return made.rotation.id, foreign.id


async def test_repair_that_came_to_nothing_stays_a_finding(rig: Rig) -> None:
    """A turn that was started is no repair yet; it is tried again until readers are served."""
    rotation_id, foreign = await room_taken(rig)
    assert (await turn_of(rig, rotation_id)).blocked
    assert Kind.SECRET_REMOVED in await kinds(rig)
    await rig.live(DAY)
    assert Kind.SECRET_REMOVED in await kinds(rig)
    remove(rig, foreign)
    await rig.live(3 * DAY)
    assert await accepted(rig)
    assert await kinds(rig) == [Kind.SECRET_ADDED]


async def test_known_finding_is_tried_more_and_more_rarely(rig: Rig) -> None:
    """As the schedule does with turns that fail: after 1, 1, 2 and 4 days."""
    rotation_id, _ = await room_taken(rig, automatic=False, quarantine_after=0)
    tries = []
    for day in range(1, 10):
        before = (await view(rig.world, rotation_id)).rotation.failures
        await rig.live(DAY)
        if (await view(rig.world, rotation_id)).rotation.failures > before:
            tries.append(day)
    assert tries == [1, 2, 4, 8]


async def test_quarantine_ends_repairs_by_turns(rig: Rig) -> None:
    """So many starts by itself without success, and the rotation is left to people."""
    rotation_id, foreign = await room_taken(rig, quarantine_after=2)
    await rig.live(2 * DAY)
    seen = await view(rig.world, rotation_id)
    assert (seen.rotation.failures, seen.outlook.state) == (2, State.QUARANTINED)
    assert "Okta refuses the secret that readers are given" in seen.outlook.why
    remove(rig, foreign)
    await rig.live(30 * DAY)
    assert (await turn_of(rig, rotation_id)).blocked
    await rotate(rig.world, rig.admin, rotation_id)
    assert await accepted(rig)


async def test_repair_by_a_turn_of_ours_is_seen_as_one(rig: Rig) -> None:
    """Our own calls cost no look as long as nothing is open; then they may be what mended it."""
    rotation_id = (await rig.rotation()).rotation.id
    served = rig.living()[0]["id"]
    other = rig.org.create_secret(rig.app_id)
    remove(rig, served)
    await rig.live(DAY)
    assert await kinds(rig) == [Kind.SECRET_REMOVED, Kind.SECRET_ADDED]
    await rotate(rig.world, rig.admin, rotation_id)
    await rig.run(rotation_id)
    await rig.live(DAY)
    assert await kinds(rig) == [Kind.SECRET_ADDED]
    assert other.id in {secret["id"] for secret in rig.living()}


async def test_retirement_of_ours_is_seen_to_close_a_finding(rig: Rig) -> None:
    """Where somebody consented, our own call is what put it right."""
    rotation_id = (await rig.rotation()).rotation.id
    foreign = rig.org.create_secret(rig.app_id)
    await rig.live(DAY)
    assert await kinds(rig) == [Kind.SECRET_ADDED]
    consent = Consent(CredentialId(foreign.id), foreign.created_at.date())
    await retire_existing(rig.world, rig.admin, rotation_id, consent)
    await rig.run(rotation_id)
    await rig.live(DAY)
    assert await kinds(rig) == []


async def test_turn_that_starts_during_the_comparison_is_no_drift(rig: Rig) -> None:
    """What it adds is not on the record that was read: the app is looked at again."""
    rotation_id = (await rig.rotation()).rotation.id
    rig.org.add_fault(Fault("error-before-effect", route="/api/v1/logs", status=403))
    okta = Meanwhile(rig.world.okta, lambda: rotate(rig.world, rig.admin, rotation_id))
    rig.clock.advance(DAY)
    assert await reconcile_due(replace(rig.world, okta=okta)) == 1
    assert await kinds(rig) == []
    assert (await view(rig.world, rotation_id)).rotation.checked_at is None


async def test_turn_that_stopped_for_it_goes_on_once_it_is_mended(rig: Rig) -> None:
    """Nobody has to resume what waited for the activation alone."""
    rotation_id = (await rig.rotation()).rotation.id
    await rotate(rig.world, rig.admin, rotation_id)
    new = (await turn_of(rig, rotation_id)).new
    assert new
    rig.org.deactivate_secret(rig.app_id, str(new.okta_id))
    await rig.live(DAY)
    stopped = (await turn_of(rig, rotation_id)).blocked
    assert stopped
    assert stopped.reason is Reason.NEW_SECRET_OFF
    (found,) = await list_findings(rig.world, rig.admin, project="example")
    await repair_finding(rig.world, rig.admin, found.finding.id)
    assert (await rig.run(rotation_id)).phase is Phase.FINISHED


async def test_retired_secret_is_not_revived_by_a_finding(rig: Rig) -> None:
    """Readers have been given another one since: the finding is about nothing any more."""
    rotation_id = (await rig.rotation()).rotation.id
    served, other = rig.living()[0]["id"], rig.org.create_secret(rig.app_id)
    rig.org.deactivate_secret(rig.app_id, served)
    await rig.live(DAY)
    views = await list_findings(rig.world, rig.admin, project="example")
    (finding,) = [v.finding for v in views if v.finding.kind is Kind.SECRET_DEACTIVATED]
    await adopt_existing(rig.world, rig.admin, rotation_id, secret_id=other.id, value=None)
    assert await kinds(rig) == []
    assert (await view(rig.world, rotation_id)).rotation.checked_at is None
    with pytest.raises(Refused, match="closed by turn"):
        await repair_finding(rig.world, rig.admin, finding.id)
    async with rig.world.store.writing() as tx:
        await tx.replace(finding)  # as one that was found just before
    with pytest.raises(Refused, match="not given client secret"):
        await repair_finding(rig.world, rig.admin, finding.id)
    assert rig.living()[0]["status"] == "INACTIVE"
    assert await kinds(rig) == []


async def test_secret_that_is_served_no_more_is_not_activated(rig: Rig) -> None:
    """Whoever repairs yesterday's finding revives nothing that was retired since."""
    rotation_id, new = await overlapping(rig)
    rig.org.deactivate_secret(rig.app_id, new)
    await rig.live(DAY)
    async with rig.world.store.reading() as tx:
        (finding,) = await tx.list(Finding, rotation_id=rotation_id)
    rig.org.delete_secret(rig.app_id, new)
    with pytest.raises(Refused, match=f"shows no client secret {new} just now"):
        await repair_finding(rig.world, rig.admin, finding.id)
    assert await kinds(rig) == [Kind.SECRET_DEACTIVATED]
    await rig.live(DAY)
    assert await kinds(rig) == [Kind.SECRET_REMOVED]


async def test_finding_ends_with_what_it_is_about(rig: Rig) -> None:
    """Where the old secret is served again, nobody is told to revive the lost one."""
    rotation_id, new = await overlapping(rig)
    rig.org.deactivate_secret(rig.app_id, new)
    await rig.live(DAY)
    assert await kinds(rig) == [Kind.SECRET_DEACTIVATED]
    await abort_turn(rig.world, rig.admin, rotation_id)
    assert (await rig.run(rotation_id)).phase is Phase.ROLLED_BACK
    assert await kinds(rig) == []
    await rig.live(DAY)
    assert Kind.SECRET_DEACTIVATED not in await kinds(rig)
