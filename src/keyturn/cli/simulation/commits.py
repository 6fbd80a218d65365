"""What one transaction of a simulated world changed, told from the store before and after it."""

from collections.abc import Iterator, Sequence
from itertools import chain, compress, repeat
from operator import is_not

from keyturn.cli.simulation.events import Commit
from keyturn.cli.simulation.processes import Work
from keyturn.domain.audit import AuditEntry
from keyturn.domain.oauth.connection import Connection
from keyturn.domain.oauth.registration import ClientRegistration
from keyturn.domain.rollout import Rollout
from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import Version
from keyturn.domain.turn import Phase, Turn
from keyturn.services.ports import Record, TurnStep
from keyturn.services.turns import OF_A_REQUEST
from keyturn.testing.memory import Backup

WATCHED = (Version, Turn, TurnStep, Rotation, ClientRegistration, Connection, Rollout)


def changed_between(before: Backup, after: Backup) -> Iterator[Record]:
    """Yield the watched records that a transaction has added or replaced."""
    if before is after:
        return
    for kind in WATCHED:
        old, new = before.tables.get(kind, {}), after.tables.get(kind, {})
        if old is not new:  # most of a table stays as it is, and where it is
            moved = map(is_not, new.values(), chain(old.values(), repeat(None)))
            for key, record in compress(new.items(), moved):
                if old.get(key) is not record:
                    yield record


def commit_of(
    work: Work | None, changed: Sequence[Record], fresh: Sequence[AuditEntry], before: Backup
) -> Commit:
    """Tell what the invariants ask about a transaction."""
    turns = [record for record in changed if isinstance(record, Turn)]
    known = {turn.id: before.find(turn) for turn in turns}
    was = {turn.id: known[turn.id] or turn for turn in turns}
    epochs = {turn.id: was[turn.id].epoch for turn in turns if not _asked_for(was[turn.id], turn)}
    claims = any(turn.epoch != was[turn.id].epoch for turn in turns)
    old = before.audit[-1] if before.audit else None
    return Commit(work, changed, fresh, old, epochs, claims, known)


def _asked_for(was: Turn, turn: Turn) -> bool:
    """Say whether a request has just taken a turn that was nobody's, by what it read of it now."""
    free = was.open and was.owner is None and turn.owner == OF_A_REQUEST
    return free and (turn.phase is was.phase or was.phase is Phase.BLOCKED)


def hold(work: Work, changed: Sequence[Record], began_s: float) -> None:
    """Note which turn the work holds, and since when."""
    for turn in changed:
        mine = isinstance(turn, Turn) and (
            work.turn_id in (None, turn.id) or turn.owner == OF_A_REQUEST
        )
        if isinstance(turn, Turn) and turn.owner and mine:
            work.turn_id, work.epoch, work.held_since_s = turn.id, turn.epoch, began_s
