"""One answer of Okta's that cannot be right: nothing that works is given up for it."""

from contextlib import suppress
from typing import Any

import pytest
from delivery_kit import carriers, destination
from kinds_kit import settled
from rig import SECRETS, Rig

from keyturn.domain.errors import DestinationAway, Refused, TurnFailed
from keyturn.domain.okta import CredentialKind
from keyturn.domain.turn import Overlap, Phase, Reason, Turn
from keyturn.sandbox import Fault
from keyturn.services.consent import retire_existing
from keyturn.services.orders import abort_turn, finish_now, reinstate_old, resume_turn
from keyturn.services.policies import PolicyChange
from keyturn.services.rotations import view
from keyturn.services.turns import rotate

DAY_S = 86_400
EMPTY = Fault("empty-list", "GET", SECRETS, count=2)
STALE = Fault("stale-read", "GET", SECRETS, count=2, seconds=301)
LOGS = "/api/v1/logs"


async def overlapping(rig: Rig, **policy: Any) -> str:  # noqa: ANN401  fields of a change
    """Turn a new rotation; return its id while both secrets work."""
    rotation_id = (await rig.rotation(policy=PolicyChange(**policy))).rotation.id
    await rotate(rig.world, rig.admin, rotation_id)
    return rotation_id


async def soaking(rig: Rig, **policy: Any) -> str:  # noqa: ANN401  fields of a change
    """Turn a new rotation; return its id once its old secret is retired."""
    rotation_id = await overlapping(rig, **policy)
    await rig.live(300)
    assert (await turn_of(rig, rotation_id)).phase is Phase.SOAKING
    return rotation_id


async def turn_of(rig: Rig, rotation_id: str) -> Turn:
    """Return the newest turn."""
    turn = (await view(rig.world, rotation_id)).turn
    assert turn
    return turn


async def only_the_served_one_is_left(rig: Rig, rotation_id: str) -> bool:
    """Let the turn end; say whether it finished, with one secret at Okta and that served."""
    turn = await rig.run(rotation_id)
    left = [(s["hash"], s["status"]) for s in rig.living()]
    return turn.phase is Phase.FINISHED and left == [(await rig.served_hash(), "ACTIVE")]


@pytest.mark.parametrize("fault", [EMPTY, STALE], ids=["empty", "stale"])
@pytest.mark.parametrize("repair", [False, True], ids=["told", "mended"])
async def test_list_without_what_is_served_ends_no_turn(
    rig: Rig, fault: Fault, *, repair: bool
) -> None:
    """Okta accepts what is served: it is looked again, and neither secret is destroyed."""
    rotation_id = await overlapping(rig, repair=repair)
    rig.org.add_fault(fault)
    rig.clock.advance(300)
    await rig.tick()
    assert (await turn_of(rig, rotation_id)).phase is Phase.OVERLAPPING
    assert await only_the_served_one_is_left(rig, rotation_id)


async def test_order_to_abort_believes_no_empty_list(rig: Rig) -> None:
    """The new secret is said to be gone, which Okta's probe denies: it is not taken back."""
    rotation_id = await overlapping(rig)
    rig.org.add_fault(EMPTY)
    with pytest.raises(Refused, match="so it stays"):
        await abort_turn(rig.world, rig.admin, rotation_id)
    assert await only_the_served_one_is_left(rig, rotation_id)


async def test_old_secret_is_served_again_though_no_list_shows_it(rig: Rig) -> None:
    """The new one is gone; that the list is empty says nothing about the old one."""
    rotation_id = await overlapping(rig)
    turn = await turn_of(rig, rotation_id)
    assert turn.new
    rig.org.deactivate_secret(rig.app_id, str(turn.new.okta_id))
    rig.org.delete_secret(rig.app_id, str(turn.new.okta_id))
    rig.org.add_fault(EMPTY)
    await abort_turn(rig.world, rig.admin, rotation_id)
    assert (await rig.run(rotation_id)).phase is Phase.ROLLED_BACK
    assert [s["hash"] for s in rig.living()] == [await rig.served_hash()]


async def test_failures_shorten_no_overlap_by_oktas_clock(rig: Rig) -> None:
    """Ours was set forward by 23 hours; ten answers that fail count for no hour of Okta's."""
    rotation_id = await overlapping(rig, overlap=Overlap.FIXED, overlap_s=DAY_S)
    rig.org.add_fault(Fault("error-before-effect", "GET", SECRETS, count=10, status=503))
    rig.org.add_fault(Fault("wrong-clock", "GET", SECRETS, seconds=-23 * 3600))
    rig.clock.advance(DAY_S)
    for _ in range(20):
        await rig.live(300)
    assert (await turn_of(rig, rotation_id)).phase is Phase.OVERLAPPING
    await rig.live(22 * 3600)
    assert (await turn_of(rig, rotation_id)).phase is Phase.SOAKING


async def test_backstop_is_over_by_oktas_clock_too(rig: Rig) -> None:
    """A clock of ours that was set forward cuts off nobody who has not come for the new one."""
    week_s = 7 * DAY_S
    rotation_id = (
        await rig.rotation(
            policy=PolicyChange(overlap=Overlap.EVIDENCE, overlap_s=300, backstop_s=week_s)
        )
    ).rotation.id
    await rig.served_hash()
    await rotate(rig.world, rig.admin, rotation_id)
    await rig.live(400)
    clock = rig.org.add_fault(Fault("wrong-clock", "GET", SECRETS, seconds=-8 * DAY_S))
    rig.clock.advance(8 * DAY_S)
    await rig.tick()
    assert (await turn_of(rig, rotation_id)).phase is Phase.OVERLAPPING
    await rig.live(week_s - 400)
    rig.org.remove_fault(clock)
    await rig.live(60)
    assert (await turn_of(rig, rotation_id)).phase is Phase.SOAKING


async def put_back(rig: Rig, rotation_id: str) -> str:
    """Delete the old secret at Okta while it soaks, and add its value again; return the new id."""
    old = next(s for s in rig.org.read_app(rig.app_id).live_secrets if s.status == "INACTIVE")
    rig.org.delete_secret(rig.app_id, old.id)
    return rig.org.create_secret(rig.app_id, old.value).id


@pytest.mark.parametrize("hurried", [False, True])
async def test_no_turn_ends_while_the_old_value_works(rig: Rig, *, hurried: bool) -> None:
    """Somebody has added it again under another id: that is named, and the turn stands still."""
    rotation_id = await soaking(rig)
    back = await put_back(rig, rotation_id)
    if hurried:
        await finish_now(rig.world, rig.admin, rotation_id)
    turn = await rig.run(rotation_id)
    assert turn.blocked
    assert turn.blocked.reason is Reason.FOREIGN_SECRET
    assert f"{back} (ACTIVE" in turn.blocked.detail
    assert "the old value come back" in turn.blocked.detail
    assert f"`keyturn turn reinstate {rotation_id}` lets it work on" in turn.blocked.detail
    rig.org.deactivate_secret(rig.app_id, back)
    rig.org.delete_secret(rig.app_id, back)
    await resume_turn(rig.world, rig.admin, rotation_id)
    assert await only_the_served_one_is_left(rig, rotation_id)


async def test_old_value_that_works_on_is_retired_by_its_new_id(rig: Rig) -> None:
    """Reinstated it overlaps again, and its owner's consent retires it."""
    rotation_id = await soaking(rig)
    back = await put_back(rig, rotation_id)
    await rig.run(rotation_id)
    await reinstate_old(rig.world, rig.admin, rotation_id)
    await rig.tick()
    await finish_now(rig.world, rig.admin, rotation_id)
    assert (await rig.run(rotation_id)).blocked
    await retire_existing(rig.world, rig.admin, rotation_id, rig.consent(back))
    await finish_now(rig.world, rig.admin, rotation_id)
    assert await only_the_served_one_is_left(rig, rotation_id)


async def test_abort_drops_no_destination(rig: Rig) -> None:
    """Whoever takes back what works after all has not said that nobody is to be waited for."""
    rotation_id = (await rig.rotation()).rotation.id
    await destination(rig)
    await rig.tick()
    carriers(rig).away = DestinationAway("the destination does not answer")
    await rotate(rig.world, rig.admin, rotation_id)
    turn = await turn_of(rig, rotation_id)
    assert turn.phase is Phase.PROMOTED
    assert turn.new
    rig.org.deactivate_secret(rig.app_id, str(turn.new.okta_id))
    await abort_turn(rig.world, rig.admin, rotation_id)
    rig.org.add_fault(Fault("error-before-effect", "GET", SECRETS, status=503, count=1))
    await rig.tick()
    rig.org.activate_secret(rig.app_id, str(turn.new.okta_id))
    for _ in range(20):
        await rig.live(60)
    assert (await turn_of(rig, rotation_id)).phase is Phase.PROMOTED
    carriers(rig).away = None
    assert await only_the_served_one_is_left(rig, rotation_id)


async def test_log_that_keeps_failing_holds_no_turn(rig: Rig) -> None:
    """What Okta's System Log tells is extra: everything else answers, so the turn ends."""
    rotation_id = await soaking(rig, log=True, soak_s=3600)
    rig.org.add_fault(Fault("error-before-effect", "GET", LOGS, status=503))
    for _ in range(30):
        await rig.live(300)
    assert await only_the_served_one_is_left(rig, rotation_id)


async def test_log_is_missed_where_okta_does_not_answer_at_all(rig: Rig) -> None:
    """An outage of Okta tells nothing about its log: that is asked once it is over."""
    rotation_id = await soaking(rig, log=True, soak_s=3600)
    outage = rig.org.add_fault(Fault("error-before-effect", status=503))
    for _ in range(30):
        await rig.live(300)
    rig.org.remove_fault(outage)
    rig.calls()
    assert await only_the_served_one_is_left(rig, rotation_id)
    assert LOGS in {call["route"] for call in rig.calls()}


async def test_silent_log_is_asked_ever_more_rarely(rig: Rig) -> None:
    """Whose a secret is that Okta chose may take its log minutes to tell: it is not hammered."""
    made = await settled(rig, CredentialKind.API_SERVICE_SECRET)
    rig.org.add_fault(Fault("drop-after-effect", "POST", made.routes.all, count=1))
    rig.org.add_fault(Fault("stale-read", "GET", LOGS, seconds=3600))
    with suppress(TurnFailed):
        await made.begin()
    rig.calls()
    for _ in range(300):
        await rig.live(1)
    asked = [call["route"] for call in rig.calls()].count(LOGS)
    assert 3 < asked < 12
