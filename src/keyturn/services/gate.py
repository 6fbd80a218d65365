"""The one way in: decide whether the caller may, and write the audit entry, in the same call.

Every public use case begins here. There is no path around it, and nothing is disclosed or changed
before its entry is durable.
"""

from collections.abc import Iterable
from typing import Final

from keyturn.domain.access import Caller, Denied, Granted, Holding, Target, Verb, decide
from keyturn.domain.audit import Attempt
from keyturn.domain.delegation import excess
from keyturn.domain.errors import Forbidden
from keyturn.services.ports import World

TIMED: Final = frozenset(
    {Verb.CREATE_ROTATIONS, Verb.ROTATE, Verb.DELIVER, Verb.EDIT_ROLLOUTS, Verb.APPROVE_ROLLOUTS}
)
"""What begins or steers work that workers hold, and are kept from, by the time of day."""


async def require(
    world: World,
    caller: Caller,
    verb: Verb,
    target: Target,
    *,
    subject: str,
    handed: Iterable[Holding] = (),
) -> int:
    """Let the caller pass, or raise Forbidden with the reason; either way it is on record.

    ``subject`` names what it is about: ids, names and paths, never a value. ``handed`` is what
    somebody can hold by it afterwards: nobody hands on more than they hold. Returns the revision
    of what is served, as it was once the entry was durable. Raises NoFooting, with nothing on
    record, where a process whose clock is off is asked for what goes by the time (`TIMED`).
    """
    verdict = decide(caller, verb, target)
    why = verdict.why if isinstance(verdict, Denied) else excess(caller, handed)
    if verb in TIMED and not why:
        world.vitals.require_footing()
    entry = Attempt(world.clock.now(), caller.id, verb, subject, allowed=not why, detail=why)
    recorded = await world.store.append_audit(entry)
    if why:
        raise Forbidden(f"{caller.name} may not {verb} on {subject}: {why}.")
    return recorded.revision


def may(caller: Caller, verb: Verb, target: Target) -> bool:
    """Say whether a caller may, for what is left out of a list without a word."""
    return isinstance(decide(caller, verb, target), Granted)
