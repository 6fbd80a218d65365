"""What is news of connections and of turns, and how often the same is told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from turn_kit import turn

from keyturn.domain.ids import (
    FolderId,
    NoticeId,
    OAuthConnectionId,
    OrganizationId,
    ProjectId,
    RegistrationId,
)
from keyturn.domain.notice import (
    KEPT,
    QUIET,
    URGENT,
    Kind,
    Notice,
    health_to_tell,
    hushed_until,
    is_news,
    kind_of,
    of_turn,
    why_told,
)
from keyturn.domain.oauth.connection import Connection, GrantType, State, Tokens
from keyturn.domain.oauth.health import Health
from keyturn.domain.oauth.lights import Light
from keyturn.domain.oauth.registration import ClientRegistration, Scheme, Standing
from keyturn.domain.turn import Phase
from keyturn.services.notices import VERBS

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
BROKEN = Notice(
    kind=Kind.CONNECTION_HEALTH,
    organization_id=OrganizationId("o"),
    project_id=ProjectId("p"),
    subject_id="c",
    subject="people",
    told="It broke.",
    before=Light.HEALTHY,
    after=Light.BROKEN,
    id=NoticeId("n"),
    created_at=NOW,
    forget_at=NOW + KEPT,
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


PHASES = [
    (Phase.PLANNED, Phase.WRITTEN, Kind.STARTED),
    (Phase.WRITTEN, Phase.ISSUED, None),
    (Phase.VERIFIED, Phase.PROMOTED, None),
    (Phase.SOAKING, Phase.FINISHED, Kind.FINISHED),
    (Phase.ISSUED, Phase.ROLLED_BACK, Kind.ROLLED_BACK),
    (Phase.PLANNED, Phase.ROLLED_BACK, None),
    (Phase.PLANNED, Phase.BLOCKED, Kind.BLOCKED),
    (Phase.BLOCKED, Phase.PLANNED, None),
    (Phase.BLOCKED, Phase.WRITTEN, None),
    (Phase.BLOCKED, Phase.ROLLED_BACK, Kind.ROLLED_BACK),
    (Phase.RETIRED, Phase.RETIRED, None),
]


@pytest.mark.parametrize(("before", "after", "kind"), PHASES)
def test_what_is_told_of_a_turn(before: Phase, after: Phase, kind: Kind | None) -> None:
    """Its beginning, its ends, and that it stands still; not that somebody has set it going."""
    assert of_turn(turn(before), turn(after)) is kind


def test_an_old_secret_that_works_again_is_told_whatever_the_phase() -> None:
    """From the overlap, from the soak, or from a standstill."""
    for phase in (Phase.OVERLAPPING, Phase.SOAKING, Phase.BLOCKED):
        after = turn(Phase.OVERLAPPING, reinstated=1)
        assert of_turn(turn(phase), after) is Kind.REINSTATED


def test_every_kind_is_urgent_or_waits_and_has_a_known_first_word() -> None:
    """What somebody may see of it is told by that word, or it takes the right to see channels."""
    assert {each.partition(".")[0] for each in Kind} >= set(VERBS)
    assert Kind.BLOCKED in URGENT
    assert Kind.FINISHED not in URGENT
