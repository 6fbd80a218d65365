"""What of a fleet needs somebody: the words, how much it presses, and in which order it is told."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from fleet_kit import ORG, PLACE, FakeMember, member
from storage_kit import DESTINATION, GRANTED
from turn_kit import NOW, turn

from keyturn.domain.attention import (
    About,
    Concern,
    Kind,
    Severity,
    Surroundings,
    concerns_of,
)
from keyturn.domain.destination import State as Delivering
from keyturn.domain.drift import Finding
from keyturn.domain.drift import Kind as Drift
from keyturn.domain.ids import (
    ConnectionId,
    IdentityId,
    LeakId,
    OrganizationId,
    RolloutId,
    RotationId,
    SecretHash,
)
from keyturn.domain.leaks import LeakReport, Source, Which
from keyturn.domain.leaks import State as Reported
from keyturn.domain.oauth.health import Health
from keyturn.domain.oauth.lights import Light
from keyturn.domain.outlook import Outlook, State
from keyturn.domain.rollout import Kind as Wide
from keyturn.domain.rollout import Rollout
from keyturn.domain.rollout import State as Stands
from keyturn.domain.turn import Blocked, Phase, Reason

HOUR = timedelta(hours=1)
ALONE = Surroundings((), (), ())


def told(*members: FakeMember, now: datetime = NOW, **around: Any) -> list[Concern]:  # noqa: ANN401
    """List what needs somebody; without surroundings the members alone do."""
    return [*concerns_of(members, replace(ALONE, **around), now)]


def blocked(reason: Reason, since: datetime = NOW, **changes: Any) -> FakeMember:  # noqa: ANN401
    """Make a member whose turn is blocked; changes are fields of a member."""
    why = Blocked(reason, "Detail.", Phase.PLANNED)
    stands = {"outlook": Outlook(State.BLOCKED, "The turn is blocked.")}
    open_turn = turn(Phase.BLOCKED, blocked=why, entered_at=since)
    return member(turn=open_turn, **(stands | changes))


def test_a_fleet_that_is_well_needs_nobody() -> None:
    """What is scheduled, off, or under way is not told."""
    under_way = member(turn=turn(Phase.ISSUED), outlook=Outlook(State.TURNING, "Under way."))
    assert told(member(), member(outlook=Outlook(State.OFF)), under_way) == []


def test_a_blocked_turn_says_who_must_act() -> None:
    """The reason's own words are told, since when, and of which rotation."""
    [found] = told(blocked(Reason.APP_GONE))
    assert (found.severity, found.kind) == (Severity.ACT, Kind.BLOCKED)
    assert found.told == f"{Reason.APP_GONE.value} Detail."
    assert (found.about, found.id, found.place) == (About.ROTATION, "r-1", str(PLACE))
    assert found.since == NOW


@pytest.mark.parametrize(
    "reason", [Reason.NEW_SECRET_LOST, Reason.NEW_SECRET_OFF, Reason.NEW_SECRET_ONLY]
)
def test_readers_with_a_dead_secret_are_urgent(reason: Reason) -> None:
    """Nothing presses more than what is refused already."""
    [found] = told(blocked(reason))
    assert found.severity is Severity.URGENT


def test_quarantine_is_told_with_what_blocks_the_turn() -> None:
    """One rotation is one concern, with all that keeps it from turning."""
    halted = Outlook(State.QUARANTINED, "None starts by itself any more.")
    [found] = told(blocked(Reason.APP_GONE, outlook=halted))
    assert found.kind is Kind.BLOCKED
    assert found.told.endswith("Detail. None starts by itself any more.")
    [found] = told(member(outlook=halted))
    assert (found.kind, found.told) == (Kind.QUARANTINED, "None starts by itself any more.")


def test_refused_access_is_told_once_a_connection() -> None:
    """However many turns wait for the same credentials, one person renews them once."""
    refused = Reason.ACCESS_REFUSED
    fleet = [blocked(refused, NOW + HOUR), blocked(refused)]
    elsewhere = replace(ORG, id=ConnectionId("c-2"), name="other")
    found = told(*fleet, blocked(refused, connection=elsewhere), now=NOW + HOUR)
    assert [(one.name, one.rotations, one.since) for one in found] == [
        ("okta", 2, NOW),
        ("other", 1, NOW),
    ]
    assert {one.kind for one in found} == {Kind.ACCESS_REFUSED}
    assert {one.about for one in found} == {About.OKTA_CONNECTION}
    assert found[0].told.endswith("Turns of 2 rotations wait for that.")


def test_what_nobody_starts_is_told_to_the_operator() -> None:
    """A turn whose time has come and that does not start means that nothing runs."""
    due = {"due_at": NOW, "next_rotation_at": NOW, "outlook": Outlook(State.WAITING, "Due.")}
    soon = NOW + timedelta(minutes=14)
    assert told(member(**due), now=soon) == []
    [found] = told(member(**due), now=NOW + timedelta(minutes=15))
    assert (found.severity, found.kind, found.since) == (Severity.ACT, Kind.OVERDUE, NOW)
    assert "operator must look whether the server runs" in found.told


def test_a_missed_time_is_watched() -> None:
    """A turn that starts later by itself is told, and asks for nothing."""
    missed = Outlook(State.MISSED, "Its time passed.")
    [found] = told(member(outlook=missed, due_at=NOW, next_rotation_at=NOW + HOUR))
    assert (found.severity, found.kind, found.told) == (
        Severity.WATCH,
        Kind.OVERDUE,
        "Its time passed.",
    )


@pytest.mark.parametrize(
    ("again", "severity", "ending"),
    [
        (NOW + HOUR, Severity.WATCH, "tried again at 2026-11-21 13:00 UTC."),
        (None, Severity.ACT, ""),
    ],
)
def test_a_failure_is_told_until_a_turn_succeeds(
    again: datetime | None, severity: Severity, ending: str
) -> None:
    """What is tried again by itself is watched; what nobody tries again needs somebody."""
    [found] = told(member(last_message="Okta refused.", next_rotation_at=again))
    assert (found.severity, found.kind) == (severity, Kind.FAILED)
    assert found.told.startswith("Okta refused.")
    assert found.told.endswith(ending)


def test_a_paused_turn_is_remembered() -> None:
    """Somebody meant it so, and may have forgotten."""
    still = turn(Phase.OVERLAPPING, paused_at=NOW)
    [found] = told(member(turn=still, outlook=Outlook(State.PAUSED, "Stands still.")))
    assert (found.severity, found.kind, found.since) == (Severity.WATCH, Kind.PAUSED, NOW)


@pytest.mark.parametrize(
    ("kind", "severity"),
    [(Drift.SECRET_REMOVED, Severity.URGENT), (Drift.SECRET_ADDED, Severity.ACT)],
)
def test_a_finding_is_told_of_its_rotation(kind: Drift, severity: Severity) -> None:
    """What Okta refuses already presses more than what only takes room."""
    finding = Finding("f", RotationId("r-1"), kind, "ocs1", "Made by somebody.", NOW)
    strange = replace(finding, rotation_id=RotationId("r-9"))
    [found] = told(member(), findings=[finding, strange])
    assert (found.severity, found.kind, found.name) == (severity, Kind.DRIFTED, "rotation")
    assert found.told == f"Made by somebody. {kind.value}"


@pytest.mark.parametrize(
    ("reason", "kind", "severity"),
    [
        (Reason.NEW_SECRET_OFF, Drift.SECRET_DEACTIVATED, Severity.URGENT),
        (Reason.NEW_SECRET_LOST, Drift.SECRET_REMOVED, Severity.URGENT),
        (Reason.NEW_SECRET_LOST, Drift.SECRET_OVERWRITTEN, Severity.URGENT),
        (Reason.NEW_SECRET_ONLY, Drift.SECRET_REMOVED, Severity.URGENT),
        (Reason.FOREIGN_SECRET, Drift.SECRET_ADDED, Severity.ACT),
        (Reason.FOREIGN_SECRET, Drift.OLD_VALUE_BACK, Severity.ACT),
        (Reason.APP_GONE, Drift.APP_GONE, Severity.URGENT),
        (Reason.APP_INACTIVE, Drift.APP_DEACTIVATED, Severity.URGENT),
        (Reason.NO_SECRET_USED, Drift.KEYS_USED, Severity.ACT),
    ],
)
def test_one_cause_is_told_once(reason: Reason, kind: Drift, severity: Severity) -> None:
    """The block tells what leads out, and presses as much as what was found."""
    finding = Finding("f", RotationId("r-1"), kind, "ocs1", "", NOW)
    [found] = told(blocked(reason), findings=[finding])
    assert (found.kind, found.severity) == (Kind.BLOCKED, severity)


def test_another_cause_is_told_beside_the_block() -> None:
    """What is found besides is not mended by what leads out of the block."""
    finding = Finding("f", RotationId("r-1"), Drift.SECRET_DEACTIVATED, "ocs1", "", NOW)
    found = told(blocked(Reason.FOREIGN_SECRET), findings=[finding])
    assert [one.kind for one in found] == [Kind.DRIFTED, Kind.BLOCKED]
    paused = member(turn=turn(Phase.ISSUED), outlook=Outlook(State.TURNING, "Under way."))
    assert [one.kind for one in told(paused, findings=[finding])] == [Kind.DRIFTED]


@pytest.mark.parametrize(
    ("light", "severity"),
    [
        (Light.BROKEN, Severity.URGENT),
        (Light.AT_RISK, Severity.ACT),
        (Light.UNKNOWN, None),
        (Light.HEALTHY, None),
    ],
)
def test_a_connection_is_told_when_it_is_in_trouble(
    light: Light, severity: Severity | None
) -> None:
    """Why, and from when on its requests fail."""
    health = Health(light, ("It lapsed.",), NOW + HOUR)
    found = told(connections=[(GRANTED, PLACE, health)])
    assert [one.severity for one in found] == ([severity] if severity else [])
    for one in found:
        assert one.told == "It lapsed. Requests fail from 2026-11-21 13:00 UTC on."
        assert (one.about, one.id, one.rotations) == (About.CONNECTION, GRANTED.id, 0)


def test_a_destination_is_told_once_it_has_said_no() -> None:
    """One that is tried again by itself is not told."""
    refused = replace(DESTINATION, told="It said no.", required=False)
    waiting = replace(refused, state=Delivering.WAITING)
    [found] = told(destinations=[(refused, PLACE), (waiting, PLACE)])
    assert (found.severity, found.kind, found.told) == (
        Severity.ACT,
        Kind.DESTINATION,
        "It said no.",
    )
    [held] = told(destinations=[(replace(refused, required=True), PLACE)])
    assert held.told == "It said no. A turn waits for it."


def test_connections_that_cannot_be_compared_are_told_once() -> None:
    """Why, since when, and of how many rotations; one whose access turns wait for is told by it."""
    failing = replace(ORG, failing_since=NOW - HOUR, told="Okta does not answer.")
    [found] = told(member(connection=failing), member(connection=failing, name="other"))
    assert (found.kind, found.name, found.since, found.rotations) == (
        Kind.UNCOMPARED,
        "okta",
        NOW - HOUR,
        2,
    )
    assert found.told.startswith("Okta does not answer. Its rotations are not compared")
    [found] = told(blocked(Reason.ACCESS_REFUSED, connection=failing))
    assert found.kind is Kind.ACCESS_REFUSED


def test_what_presses_most_comes_first_and_of_that_the_oldest() -> None:
    """Whoever reads from the top does the right thing next."""
    fleet = [
        member(name="watch", last_message="Failed.", next_rotation_at=NOW + 9 * HOUR),
        blocked(Reason.APP_GONE, name="newer"),
        blocked(Reason.APP_GONE, NOW - HOUR, name="older"),
        blocked(Reason.NEW_SECRET_LOST, name="urgent"),
    ]
    assert [one.name for one in told(*fleet)] == ["urgent", "older", "newer", "watch"]


WAVES = Rollout(
    RolloutId("w"), OrganizationId("o"), Wide.WAVES, "spring", "", "", Stands.HALTED, "hash",
    IdentityId("i"), "Ada", NOW, told="Wave 2: app. Blocked.", wave=2,
)  # fmt: skip


def test_a_rollout_that_waits_for_somebody_is_told() -> None:
    """Halted, or awaiting an approval; one that runs or has finished needs nobody."""
    [halted] = told(rollouts=[(WAVES, 1)])
    assert (halted.severity, halted.kind, halted.about) == (
        Severity.ACT,
        Kind.HALTED,
        About.ROLLOUT,
    )
    assert halted.told.endswith("Wave 2: app. Blocked.")
    assert halted.since == WAVES.created_at
    [awaiting] = told(rollouts=[(replace(WAVES, state=Stands.AWAITING), 0)])
    assert awaiting.told == "Wave 2 waits for a second person to approve it."
    assert told(rollouts=[(replace(WAVES, state=Stands.RUNNING), 0)]) == []


def test_an_app_that_an_emergency_has_not_closed_is_urgent() -> None:
    """Its old secret may still work; while all goes well nobody is asked for."""
    emergency = replace(WAVES, kind=Wide.EMERGENCY, state=Stands.RUNNING)
    [found] = told(rollouts=[(emergency, 2)])
    assert (found.severity, found.about) == (Severity.URGENT, About.EMERGENCY)
    assert found.told.startswith("2 apps are NOT CLOSED")
    assert told(rollouts=[(emergency, 0)]) == []


LEAK = LeakReport(
    LeakId("l"), OrganizationId("o"), NOW, Source.GITHUB, "GitHub", SecretHash("h"), "", "",
    Reported.OPEN, Which.CURRENT, "Checkout", rotation_id=RotationId("r-1"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("which", "changes", "severity", "todo"),
    [
        (Which.CURRENT, {}, Severity.URGENT, "close the app. It is the one that readers are given"),
        (Which.RETIRED, {}, Severity.ACT, "close the app. It is deactivated"),
        (Which.FOREIGN, {"rotation_id": None}, Severity.URGENT, "replace it in Okta's Admin"),
        (Which.CURRENT, {"emergency_id": "e"}, Severity.WATCH, "an emergency closes the app."),
    ],
)
def test_a_secret_that_has_leaked_is_told_by_what_is_to_be_done(
    which: Which,
    changes: Any,  # noqa: ANN401
    severity: Severity,
    todo: str,
) -> None:
    """Nothing presses more than one that works; what closes it by itself is watched."""
    [found] = told(member(), leaks=[replace(LEAK, which=which, **changes)])
    assert (found.severity, found.kind, found.about) == (severity, Kind.LEAKED, About.LEAK)
    assert (found.id, found.name, found.since) == ("l", "Checkout", NOW)
    assert found.place == ("" if which is Which.FOREIGN else str(PLACE))
    assert found.told.startswith(f"A secret of it is reported as leaked: {todo}")


def test_a_secret_that_is_reported_of_many_places_is_told_once() -> None:
    """By the report of which an emergency is known, or else by the first; other secrets besides."""
    later = replace(LEAK, id=LeakId("later"), at=NOW + HOUR)
    other = replace(LEAK, id=LeakId("other"), hash=SecretHash("another"), at=NOW + 2 * HOUR)
    assert [each.id for each in told(leaks=[other, later, LEAK])] == ["l", "other"]
    [closing] = told(leaks=[LEAK, replace(later, emergency_id=RolloutId("e"))])
    assert (closing.id, closing.severity) == ("later", Severity.WATCH)
