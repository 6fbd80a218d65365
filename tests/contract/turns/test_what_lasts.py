"""What lasts longer than a turn likes: a leak, a block, a log that fails, a list that is wrong."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from kinds_kit import settled
from meanwhile_kit import Altered
from rig import SECRETS, Rig

from keyturn.domain.errors import KeyturnError, OktaAnswer, OktaHeld, OktaUnclear, TurnFailed
from keyturn.domain.okta import CredentialKind
from keyturn.domain.turn import Overlap, Phase, Reason, Turn
from keyturn.sandbox import Fault
from keyturn.services.looks import LOG_TRIES
from keyturn.services.orders import abort_turn, pause_turn, resume_turn
from keyturn.services.policies import PolicyChange
from keyturn.services.ports import OktaOrg
from keyturn.services.rotations import view
from keyturn.services.turns import rotate

DAY_S = 86_400
NO_LOG = Fault("error-before-effect", "GET", "/api/v1/logs", status=503)


async def minutes(rig: Rig, count: int, at_a_time: int = 1) -> None:
    """Let so many minutes pass, with a tick after each, or after some."""
    for _ in range(count // at_a_time):
        await rig.live(60 * at_a_time)


async def newest(rig: Rig, rotation_id: str) -> Turn:
    """Return the newest turn of a rotation."""
    turn = (await view(rig.world, rotation_id)).turn
    assert turn
    return turn


@pytest.mark.parametrize("by", ["the schedule", "a pause"])
async def test_what_has_leaked_is_never_activated_again(rig: Rig, by: str) -> None:
    """Whatever stopped the emergency and lets it go on: a log-in with it is nobody in trouble."""
    policy = PolicyChange(log=True, soak_s=3600)
    rotation_id = (await rig.rotation(policy=policy)).rotation.id
    (leaked,) = rig.org.read_app(rig.app_id).live_secrets
    status = 503 if by == "a pause" else 403
    path = f"{SECRETS}/{{secretId}}"
    fault_id = rig.org.add_fault(Fault("error-before-effect", "DELETE", path, status=status))
    with suppress(TurnFailed):
        await rotate(rig.world, rig.admin, rotation_id, emergency=True)
    rig.org.remove_fault(fault_id)
    if by == "a pause":
        await pause_turn(rig.world, rig.admin, rotation_id)
        await resume_turn(rig.world, rig.admin, rotation_id)
    else:
        assert (await newest(rig, rotation_id)).blocked
        while (await newest(rig, rotation_id)).blocked:
            await minutes(rig, 15, at_a_time=15)
    await rig.authenticate(leaked.value)
    await minutes(rig, 15)
    assert (await newest(rig, rotation_id)).phase is Phase.FINISHED
    assert leaked.id not in [each["id"] for each in rig.living()]


async def test_log_that_answers_again_is_read_again(rig: Rig) -> None:
    """One that fails leaves a turn no evidence; that it did is no reason to wait for a week."""
    policy = PolicyChange(log=True, overlap=Overlap.EVIDENCE)
    rotation_id = (await rig.rotation(policy=policy)).rotation.id
    await rotate(rig.world, rig.admin, rotation_id)
    fault = rig.org.add_fault(NO_LOG)
    await minutes(rig, 50)
    rig.org.remove_fault(fault)
    turn = await newest(rig, rotation_id)
    assert turn.wake_at
    assert turn.wake_at - rig.clock.now() <= timedelta(hours=1)


async def test_turn_that_asks_a_failing_log_who_made_what_stops_for_people(rig: Rig) -> None:
    """Nothing is removed for which nobody has said that it is ours, and nothing waits for ever."""
    made = await settled(rig, CredentialKind.API_SERVICE_SECRET)
    rig.org.add_fault(Fault("drop-after-effect", "POST", made.routes.all, count=1))
    rig.org.add_fault(NO_LOG)
    with suppress(TurnFailed):
        await made.begin()
    await minutes(rig, 60)
    turn = await newest(rig, made.rotation_id)
    assert turn.blocked
    assert turn.blocked.reason is Reason.FOREIGN_SECRET
    await abort_turn(rig.world, rig.admin, made.rotation_id)
    await minutes(rig, 60)
    aborted = await newest(rig, made.rotation_id)
    assert aborted.phase is Phase.ROLLED_BACK
    assert len(made.living()) == 2


@pytest.mark.parametrize("fault", ["empty-list", "stale-read"])
async def test_aborted_turn_gives_up_nothing_that_okta_accepts(rig: Rig, fault: str) -> None:
    """One list that does not show what a lost answer has added does not have it forgotten."""
    rotation_id = (await rig.rotation()).rotation.id
    rig.org.add_fault(Fault("drop-after-effect", "POST", SECRETS, count=1))
    with suppress(KeyturnError):
        await rotate(rig.world, rig.admin, rotation_id, wait=False)
    async with rig.world.store.reading() as tx:
        (turn,) = await tx.list(Turn, ended_at=None)
    await rig.advance(turn, rig.world.clock.uptime_s())
    await abort_turn(rig.world, rig.admin, rotation_id)
    rig.clock.advance(61)
    rig.org.add_fault(Fault(fault, "GET", SECRETS, count=1, seconds=300))
    await rig.tick()
    await minutes(rig, 5)
    assert (await newest(rig, rotation_id)).phase is Phase.ROLLED_BACK
    assert len(rig.living()) == 1


async def test_outage_makes_no_list_more_believable(rig: Rig) -> None:
    """After many errors one old list still is one list: what it shows on is read again."""
    rotation_id = (await rig.rotation()).rotation.id
    await rotate(rig.world, rig.admin, rotation_id)
    await rig.run(rotation_id)
    rig.clock.advance(3)
    away = Fault("error-before-effect", "GET", SECRETS, count=12, status=503)
    rig.org.add_fault(away)
    with suppress(TurnFailed):
        await rotate(rig.world, rig.admin, rotation_id)
    while (await newest(rig, rotation_id)).attempts < 12:
        await minutes(rig, 1)
    rig.org.add_fault(Fault("stale-read", "GET", SECRETS, count=1, seconds=DAY_S))
    turn = await newest(rig, rotation_id)
    while turn.phase is Phase.PLANNED and turn.doubts == 0:
        await minutes(rig, 1)
        turn = await newest(rig, rotation_id)
    assert (turn.phase, turn.doubts) == (Phase.PLANNED, 1)
    await minutes(rig, 1)
    assert (await newest(rig, rotation_id)).phase is Phase.OVERLAPPING


async def test_log_that_fails_holds_no_turn_whose_calls_are_held_back_in_between(rig: Rig) -> None:
    """That the rate limit had no room tells nothing of the log: the tries count on."""
    rotation_id = (await rig.rotation(policy=PolicyChange(log=True))).rotation.id
    await rotate(rig.world, rig.admin, rotation_id)
    asked = 0

    def alter(org: OktaOrg) -> None:
        async def list_uses(*_: Any, **__: Any) -> Any:  # noqa: ANN401  as `list_uses` has it
            nonlocal asked
            asked += 1
            if asked % 2:
                raise OktaHeld("read the log", retry_after_s=1)
            raise OktaUnclear("read the log", OktaAnswer(503, summary="away"))

        vars(org)["list_uses"] = list_uses

    rig.world = replace(rig.world, okta=Altered(rig.world.okta, alter))
    assert (await rig.run(rotation_id)).phase is Phase.FINISHED
    assert asked <= 5 * 2 * (LOG_TRIES + 1)  # some looks in the soak, each held back as often
