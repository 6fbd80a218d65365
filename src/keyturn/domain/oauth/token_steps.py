"""What whoever wants a token does next: use one, ask for one, wait, or give up.

Decides on one connection as it stands. Knows nothing of who asks, nor of how anything is asked.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from keyturn.domain.oauth.connection import Connection, GrantType, State, Tokens
from keyturn.domain.oauth.lifetimes import COOL_DOWN, skew
from keyturn.domain.oauth.provider import RequestType


@dataclass(frozen=True)
class Use:
    """Use the tokens that are there; None where requests are authorized without any."""

    tokens: Tokens | None


@dataclass(frozen=True)
class Renew:
    """Ask for new tokens first."""

    by: RequestType


@dataclass(frozen=True)
class Wait:
    """Somebody else is asking: look again, until then at the latest."""

    until: datetime


@dataclass(frozen=True)
class Stop:
    """There is no token to use, and asking for one now would be of no use."""

    told: str
    retry_at: datetime | None = None


Step = Use | Renew | Wait | Stop


def next_step(
    connection: Connection, now: datetime, *, refused: int | None = None, ahead: bool = False
) -> Step:
    """Decide what whoever wants a token does.

    ``refused`` is the number of the token set that a resource did not accept: it is renewed once,
    by whoever is first (RFC 6750, 3.1), unless it is too young. ``ahead`` is who renews before it
    has to be, of its own accord.
    """
    if connection.grant_type is GrantType.NONE:
        return Use(None)
    tokens = connection.tokens
    wanted = tokens and (tokens.number != refused or (not ahead and _young(tokens, now)))
    due = ahead and connection.due_at is not None and connection.due_at <= now
    if tokens and wanted and not due and not _spent(tokens, now):
        return Use(tokens)
    leased_until = connection.leased_until
    elsewhere = Wait(leased_until) if leased_until and leased_until > now else None
    step = elsewhere or _renewal(connection, now)
    lasting = tokens and wanted and not ahead and not _ended(tokens, now)
    return step if isinstance(step, Renew) or not lasting else Use(tokens)


def _renewal(connection: Connection, now: datetime) -> Renew | Stop:
    if connection.state is State.NEW and not connection.minted:
        return Stop("Nobody has authorized the connection yet.")
    if connection.state is State.LAPSED:
        return Stop(connection.told)
    if connection.retry_at and now < connection.retry_at:
        return Stop(connection.told, connection.retry_at)
    if connection.renewal is None:
        return Stop("Its tokens have ended, and it has no refresh token: authorize it again.")
    return Renew(connection.renewal)


def _young(tokens: Tokens, now: datetime) -> bool:
    """Say whether tokens were got so lately that others would be refused as well.

    What was got in the future was got by a clock that is wrong, nobody knows when.
    """
    return timedelta() <= now - tokens.issued_at < COOL_DOWN


def _spent(tokens: Tokens, now: datetime) -> bool:
    """Say whether tokens are to be renewed before they are used again."""
    if tokens.expires_at is None:
        return False
    return now >= tokens.expires_at - skew(tokens.expires_at - tokens.issued_at)


def _ended(tokens: Tokens, now: datetime) -> bool:
    return tokens.expires_at is not None and now >= tokens.expires_at
