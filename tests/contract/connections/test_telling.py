"""A notice arrives: under one id, whatever dies when, and without anything that is secret."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from datetime import datetime, timedelta

import pytest
from connections_kit import SECRET, Death, DyingStore, authorize, servers, stored
from notice_kit import (
    HOUR_S,
    caller_at,
    end_grant,
    kept,
    later,
    people,
    put,
    ready,
    reject,
    told,
    with_people,
)
from rig import Rig, rigged

from keyturn.adapters.delivery.notifier import data_of
from keyturn.domain.errors import AddressRefused, DestinationAway, Forbidden, KeyturnError
from keyturn.domain.ids import NoticeId
from keyturn.domain.notice import KEPT_MAX, Notice
from keyturn.domain.oauth.connection import State
from keyturn.domain.oauth.lights import Light
from keyturn.services.notices import list_notices, tell_due
from keyturn.services.ports import NoNotifier
from keyturn.testing import FakeNotifier

AWAY = DestinationAway("It is away.")
BROKEN = ("person", Light.BROKEN)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    """Set up an installation with somebody to tell."""
    async with rigged() as it:
        yield with_people(it)


async def ended(rig: Rig) -> None:
    """Have a connection be broken, without anybody having looked yet."""
    await put(rig, await ready(rig), State.LAPSED)


@pytest.mark.parametrize("deadly", range(6))
async def test_a_death_at_any_commit_tells_it_all_the_same(rig: Rig, deadly: int) -> None:
    """It is told under one id, and twice only where death came between arrival and its note."""
    await ended(rig)
    dying = replace(rig.world, store=DyingStore(rig.world.store, deadly))
    with pytest.raises(Death):
        await tell_due(dying)
    await later(rig, 61)
    assert {each.id for each in people(rig).told} == {(await kept(rig))[0].id}
    assert len(people(rig).told) == (2 if deadly == 4 else 1)
    await rig.live(HOUR_S)
    assert len(await kept(rig)) == 1


async def test_two_workers_tell_it_once(rig: Rig) -> None:
    """Both look at the same time; one of them writes the notice, and one brings it."""
    await ended(rig)
    await asyncio.gather(*(tell_due(rig.world) for _ in range(5)))
    assert told(rig) == [BROKEN]
    assert len(people(rig).tried) == 1


@pytest.mark.parametrize("error", [AWAY, AddressRefused("It is private.")], ids=["away", "private"])
async def test_who_is_away_is_told_later(rig: Rig, error: KeyturnError) -> None:
    """It is tried again ever more slowly, under the same id, and says meanwhile what is wrong."""
    people(rig).away = error
    await ended(rig)
    await rig.tick()
    (notice,) = await kept(rig)
    assert (notice.attempts, notice.failure) == (1, error.message)
    await rig.live(HOUR_S)
    tried = len(people(rig).tried)
    assert tried == 2
    people(rig).away = None
    await later(rig, 900)
    assert {each.id for each in people(rig).tried} == {notice.id}
    (after,) = await kept(rig)
    assert (after.failure, after.delivered_at, after.due_at) == ("", rig.clock.now(), None)


async def test_one_that_does_not_arrive_lets_the_receiver_be(rig: Rig) -> None:
    """Of many that are due, one is tried at a time while nothing arrives; then all, in order."""
    names = [f"c{number}" for number in range(5)]
    every = [await ready(rig, name) for name in names]
    people(rig).away = AWAY
    for one in every:
        await put(rig, one, State.LAPSED)
    await tell_due(rig.world)
    assert (len(await kept(rig)), len(people(rig).tried)) == (5, 1)
    people(rig).away = None
    await later(rig, HOUR_S)
    assert [subject for subject, _ in told(rig)] == [*names[1:], names[0]]


async def test_without_anybody_to_tell_notices_are_kept(rig: Rig) -> None:
    """They are listed, the latest first, and nothing is sent when somebody is there later."""
    one = await ready(rig)
    nobody = replace(rig.world, notifier=NoNotifier())
    for state in (State.LAPSED, State.READY):
        await put(rig, one, state)
        await tell_due(nobody)
    found = await list_notices(rig.world, rig.admin, project="example")
    assert [each.after for each in found] == [Light.HEALTHY, Light.BROKEN]
    assert {each.due_at for each in found} == {None}
    await later(rig, HOUR_S)
    assert people(rig).tried == []


async def test_notices_are_for_those_who_may_see_the_connection(rig: Rig) -> None:
    """A role that holds elsewhere shows nothing of them, and none is refused."""
    await ended(rig)
    await rig.tick()
    for path, shown in (("/", 1), ("/elsewhere", 0)):
        found = await list_notices(rig.world, caller_at(rig, path), project="example")
        assert len(found) == shown
    with pytest.raises(Forbidden):
        await list_notices(rig.world, replace(rig.admin, holdings=()), project="example")


async def test_old_notices_go_when_new_ones_come(rig: Rig) -> None:
    """A month is kept, and a thousand of them at most."""
    await ended(rig)
    await rig.tick()
    (one,) = await kept(rig)
    async with rig.world.store.writing() as tx:
        for number in range(KEPT_MAX + 5):
            moment = rig.clock.now() - timedelta(hours=2)
            await tx.add(replace(one, id=NoticeId(f"n{number}"), created_at=moment))
    people(rig).tried.clear()
    await put(rig, await ready(rig, "another"), State.LAPSED)
    await rig.tick()
    left = await kept(rig)
    assert len(left) == KEPT_MAX + 1  # the first is of this hour
    assert left[0] == one


async def test_no_notice_carries_anything_secret(rig: Rig) -> None:
    """Neither what is stored nor what is sent has a secret, a token or a link that opens one."""
    one = await ready(rig)
    await end_grant(rig)
    await authorize(rig, await stored(rig, one))
    await reject(rig)
    secrets = {SECRET, *servers(rig).used_secrets, *servers(rig).access_tokens}
    shown = [f"{asdict(each)} {data_of(each)}" for each in await kept(rig)]
    assert len(shown) >= 2
    for text in shown:
        assert not [each for each in secrets if each in text]
        assert "refresh-" not in text
        assert "key=" not in text


class Slow(FakeNotifier):
    """People who are told by a second worker while the first one still waits for an answer."""

    def __init__(self, rig: Rig) -> None:
        super().__init__()
        self._rig = rig

    async def deliver(self, notice: Notice, at: datetime) -> None:
        """Let the lease of the first try pass, and another worker succeed, before it fails."""
        if self.tried:
            await super().deliver(notice, at)
            return
        self.tried.append(notice)
        self._rig.clock.advance(61)
        await tell_due(self._rig.world)
        raise AWAY


async def test_what_has_arrived_is_not_undone_by_a_try_that_came_too_late(rig: Rig) -> None:
    """A worker that held it for longer than its lease has nothing to say of it any more."""
    await ended(rig)
    rig.world = replace(rig.world, notifier=Slow(rig))
    await tell_due(rig.world)
    (notice,) = await kept(rig)
    assert (notice.delivered_at, notice.failure) == (rig.clock.now(), "")
