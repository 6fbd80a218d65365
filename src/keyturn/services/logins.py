"""Log in, and be known by the token that came of it.

A client secret or token that is wrong is not told apart from one that is not there.
"""

import hmac
from dataclasses import dataclass, replace
from datetime import datetime

from keyturn.domain.access import Caller
from keyturn.domain.audit import Attempt
from keyturn.domain.errors import TooManyAttempts, Unauthenticated
from keyturn.domain.identity import (
    IN_PERSON,
    AccessToken,
    AuthMethod,
    ClientSecret,
    Identity,
    TokenRules,
    UniversalAuth,
    is_trusted,
)
from keyturn.domain.sensitive import Sensitive
from keyturn.services.identities import caller_of, expired_tokens, new_access_token
from keyturn.services.ports import Reading, World, Writing
from keyturn.services.records import must
from keyturn.services.tokens import token_hash

WRONG = "The client id or the client secret is wrong."
UNKNOWN = "The access token is wrong, expired or revoked: log in again."


@dataclass(frozen=True)
class LoggedIn:
    """An access token, the seconds that it lives, and those until it can be renewed no more."""

    access_token: Sensitive
    expires_in_s: int
    max_ttl_s: int


async def log_in(
    world: World, *, client_id: str, client_secret: Sensitive, address: str = ""
) -> LoggedIn:
    """Exchange an identity's client id and client secret for an access token (universal auth).

    ``address`` is the IP address that the caller comes from. Raises Unauthenticated without telling
    which of the two is wrong, and TooManyAttempts while the identity is locked out.
    """
    now = world.clock.now()
    async with world.store.writing() as tx:
        auth = await tx.find(UniversalAuth, client_id=client_id)
        outcome: LoggedIn | Unauthenticated | TooManyAttempts
        try:
            outcome = await _log_in(tx, world, auth, client_secret, address)
        except (Unauthenticated, TooManyAttempts) as refusal:
            outcome = refusal
        why = "" if isinstance(outcome, LoggedIn) else outcome.message
        actor = auth.identity_id if auth and not why else "nobody"
        subject = attempted("identity", client_id, address)
        await tx.append_audit(Attempt(now, actor, "log-in", subject, not why, why))
    if isinstance(outcome, LoggedIn):
        return outcome
    raise outcome


def attempted(kind: str, name: str, address: str) -> str:
    """Return how the audit log names who tried to log in, and from where.

    The name is whatever a stranger sent: what would move a terminal's cursor is left out.
    """
    told = name if name.isprintable() else "(not printable)"
    return f"{kind} {told} from {address or 'nobody knows where'}"


async def _log_in(
    tx: Writing, world: World, auth: UniversalAuth | None, value: Sensitive, address: str
) -> LoggedIn:
    now = world.clock.now()
    if auth is None or not is_trusted(auth.trusted, address):
        raise Unauthenticated(WRONG)  # nobody from elsewhere can lock the identity out
    if until := auth.locked_until(now):
        raise _locked(until, now)
    secret = await _matching(tx, auth, value, now)
    if secret is None:
        await tx.replace(auth.after_failure(now))
        raise Unauthenticated(WRONG)
    if auth.failures:
        await tx.replace(auth.after_success())
    await tx.replace(replace(secret, uses=secret.uses + 1, used_at=now))
    await tx.remove(*await expired_tokens(tx, world, auth.identity_id))
    proof = AuthMethod.UNIVERSAL
    return await grant_token(
        tx, world, auth.identity_id, proof, auth.tokens, client_secret_id=secret.id
    )


async def _matching(
    tx: Writing, auth: UniversalAuth, value: Sensitive, now: datetime
) -> ClientSecret | None:
    """Find the client secret that this is; every one is compared, whichever it is."""
    given = token_hash(value)
    secrets = await tx.list(ClientSecret, identity_id=auth.identity_id)
    same = [each for each in secrets if hmac.compare_digest(each.hash, given)]
    return next((each for each in same if each.good(now)), None)


def _locked(until: datetime, now: datetime) -> TooManyAttempts:
    left_s = (until - now).total_seconds()
    return TooManyAttempts(
        f"The identity is locked out after wrong client secrets: try again in {left_s:.0f} s.",
        retry_after_s=left_s,
    )


async def grant_token(
    tx: Writing,
    world: World,
    identity_id: str,
    method: AuthMethod,
    rules: TokenRules,
    *,
    client_secret_id: str | None = None,
) -> LoggedIn:
    """Issue an access token to an identity that has proved itself."""
    identity = await must(tx.find(Identity, id=identity_id))
    token, value = new_access_token(
        world, identity.id, method, rules, client_secret_id=client_secret_id
    )
    await tx.add(token)
    lives_s = int((token.expires_at - token.created_at).total_seconds())
    return LoggedIn(value, lives_s, rules.max_ttl_s)


@dataclass(frozen=True)
class Known:
    """Whom a token proves, and the token's record."""

    caller: Caller
    token: AccessToken


async def authenticate(world: World, token: Sensitive, *, address: str = "") -> Caller:
    """Return whom an access token proves, with what it holds now.

    Raises Unauthenticated for one that is wrong, expired, used up, or comes from elsewhere.
    """
    known = await read_token(world, token)
    known.token.require_good(world.clock.now(), address)
    if known.token.uses_max:
        await _use(world, known.token, address)
    return known.caller


async def read_token(world: World, token: Sensitive) -> Known:
    """Read what is known of a token, good or not. Raises Unauthenticated where there is none."""
    async with world.store.reading() as tx:
        known = await find_known(tx, token)
    if known is None:
        raise Unauthenticated(UNKNOWN)
    return known


async def find_known(tx: Reading, token: Sensitive) -> Known | None:
    """Find whom a token proves, good or not."""
    found = await tx.find(AccessToken, hash=token_hash(token))
    if found is None:
        return None
    identity = await must(tx.find(Identity, id=found.identity_id))
    caller = await caller_of(tx, identity)
    return Known(replace(caller, in_person=found.method in IN_PERSON), found)


async def _use(world: World, token: AccessToken, address: str) -> None:
    """Count a use of a token that has only so many; two at once cannot both be the last."""
    async with world.store.writing() as tx:
        stored = await tx.find(AccessToken, id=token.id)
        if stored is None:
            raise Unauthenticated(UNKNOWN)
        stored.require_good(world.clock.now(), address)
        await tx.replace(replace(stored, uses=stored.uses + 1))


async def renew(world: World, token: Sensitive, *, address: str = "") -> LoggedIn:
    """Lengthen the life of a token, up to its longest.

    Raises Unauthenticated where it is not good, or past its longest life.
    """
    now = world.clock.now()
    async with world.store.writing() as tx:
        found = await tx.find(AccessToken, hash=token_hash(token))
        if found is None:
            raise Unauthenticated(UNKNOWN)
        found.require_good(now, address)
        renewed = found.renewed(now)
        await tx.replace(renewed)
        await tx.append_audit(_attempt(found, "renew a token", now))
    lives_s = int((renewed.expires_at - now).total_seconds())
    longest_s = int((renewed.renewable_until - renewed.created_at).total_seconds())
    return LoggedIn(token, lives_s, longest_s)


async def revoke(world: World, token: Sensitive) -> None:
    """End a token; one that is not there any more is no error."""
    async with world.store.writing() as tx:
        found = await tx.find(AccessToken, hash=token_hash(token))
        if found:
            await tx.remove(found)
            await tx.append_audit(_attempt(found, "revoke a token", world.clock.now()))


def _attempt(token: AccessToken, verb: str, now: datetime) -> Attempt:
    return Attempt(now, token.identity_id, verb, f"token {token.id}", allowed=True)
