"""Roles that an installation makes for itself: of one project, or of all.

Whoever writes a role holds all that it grants, so that nobody gives themselves more by writing it
into a role that they hold.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from keyturn.domain import names
from keyturn.domain.access import BUILT_IN, Caller, Grant, Holding, Role, Target, Verb
from keyturn.domain.errors import NotFound, Refused, Taken
from keyturn.domain.identity import Membership
from keyturn.domain.ids import ProjectId
from keyturn.domain.project import Project
from keyturn.domain.roles import (
    CustomRole,
    RoleGrant,
    checked_grants,
    checked_slug,
    stored_grants,
)
from keyturn.services import gate
from keyturn.services.identities import read_grants
from keyturn.services.ports import Reading, World
from keyturn.services.projects import resolve_project

ROLES_MAX = 200


@dataclass(frozen=True)
class RoleDraft:
    """A role as somebody asks for it; None leaves a field as it is."""

    name: str | None = None
    description: str | None = None
    grants: Sequence[Grant] | None = None


@dataclass(frozen=True)
class RoleView:
    """A role with what it grants; ``custom`` is None for one that every project has."""

    role: Role
    custom: CustomRole | None


async def list_roles(world: World, caller: Caller, project: str | None) -> Sequence[RoleView]:
    """List the roles that can be held in a project, or in all: built-in ones first.

    Raises Forbidden, NotFound.
    """
    project_id = await _pass(world, caller, Verb.READ_ROLES, project, "roles")
    async with world.store.reading() as tx:
        custom = [*await tx.list(CustomRole, project_id=None)]
        if project_id:
            custom += await tx.list(CustomRole, project_id=project_id)
        made = [RoleView(await read_grants(tx, each), each) for each in custom]
    return [*(RoleView(role, None) for role in BUILT_IN.values()), *made]


async def read_role(world: World, caller: Caller, project: str | None, slug: str) -> RoleView:
    """Read a role of a project, or of all. Raises Forbidden, NotFound."""
    project_id = await _pass(world, caller, Verb.READ_ROLES, project, f"role {slug}")
    if slug in BUILT_IN:
        return RoleView(BUILT_IN[slug], None)
    async with world.store.reading() as tx:
        custom = await _read(tx, project_id, slug)
        return RoleView(await read_grants(tx, custom), custom)


async def create_role(
    world: World, caller: Caller, project: str | None, slug: str, draft: RoleDraft
) -> RoleView:
    """Create a role of a project, or of all.

    Raises Forbidden, also where it grants more than the caller holds, InvalidInput, NotFound, and
    Taken.
    """
    project_id = await _pass(world, caller, Verb.EDIT_ROLES, project, f"role {slug}")
    role = _checked(checked_slug(slug), draft.name or slug, draft.grants or ())
    await _require_held(world, caller, role, project_id)
    new_id, now = world.chance.uuid(), world.clock.now()
    told = names.description(draft.description) or ""
    custom = CustomRole(new_id, project_id, role.slug, role.name, told, now, now)
    async with world.store.writing() as tx:
        await _require_free(tx, project_id, role.slug)
        await tx.add(custom, *stored_grants(new_id, role.grants))
    return RoleView(role, custom)


async def update_role(
    world: World, caller: Caller, project: str | None, slug: str, draft: RoleDraft
) -> RoleView:
    """Change a role, for everybody who holds it; its slug stays.

    Raises Forbidden, also where it would grant more than the caller holds, InvalidInput, NotFound.
    """
    project_id = await _pass(world, caller, Verb.EDIT_ROLES, project, f"role {slug}")
    async with world.store.reading() as tx:
        custom = await _read(tx, project_id, slug)
        before = await read_grants(tx, custom)
    grants = before.grants if draft.grants is None else draft.grants
    role = _checked(slug, draft.name or before.name, grants)
    await _require_held(world, caller, role, project_id)
    told = custom.description if draft.description is None else draft.description
    described = names.description(told) or ""
    now = world.clock.now()
    after = replace(custom, name=role.name, description=described, updated_at=now)
    async with world.store.writing() as tx:
        await _read(tx, project_id, slug)
        await tx.remove(*await tx.list(RoleGrant, role_id=custom.id))
        await tx.replace(after)
        await tx.add(*stored_grants(custom.id, role.grants))
    return RoleView(role, after)


async def delete_role(world: World, caller: Caller, project: str | None, slug: str) -> RoleView:
    """Delete a role that nobody holds. Raises Forbidden, NotFound, Refused."""
    project_id = await _pass(world, caller, Verb.EDIT_ROLES, project, f"role {slug}")
    async with world.store.writing() as tx:
        custom = await _read(tx, project_id, slug)
        where = {"project_id": project_id} if project_id else {}
        holders = len(await tx.list(Membership, role=slug, **where))
        if holders:
            raise Refused(f"{holders} identities hold the role {slug}: take it from them first.")
        gone = await read_grants(tx, custom)
        await tx.remove(*await tx.list(RoleGrant, role_id=custom.id))
        await tx.remove(custom)
    return RoleView(gone, custom)


def _checked(slug: str, name: str, grants: Sequence[Grant]) -> Role:
    return Role(slug, names.title(("name",), name), checked_grants(grants))


async def _require_held(
    world: World, caller: Caller, role: Role, project_id: ProjectId | None
) -> None:
    """Let nobody write a role that holds more than they do themselves."""
    await gate.require(
        world,
        caller,
        Verb.EDIT_ROLES,
        Target(project_id),
        subject=f"grants of role {role.slug}",
        handed=(Holding(role, project_id),),
    )


async def _pass(
    world: World, caller: Caller, verb: Verb, project: str | None, subject: str
) -> ProjectId | None:
    project_id = await resolve_project(world, project) if project else None
    told = f"{subject} of {f'project {project}' if project else 'every project'}"
    await gate.require(world, caller, verb, Target(project_id), subject=told)
    async with world.store.reading() as tx:
        if project_id and await tx.find(Project, id=project_id) is None:
            raise NotFound(f"There is no project {project}.")
    return project_id


async def _require_free(tx: Reading, project_id: ProjectId | None, slug: str) -> None:
    """Raise where another role could be meant by the same slug, or there are too many."""
    same = await tx.list(CustomRole, slug=slug)
    if any(project_id is None or each.project_id in {None, project_id} for each in same):
        raise Taken(f"There is a role {slug} already: choose another slug.")
    if len(await tx.list(CustomRole, project_id=project_id)) >= ROLES_MAX:
        raise Refused(f"There are {ROLES_MAX} roles already: delete those that nobody holds.")


async def _read(tx: Reading, project_id: ProjectId | None, slug: str) -> CustomRole:
    found = await tx.find(CustomRole, slug=slug, project_id=project_id)
    if found is None:
        where = "this project" if project_id else "every project"
        raise NotFound(f"There is no role {slug} of {where} that could be changed.")
    return found
