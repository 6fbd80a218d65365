"""Identities, the roles that they hold, and by what they log in."""

from collections.abc import Sequence

from keyturn.domain.access import BUILT_IN, Caller, Grant, Holding, Role, Target, Verb
from keyturn.domain.errors import NotFound
from keyturn.domain.identity import (
    AccessToken,
    AuthMethod,
    ClientSecret,
    Identity,
    Membership,
    TokenRules,
    UniversalAuth,
)
from keyturn.domain.ids import IdentityId, OrganizationId, ProjectId
from keyturn.domain.roles import CustomRole, RoleGrant
from keyturn.domain.sensitive import Sensitive
from keyturn.services import gate
from keyturn.services.ports import Reading, World
from keyturn.services.tokens import new_token, seconds, token_hash


async def caller_of(tx: Reading, identity: Identity) -> Caller:
    """Return an identity as a caller, with the roles that it holds now."""
    memberships = await tx.list(Membership, identity_id=identity.id)
    roles = [(await find_role(tx, each.role, each.project_id), each) for each in memberships]
    holdings = tuple(Holding(role, each.project_id) for role, each in roles if role)
    return Caller(identity.id, identity.name, identity.organization_id, holdings)


async def require_identity(
    world: World, caller: Caller, verb: Verb, identity_id: str, *, handed: bool = False
) -> Identity:
    """Let the caller pass to an identity, which belongs to the organization and to no project.

    ``handed`` says that somebody can act as the identity afterwards: the caller has to hold all
    that it holds. Raises Forbidden, and NotFound where there is none.
    """
    async with world.store.reading() as tx:
        found = await tx.find(Identity, id=identity_id, organization_id=caller.organization_id)
        holdings = (await caller_of(tx, found)).holdings if found and handed else ()
    subject = f"identity {identity_id}"
    await gate.require(world, caller, verb, Target(), subject=subject, handed=holdings)
    if found is None:
        raise NotFound(f"There is no identity {identity_id}.")
    return found


async def still_there(tx: Reading, identity: Identity) -> Identity:
    """Return an identity as it is now. Raises NotFound where it was deleted since it was read."""
    found = await tx.find(Identity, id=identity.id)
    if found is None:
        raise NotFound(f"There is no identity {identity.id}.")
    return found


async def find_role(tx: Reading, slug: str, project_id: ProjectId | None) -> Role | None:
    """Find a role by its slug: a built-in one, or one of the project or of all projects."""
    if slug in BUILT_IN:
        return BUILT_IN[slug]
    custom = await tx.find(CustomRole, slug=slug, project_id=project_id) or await tx.find(
        CustomRole, slug=slug, project_id=None
    )
    if custom is None:
        return None
    return await read_grants(tx, custom)


async def read_grants(tx: Reading, custom: CustomRole) -> Role:
    """Read what a custom role grants."""
    grants = await tx.list(RoleGrant, role_id=custom.id)
    return Role(custom.slug, custom.name, tuple(_grant(each) for each in grants))


def _grant(stored: RoleGrant) -> Grant:
    """Return a grant; verbs that this Keyturn does not know are none."""
    verbs = frozenset(verb for verb in Verb if verb in stored.verbs)
    return Grant(verbs, stored.environments, stored.paths, stored.connections)


def new_identity(
    world: World, name: str, organization_id: OrganizationId, *, person: bool = False
) -> Identity:
    """Make the record of an identity; it holds no role, and cannot log in yet."""
    new_id = IdentityId(world.chance.uuid())
    return Identity(new_id, organization_id, name, world.clock.now(), person)


def member(
    world: World, identity: Identity, role: Role, project_id: ProjectId | None
) -> Membership:
    """Make the record of a role that an identity holds."""
    now = world.clock.now()
    return Membership(world.chance.uuid(), identity.id, role.slug, project_id, now)


def universal_auth(world: World, identity: Identity) -> UniversalAuth:
    """Make the record of a client id by which an identity logs in."""
    ttl_s = world.limits.token_ttl_s
    rules = TokenRules(ttl_s, ttl_s)
    return UniversalAuth(identity.id, world.chance.uuid(), world.clock.now(), rules)


def new_client_secret(
    world: World,
    identity_id: IdentityId,
    *,
    description: str = "",
    ttl_s: int = 0,
    uses_max: int = 0,
) -> tuple[ClientSecret, Sensitive]:
    """Make a client secret that only its owner will know, and its record."""
    value, now = new_token(world, "cs"), world.clock.now()
    record = ClientSecret(
        id=world.chance.uuid(),
        identity_id=identity_id,
        hash=token_hash(value),
        prefix=value.reveal()[:10],
        created_at=now,
        description=description,
        expires_at=now + seconds(ttl_s) if ttl_s else None,
        uses_max=uses_max,
    )
    return record, value


def new_access_token(
    world: World,
    identity_id: IdentityId,
    method: AuthMethod,
    rules: TokenRules,
    *,
    name: str = "",
    client_secret_id: str | None = None,
) -> tuple[AccessToken, Sensitive]:
    """Make an access token that proves an identity, and its record."""
    value, now = new_token(world, "at"), world.clock.now()
    record = AccessToken(
        id=world.chance.uuid(),
        hash=token_hash(value),
        identity_id=identity_id,
        method=method,
        created_at=now,
        expires_at=now + seconds(min(rules.ttl_s, rules.max_ttl_s)),
        renewable_until=now + seconds(rules.max_ttl_s),
        uses_max=rules.uses,
        trusted=rules.trusted,
        name=name,
        client_secret_id=client_secret_id,
        ttl_s=rules.ttl_s,
    )
    return record, value


async def expired_tokens(
    tx: Reading, world: World, identity_id: IdentityId
) -> Sequence[AccessToken]:
    """List the tokens of an identity that nobody can use or renew any more."""
    now = world.clock.now()
    tokens = await tx.list(AccessToken, identity_id=identity_id)
    return [token for token in tokens if token.expires_at <= now]
