"""Readers' secret is lost while a turn stands still: how soon that is mended, and by whom."""

from dataclasses import replace
from datetime import time, timedelta

import pytest
from meanwhile_kit import before_next
from rig import SECRETS, Rig

from keyturn.domain.drift import Kind
from keyturn.domain.errors import OktaError, Refused
from keyturn.domain.rotation import Rotation
from keyturn.domain.schedule import Schedule
from keyturn.domain.setback import KEEP_CLOSED
from keyturn.domain.turn import Phase, Reason, Turn
from keyturn.sandbox import Fault
from keyturn.services.drift import compare_now, list_findings, repair_finding
from keyturn.services.duties import claim_due
from keyturn.services.orders import (
    abort_turn,
    finish_now,
    pause_turn,
    reinstate_old,
    resume_turn,
)
from keyturn.services.policies import PolicyChange
from keyturn.services.rotations import RotationChange, update_rotation, view
from keyturn.services.turns import rotate

HOUR, DAY = 3_600, 86_400
BY_HAND = Schedule(90, time(0, 0), automatic=False)


@pytest.fixture(autouse=True)
def hourly(rig: Rig) -> None:
    """Compare every hour, as Keyturn does by default."""
    limits = replace(rig.world.limits, reconcile=timedelta(hours=1))
    rig.world = replace(rig.world, limits=limits)


async def overlapping(rig: Rig, *, repair: bool = True) -> str:
    """Create a rotation that nothing starts by itself, and turn it; return its id."""
    policy = PolicyChange(repair=repair, overlap_s=20 * DAY, backstop_s=30 * DAY)
    rotation_id = (await rig.rotation(policy=policy, schedule=BY_HAND)).rotation.id
    await rig.live(DAY)
    await rotate(rig.world, rig.admin, rotation_id)
    await rig.live(HOUR)
    return rotation_id


async def blocked_for_use(rig: Rig, *, repair: bool) -> str:
    """Return a rotation whose turn is blocked, because its old secret had to be reinstated."""
    policy = PolicyChange(repair=repair)
    rotation_id = (await rig.rotation(policy=policy, schedule=BY_HAND)).rotation.id
    await rotate(rig.world, rig.admin, rotation_id)
    await rig.live(400)
    await reinstate_old(rig.world, rig.admin, rotation_id)
    await rig.live(8 * DAY)
    assert await reason(rig, rotation_id) is Reason.OLD_SECRET_USED
    return rotation_id


async def turn_of(rig: Rig, rotation_id: str) -> Turn:
    """Return the open or last turn."""
    turn = (await view(rig.world, rotation_id)).turn
    assert turn
    return turn


async def reason(rig: Rig, rotation_id: str) -> Reason | None:
    """Return why the turn is blocked."""
    blocked = (await turn_of(rig, rotation_id)).blocked
    return blocked.reason if blocked else None


async def lose(rig: Rig, rotation_id: str) -> None:
    """Remove the new secret at Okta, as an administrator does."""
    new = (await turn_of(rig, rotation_id)).new
    assert new
    rig.org.deactivate_secret(rig.app_id, str(new.okta_id))
    rig.org.delete_secret(rig.app_id, str(new.okta_id))


async def accepted(rig: Rig) -> bool:
    """Say whether Okta accepts what readers are given."""
    working = [secret["hash"] for secret in rig.living() if secret["status"] == "ACTIVE"]
    return await rig.served_hash() in working


async def test_loss_is_mended_though_the_turn_is_blocked_for_another_reason(rig: Rig) -> None:
    """That somebody uses the old secret keeps nobody from being given what works."""
    rotation_id = await blocked_for_use(rig, repair=True)
    await lose(rig, rotation_id)
    await rig.live(HOUR)
    assert await accepted(rig)
    assert (await turn_of(rig, rotation_id)).phase is Phase.ROLLED_BACK


async def test_turn_that_is_blocked_for_another_reason_tells_of_the_loss(rig: Rig) -> None:
    """That readers are refused is worse than what it was blocked for, and has its own ways out."""
    rotation_id = await blocked_for_use(rig, repair=False)
    await lose(rig, rotation_id)
    await rig.live(HOUR)
    assert await reason(rig, rotation_id) is Reason.NEW_SECRET_LOST
    told = (await view(rig.world, rotation_id)).rotation.last_message
    stopped = await turn_of(rig, rotation_id)
    assert told == str(stopped.blocked)
    await rig.live(HOUR)
    assert await turn_of(rig, rotation_id) == stopped
    await abort_turn(rig.world, rig.admin, rotation_id)
    await rig.run(rotation_id)
    assert await accepted(rig)


async def test_in_an_emergency_nobody_is_told_to_serve_what_has_leaked(rig: Rig) -> None:
    """The comparison that stops its turn says the same as the turn itself would."""
    rotation_id = (await rig.rotation()).rotation.id
    rig.org.add_fault(Fault("error-before-effect", "DELETE", SECRETS + "/{secretId}", status=503))
    await rotate(rig.world, rig.admin, rotation_id, emergency=True)
    rig.org.remove_fault()
    rig.org.activate_secret(rig.app_id, rig.living()[0]["id"])
    await lose(rig, rotation_id)
    await compare_now(rig.world, rig.admin, rig.connection.id)
    assert await reason(rig, rotation_id) is Reason.NEW_SECRET_LOST
    told = (await view(rig.world, rotation_id)).rotation.last_message
    assert str(told).endswith(KEEP_CLOSED)


async def test_value_that_came_back_is_served_under_the_id_that_it_has(rig: Rig) -> None:
    """The next turn knows it for what readers are given, and retires it."""
    rotation_id = await overlapping(rig)
    old, _ = rig.org.read_app(rig.app_id).live_secrets
    rig.org.deactivate_secret(rig.app_id, old.id)
    rig.org.delete_secret(rig.app_id, old.id)
    rig.org.create_secret(rig.app_id, old.value)
    await lose(rig, rotation_id)
    await rig.live(HOUR)
    assert await accepted(rig)
    await rotate(rig.world, rig.admin, rotation_id)
    await finish_now(rig.world, rig.admin, rotation_id)
    assert (await rig.run(rotation_id)).phase is Phase.FINISHED
    assert [secret["hash"] for secret in rig.living()] == [await rig.served_hash()]


async def test_list_that_lacks_what_okta_accepts_is_not_believed(rig: Rig) -> None:
    """An old list neither stops the turn nor makes a finding; the app is looked at again."""
    rotation_id = await overlapping(rig)
    before = await turn_of(rig, rotation_id)
    rig.org.add_fault(Fault("stale-read", "GET", SECRETS, seconds=2 * HOUR))
    assert await compare_now(rig.world, rig.admin, rig.connection.id) == 0
    assert await list_findings(rig.world, rig.admin, project="example") == []
    assert await turn_of(rig, rotation_id) == before
    rig.org.remove_fault()
    await lose(rig, rotation_id)
    await rig.live(HOUR)
    assert await accepted(rig)


async def test_paused_turn_is_left_to_whoever_paused_it(rig: Rig) -> None:
    """A repair does not overrule a pause; once it is resumed it is mended at the next look."""
    rotation_id = await overlapping(rig)
    await pause_turn(rig.world, rig.admin, rotation_id)
    await lose(rig, rotation_id)
    await rig.live(2 * DAY)
    assert (await turn_of(rig, rotation_id)).paused_at
    (found,) = await list_findings(rig.world, rig.admin, project="example")
    assert found.finding.kind is Kind.SECRET_REMOVED
    await resume_turn(rig.world, rig.admin, rotation_id)
    await rig.live(HOUR)
    assert await accepted(rig)


async def test_paused_turn_that_lost_its_new_secret_is_aborted_by_a_word(rig: Rig) -> None:
    """Whoever paused it does not have to resume it first: the old secret is served at once."""
    rotation_id = await overlapping(rig)
    await pause_turn(rig.world, rig.admin, rotation_id)
    await lose(rig, rotation_id)
    await abort_turn(rig.world, rig.admin, rotation_id)
    await rig.run(rotation_id)
    assert await accepted(rig)


@pytest.mark.parametrize("failures", [0, 1])
async def test_turn_that_a_worker_held_is_mended_at_the_next_look(rig: Rig, failures: int) -> None:
    """Nothing has been tried yet when the loss was seen first, so there is nothing to wait for."""
    rotation_id = await overlapping(rig)
    await lose(rig, rotation_id)
    leased = rig.clock.now() + timedelta(seconds=HOUR + 30)
    held = replace(await turn_of(rig, rotation_id), owner="somebody", wake_at=leased)
    async with rig.world.store.writing() as tx:
        await tx.replace(held)
        rotation = await tx.find(Rotation, id=rotation_id)
        assert rotation
        await tx.replace(replace(rotation, failures=failures))
    await rig.live(HOUR)
    assert await turn_of(rig, rotation_id) == held
    await rig.live(60)
    await rig.live(HOUR)
    assert await accepted(rig)


async def test_repair_that_is_allowed_later_does_not_wait(rig: Rig) -> None:
    """A loss that is known and that nobody has tried to mend is mended at the next look."""
    rotation_id = await overlapping(rig, repair=False)
    await lose(rig, rotation_id)
    await rig.live(HOUR)
    assert await reason(rig, rotation_id) is Reason.NEW_SECRET_LOST
    change = RotationChange(policy=PolicyChange(repair=True))
    await update_rotation(rig.world, rig.admin, rotation_id, change)
    await rig.live(HOUR)
    assert await accepted(rig)


async def test_nobody_gives_up_what_is_being_activated(rig: Rig) -> None:
    """One that a worker has in hand is left to it; no worker begins while the call is made."""
    rotation_id, finding_id = await deactivated(rig)
    turn = await turn_of(rig, rotation_id)
    due = replace(turn, wake_at=rig.clock.now())
    await put(rig, replace(due, owner="somebody"))
    with pytest.raises(Refused, match="A worker goes on with the turn"):
        await repair_finding(rig.world, rig.admin, finding_id)
    assert [each["status"] for each in rig.living()] == ["ACTIVE", "INACTIVE"]
    await put(rig, due)
    begun: list[object] = []

    async def claim() -> None:
        begun.extend(await claim_due(rig.world, owner="other", limit=10))
        async with rig.world.store.reading() as tx:  # as a worker does with a job of the queue
            begun.extend(await tx.list(Turn, id=turn.id, epoch=turn.epoch, owner=None))

    before_next(rig, "activate", claim)
    await repair_finding(rig.world, rig.admin, finding_id)
    assert begun == []
    assert [each["status"] for each in rig.living()] == ["ACTIVE", "ACTIVE"]
    assert len(await claim_due(rig.world, owner="other", limit=10)) == 1


@pytest.mark.parametrize(("status", "waits_s"), [(403, 7), (503, 60)])
async def test_turn_is_as_it_was_where_okta_activates_nothing(
    rig: Rig, status: int, waits_s: int
) -> None:
    """It comes due when it would have; a call that may still arrive has its lease waited for."""
    rotation_id, finding_id = await deactivated(rig)
    due_at = rig.clock.now() + timedelta(seconds=7)
    before = replace(await turn_of(rig, rotation_id), wake_at=due_at)
    await put(rig, before)
    lifecycle = SECRETS + "/{secretId}/lifecycle/activate"
    rig.org.add_fault(Fault("error-before-effect", "POST", lifecycle, status=status))
    with pytest.raises(OktaError):
        await repair_finding(rig.world, rig.admin, finding_id)
    after = await turn_of(rig, rotation_id)
    assert (after == before) is (status == 403)
    assert after.wake_at == due_at + timedelta(seconds=waits_s - 7)


async def test_turn_that_is_paused_in_the_middle_of_a_repair_is_left_free(rig: Rig) -> None:
    """The order stands, and nobody holds the turn when the call is over."""
    rotation_id, finding_id = await deactivated(rig)

    async def pause() -> None:
        await pause_turn(rig.world, rig.admin, rotation_id)

    before_next(rig, "activate", pause)
    await repair_finding(rig.world, rig.admin, finding_id)
    after = await turn_of(rig, rotation_id)
    assert after.paused_at
    assert (after.owner, after.wake_at) == (None, None)


async def deactivated(rig: Rig) -> tuple[str, str]:
    """Have somebody deactivate what a turn serves; return the ids of rotation and finding."""
    rotation_id = await overlapping(rig, repair=False)
    new = (await turn_of(rig, rotation_id)).new
    rig.org.deactivate_secret(rig.app_id, str(new and new.okta_id))
    await compare_now(rig.world, rig.admin, rig.connection.id)
    (found,) = await list_findings(rig.world, rig.admin, project="example")
    return rotation_id, found.finding.id


async def put(rig: Rig, turn: Turn) -> None:
    """Have the record of a turn be this."""
    async with rig.world.store.writing() as tx:
        await tx.replace(turn)
