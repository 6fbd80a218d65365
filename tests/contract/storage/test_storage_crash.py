"""Death at a chosen point: what was committed stands, what was not has never been."""

import sys
from dataclasses import replace
from pathlib import Path
from signal import SIGKILL
from typing import Literal

import pytest
import storage_kit
from anyio import run_process
from storage_kit import NOW, ROTATION, TURN, add_all, found

from keyturn.adapters.storage import SqliteStore
from keyturn.domain.ids import RotationId, TurnId
from keyturn.domain.turn import Phase, Turn
from keyturn.services.ports import Store
from keyturn.testing import CrashingStore, CrashPlan, MemoryStore

KITS = Path(storage_kit.__file__).parent

WRITE_AND_DIE = """
import asyncio, os, signal, sys
from dataclasses import replace
from pathlib import Path
from storage_kit import TURN, add_all
from keyturn.adapters.storage import SqliteStore
from keyturn.domain.turn import Phase
from keyturn.testing import CrashingStore, CrashPlan

def die():
    os.kill(os.getpid(), signal.SIGKILL)

async def main():
    inner = await SqliteStore.open(Path(sys.argv[1]))
    store = CrashingStore(inner, CrashPlan(Phase.ISSUED, sys.argv[2]), die)
    await add_all(store)
    async with store.writing() as writing:
        await writing.replace(replace(TURN, phase=Phase.ISSUED))
    print("alive")

asyncio.run(main())
"""


class Died(Exception):
    """Stand for death within one process."""


def die() -> None:
    """Die."""
    raise Died


async def put(store: Store, *turns: Turn) -> None:
    """Replace turns in one transaction."""
    async with store.writing() as writing:
        await writing.replace(*turns)


@pytest.mark.slow
@pytest.mark.parametrize(("moment", "phase"), [("before", TURN.phase), ("after", Phase.ISSUED)])
async def test_a_killed_process_leaves_all_or_nothing(
    path: Path, moment: str, phase: Phase
) -> None:
    """SIGKILL before the commit leaves the old phase, after it the new one; the file is free."""
    command = [sys.executable, "-c", WRITE_AND_DIE, str(path), moment]
    died = await run_process(command, cwd=KITS, check=False)
    assert (died.returncode, died.stdout) == (-SIGKILL, b""), died.stderr
    store = await SqliteStore.open(path)
    assert await found(store, Turn, id=TURN.id) == replace(TURN, phase=phase)
    await store.aclose()


@pytest.mark.parametrize(("moment", "phase"), [("before", TURN.phase), ("after", Phase.ISSUED)])
async def test_death_comes_once(moment: Literal["before", "after"], phase: Phase) -> None:
    """The plan is carried out at the first turn that comes into the phase, and never again."""
    inner = MemoryStore()
    await add_all(inner)
    store = CrashingStore(inner, CrashPlan(Phase.ISSUED, moment), die)
    issued = replace(TURN, phase=Phase.ISSUED)
    await put(store, replace(TURN, phase=Phase.WRITTEN), TURN)
    with pytest.raises(Died):
        await put(store, issued)
    assert await found(inner, Turn, id=TURN.id, phase=phase)
    await put(store, issued)
    assert await found(store, Turn, id=TURN.id, phase=Phase.ISSUED)


async def test_death_comes_with_the_turn_that_was_chosen() -> None:
    """Turns before the chosen one live, however often they are written in the phase."""
    store = CrashingStore(MemoryStore(), CrashPlan(Phase.ISSUED, "after", nth=2), die)
    second = replace(TURN, id=TurnId("t-2"), rotation_id=RotationId("r-2"), phase=Phase.ISSUED)
    await add_all(store)
    await add_all(store, replace(ROTATION, id=second.rotation_id, name="second"))
    for _ in range(3):
        await put(store, replace(TURN, phase=Phase.ISSUED))
    with pytest.raises(Died):
        await add_all(store, second)


async def test_all_else_is_the_inner_stores() -> None:
    """Reads, removals, claims and audit entries go through unchanged."""
    store = CrashingStore(MemoryStore(), CrashPlan(Phase.FINISHED, "after"), die)
    await add_all(store)
    async with store.writing() as writing, store.reading() as reading:
        assert await reading.find(Turn, id=TURN.id) == TURN
        assert await writing.find(Turn, id=TURN.id) == TURN
        assert await writing.list(Turn) == [TURN]
        assert await writing.list_due_rotations(NOW, limit=1) == []
        assert await writing.list_audit() == []
        assert await writing.claim_due(NOW, owner="me", lease=NOW - NOW, limit=1) == []
