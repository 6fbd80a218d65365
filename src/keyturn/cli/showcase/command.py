"""Serve a showcase until somebody has seen enough of it, and say how to get in."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from keyturn.adapters.system.logs import log_to
from keyturn.adapters.system.memory import keep_what_is_loaded
from keyturn.bootstrap.sandboxed import OrgControls
from keyturn.cli.running import stop_asked
from keyturn.cli.showcase.directory import find_org, require_free
from keyturn.cli.showcase.grants import administrator
from keyturn.cli.showcase.settings import settings_in
from keyturn.cli.showcase.showing import Showcase, showing
from keyturn.settings import Settings

TOUR = (
    "",
    "What to look at:",
    "  checkout         both secrets work: one reader still holds the old one",
    "  customer-portal  the old secret is deactivated, and soaks before it is deleted",
    "  warehouse-sync   blocked: somebody has added a secret at Okta that is not Keyturn's",
    "  marketing-site   paused by a person in the middle of its overlap",
    "  data-warehouse   due, and waits for a blackout to end",
    "  storefront-dev   its app was deactivated behind Keyturn's back (`keyturn drift list`)",
    "  analytics        a connection by a pasted copy of a secret, which was turned since",
    "  onboarding       a connection whose grant was taken back: authorize it again",
    "  Fleet            a rollout that waits for your approval; an emergency that closed an app",
    "  Sandbox          break the org, or let a week pass at once",
)


async def serve_showcase(data_dir: Path | None, host: str, port: int, *, tour: bool) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises Refused where a port is taken, or something else is in the directory, and Abort where
    nobody wants to wait for the past any more.
    """
    asked = stop_asked()

    def tell(line: str) -> None:
        if asked.is_set():
            raise click.Abort
        click.echo(line)

    with _directory(data_dir) as directory:
        settings = settings_in(directory, host, require_free(host, port, "the server"))
        found = find_org(settings)
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        log_to(settings.log_file, settings.log_level)
        async with showing(settings, found, tell) as shown:
            keep_what_is_loaded()
            click.echo("\n".join([*_lines(shown, settings), *(TOUR if tour else ())]))
            await asked.wait()


@contextmanager
def _directory(given: Path | None) -> Iterator[Path]:
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="keyturn-sandbox-") as path:
        yield Path(path)


def _lines(shown: Showcase, settings: Settings) -> list[str]:
    person = administrator(shown.org.org)
    return [
        f"Keyturn serves at {shown.url}",
        f"  log in as  {shown.log_in.email}",
        f"  password   {shown.log_in.password.reveal()}",
        f"The sandbox org serves at {shown.org.http_url}",
        f"  log in as  {person.login} with {person.password}",
        "             where it asks for consent, and to get in by “Log in with Okta”",
        f"  control    {OrgControls(shown.org).status_url}",
        "",
        "In another terminal:",
        f"  export KEYTURN_URL={shown.url} KEYTURN_TOKEN={shown.log_in.token.reveal()}",
        "  keyturn rotation list",
        "  keyturn rotation show checkout",
        "  keyturn rotation turn mobile-gateway",
        "  keyturn drift list",
        "  keyturn connection list --project back-office",
        "",
        f"Data and log are in {settings.data_dir}. Ctrl-C ends all of it.",
    ]
