"""A notice arrives: under one id, whatever dies when, and without anything that is secret."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from datetime import timedelta

import pytest
from connections_kit import SECRET, Death, DyingStore, authorize, servers, stored
from notice_kit import (
    HOUR_S,
    KEY,
    caller_at,
    end_grant,
    kept,
    later,
    log_of,
    opened_channel,
    people,
    put,
    ready,
    reject,
    told,
    with_people,
)
from rig import Rig, rigged

from keyturn.adapters.delivery.chats import for_slack, for_teams
from keyturn.adapters.delivery.mail import composed
from keyturn.adapters.delivery.notifier import payload
from keyturn.domain.channel_kinds import ChannelKind
from keyturn.domain.channels import GIVE_UP_AFTER
from keyturn.domain.errors import AddressRefused, DestinationAway, Forbidden, KeyturnError
from keyturn.domain.notice import KEPT
from keyturn.domain.oauth.connection import Connection, State
from keyturn.domain.oauth.lights import Light
from keyturn.domain.sensitive import Sensitive
from keyturn.services.channels import delete_channel, read_channel
from keyturn.services.connection_news import look_due
from keyturn.services.dispatching import bring_due
from keyturn.services.notices import list_notices
from keyturn.services.ports import Letter
from keyturn.testing import FakeNotifier

AWAY = DestinationAway("It is away.")
BROKEN = ("person", Light.BROKEN)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    """Set up an installation with somebody to tell."""
    async with rigged() as it:
        yield await with_people(it)


async def tell_due(rig: Rig) -> None:
    """Do once what a worker does to tell people."""
    await look_due(rig.world)
    await bring_due(rig.world)


async def ended(rig: Rig) -> None:
    """Have a connection be broken, without anybody having looked yet."""
    await put(rig, await ready(rig), State.LAPSED)


@pytest.mark.parametrize("deadly", range(8))
async def test_a_death_at_any_commit_tells_it_all_the_same(rig: Rig, deadly: int) -> None:
    """It is told under one id, and twice only where death came between arrival and its note."""
    await ended(rig)
    whole = rig.world
    rig.world = replace(whole, store=DyingStore(whole.store, deadly))
    with pytest.raises(Death):
        await tell_due(rig)
    rig.world = whole
    await later(rig, 61)
    assert {each.id for each in people(rig).told} == {(await kept(rig))[0].id}
    assert len(people(rig).told) == (2 if deadly == 4 else 1)
    await rig.live(HOUR_S)
    assert len(await kept(rig)) == 1


async def test_two_workers_tell_it_once(rig: Rig) -> None:
    """All look at the same time; one of them writes the notice, and one brings it."""
    await ended(rig)
    await asyncio.gather(*(tell_due(rig) for _ in range(5)))
    assert told(rig) == [BROKEN]
    assert len(people(rig).tried) == 1


@pytest.mark.parametrize("error", [AWAY, AddressRefused("It is private.")], ids=["away", "private"])
async def test_who_is_away_is_told_later(rig: Rig, error: KeyturnError) -> None:
    """It is tried again ever more slowly, under the same id, and says meanwhile what is wrong."""
    people(rig).away = error
    await ended(rig)
    await rig.tick()
    (entry,) = await log_of(rig)
    assert (entry.dispatch.attempts, entry.dispatch.failure) == (1, error.message)
    channel = await read_channel(rig.world, rig.admin, "people")
    assert (channel.attempts, channel.told, channel.failing_since) == (
        1,
        error.message,
        rig.clock.now(),
    )
    await rig.live(HOUR_S)
    assert len(people(rig).tried) == 2
    people(rig).away = None
    await later(rig, 900)
    assert {each.id for each in people(rig).tried} == {entry.notice.id}
    (after,) = [each.dispatch for each in await log_of(rig)]
    assert (after.failure, after.delivered_at, after.due_at) == ("", rig.clock.now(), None)
    assert (await read_channel(rig.world, rig.admin, "people")).failing_since is None


async def test_it_is_given_up_after_days(rig: Rig) -> None:
    """The log keeps why it has never arrived, and nobody tries any more."""
    people(rig).away = AWAY
    await ended(rig)
    await rig.tick()
    await rig.live(GIVE_UP_AFTER.total_seconds())
    (entry,) = await log_of(rig)
    assert (entry.dispatch.due_at, entry.dispatch.failure) == (None, AWAY.message)
    tried = len(people(rig).tried)
    await rig.live(HOUR_S)
    assert len(people(rig).tried) == tried


async def test_a_receiver_is_let_be_for_as_long_as_it_asks(rig: Rig) -> None:
    """What comes meanwhile waits too, and nothing hastens it."""
    people(rig).away = DestinationAway("Not now.", retry_after_s=1800)
    await ended(rig)
    await tell_due(rig)
    people(rig).away = None
    await put(rig, await ready_too(rig, "another"), State.LAPSED)
    await later(rig, 1700)
    assert people(rig).told == []
    await later(rig, 101)
    assert len(people(rig).told) == 2


async def ready_too(rig: Rig, name: str) -> Connection:
    """Return one more connection that is well, though notices are on their way."""
    tried, people(rig).tried = people(rig).tried, []
    try:
        return await ready(rig, name)
    finally:
        people(rig).tried = tried


async def test_one_that_does_not_arrive_lets_the_receiver_be(rig: Rig) -> None:
    """Of many that are due, one is tried at a time while nothing arrives; then all, in order."""
    names = [f"c{number}" for number in range(5)]
    every = [await ready(rig, name) for name in names]
    people(rig).away = AWAY
    for one in every:
        await put(rig, one, State.LAPSED)
    await tell_due(rig)
    assert (len(await kept(rig)), len(people(rig).tried)) == (5, 1)
    people(rig).away = None
    await later(rig, HOUR_S)
    assert [subject for subject, _ in told(rig)] == [*names[1:], names[0]]


class DeadTo(FakeNotifier):
    """People of whom those on one kind of channel are never reached."""

    async def deliver(self, kind: ChannelKind, letter: Letter) -> None:
        """Keep a letter, or be away."""
        if kind is ChannelKind.SLACK:
            self.tried.append(letter)
            raise AWAY
        await super().deliver(kind, letter)


async def test_a_dead_channel_holds_up_no_other(rig: Rig) -> None:
    """Each has its own log, its own retries, and its own word of how it does."""
    rig.world = replace(rig.world, notifier=DeadTo())
    url = {"url": Sensitive("https://hooks.slack.example.com/canary")}
    await opened_channel(rig, "dead", kind=ChannelKind.SLACK, settings={}, credential=url)
    await ended(rig)
    await rig.live(HOUR_S)
    assert told(rig) == [BROKEN]
    assert [each.dispatch.delivered_at is None for each in await log_of(rig, "dead")] == [True]
    assert (await read_channel(rig.world, rig.admin, "dead")).failing_since
    assert (await read_channel(rig.world, rig.admin, "people")).failing_since is None


async def test_without_anybody_to_tell_notices_are_kept(rig: Rig) -> None:
    """They are listed, the latest first, and nothing is sent when somebody is there later."""
    await delete_channel(rig.world, rig.admin, "people")
    one = await ready(rig)
    for state in (State.LAPSED, State.READY):
        await put(rig, one, state)
        await tell_due(rig)
    found = await list_notices(rig.world, rig.admin, project="example")
    assert [each.after for each in found] == [Light.HEALTHY, Light.BROKEN]
    await opened_channel(rig)
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


async def test_old_notices_are_forgotten_with_their_log(rig: Rig) -> None:
    """A month is kept."""
    await ended(rig)
    await rig.tick()
    await rig.live((KEPT - timedelta(hours=1)).total_seconds())
    assert len(await kept(rig)) == len(await log_of(rig)) == 1
    await rig.live(HOUR_S)
    assert (await kept(rig), await log_of(rig)) == ([], [])


async def test_no_notice_carries_anything_secret(rig: Rig) -> None:
    """Neither what is stored nor what is sent has a secret, a token or a link that opens one."""
    one = await ready(rig)
    await end_grant(rig)
    await authorize(rig, await stored(rig, one))
    await reject(rig)
    secrets = {SECRET, KEY, *servers(rig).used_secrets, *servers(rig).access_tokens}
    shown = [f"{asdict(each)}" for each in await kept(rig)]
    shown += [f"{payload(each)!r} {composed(as_mail(each))!r}" for each in people(rig).letters]
    shown += [
        f"{for_slack(each.message)} {for_teams(each.message)}" for each in people(rig).letters
    ]
    assert len(people(rig).letters) >= 2
    for text in shown:
        assert not [each for each in secrets if each in text]
        assert "refresh-" not in text
        assert "key=" not in text


def as_mail(letter: Letter) -> Letter:
    """Return a letter as one that goes by mail."""
    return replace(letter, settings={"from": "k@example.com", "to": "people@example.com"})


class Slow(FakeNotifier):
    """People who are told by a second worker while the first one still waits for an answer."""

    def __init__(self, rig: Rig) -> None:
        super().__init__()
        self._rig = rig

    async def deliver(self, kind: ChannelKind, letter: Letter) -> None:
        """Let the lease of the first try pass, and another worker succeed, before it fails."""
        if self.tried:
            await super().deliver(kind, letter)
            return
        self.tried.append(letter)
        self._rig.clock.advance(61)
        await tell_due(self._rig)
        raise AWAY


async def test_what_has_arrived_is_not_undone_by_a_try_that_came_too_late(rig: Rig) -> None:
    """A worker that held it for longer than its lease has nothing to say of it any more."""
    await ended(rig)
    rig.world = replace(rig.world, notifier=Slow(rig))
    await tell_due(rig)
    (entry,) = await log_of(rig)
    assert (entry.dispatch.delivered_at, entry.dispatch.failure) == (rig.clock.now(), "")
