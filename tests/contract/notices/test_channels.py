"""Channels as people keep them: made, tried, changed, paused, and removed; and when they speak."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path

import pytest
from mail_kit import PASSWORD
from notice_kit import log_of, opened_channel
from rig import Rig
from town_kit import HOOK, NAMES, SLACK, Town, change, only, told_of, town

from keyturn.domain.access import DEVELOPER, VIEWER, Caller, Holding
from keyturn.domain.channels import Rhythm, Timing
from keyturn.domain.errors import Forbidden, InvalidInput, NotFound, Taken
from keyturn.domain.ids import ProjectId, RotationId
from keyturn.domain.notice import Kind
from keyturn.domain.rotation import Rotation
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Phase
from keyturn.services.channels import (
    DECIDED_AT_ONCE,
    ChannelChange,
    delete_channel,
    list_channels,
    list_log,
    read_channel,
    try_channel,
    update_channel,
)
from keyturn.services.notices import list_notices, read_notice
from keyturn.services.projects import resolve_project
from keyturn.services.turns import rotate

DAY_S = 86_400


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Town]:
    """Set up an installation with a channel of each kind that hears of everything."""
    async with town(tmp_path) as made:
        yield made


# --- when they speak ------------------------------------------------------------------------------


async def test_a_daily_digest_is_one_message_with_all_of_a_day(it: Town) -> None:
    """Nothing comes before its time; what is urgent does."""
    await only(it, "mail")
    timing = Timing(Rhythm.DAILY, "Europe/Berlin", time(9))
    await change(it, "mail", timing=timing)
    await told_of(it.rig, count=3)
    await it.rig.tick()
    assert it.letters() == []
    await told_of(it.rig, Kind.LEAKED)
    await it.rig.tick()
    assert [one["Subject"] for one in it.mail.letters] == [
        "[Keyturn] A secret of my-okta-rotation is reported as leaked"
    ]
    it.rig.clock.advance(DAY_S)
    await it.rig.tick()
    (_, digest) = it.mail.letters
    assert digest["Subject"] == "[Keyturn] 3 notices"
    assert digest.get_content().count("It has happened") == 3
    assert all(each.dispatch.delivered_at for each in await log_of(it.rig, "mail"))


async def test_quiet_hours_end_with_one_message(it: Town) -> None:
    """What has come meanwhile comes then, together."""
    await only(it, "slack")
    now = it.rig.clock.now()
    end = (now + timedelta(hours=2)).time()
    await change(it, "slack", timing=Timing(quiet_from=now.time(), quiet_to=end))
    await told_of(it.rig, count=2)
    it.rig.clock.advance(7199)
    await it.rig.tick()
    assert it.chats(SLACK) == []
    it.rig.clock.advance(1)
    await it.rig.tick()
    (text,) = it.chats(SLACK)
    assert "2 notices" in text


async def test_quiet_hours_hold_for_what_waits_already(it: Town) -> None:
    """A try that failed before them, and what was due at once when they were set."""
    await only(it, "slack")
    now, noon = it.rig.clock.now(), timedelta(hours=2)
    quiet = Timing(quiet_from=(now + timedelta(minutes=1)).time(), quiet_to=(now + noon).time())
    await change(it, "slack", timing=quiet)
    it.http.status = 500
    await told_of(it.rig)
    await it.rig.tick()
    it.rig.clock.advance(59)
    await it.rig.tick()  # the second try
    it.http.status = 200
    await told_of(it.rig)
    await it.rig.live(3600)
    assert len(it.chats(SLACK)) == 2
    ways = [each.dispatch for each in await log_of(it.rig, "slack")]
    assert {each.due_at for each in ways} == {now + noon}
    await told_of(it.rig, Kind.LEAKED)
    await it.rig.tick()
    assert len(it.chats(SLACK)) == 3
    await change(it, "slack", timing=Timing())
    await it.rig.tick()
    assert len(it.chats(SLACK)) == 5  # of what could wait each on its own


async def test_what_was_due_when_quiet_hours_begin_waits_for_their_end(it: Town) -> None:
    """No worker had come to it before, and it is told with what comes by then."""
    await only(it, "slack")
    now = it.rig.clock.now() + timedelta(minutes=1)
    end = (now + timedelta(hours=1)).time()
    await change(it, "slack", timing=Timing(quiet_from=now.time(), quiet_to=end))
    await told_of(it.rig, count=2)
    it.rig.clock.advance(60)
    await it.rig.live(3599)
    assert it.chats(SLACK) == []
    await it.rig.live(1)
    (text,) = it.chats(SLACK)
    assert "2 notices" in text


async def test_what_a_changed_channel_hears_of_no_more_is_left_out(it: Town) -> None:
    """Though it waits already, however much that is; the rest comes."""
    await change(it, "hook", timing=Timing(Rhythm.DAILY, "UTC", time(9)))
    await told_of(it.rig, count=DECIDED_AT_ONCE)
    await told_of(it.rig, Kind.STARTED)
    await change(it, "hook", timing=Timing(), kinds=(Kind.STARTED.value,))
    await it.rig.tick()
    assert [each["type"] for each in it.hooks()] == ["turn.started"]
    *out, came = await log_of(it.rig, "hook")
    assert came.dispatch.delivered_at
    why = "left out: the channel does not hear of turn.finished"
    assert [(each.dispatch.due_at, each.dispatch.failure) for each in out] == [
        (None, why)
    ] * DECIDED_AT_ONCE


async def test_what_piles_up_comes_in_one_message_but_to_a_program(it: Town) -> None:
    """A thousand turns are no thousand letters."""
    await told_of(it.rig, count=60)
    await it.rig.tick()
    assert [one["Subject"] for one in it.mail.letters] == ["[Keyturn] 60 notices"]
    assert "And 10 more" in it.letters()[0]
    assert len(it.chats(SLACK)) == 1
    assert len(it.hooks()) == 60


async def test_turns_that_come_are_told_once_each(it: Town) -> None:
    """However often it is looked; one that was put off is told anew, what is no longer so never."""
    await only(it, "hook")
    await change(it, "hook", kinds=(Kind.UPCOMING.value,), ahead_s=2 * DAY_S)
    rotation = (await it.rig.rotation()).rotation
    at = rotation.next_rotation_at
    assert at
    await it.rig.live((at - it.rig.clock.now()).total_seconds() - 2 * DAY_S - 60)
    assert it.hooks() == []
    it.rig.clock.advance(660)
    for _ in range(3):
        await it.rig.tick()
        it.rig.clock.advance(660)
    assert [each["type"] for each in it.hooks()] == ["turn.upcoming"]
    later = at - timedelta(hours=5)
    async with it.rig.world.store.writing() as tx:
        (stored,) = await tx.list(Rotation)
        await tx.replace(replace(stored, next_rotation_at=later))
    await it.rig.tick()
    it.rig.clock.advance(660)
    await it.rig.tick()
    times = [each["data"]["comesAt"][:13] for each in it.hooks()]
    assert times == [f"{each:%Y-%m-%dT%H}" for each in (at, later)]


async def test_of_a_turn_that_comes_a_resumed_channel_hears_anew(it: Town) -> None:
    """It was left out of what the paused one had not brought."""
    await only(it, "hook")
    it.http.status = 500
    rotation = (await it.rig.rotation()).rotation
    assert rotation.next_rotation_at
    before = (rotation.next_rotation_at - it.rig.clock.now()).total_seconds()
    await it.rig.live(before - DAY_S / 2)
    await change(it, "hook", paused=True)
    assert await log_of(it.rig, "hook") == []
    it.http.status = 200
    await change(it, "hook", paused=False)
    await it.rig.tick()
    (entry,) = await log_of(it.rig, "hook")
    assert (entry.notice.kind, bool(entry.dispatch.delivered_at)) == (Kind.UPCOMING, True)


async def test_a_program_is_told_of_each_turn_that_comes_on_its_own(it: Town) -> None:
    """People are told of those in one message that are found at one look."""
    for each in ("mail", "hook"):
        await change(it, each, kinds=(Kind.UPCOMING.value,), ahead_s=2 * DAY_S)
    rotation = (await it.rig.rotation()).rotation
    assert rotation.next_rotation_at
    before = (rotation.next_rotation_at - it.rig.clock.now()).total_seconds()
    async with it.rig.world.store.writing() as tx:
        another = replace(rotation, id=RotationId("another"), name="another")
        await tx.add(another)
    it.rig.clock.advance(before - DAY_S)
    await it.rig.tick()
    types = [each["type"] for each in it.http.told(HOOK)]
    assert types == ["turn.upcoming", "turn.upcoming"]
    assert [one["Subject"] for one in it.mail.letters] == ["[Keyturn] 2 notices"]


async def test_a_turn_that_starts_sooner_than_its_warning_is_brought_is_not_warned_of(
    it: Town,
) -> None:
    """What waits for a digest and is no longer to come is left out."""
    await only(it, "mail")
    await change(it, "mail", timing=Timing(Rhythm.DAILY, "UTC", time(9)), ahead_s=5 * DAY_S)
    rotation = (await it.rig.rotation()).rotation
    assert rotation.next_rotation_at
    before = (rotation.next_rotation_at - it.rig.clock.now()).total_seconds()
    it.rig.clock.advance(before - 4 * DAY_S)
    await it.rig.tick()
    assert [each.notice.kind for each in await log_of(it.rig, "mail")] == [Kind.UPCOMING]
    await rotate(it.rig.world, it.rig.admin, rotation.id)
    assert (await it.rig.run(rotation.id)).phase is Phase.FINISHED
    await it.rig.live(DAY_S)
    kinds = [each.notice.kind for each in await log_of(it.rig, "mail")]
    assert kinds == [Kind.STARTED, Kind.FINISHED]


# --- how they are kept ----------------------------------------------------------------------------


async def test_a_trial_arrives_or_says_why_not(it: Town) -> None:
    """It is sent at once, and is in no log."""
    for name in NAMES:
        assert await try_channel(it.rig.world, it.rig.admin, name) == ""
    assert "This is a test of channel mail" in it.letters()[0]
    assert it.hooks()[0]["type"] == "channel.test"
    assert await log_of(it.rig, "hook") == []
    it.http.status = 404
    assert "HTTP 404" in await try_channel(it.rig.world, it.rig.admin, "slack")
    assert (await read_channel(it.rig.world, it.rig.admin, "slack")).failing_since is None


async def test_settings_that_lead_elsewhere_need_the_secret_again(it: Town) -> None:
    """A stored password is sent to no other server; other receivers are no other server."""
    settings = dict((await read_channel(it.rig.world, it.rig.admin, "mail")).setting)
    with pytest.raises(InvalidInput, match="credential"):
        await change(it, "mail", settings=settings | {"host": "evil.example.com"})
    await change(it, "mail", settings=settings | {"to": "three@example.com"})
    assert await try_channel(it.rig.world, it.rig.admin, "mail") == ""
    assert it.mail.envelopes[-1][1] == ["three@example.com"]
    given = {"password": Sensitive(PASSWORD)}
    await change(it, "mail", settings=settings | {"security": "starttls"}, credential=given)


async def test_a_paused_channel_hears_of_nothing_and_forgets_the_rest(it: Town) -> None:
    """Resumed, it hears of what happens from then on."""
    it.http.status = 500
    await told_of(it.rig)
    await it.rig.tick()
    await change(it, "slack", paused=True)
    out = (await log_of(it.rig, "slack"))[0].dispatch
    assert (out.due_at, out.failure) == (None, "left out: the channel is paused")
    it.http.status = 200
    await told_of(it.rig)
    await it.rig.live(DAY_S)
    assert len(it.http.told(SLACK)) == 1  # the try that failed
    await change(it, "slack", paused=False)
    await told_of(it.rig)
    await it.rig.tick()
    assert len(it.http.told(SLACK)) == 2


async def test_a_change_is_tried_at_once(it: Town) -> None:
    """Whoever mends a channel does not wait for its next try."""
    await only(it, "slack")
    it.http.status = 500
    await told_of(it.rig)
    await it.rig.live(DAY_S)
    it.http.status = 200
    url = {"url": Sensitive(f"https://{SLACK}/better")}
    await change(it, "slack", credential=url)
    assert (await read_channel(it.rig.world, it.rig.admin, "slack")).failing_since is None
    await it.rig.tick()
    assert (await log_of(it.rig, "slack"))[0].dispatch.delivered_at == it.rig.clock.now()
    assert it.http.requests[-1].url.path == "/better"


async def test_names_are_taken_once_and_gone_with_the_channel(it: Town) -> None:
    """A channel is read by its name or id; what it brought goes with it, the notices stay."""
    with pytest.raises(Taken):
        await opened_channel(it.rig, "mail")
    with pytest.raises(NotFound):
        await opened_channel(it.rig, "nowhere", project="00000000-0000-4000-8000-000000000000")
    await told_of(it.rig)
    await it.rig.tick()
    notice = (await list_notices(it.rig.world, it.rig.admin))[0]
    assert len((await read_notice(it.rig.world, it.rig.admin, notice.id)).ways) == 4
    gone = await delete_channel(it.rig.world, it.rig.admin, "mail")
    with pytest.raises(NotFound):
        await read_channel(it.rig.world, it.rig.admin, gone.id)
    assert len((await read_notice(it.rig.world, it.rig.admin, notice.id)).ways) == 3


# --- who may --------------------------------------------------------------------------------------


async def somebody(rig: Rig, role: str = "viewer", project: str | None = "example") -> Caller:
    """Return somebody who holds a role in one project, or above all."""
    project_id = await resolve_project(rig.world, project) if project else None
    held = {"viewer": VIEWER, "developer": DEVELOPER}[role]
    return replace(rig.admin, holdings=(Holding(held, project_id),))


async def test_who_is_of_a_project_sees_its_channels_and_none_above(it: Town) -> None:
    """Neither the channels of everybody nor what they brought; to change any takes more."""
    await opened_channel(it.rig, "ours", project="example")
    await told_of(it.rig)
    await it.rig.tick()
    viewer = await somebody(it.rig)
    assert [each.name for each in await list_channels(it.rig.world, viewer)] == ["ours"]
    with pytest.raises(NotFound):
        await read_channel(it.rig.world, viewer, "mail")
    with pytest.raises(Forbidden):
        await change_as(it.rig, viewer, "ours")
    developer = await somebody(it.rig, "developer")
    with pytest.raises(Forbidden):
        await change_as(it.rig, developer, "mail")
    (notice,) = await list_notices(it.rig.world, viewer)
    seen = await read_notice(it.rig.world, viewer, notice.id)
    assert [channel.name for _, channel in seen.ways] == ["ours"]


async def change_as(rig: Rig, caller: Caller, name: str) -> None:
    """Change a channel as somebody."""
    await update_channel(rig.world, caller, name, ChannelChange(ahead_s=3600))


async def test_notices_are_for_those_who_may_see_what_they_are_of(it: Town) -> None:
    """Of another project nobody learns anything, neither in a list nor by an id."""
    await told_of(it.rig)
    elsewhere = Holding(VIEWER, ProjectId("another"))
    stranger = replace(it.rig.admin, holdings=(elsewhere,))
    (notice,) = await list_notices(it.rig.world, it.rig.admin, kind="turn.finished")
    assert await list_notices(it.rig.world, stranger) == []
    with pytest.raises(NotFound):
        await read_notice(it.rig.world, stranger, notice.id)
    with pytest.raises(InvalidInput, match="kind"):
        await list_notices(it.rig.world, it.rig.admin, kind="turn.unheard")
    with pytest.raises(InvalidInput, match="limit"):
        await list_log(it.rig.world, it.rig.admin, "mail", limit=0)


async def test_a_channel_of_a_project_hears_of_that_alone(it: Town) -> None:
    """And of its apps those that its selector picks."""
    await opened_channel(it.rig, "ours", project="example", selector="rotation=my-*")
    await opened_channel(it.rig, "others", project="example", selector="rotation=your-*")
    await told_of(it.rig)
    counts = {name: len(await log_of(it.rig, name)) for name in ("ours", "others")}
    assert counts == {"ours": 1, "others": 0}
