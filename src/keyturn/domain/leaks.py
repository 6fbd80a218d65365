"""Leak reports: somebody has seen a client secret where it must not be.

States are a table. A report knows a secret by its hash and never holds a value, nor a part of one.
Knows no clock, no Okta and no store.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from keyturn.domain.errors import Refused
from keyturn.domain.ids import (
    AppId,
    ClientId,
    ConnectionId,
    LeakId,
    OrganizationId,
    RolloutId,
    RotationId,
    SecretHash,
)
from keyturn.domain.okta import CredentialKind, hash_of, secret_hash
from keyturn.domain.secret import State as Kept
from keyturn.domain.sensitive import Sensitive

PREFIX_MIN = 12
"""As many characters of a value have to be given at least: fewer could be tried one by one."""
PREFIX_COMPARED = 16
"""No more of them are compared: whoever may read reports could find out the rest one by one."""
KEPT_UNKNOWN = timedelta(days=30)
"""How long a report is kept that nothing here matches: an inventory may find its secret yet."""
HIDDEN = "(the secret)"
_HASH = re.compile(r"[A-Za-z0-9_-]{22}|[A-Za-z0-9_-]{43}")


class Source(StrEnum):
    """How a report came."""

    OPERATOR = "operator"
    WEBHOOK = "webhook"
    GITHUB = "github"
    """GitHub's secret scanning, by its signature."""


class State(StrEnum):
    """Where a report stands."""

    OPEN = "open"
    """The secret is, or may be, still accepted."""
    UNKNOWN = "unknown"
    """Nothing here has it."""
    CLOSED = "closed"
    """The secret is accepted no more, or somebody says so."""
    FALSE_ALARM = "false_alarm"
    """Somebody has found that it has not leaked."""


class Order(StrEnum):
    """What moves a report on."""

    RECOGNISE = "recognise"
    CLOSE = "close"
    DISMISS = "dismiss"


MOVES: Mapping[State, Mapping[Order, State]] = MappingProxyType(
    {
        State.OPEN: {Order.CLOSE: State.CLOSED, Order.DISMISS: State.FALSE_ALARM},
        State.UNKNOWN: {
            Order.RECOGNISE: State.OPEN,
            Order.CLOSE: State.CLOSED,
            Order.DISMISS: State.FALSE_ALARM,
        },
        State.CLOSED: {},
        State.FALSE_ALARM: {},
    }
)
"""Every legal move of a report."""

ENDED = frozenset({State.CLOSED, State.FALSE_ALARM})
"""The states that nothing follows."""


class Which(StrEnum):
    """Which secret has leaked, as it stands here."""

    CURRENT = "current"
    PREVIOUS = "previous"
    PENDING = "pending"
    """Okta has it or is about to, and nobody is served it."""
    RETIRED = "retired"
    """It is deactivated, and could be reinstated."""
    FOREIGN = "foreign"
    """An app has it at Okta, and no rotation has made or adopted it."""
    GONE = "gone"
    """It is deleted."""


OF_VERSION: Mapping[Kept, Which] = MappingProxyType(
    {
        Kept.CURRENT: Which.CURRENT,
        Kept.PREVIOUS: Which.PREVIOUS,
        Kept.PENDING: Which.PENDING,
        Kept.RETIRED: Which.RETIRED,
        Kept.DESTROYED: Which.GONE,
    }
)
"""What a version's state says of it; of several versions of one value the first here counts."""

MEANING: Mapping[Which, str] = MappingProxyType(
    {
        Which.CURRENT: "It is the one that readers are given now.",
        Which.PREVIOUS: "It is the one from before, which Okta still accepts.",
        Which.PENDING: "It is a new one, which nobody has been given yet.",
        Which.RETIRED: "It is deactivated at Okta, and still to be deleted.",
        Which.FOREIGN: "The app has it at Okta, and no rotation has made or adopted it.",
        Which.GONE: "It is deleted.",
    }
)
"""What is said of it to people."""

SERVED = frozenset({Which.CURRENT, Which.PREVIOUS})
"""Which secrets readers have been given and Okta accepts."""


@dataclass(frozen=True)
class LeakReport:
    """That a secret was seen somewhere, which one it is, and what has come of it.

    ``reporter`` is who says so, ``seen_in`` a URL or another place, ``told`` a note of theirs.
    ``hash`` is None where only the beginning of a value was given and none here begins so.
    ``app`` is what the app, or else the secret, is called; the ids are None where they are not
    known. ``emergency_id`` is that of the emergency that closes it, and ``closes`` whether one is
    to be begun without anybody's asking. ``due_at`` is when it is looked at again. ``ended_by`` is
    empty where nobody had to end it.
    """

    id: LeakId
    organization_id: OrganizationId
    at: datetime
    source: Source
    reporter: str
    hash: SecretHash | None
    seen_in: str
    told: str
    state: State
    which: Which | None = None
    app: str = ""
    connection_id: ConnectionId | None = None
    app_id: AppId | None = None
    client_id: ClientId | None = None
    rotation_id: RotationId | None = None
    emergency_id: RolloutId | None = None
    closes: bool = False
    due_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str = ""
    ended_why: str = ""


def state_of(which: Which | None) -> State:
    """Return where a new report stands, by what its secret was found to be."""
    if which is None:
        return State.UNKNOWN
    return State.CLOSED if which is Which.GONE else State.OPEN


def moved(
    report: LeakReport, order: Order, now: datetime, *, by: str = "", why: str = ""
) -> LeakReport:
    """Return a report after an order; ``by`` and ``why`` are who ends it, and for what reason.

    Raises Refused where its state has no such move.
    """
    state = MOVES[report.state].get(order)
    if state is None:
        possible = ", ".join(MOVES[report.state]) or "nothing any more"
        raise Refused(
            f"The leak report is {report.state}: there is nothing to {order}. Possible: {possible}."
        )
    if state not in ENDED:
        return replace(report, state=state, due_at=now)
    return replace(
        report, state=state, due_at=None, closes=False, ended_at=now, ended_by=by, ended_why=why
    )


def is_hash(text: str) -> bool:
    """Say whether a text can be the hash of a client secret, or the thumbprint of a client key."""
    return _HASH.fullmatch(text) is not None


def hash_of_leaked(value: Sensitive) -> SecretHash:
    """Compute by what a whole value is recognised: a client secret, or a private key as a JWK."""
    if value.reveal().lstrip().startswith("{"):
        try:
            return hash_of(CredentialKind.CLIENT_KEY, value)
        except (ValueError, RecursionError):
            pass  # a client secret may begin so
    return secret_hash(value)


def compared(beginning: Sensitive) -> Sensitive:
    """Return what of the beginning of a value is compared with those that are kept."""
    return Sensitive(beginning.reveal()[:PREFIX_COMPARED])


def reason_of(reporter: str, seen_in: str) -> str:
    """Return why the app of a report is closed, where nobody says it otherwise."""
    seen = f" It was seen in {seen_in}." if seen_in else ""
    return f"{reporter} has reported a client secret as leaked.{seen}"


def hidden(text: str, *values: Sensitive) -> str:
    """Return what a reporter wrote without values, nor what follows where they only begin one."""
    for value in values:
        text = re.sub(re.escape(value.reveal()) + r"[\w~-]*", HIDDEN, text)
    return text
