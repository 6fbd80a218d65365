"""Say why somebody may do something somewhere, or why not."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from keyturn.domain import names
from keyturn.domain.access import Caller, Granted, Holding, Target, Verb, decide, explain
from keyturn.domain.errors import NotFound
from keyturn.domain.identity import Identity
from keyturn.domain.ids import ProjectId
from keyturn.domain.roles import parse_verbs
from keyturn.services import gate
from keyturn.services.identities import caller_of
from keyturn.services.ports import World
from keyturn.services.projects import resolve_project


@dataclass(frozen=True)
class Question:
    """Who wants to do what, and where: ids, or the project's slug; empty plays no part.

    Without an environment it is asked whether they may somewhere in the project.
    """

    identity_id: str
    verb: str
    project: str = ""
    environment: str = ""
    path: str = ""
    connection_id: str = ""


@dataclass(frozen=True)
class Explanation:
    """Whether an identity may, by which role, and what each of its roles says.

    A reason is empty for a role that permits it.
    """

    identity: Identity
    role: str
    reasons: Sequence[tuple[Holding, str]]

    @property
    def allowed(self) -> bool:
        """Say whether the identity may."""
        return bool(self.role)


async def explain_access(world: World, caller: Caller, asked: Question) -> Explanation:
    """Explain what an identity may do. Raises Forbidden, NotFound, InvalidInput.

    Who sees one project alone is told of the roles that count in it, and of those who hold some.
    """
    project_id = await resolve_project(world, asked.project) if asked.project else None
    subject = f"access of identity {asked.identity_id} in project {asked.project or '(every)'}"
    target = Target(project_id)
    await gate.require(world, caller, Verb.READ_IDENTITIES, target, subject=subject)
    (verb,) = parse_verbs([asked.verb])
    other = await _read_holder(world, caller, asked, project_id)
    place = _place(asked, project_id)
    verdict = decide(other, verb, place)
    role = verdict.role if isinstance(verdict, Granted) else ""
    async with world.store.reading() as tx:
        identity = await tx.find(Identity, id=other.id)
    if identity is None:
        raise _nobody(asked)
    return Explanation(identity, role, explain(other, verb, place))


async def _read_holder(
    world: World, caller: Caller, asked: Question, project_id: ProjectId | None
) -> Caller:
    async with world.store.reading() as tx:
        found = await tx.find(
            Identity, id=asked.identity_id, organization_id=caller.organization_id
        )
        if found is None:
            raise _nobody(asked)
        whole = await caller_of(tx, found)
    if gate.may(caller, Verb.READ_IDENTITIES, Target()):
        return whole
    near = tuple(each for each in whole.holdings if each.project_id in {None, project_id})
    if not near:
        raise _nobody(asked)
    return replace(whole, holdings=near)


def _place(asked: Question, project_id: ProjectId | None) -> Target:
    path = names.secret_path(asked.path) if asked.path else ""
    somewhere = not (asked.environment or asked.path or asked.connection_id)
    return Target(project_id, asked.environment, path, asked.connection_id, somewhere=somewhere)


def _nobody(asked: Question) -> NotFound:
    return NotFound(f"There is no identity {asked.identity_id} here.")
