"""Questions to an Okta org itself."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyturn.cli import okta_credentials, options, output
from keyturn.cli.okta_apps import apps
from keyturn.cli.okta_credentials import Ways
from keyturn.cli.running import run

if TYPE_CHECKING:
    import ssl

    from keyturn.cli.self_check import SelfCheck, Step

LOOPBACK = ("http://127.0.0.1", "http://localhost", "http://[::1]")
TIMEOUT_S = 30.0


@click.group()
def okta() -> None:
    """Ask an Okta org what it does."""


okta.add_command(apps)


@okta.command("self-check")
@click.option("--url", required=True, help="The org's address: https://example.okta.com")
@click.option("--token-env", metavar="VAR", help="Read an API token from this variable.")
@click.option("--token-stdin", is_flag=True, help="Read an API token from standard input.")
@click.option(
    "--ca-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The certificate authority to trust, as of a sandbox.",
)
@click.option("--yes", is_flag=True, help="Make and delete the app without asking.")
@click.option("--plan", is_flag=True, help="Only print the calls; make none.")
@options.as_json
def self_check(
    *,
    url: str,
    token_env: str | None,
    token_stdin: bool,
    ca_file: Path | None,
    yes: bool,
    plan: bool,
    as_json: bool,
) -> None:
    """Settle on an org what Okta's documents leave open.

    Prints each call before it makes it. Makes one app, labelled keyturn-self-check-…, tries
    things on its client secrets, and deletes it at the end; changes nothing else, and shows no
    secret. The token needs the rights of an app administrator who may read the System Log.
    """
    from keyturn.cli.self_check import READS, WRITES

    if plan:
        calls = [*READS, *WRITES]
        output.show([_call(one) for one in calls], map(_planned, calls), as_json=as_json)
        return
    ways = Ways(token_stdin=token_stdin, token_env=token_env, client_id=None, private_jwk_file=None)
    token = okta_credentials.read(ways)["apiToken"]
    run(_check(_address(url), token, ca_file, yes=yes, as_json=as_json))


async def _check(url: str, token: str, ca_file: Path | None, *, yes: bool, as_json: bool) -> None:
    import httpx2

    from keyturn.cli.self_check import SelfCheck, Stopped
    from keyturn.domain.sensitive import Sensitive

    async with httpx2.AsyncClient(base_url=url, verify=_trust(ca_file), timeout=TIMEOUT_S) as http:
        check = SelfCheck(http, Sensitive(token), asyncio.sleep, _tell)
        try:
            await check.look()
            if yes or click.confirm(f"Make an app in {url}, try it and delete it?", err=True):
                await check.change()
        except Stopped as refusal:
            raise click.ClickException(str(refusal) + _left(check)) from refusal
        except httpx2.TransportError as error:
            raise click.ClickException(
                f"{url} does not answer: {type(error).__name__}.{_left(check)}"
            ) from error
        finally:
            _show(check, as_json=as_json)


def _address(url: str) -> str:
    """Return the org's address. Raises UsageError for one to which a token must not be sent."""
    from keyturn.domain.addresses import instance_url
    from keyturn.domain.errors import AddressRefused

    try:
        found = instance_url(url, private_allowed=url.startswith(LOOPBACK))
    except AddressRefused as refusal:
        raise click.UsageError(refusal.message) from refusal
    return found


def _trust(ca_file: Path | None) -> "ssl.SSLContext | bool":
    import ssl

    return ssl.create_default_context(cafile=str(ca_file)) if ca_file else True


def _tell(line: str) -> None:
    click.echo(line, err=True)


def _show(check: "SelfCheck", *, as_json: bool) -> None:
    found = {one.point: one.seen for one in check.findings}
    document = {"findings": found, "calls": check.calls, "left_behind": check.left_behind}
    rows = [[point, seen] for point, seen in found.items()]
    output.show(document, output.table(["open point", "seen"], rows), as_json=as_json)


def _left(check: "SelfCheck") -> str:
    if check.left_behind is None:
        return ""
    return f" Look for an app labelled {check.left_behind}, deactivate and delete it."


def _call(step: "Step") -> dict[str, object]:
    return {
        "method": step.method,
        "path": step.path,
        "why": step.why,
        "writes": step.writes,
    }


def _planned(step: "Step") -> str:
    return f"{'writes' if step.writes else 'reads':6}  {step.method:6} {step.path}  ({step.why})"
