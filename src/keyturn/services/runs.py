"""Runs of flows: started, gone on with wherever they stand, and ended.

Whoever holds a run walks its flow from the start, and is told again what was already answered; what
is new is asked for. A card that changes something is written down before it is asked for and again
when the answer has come: a run whose worker died in between does not ask again, it is told that
nobody knows. What only reads is asked again.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

import structlog

from keyturn.domain.errors import Fenced, Forbidden, NoFooting, NotFound, OursError
from keyturn.domain.flows.codec import read_answer, write_response
from keyturn.domain.flows.definition import Flow
from keyturn.domain.flows.failures import CardFailure, Failure
from keyturn.domain.flows.run import (
    TAKEOVERS_MAX,
    Cause,
    Phase,
    Run,
    RunAnswer,
    SavedFlow,
    asleep,
    halted,
    held,
    moved,
)
from keyturn.domain.flows.run import Act as Happened
from keyturn.domain.flows.spec import Effect, History
from keyturn.domain.flows.values import MASK, Bound, Value, hidden, seen
from keyturn.domain.flows.walk import (
    Act,
    Allowance,
    Ask,
    Breathe,
    Compute,
    Course,
    End,
    Load,
    Open,
    Reply,
    Response,
    Sent,
    Sleep,
    Walk,
)
from keyturn.domain.secret import Copy
from keyturn.services.cards import Change, Stage, asked_once, perform
from keyturn.services.flows import (
    UNREAD,
    FlowView,
    caller_of,
    find_by_name,
    folder_and_name,
    view_of,
)
from keyturn.services.ports import RunWrite, World, Writing
from keyturn.services.projects import Where
from keyturn.services.records import must
from keyturn.services.run_keeping import Held, answer_of, kept, write
from keyturn.services.secrets import Wish, read_secret
from keyturn.services.starting import new_run, open_given, open_text, seal_text

T = TypeVar("T")

log = structlog.get_logger(__name__)

AT_CALL = Wish(copy_of=lambda _: Copy.WITHHELD)
"""A card holds a secret no longer than it runs: there is nothing to remember of the read."""
DAY_S = 86_400
PAGE_STEPS = 200
"""How many steps are written down together, at most."""
GONE = "A card that changes something was asked for, and its answer was lost with its worker."

DEADLY = (
    f"The run was taken up {TAKEOVERS_MAX} times and came no further: its workers died on the way."
)
UNKEPT = "Nothing is kept of this run until its end: its worker works on it, or died."


class Suspended(Exception):
    """The run goes on later, perhaps elsewhere."""


# --- started --------------------------------------------------------------------------------------


async def run_here(
    world: World, view: FlowView, given: Value, *, cause: Cause, by: str
) -> tuple[Run, "asyncio.Future[Response]"]:
    """Start a run in this process; return it with what will be its answer.

    The answer comes of this process, unless it dies or the run sleeps; then another goes on, and
    `read_run` tells. Raises Busy where too many wait for their turn.
    """
    world.seats.require_room(world.limits.flow_runs_at_once)
    owner, now = f"here {world.chance.uuid()}", world.clock.now()
    run = new_run(world, view, given, cause=cause, by=by)
    run = replace(run, owner=owner, wake_at=now + world.limits.lease)
    hold = Held(world, view, run, _new_walk(world, view))
    hold.replied = asyncio.get_running_loop().create_future()
    if hold.durable:
        await world.store.write_run(RunWrite(run, new=True))
    task = asyncio.create_task(
        world.flights.share(f"run {run.id}", lambda: _go(hold, seen(given))), name=f"run {run.id}"
    )
    task.add_done_callback(lambda done: _tell(hold, done))
    return run, hold.replied


def _tell(hold: Held, done: "asyncio.Task[None]") -> None:
    """Free whoever waits for an answer that will not come of this process."""
    failed = None if done.cancelled() else done.exception()
    if failed:
        log.error("run broken off", run=hold.run.id, error=type(failed).__name__)
    if hold.replied and not hold.replied.done():
        hold.replied.cancel()


# --- gone on with ---------------------------------------------------------------------------------


async def go_on(world: World, run: Run) -> None:
    """Go on with a claimed run, until it ends or sleeps."""
    async with world.store.reading() as tx:
        saved = await tx.find(SavedFlow, id=run.flow_id)
        if saved is None:
            return
        view = await view_of(tx, saved, run.number)
        answers = await tx.list(RunAnswer, run_id=run.id)
    if view.problem:
        await _end(world, run, CardFailure(Failure.DEFECT, UNREAD))
        return
    if run.takeovers > TAKEOVERS_MAX:
        await _end(world, run, CardFailure(Failure.LIMIT, DEADLY))
        return
    walk = _new_walk(world, view)
    hold = Held(world, view, run, walk, known=run.steps, cpu_s=run.cpu_ms / 1000)
    for each in answers:
        hold.stored.add(each.at)
        text = each.sealed and open_text(world, view, f"{run.id}/{each.at}", each.sealed)
        hold.answers[each.at] = read_answer(text) if text else None
    given = open_given(world, view, run)
    if not hold.durable:
        await _spend(hold)
    await _go(hold, given)


async def _end(world: World, run: Run, failure: CardFailure) -> None:
    """Write down that nobody can go on with a run."""
    await world.store.write_run(RunWrite(halted(run, failure, world.clock.now())))


async def _spend(hold: Held) -> None:
    """Leave nothing to take up of a run of which nothing is kept; its row says so until its end.

    What it changes is changed once at most, and the event that started it starts no other.
    """
    failure = CardFailure(Failure.UNKNOWN_OUTCOME, UNKEPT)
    spent = halted(replace(hold.run, sealed_given=b""), failure, hold.world.clock.now())
    await hold.world.store.write_run(RunWrite(spent))
    hold.spent = True


async def _go(hold: Held, given: Bound) -> None:
    hold.learn(given)
    try:
        if hold.run.phase is Phase.SLEEPING:
            await write(hold, partial(_woken, hold.world))
        seat = hold.world.seats.taken(hold.world.limits.flow_runs_at_once)
        async with kept(hold), seat:
            end = await _walked(hold, given)
            await _finish(hold, end)
    except Suspended:
        return
    except Fenced:
        await _leave(hold)
    except OursError:
        if await _is_there(hold):
            raise


async def _leave(hold: Held) -> None:
    """Leave a run to whoever has it now; of one that was cancelled, tell what was done of it."""
    async with hold.world.store.reading() as tx:
        now = await tx.find(Run, id=hold.run.id)
    if now is None or now.phase is not Phase.CANCELLED or now.epoch != hold.run.epoch + 1:
        log.warning("run left to another worker", run=hold.run.id)
        return
    hold.run = now
    with suppress(OursError):  # it may be removed with its flow meanwhile
        await write(hold, lambda run: run)


def _woken(world: World, run: Run) -> Run:
    now = world.clock.now()
    woken = moved(replace(run, got_on=run.epoch), Happened.WAKE, now)
    return held(woken, now, world.limits.lease)


async def _is_there(hold: Held) -> bool:
    """Say whether a run has not been removed with its flow meanwhile."""
    async with hold.world.store.reading() as tx:
        return await tx.find(Run, id=hold.run.id) is not None


async def _walked(hold: Held, given: Bound) -> End:
    """Walk the flow to its end, and bring each ask its answer."""
    run = hold.run
    about: Value = {
        "id": run.id,
        "flow": hold.view.saved.name,
        "started_at": run.created_at.isoformat(),
    }
    course = hold.walk.course(hold.view.flow, given, run=seen(about))
    go: Callable[[], Ask] = partial(next, course)
    try:
        while True:
            ask = _measured(hold, go)
            try:
                _require_cpu(hold)
                go = partial(course.send, await _answered(hold, ask))
            except CardFailure as failure:
                go = partial(course.throw, failure)
            except Fenced:
                _end_step(hold, course, ask)
                raise
    except StopIteration as stop:
        end: End = stop.value
        return end


def _measured(hold: Held, work: Callable[[], T]) -> T:
    """Do some work of a run in this thread, and count the CPU time that it takes."""
    since_s = hold.world.clock.cpu_s()
    try:
        return work()
    finally:
        hold.cpu_s += hold.world.clock.cpu_s() - since_s


def _require_cpu(hold: Held) -> None:
    """Raise CardFailure where a run has taken its CPU time."""
    allowed_s, own_s = hold.world.limits.flow_cpu_s, hold.view.flow.limits.cpu_s
    most_s = min(own_s or allowed_s, allowed_s)
    if hold.cpu_s > most_s:
        raise CardFailure(Failure.LIMIT, f"The run has taken its {most_s:g} s of CPU time.")


def _end_step(hold: Held, course: Course, ask: Ask) -> None:
    """Note the card that was under way when the run was taken away, where its answer has come."""
    with suppress(StopIteration):
        match isinstance(ask, Act) and hold.fresh.get(ask.position):
            case Bound() as outputs:
                course.send(outputs)
            case CardFailure() as failure:
                course.throw(failure)


async def _answered(hold: Held, ask: Ask) -> Sent:
    match ask:
        case Act():
            return await _acted(hold, ask)
        case Open():
            return await _opened(hold, ask.names, ask.flow)
        case Load():
            return await _loaded(hold, ask)
        case Sleep():
            await _slept(hold, ask)
        case Reply(response):
            _reply(hold, response)
        case Compute(work):
            async with hold.world.seats.desk:
                return await asyncio.to_thread(_measured, hold, work)
        case Breathe():
            await _breathe(hold)
    return None


def _reply(hold: Held, response: Response) -> None:
    if hold.replied and not hold.replied.done():
        hold.replied.set_result(response)


async def _breathe(hold: Held) -> None:
    """Let others have their turn, and write down what has come together. Raises Fenced."""
    hold.require_held()
    await asyncio.sleep(0)
    if hold.durable and hold.walk.done - hold.known > PAGE_STEPS:
        await write(hold)


# --- what is asked for ----------------------------------------------------------------------------


async def _acted(hold: Held, act: Act) -> Bound:
    """Do what a card does, unless it was done. Raises CardFailure, Fenced, NoFooting."""
    hold.require_held()
    if act.position in hold.answers:
        return _learned(hold, act, _said_again(hold, act))
    if asked_once(act) and hold.durable:
        hold.world.vitals.require_footing()  # others would take the run up while it asks
        hold.fresh[act.position] = None
        await write(hold, asked=act)
    try:
        outputs = await perform(_stage(hold, act), act)
    except NoFooting:
        await _unask(hold, act)
        raise
    except CardFailure as failure:
        await _keep(hold, act, failure)
        raise
    await _keep(hold, act, outputs)
    return _learned(hold, act, outputs)


async def _unask(hold: Held, act: Act) -> None:
    """Forget that a card was asked for, which it was not: others have to do so. Raises Fenced."""
    if act.position in hold.stored:
        async with hold.world.store.writing() as tx:
            await _require_epoch(tx, hold)
            await tx.remove(answer_of(hold, act.position, None))


async def _require_epoch(tx: Writing, hold: Held) -> None:
    stored = await tx.find(Run, id=hold.run.id)
    if stored is None or stored.epoch != hold.run.epoch:
        raise Fenced("Somebody else goes on with the run, or it was cancelled.")


def _learned(hold: Held, act: Act, outputs: Bound) -> Bound:
    """Return outputs, of which some may be secrets of the run from now on."""
    secret = {each.name for each in act.card.spec.outputs if each.secret}
    if secret and isinstance(outputs.value, dict):
        hold.learn(hidden([value for name, value in outputs.value.items() if name in secret]))
    return outputs


def _said_again(hold: Held, act: Act) -> Bound:
    match hold.answers[act.position]:
        case Bound() as outputs:
            return outputs
        case CardFailure() as failure:
            raise failure
        case _:
            failure = CardFailure(Failure.UNKNOWN_OUTCOME, GONE)
            hold.fresh[act.position] = failure
            raise failure


async def _keep(hold: Held, act: Act, answer: Bound | CardFailure) -> None:
    """Keep what came; of what changes something at once, or a crash would leave it unknown.

    So of a card that asks again and again, or the run would hold all of it until it is written.
    """
    if not hold.durable or act.position in hold.booked:
        return
    hold.fresh[act.position] = answer
    if act.card.spec.effect is Effect.WRITE or act.card.spec.steer:
        await write(hold)


def _stage(hold: Held, act: Act) -> Stage:
    view = hold.loaded.get(act.position.rpartition("/")[0], hold.view)
    return Stage(
        world=hold.world,
        place=view.place,
        caller=caller_of(view),
        run_id=hold.run.id,
        position=act.position,
        timeout_s=min(act.card.timeout_s or act.card.spec.timeout_s, hold.world.limits.flow_card_s),
        flow_id=hold.run.flow_id,
        depth=hold.run.depth,
        secrets=hold.secrets,
        book=partial(_book, hold, act.position) if hold.durable else None,
    )


async def _book(hold: Held, position: str, change: Change) -> Bound:
    """Commit a change of Keyturn's own together with what is answered. Raises Fenced."""
    async with hold.world.store.writing() as tx:
        await _require_epoch(tx, hold)
        outputs = await change(tx)
        await tx.add(answer_of(hold, position, outputs))
    hold.booked.add(position)
    return outputs


async def _opened(hold: Held, names: frozenset[str], flow: Flow) -> Bound:
    """Read secrets as they are now; they are kept nowhere."""
    place, values = hold.view.place, dict[str, Value]()
    for name in sorted(names):
        folder, secret = folder_and_name(place, flow.secrets[name])
        where = Where(place.project.id, place.environment.slug, folder)
        try:
            caller = caller_of(hold.view, flow)
            found = await read_secret(hold.world, caller, where, secret, wish=AT_CALL)
        except (NotFound, Forbidden) as error:
            kind = Failure.MISSING if isinstance(error, NotFound) else Failure.FORBIDDEN
            raise CardFailure(kind, error.message) from None
        values[name] = found.value.reveal()
    opened = Bound(values, dict.fromkeys(values, MASK))
    hold.learn(opened)
    return opened


async def _loaded(hold: Held, load: Load) -> Flow:
    """Find the flow that runs inside; a run keeps to the version that it met first."""
    known = hold.answers.get(load.position) or hold.fresh.get(load.position)
    async with hold.world.store.reading() as tx:
        if isinstance(known, tuple):
            saved = await must(tx.find(SavedFlow, id=known[0]))
            view: FlowView | None = await view_of(tx, saved, known[1])
        else:
            view = await find_by_name(tx, hold.view.place, load.name)
    if view is None or not view.saved.enabled:
        raise CardFailure(Failure.MISSING, f"There is no flow {load.name} that is switched on.")
    if view.problem:
        raise CardFailure(Failure.DEFECT, f"The flow {load.name}: {UNREAD}")
    if hold.durable:
        hold.fresh[load.position] = (view.saved.id, view.version.number)
    hold.loaded[load.position] = view
    return view.flow


async def _slept(hold: Held, sleep: Sleep) -> None:
    """Go on where the time has come; else give the run back until then. Raises Suspended."""
    now, until = hold.world.clock.now(), hold.answers.get(sleep.position)
    if isinstance(until, datetime) and until <= now:
        return
    if not hold.durable:
        async with hold.world.seats.left(hold.world.limits.flow_runs_at_once):
            await asyncio.sleep(sleep.pause_s)
        return
    if not isinstance(until, datetime):
        until = now + timedelta(seconds=sleep.pause_s)
        hold.fresh[sleep.position] = until
    wakes_at = until
    await write(hold, lambda run: asleep(run, wakes_at, now))
    raise Suspended


# --- ended ----------------------------------------------------------------------------------------


async def _finish(hold: Held, end: End) -> None:
    """Write down how a run ended, and tell whoever waits."""
    response, now = _response(hold.run, end), hold.world.clock.now()
    after = partial(_ended, end=end, status=response.status, now=now)
    if hold.durable:
        sealed = seal_text(hold.world, hold.view, f"{hold.run.id}/result", write_response(response))
        await write(hold, lambda run: replace(after(run), sealed_result=sealed))
    elif hold.spent:
        row = replace(after(hold.run), sealed_given=b"")
        await hold.world.store.write_run(RunWrite(row))
    _reply(hold, response)


def _ended(run: Run, *, end: End, status: int, now: datetime) -> Run:
    after = halted(run, end.failure, now) if end.failure else moved(run, Happened.FINISH, now)
    return replace(after, status=status)


def _response(run: Run, end: End) -> Response:
    if end.failure is None:
        return end.response
    told = {"error": end.failure.kind.value, "message": end.failure.message, "runId": run.id}
    return Response(500, seen(dict[str, Value](told)))


def _new_walk(world: World, view: FlowView) -> Walk:
    own, most = view.flow.limits, world.limits
    memory_bytes = int(most.flow_memory_mb * 1024 * 1024)
    allowance = Allowance(
        steps=min(own.steps or most.flow_steps, most.flow_steps),
        memory_bytes=min(own.memory_bytes or memory_bytes, memory_bytes),
        helpers=most.flow_helpers,
        depth=most.flow_depth,
        wait_s=most.flow_wait_days * DAY_S,
    )
    return Walk(allowance, world.clock.now, noted=view.flow.history is History.FULL)
