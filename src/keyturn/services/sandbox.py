"""What people do to the org in a box beside the server: faults, and time that passes at once.

Whoever may change connections to Okta everywhere may break the org behind them.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from keyturn.domain.access import Caller, Target, Verb
from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.domain.identity import AccessToken
from keyturn.services import gate
from keyturn.services.ports import World
from keyturn.services.ports.sandbox import FaultDraft, FaultInForce, SandboxControls

LONGEST_S = 366 * 86_400


async def list_faults(world: World, caller: Caller, box: SandboxControls) -> Sequence[FaultInForce]:
    """List the faults in force. Raises Forbidden."""
    target = Target(caller.home, somewhere=True)
    await gate.require(world, caller, Verb.READ_CONNECTIONS, target, subject="sandbox faults")
    return box.list_faults()


async def plant_fault(world: World, caller: Caller, box: SandboxControls, draft: FaultDraft) -> str:
    """Put a fault in force and return its id. Raises Forbidden, InvalidInput."""
    await _pass(world, caller, f"plant {draft.kind}")
    return box.plant(draft)


async def clear_faults(
    world: World, caller: Caller, box: SandboxControls, fault_id: str = ""
) -> None:
    """Lift a fault, or all of them. Raises Forbidden, NotFound."""
    await _pass(world, caller, f"lift {fault_id or 'all faults'}")
    box.clear(fault_id)


async def advance_clock(
    world: World, caller: Caller, box: SandboxControls, seconds: float
) -> datetime:
    """Let so many seconds pass at once, a year at most, and return the time that it is then.

    Who is logged in stays so: every access token lasts that much longer. Raises Forbidden,
    InvalidInput.
    """
    await _pass(world, caller, f"advance the clock by {seconds:.0f} s")
    if not 1 <= seconds <= LONGEST_S:
        raise InvalidInput(FieldProblem(("seconds",), f"must be 1 to {LONGEST_S}"))
    now, jump = world.clock.now(), timedelta(seconds=seconds)
    async with world.store.writing() as tx:
        good = [token for token in await tx.list(AccessToken) if token.expires_at > now]
        await tx.replace(*(_outlasting(token, jump) for token in good))
    box.advance(seconds)
    return world.clock.now()


def _outlasting(token: AccessToken, jump: timedelta) -> AccessToken:
    until = token.renewable_until + jump
    return replace(token, expires_at=token.expires_at + jump, renewable_until=until)


async def _pass(world: World, caller: Caller, what: str) -> None:
    subject = f"sandbox ({what})"
    await gate.require(world, caller, Verb.EDIT_CONNECTIONS, Target(), subject=subject)
