"""Flows at the server: pushed, pulled, looked at, switched and removed."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyturn.cli import options, output
from keyturn.cli.bringing import read_text
from keyturn.cli.flow_files import which_files
from keyturn.cli.naming import elsewhere, one_named
from keyturn.cli.running import connected, run

if TYPE_CHECKING:
    from keyturn.client import KeyturnApi
    from keyturn.domain.flows.definition import Flow as ReadFlow
    from keyturn.wire.flows import Flow

which_flow = click.argument("which", metavar="FLOW")


@click.command()
@which_files
@options.environment
@options.path
@click.option("--check", "only", is_flag=True, help="Only say what would be done; change nothing.")
@options.project
@options.server
@options.as_json
def push(
    *,
    files: Sequence[Path],
    environment: str,
    path: str,
    only: bool,
    project: str,
    server: str | None,
    as_json: bool,
) -> None:
    """Save each FILE as a flow, under the name that it has in itself, as its next version.

    Every file is checked before any is saved, and helpers are saved before the flows that run them;
    one that is as it was is left alone.
    """
    texts = {file: read_text(file) for file in files}
    flows = [_read(file, text) for file, text in texts.items()]
    named = {flow.name: text for flow, text in zip(flows, texts.values(), strict=True)}
    if len(named) < len(flows):
        raise click.UsageError("Two of the files are one flow, by the name in them.")
    place = {"projectId": project, "environment": environment, "secretPath": path}

    async def work() -> None:
        async with connected(server) as api:
            known = {one.name: one for one in await api.list_flows(project) if _in(one, place)}
            done = [
                await _push(api, {**place, "source": named[name]}, name, known.get(name), only=only)
                for name in _helpers_first(flows)
            ]
        told = [{"name": name, "what": what, "version": number} for name, what, number in done]
        lines = [f"{name}: {what}, version {number}" for name, what, number in done]
        output.show({"flows": told}, lines, as_json=as_json)

    run(work())


async def _push(
    api: "KeyturnApi", fields: dict[str, object], name: str, before: "Flow | None", *, only: bool
) -> tuple[str, str, int]:
    """Save one flow; return its name, what became of it, and its version."""
    from keyturn.wire.flows import SaveFlow

    newest = await api.read_flow(before.id) if before else None
    number = newest.version if newest else 0
    if newest and newest.source == fields["source"]:
        return name, "unchanged", number
    what = "updated" if newest else "created"
    body = options.checked(SaveFlow, fields | {"base": number})
    if only:
        return name, f"would be {what}", number + 1
    return name, what, (await api.save_flow(body)).version


def _read(file: Path, text: str) -> "ReadFlow":
    """Return a flow, and tell what is doubtful.

    Raises ClickException with all that is wrong with it.
    """
    from keyturn.domain.flows.checking import check
    from keyturn.domain.flows.findings import Severity
    from keyturn.domain.flows.reading import read_flow

    told: dict[Severity, list[str]] = {each: [] for each in Severity}
    for each in check(text):
        told[each.severity].append(output.printable(f"{file}:{each.line}: {each}"))
    if told[Severity.ERROR]:
        raise click.ClickException("\n".join(told[Severity.ERROR]))
    output.tell(told[Severity.WARNING], err=True)
    return read_flow(text)


def _helpers_first(flows: "Sequence[ReadFlow]") -> Sequence[str]:
    """Return the names of flows so that each comes after those that it runs."""
    from graphlib import CycleError, TopologicalSorter

    names = {flow.name for flow in flows}
    needs = {flow.name: sorted((flow.helpers & names) - {flow.name}) for flow in flows}
    try:
        return [*TopologicalSorter(needs).static_order()]
    except CycleError:
        return [*needs]  # the server says which is missing


def _in(one: "Flow", place: dict[str, str]) -> bool:
    where = (one.environment, one.secret_path)
    return where == (place["environment"], "/" + place["secretPath"].strip("/"))


@click.command()
@which_flow
@click.option("--version", type=click.IntRange(1), help="Another version than the newest.")
@options.project
@options.server
@options.as_json
def pull(
    *, which: str, version: int | None, project: str, server: str | None, as_json: bool
) -> None:
    """Print the file of FLOW, as it was pushed."""

    async def work() -> None:
        async with connected(server) as api:
            found = await api.read_flow((await find_flow(api, project, which)).id, version)
        if as_json:
            output.show(found.model_dump(mode="json"), (), as_json=True)
        else:
            click.echo(found.source or "", nl=False)

    run(work())


@click.command("list")
@options.project
@options.server
@options.as_json
def list_flows(*, project: str, server: str | None, as_json: bool) -> None:
    """List the flows of a project, what starts each, and whether it is switched on."""

    async def work() -> None:
        async with connected(server) as api:
            found = await api.list_flows(project)
            others = await elsewhere(api, project)
        header = ["name", "folder", "starts by", "version", "is", "id"]
        document = {"flows": [one.model_dump(mode="json") for one in found]}
        lines = [*output.table(header, [_row(one) for one in found]), *others]
        output.show(document, lines, as_json=as_json)

    run(work())


def _row(one: "Flow") -> list[str]:
    starts = f"{one.start} ({one.security})" if one.security else one.start or "cannot be read"
    folder, on = f"{one.environment}{one.secret_path}", "on" if one.enabled else "off"
    return [one.name, folder, starts, str(one.version), on, one.id]


@click.command("show")
@which_flow
@options.project
@options.server
@options.as_json
def show(*, which: str, project: str, server: str | None, as_json: bool) -> None:
    """Show FLOW: where it is invoked, by what, and when it runs next."""

    async def work() -> None:
        async with connected(server) as api:
            found = await find_flow(api, project, which)
        output.show(found.model_dump(mode="json"), _lines(found), as_json=as_json)

    run(work())


def _lines(one: "Flow") -> Iterator[str]:
    name, folder, starts, version, on, flow_id = _row(one)
    yield f"flow {name} ({flow_id})"
    if one.description:
        yield f"  {output.printable(one.description)}"
    yield f"  folder       {folder}"
    yield f"  version      {version}, {one.cards} cards, switched {on}"
    yield f"  starts by    {starts}"
    if one.problem:
        yield f"  problem      {output.printable(one.problem)}"
    if one.invoke_url:
        yield f"  address      {one.invoke_url}"
    by_token = one.security == "client_token" or (one.start == "event" and one.invoke_url)
    if by_token and not one.has_token:
        yield f"  Next: keyturn flow token {name}"
    if one.next_at:
        yield f"  runs next    {output.moment(one.next_at)}"
    if one.connections:
        yield f"  connections  {', '.join(one.connections)}"


@click.command()
@which_flow
@options.project
@options.server
@options.as_json
def enable(*, which: str, project: str, server: str | None, as_json: bool) -> None:
    """Switch FLOW on."""
    _switch(which, project, server, as_json=as_json, enabled=True)


@click.command()
@which_flow
@options.project
@options.server
@options.as_json
def disable(*, which: str, project: str, server: str | None, as_json: bool) -> None:
    """Switch FLOW off; what runs goes on, and its address answers as if it were not there."""
    _switch(which, project, server, as_json=as_json, enabled=False)


def _switch(which: str, project: str, server: str | None, *, as_json: bool, enabled: bool) -> None:
    async def work() -> None:
        async with connected(server) as api:
            found = await find_flow(api, project, which)
            after = await api.switch_flow(found.id, enabled=enabled)
        output.show(after.model_dump(mode="json"), _lines(after), as_json=as_json)

    run(work())


@click.command()
@which_flow
@click.option("--plan", is_flag=True, help="Only say what would be removed; change nothing.")
@options.project
@options.server
@options.as_json
def remove(*, which: str, plan: bool, project: str, server: str | None, as_json: bool) -> None:
    """Remove FLOW with its versions and its history; what runs ends at its next card."""

    async def work() -> None:
        async with connected(server) as api:
            found = await find_flow(api, project, which)
            if plan:
                kept = f"with its {found.newest} versions and the history of its runs"
                lines = [f"Removing {found.name} removes it {kept}.", "Nothing was changed."]
                output.show({"plan": lines}, lines, as_json=as_json)
                return
            gone = await api.delete_flow(found.id)
        output.show(gone.model_dump(mode="json"), [f"Removed flow {gone.name}."], as_json=as_json)

    run(work())


@click.command()
@which_flow
@options.project
@options.server
@options.as_json
def token(*, which: str, project: str, server: str | None, as_json: bool) -> None:
    """Make the client token that opens the endpoint of FLOW, and print it this once.

    The one before opens it no more.
    """

    async def work() -> None:
        async with connected(server) as api:
            made = await api.make_client_token((await find_flow(api, project, which)).id)
        told = {"flow": made.flow.name, "clientToken": made.client_token}
        output.show(told, [made.client_token], as_json=as_json)

    run(work())


async def find_flow(api: "KeyturnApi", project: str, which: str) -> "Flow":
    """Find a flow by its id or name. Raises ClickException for none, or several."""
    every = await api.list_flows(project)
    return one_named(every, which, noun="flow", listed_by="keyturn flow list")
