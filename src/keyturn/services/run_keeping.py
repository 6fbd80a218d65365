"""What a worker writes down of a run that it has in hand: steps, answers, and that it goes on.

Everything is written under the run's epoch. Decides nothing of what comes next.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

from keyturn.domain.errors import Fenced, KeyturnError
from keyturn.domain.flows.codec import Answer, write_answer
from keyturn.domain.flows.masking import TOLD_MAX, hidden_in, spelled
from keyturn.domain.flows.run import Run, RunAnswer, RunPage, held
from keyturn.domain.flows.spec import History
from keyturn.domain.flows.values import Bound, TooLarge, Value, size_of
from keyturn.domain.flows.walk import Act, Response, Step, Walk
from keyturn.services.flows import FlowView
from keyturn.services.ports import RunWrite, World
from keyturn.services.starting import seal_text

SHOWN_MAX = 32 * 1024
"""How many characters of what a card took, or gave, are kept in the history."""
CUT_MAX = 1024 * 1024
"""What takes more bytes is not shown at all."""


@dataclass
class Held:
    """A run in this worker's hands.

    ``answers`` are those that were found by position, None for what was asked and not answered;
    ``fresh`` those that are not written down yet, ``stored`` the positions of those that are,
    ``booked`` of those that were written down with what they tell of. ``known`` is how many steps
    are in the history already. ``replied`` is what whoever invoked it waits for. ``loaded`` are the
    flows that run inside it, by where they were called. Who has the ``pen`` writes it down.
    ``spent`` says that its row is all that is kept of it, ``lost`` that it is another's by now.
    ``told`` are its secrets, and ``secrets`` what they look like in answers. ``cpu_s`` is the CPU
    time that it has taken.
    """

    world: World
    view: FlowView
    run: Run
    walk: Walk
    answers: dict[str, Answer | None] = field(default_factory=dict)
    fresh: dict[str, Answer | None] = field(default_factory=dict)
    stored: set[str] = field(default_factory=set)
    booked: set[str] = field(default_factory=set)
    known: int = 0
    replied: asyncio.Future[Response] | None = None
    loaded: dict[str, FlowView] = field(default_factory=dict)
    pen: asyncio.Lock = field(default_factory=asyncio.Lock)
    spent: bool = False
    lost: bool = False
    told: set[str] = field(default_factory=set, repr=False)
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    cpu_s: float = 0.0

    @property
    def durable(self) -> bool:
        """Say whether anything is kept of it."""
        return self.view.flow.history is History.FULL

    def require_held(self) -> None:
        """Raise Fenced where the run was found to be another's, or cancelled."""
        if self.lost:
            raise Fenced

    def learn(self, bound: Bound) -> None:
        """Hide from now on what is hidden in this, in whatever answers the run gets."""
        new = {*hidden_in(bound)} - self.told if len(self.told) < TOLD_MAX else ()
        if new:
            self.told.update(new)
            self.secrets = spelled(self.told)


async def write(
    hold: Held, become: Callable[[Run], Run] | None = None, *, asked: Act | None = None
) -> None:
    """Write down what is new of a run, with the run as it is then; what fails is written next time.

    What is ``asked`` for after that stands there as well, for the case that nobody tells what came.
    Raises Fenced.
    """
    now, lease = hold.world.clock.now(), hold.world.limits.lease
    async with hold.pen:
        run = become(hold.run) if become else held(hold.run, now, lease)
        fresh, walked = dict(hold.fresh), len(hold.walk.steps)
        steps = _new_steps(hold)
        run = replace(run, cpu_ms=round(hold.cpu_s * 1000))
        if steps or fresh:
            run = replace(run, got_on=run.epoch)
        told = [*map(_told, steps), *([_begun(asked, now.isoformat())] if asked else ())]
        if told:
            run = replace(run, steps=run.steps + len(steps), pages=run.pages + 1)
        page = _page(hold, run, told) if told else None
        answers = tuple(answer_of(hold, at, answer) for at, answer in fresh.items())
        known = frozenset(fresh.keys() & hold.stored)
        await hold.world.store.write_run(RunWrite(run, page=page, answers=answers, known=known))
        hold.run, hold.known = run, run.steps
        hold.stored |= fresh.keys()
        hold.walk.forget(walked)
        for at, answer in fresh.items():  # another may have come meanwhile
            if hold.fresh[at] is answer:
                del hold.fresh[at]


def _new_steps(hold: Held) -> Sequence[Step]:
    """Return the steps that are in no page yet; those of before are walked again after a crash."""
    steps = hold.walk.steps
    return steps[max(0, len(steps) - (hold.walk.done - hold.known)) :]


def _page(hold: Held, run: Run, told: Sequence[dict[str, Value]]) -> RunPage:
    text = json.dumps(told, ensure_ascii=False)
    text = text.encode(errors="replace").decode()  # JSON knows halves of characters, UTF-8 does not
    return RunPage(
        run.id, run.pages, seal_text(hold.world, hold.view, f"{run.id}/{run.pages}", text)
    )


def _told(step: Step) -> dict[str, Value]:
    return {
        "position": step.position,
        "card_id": step.card_id,
        "card": step.card,
        "began_at": step.began_at.isoformat(),
        "ended_at": step.ended_at.isoformat(),
        "inputs": _short(step.inputs),
        "outputs": _short(step.outputs),
        "error": _short(step.error),
    }


def _begun(asked: Act, now: str) -> dict[str, Value]:
    """Return the step of a card that has not ended, and where its answer will be."""
    return {
        "position": card_position(asked.position),
        "at": asked.position,
        "card_id": asked.card.id,
        "card": asked.card.spec.name,
        "began_at": now,
        "ended_at": None,
        "inputs": _short(asked.inputs.view),
        "outputs": None,
        "error": None,
    }


def card_position(at: str) -> str:
    """Return the position of the card that asked, whichever of its tries it was."""
    return at.partition("~")[0].rstrip(".")


def _short(view: Value) -> Value:
    try:
        if size_of(view, most=CUT_MAX) <= SHOWN_MAX:
            return view
    except TooLarge as error:
        return f"({error})"
    text = json.dumps(view, ensure_ascii=False)
    return f"{text[:SHOWN_MAX]}… ({len(text):,} characters)" if len(text) > SHOWN_MAX else view


def answer_of(hold: Held, at: str, answer: Answer | None) -> RunAnswer:
    """Return what is kept of an answer, sealed; of None that it was asked for."""
    place = f"{hold.run.id}/{at}"
    sealed = answer and seal_text(hold.world, hold.view, place, write_answer(answer))
    return RunAnswer(hold.run.id, at, sealed or None)


@asynccontextmanager
async def kept(hold: Held) -> AsyncIterator[None]:
    """Keep a run for as long as this process works on it."""

    async def beat() -> None:
        pause_s = hold.world.limits.lease.total_seconds() / 3
        while True:
            await asyncio.sleep(pause_s)
            try:
                await write(hold)
            except Fenced:
                hold.lost = True
            except KeyturnError:
                continue  # whoever writes next is told

    if not hold.durable:
        yield
        return
    beating = asyncio.create_task(beat(), name=f"keeping run {hold.run.id}")
    try:
        yield
    finally:
        beating.cancel()
        with suppress(asyncio.CancelledError):
            await beating
