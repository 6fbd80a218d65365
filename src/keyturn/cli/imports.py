"""Bring secrets in from elsewhere."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyturn.cli import options, output
from keyturn.cli.bringing import read_text, rows
from keyturn.cli.import_infisical import infisical
from keyturn.cli.running import connected, run

if TYPE_CHECKING:
    from keyturn.client.importing import ImportPlan

SAYS = (
    "Says first what each name is to the folder, and never a value. Secrets that a rotation keeps "
    "are left alone."
)


@click.group("import")
def imports() -> None:
    """Bring secrets in from elsewhere."""


imports.add_command(infisical)


def _reading(form: str, what: str) -> click.Command:
    """Make the command that reads files of a format."""

    @click.command(form, help=f"Store what {what} FILE holds as secrets of a folder.\n\n{SAYS}")
    @click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
    @options.environment
    @options.path
    @options.project
    @click.option("--plan", "plan_only", is_flag=True, help="Only say what would change.")
    @click.option("--overwrite", is_flag=True, help="Also write secrets that have another value.")
    @options.server
    @options.as_json
    def command(
        *,
        file: Path,
        environment: str,
        path: str,
        project: str,
        plan_only: bool,
        overwrite: bool,
        server: str | None,
        as_json: bool,
    ) -> None:
        from keyturn.client import Place
        from keyturn.client.formats import parse
        from keyturn.client.importing import items_of, plan_import, write_import

        async def bring() -> None:
            wanted = items_of(parse(read_text(file), form))
            place = Place(project, environment, path)
            async with connected(server) as api:
                found = await api.list_secrets(place, values=True, expanded=False)
                plan = plan_import(found, wanted)
                if not as_json:
                    output.show(None, _lines(plan, overwrite=overwrite), as_json=False)
                written = () if plan_only else plan.to_write(overwrite=overwrite)
                items = [item for item in wanted if item.name in written]
                await write_import(api, place, items, overwrite=overwrite)
            lines = [] if plan_only else [f"{len(written)} secrets are stored."]
            output.show(asdict(plan) | {"written": written}, lines, as_json=as_json)

        run(bring())

    return command


def _lines(plan: "ImportPlan", *, overwrite: bool) -> list[str]:
    return output.table(["name", "is"], rows(plan, overwrite=overwrite))


for each in (("dotenv", "a dotenv"), ("json", "a JSON"), ("yaml", "a YAML")):
    imports.add_command(_reading(*each))
