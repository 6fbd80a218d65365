"""A stage on which nothing has happened yet, for the judge's invariants to be tried out on."""

from collections.abc import Callable
from dataclasses import replace
from datetime import time
from typing import Any

import broken_products as broken

from keyturn.cli.simulation.events import Commit
from keyturn.cli.simulation.one_turn import SHORT, ScriptedFates
from keyturn.cli.simulation.parts import Part
from keyturn.cli.simulation.processes import Work
from keyturn.cli.simulation.stage import START, Sabotage, Scenery, Stage, cast, set_up
from keyturn.domain.schedule import Schedule
from keyturn.domain.turn import Phase, Trigger, Turn
from keyturn.testing import ManualClock, run_virtually


def told(act: Callable[[Stage], Any]) -> list[str]:
    """Return what an invariant says of a stage on which nothing has happened yet."""

    async def look() -> list[str]:
        stage = await set_up(Scenery(1), clock, lambda judge: ScriptedFates({}, judge))
        await cast(stage, Part("app", SHORT, Schedule(30, time(0, 0))))
        return [*act(stage)]

    clock = ManualClock(START)
    return run_virtually(clock, look())


def make_turn(stage: Stage, **known: Any) -> Turn:  # noqa: ANN401  fields of a turn
    """Return a turn of the one app, in its overlap."""
    kept, now = stage.casts[0].kept, stage.clock.now()
    ids = ("a", kept.rotation_id, kept.app_id)
    turn = Turn(*ids, Trigger.MANUAL, Phase.OVERLAPPING, now, now, now)  # type: ignore[arg-type]
    return replace(turn, **known)


def commit(was: Turn | None, turn: Turn, what: str = "turn", about: str = "") -> Commit:
    """Return a transaction by some work that changed a turn."""
    work = Work(what, "worker1", 1, about=about)
    return Commit(work, (turn,), (), None, {}, was={turn.id: was})


def rewriting(kind: type, change: Callable[[Any], Any], method: str = "replace") -> Sabotage:
    """Return a product that stores something else of each record of a kind; None is nothing."""

    def bend(tx: Any) -> Any:  # noqa: ANN401
        async def put(*records: Any) -> None:  # noqa: ANN401
            changed = [change(each) if isinstance(each, kind) else each for each in records]
            await getattr(tx, method)(*[each for each in changed if each is not None])

        return broken.Bent(tx, **{method: put})

    return broken.bent_store(bend)


def recording(change: Callable[[Any], Any]) -> Sabotage:
    """Return a product that records something else; None is nothing."""

    def bend(tx: Any) -> Any:  # noqa: ANN401
        async def append_audit(attempt: Any) -> Any:  # noqa: ANN401
            changed = change(attempt)
            return await tx.append_audit(changed) if changed else None

        return broken.Bent(tx, append_audit=append_audit)

    return broken.bent_store(bend)
