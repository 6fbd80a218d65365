"""Set up a new installation."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyturn.cli import options, output
from keyturn.cli.running import run

if TYPE_CHECKING:
    from keyturn.services.installation import Installed
    from keyturn.settings import Settings


@click.command()
@options.data_dir
@options.as_json
def init(*, data_dir: Path | None, as_json: bool) -> None:
    """Make the data directory, the root key, and the first project.

    The project is "example" with the environments dev, staging and prod, and a machine identity
    that reaches it. The admin token and the identity's client secret are printed this once and
    kept as hashes only. An installation that exists already is left as it is.
    """
    settings = options.read_settings(data_dir=data_dir)
    installed = run(_init(settings))
    output.show(
        _document(installed, settings.url), _lines(installed, settings.data_dir), as_json=as_json
    )


async def _init(settings: "Settings") -> "Installed":
    from keyturn.adapters.system.logs import log_to
    from keyturn.bootstrap import initialise

    log_to(settings.log_file, settings.log_level)
    return await initialise(settings)


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
        "clientId": installed.identity.client_id,
        "clientSecret": installed.client_secret.reveal(),
        "adminToken": installed.admin_token.reveal(),
    }


def _lines(installed: "Installed", data_dir: Path) -> list[str]:
    stages = ", ".join(one.slug for one in installed.environments)
    return [
        f"Keyturn is set up in {data_dir}; keep its root.key safe and apart from backups.",
        f"Project {installed.project.slug} ({installed.project.id}) with {stages}.",
        "",
        "These two secrets are shown this once:",
        f"  admin token             {installed.admin_token.reveal()}",
        f"  identity {installed.identity.name}",
        f"    client id             {installed.identity.client_id}",
        f"    client secret         {installed.client_secret.reveal()}",
        "",
        "Next: export KEYTURN_TOKEN=<admin token>, then `keyturn serve`.",
    ]
