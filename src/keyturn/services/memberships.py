"""Which roles identities hold in a project.

Whoever gives a role holds all of it there, so that nobody gives away more than they have.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from keyturn.domain.access import ADMIN, Caller, Holding, Role, Target, Verb
from keyturn.domain.errors import FieldProblem, InvalidInput, NotFound, Refused
from keyturn.domain.identity import Identity, Membership
from keyturn.domain.ids import ProjectId
from keyturn.domain.project import Project
from keyturn.services import gate
from keyturn.services.identities import find_role, member
from keyturn.services.ports import Reading, World
from keyturn.services.projects import resolve_project
from keyturn.services.records import must

ROLES_MAX = 20


@dataclass(frozen=True)
class Member:
    """An identity, and the roles that it holds in a project."""

    project_id: ProjectId
    identity: Identity
    memberships: Sequence[Membership]


@dataclass(frozen=True)
class Asked:
    """Whose roles in which project a request is about: ids, or the project's slug."""

    project: str
    identity_id: str

    def __str__(self) -> str:
        return f"identity {self.identity_id} in project {self.project}"


async def list_members(world: World, caller: Caller, project: str) -> Sequence[Member]:
    """List the identities that hold a role in a project itself. Raises Forbidden, NotFound."""
    subject = f"identities of project {project}"
    project_id = await _pass(world, caller, Verb.READ_IDENTITIES, project, subject)
    async with world.store.reading() as tx:
        held = await tx.list(Membership, project_id=project_id)
        ids = dict.fromkeys(each.identity_id for each in held)
        found = [await must(tx.find(Identity, id=each)) for each in ids]
    return [
        Member(project_id, each, [one for one in held if one.identity_id == each.id])
        for each in found
    ]


async def read_member(world: World, caller: Caller, asked: Asked) -> Member:
    """Read the roles of one identity in a project. Raises Forbidden, NotFound."""
    project_id = await _pass(world, caller, Verb.READ_IDENTITIES, asked.project, str(asked))
    async with world.store.reading() as tx:
        return await _read(tx, project_id, asked)


async def add_member(world: World, caller: Caller, asked: Asked, roles: Sequence[str]) -> Member:
    """Give roles in a project to an identity that holds none there.

    Raises Forbidden, NotFound, InvalidInput, and Refused for one that holds some already.
    """
    return await _set_roles(world, caller, asked, roles, fresh=True)


async def change_member(world: World, caller: Caller, asked: Asked, roles: Sequence[str]) -> Member:
    """Let an identity hold these roles in a project and no others.

    Raises Forbidden, NotFound, InvalidInput.
    """
    return await _set_roles(world, caller, asked, roles, fresh=False)


async def remove_member(world: World, caller: Caller, asked: Asked) -> Member:
    """Take every role in a project from an identity. Raises Forbidden, NotFound."""
    project_id = await _pass(world, caller, Verb.EDIT_IDENTITIES, asked.project, str(asked))
    async with world.store.writing() as tx:
        gone = await _read(tx, project_id, asked)
        await tx.remove(*gone.memberships)
    return gone


async def require_administrator(tx: Reading) -> None:
    """Raise Refused where nobody administers the whole installation any more."""
    if not await tx.list(Membership, role=ADMIN.slug, project_id=None):
        raise Refused(
            "Nobody would be left to administer this installation: give another identity the role "
            "admin in every project first."
        )


async def _set_roles(
    world: World, caller: Caller, asked: Asked, roles: Sequence[str], *, fresh: bool
) -> Member:
    project_id = await resolve_project(world, asked.project)
    async with world.store.reading() as tx:
        held = await tx.list(Membership, project_id=project_id, identity_id=asked.identity_id)
        found = {slug: await find_role(tx, slug, project_id) for slug in roles[:ROLES_MAX]}
    kept = {each.role for each in held}
    new = [role for slug, role in found.items() if role and slug not in kept]
    handed = [Holding(role, project_id) for role in new]
    subject = f"{asked}: {' '.join(found) or 'no role'}"
    await _pass(world, caller, Verb.EDIT_IDENTITIES, asked.project, subject, handed=handed)
    _require_roles(roles, found)
    async with world.store.writing() as tx:
        identity = await _read_identity(tx, caller, asked)
        held = await tx.list(Membership, project_id=project_id, identity_id=identity.id)
        _require_fitting(held, identity, fresh=fresh)
        await tx.remove(*(each for each in held if each.role not in found))
        kept = {each.role for each in held}
        await tx.add(
            *(member(world, identity, role, project_id) for role in new if role.slug not in kept)
        )
        return await _read(tx, project_id, asked)


def _require_roles(roles: Sequence[str], found: dict[str, Role | None]) -> None:
    if not roles or len(roles) > ROLES_MAX or not all(found.values()):
        rule = f"must be 1 to {ROLES_MAX} slugs of roles of this project or of all"
        raise InvalidInput(FieldProblem(("roles",), rule))


def _require_fitting(held: Sequence[Membership], identity: Identity, *, fresh: bool) -> None:
    if fresh and held:
        raise Refused(f"{identity.name} holds roles in this project already: change them instead.")
    if not (fresh or held):
        raise NotFound(f"{identity.name} holds no role in this project: add it first.")


async def _pass(
    world: World,
    caller: Caller,
    verb: Verb,
    project: str,
    subject: str,
    *,
    handed: Sequence[Holding] = (),
) -> ProjectId:
    project_id = await resolve_project(world, project)
    target = Target(project_id)
    await gate.require(world, caller, verb, target, subject=subject, handed=handed)
    async with world.store.reading() as tx:
        if await tx.find(Project, id=project_id) is None:
            raise NotFound(f"There is no project {project}.")
    return project_id


async def _read_identity(tx: Reading, caller: Caller, asked: Asked) -> Identity:
    found = await tx.find(Identity, id=asked.identity_id, organization_id=caller.organization_id)
    if found is None:
        raise NotFound(f"There is no identity {asked.identity_id}.")
    return found


async def _read(tx: Reading, project_id: ProjectId, asked: Asked) -> Member:
    held = await tx.list(Membership, project_id=project_id, identity_id=asked.identity_id)
    if not held:
        raise NotFound(f"The project has no identity {asked.identity_id}.")
    return Member(project_id, await must(tx.find(Identity, id=asked.identity_id)), held)
