"""The files of flows: their schema, what is wrong in them, their form, and what differs."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import click

from keyturn.cli import options, output
from keyturn.cli.bringing import read_text
from keyturn.cli.running import connected, run

if TYPE_CHECKING:
    from keyturn.domain.flows.definition import Flow
    from keyturn.domain.flows.findings import Finding

    Looked: TypeAlias = tuple[Sequence[Finding], Sequence[str]]

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
which_files = click.argument("files", metavar="FILE...", nargs=-1, required=True, type=FILE)


class NoFlow(click.ClickException):
    """A file that is to be compared holds no flow; diff(1) calls that trouble."""

    exit_code = 2


@click.command()
def schema() -> None:
    """Print the JSON Schema of flow files, for editors.

    It is made of what the cards of this version declare.
    """
    from keyturn.domain.flows.schema import flow_schema

    click.echo(json.dumps(flow_schema(), indent=2, ensure_ascii=False))


@click.command()
@which_files
@click.option("--env", "environment", help="Ask a server what there is in this environment, too.")
@click.option("--path", default="/", show_default=True, help="With --env: the folder of the flow.")
@options.project
@options.server
@options.as_json
def check(
    *,
    files: Sequence[Path],
    environment: str | None,
    path: str,
    project: str,
    server: str | None,
    as_json: bool,
) -> None:
    """Say what is wrong in each FILE, or doubtful, with its line.

    Needs no server, unless with --env: then the connections, flows, secrets, tables and client
    registrations that it names are looked for, too. What was not looked for is told on standard
    error. Exits with 1 where there is an error; a warning is none.
    """
    from keyturn.domain.flows.findings import Severity

    texts = {file: read_text(file) for file in files}
    place = {"projectId": project, "environment": environment, "secretPath": path}
    looked = _looked_around(texts, place, server) if environment else _looked_at(texts)
    found = [(file, each) for file, (findings, _) in looked.items() for each in findings]
    left = {str(file): [*names] for file, (_, names) in looked.items() if names}
    document = {"findings": [_told(file, each) for file, each in found], "unchecked": left}
    lines = [output.printable(f"{file}:{each.line}: {each}") for file, each in found]
    output.show(document, lines, as_json=as_json)
    why = "you may not see that" if environment else "--env asks the server"
    for name, names in left.items() if not as_json else ():
        told = f"{name}: nobody has looked whether there are {'; '.join(names)} ({why})"
        output.tell([output.printable(told)], err=True)
    if any(each.severity is Severity.ERROR for _, each in found):
        raise click.exceptions.Exit(1)


def _looked_at(texts: Mapping[Path, str]) -> "Mapping[Path, Looked]":
    """Return what is found in files by themselves."""
    from keyturn.domain.flows.checking import examine, unchecked

    read = {file: examine(text) for file, text in texts.items()}
    return {
        file: (findings, [*unchecked(flow)] if flow else ())
        for file, (findings, flow) in read.items()
    }


def _looked_around(
    texts: Mapping[Path, str], place: Mapping[str, str | None], server: str | None
) -> "Mapping[Path, Looked]":
    """Return what a server finds in files, as if all of them were there."""
    from keyturn.domain.flows.checking import examine
    from keyturn.domain.flows.findings import Finding, Severity
    from keyturn.wire.flows import CheckFlow

    flows = [examine(text)[1] for text in texts.values()]
    fields: dict[str, object] = {**place, "beside": sorted(flow.name for flow in flows if flow)}
    asked = {
        file: options.checked(CheckFlow, fields | {"source": text}) for file, text in texts.items()
    }
    looked: dict[Path, Looked] = {}

    async def work() -> None:
        async with connected(server) as api:
            for file, body in asked.items():
                told = await api.check_flow(body)
                looked[file] = (
                    [
                        Finding(each.line, each.where, each.rule, Severity(each.severity))
                        for each in told.findings
                    ],
                    told.unchecked,
                )

    run(work())
    return looked


def _told(file: Path, finding: "Finding") -> dict[str, str | int]:
    return {
        "file": str(file),
        "line": finding.line,
        "where": finding.where,
        "severity": finding.severity,
        "rule": finding.rule,
    }


@click.command()
@which_files
@click.option("--check", "only", is_flag=True, help="Change nothing; exit with 1 for a file.")
@click.option("--stdout", "printed", is_flag=True, help="Print the canonical form; change nothing.")
@options.as_json
def fmt(*, files: Sequence[Path], only: bool, printed: bool, as_json: bool) -> None:
    """Write each FILE in its canonical form, and print the names of those that change.

    Comments stay, and so does what the flow does. With --check, exits with 1 where a file is not
    in that form.
    """
    if printed and (only or as_json):
        raise click.UsageError("--stdout goes with neither --check nor --json.")
    texts = {file: read_text(file) for file in files}
    tidy = {file: (text, _formatted(file, text)) for file, text in texts.items()}
    if printed:
        click.echo("".join(after for _, after in tidy.values()), nl=False)
        return
    changed = [file for file, (before, after) in tidy.items() if before != after]
    for file in changed if not only else ():
        file.write_text(tidy[file][1], encoding="utf-8", newline="\n")
    names = [str(file) for file in changed]
    output.show({"changed": names}, map(output.printable, names), as_json=as_json)
    if only and changed:
        raise click.exceptions.Exit(1)


def _formatted(file: Path, text: str) -> str:
    from keyturn.domain.flows.formatting import format_flow
    from keyturn.domain.flows.yaml_text import NoYaml

    try:
        return format_flow(text)
    except NoYaml as error:
        told = output.printable(f"{file}:{error.line}: {error.rule}")
        raise click.ClickException(told) from None


@click.command()
@click.argument("before", metavar="BEFORE", type=FILE)
@click.argument("after", metavar="AFTER", type=FILE)
@options.as_json
def diff(*, before: Path, after: Path, as_json: bool) -> None:
    """Say what differs between two flows in what they do, whatever their files look like.

    Exits as diff(1) does: with 0 where nothing differs, with 1 where something does, and with 2
    where a file holds no flow. Nothing that looks like a key is shown.
    """
    from keyturn.domain.flows.diffing import diff_flows

    changes = diff_flows(_read(before), _read(after))
    told = [
        {"how": each.how, "where": each.where, "before": each.before, "after": each.after}
        for each in changes
    ]
    lines = [output.printable(str(each)) for each in changes]
    output.show({"changes": told}, lines, as_json=as_json)
    if changes:
        raise click.exceptions.Exit(1)


def _read(file: Path) -> "Flow":
    from keyturn.domain.flows.reading import FlowRefused, read_flow

    try:
        return read_flow(read_text(file))
    except FlowRefused as error:
        told = [f"{file}:{each.line}: {each.where}: {each.rule}" for each in error.problems]
        raise NoFlow("\n".join(map(output.printable, told))) from None
