"""Make, list, change and remove identities.

They belong to the organization: who manages them holds the right to it in every project. What one
holds in a single project is `memberships`' business.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from keyturn.domain.access import Caller, Holding, Target, Verb
from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.domain.identity import (
    AccessToken,
    AuthMethod,
    ClientSecret,
    Identity,
    Membership,
    UniversalAuth,
)
from keyturn.domain.identity_rules import checked_name
from keyturn.domain.jwt_auth import JwtAuth
from keyturn.domain.okta_login import LogInRequest, OktaPerson
from keyturn.domain.person import Password
from keyturn.domain.roles import NOT_ROLES
from keyturn.domain.secret import Receipt
from keyturn.services import gate
from keyturn.services.identities import (
    find_role,
    member,
    new_identity,
    require_identity,
    still_there,
)
from keyturn.services.memberships import require_administrator
from keyturn.services.ports import Reading, World

Proof = (
    AccessToken
    | ClientSecret
    | UniversalAuth
    | JwtAuth
    | Password
    | OktaPerson
    | LogInRequest
    | Membership
    | Receipt
)

NO_ROLE = NOT_ROLES | {""}
"""What stands for holding nothing outside of projects."""


OF_IDENTITIES: tuple[type[Proof], ...] = (
    AccessToken,
    ClientSecret,
    UniversalAuth,
    JwtAuth,
    Password,
    OktaPerson,
    LogInRequest,
    Membership,
    Receipt,
)
"""What goes with an identity."""


@dataclass(frozen=True)
class IdentityView:
    """An identity, the roles that it holds, and how it can prove itself."""

    identity: Identity
    memberships: Sequence[Membership]
    methods: Sequence[AuthMethod]

    @property
    def role(self) -> str:
        """Return the role that is held in every project, or nothing."""
        return next((each.role for each in self.memberships if each.project_id is None), "")


async def create_identity(
    world: World, caller: Caller, name: str, *, role: str = ""
) -> IdentityView:
    """Create an identity, which cannot log in yet; ``role`` is held in every project.

    Raises Forbidden, also where the role holds more than the caller does, and InvalidInput.
    """
    identity = new_identity(world, checked_name(name), caller.organization_id)
    members = await require_role(world, caller, identity, role)
    async with world.store.writing() as tx:
        await tx.add(identity, *members)
    return IdentityView(identity, members, ())


async def list_identities(
    world: World, caller: Caller, *, person: bool | None = None
) -> Sequence[IdentityView]:
    """List the identities of the organization, or only people, or only machines.

    Raises Forbidden.
    """
    await gate.require(world, caller, Verb.READ_IDENTITIES, Target(), subject="identities")
    async with world.store.reading() as tx:
        found = await tx.list(Identity, organization_id=caller.organization_id)
        return [await _view(tx, each) for each in found if person in {None, each.person}]


async def read_identity(world: World, caller: Caller, identity_id: str) -> IdentityView:
    """Read one identity. Raises Forbidden and NotFound."""
    identity = await require_identity(world, caller, Verb.READ_IDENTITIES, identity_id)
    async with world.store.reading() as tx:
        return await _view(tx, identity)


async def update_identity(
    world: World,
    caller: Caller,
    identity_id: str,
    *,
    name: str | None = None,
    role: str | None = None,
) -> IdentityView:
    """Change the name of an identity, or the role that it holds in every project.

    Raises Forbidden, NotFound, InvalidInput, and Refused where nobody would be left to administer.
    """
    identity = await require_identity(world, caller, Verb.EDIT_IDENTITIES, identity_id)
    told = None if name is None else checked_name(name)
    members = [] if role is None else await require_role(world, caller, identity, role)
    async with world.store.writing() as tx:
        found = await still_there(tx, identity)
        named = replace(found, name=told or found.name)
        await tx.replace(named)
        if role is not None:
            held = await tx.list(Membership, identity_id=identity.id, project_id=None)
            await tx.remove(*held)
            await tx.add(*members)
            await require_administrator(tx)
        return await _view(tx, named)


async def delete_identity(world: World, caller: Caller, identity_id: str) -> IdentityView:
    """Remove an identity with all by which it could log in; the audit log keeps what it did.

    Raises Forbidden, NotFound, and Refused where nobody would be left to administer.
    """
    identity = await require_identity(world, caller, Verb.EDIT_IDENTITIES, identity_id)
    async with world.store.writing() as tx:
        gone = await _view(tx, identity)
        for kind in OF_IDENTITIES:
            await tx.remove(*await tx.list(kind, identity_id=identity.id))
        await tx.remove(identity)
        await require_administrator(tx)
    return gone


async def require_role(
    world: World, caller: Caller, identity: Identity, role: str
) -> Sequence[Membership]:
    """Let the caller give a role in every project, and return the record of it."""
    async with world.store.reading() as tx:
        found = None if role in NO_ROLE else await find_role(tx, role, None)
    handed = (Holding(found),) if found else ()
    subject = f"identity {identity.id}: role {role or 'none'} everywhere"
    verb = Verb.EDIT_IDENTITIES
    await gate.require(world, caller, verb, Target(), subject=subject, handed=handed)
    if found is None and role not in NO_ROLE:
        raise InvalidInput(FieldProblem(("role",), "must be the slug of a role of all projects"))
    return [member(world, identity, found, None)] if found else []


async def _view(tx: Reading, identity: Identity) -> IdentityView:
    memberships = await tx.list(Membership, identity_id=identity.id)
    universal = await tx.find(UniversalAuth, identity_id=identity.id)
    tokens = await tx.list(AccessToken, identity_id=identity.id, method=AuthMethod.TOKEN)
    methods = [
        *([AuthMethod.UNIVERSAL] if universal else []),
        *([AuthMethod.TOKEN] if tokens else []),
        *(each.method for each in await tx.list(JwtAuth, identity_id=identity.id)),
        *([AuthMethod.PASSWORD] if await tx.find(Password, identity_id=identity.id) else []),
        *([AuthMethod.OIDC_PERSON] if await tx.find(OktaPerson, identity_id=identity.id) else []),
    ]
    return IdentityView(identity, memberships, methods)
