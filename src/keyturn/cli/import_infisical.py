"""Bring secrets in from Infisical: from a server, or from what its `export` wrote."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyturn.cli import options, output
from keyturn.cli.bringing import read_text, rows
from keyturn.cli.running import connected, run

if TYPE_CHECKING:
    from keyturn.client import Identity, Token
    from keyturn.client.transfer import TreePlan
    from keyturn.client.tree import Tree
    from keyturn.settings import Settings

FORMATS = ("json", "dotenv", "yaml", "csv")
_ENDINGS = {".json": "json", ".yaml": "yaml", ".yml": "yaml", ".csv": "csv"}


@dataclass(frozen=True)
class Origin:
    """Where to read: a server's project, or a file that is one folder."""

    server: str | None
    project: str | None
    environments: tuple[str, ...]
    file: Path | None
    form: str | None
    path: str

    def check(self) -> None:
        """Raise UsageError for what does not go together."""
        if (self.server is None) == (self.file is None):
            raise click.UsageError("Give either --from or --file.")
        if self.server and not self.project:
            raise click.UsageError("Give --from-project: the id or slug of the project there.")
        if self.file and len(self.environments) != 1:
            raise click.UsageError("Give --env, once: a file does not say where its secrets go.")


@click.command("infisical")
@click.option("--from", "source", help="The Infisical server's address.")
@click.option("--from-project", help="The project there, by id or slug.")
@click.option(
    "--file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="What `infisical export` wrote, in place of a server.",
)
@click.option(
    "--format", "form", type=click.Choice(FORMATS), help="The file's format.  [default: its ending]"
)
@click.option(
    "--env",
    "environments",
    multiple=True,
    help="Only this environment, by slug; several times for several. Of a file: where to.",
)
@click.option("--path", default="/", show_default=True, help="Of a file: the folder to put it in.")
@options.project
@click.option("--plan", "plan_only", is_flag=True, help="Only say what would change.")
@click.option("--overwrite", is_flag=True, help="Also write secrets that have another value.")
@options.server
@options.as_json
def infisical(
    *,
    source: str | None,
    from_project: str | None,
    file: Path | None,
    form: str | None,
    environments: tuple[str, ...],
    path: str,
    project: str,
    plan_only: bool,
    overwrite: bool,
    server: str | None,
    as_json: bool,
) -> None:
    """Bring a project of an Infisical server, or an exported file, into a project.

    From a server come environments, folders, imports, and secrets with comments, tags and metadata;
    references stay as they are written. Says first what each is here, and never a value. What opens
    the server is KEYTURN_FROM_TOKEN, or KEYTURN_FROM_CLIENT_ID and KEYTURN_FROM_CLIENT_SECRET.
    """
    origin = Origin(source, from_project, environments, file, form, path)
    origin.check()

    async def bring() -> None:
        from keyturn.client.transfer import plan_transfer, transfer

        tree = await _read(origin)
        written = 0
        async with connected(server) as api:
            plan = await plan_transfer(api, project, tree)
            if not as_json:
                output.show(None, _lines(plan, overwrite=overwrite), as_json=False)
            if not plan_only:
                written = await transfer(api, project, tree, plan, overwrite=overwrite)
        lines = [] if plan_only else [f"{written} secrets are stored."]
        output.show(asdict(plan) | {"written": written}, lines, as_json=as_json)

    run(bring())


async def _read(origin: Origin) -> "Tree":
    from keyturn.client.calls import Calls
    from keyturn.client.exported import read_export
    from keyturn.client.infisical import read_tree
    from keyturn.client.tree import Branch, Spot, Tree

    if origin.file:
        form = origin.form or _ENDINGS.get(origin.file.suffix, "dotenv")
        items = read_export(read_text(origin.file), form)
        slug = origin.environments[0]
        return Tree({slug: slug}, [Branch(Spot(slug, origin.path), items)])
    settings = options.read_settings()
    address = (origin.server or "").rstrip("/").removesuffix("/api")
    async with Calls(address, _credentials(settings), ca_file=settings.ca_file) as there:
        return await read_tree(there, origin.project or "", frozenset(origin.environments))


def _credentials(settings: "Settings") -> "Token | Identity":
    from keyturn.client import Identity, Token

    if settings.from_token and settings.from_token.get_secret_value():
        return Token(settings.from_token.get_secret_value())
    if settings.from_client_id and settings.from_client_secret:
        secret = settings.from_client_secret.get_secret_value()
        return Identity(settings.from_client_id, secret)
    raise click.ClickException(
        "Nothing opens the Infisical server: set KEYTURN_FROM_TOKEN to an access token of it, or "
        "KEYTURN_FROM_CLIENT_ID and KEYTURN_FROM_CLIENT_SECRET to a machine identity's."
    )


def _lines(plan: "TreePlan", *, overwrite: bool) -> list[str]:
    return output.table(["where", "what", "is"], list(_rows(plan, overwrite=overwrite)))


def _rows(plan: "TreePlan", *, overwrite: bool) -> Iterator[list[str]]:
    yield from ([slug, "environment", "new"] for slug in plan.environments)
    yield from (["project", f"tag {slug}", "new"] for slug in plan.tags)
    for each in plan.folders:
        where = f"{each.environment}{each.path}"
        if each.is_new and each.path != "/":
            yield [where, "folder", "new"]
        yield from ([where, *row] for row in rows(each.secrets, overwrite=overwrite))
        yield from ([where, f"import of {source}", "new"] for source in each.imports)
        yield from ([where, name, f"left out: {why}"] for name, why in each.left_out.items())
