"""Runs of flows: started by hand, followed, looked at card by card, ended, and run again."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import click

from keyturn.cli import options, output
from keyturn.cli.flow_saved import find_flow, which_flow
from keyturn.cli.running import connected, run, stop_asked

if TYPE_CHECKING:
    from pydantic import JsonValue

    from keyturn.wire.flows import Result, Run, RunTold, Step

WAIT_S = 60.0
PHASES = ("running", "sleeping", "finished", "failed", "cancelled")


def _run_id(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    try:
        return str(UUID(value))
    except ValueError:
        rule = "a run is named by its id, a UUID, as `keyturn flow runs list FLOW` prints it."
        raise click.BadParameter(rule) from None


which_run = click.argument("run_id", metavar="RUN", callback=_run_id)


@click.command("run")
@which_flow
@click.option(
    "--given",
    multiple=True,
    metavar="JSON|NAME=VALUE",
    help="What it starts with: an object in JSON, or members of one; repeatable.",
)
@click.option("--wait", is_flag=True, help="Wait for its answer, for a minute at most.")
@options.project
@options.server
@options.as_json
def run_flow(
    *,
    which: str,
    given: Sequence[str],
    wait: bool,
    project: str,
    server: str | None,
    as_json: bool,
) -> None:
    """Run FLOW now. A helper is given its inputs, and any other flow what it starts with.

    A VALUE is JSON where it can be read as that, and a text otherwise.
    """
    told = read_given(given)

    async def work() -> None:
        async with connected(server) as api:
            found = await find_flow(api, project, which)
            done = await api.run_flow(found.id, told, wait_s=WAIT_S if wait else 0)
        lines = [*_lines(done.run), *_answer(done.result)]
        output.show(done.model_dump(mode="json"), lines, as_json=as_json)

    run(work())


def read_given(words: Sequence[str]) -> "dict[str, JsonValue]":
    """Return the object that the words are, or are members of. Raises UsageError."""
    given: dict[str, JsonValue] = {}
    for word in words:
        if word.lstrip().startswith("{"):
            given |= _object(word)
            continue
        name, middle, value = word.partition("=")
        if not middle:
            raise click.UsageError("Give JSON, or NAME=VALUE.")
        given[name] = _json(value)
    return given


def _object(text: str) -> "dict[str, JsonValue]":
    """Return what can only be an object, as it begins so. Raises UsageError."""
    try:
        whole: dict[str, JsonValue] = json.loads(text)
    except json.JSONDecodeError as error:
        why = f"{error.msg.lower()}, at character {error.pos + 1}"
        raise click.UsageError(f"--given begins with {{ and is no object in JSON: {why}.") from None
    return whole


def _json(text: str) -> "JsonValue":
    """Return what a text is in JSON, or the text."""
    try:
        value: JsonValue = json.loads(text)
    except ValueError:
        return text
    return value


@click.group()
def runs() -> None:
    """Look at the runs of flows, end them, and run them again."""


@runs.command("list")
@which_flow
@click.option("--search", default="", help="Only those whose history holds this text.")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="At most so many."
)
@options.project
@options.server
@options.as_json
def list_runs(
    *, which: str, search: str, limit: int, project: str, server: str | None, as_json: bool
) -> None:
    """List the runs of FLOW, the newest first."""

    async def work() -> None:
        async with connected(server) as api:
            found = await find_flow(api, project, which)
            every = await api.list_runs(found.id, search=search, limit=limit)
        document = {"runs": [one.model_dump(mode="json") for one in every]}
        header = ["began", "phase", "answer", "steps", "version", "cause", "by", "id"]
        output.show(document, output.table(header, [_row(one) for one in every]), as_json=as_json)

    run(work())


def _row(one: "Run") -> list[str]:
    answer = str(one.status) if one.status else "-"
    began = output.moment(one.created_at)
    return [
        *(began, one.phase, answer, str(one.steps), str(one.version), one.cause),
        *(one.by or "-", one.id),
    ]


@runs.command("follow")
@click.argument("which", metavar="[FLOW]", required=False)
@click.option("--phase", "phases", multiple=True, type=click.Choice(PHASES), help="Only these.")
@options.project
@options.server
@options.as_json
def follow(
    *,
    which: str | None,
    phases: Sequence[str],
    project: str,
    server: str | None,
    as_json: bool,
) -> None:
    """Print what comes of the runs of FLOW, or of all, as it happens, until Ctrl-C.

    Nothing of what cards took or gave. With --json each line is one event; nothing is lost while
    the server is away.
    """

    def tell(told: "RunTold") -> None:
        click.echo(told.model_dump_json() if as_json else _told(told))

    async def work() -> None:
        from keyturn.client.listening import follow_runs

        asked = stop_asked()
        async with connected(server) as api:
            flow = {"flowId": (await find_flow(api, project, which)).id} if which else {}
            query = {"projectId": project, "phase": phases, **flow}
            waits = [asyncio.create_task(follow_runs(api, query, tell))]
            waits.append(asyncio.create_task(_set(asked)))
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for each in waits:
                each.cancel()
            for done in await asyncio.gather(*waits, return_exceptions=True):
                if isinstance(done, Exception):
                    raise done

    run(work())


async def _set(event: asyncio.Event) -> None:
    await event.wait()


@runs.command("show")
@which_run
@options.server
@options.as_json
def show(*, run_id: str, server: str | None, as_json: bool) -> None:
    """Show RUN card by card: what each took and gave; what may not be seen is masked."""

    async def work() -> None:
        async with connected(server) as api:
            found = await api.read_run(run_id)
        steps = [line for step in found.steps for line in _step(step)]
        output.show(found.model_dump(mode="json"), [*_lines(found.run), *steps], as_json=as_json)

    run(work())


@runs.command("result")
@which_run
@options.server
@options.as_json
def result(*, run_id: str, server: str | None, as_json: bool) -> None:
    """Print what RUN answered, in full: what its history masks is in it."""

    async def work() -> None:
        async with connected(server) as api:
            found = await api.read_run_result(run_id)
        if found.result is None:
            raise click.ClickException(f"The run has not answered yet: it is {found.run.phase}.")
        lines = [_body(found.result)]
        output.show(found.result.model_dump(mode="json"), lines, as_json=as_json)

    run(work())


@runs.command("cancel")
@which_run
@options.server
@options.as_json
def cancel(*, run_id: str, server: str | None, as_json: bool) -> None:
    """End RUN; a card that is under way is the last."""

    async def work() -> None:
        async with connected(server) as api:
            after = await api.cancel_run(run_id)
        output.show(after.model_dump(mode="json"), _lines(after), as_json=as_json)

    run(work())


@runs.command("replay")
@which_run
@click.option("--from", "card", help="From this card on, by its id; what was before stays.")
@options.server
@options.as_json
def replay(*, run_id: str, card: str | None, server: str | None, as_json: bool) -> None:
    """Run again what RUN ran, in the version of then, with what it was given."""

    async def work() -> None:
        async with connected(server) as api:
            made = await api.replay_run(run_id, card)
        output.show(made.model_dump(mode="json"), _lines(made), as_json=as_json)

    run(work())


# --- how they look --------------------------------------------------------------------------------


def _lines(one: "Run") -> Iterator[str]:
    yield f"run {one.id} of {one.flow_name}, version {one.version}: {one.phase}"
    if one.failure:
        yield f"  {one.failure}: {output.printable(one.told)}"
    if one.phase == "sleeping":
        yield f"  goes on {output.moment(one.wake_at)}"


def _told(told: "RunTold") -> str:
    line = f"{output.moment(told.ended_at or told.started_at)}  {told.run_id}"
    line += f"  {told.environment}{told.secret_path}:{told.flow_name} v{told.version}"
    match told.event:
        case "started":
            return f"{line}  started ({told.cause})"
        case "sleeping":
            return f"{line}  sleeping until {output.moment(told.wake_at)}"
        case "resumed":
            return f"{line}  resumed"
    why = f": {told.failure}" + (f" at {told.card}" if told.card else "") if told.failure else ""
    return f"{line}  {told.phase} in {told.duration_s:.3f} s, steps: {told.steps}{why}"


def _step(step: "Step") -> Iterator[str]:
    yield f"  {step.position:<8} {step.card_id} ({step.card})"
    yield f"           took {_short(step.inputs)}"
    if step.ended_at is None and step.error is None and step.outputs is None:
        yield "           is under way"
    elif step.error is None:
        yield f"           gave {_short(step.outputs)}"
    else:
        yield f"           failed {_short(step.error)}"


def _short(value: "JsonValue", most: int = 200) -> str:
    text = output.printable(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= most else f"{text[:most]}…"


def _answer(found: "Result | None") -> Iterator[str]:
    if found is not None:
        yield f"  answered {found.status}"
        yield _body(found)


def _body(found: "Result") -> str:
    if found.raw and isinstance(found.body, str):
        return found.body
    return json.dumps(found.body, indent=2, ensure_ascii=False)
