"""Identities, and the roles that they hold in projects, by both names of projects."""

from typing import Annotated

from fastapi import APIRouter, Path

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.api.lenient import LenientRoute
from keyturn.domain.identity import Membership
from keyturn.services import identity_changes, memberships
from keyturn.services.identity_changes import IdentityView
from keyturn.services.memberships import Asked
from keyturn.wire import identities as wire
from keyturn.wire.base import TEXT_MAX

router = APIRouter(tags=["Identities"], route_class=LenientRoute)

IDENTITIES = "/api/v1/identities"
OF_PROJECT = "/api/v1/projects/{project}/identity-memberships"
OF_WORKSPACE = "/api/v2/workspace/{project}/identity-memberships"

Named = Annotated[str, Path(max_length=TEXT_MAX)]


@router.post(IDENTITIES)
async def create_identity(
    world: TheWorld, caller: TheCaller, body: wire.CreateIdentity
) -> wire.IdentityAnswer:
    """Create an identity, which holds this role in every project, and cannot log in yet."""
    made = await identity_changes.create_identity(world, caller, body.name, role=body.role)
    return wire.IdentityAnswer(identity=shown(made))


@router.get(IDENTITIES)
async def list_identities(
    world: TheWorld, caller: TheCaller, *, person: bool | None = None
) -> wire.IdentitiesAnswer:
    """List the identities of the organization, people and machines, or only either."""
    found = await identity_changes.list_identities(world, caller, person=person)
    return wire.IdentitiesAnswer(identities=tuple(map(shown, found)), total_count=len(found))


@router.get(IDENTITIES + "/{identity_id}")
async def read_identity(
    world: TheWorld, caller: TheCaller, identity_id: Named
) -> wire.IdentityAnswer:
    """Read one identity, with every role that it holds."""
    found = await identity_changes.read_identity(world, caller, identity_id)
    return wire.IdentityAnswer(identity=shown(found))


@router.patch(IDENTITIES + "/{identity_id}")
async def update_identity(
    world: TheWorld, caller: TheCaller, identity_id: Named, body: wire.UpdateIdentity
) -> wire.IdentityAnswer:
    """Change the name of an identity, or the role that it holds in every project."""
    changed = await identity_changes.update_identity(
        world, caller, identity_id, name=body.name, role=body.role
    )
    return wire.IdentityAnswer(identity=shown(changed))


@router.delete(IDENTITIES + "/{identity_id}")
async def delete_identity(
    world: TheWorld, caller: TheCaller, identity_id: Named
) -> wire.IdentityAnswer:
    """Delete an identity with all by which it could log in."""
    gone = await identity_changes.delete_identity(world, caller, identity_id)
    return wire.IdentityAnswer(identity=shown(gone))


@router.get(OF_PROJECT)
@router.get(OF_WORKSPACE, name="list_workspace_members")
async def list_members(world: TheWorld, caller: TheCaller, project: Named) -> wire.MembersAnswer:
    """List the identities that hold a role in a project itself."""
    found = await memberships.list_members(world, caller, project)
    return wire.MembersAnswer(identity_memberships=tuple(map(_member, found)))


@router.get(OF_PROJECT + "/{identity_id}")
@router.get(OF_WORKSPACE + "/{identity_id}", name="read_workspace_member")
async def read_member(
    world: TheWorld, caller: TheCaller, project: Named, identity_id: Named
) -> wire.MemberAnswer:
    """Read the roles of one identity in a project."""
    found = await memberships.read_member(world, caller, Asked(project, identity_id))
    return wire.MemberAnswer(identity_membership=_member(found))


@router.post(OF_PROJECT + "/{identity_id}")
@router.post(OF_WORKSPACE + "/{identity_id}", name="add_workspace_member")
async def add_member(
    world: TheWorld,
    caller: TheCaller,
    project: Named,
    identity_id: Named,
    body: wire.MemberAsked,
) -> wire.MemberAnswer:
    """Give roles in a project to an identity that holds none there."""
    asked = Asked(project, identity_id)
    added = await memberships.add_member(world, caller, asked, body.slugs)
    return wire.MemberAnswer(identity_membership=_member(added))


@router.patch(OF_PROJECT + "/{identity_id}")
@router.patch(OF_WORKSPACE + "/{identity_id}", name="change_workspace_member")
async def change_member(
    world: TheWorld,
    caller: TheCaller,
    project: Named,
    identity_id: Named,
    body: wire.MemberAsked,
) -> wire.RolesAnswer:
    """Let an identity hold these roles in a project and no others."""
    asked = Asked(project, identity_id)
    changed = await memberships.change_member(world, caller, asked, body.slugs)
    return wire.RolesAnswer(roles=tuple(map(_role, changed.memberships)))


@router.delete(OF_PROJECT + "/{identity_id}")
@router.delete(OF_WORKSPACE + "/{identity_id}", name="remove_workspace_member")
async def remove_member(
    world: TheWorld, caller: TheCaller, project: Named, identity_id: Named
) -> wire.MemberAnswer:
    """Take every role in a project from an identity."""
    gone = await memberships.remove_member(world, caller, Asked(project, identity_id))
    return wire.MemberAnswer(identity_membership=_member(gone))


def shown(view: IdentityView) -> wire.Identity:
    """Render an identity."""
    identity, methods = view.identity, tuple(each.value for each in view.methods)
    return wire.Identity(
        id=identity.id,
        name=identity.name,
        org_id=identity.organization_id,
        role=view.role or "no-access",
        roles=tuple(map(_role, view.memberships)),
        auth_methods=methods,
        person=identity.person,
        created_at=identity.created_at,
        updated_at=identity.created_at,
        identity=wire.IdentityRef(id=identity.id, name=identity.name, auth_methods=methods),
    )


def _member(found: memberships.Member) -> wire.Member:
    first, identity = found.memberships[0], found.identity
    return wire.Member(
        id=first.id,
        identity_id=identity.id,
        project_id=found.project_id,
        created_at=first.created_at,
        updated_at=first.created_at,
        roles=tuple(map(_role, found.memberships)),
        identity=wire.IdentityRef(id=identity.id, name=identity.name, auth_methods=()),
    )


def _role(held: Membership) -> wire.HeldRole:
    return wire.HeldRole(id=held.id, role=held.role, project_id=held.project_id)
