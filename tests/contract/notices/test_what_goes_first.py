"""What a channel brings first: what is urgent, but for nothing that its receiver refuses."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from notice_kit import log_of
from town_kit import HOOK, SLACK, Town, change, only, told_of, town

from keyturn.domain.channels import PILED_UP, Rhythm, Timing
from keyturn.domain.notice import Kind
from keyturn.services.dispatching import LOADED_MAX


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Town]:
    """Set up an installation with a channel of each kind that hears of everything."""
    async with town(tmp_path) as made:
        yield made


async def ticks(it: Town, count: int) -> None:
    """Let so many ten seconds pass."""
    for _ in range(count):
        it.rig.clock.advance(10)
        await it.rig.tick()


async def test_what_is_urgent_goes_before_all_that_waits(it: Town) -> None:
    """However much that is, and apart from it."""
    await told_of(it.rig, count=LOADED_MAX + 1)
    await told_of(it.rig, Kind.LEAKED)
    await it.rig.tick()
    assert [each["type"] for each in it.hooks()][:2] == ["secret.leaked", "turn.finished"]
    assert [one["Subject"] for one in it.mail.letters][:2] == [
        "[Keyturn] A secret of my-okta-rotation is reported as leaked",
        f"[Keyturn] {LOADED_MAX} notices",
    ]


async def test_what_is_urgent_piles_up_too(it: Town) -> None:
    """Eight apps that an emergency cannot close are no eight letters, but to a program."""
    await told_of(it.rig)
    await told_of(it.rig, Kind.LEAKED, PILED_UP)
    await it.rig.tick()
    assert [one["Subject"] for one in it.mail.letters] == [
        f"[Keyturn] {PILED_UP} notices",
        "[Keyturn] my-okta-rotation has turned",
    ]
    assert len(it.chats(SLACK)) == 2
    assert [each["type"] for each in it.http.told(HOOK)] == [
        *["secret.leaked"] * PILED_UP,
        "turn.finished",
    ]


@pytest.mark.parametrize("count", [1, 8])
@pytest.mark.parametrize(
    ("refused", "heard"), [(Kind.LEAKED, Kind.STARTED), (Kind.STARTED, Kind.LEAKED)]
)
async def test_what_a_receiver_refuses_holds_up_nothing_else(
    it: Town, refused: Kind, heard: Kind, count: int
) -> None:
    """Neither what is urgent nor all else, however many are refused and however often."""
    await only(it, "hook")
    it.http.refused = refused.value
    await told_of(it.rig, refused, count)
    await ticks(it, 2)
    await told_of(it.rig, heard, 3)
    await ticks(it, 12)
    came = [each.dispatch for each in await log_of(it.rig, "hook")]
    assert [each.delivered_at is not None for each in came] == [False] * count + [True] * 3
    it.http.refused = ""
    await ticks(it, 60)
    assert all(each.dispatch.delivered_at for each in await log_of(it.rig, "hook"))


async def test_a_digest_is_brought_in_time_though_what_is_urgent_is_tried_later(it: Town) -> None:
    """The channel is served as soon as anything is due."""
    await only(it, "hook")
    await change(it, "hook", timing=Timing(Rhythm.HOURLY), kinds=("turn.finished", "secret.leaked"))
    await told_of(it.rig)
    await told_of(it.rig, Kind.LEAKED)
    way = (await log_of(it.rig, "hook"))[1].dispatch
    async with it.rig.world.store.writing() as tx:
        await tx.replace(replace(way, due_at=way.created_at + timedelta(days=1), attempts=9))
    await it.rig.tick()
    await it.rig.live(3600)
    assert [each["type"] for each in it.hooks()] == ["turn.finished"]


async def test_what_is_urgent_goes_first_again_as_soon_as_anything_arrives(it: Town) -> None:
    """After an outage it waits for one message of all else at most."""
    await only(it, "hook")
    it.http.status = 500
    await told_of(it.rig, Kind.LEAKED)
    await it.rig.tick()
    await told_of(it.rig, Kind.STARTED, 3)
    it.http.status = 200
    await ticks(it, 1)
    leaked, started = "secret.leaked", "turn.started"
    assert [each["type"] for each in it.hooks()[1:]] == [started, leaked, started, started]
