"""The one way in: decide whether the caller may, and write the audit entry, in the same call.

Every public use case begins here. There is no path around it, and nothing is disclosed or changed
before its entry is durable.
"""

from keyturn.domain.access import Caller, Denied, Verb, decide
from keyturn.domain.audit import Attempt
from keyturn.domain.errors import Forbidden
from keyturn.domain.ids import ProjectId
from keyturn.services.ports import World


async def require(
    world: World, caller: Caller, verb: Verb, *, subject: str, project_id: ProjectId | None
) -> None:
    """Let the caller pass, or raise Forbidden with the reason; either way it is on record.

    ``subject`` names what it is about: ids, names and paths, never a value.
    """
    verdict = decide(caller, verb, project_id)
    why = verdict.why if isinstance(verdict, Denied) else ""
    entry = Attempt(world.clock.now(), caller.id, verb, subject, allowed=not why, detail=why)
    async with world.store.writing() as tx:
        await tx.append_audit(entry)
    if why:
        raise Forbidden(f"{caller.name} may not {verb} on {subject}: {why}.")
