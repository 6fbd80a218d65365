"""Flows brought over from Okta Workflows, by the exports of its console."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyturn.cli import options, output
from keyturn.cli.bringing import read_text
from keyturn.cli.flow_files import which_files

if TYPE_CHECKING:
    from keyturn.domain.flows.flopack import Imported

FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command("import")
@which_files
@click.option("--into", type=FOLDER, default=".", help="The folder that the flows are written to.")
@click.option("--force", is_flag=True, help="Overwrite files that are there.")
@options.as_json
def import_flows(*, files: Sequence[Path], into: Path, force: bool, as_json: bool) -> None:
    """Translate the flows of each FILE, a .flopack of Okta Workflows, into files of their own.

    Needs no server. Says which cards are not known, which connections have to be made by which
    aliases, and which secrets have to be stored; what looked like a key is in no file. Exits with 1
    where a flow was left out.
    """
    read = {file: _imported(file) for file in files}
    written = _written(read, into)
    there = [str(path) for path in written if path.exists()]
    if there and not force:
        told = ", ".join(map(output.printable, there))
        raise click.ClickException(f"{told}: there already; --force overwrites it.")
    into.mkdir(parents=True, exist_ok=True)
    for path, text in written.items():
        path.write_text(text, encoding="utf-8", newline="\n")
    told_files = [{"file": str(file), **each.as_value} for file, each in read.items()]
    lines = [line for file, each in read.items() for line in _lines(file, each)]
    output.show({"imported": told_files}, lines, as_json=as_json)
    if any(each.left_out for each in read.values()):
        raise click.exceptions.Exit(1)


def _imported(file: Path) -> "Imported":
    from keyturn.domain.flows.flopack import PackRefused, import_pack

    try:
        return import_pack(read_text(file))
    except PackRefused as error:
        raise click.ClickException(output.printable(f"{file}: {error}")) from None


def _written(read: "dict[Path, Imported]", into: Path) -> dict[Path, str]:
    """Return the texts of all flows by their paths. Raises ClickException for two of one name."""
    written: dict[Path, str] = {}
    for each in read.values():
        for flow in each.flows:
            path = into / f"{flow.name}.yaml"
            if path in written:
                told = f"Two exports have a flow {flow.name}: import them into folders of their own"
                raise click.ClickException(f"{told}.")
            written[path] = flow.text
    return written


def _lines(file: Path, imported: "Imported") -> Iterator[str]:
    from keyturn.domain.flows.flopack.report import lines_of

    yield output.printable(f"{file}:")
    yield from (output.printable(line) for line in lines_of(imported))
    if imported.aliases:
        yield from ("", "Connections to make:")
        rows = [
            [each.alias, each.connector, each.called, ", ".join(each.flows)]
            for each in imported.aliases
        ]
        yield from (f"  {line}" for line in output.table(_COLUMNS, rows))


_COLUMNS = ["alias", "connector", "called there", "in"]
