"""A turn of a client secret, and what Okta lists of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from keyturn.domain.ids import (
    AppId,
    ClientId,
    CredentialId,
    RotationId,
    SecretHash,
    TurnId,
    VersionNo,
)
from keyturn.domain.okta import App, AuthMethod, Credential, Status
from keyturn.domain.steps import Seen, Step, next_step
from keyturn.domain.turn import Held, Phase, Policy, Posted, Trigger, Turn

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
POSTED = Posted(NOW)
LATER = NOW + timedelta(days=1)
POLICY = Policy(overlap_s=300, soak_s=3600, patience_s=600)
OLD = Held(SecretHash("old"), CredentialId("ocsold"), VersionNo(1))
NEW = Held(SecretHash("new"), CredentialId("ocsnew"), VersionNo(2))
APP = App(AppId("0oa1"), ClientId("0oa1"), "app", Status.ACTIVE, AuthMethod.CLIENT_SECRET_BASIC)


def listed(held: Held, status: Status = Status.ACTIVE) -> Credential:
    """Make what Okta lists for a secret of the turn."""
    return Credential(CredentialId(held.okta_id or "?"), held.hash, status, NOW)


FOREIGN = Credential(CredentialId("ocsforeign"), SecretHash("foreign"), Status.ACTIVE, NOW)


def turn(phase: Phase, **changes: Any) -> Turn:  # noqa: ANN401  fields of Turn
    """Make a turn in a phase."""
    plain = Turn(
        TurnId("t"), RotationId("r"), AppId("0oa1"), Trigger.MANUAL, phase, NOW, NOW, NOW, OLD, NEW
    )
    return replace(plain, **changes)


def decide(of: Turn, seen: Seen | None = None, now: datetime = NOW) -> Step:
    """Ask for the next step."""
    return next_step(of, seen or Seen(), POLICY, now)
