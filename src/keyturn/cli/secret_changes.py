"""Write named secrets by hand, and see which versions there are."""

import sys
from typing import TYPE_CHECKING

import click

from keyturn.cli import options, output
from keyturn.cli.running import connected, run

if TYPE_CHECKING:
    from keyturn.client import KeyturnApi, Place
    from keyturn.wire.secrets import Secret

comment = click.option("--comment", help="What people read beside it.")
tag = click.option("--tag", "tags", multiple=True, help="A tag's slug; several times for several.")
metadata = click.option(
    "--metadata",
    multiple=True,
    metavar="KEY=VALUE",
    help="What stands beside it for all to see; several times for several.",
)


@click.command("set")
@click.argument("name")
@click.option(
    "--stdin",
    "from_stdin",
    is_flag=True,
    help="Read the value from stdin, but for a newline at its end, instead of asking.",
)
@comment
@tag
@metadata
@options.environment
@options.path
@options.project
@options.server
@options.as_json
def set_value(
    *,
    name: str,
    from_stdin: bool,
    comment: str | None,
    tags: tuple[str, ...],
    metadata: tuple[str, ...],
    environment: str,
    path: str,
    project: str,
    server: str | None,
    as_json: bool,
) -> None:
    """Store the next value of the secret NAME, or a new secret, and serve it at once."""
    from keyturn.client import Place

    fields = _told(comment, metadata, bare=False)
    fields |= {"secretKey": name, "secretValue": _value(stdin=from_stdin)}

    async def work() -> None:
        async with connected(server) as api:
            if tags:
                fields["tagIds"] = await _tag_ids(api, project, tags)
            stored = await api.write_secret(Place(project, environment, path), fields)
        _show(stored, f"version {stored.version} is served", as_json=as_json)

    run(work())


@click.command("edit")
@click.argument("name")
@click.option("--name", "new_name", help="What it is to be called from now on.")
@comment
@tag
@click.option("--no-tags", is_flag=True, help="Take all tags away.")
@metadata
@click.option("--no-metadata", is_flag=True, help="Take all metadata away.")
@options.environment
@options.path
@options.project
@options.server
@options.as_json
def edit(
    *,
    name: str,
    new_name: str | None,
    comment: str | None,
    tags: tuple[str, ...],
    no_tags: bool,
    metadata: tuple[str, ...],
    no_metadata: bool,
    environment: str,
    path: str,
    project: str,
    server: str | None,
    as_json: bool,
) -> None:
    """Change what is beside the value of the secret NAME, or what it is called."""
    from keyturn.client import Place

    fields = _told(comment, metadata, bare=no_metadata)
    fields |= {"newSecretName": new_name} if new_name else {}
    if not (fields or tags or no_tags):
        raise click.UsageError("Say what is to change: --name, --comment, --tag or --metadata.")

    async def work() -> None:
        async with connected(server) as api:
            if tags or no_tags:
                fields["tagIds"] = await _tag_ids(api, project, tags)
            changed = await api.change_secret(Place(project, environment, path), name, fields)
        _show(changed, "is changed", as_json=as_json)

    run(work())


@click.command("delete")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Delete it without asking.")
@options.environment
@options.path
@options.project
@options.server
@options.as_json
def delete(
    *,
    name: str,
    yes: bool,
    environment: str,
    path: str,
    project: str,
    server: str | None,
    as_json: bool,
) -> None:
    """Delete the secret NAME with all its versions."""
    from keyturn.client import Place

    if not yes:
        click.confirm(f"Delete {name} with all its versions?", abort=True, err=True)

    async def work() -> None:
        async with connected(server) as api:
            gone = await api.delete_secret(Place(project, environment, path), name)
        _show(gone, "is deleted", as_json=as_json)

    run(work())


@click.command("versions")
@click.argument("name")
@options.environment
@options.path
@options.project
@options.server
@options.as_json
def versions(
    *, name: str, environment: str, path: str, project: str, server: str | None, as_json: bool
) -> None:
    """List the versions of the secret NAME, the latest first, without their values."""
    from keyturn.client import Place

    async def work() -> None:
        async with connected(server) as api:
            one = await _find(api, Place(project, environment, path), name)
            found = await api.list_versions(one.id)
        rows = [[str(each.version), each.state, output.moment(each.created_at)] for each in found]
        document = [
            {"version": each.version, "state": each.state, "createdAt": each.created_at.isoformat()}
            for each in found
        ]
        lines = output.table(["version", "state", "created"], rows)
        output.show({"versions": document}, lines, as_json=as_json)

    run(work())


def _value(*, stdin: bool) -> str:
    if stdin:
        return sys.stdin.read().removesuffix("\n")
    given: str = click.prompt("Value", hide_input=True, confirmation_prompt=True, err=True)
    return given


def _told(comment: str | None, metadata: tuple[str, ...], *, bare: bool) -> dict[str, object]:
    """Return what a request says of what stands beside a value."""
    fields: dict[str, object] = {} if comment is None else {"secretComment": comment}
    pairs = [pair.partition("=") for pair in metadata]
    if not all(key and sign for key, sign, _ in pairs):
        raise click.BadParameter("must be KEY=VALUE", param_hint="--metadata")
    if pairs or bare:
        fields["secretMetadata"] = [{"key": key, "value": value} for key, _, value in pairs]
    return fields


async def _tag_ids(api: "KeyturnApi", project: str, slugs: tuple[str, ...]) -> list[str]:
    known = {each.slug: each.id for each in await api.list_tags(project)}
    missing = [slug for slug in slugs if slug not in known]
    if missing:
        raise click.ClickException(f"The project has no tag {', '.join(missing)}.")
    return [known[slug] for slug in slugs]


async def _find(api: "KeyturnApi", place: "Place", name: str) -> "Secret":
    for each in await api.list_secrets(place):
        if each.secret_key == name:
            return each
    raise click.ClickException(f"There is no secret {name} there.")


def _show(secret: "Secret", told: str, *, as_json: bool) -> None:
    document = {"name": secret.secret_key, "version": secret.version}
    output.show(document, [f"{secret.secret_key}: {told}"], as_json=as_json)
