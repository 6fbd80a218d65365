"""Leak reports as time goes by: recognised later, put off, and forgotten."""

import pytest
from inventory_kit import read_whole
from leak_report_kit import ELSEWHERE, followed, kept, report, served, told, unknown_of
from notice_kit import opened_channel
from rig import Rig

from keyturn.domain.errors import OursError
from keyturn.domain.ids import OrganizationId, SecretHash
from keyturn.domain.leaks import State
from keyturn.services import leaks_under_way
from keyturn.services.leak_matching import Match
from keyturn.services.leaks import end_leak
from keyturn.services.leaks_under_way import follow_leaks
from keyturn.services.ports import Reading, World
from keyturn.services.retention import forget_old


async def test_one_that_keeps_failing_is_put_off(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stands before no other one."""
    value, find = await unknown_of(rig), leaks_under_way.find_match
    first = await report(rig, hash="x" * 22)
    await report(rig, value=value)
    await read_whole(rig)

    async def failing(
        tx: Reading, world: World, organization_id: OrganizationId, hash_: SecretHash
    ) -> Match | None:
        if hash_ == first.hash:
            raise OursError("It cannot be looked at.")
        return await find(tx, world, organization_id, hash_)

    monkeypatch.setattr(leaks_under_way, "find_match", failing)
    monkeypatch.setattr(leaks_under_way, "AT_ONCE", 1)
    await followed(rig, 3600)
    assert (await followed(rig)).state is State.OPEN


async def test_what_has_ended_is_forgotten_as_turns_are(rig: Rig) -> None:
    """Once it ended long ago; one that is open stays."""
    await rig.rotation()
    open_ = await report(rig, value=await served(rig))
    ended = await report(rig, value=ELSEWHERE)
    await end_leak(rig.world, rig.admin, ended.id, "a sample", false_alarm=True)
    rig.clock.advance(399 * 86_400)
    await forget_old(rig.world)
    assert len(await kept(rig)) == 2
    rig.clock.advance(2 * 86_400)
    await forget_old(rig.world)
    assert [each.id for each in await kept(rig)] == [open_.id]


async def test_what_nothing_here_matches_is_forgotten_in_time(rig: Rig) -> None:
    """After thirty days, whether or not its hash is known."""
    await report(rig, value=ELSEWHERE)
    await report(rig, prefix=ELSEWHERE)
    assert (await followed(rig, 29 * 86_400)).state is State.UNKNOWN
    rig.clock.advance(86_400 + 3600)
    while await follow_leaks(rig.world):
        pass
    assert await kept(rig) == []


async def test_a_report_that_turns_out_to_match_is_told_then(rig: Rig) -> None:
    """At once where it is reported again; once, however many places it is in."""
    await opened_channel(rig, "hook")
    value = await unknown_of(rig)
    await report(rig, value=value, seen_in="another place")
    await report(rig, value=value)
    assert await told(rig) == []
    await read_whole(rig)
    await report(rig, value=value)
    after = await followed(rig, 3600)
    assert {each.state for each in await kept(rig)} == {after.state} == {State.OPEN}
    assert len(await told(rig)) == 1
