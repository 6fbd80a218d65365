"""Notices: what people are told when a connection, or the secret of its client, does otherwise.

Decides what is news, how often it is told, how long it is kept, and when it is tried again. Knows
nothing of how anybody is told.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from keyturn.domain.destination import TRIES_MAX, pause_after
from keyturn.domain.ids import NoticeId, ProjectId
from keyturn.domain.oauth.connection import Connection, State
from keyturn.domain.oauth.health import Health, judge_grant
from keyturn.domain.oauth.lights import TROUBLES, Light
from keyturn.domain.oauth.registration import ClientRegistration, Standing

QUIET = timedelta(hours=1)
"""How long the same is not told again of the same subject, however often it changes."""
KEPT = timedelta(days=30)
KEPT_MAX = 1000
BLIP = 1
"""After so many failures in a row nobody is told yet: the next try may mend it."""


class Kind(StrEnum):
    """What a notice is of, by the name that its receivers know it by."""

    CONNECTION_HEALTH = "connection.health"
    """A connection does otherwise than was told last, for better or worse."""
    SECRET_REJECTED = "registration.secret_rejected"
    """Its server rejects a client's secret: one incident for all connections of the client."""
    SECRET_REPLACED = "registration.secret_replaced"
    """A client uses a copy of a secret that was replaced, and is or will be retired."""
    SECRET_ACCEPTED = "registration.secret_accepted"
    """The secret of a client of which one of these was told is accepted again."""


@dataclass(frozen=True)
class Notice:
    """Something that people are told once, and brought until it has arrived.

    ``subject_id`` and ``subject`` are the connection or client registration that it is of, as it
    was called then. ``fails_at`` is when requests begin to fail, where they will; ``connections``
    is how many they are the requests of. ``link`` is a page that says how to authorize again.
    ``due_at`` is when it is tried next, ``failure`` why it has not arrived yet.
    """

    id: NoticeId
    kind: Kind
    project_id: ProjectId
    environment: str
    secret_path: str
    subject_id: str
    subject: str
    before: Light
    after: Light
    told: str
    created_at: datetime
    fails_at: datetime | None = None
    connections: int = 1
    link: str = ""
    due_at: datetime | None = None
    attempts: int = 0
    delivered_at: datetime | None = None
    failure: str = ""


# --- what is news ---------------------------------------------------------------------------------


def is_news(before: Light, after: Light) -> bool:
    """Say whether somebody is told: of a trouble that is another one, and of its end."""
    if after is Light.HEALTHY:
        return before in TROUBLES
    return after in TROUBLES and after is not before


def health_to_tell(connection: Connection, now: datetime) -> Health:
    """Return how a connection does, as far as it is known for long enough to be told."""
    health = judge_grant(connection, now)
    blip = connection.state is State.TROUBLED and connection.attempts <= BLIP
    if blip and health.light is Light.AT_RISK:
        return replace(health, light=Light.UNKNOWN)
    return health


def kind_of(registration: ClientRegistration, after: Light) -> Kind:
    """Return what a notice of a client's secret is of."""
    if after is Light.HEALTHY:
        return Kind.SECRET_ACCEPTED
    rejected = registration.standing is Standing.REJECTED
    return Kind.SECRET_REJECTED if rejected else Kind.SECRET_REPLACED


def why_told(kind: Kind, health: Health) -> str:
    """Say what is told, in words for people."""
    return " ".join(health.reasons) or _WELL[kind]


_WELL = {
    Kind.CONNECTION_HEALTH: "It works again, and nothing speaks against the next time.",
    Kind.SECRET_ACCEPTED: "The authorization server accepts its secret again.",
}


def hushed_until(after: Light, earlier: Iterable[Notice], now: datetime) -> datetime | None:
    """Return until when the same is not told again of a subject; None where it may be."""
    ends = (each.created_at + QUIET for each in earlier if each.after is after)
    return max((end for end in ends if end > now), default=None)


def outdated(notices: Sequence[Notice], now: datetime) -> Sequence[Notice]:
    """Return those that are kept no longer, of all there are, the oldest first.

    What is still to be brought stays, and so does what keeps the same from being told again.
    """
    past = len(notices) - KEPT_MAX
    return [
        each
        for number, each in enumerate(notices)
        if each.due_at is None
        and each.created_at + QUIET <= now
        and (number < past or each.created_at + KEPT <= now)
    ]


# --- how it arrives -------------------------------------------------------------------------------


def claimed(notice: Notice, until: datetime) -> Notice:
    """Return it in a worker's hands; it comes due again if that worker dies."""
    return replace(notice, due_at=until, attempts=notice.attempts + 1)


def delivered(notice: Notice, now: datetime) -> Notice:
    """Return it once its receiver has taken it."""
    return replace(notice, due_at=None, delivered_at=now, failure="")


def undelivered(
    notice: Notice, failure: str, now: datetime, *, retry_after_s: float | None = None
) -> Notice:
    """Return it to be tried again later, by the times of a destination; after days no more."""
    due_at = now + pause_after(notice.attempts, retry_after_s)
    return replace(notice, due_at=due_at if notice.attempts < TRIES_MAX else None, failure=failure)
