"""What proves that an emergency has closed each app: Okta's own answers, as they were recorded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from keyturn.domain.access import Caller, Verb
from keyturn.domain.emergency import as_told
from keyturn.domain.rollout import Member
from keyturn.domain.turn import Phase, Turn
from keyturn.services.emergencies import EmergencyView, admit, view_of
from keyturn.services.ports import Reading, TurnStep, World
from keyturn.services.rollouts import members_of, turns_of

DEACTIVATE, PROBE = "deactivate a ", "probe a "
REFUSED = ("HTTP 400", "HTTP 401")
"""How Okta answers a client whose secret it does not accept (RFC 6749, section 5.2)."""
AT_A_TIME = 500
"""As many turns are read in one look."""


@dataclass(frozen=True)
class Proof:
    """A member of an emergency, its turn, and Okta's answers to it, None where there is none."""

    member: Member
    turn: Turn | None
    deactivated: TurnStep | None
    refused: TurnStep | None


@dataclass(frozen=True)
class EmergencyReport:
    """An emergency with the proof for each app, in its order."""

    told: EmergencyView
    proofs: Sequence[Proof]


async def report_emergency(world: World, caller: Caller, emergency_id: str) -> EmergencyReport:
    """Return the record of an emergency. Raises NotFound, Forbidden."""
    rollout = await admit(world, caller, Verb.READ_ROLLOUTS, emergency_id, "evidence")
    async with world.store.reading() as tx:
        members = [as_told(each, rollout.state) for each in await members_of(tx, rollout.id)]
        proofs = await list_proofs(tx, members)
    return EmergencyReport(await view_of(world, rollout.id), proofs)


async def list_proofs(tx: Reading, members: Sequence[Member]) -> Sequence[Proof]:
    """Return what is on record of the closing of each of some members."""
    turns = await turns_of(tx, members)
    steps = await _steps_of(tx, [*turns])
    return [_proof(each, turns.get(each.turn_id or ""), steps) for each in members]


async def _steps_of(tx: Reading, ids: Sequence[str]) -> Mapping[str, Sequence[TurnStep]]:
    found: dict[str, list[TurnStep]] = {each: [] for each in ids}
    for first in range(0, len(ids), AT_A_TIME):
        wanted = frozenset(ids[first : first + AT_A_TIME])
        for step in await tx.list(TurnStep, turn_id=wanted):
            found[step.turn_id].append(step)
    return found


def _proof(member: Member, turn: Turn | None, steps: Mapping[str, Sequence[TurnStep]]) -> Proof:
    """Find the last answers that count: nothing that was reinstated proves anything."""
    of_turn = sorted(steps[turn.id], key=lambda each: each.number) if turn else ()
    deactivated = _last(of_turn, DEACTIVATE, ("HTTP 200",))
    closed = [each for each in of_turn if deactivated and each.number > deactivated.number]
    closed = [each for each in closed if each.phase in {Phase.SOAKING, Phase.FINISHED}]
    return Proof(member, turn, deactivated, _first(closed, PROBE, REFUSED))


def _last(steps: Sequence[TurnStep], beginning: str, details: tuple[str, ...]) -> TurnStep | None:
    return _first([*reversed(steps)], beginning, details)


def _first(steps: Sequence[TurnStep], beginning: str, details: tuple[str, ...]) -> TurnStep | None:
    fits = (s for s in steps if s.step.startswith(beginning) and s.detail in details)
    return next(fits, None)
