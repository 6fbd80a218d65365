"""How a connection does, and when it will fail next, by what has been seen.

Decides from evidence alone: nothing is called healthy because nobody has complained.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from keyturn.domain.oauth.connection import Connection, GrantType, State
from keyturn.domain.oauth.connectors import missing
from keyturn.domain.oauth.lights import Light
from keyturn.domain.oauth.registration import ClientRegistration, Scheme, Standing


class Fate(StrEnum):
    """What is known here of a client secret that a registration has a copy of."""

    UNKNOWN = "unknown"
    IN_USE = "in_use"
    LEAVING = "leaving"
    """Another one is served instead; this one is retired before long."""
    GONE = "gone"
    """It is INACTIVE at Okta, or deleted there."""


REPLACED = "Its client secret has been replaced, and is retired before long."
TAKE_OTHER = (
    "Replace it in the client registration, best by the name of the secret that a rotation keeps."
)


@dataclass(frozen=True)
class Reason:
    """One thing that speaks against a connection; at ``fails_at`` it fails for that, if ever."""

    light: Light
    told: str
    fails_at: datetime | None = None


@dataclass(frozen=True)
class Health:
    """How a connection does, why, and when it will fail; None where nothing says that it will."""

    light: Light
    reasons: tuple[str, ...] = ()
    fails_at: datetime | None = None


@dataclass(frozen=True)
class Seen:
    """What a judgement needs besides: the version that is used next, and the fate of a copy."""

    version: int
    fate: Fate = Fate.UNKNOWN


def judge(
    connection: Connection, registration: ClientRegistration, seen: Seen, now: datetime
) -> Health:
    """Return how a connection does."""
    return _health([*_reasons(connection, registration, seen, now)])


def judge_grant(connection: Connection, now: datetime) -> Health:
    """Return how a connection does, apart from its client's secret: that is a matter of many."""
    if connection.grant_type is GrantType.NONE:
        return Health(Light.UNKNOWN)
    return _health([*_of_grant(connection, now), *_of_scopes(connection)])


def judge_secret(registration: ClientRegistration, seen: Seen) -> Health:
    """Return how the secret of a client does, whatever its connections do with it."""
    if registration.scheme is not Scheme.OAUTH:
        return Health(Light.UNKNOWN)
    if seen.fate is Fate.GONE:
        return Health(Light.BROKEN, (f"Its client secret is INACTIVE, or deleted. {TAKE_OTHER}",))
    rejected = registration.standing is Standing.REJECTED
    if rejected and registration.tested == seen.version:
        return Health(Light.BROKEN, (registration.told,))
    if seen.fate is Fate.LEAVING:
        return Health(Light.AT_RISK, (f"{REPLACED} {TAKE_OTHER}",))
    proved = registration.standing is Standing.ACCEPTED and registration.tested == seen.version
    return Health(Light.HEALTHY if proved else Light.UNKNOWN)


def _health(reasons: Sequence[Reason]) -> Health:
    if not reasons:
        return Health(Light.HEALTHY)
    order = [*Light]
    worst = min((reason.light for reason in reasons), key=order.index)
    moments = [reason.fails_at for reason in reasons if reason.fails_at]
    return Health(worst, tuple(reason.told for reason in reasons), min(moments, default=None))


def _reasons(
    connection: Connection, registration: ClientRegistration, seen: Seen, now: datetime
) -> Iterator[Reason]:
    if connection.grant_type is GrantType.NONE:
        if connection.used_at is None:
            yield Reason(Light.UNKNOWN, "It was not used yet.")
        return
    yield from _of_grant(connection, now)
    yield from _of_secret(connection, registration, seen, now)
    yield from _of_scopes(connection)


def _of_grant(connection: Connection, now: datetime) -> Iterator[Reason]:
    tokens, ends_at = connection.tokens, _ends_at(connection)
    if connection.state is State.NEW:
        told = "It has had no token yet." if connection.minted else "Nobody has authorized it yet."
        yield Reason(Light.UNKNOWN, told)
    elif connection.state is State.LAPSED:
        endless = tokens is not None and ends_at is None
        yield (
            Reason(Light.AT_RISK, connection.told)
            if endless
            else _when(ends_at, now, connection.told)
        )
    elif tokens and connection.renewal is None:
        if ends_at is None:
            told = "Nothing tells how long its token lasts, and it has no refresh token."
            yield Reason(Light.AT_RISK, told)
        else:
            yield _when(ends_at, now, "It has no refresh token: it ends with its token.")
    elif connection.state is State.TROUBLED:
        yield _when(ends_at, now, connection.told)


def _of_secret(
    connection: Connection, registration: ClientRegistration, seen: Seen, now: datetime
) -> Iterator[Reason]:
    if registration.scheme is not Scheme.OAUTH or connection.renewal is None:
        return
    ends_at = _ends_at(connection)
    if seen.fate is Fate.GONE:
        told = "It will fail at its next refresh: its client secret is INACTIVE, or deleted."
        yield _when(ends_at, now, f"{told} {TAKE_OTHER}")
    elif seen.fate is Fate.LEAVING:
        yield Reason(Light.AT_RISK, f"{REPLACED} {TAKE_OTHER}")
    elif registration.standing is Standing.REJECTED and registration.tested == seen.version:
        yield _when(ends_at, now, f"It will fail at its next refresh. {registration.told}")
    elif seen.version > registration.proved_version and connection.tokens:
        told = f"Version {seen.version} of its client secret has not been proved yet."
        yield Reason(Light.UNKNOWN, told)


def _of_scopes(connection: Connection) -> Iterator[Reason]:
    lacking = missing(connection.scopes, connection.granted) if connection.tokens else ()
    if lacking:
        told = (
            f"Not granted: {', '.join(lacking)}. Authorize again to ask for it; what is refused "
            "then has to be granted at the server first."
        )
        yield Reason(Light.AT_RISK, told)


def _ends_at(connection: Connection) -> datetime | None:
    return connection.tokens.expires_at if connection.tokens else None


def _when(ends_at: datetime | None, now: datetime, told: str) -> Reason:
    """Return a reason that holds from the end of a token on: then nothing takes its place."""
    if ends_at is not None and ends_at > now:
        return Reason(Light.AT_RISK, told, ends_at)
    return Reason(Light.BROKEN, told)
