"""The settings that a server runs with, for those who look after it."""

from collections.abc import Sequence

from keyturn.domain.access import Caller, Target, Verb
from keyturn.services import gate
from keyturn.services.ports import Setting, World


async def list_settings(world: World, caller: Caller) -> Sequence[Setting]:
    """List every setting in force; what is secret is masked.

    They are of the whole installation, so who sees its audit log sees them. Raises Forbidden.
    """
    await gate.require(world, caller, Verb.READ_AUDIT, Target(), subject="settings")
    return world.settings
