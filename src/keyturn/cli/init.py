"""Set up a new installation."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from keyturn.cli import options, output
from keyturn.cli.running import run

if TYPE_CHECKING:
    from keyturn.services.installation import Installed
    from keyturn.settings import Settings


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the JSON to this new file, its owner's alone; print it with --json only.",
)
@options.data_dir
@options.as_json
def init(*, out: Path | None, data_dir: Path | None, as_json: bool) -> None:
    """Make the data directory, the root key, and the first project.

    The project is "example" with the environments dev, staging and prod, and a machine identity
    that reaches it. The admin token and the identity's client secret are printed this once, or
    written to the file of --out, and kept as hashes only. An installation that exists already is
    left as it is.
    """
    settings = options.read_settings(data_dir=data_dir)
    installed = run(_init(settings, out))
    written = f"Keyturn is set up in {settings.data_dir}; its ids and secrets are in {out}."
    lines = [written] if out else _lines(installed, settings)
    output.show(_document(installed, settings.url), lines, as_json=as_json)


async def _init(settings: "Settings", out: Path | None) -> "Installed":
    from keyturn.adapters.system.logs import log_to
    from keyturn.bootstrap.opening import initialise

    log_to(settings.log_file, settings.log_level)
    if out is None:
        return await initialise(settings)
    with _new_file(out) as file:
        installed = await initialise(settings)
        file.write(json.dumps(_document(installed, settings.url), indent=2) + "\n")
    return installed


@contextmanager
def _new_file(path: Path) -> Iterator[TextIO]:
    """Open a file of its owner's that was not there, before anything else is done.

    It goes again if the block fails. Raises ClickException where it is there, OSError.
    """
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise click.ClickException(
            f"{path} is there already, and may hold the secrets of an installation: "
            "name another file by --out."
        ) from None
    with os.fdopen(number, "w", encoding="utf-8") as file:
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            path.unlink()
            raise


def _document(installed: "Installed", url: str) -> dict[str, object]:
    return {
        "url": url,
        "organizationId": installed.organization.id,
        "projectId": installed.project.id,
        "projectSlug": installed.project.slug,
        "environments": [
            {"id": one.id, "name": one.name, "slug": one.slug} for one in installed.environments
        ],
        "identityId": installed.identity.id,
        "clientId": installed.client_id,
        "clientSecret": installed.client_secret.reveal(),
        "adminToken": installed.admin_token.reveal(),
    }


def _lines(installed: "Installed", settings: "Settings") -> list[str]:
    where = "of KEYTURN_ROOT_KEY" if settings.root_key else settings.key_file
    stages = ", ".join(one.slug for one in installed.environments)
    return [
        f"Keyturn is set up in {settings.data_dir}.",
        f"Keep the root key {where} safe, and apart from backups of the database.",
        f"Project {installed.project.slug} ({installed.project.id}) with {stages}.",
        "",
        "These two secrets are shown this once:",
        f"  admin token             {installed.admin_token.reveal()}",
        f"  identity {installed.identity.name}",
        f"    client id             {installed.client_id}",
        f"    client secret         {installed.client_secret.reveal()}",
        "",
        "Next: export KEYTURN_TOKEN=<admin token>, then `keyturn serve`.",
    ]
