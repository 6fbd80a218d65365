"""Tokens that somebody makes for an identity by hand, and every token that it has.

Who has a token of an identity has all that it holds: whoever makes one holds as much.
"""

from collections.abc import Sequence

from keyturn.domain.access import Caller, Target, Verb
from keyturn.domain.errors import NotFound, Refused
from keyturn.domain.identity import AccessToken, AuthMethod, Identity, TokenRules
from keyturn.domain.identity_rules import checked_name, checked_tokens
from keyturn.domain.sensitive import Sensitive
from keyturn.services import gate
from keyturn.services.identities import (
    expired_tokens,
    new_access_token,
    require_identity,
    still_there,
)
from keyturn.services.ports import World
from keyturn.services.records import must

TOKENS_MAX = 100


async def create_token(
    world: World, caller: Caller, identity_id: str, name: str, rules: TokenRules
) -> tuple[AccessToken, Sensitive]:
    """Make an access token for an identity; its value is told this once.

    Raises Forbidden, also where the identity holds more than the caller, NotFound, InvalidInput,
    and Refused where there are too many.
    """
    named, checked = checked_name(name) if name else "", checked_tokens(rules)
    verb = Verb.EDIT_IDENTITIES
    identity = await require_identity(world, caller, verb, identity_id, handed=True)
    method = AuthMethod.TOKEN
    token, value = new_access_token(world, identity.id, method, checked, name=named)
    async with world.store.writing() as tx:
        await still_there(tx, identity)
        await tx.remove(*await expired_tokens(tx, world, identity.id))
        if len(await tx.list(AccessToken, identity_id=identity.id, method=method)) >= TOKENS_MAX:
            raise Refused(f"{identity.name} has {TOKENS_MAX} tokens: revoke those not needed.")
        await tx.add(token)
    return token, value


async def list_tokens(world: World, caller: Caller, identity_id: str) -> Sequence[AccessToken]:
    """List the tokens of an identity, made by hand or by logging in. Raises Forbidden, NotFound."""
    identity = await require_identity(world, caller, Verb.READ_IDENTITIES, identity_id)
    async with world.store.reading() as tx:
        return await tx.list(AccessToken, identity_id=identity.id)


async def revoke_token(world: World, caller: Caller, token_id: str) -> AccessToken:
    """End a token by its id. Raises Forbidden, NotFound."""
    subject, verb = f"token {token_id}", Verb.EDIT_IDENTITIES
    await gate.require(world, caller, verb, Target(), subject=subject)
    async with world.store.writing() as tx:
        found = await tx.find(AccessToken, id=token_id)
        owner = await must(tx.find(Identity, id=found.identity_id)) if found else None
        if found is None or owner is None or owner.organization_id != caller.organization_id:
            raise NotFound(f"There is no token with the id {token_id}.")
        await tx.remove(found)
    return found
