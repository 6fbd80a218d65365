"""Notices: what people are told, of turns, connections, access to Okta, and what else needs them.

Decides what is news, how often the same is told, and how long it is kept. Knows nothing of who is
told, or how: see `channels`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from keyturn.domain.ids import NoticeId, OrganizationId, ProjectId
from keyturn.domain.oauth.connection import Connection, State
from keyturn.domain.oauth.health import Health, judge_grant
from keyturn.domain.oauth.lights import TROUBLES, Light
from keyturn.domain.oauth.registration import ClientRegistration, Standing
from keyturn.domain.selector import Subject
from keyturn.domain.turn import Phase, Turn

QUIET = timedelta(hours=1)
"""How long the same is not told again of the same subject, however often it changes."""
KEPT = timedelta(days=30)
BLIP = 1
"""After so many failures in a row nobody is told yet: the next try may mend it."""


class Kind(StrEnum):
    """What a notice is of, by the name that its receivers know it by."""

    UPCOMING = "turn.upcoming"
    """A turn starts before long, by the schedule."""
    DEFERRED = "turn.deferred"
    """A turn that was due is put off."""
    STARTED = "turn.started"
    """A turn has begun to issue a new secret."""
    BLOCKED = "turn.blocked"
    """A turn stands still until somebody acts."""
    REINSTATED = "turn.reinstated"
    """The old secret works again, because somebody still needs it."""
    FINISHED = "turn.finished"
    """The new secret is served, and the old one is gone."""
    ROLLED_BACK = "turn.rolled_back"
    """The new secret was taken back; the old one is served."""
    CONNECTION_HEALTH = "connection.health"
    """A connection does otherwise than was told last, for better or worse."""
    SECRET_REJECTED = "registration.secret_rejected"
    """Its server rejects a client's secret: one incident for all connections of the client."""
    SECRET_REPLACED = "registration.secret_replaced"
    """A client uses a copy of a secret that was replaced, and is or will be retired."""
    SECRET_ACCEPTED = "registration.secret_accepted"
    """The secret of a client of which one of these was told is accepted again."""
    ACCESS_FAILS = "access.fails"
    """Keyturn's own access to an org comes to nothing."""
    ACCESS_WORKS = "access.works"
    """Access of which that was told works again."""
    ACCESS_EXPIRES = "access.expires"
    """Something by which somebody gets in ends before long."""
    LEAKED = "secret.leaked"
    """Somebody has reported a secret as leaked."""
    BREACH = "compliance.breach"
    """Apps are found that break a compliance policy."""
    EXCEPTION_EXPIRES = "compliance.exception_expires"
    """What excuses a finding ends before long."""
    INVENTORY_FAILS = "inventory.fails"
    """The inventory of an org is not kept up any more."""
    ROLLOUT_HALTED = "rollout.halted"
    """A rollout in waves has stopped until somebody acts."""
    ROLLOUT_AWAITS = "rollout.awaiting_approval"
    """A wave of a rollout waits for a second person."""
    ROLLOUT_FINISHED = "rollout.finished"
    """A rollout in waves is through."""
    NOT_CLOSED = "emergency.not_closed"
    """An emergency cannot close an app until somebody acts."""
    EMERGENCY_FINISHED = "emergency.finished"
    """An emergency is over."""


URGENT = frozenset(
    {Kind.BLOCKED, Kind.SECRET_REJECTED, Kind.LEAKED, Kind.ROLLOUT_HALTED, Kind.NOT_CLOSED}
)
"""What waits for no digest and no morning."""

KEPT_ANYWAY = frozenset(
    {Kind.CONNECTION_HEALTH, Kind.SECRET_REJECTED, Kind.SECRET_REPLACED, Kind.SECRET_ACCEPTED}
)
"""What is written down though nobody is to be told: of all else there is a record elsewhere."""


@dataclass(frozen=True, kw_only=True)
class NoticeDraft:
    """Something that people are to be told.

    ``subject_id`` and ``subject`` are what it is of, as that is called now; ``of`` is what else is
    known of it, by which channels choose. ``project_id`` is None for what is above projects.
    ``told`` says what has happened, in words without a value. ``comes_at`` is when what it warns of
    comes: a turn starts, requests begin to fail, access ends. ``before`` and ``after`` are how a
    connection does, ``connections`` how many it is the requests of. ``page`` is the path of a page
    where it is seen, ``command`` the command that shows it or helps.
    """

    kind: Kind
    organization_id: OrganizationId
    project_id: ProjectId | None
    subject_id: str
    subject: str
    told: str
    of: Subject = field(default_factory=Subject)
    comes_at: datetime | None = None
    before: Light | None = None
    after: Light | None = None
    connections: int = 1
    page: str = ""
    command: str = ""


@dataclass(frozen=True, kw_only=True)
class Notice(NoticeDraft):
    """What people are told once; it is forgotten at ``forget_at``."""

    id: NoticeId
    created_at: datetime
    forget_at: datetime


# --- what is news of a turn -----------------------------------------------------------------------

_REACHED = {
    Phase.FINISHED: Kind.FINISHED,
    Phase.ROLLED_BACK: Kind.ROLLED_BACK,
    Phase.BLOCKED: Kind.BLOCKED,
}


def of_turn(before: Turn, after: Turn) -> Kind | None:
    """Return what is told of a change of a turn, if anything is; that it is resumed is not."""
    if after.reinstated > before.reinstated:
        return Kind.REINSTATED
    if after.phase is before.phase or (before.phase is Phase.BLOCKED and after.open):
        return None
    if before.phase is Phase.PLANNED and after.phase is Phase.WRITTEN:
        return Kind.STARTED
    unbegun = before.phase is Phase.PLANNED and after.phase is Phase.ROLLED_BACK
    return None if unbegun else _REACHED.get(after.phase)


# --- what is news of a connection -----------------------------------------------------------------


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
