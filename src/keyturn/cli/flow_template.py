"""Flows that come with Keyturn, to begin with."""

from pathlib import Path

import click

from keyturn.cli import options, output

FOLDER = click.Path(path_type=Path, file_okay=False)


@click.group()
def template() -> None:
    """Begin with a flow that works: each runs against the sandbox as it is."""


@template.command("list")
@options.as_json
def list_templates(*, as_json: bool) -> None:
    """List the templates."""
    from keyturn.domain.flows.templates import list_templates as every

    found = every()
    told = [{"name": each.name, "description": each.description} for each in found]
    rows = [[each.name, each.description] for each in found]
    output.show({"templates": told}, output.table(["name", "what it does"], rows), as_json=as_json)


@template.command()
@click.argument("name")
@options.as_json
def show(*, name: str, as_json: bool) -> None:
    """Print the template NAME."""
    text = _text(name)
    output.show({"name": name, "source": text}, [text.removesuffix("\n")], as_json=as_json)


@template.command()
@click.argument("name")
@click.option("--into", type=FOLDER, default=".", help="The folder that it is written to.")
@click.option("--force", is_flag=True, help="Overwrite a file that is there.")
@options.as_json
def copy(*, name: str, into: Path, force: bool, as_json: bool) -> None:
    """Write the template NAME as a file of its name."""
    text, path = _text(name), into / f"{name}.yaml"
    if path.exists() and not force:
        told = output.printable(str(path))
        raise click.ClickException(f"{told}: there already; --force overwrites it.")
    into.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
    output.show({"file": str(path)}, [output.printable(str(path))], as_json=as_json)


def _text(name: str) -> str:
    from keyturn.domain.flows.findings import guess
    from keyturn.domain.flows.templates import list_templates as every

    known = {each.name: each.text for each in every()}
    if name not in known:
        told = output.printable(f"There is no template {name[:60]}{guess(name, known)}")
        raise click.ClickException(f"{told.rstrip('.?')}: see keyturn flow template list.")
    return known[name]
