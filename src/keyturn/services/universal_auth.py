"""By what client ids and client secrets identities log in, and under which rules.

Who can log in as an identity has all that it holds: whoever makes a client secret holds as much.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from keyturn.domain import names
from keyturn.domain.access import Caller, Verb
from keyturn.domain.errors import NotFound, Refused
from keyturn.domain.identity import (
    AccessToken,
    AuthMethod,
    ClientSecret,
    Identity,
    Lockout,
    TokenRules,
    UniversalAuth,
)
from keyturn.domain.identity_rules import (
    checked_lockout,
    checked_networks,
    checked_secret_life,
    checked_tokens,
)
from keyturn.domain.sensitive import Sensitive
from keyturn.services.identities import (
    new_client_secret,
    require_identity,
    still_there,
    universal_auth,
)
from keyturn.services.ports import Reading, World, Writing

SECRETS_MAX = 100


@dataclass(frozen=True)
class Rules:
    """Under which rules an identity logs in: see `UniversalAuth`."""

    tokens: TokenRules = field(default_factory=TokenRules)
    trusted: Sequence[str] = ()
    lockout: Lockout = field(default_factory=Lockout)


async def configure_universal_auth(
    world: World, caller: Caller, identity_id: str, rules: Rules
) -> UniversalAuth:
    """Let an identity log in by client secrets, under these rules; its client id stays.

    Raises Forbidden, NotFound, InvalidInput.
    """
    tokens, lockout = checked_tokens(rules.tokens), checked_lockout(rules.lockout)
    trusted = checked_networks("clientSecretTrustedIps", rules.trusted)
    identity = await _pass(world, caller, identity_id)
    async with world.store.writing() as tx:
        await still_there(tx, identity)
        found = await tx.find(UniversalAuth, identity_id=identity.id)
        auth = found or universal_auth(world, identity)
        ruled = replace(auth, tokens=tokens, trusted=trusted, lockout=lockout)
        await (tx.replace(ruled) if found else tx.add(ruled))
    return ruled


async def read_universal_auth(world: World, caller: Caller, identity_id: str) -> UniversalAuth:
    """Read the client id of an identity, and the rules. Raises Forbidden, NotFound."""
    identity = await require_identity(world, caller, Verb.READ_IDENTITIES, identity_id)
    async with world.store.reading() as tx:
        return await _read(tx, identity)


async def remove_universal_auth(world: World, caller: Caller, identity_id: str) -> UniversalAuth:
    """End log-ins by client secrets: they go, and the tokens that came of them.

    Raises Forbidden, NotFound.
    """
    identity = await require_identity(world, caller, Verb.EDIT_IDENTITIES, identity_id)
    async with world.store.writing() as tx:
        auth = await _read(tx, identity)
        method = AuthMethod.UNIVERSAL
        await tx.remove(*await tx.list(AccessToken, identity_id=identity.id, method=method))
        await tx.remove(*await tx.list(ClientSecret, identity_id=identity.id))
        await tx.remove(auth)
    return auth


async def clear_lockout(world: World, caller: Caller, identity_id: str) -> int:
    """Forget the failures of an identity; return how many lockouts that ended, 0 or 1.

    Raises Forbidden, NotFound.
    """
    identity = await require_identity(world, caller, Verb.EDIT_IDENTITIES, identity_id)
    async with world.store.writing() as tx:
        auth = await _read(tx, identity)
        await tx.replace(auth.after_success())
    return int(auth.locked_until(world.clock.now()) is not None)


async def create_client_secret(
    world: World,
    caller: Caller,
    identity_id: str,
    *,
    description: str = "",
    ttl_s: int = 0,
    uses_max: int = 0,
) -> tuple[ClientSecret, Sensitive]:
    """Make a client secret; its value is told this once. 0 is without an end.

    Raises Forbidden, also where the identity holds more than the caller, NotFound, InvalidInput,
    and Refused where there are too many.
    """
    checked_secret_life(ttl_s, uses_max)
    told = names.description(description) or ""
    identity = await _pass(world, caller, identity_id)
    record, value = new_client_secret(
        world, identity.id, description=told, ttl_s=ttl_s, uses_max=uses_max
    )
    async with world.store.writing() as tx:
        await _read(tx, identity)
        if len(await tx.list(ClientSecret, identity_id=identity.id)) >= SECRETS_MAX:
            raise Refused(
                f"{identity.name} has {SECRETS_MAX} client secrets: delete those that are over."
            )
        await tx.add(record)
    return record, value


async def list_client_secrets(
    world: World, caller: Caller, identity_id: str
) -> Sequence[ClientSecret]:
    """List the client secrets of an identity, without their values. Raises Forbidden, NotFound."""
    identity = await require_identity(world, caller, Verb.READ_IDENTITIES, identity_id)
    async with world.store.reading() as tx:
        return await tx.list(ClientSecret, identity_id=identity.id)


async def read_client_secret(
    world: World, caller: Caller, identity_id: str, secret_id: str
) -> ClientSecret:
    """Read what is known of one client secret. Raises Forbidden, NotFound."""
    identity = await require_identity(world, caller, Verb.READ_IDENTITIES, identity_id)
    async with world.store.reading() as tx:
        return await _read_secret(tx, identity, secret_id)


async def revoke_client_secret(
    world: World, caller: Caller, identity_id: str, secret_id: str
) -> ClientSecret:
    """End a client secret, and every token that came of it. Raises Forbidden, NotFound."""
    identity = await require_identity(world, caller, Verb.EDIT_IDENTITIES, identity_id)
    async with world.store.writing() as tx:
        revoked = replace(await _read_secret(tx, identity, secret_id), revoked=True)
        await tx.replace(revoked)
        await _end_tokens(tx, revoked)
    return revoked


async def delete_client_secret(
    world: World, caller: Caller, identity_id: str, secret_id: str
) -> ClientSecret:
    """Revoke a client secret and forget it. Raises Forbidden, NotFound."""
    identity = await require_identity(world, caller, Verb.EDIT_IDENTITIES, identity_id)
    async with world.store.writing() as tx:
        gone = await _read_secret(tx, identity, secret_id)
        await _end_tokens(tx, gone)
        await tx.remove(gone)
    return gone


async def _end_tokens(tx: Writing, secret: ClientSecret) -> None:
    came_of_it = await tx.list(
        AccessToken, identity_id=secret.identity_id, client_secret_id=secret.id
    )
    await tx.remove(*came_of_it)


async def _pass(world: World, caller: Caller, identity_id: str) -> Identity:
    return await require_identity(world, caller, Verb.EDIT_IDENTITIES, identity_id, handed=True)


async def _read(tx: Reading, identity: Identity) -> UniversalAuth:
    found = await tx.find(UniversalAuth, identity_id=identity.id)
    if found is None:
        raise NotFound(f"{identity.name} does not log in by client secrets (universal auth).")
    return found


async def _read_secret(tx: Reading, identity: Identity, secret_id: str) -> ClientSecret:
    found = await tx.find(ClientSecret, id=secret_id, identity_id=identity.id)
    if found is None:
        raise NotFound(f"{identity.name} has no client secret with the id {secret_id}.")
    return found
