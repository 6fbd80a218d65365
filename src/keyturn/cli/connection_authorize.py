"""Somebody is asked to authorize a connection: in a browser here, by a link, at another device."""

import asyncio
import webbrowser
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from keyturn.cli import options, output
from keyturn.cli.connection_lines import show_connection
from keyturn.cli.credential import Command
from keyturn.cli.oauth_connection import find_connection, which_connection
from keyturn.cli.running import connected, run

if TYPE_CHECKING:
    from keyturn.client import KeyturnApi
    from keyturn.wire.oauth_connections import DeviceAuthorization, OAuthConnection

LIMIT_S = 600.0
"""How long the question holds."""
LOOK_S = 2.0
TOO_LATE = "Nobody has answered for ten minutes: begin the authorization again."


class ConsentWords(TypedDict):
    """What the options say of how somebody is asked."""

    opens: bool
    link: bool
    port: int


def consent_options(command: Command) -> Command:
    """Add the options that say how somebody is asked."""
    for option in (
        click.option(
            "--port",
            type=click.IntRange(0, 65535),
            default=0,
            help="Where to listen, for servers that compare it.  [default: any free one]",
        ),
        click.option(
            "--link", is_flag=True, help="Print a link for a browser anywhere, good for once."
        ),
        click.option(
            "--open", "opens", is_flag=True, help="Open the address in this machine's browser."
        ),
    ):
        command = option(command)
    return command


@click.command("authorize")
@which_connection
@consent_options
@options.project
@options.server
@options.as_json
def authorize(
    *,
    which: str,
    project: str,
    server: str | None,
    as_json: bool,
    **words: Unpack[ConsentWords],
) -> None:
    """Ask for consent to a connection, wait for it, and tell what was granted.

    Prints an address for a browser on this machine, which is sent back to
    http://127.0.0.1:PORT/callback; that has to be a redirect URI of the client. A connection of the
    grant device_code prints a code instead, to enter at any device.
    """

    async def work() -> None:
        async with connected(server) as api:
            found = await find_connection(api, project, which)
            if words["link"]:
                made = await api.create_link(found.id)
                _warn(made.ungranted)
                lines = [made.link, f"It opens once, until {output.moment(made.ends_at)}."]
                output.show(made.model_dump(mode="json"), lines, as_json=as_json)
                return
            after = await consented(api, found, words)
        show_connection(after, as_json=as_json)

    run(work())


async def consented(
    api: "KeyturnApi", found: "OAuthConnection", words: ConsentWords
) -> "OAuthConnection":
    """Return a connection once somebody has agreed, here or at another device. Raises ApiError."""
    if found.grant_type == "device_code":
        return await _at_a_device(api, found, opens=words["opens"])
    return await _in_a_browser(api, found, words["port"], opens=words["opens"])


async def _in_a_browser(
    api: "KeyturnApi", found: "OAuthConnection", port: int, *, opens: bool
) -> "OAuthConnection":
    from keyturn.cli.callback import listening

    async with listening(port) as callback:
        begun = await api.begin_authorization(found.id, callback.address)
        _warn(begun.ungranted)
        await _lead(begun.address, f"Authorize {found.name} in a browser:", opens=opens)
        try:
            told = await callback.answer(begun.address, limit_s=LIMIT_S)
        except TimeoutError:
            raise click.ClickException(TOO_LATE) from None
        return await api.complete_authorization(begun.binding, told)


async def _at_a_device(
    api: "KeyturnApi", found: "OAuthConnection", *, opens: bool
) -> "OAuthConnection":
    begun = await api.begin_device(found.id)
    what = f"Authorize {found.name} at any device by the code {output.printable(begun.user_code)}:"
    await _lead(begun.complete or begun.address, what, opens=opens)
    return await decided(api, found.id, begun, asyncio.sleep)


async def decided(
    api: "KeyturnApi",
    connection_id: str,
    begun: "DeviceAuthorization",
    sleep: Callable[[float], Awaitable[None]],
) -> "OAuthConnection":
    """Return the connection once somebody has agreed at the other device; ask as often as allowed.

    Raises ApiError where they have not, or not in time.
    """
    pause_s = begun.interval_s
    while True:
        await sleep(pause_s)
        found = await api.ask_device(connection_id, begun.request_id)
        if found.connection:
            return found.connection
        pause_s = found.interval_s or pause_s


async def by_link(
    api: "KeyturnApi", found: "OAuthConnection", sleep: Callable[[float], Awaitable[None]]
) -> "OAuthConnection":
    """Print a link, and return the connection once somebody has agreed in a browser anywhere.

    Raises ClickException where nobody has in time, and ApiError.
    """
    made = await api.create_link(found.id)
    _warn(made.ungranted)
    await _lead(made.link, f"Authorize {found.name} in a browser, by this link alone:", opens=False)
    for _ in range(int(LIMIT_S / LOOK_S)):
        await sleep(LOOK_S)
        after = await api.read_oauth_connection(found.id)
        if after.authorized_at != found.authorized_at:
            return after
    raise click.ClickException(TOO_LATE)


def _warn(ungranted: Sequence[str]) -> None:
    """Say which scopes nobody can give now, and where somebody grants them to the app."""
    if ungranted:
        told = output.printable(", ".join(ungranted))
        click.echo(
            f"Okta will leave out what the app has not been granted: {told}.\nA super admin grants "
            "it first: Applications, the app, Okta API Scopes, Grant.",
            err=True,
        )


async def _lead(address: str, what: str, *, opens: bool) -> None:
    """Say where to go; what is printed to stdout is the outcome alone."""
    click.echo(f"{what}\n  {output.printable(address)}", err=True)
    if opens and not await asyncio.to_thread(webbrowser.open, address):
        click.echo("There is no browser to open here: open the address yourself.", err=True)
