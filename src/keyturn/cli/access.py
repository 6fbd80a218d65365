"""Why somebody may do something, or may not; and the way back in, where nobody may."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyturn.cli import options, output
from keyturn.cli.naming import identity_named
from keyturn.cli.running import connected, run

if TYPE_CHECKING:
    from keyturn.services.recovery import Recovered
    from keyturn.settings import Settings


@click.group()
def access() -> None:
    """Find out who may do what, and why."""


@access.command("explain")
@click.argument("identity")
@click.argument("verb")
@click.option("--environment", "--env", default="", help="The environment's slug.")
@click.option("--path", default="", help="The folder.")
@click.option("--connection", default="", help="The connection's id.")
@options.project
@options.server
@options.as_json
def explain(
    *,
    identity: str,
    verb: str,
    environment: str,
    path: str,
    connection: str,
    project: str,
    server: str | None,
    as_json: bool,
) -> None:
    """Say by which role IDENTITY may do VERB there, or what keeps each of its roles from it.

    Without a place it is whether it may somewhere in the project. Exits with 1 where it may not.
    """
    from keyturn.wire.roles import ExplainQuery

    async def work() -> bool:
        async with connected(server) as api:
            one = await identity_named(api, identity)
            asked = ExplainQuery(
                identity_id=one.id,
                verb=verb,
                project_id=project,
                environment=environment,
                secret_path=path,
                connection_id=connection,
            )
            told = await api.explain_access(asked)
        verdict = f"may, by the role {told.role}" if told.allowed else "may not"
        reasons = [f"  {each.why}" for each in told.reasons if each.why]
        lines = [f"{told.name} {verdict}: {verb}", *([] if told.allowed else reasons)]
        if not told.reasons:
            lines.append("  the identity holds no role")
        output.show(told.model_dump(mode="json"), lines, as_json=as_json)
        return told.allowed

    if not run(work()):
        raise SystemExit(1)


@access.command("recover")
@click.option("--plan", is_flag=True, help="Only say who would be given a token; change nothing.")
@options.data_dir
@options.as_json
def recover(*, plan: bool, data_dir: Path | None, as_json: bool) -> None:
    """Issue a new administrator's token on the machine itself, where no token is left.

    It takes the database and the root key, and no token. On SQLite stop `keyturn serve` first. The
    token is of the identity that administers the installation, or of a new one where there is none;
    it lives a day, is printed this once, and is in the audit log. What it is of, and every other
    token, stays as it is.
    """
    settings = options.read_settings(data_dir=data_dir)
    if plan:
        name = run(_would(settings))
        document: dict[str, object] = {"recovered": False, "identityName": name}
        output.show(document, [f"{name} would be given a token of a day."], as_json=as_json)
        return
    done = run(_recover(settings))
    document = {
        "recovered": True,
        "identityId": done.identity.id,
        "identityName": done.identity.name,
        "identityMade": done.made,
        "tokenId": done.token.id,
        "adminToken": done.value.reveal(),
        "expiresAt": done.token.expires_at.isoformat(),
    }
    output.show(document, _lines(done), as_json=as_json)


async def _would(settings: "Settings") -> str:
    from keyturn.adapters.system.logs import log_to
    from keyturn.bootstrap.opening import opened
    from keyturn.services.recovery import ADMINISTRATOR, find_administrator

    log_to(settings.log_file, settings.log_level)
    async with opened(settings) as world:
        found = await find_administrator(world)
    return found.name if found else f"a new identity {ADMINISTRATOR}"


async def _recover(settings: "Settings") -> "Recovered":
    from keyturn.adapters.system.logs import log_to
    from keyturn.bootstrap.opening import opened
    from keyturn.services.recovery import recover_access

    log_to(settings.log_file, settings.log_level)
    async with opened(settings) as world:
        return await recover_access(world)


def _lines(done: "Recovered") -> list[str]:
    which = "a new identity" if done.made else "the identity"
    return [
        f"A token of {which} {done.identity.name} ({done.identity.id}), shown this once:",
        f"  admin token  {done.value.reveal()}",
        f"It is good until {output.moment(done.token.expires_at)}.",
        "",
        "Next: export KEYTURN_TOKEN=<admin token>, start `keyturn serve`, and make one that lasts:",
        f"  keyturn identity token create {done.identity.id}",
    ]
