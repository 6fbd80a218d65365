"""Turns: the journeys of a rotation (ours)."""

from keyturn.wire.base import Instant, Wire


class Held(Wire):
    """A client secret in a turn's hands, by Okta's hash and id and by our version."""

    hash: str
    okta_id: str | None
    version: int | None


class Blocked(Wire):
    """Why a turn stands still, who must act, and the phase in which it goes on."""

    reason: str
    detail: str
    phase: str


class TurnStep(Wire):
    """One recorded step; ``requestId`` is Okta's, and empty where Okta took no part."""

    number: int
    at: Instant
    phase: str
    step: str
    detail: str
    request_id: str


class Turn(Wire):
    """One journey of a rotation."""

    id: str
    rotation_id: str
    trigger: str
    phase: str
    created_at: Instant
    entered_at: Instant
    ended_at: Instant | None
    wake_at: Instant | None
    blocked: Blocked | None
    old: Held | None
    new: Held | None
    steps: tuple[TurnStep, ...]


class TurnsAnswer(Wire):
    """Turns, the newest first."""

    turns: tuple[Turn, ...]
