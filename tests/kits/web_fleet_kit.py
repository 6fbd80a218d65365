"""A house whose org has been read: what the tests of the fleet's pages begin with."""

from web_kit import Page, WebHouse

from keyturn.domain.access import Caller
from keyturn.sandbox.state.directory import AppDraft
from keyturn.services.inventory_keeping import keep_due
from keyturn.services.logins import authenticate

HOSTILE = "<script>alert(1)</script>\"'&"


async def admin(web: WebHouse) -> Caller:
    """Return the administrator."""
    return await authenticate(web.world, web.house.installed.admin_token)


def make_app(web: WebHouse, label: str, **draft: object) -> str:
    """Make an app at Okta, as somebody at its console; return its id."""
    return web.house.org.create_app(AppDraft(label, **draft)).id  # type: ignore[arg-type]


async def keep(web: WebHouse) -> None:
    """Let the workers read what is due."""
    for _ in range(8):
        await keep_due(web.world)
        web.house.clock.advance(60)


async def read_inventory(web: WebHouse, *labels: str, days: int = 20) -> None:
    """Connect the org, keep one of its apps by a rotation, and read all of them.

    Apps of these labels are ``days`` old by then, at most as long as log-ins live.
    """
    for label in labels:
        make_app(web, label)
    await web.house.rotate_by_order()
    web.house.clock.advance(days * 86_400)
    assert (await web.house.http.post("/api/v1/inventory", json={})).status_code == 200
    await keep(web)
    await web.visitor.log_in()


def called_optional(page: Page, name: str) -> bool:
    """Say whether the label of a field says that it is optional."""
    _, _, rest = page.html.partition(f'<label for="f-{name}">')
    assert rest
    return "optional" in rest.partition("</label>")[0]
