"""Connections: what somebody granted a client, and the tokens that came of it.

Decides when tokens are renewed and by what, and what a failure leaves. No failure removes anything.
A grant ends only when its server has said so, or when it was renewed and the answer was lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from keyturn.domain.ids import FolderId, OAuthConnectionId, RegistrationId
from keyturn.domain.oauth.answers import Fault, NoTokens
from keyturn.domain.oauth.claims import Subject
from keyturn.domain.oauth.lifetimes import KEEP_ALIVE, pause_after, renew_at
from keyturn.domain.oauth.lights import Light
from keyturn.domain.oauth.provider import RequestType

UNAUTHORIZED = 401


class GrantType(StrEnum):
    """By what a connection comes to its first tokens."""

    CODE = "authorization_code"
    DEVICE = "device_code"
    CLIENT_CREDENTIALS = "client_credentials"
    JWT_BEARER = "jwt_bearer"
    EXCHANGE = "token_exchange"
    PASSWORD = "password"
    REFRESH = "refresh_token"
    """A refresh token that was got elsewhere and brought here."""
    NONE = "none"
    """No tokens: requests are authorized by what the registration holds."""


MINTED: Mapping[GrantType, RequestType] = MappingProxyType(
    {
        GrantType.CLIENT_CREDENTIALS: RequestType.CLIENT_CREDENTIALS,
        GrantType.JWT_BEARER: RequestType.JWT_BEARER,
        GrantType.EXCHANGE: RequestType.EXCHANGE,
        GrantType.PASSWORD: RequestType.PASSWORD,
    }
)
"""The grants that need nobody: new tokens are asked for in the same way as the first."""


class State(StrEnum):
    """How a connection stands."""

    NEW = "new"
    """Nobody has authorized it yet."""
    READY = "ready"
    TROUBLED = "troubled"
    """The last renewal failed and is tried again; tokens that still last are used."""
    LAPSED = "lapsed"
    """Somebody has to authorize it again."""


class Act(StrEnum):
    """What may happen to a connection."""

    AUTHORIZE = "authorize"
    RENEW = "renew"
    FAIL = "fail"
    LAPSE = "lapse"


_GOES_ON = {
    Act.AUTHORIZE: State.READY,
    Act.RENEW: State.READY,
    Act.FAIL: State.TROUBLED,
    Act.LAPSE: State.LAPSED,
}
MOVES: Mapping[State, Mapping[Act, State]] = MappingProxyType(
    {
        State.NEW: _GOES_ON,
        State.READY: _GOES_ON,
        State.TROUBLED: _GOES_ON,
        State.LAPSED: {**_GOES_ON, Act.FAIL: State.LAPSED},
    }
)
"""What follows from what: each may happen at any time, as whoever renews may come late."""


class Cause(StrEnum):
    """Why somebody has to authorize again."""

    REFUSED = "refused"
    """The server says that what was granted is no longer."""
    LOST_ROTATION = "lost_rotation"
    """A renewal was answered, the answer was lost, and the refresh token before is used up."""
    NO_REFRESH = "no_refresh"
    """The tokens have ended, and there is no refresh token."""


@dataclass(frozen=True)
class Tokens:
    """A token set, sealed; ``number`` counts them. ``version`` is the secret that it was got with.

    Without ``expires_at`` nothing tells how long the access token lasts.
    """

    number: int
    sealed: bytes
    kind: str
    renewable: bool
    issued_at: datetime
    expires_at: datetime | None
    version: int


@dataclass(frozen=True)
class Intent:
    """A renewal that was about to be asked for, by the hash of its refresh token, and when.

    It is written down before anything is sent, and goes with the answer. One that is left tells
    that the refresh token may be used up; then ``doubted`` says so to the next try.
    """

    spent: bytes
    at: datetime
    doubted: bool = False


@dataclass(frozen=True)
class Connection:
    """A grant and its tokens; ``granted`` are the scopes of the tokens, ``scopes`` the wanted ones.

    ``subject`` is who granted it, where that is known, and ``subject_id`` what its server calls
    whoever did so last; ``sealed_key`` is the key of its DPoP proofs and ``sealed_input`` what a
    grant needs besides (an assertion, a password), or by what a refresh token that was brought is
    recognised. ``source_id`` is the connection whose token is exchanged. ``due_at`` is when it is
    renewed by itself, ``epoch`` the fence of whoever holds its lease. ``told`` is what failed last,
    without a value.
    ``light`` is what people were told last of how it does; from ``look_at`` on it may be another.
    """

    id: OAuthConnectionId
    registration_id: RegistrationId
    folder_id: FolderId
    name: str
    grant_type: GrantType
    scopes: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    description: str | None = None
    state: State = State.NEW
    cause: Cause | None = None
    granted: tuple[str, ...] = ()
    subject: str = ""
    subject_id: str = ""
    authorized_at: datetime | None = None
    tokens: Tokens | None = None
    sealed_key: bytes | None = None
    sealed_input: bytes | None = None
    source_id: OAuthConnectionId | None = None
    intent: Intent | None = None
    due_at: datetime | None = None
    leased_until: datetime | None = None
    epoch: int = 0
    attempts: int = 0
    retry_at: datetime | None = None
    used_at: datetime | None = None
    renewed_at: datetime | None = None
    troubled_at: datetime | None = None
    told: str = ""
    light: Light = Light.UNKNOWN
    look_at: datetime | None = None

    @property
    def minted(self) -> RequestType | None:
        """Return by what new tokens are asked for without anybody's doing, if they can be."""
        return MINTED.get(self.grant_type)

    @property
    def renewal(self) -> RequestType | None:
        """Return by what its tokens are renewed; None where nobody but its author can."""
        if self.minted:
            return self.minted
        return RequestType.REFRESH if self.tokens and self.tokens.renewable else None


def claimed(connection: Connection, spent: bytes, now: datetime, lease: timedelta) -> Connection:
    """Return it in the hands of whoever renews it, with the intent that is written down first.

    An intent that is found is one whose answer never came: the same refresh token is tried again,
    and if it is refused then, it was used up.
    """
    before = connection.intent
    doubted = before is not None and (before.doubted or before.spent == spent)
    return replace(
        connection,
        intent=Intent(spent, now, doubted),
        leased_until=now + lease,
        due_at=now + lease,
        epoch=connection.epoch + 1,
    )


def in_doubt(connection: Connection) -> Connection:
    """Return it as it comes out of a backup: its refresh token may have been used up since."""
    tokens = connection.tokens
    if tokens is None or not tokens.renewable:
        return connection
    return replace(connection, intent=Intent(b"", tokens.issued_at, doubted=True))


def authorized(
    connection: Connection, tokens: Tokens, granted: tuple[str, ...], subject: Subject, luck: float
) -> Connection:
    """Return it with the first tokens of a new grant; who renews the old ones comes too late."""
    now = tokens.issued_at
    return replace(
        _with(_become(connection, Act.AUTHORIZE), tokens, granted, luck),
        subject=subject.shown or connection.subject,
        subject_id=subject.id,
        authorized_at=now,
        epoch=connection.epoch + 1,
        look_at=now,
    )


def given_anew(connection: Connection, now: datetime) -> Connection:
    """Return it as at its beginning, once its grant was given anew what it takes: it is due.

    Whoever renews with what was given before comes too late.
    """
    return replace(
        connection,
        state=State.READY if connection.tokens else State.NEW,
        cause=None,
        intent=None,
        leased_until=None,
        due_at=now,
        epoch=connection.epoch + 1,
        attempts=0,
        retry_at=None,
        troubled_at=None,
        told="",
        look_at=now,
    )


def renewed(
    connection: Connection, tokens: Tokens, granted: tuple[str, ...], luck: float
) -> Connection:
    """Return it with new tokens, given back."""
    return _with(_become(connection, Act.RENEW), tokens, granted, luck)


def _with(
    connection: Connection, tokens: Tokens, granted: tuple[str, ...], luck: float
) -> Connection:
    as_told = connection.light is Light.HEALTHY and granted == connection.granted
    return replace(
        connection,
        tokens=tokens,
        granted=granted,
        intent=None,
        leased_until=None,
        due_at=_due_at(connection, tokens, luck),
        attempts=0,
        retry_at=None,
        cause=None,
        renewed_at=tokens.issued_at,
        troubled_at=None,
        told="",
        look_at=connection.look_at if as_told else tokens.issued_at,
    )


def _due_at(connection: Connection, tokens: Tokens, luck: float) -> datetime | None:
    """Return when tokens are renewed by themselves: before they end, where somebody uses them.

    Once a day whatever else, so that no refresh token is left idle until its server ends it.
    """
    daily = tokens.issued_at + KEEP_ALIVE - timedelta(hours=1) * luck
    if tokens.expires_at is None:
        return daily
    if not (tokens.renewable or connection.minted):
        return tokens.expires_at  # somebody is told when they have ended
    soon = renew_at(tokens.issued_at, tokens.expires_at, luck)
    return daily if _idle(connection) else min(soon, daily)


def _idle(connection: Connection) -> bool:
    """Say whether nobody has used the tokens that are replaced; the first ones tell nothing."""
    before, used_at = connection.tokens, connection.used_at
    if before is None or before.number == 0:
        return False
    return used_at is None or used_at < before.issued_at


def used(connection: Connection, now: datetime, luck: float) -> Connection:
    """Return it used now; from then on it is renewed before its tokens end."""
    after, tokens = replace(connection, used_at=now), connection.tokens
    if tokens is None or tokens.expires_at is None or connection.due_at is None:
        return after
    if connection.renewal is None or connection.retry_at or connection.leased_until:
        return after  # it cannot be renewed, or is tried again at a time of its own
    soon = renew_at(tokens.issued_at, tokens.expires_at, luck)
    return replace(after, due_at=min(connection.due_at, soon))


def failed(connection: Connection, why: NoTokens, told: str, now: datetime) -> Connection:
    """Return it given back after a renewal that brought nothing, and may another time.

    The intent stays where the refresh token may have been used up.
    """
    attempts = connection.attempts + 1
    retry_at = now + pause_after(attempts, why.retry_after_s)
    return replace(
        _become(connection, Act.FAIL),
        intent=connection.intent if why.effect_possible else _before(connection.intent),
        leased_until=None,
        due_at=retry_at,
        retry_at=retry_at,
        attempts=attempts,
        troubled_at=connection.troubled_at or now,
        told=told,
        look_at=now,
    )


def _before(intent: Intent | None) -> Intent | None:
    """Return what is left of an intent that had no effect: the doubt that was there before it."""
    return intent if intent and intent.doubted else None


def given_back(connection: Connection, now: datetime) -> Connection:
    """Return it given back, to be tried again: what failed is not its own matter."""
    return replace(
        connection,
        intent=_before(connection.intent),
        leased_until=None,
        due_at=now,
        troubled_at=connection.troubled_at or now,
    )


def released(connection: Connection, now: datetime) -> Connection:
    """Return it tried again at once: its client's secret is accepted by now."""
    if connection.state is State.LAPSED or connection.retry_at is None:
        return connection
    return replace(connection, due_at=now, retry_at=None)


def resting(connection: Connection, until: datetime | None, told: str) -> Connection:
    """Return it left alone until its client's secret is tried again."""
    return replace(connection, due_at=until, retry_at=until, told=told)


def lapsed(connection: Connection, cause: Cause, told: str, now: datetime) -> Connection:
    """Return it with its grant ended; its tokens stay, and are used while they last."""
    return replace(
        _become(connection, Act.LAPSE),
        cause=cause,
        intent=None,
        leased_until=None,
        due_at=None,
        retry_at=None,
        troubled_at=connection.troubled_at or now,
        told=told,
        look_at=now,
    )


def tellable(connection: Connection) -> bool:
    """Say whether nothing but trying them tells whether tokens are good: no end, no renewal."""
    tokens, goes_on = connection.tokens, connection.state in {State.READY, State.TROUBLED}
    return goes_on and tokens is not None and not (tokens.expires_at or connection.renewal)


def tried(connection: Connection, status: int, told: str, now: datetime) -> Connection:
    """Return it after its token was tried: 401 is its end, whatever else comes tells nothing."""
    if status == UNAUTHORIZED:
        return lapsed(connection, Cause.NO_REFRESH, told, now)
    return replace(connection, due_at=now + KEEP_ALIVE)


def cause_of(connection: Connection, why: NoTokens) -> Cause | None:
    """Return why a grant has ended by this answer; None where it has not."""
    if why.fault is not Fault.GRANT:
        return None
    doubted = connection.intent is not None and connection.intent.doubted
    return Cause.LOST_ROTATION if doubted else Cause.REFUSED


def _become(connection: Connection, act: Act) -> Connection:
    return replace(connection, state=MOVES[connection.state][act])
