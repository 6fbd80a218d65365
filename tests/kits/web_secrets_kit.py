"""What the tests of the pages of secrets share: secrets, folders, and who looks at them."""

import re
import shlex
from collections.abc import Sequence
from html import unescape

import click
from api_kit import SECRETS, Body
from web_kit import PASSWORD, Page, Visitor, WebHouse, make_person, visitor_of

from keyturn.cli.main import cli
from keyturn.domain.audit import AuditEntry
from keyturn.domain.secret import Secret

HOSTILE = "<script>alert(1)</script>\"'&"
CANARY = "canary-of-a-value-0123456789"
FOLDERS = "/api/v2/folders"
IMPORTS = "/api/v2/secret-imports"


async def store(web: WebHouse, name: str, value: str = CANARY, **more: object) -> str:
    """Store a secret through the API, and return its id."""
    body: Body = {**web.house.place, "secretValue": value, **more}
    answer = await web.house.http.post(f"{SECRETS}/{name}", json=body)
    assert answer.status_code == 200, answer.text
    made: str = answer.json()["secret"]["id"]
    return made


async def folder(web: WebHouse, path: str, environment: str = "dev") -> None:
    """Make a folder through the API."""
    parent, _, name = path.rpartition("/")
    place = web.house.place | {"environment": environment}
    answer = await web.house.http.post(FOLDERS, json={**place, "path": parent or "/", "name": name})
    assert answer.status_code == 200, answer.text


async def let_import(web: WebHouse, path: str, environment: str = "dev") -> None:
    """Let the development's root import a folder through the API."""
    source = {"environment": environment, "path": path}
    body = {**web.house.place, "path": "/", "import": source}
    answer = await web.house.http.post(IMPORTS, json=body)
    assert answer.status_code == 200, answer.text


async def value_of(web: WebHouse, name: str, **place: str) -> str:
    """Return what a reader is given."""
    answer = await web.house.http.get(f"{SECRETS}/{name}", params={**web.house.place, **place})
    value: str = answer.json()["secret"]["secretValue"]
    return value


async def stored(web: WebHouse, name: str) -> Secret | None:
    """Return a secret of the development's root as it is kept."""
    async with web.world.store.reading() as tx:
        found = await tx.list(Secret, name=name)
    return found[0] if found else None


async def entries(web: WebHouse) -> Sequence[AuditEntry]:
    """Return the whole audit log."""
    async with web.world.store.reading() as tx:
        return await tx.list_audit(limit=10_000)


async def somebody(
    web: WebHouse, role: str, *, project: str = "", grants: Sequence[Body] = ()
) -> Visitor:
    """Log another person in, who holds a role in one project, or everywhere.

    With ``grants`` it is a role that is made for them.
    """
    email, http = f"{role}@example.com", web.house.http
    if grants:
        made = await http.post("/api/v1/roles", json={"slug": role, "grants": grants})
        assert made.status_code == 200, made.text
    await make_person(web.house, email, role="" if project else role)
    if project:
        every = (await http.get("/api/v1/identities")).json()["identities"]
        id_ = next(each["identity"]["id"] for each in every if each["identity"]["name"] == email)
        path = f"/api/v1/projects/{project}/identity-memberships/{id_}"
        added = await http.post(path, json={"role": role})
        assert added.status_code == 200, added.text
    other = visitor_of(web.world)
    await other.log_in(email)
    return other


async def one(web: WebHouse, name: str, visitor: Visitor | None = None) -> Page:
    """Open the page of a secret by its name."""
    visitor = visitor or web.visitor
    return await visitor.follow(await visitor.open("/secrets"), name)


async def reveal(web: WebHouse, name: str, **fields: str) -> Page:
    """Reveal a value on its page."""
    asked = await web.visitor.follow(await one(web, name), "Reveal")
    return await web.visitor.press(asked, "Reveal", **{"proof": PASSWORD, **fields})


def require_understood(page: Page) -> Sequence[str]:
    """Return the commands that a page gives, once the command line has understood each.

    A file that one of them reads is called FILE, and has to be there.
    """
    shown = re.findall(r"<pre[^>]*><code>(keyturn[^<]*)</code>", page.html)
    lines = [line for each in shown for line in unescape(each).splitlines()]
    for line in lines:
        command: click.Command = cli
        words = shlex.split(line)[1:]
        while isinstance(command, click.Group):
            found = command.get_command(click.Context(command), words.pop(0))
            assert found, line
            command = found
        command.make_context(command.name, words)
    return lines
