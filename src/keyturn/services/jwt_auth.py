"""Workloads that log in by a JWT of their platform, and the rules for it.

What is asked of a token is `domain.jwt_auth`'s to decide; who signed it is `Issuers`' to prove.
"""

from dataclasses import dataclass, field

from keyturn.domain.access import Caller, Verb
from keyturn.domain.audit import Attempt
from keyturn.domain.errors import IssuerUnreachable, NotFound, Unauthenticated
from keyturn.domain.identity import AccessToken, AuthMethod, Identity, TokenRules
from keyturn.domain.identity_rules import checked_tokens
from keyturn.domain.jwt_auth import JwtAuth, KeySource, checked_checks, checked_source
from keyturn.domain.sensitive import Sensitive
from keyturn.services.identities import expired_tokens, require_identity, still_there
from keyturn.services.logins import LoggedIn, attempted, grant_token
from keyturn.services.ports import Reading, World

WRONG = "The identity is not one that logs in by such a JWT."


@dataclass(frozen=True)
class JwtRules:
    """Which JWTs an identity logs in by: see `JwtAuth`."""

    method: AuthMethod
    keys: KeySource
    audiences: tuple[str, ...] = ()
    subject: str = ""
    claims: tuple[str, ...] = ()
    tokens: TokenRules = field(default_factory=TokenRules)


async def log_in_by_jwt(
    world: World, method: AuthMethod, identity_id: str, jwt: Sensitive, *, address: str = ""
) -> LoggedIn:
    """Exchange a workload's JWT for an access token.

    Raises Unauthenticated, which tells what does not fit only once the signature was proved, and
    IssuerUnreachable.
    """
    subject = attempted("identity", identity_id, address)
    try:
        return await _log_in(world, method, identity_id, jwt, subject)
    except (Unauthenticated, IssuerUnreachable) as refusal:
        now, why = world.clock.now(), refusal.message
        attempt = Attempt(now, "nobody", "log-in", subject, allowed=False, detail=why)
        await world.store.append_audit(attempt)
        raise


async def _log_in(
    world: World, method: AuthMethod, identity_id: str, jwt: Sensitive, subject: str
) -> LoggedIn:
    async with world.store.reading() as tx:
        auth = await tx.find(JwtAuth, identity_id=identity_id, method=method)
    if auth is None:
        raise Unauthenticated(WRONG)
    claims = await world.issuers.verify(jwt, auth.keys)
    now = world.clock.now()
    auth.require(claims, now)
    async with world.store.writing() as writing:
        if await writing.find(JwtAuth, identity_id=identity_id, method=method) != auth:
            raise Unauthenticated(WRONG)  # the rules changed while the keys were fetched
        await writing.remove(*await expired_tokens(writing, world, auth.identity_id))
        attempt = Attempt(now, auth.identity_id, "log-in", subject, allowed=True)
        await writing.append_audit(attempt)
        return await grant_token(writing, world, auth.identity_id, method, auth.tokens)


async def configure_jwt_auth(
    world: World, caller: Caller, identity_id: str, rules: JwtRules
) -> JwtAuth:
    """Let an identity log in by these JWTs.

    Raises Forbidden, also where the identity holds more than the caller, NotFound, InvalidInput,
    and AddressRefused for an address of keys that Keyturn does not go to.
    """
    verb = Verb.EDIT_IDENTITIES
    identity = await require_identity(world, caller, verb, identity_id, handed=True)
    world.issuers.check(checked_source(rules.keys))
    asked = JwtAuth(
        identity_id=identity.id,
        method=rules.method,
        keys=rules.keys,
        created_at=world.clock.now(),
        audiences=rules.audiences,
        subject=rules.subject,
        claims=rules.claims,
        tokens=checked_tokens(rules.tokens),
    )
    auth = checked_checks(asked)
    async with world.store.writing() as tx:
        await still_there(tx, identity)
        found = await tx.find(JwtAuth, identity_id=identity.id, method=rules.method)
        await (tx.replace(auth) if found else tx.add(auth))
    return auth


async def read_jwt_auth(
    world: World, caller: Caller, identity_id: str, method: AuthMethod
) -> JwtAuth:
    """Read by which JWTs an identity logs in. Raises Forbidden, NotFound."""
    identity = await require_identity(world, caller, Verb.READ_IDENTITIES, identity_id)
    async with world.store.reading() as tx:
        return await _read(tx, identity, method)


async def remove_jwt_auth(
    world: World, caller: Caller, identity_id: str, method: AuthMethod
) -> JwtAuth:
    """End log-ins by JWTs, and the tokens that came of them. Raises Forbidden, NotFound."""
    identity = await require_identity(world, caller, Verb.EDIT_IDENTITIES, identity_id)
    async with world.store.writing() as tx:
        auth = await _read(tx, identity, method)
        await tx.remove(*await tx.list(AccessToken, identity_id=identity.id, method=method))
        await tx.remove(auth)
    return auth


async def _read(tx: Reading, identity: Identity, method: AuthMethod) -> JwtAuth:
    found = await tx.find(JwtAuth, identity_id=identity.id, method=method)
    if found is None:
        raise NotFound(f"{identity.name} does not log in by {method}.")
    return found
