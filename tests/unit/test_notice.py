"""What is news, how often the same is told, how long it is kept, and when it is tried again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from keyturn.domain.destination import TRIES_MAX
from keyturn.domain.ids import FolderId, NoticeId, OAuthConnectionId, ProjectId, RegistrationId
from keyturn.domain.notice import (
    KEPT,
    KEPT_MAX,
    QUIET,
    Kind,
    Notice,
    claimed,
    delivered,
    health_to_tell,
    hushed_until,
    is_news,
    kind_of,
    outdated,
    undelivered,
    why_told,
)
from keyturn.domain.oauth.connection import Connection, GrantType, State, Tokens
from keyturn.domain.oauth.health import Health
from keyturn.domain.oauth.lights import Light
from keyturn.domain.oauth.registration import ClientRegistration, Scheme, Standing

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
BROKEN = Notice(
    NoticeId("n"),
    Kind.CONNECTION_HEALTH,
    ProjectId("p"),
    "dev",
    "/",
    "c",
    "people",
    Light.HEALTHY,
    Light.BROKEN,
    "It broke.",
    NOW,
)
CLIENT = ClientRegistration(
    RegistrationId("r"), FolderId("f"), "r", "api", Scheme.OAUTH, "{}", "id", NOW, NOW
)
TROUBLED = Connection(
    OAuthConnectionId("c"),
    CLIENT.id,
    FolderId("f"),
    "people",
    GrantType.CODE,
    (),
    NOW,
    NOW,
    state=State.TROUBLED,
    attempts=1,
    told="It was away.",
    tokens=Tokens(1, b"", "Bearer", True, NOW, NOW + HOUR, version=1),  # noqa: FBT003  its place
)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (Light.UNKNOWN, Light.AT_RISK, True),
        (Light.UNKNOWN, Light.HEALTHY, False),
        (Light.HEALTHY, Light.BROKEN, True),
        (Light.HEALTHY, Light.UNKNOWN, False),
        (Light.AT_RISK, Light.BROKEN, True),
        (Light.AT_RISK, Light.AT_RISK, False),
        (Light.BROKEN, Light.AT_RISK, True),
        (Light.BROKEN, Light.UNKNOWN, False),
        (Light.BROKEN, Light.HEALTHY, True),
    ],
)
def test_trouble_and_its_end_are_news(before: Light, after: Light, *, told: bool) -> None:
    """What has not been seen is no news, and neither is that something was well all along."""
    assert is_news(before, after) is told


def test_a_blip_is_not_told_while_requests_work() -> None:
    """The next try may mend a first failure; a second one, or a token that has ended, is told."""
    first = health_to_tell(TROUBLED, NOW)
    assert (first.light, first.fails_at) == (Light.UNKNOWN, NOW + HOUR)
    assert health_to_tell(replace(TROUBLED, attempts=2), NOW).light is Light.AT_RISK
    assert health_to_tell(TROUBLED, NOW + HOUR).light is Light.BROKEN
    assert health_to_tell(replace(TROUBLED, state=State.LAPSED), NOW).light is Light.AT_RISK


def test_the_same_is_told_once_an_hour() -> None:
    """Whatever was told of a subject is told again an hour later at the soonest."""
    older = replace(BROKEN, created_at=NOW - HOUR / 2)
    well = replace(BROKEN, after=Light.HEALTHY)
    assert hushed_until(Light.BROKEN, [BROKEN, older, well], NOW) == NOW + QUIET
    assert hushed_until(Light.AT_RISK, [BROKEN, older, well], NOW) is None
    assert hushed_until(Light.BROKEN, [BROKEN], NOW + QUIET) is None


@pytest.mark.parametrize(
    ("standing", "after", "kind"),
    [
        (Standing.REJECTED, Light.BROKEN, Kind.SECRET_REJECTED),
        (Standing.ACCEPTED, Light.AT_RISK, Kind.SECRET_REPLACED),
        (Standing.UNPROVED, Light.BROKEN, Kind.SECRET_REPLACED),
        (Standing.ACCEPTED, Light.HEALTHY, Kind.SECRET_ACCEPTED),
    ],
)
def test_a_notice_of_a_secret_says_what_became_of_it(
    standing: Standing, after: Light, kind: Kind
) -> None:
    """It was rejected, or replaced, or is accepted again."""
    assert kind_of(replace(CLIENT, standing=standing), after) is kind


def test_every_notice_has_words() -> None:
    """The reasons, one after the other; where there are none left, that it is well again."""
    assert why_told(Kind.CONNECTION_HEALTH, Health(Light.BROKEN, ("One.", "Two."))) == "One. Two."
    for kind in (Kind.CONNECTION_HEALTH, Kind.SECRET_ACCEPTED):
        assert "again" in why_told(kind, Health(Light.HEALTHY))


def test_what_is_old_or_too_much_is_kept_no_longer() -> None:
    """A month, and a thousand; but what is still to be brought stays, and the last hour."""
    now = NOW + KEPT
    recent = [replace(BROKEN, created_at=now - QUIET)] * KEPT_MAX
    fresh = [replace(BROKEN, created_at=now - QUIET + SECOND)] * KEPT_MAX
    waiting = replace(BROKEN, due_at=NOW)
    assert outdated([BROKEN], now - SECOND) == []
    assert outdated([BROKEN, waiting], now) == [BROKEN]
    assert outdated([waiting, *recent], now) == []
    assert outdated([recent[0], *recent], now) == [recent[0]]
    assert outdated([fresh[0], *fresh], now) == []


def test_a_try_ends_with_a_confirmation_or_a_pause() -> None:
    """While it lasts nobody else tries; after days without success nobody does any more."""
    taken = claimed(BROKEN, NOW + HOUR)
    assert (taken.due_at, taken.attempts) == (NOW + HOUR, 1)
    failed = undelivered(taken, "It was away.", NOW)
    assert failed == replace(taken, due_at=NOW + 2 * SECOND, failure="It was away.")
    asked = undelivered(taken, "", NOW, retry_after_s=77.0)
    assert asked.due_at == NOW + 77 * SECOND
    done = delivered(failed, NOW)
    assert (done.due_at, done.delivered_at, done.failure) == (None, NOW, "")
    assert undelivered(replace(taken, attempts=TRIES_MAX - 1), "", NOW).due_at
    assert undelivered(replace(taken, attempts=TRIES_MAX), "", NOW).due_at is None
