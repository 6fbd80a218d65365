"""Turns: the journeys of a rotation (ours)."""

from typing import Literal

from pydantic import StrictBool

from keyturn.wire.base import Instant, Wire

NUMBER_MAX = 2**53


class Held(Wire):
    """A client secret in a turn's hands, by Okta's hash and id and by our version.

    For a client key ``hash`` is its thumbprint (RFC 7638).
    """

    hash: str
    okta_id: str | None
    version: int | None


class Blocked(Wire):
    """Why a turn stands still, who must act, and the phase in which it goes on."""

    reason: str
    detail: str
    phase: str


class TurnStep(Wire):
    """One recorded step; ``requestId`` is Okta's, and empty where Okta took no part.

    ``errorId`` is that of Okta's error object, and empty where there was none. ``at`` is by
    Keyturn's clock: of a call when it was answered or given up.
    """

    number: int
    at: Instant
    phase: str
    step: str
    detail: str
    request_id: str
    error_id: str


class Waiting(Wire):
    """One thing that the gate to the retirement of the old secret waits for."""

    cause: str
    who: str
    until: Instant | None


class Gate(Wire):
    """Whether the old secret may be retired.

    ``state`` is ``open``, ``shut``, or ``unread`` while only Okta's System Log is left to be asked;
    ``by`` says what opened it.
    """

    state: Literal["open", "shut", "unread"]
    by: str | None
    waiting: tuple[Waiting, ...]


class FinishNow(Wire):
    """Cut the overlap or the soak short.

    ``atOnce`` leaves out the shortest overlap and the soak as well: for a secret that has leaked.
    """

    at_once: StrictBool = False


class StartTurn(Wire):
    """Start a turn; in an ``emergency`` the old secret goes as soon as the new one is served.

    Without ``wait`` it is answered once the turn has begun, and not once the new one is served.
    """

    emergency: StrictBool = False
    wait: StrictBool = True


class Turn(Wire):
    """One journey of a rotation.

    ``word`` is what an operator has said that is still to be heeded, ``opened`` what opened the
    gate last, ``reinstated`` how often the old secret came back. ``unconfirmed`` names the
    destinations that a promoted turn waits for.
    """

    id: str
    rotation_id: str
    trigger: str
    phase: str
    created_at: Instant
    entered_at: Instant
    ended_at: Instant | None
    wake_at: Instant | None
    paused_at: Instant | None
    blocked: Blocked | None
    word: str | None
    opened: str | None
    reinstated: int
    gate: Gate | None
    unconfirmed: tuple[str, ...] = ()
    old: Held | None
    new: Held | None
    steps: tuple[TurnStep, ...]


class TurnsAnswer(Wire):
    """Turns, the newest first."""

    turns: tuple[Turn, ...]


class Evidence(Wire):
    """The record of one turn: ids, times and hashes, never a value.

    ``waitedFor`` names what kept the old secret alive, readers and destinations among it, in the
    order in which it was seen. The policy is the rotation's when this was exported. ``clientId`` is
    empty where Keyturn's own key was that of another service app then.
    """

    rotation_id: str
    rotation_name: str
    place: str
    org: str
    app_id: str
    client_id: str
    overlap_policy: str
    overlap_seconds: int
    soak_seconds: int
    backstop_seconds: int
    quiet_seconds: int
    read_system_log: bool
    waited_for: tuple[str, ...]
    turn: Turn
    exported_at: Instant
