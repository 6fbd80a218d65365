"""What is for which channel and when, what comes together, and when it is tried again."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from keyturn.domain.channel_kinds import ChannelKind
from keyturn.domain.channels import (
    ALWAYS,
    GIVE_UP_AFTER,
    LEFT_OUT,
    PILED_UP,
    Brought,
    Channel,
    Dispatch,
    Rhythm,
    Timing,
    Unwanted,
    awaited,
    checked_ahead,
    checked_kinds,
    checked_timing,
    claimed,
    decide,
    decide_again,
    delivered,
    given_back,
    goes_first,
    missed,
    next_load,
    paused,
    reached,
    undelivered,
    watching,
)
from keyturn.domain.errors import InvalidInput
from keyturn.domain.ids import ChannelId, NoticeId, OrganizationId, ProjectId
from keyturn.domain.notice import URGENT, Kind, Notice
from keyturn.domain.selector import Subject

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
NOTICE = Notice(
    kind=Kind.FINISHED,
    organization_id=OrganizationId("o"),
    project_id=ProjectId("p"),
    subject_id="r",
    subject="pay",
    told="It has turned.",
    of=Subject(label="pay-web", environment="prod"),
    id=NoticeId("n"),
    created_at=NOW,
    forget_at=NOW,
)
CHANNEL = Channel(
    ChannelId("c"), OrganizationId("o"), None, "people", ChannelKind.EMAIL, (), NOW, NOW
)


def at(text: str) -> datetime:
    """Return a moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


UNWANTED: list[tuple[dict[str, Any], str]] = [
    ({"paused": True}, "paused"),
    ({"kinds": (Kind.BLOCKED.value,)}, "does not hear of turn.finished"),
    ({"project_id": ProjectId("another")}, "another project"),
    ({"selector": "label=shop-*"}, "not one of label=shop"),
    ({"selector": "label=pay-* environment=dev"}, "not one of"),
]


@pytest.mark.parametrize(("changes", "why"), UNWANTED, ids=[why for _, why in UNWANTED])
def test_what_is_not_for_a_channel(changes: dict[str, Any], why: str) -> None:
    """Each way in which a channel chooses is a reason, and each is told."""
    verdict = decide(NOTICE, replace(CHANNEL, **changes), NOW)
    assert isinstance(verdict, Unwanted)
    assert why in verdict.why


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"kinds": (Kind.FINISHED.value,)},
        {"project_id": ProjectId("p")},
        {"selector": "label=PAY-* environment=prod environment=dev"},
    ],
)
def test_what_is_for_a_channel(changes: dict[str, Any]) -> None:
    """What it chooses is brought at once, where it wants no digest."""
    assert decide(NOTICE, replace(CHANNEL, **changes), NOW) == Brought(NOW, digest=False)


def test_what_is_above_projects_is_for_channels_above_them() -> None:
    """A channel of one project does not hear how the whole installation does."""
    above = replace(NOTICE, project_id=None)
    assert isinstance(decide(above, CHANNEL, NOW), Brought)
    one = replace(CHANNEL, project_id=ProjectId("p"))
    assert isinstance(decide(above, one, NOW), Unwanted)


BERLIN = "Europe/Berlin"
NIGHT = Timing(zone=BERLIN, quiet_from=time(22), quiet_to=time(7))
EARLY = Timing(zone=BERLIN, quiet_from=time(22), quiet_to=time(2, 30))
NOON = Timing(zone="UTC", quiet_from=time(12), quiet_to=time(13, 30))
DAILY = Timing(Rhythm.DAILY, BERLIN, time(9))
HOURLY = Timing(Rhythm.HOURLY)
HOURS = replace(CHANNEL, timing=HOURLY)
TIMES = [
    ("at once", Timing(), "2026-11-21T12:00", "2026-11-21T12:00"),
    ("hourly", HOURLY, "2026-11-21T12:20", "2026-11-21T13:00"),
    ("hourly, on the hour", HOURLY, "2026-11-21T12:00", "2026-11-21T13:00"),
    ("daily, today", DAILY, "2026-11-21T07:59", "2026-11-21T08:00"),
    ("daily, just now", DAILY, "2026-11-21T08:00", "2026-11-22T08:00"),
    ("daily, tomorrow", DAILY, "2026-11-21T12:00", "2026-11-22T08:00"),
    ("daily, summer ends", DAILY, "2026-10-24T12:00", "2026-10-25T08:00"),
    ("daily, summer begins", DAILY, "2026-03-28T12:00", "2026-03-29T07:00"),
    ("before the night", NIGHT, "2026-11-21T20:59", "2026-11-21T20:59"),
    ("night begins", NIGHT, "2026-11-21T21:00", "2026-11-22T06:00"),
    ("before midnight", NIGHT, "2026-11-21T22:59", "2026-11-22T06:00"),
    ("after midnight", NIGHT, "2026-11-21T23:30", "2026-11-22T06:00"),
    ("night ends", NIGHT, "2026-11-22T06:00", "2026-11-22T06:00"),
    ("the longer night", NIGHT, "2026-10-24T22:00", "2026-10-25T06:00"),
    ("the shorter night", NIGHT, "2026-03-28T23:00", "2026-03-29T05:00"),
    ("at noon", NOON, "2026-11-21T13:29", "2026-11-21T13:30"),
    ("after noon", NOON, "2026-11-21T13:30", "2026-11-21T13:30"),
    (
        "an end that the clocks skip",
        EARLY,
        "2026-03-28T23:00",
        "2026-03-29T01:00",
    ),
    ("an end that comes twice", EARLY, "2026-10-24T23:59", "2026-10-25T00:30"),
    ("between the two", EARLY, "2026-10-25T00:45", "2026-10-25T00:45"),
    ("before the second", EARLY, "2026-10-25T01:15", "2026-10-25T01:30"),
    (
        "a daily digest at a time that comes twice",
        Timing(Rhythm.DAILY, BERLIN, time(2, 30)),
        "2026-10-25T00:30",
        "2026-10-26T01:30",
    ),
    (
        "a digest in the night",
        Timing(Rhythm.DAILY, BERLIN, time(6), time(22), time(7)),
        "2026-11-21T12:00",
        "2026-11-22T06:00",
    ),
    (
        "an hour in the night",
        Timing(Rhythm.HOURLY, BERLIN, None, time(22), time(7)),
        "2026-11-21T20:30",
        "2026-11-22T06:00",
    ),
]


@pytest.mark.parametrize(("_name", "timing", "now", "then"), TIMES, ids=[row[0] for row in TIMES])
def test_when_a_notice_is_brought(_name: str, timing: Timing, now: str, then: str) -> None:
    """By the clock on the wall of the channel's zone; what waits comes with others."""
    verdict = decide(NOTICE, replace(CHANNEL, timing=timing), at(now))
    assert verdict == Brought(at(then), digest=then != now)


@pytest.mark.parametrize("kind", sorted(URGENT))
def test_what_is_urgent_waits_for_nothing(kind: Kind) -> None:
    """Neither for the digest nor for the morning."""
    night = Timing(Rhythm.DAILY, BERLIN, time(9), time(22), time(7))
    moment = at("2026-11-21T23:30")
    urgent = replace(NOTICE, kind=kind)
    verdict = decide(urgent, replace(CHANNEL, timing=night), moment)
    assert verdict == Brought(moment, digest=False)


def test_people_are_told_together_of_turns_that_come() -> None:
    """A program is told of each on its own, unless it wants digests."""
    coming = replace(NOTICE, kind=Kind.UPCOMING)
    assert decide(coming, CHANNEL, NOW) == Brought(NOW, digest=True)
    program = replace(CHANNEL, kind=ChannelKind.WEBHOOK)
    assert decide(coming, program, NOW) == Brought(NOW, digest=False)
    assert decide(coming, replace(program, timing=HOURLY), NOW) == decide(NOTICE, HOURS, NOW)


WAITING = Dispatch(NOTICE.id, CHANNEL.id, at("2026-11-21T11:20"), at("2026-11-21T12:30"))
URGENTLY = replace(WAITING, urgent=True)
FAILED = replace(WAITING, attempts=1)
AGAIN = [
    ("at once", ALWAYS, WAITING, "2026-11-21T12:00"),
    ("a digest to come", DAILY, WAITING, "2026-11-22T08:00"),
    ("a digest that is due", HOURLY, WAITING, "2026-11-21T12:00"),
    ("quiet", NOON, WAITING, "2026-11-21T13:30"),
    ("failed", ALWAYS, FAILED, "2026-11-21T12:00"),
    ("failed, of a digest", DAILY, FAILED, "2026-11-21T12:00"),
    ("failed, and quiet", NOON, FAILED, "2026-11-21T13:30"),
]


@pytest.mark.parametrize(("_name", "timing", "way", "then"), AGAIN, ids=[row[0] for row in AGAIN])
def test_what_waits_is_brought_as_a_changed_channel_has_it(
    _name: str, timing: Timing, way: Dispatch, then: str
) -> None:
    """As if that had been so when it happened; what has failed at once, unless it is quiet."""
    after = decide_again(way, NOTICE, replace(CHANNEL, timing=timing), NOW)
    together = timing is not ALWAYS
    assert after == replace(way, due_at=at(then), digest=together)


def test_what_waits_is_urgent_or_unwanted_all_the_same() -> None:
    """Quiet hours put off nothing urgent, and what a channel hears of no more is left out."""
    urgent = replace(NOTICE, kind=Kind.BLOCKED)
    quiet = replace(CHANNEL, timing=NOON)
    assert decide_again(URGENTLY, urgent, quiet, NOW) == replace(URGENTLY, due_at=NOW)
    out = decide_again(WAITING, NOTICE, replace(quiet, selector="label=shop-*"), NOW)
    why = f"{LEFT_OUT}it is not one of label=shop-*"
    assert out == replace(WAITING, due_at=None, failure=why)


BAD_TIMES = [
    (Timing(zone="Mars/Olympus"), "zone"),
    (Timing(Rhythm.DAILY), "digestAt"),
    (Timing(Rhythm.HOURLY, daily_at=time(9)), "digestAt"),
    (Timing(quiet_from=time(9)), "quietTo"),
    (Timing(quiet_from=time(9), quiet_to=time(9)), "quietTo"),
]


@pytest.mark.parametrize(("timing", "field"), BAD_TIMES)
def test_times_that_do_not_fit_are_refused(timing: Timing, field: str) -> None:
    """The error names the field."""
    with pytest.raises(InvalidInput) as refused:
        checked_timing(timing)
    assert refused.value.problems[0].field == (field,)


def test_kinds_and_the_time_ahead_are_checked() -> None:
    """Only kinds that there are, and a minute to a month."""
    assert checked_kinds(["turn.blocked", "turn.blocked"]) == ("turn.blocked",)
    assert checked_ahead(3600) == 3600
    with pytest.raises(InvalidInput, match="must be of"):
        checked_kinds(["turn.unheard"])
    for seconds in (59, 30 * 86_400 + 1):
        with pytest.raises(InvalidInput, match="aheadS"):
            checked_ahead(seconds)


# --- what comes next, and in one message ----------------------------------------------------------


FIRST = [
    ("nothing failed", 0, 9, 0, "urgent"),
    ("what was tried less", 2, 1, 0, "other"),
    ("what was tried less", 3, 1, 2, "urgent"),
    ("as often, by turns", 1, 0, 0, "other"),
    ("as often, by turns", 2, 0, 0, "urgent"),
]


@pytest.mark.parametrize(("_why", "failed", "urgently", "plainly", "first"), FIRST)
def test_what_is_urgent_goes_first_unless_something_failed(
    _why: str, failed: int, urgently: int, plainly: int, first: str
) -> None:
    """Then each has its turn, so that neither is held up by what a receiver refuses."""
    ways = {
        "urgent": [replace(URGENTLY, attempts=urgently)],
        "other": [replace(WAITING, attempts=plainly)],
    }
    assert goes_first(ways["urgent"], ways["other"], failed) == ways[first]
    for each in ways.values():
        assert goes_first([], each, failed) == goes_first(each, [], failed) == each


def due(*kinds: Kind, digest: bool = False) -> list[tuple[Dispatch, Notice]]:
    """Return notices of these kinds on their way, the oldest first."""
    notices = [
        replace(NOTICE, id=NoticeId(str(number)), kind=kind) for number, kind in enumerate(kinds)
    ]
    return [(Dispatch(each.id, CHANNEL.id, NOW, NOW, digest=digest), each) for each in notices]


def ids(load: Any) -> str:  # noqa: ANN401  pairs
    """Return which of them are brought, in one text."""
    return "".join(notice.id for _, notice in load)


FEW, MANY = PILED_UP - 1, PILED_UP


def test_people_are_sent_one_message_for_what_has_piled_up() -> None:
    """A program gets every one on its own, unless it wants digests."""
    few, many = due(*[Kind.FINISHED] * FEW), due(*[Kind.FINISHED] * MANY)
    assert ids(next_load(few, ChannelKind.EMAIL)) == "0"
    assert ids(next_load(many, ChannelKind.EMAIL)) == "01234"
    assert ids(next_load(many, ChannelKind.WEBHOOK)) == "0"
    assert next_load([], ChannelKind.EMAIL) == []


def test_a_digest_is_one_message() -> None:
    """What is due beside it comes along, but to a program."""
    mixed = [*due(Kind.FINISHED, Kind.STARTED, digest=True)]
    single = replace(NOTICE, id=NoticeId("x"))
    mixed.append((Dispatch(single.id, CHANNEL.id, NOW, NOW), single))
    assert ids(next_load(mixed, ChannelKind.SLACK)) == "01x"
    assert ids(next_load(mixed, ChannelKind.WEBHOOK)) == "01"
    assert ids(next_load(mixed[::-1], ChannelKind.WEBHOOK)) == "x"


# --- how it arrives -------------------------------------------------------------------------------

WAY = Dispatch(NOTICE.id, CHANNEL.id, NOW, NOW)


def test_a_channel_is_due_by_the_soonest_that_it_waits_for() -> None:
    """Whatever comes makes it due sooner, never later."""
    later = awaited(CHANNEL, NOW + 60 * SECOND)
    assert later.due_at == NOW + 60 * SECOND
    assert awaited(later, NOW).due_at == NOW
    assert awaited(awaited(later, NOW), NOW + SECOND).due_at == NOW


def test_a_channel_that_fails_is_left_alone_for_longer_each_time() -> None:
    """Nothing hastens it; what arrives in the end clears it."""
    failed = missed(CHANNEL, "It was away.", NOW)
    again = missed(failed, "It was away.", NOW + 60 * SECOND)
    assert failed.due_at == NOW + 2 * SECOND
    assert again.due_at == NOW + 65 * SECOND
    assert (again.attempts, again.failing_since) == (2, NOW)
    assert awaited(failed, NOW) == failed
    assert given_back(failed, NOW).due_at == failed.due_at
    assert awaited(given_back(failed, NOW + 90 * SECOND), NOW).due_at == failed.due_at
    assert missed(CHANNEL, "", NOW, retry_after_s=77).due_at == NOW + 77 * SECOND
    well = reached(again)
    assert (well.attempts, well.failing_since, well.told) == (0, None, "")
    assert given_back(well, NOW).due_at == NOW


def test_a_worker_holds_a_channel_and_gives_it_back() -> None:
    """Every claim has the next epoch, so that who held it before has nothing to say."""
    held = claimed(CHANNEL, NOW + 60 * SECOND)
    assert (held.leased_until, held.epoch) == (NOW + 60 * SECOND, 1)
    back = given_back(replace(held, look_at=NOW + SECOND), NOW + 2 * SECOND)
    assert (back.leased_until, back.due_at) == (None, NOW + SECOND)
    assert given_back(held, None).due_at is None


def test_a_paused_channel_waits_for_nothing() -> None:
    """Nobody who has it in hand writes anything down."""
    still = paused(replace(CHANNEL, look_at=NOW, due_at=NOW))
    assert (still.paused, still.look_at, still.due_at, still.epoch) == (True, None, None, 1)
    assert watching(still, NOW) == still


def test_only_who_hears_of_what_is_coming_looks_for_it() -> None:
    """A channel that does not want to know costs no look."""
    assert watching(CHANNEL, NOW).look_at == NOW
    assert watching(replace(CHANNEL, kinds=(Kind.BLOCKED.value,)), NOW).due_at is None


def test_a_try_ends_with_a_confirmation_or_a_pause() -> None:
    """After days without success nobody tries any more."""
    failed = undelivered(WAY, "It was away.", NOW, ALWAYS)
    assert (failed.due_at, failed.attempts) == (NOW + 2 * SECOND, 1)
    assert undelivered(WAY, "", NOW, ALWAYS, retry_after_s=77).due_at == NOW + 77 * SECOND
    done = delivered(failed, NOW)
    assert (done.due_at, done.delivered_at, done.attempts, done.failure) == (None, NOW, 2, "")
    assert undelivered(WAY, "", NOW + GIVE_UP_AFTER - SECOND, ALWAYS).due_at
    assert undelivered(WAY, "", NOW + GIVE_UP_AFTER, ALWAYS).due_at is None


def test_a_try_that_falls_into_quiet_hours_waits_for_their_end() -> None:
    """It comes then with others; what is urgent is tried all the same."""
    last = at("2026-11-21T11:59:59")
    failed = undelivered(WAY, "It was away.", last, NOON)
    assert (failed.due_at, failed.digest) == (at("2026-11-21T13:30"), True)
    urgent = undelivered(replace(WAY, urgent=True), "It was away.", last, NOON)
    assert (urgent.due_at, urgent.digest) == (last + 2 * SECOND, False)
