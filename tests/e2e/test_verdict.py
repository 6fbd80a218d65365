"""The judge of a rehearsal of kills tells each thing that can be wrong, and nothing else."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from keyturn.cli.rehearsal.judge import TrueApp, TrueSecret
from keyturn.cli.rehearsal.kill_stage import Kept
from keyturn.cli.rehearsal.verdict import Case, Found, wrongs_of
from keyturn.domain.audit import Attempt, linked
from keyturn.domain.ids import AppId, RotationId, SecretHash, TurnId
from keyturn.domain.turn import Held, Phase, Trigger, Turn
from keyturn.services.ports import TurnStep

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TURN = Turn(
    id=TurnId("t"),
    rotation_id=RotationId("r"),
    app_id=AppId("a"),
    trigger=Trigger.MANUAL,
    phase=Phase.FINISHED,
    created_at=NOW,
    entered_at=NOW,
    wake_at=None,
    new=Held(SecretHash("new"), None, None),
)


def app(*secrets: tuple[str, str]) -> TrueApp:
    """Make an app that had secrets of these hashes and states."""
    made = [
        TrueSecret(hash=h, status=s, created_at=NOW, activated_at=NOW, deactivated_at=None)
        for h, s in secrets
    ]
    return TrueApp(id="a", secrets=tuple(made))


OLD, NEW = ("old", "DELETED"), ("new", "ACTIVE")
GOOD = Case(Kept("a", "r", "NAME"), app(OLD, NEW), (TURN,), "new", [3.0])


def test_a_good_end_is_not_complained_of() -> None:
    """One secret is left, known and served, and both worked long enough."""
    assert list(wrongs_of(Found((TURN,), (), ()), [GOOD])) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"app": app(OLD, ("other", "DELETED"), NEW)}, "no turn knows"),
        ({"app": app(OLD, ("new", "DELETED"), NEW)}, "added twice"),
        ({"app": app(("old", "ACTIVE")), "served_hash": "old"}, "Okta never had"),
        ({"app": app(("old", "INACTIVE"), NEW)}, "not the one client secret left"),
        ({"app": app(OLD, ("new", "INACTIVE"))}, "not the one client secret left"),
        ({"served_hash": "old"}, "not the one client secret left"),
        ({"overlaps_s": [4.0, 2.9]}, "2.9 s was too short"),
    ],
)
def test_what_is_wrong_with_an_app_is_told(change: dict[str, object], told: str) -> None:
    """Each thing that can be wrong with an app is told, and it alone."""
    [wrong] = replace(GOOD, **change).wrongs()
    assert told in wrong


def test_turns_that_do_not_end_or_were_blocked_are_told_of() -> None:
    """A turn that is open in the end counts as wrong, and so does one that was ever blocked."""
    lasting = replace(TURN, phase=Phase.SOAKING)
    blocked = TurnStep(TurnId("t"), 1, NOW, "blocked", "blocked", "why")
    first, second = wrongs_of(Found((lasting,), (blocked,), ()), [])
    assert "has not ended: soaking" in first
    assert "was blocked: why" in second


def test_a_broken_audit_chain_is_told_of() -> None:
    """An entry that was taken out shows."""
    first = linked(Attempt(NOW, "who", "did", "what", allowed=True), None)
    second = linked(first.attempt, first)
    assert list(wrongs_of(Found((), (), (first, second)), [])) == []
    assert len(list(wrongs_of(Found((), (), (second,)), []))) == 1
