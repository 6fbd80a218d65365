"""Roles of one project and of all, and why somebody may or may not do something."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Query

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.api.lenient import LenientRoute
from keyturn.domain import access as domain
from keyturn.domain.roles import parse_verbs
from keyturn.services import explanations, roles
from keyturn.services.explanations import Question
from keyturn.services.roles import RoleDraft, RoleView
from keyturn.wire import roles as wire
from keyturn.wire.base import TEXT_MAX

router = APIRouter(tags=["Roles"], route_class=LenientRoute)

EVERYWHERE = "/api/v1/roles"
OF_PROJECT = "/api/v1/projects/{project}/roles"

Named = Annotated[str, Path(max_length=TEXT_MAX)]


@router.get("/api/v1/access/explain")
async def explain_access(
    world: TheWorld, caller: TheCaller, query: Annotated[wire.ExplainQuery, Query()]
) -> wire.ExplainAnswer:
    """Say by which role an identity may do something somewhere, or why each does not permit it."""
    asked = Question(
        query.identity_id,
        query.verb,
        query.project_id,
        query.environment,
        query.secret_path,
        query.connection_id,
    )
    found = await explanations.explain_access(world, caller, asked)
    return wire.ExplainAnswer(
        identity_id=found.identity.id,
        name=found.identity.name,
        verb=query.verb,
        allowed=found.allowed,
        role=found.role or None,
        reasons=tuple(
            wire.Reason(role=held.role.slug, project_id=held.project_id, why=why)
            for held, why in found.reasons
        ),
    )


@router.get(EVERYWHERE)
async def list_roles(world: TheWorld, caller: TheCaller) -> wire.RolesAnswer:
    """List the roles that can be held in every project."""
    return _all(await roles.list_roles(world, caller, None))


@router.post(EVERYWHERE)
async def create_role(world: TheWorld, caller: TheCaller, body: wire.CreateRole) -> wire.RoleAnswer:
    """Create a role that can be held in any project."""
    return _one(await roles.create_role(world, caller, None, body.slug, _draft(body)))


@router.get(EVERYWHERE + "/{slug}")
async def read_role(world: TheWorld, caller: TheCaller, slug: Named) -> wire.RoleAnswer:
    """Read a role of all projects."""
    return _one(await roles.read_role(world, caller, None, slug))


@router.patch(EVERYWHERE + "/{slug}")
async def update_role(
    world: TheWorld, caller: TheCaller, slug: Named, body: wire.UpdateRole
) -> wire.RoleAnswer:
    """Change a role of all projects, for everybody who holds it."""
    return _one(await roles.update_role(world, caller, None, slug, _draft(body)))


@router.delete(EVERYWHERE + "/{slug}")
async def delete_role(world: TheWorld, caller: TheCaller, slug: Named) -> wire.RoleAnswer:
    """Delete a role of all projects that nobody holds."""
    return _one(await roles.delete_role(world, caller, None, slug))


@router.get(OF_PROJECT)
async def list_project_roles(
    world: TheWorld, caller: TheCaller, project: Named
) -> wire.RolesAnswer:
    """List the roles that can be held in a project."""
    return _all(await roles.list_roles(world, caller, project))


@router.post(OF_PROJECT)
async def create_project_role(
    world: TheWorld, caller: TheCaller, project: Named, body: wire.CreateRole
) -> wire.RoleAnswer:
    """Create a role of a project."""
    return _one(await roles.create_role(world, caller, project, body.slug, _draft(body)))


@router.get(OF_PROJECT + "/{slug}")
async def read_project_role(
    world: TheWorld, caller: TheCaller, project: Named, slug: Named
) -> wire.RoleAnswer:
    """Read a role of a project."""
    return _one(await roles.read_role(world, caller, project, slug))


@router.patch(OF_PROJECT + "/{slug}")
async def update_project_role(
    world: TheWorld, caller: TheCaller, project: Named, slug: Named, body: wire.UpdateRole
) -> wire.RoleAnswer:
    """Change a role of a project, for everybody who holds it."""
    return _one(await roles.update_role(world, caller, project, slug, _draft(body)))


@router.delete(OF_PROJECT + "/{slug}")
async def delete_project_role(
    world: TheWorld, caller: TheCaller, project: Named, slug: Named
) -> wire.RoleAnswer:
    """Delete a role of a project that nobody holds."""
    return _one(await roles.delete_role(world, caller, project, slug))


def _draft(body: wire.CreateRole | wire.UpdateRole) -> RoleDraft:
    grants = None if body.grants is None else tuple(map(_grant, body.grants))
    return RoleDraft(body.name, body.description, grants)


def _grant(asked: wire.Grant) -> domain.Grant:
    verbs = parse_verbs(asked.verbs)
    return domain.Grant(verbs, asked.environments, asked.paths, asked.connections)


def _all(found: Sequence[RoleView]) -> wire.RolesAnswer:
    return wire.RolesAnswer(roles=tuple(map(_shown, found)))


def _one(found: RoleView) -> wire.RoleAnswer:
    return wire.RoleAnswer(role=_shown(found))


def _shown(found: RoleView) -> wire.Role:
    role, custom = found.role, found.custom
    return wire.Role(
        id=custom.id if custom else None,
        slug=role.slug,
        name=role.name,
        description=custom.description if custom else "",
        project_id=custom.project_id if custom else None,
        built_in=custom is None,
        grants=tuple(
            wire.Grant(
                verbs=tuple(sorted(grant.verbs)),
                environments=grant.environments,
                paths=grant.paths,
                connections=grant.connections,
            )
            for grant in role.grants
            if grant.verbs  # none is left of verbs that only another Keyturn knows
        ),
        created_at=custom.created_at if custom else None,
        updated_at=custom.updated_at if custom else None,
    )
