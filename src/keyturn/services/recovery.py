"""The way back in for who holds the installation itself, once no administrator can log in.

Decides whom a new token makes an administrator. Who asks has the data and the root key in hand, so
there is nobody to refuse.
"""

from dataclasses import dataclass

from keyturn.domain.access import ADMIN
from keyturn.domain.audit import Attempt
from keyturn.domain.identity import AccessToken, AuthMethod, Identity, Membership, TokenRules
from keyturn.domain.project import Organization
from keyturn.domain.sensitive import Sensitive
from keyturn.services.identities import member, new_access_token, new_identity
from keyturn.services.ports import Reading, World
from keyturn.services.records import must
from keyturn.services.root_key import OPERATOR

ADMINISTRATOR = "administrator"
LASTS_S = 86_400
NAME = "recovered access"


@dataclass(frozen=True)
class Recovered:
    """A new administrator's token; ``made`` says that there was no administrator any more."""

    identity: Identity
    token: AccessToken
    value: Sensitive
    made: bool


async def find_administrator(world: World) -> Identity | None:
    """Find the machine, or else the person, that administers the installation."""
    async with world.store.reading() as tx:
        return await _find(tx)


async def recover_access(world: World) -> Recovered:
    """Issue a token of a day to an administrator, who is made anew where there is none."""
    async with world.store.writing() as tx:
        found = await _find(tx)
        [organization, *_] = await tx.list(Organization)
        identity = found or new_identity(world, ADMINISTRATOR, organization.id)
        rules = TokenRules(LASTS_S, LASTS_S)
        token, value = new_access_token(world, identity.id, AuthMethod.TOKEN, rules, name=NAME)
        subject, told = f"identity {identity.id}: token {token.id}", f"a token of {identity.name}"
        now = world.clock.now()
        entry = Attempt(now, OPERATOR, "access:recover", subject, allowed=True, detail=told)
        await tx.append_audit(entry)
        if found is None:
            await tx.add(identity, member(world, identity, ADMIN, None))
        await tx.add(token)
    return Recovered(identity, token, value, made=found is None)


async def _find(tx: Reading) -> Identity | None:
    held = await tx.list(Membership, role=ADMIN.slug, project_id=None)
    found = [await must(tx.find(Identity, id=each.identity_id)) for each in held]
    return min(found, key=lambda identity: (identity.person, identity.created_at), default=None)
