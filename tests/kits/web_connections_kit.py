"""What the tests of pages of connections share: people of roles, consent, and commands read off.

A command that a page shows is parsed as the command line would, and not run.
"""

import re
import shlex
from html import unescape

import click
from api_kit import PUBLIC_URL, Body, House
from identity_kit import ask
from oauth_house_kit import CALLBACK, CONNECTIONS, browsing, inner
from web_kit import Page, Visitor, WebHouse, make_person, visitor_of

from keyturn.cli.main import cli

HOSTILE = "<script>alert(1)</script>\"'&"
SHOWN = "&lt;script&gt;alert(1)&lt;/script&gt;"
LIST = "/connections"


async def somebody(web: WebHouse, role: str) -> Visitor:
    """Log another person in, who holds a role everywhere."""
    email = f"{role or 'nobody'}@example.com"
    await make_person(web.house, email, role=role)
    other = visitor_of(web.world)
    await other.log_in(email)
    return other


async def stranger(web: WebHouse) -> Visitor:
    """Log in a person who is an administrator of another project, and of that alone."""
    other = await somebody(web, "")
    people = (await ask(web.house, "GET", "/api/v1/identities"))["identities"]
    assert isinstance(people, list)
    (found,) = [each["id"] for each in people if each["name"] == "nobody@example.com"]
    made = await ask(web.house, "POST", "/api/v2/workspace", {"projectName": "Elsewhere"})
    at = f"/api/v1/projects/{inner(made, 'project')['id']}/identity-memberships/{found}"
    await ask(web.house, "POST", at, {"role": "admin"})
    return other


async def consent(web: WebHouse, page: Page, visitor: Visitor | None = None, **told: str) -> Page:
    """Go on from a page that leads away: the person decides at the org, and comes back."""
    address = next(href for href, text in page.links if text.startswith("Go on"))
    async with browsing(web.house) as browser:
        told = {**browser.told, **told}
        back = await type(browser)(browser.http, told).visit(address, until=CALLBACK)
    return await (visitor or web.visitor).open(back.removeprefix(PUBLIC_URL))


async def one(house: House, connection: Body) -> Body:
    """Return a connection as it stands."""
    return inner(await ask(house, "GET", f"{CONNECTIONS}/{connection['id']}"), "connection")


async def bearer_of(house: House, connection: Body) -> str:
    """Return the access token that a connection has."""
    given = await ask(house, "POST", f"{CONNECTIONS}/{connection['id']}/token")
    return str(inner(given, "headers")["Authorization"]).removeprefix("Bearer ")


def commands_of(page: Page) -> list[list[str]]:
    """Return the commands that a page shows, in words."""
    found = re.findall(r"<pre[^>]*><code>(.*?)</code></pre>", page.html, re.DOTALL)
    lines = [line for text in found for line in unescape(text).splitlines()]
    return [shlex.split(line) for line in lines if line.startswith("keyturn ")]


def parse(words: list[str]) -> None:
    """Parse a command as the command line does. Raises click.UsageError for one that is wrong."""
    command: click.Command = cli
    context, left = click.Context(cli, info_name="keyturn"), words[1:]
    while isinstance(command, click.Group):
        found = command.get_command(context, left[0])
        assert found, f"there is no command {words}"
        command, left = found, left[1:]
        context = click.Context(command, parent=context)
    if left != ["--help"]:
        command.make_context(words[-1], left)
