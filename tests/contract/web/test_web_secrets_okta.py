"""Whoever logs in with Okta is asked there once more before a value is shown."""

from collections.abc import AsyncIterator

import pytest
from okta_login_kit import Desk, Entered, desk_at
from rig import PLACE, rigged
from web_kit import Visitor, visitor_of
from web_secrets_kit import CANARY

from keyturn.domain.sensitive import Sensitive
from keyturn.services.secret_changes import create_secret

ADA = "ada@example.com"


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """Give an installation at which people log in with Okta, with a secret."""
    async with rigged() as rig, desk_at(rig) as desk:
        await create_secret(rig.world, rig.admin, PLACE, "KEY", Sensitive(CANARY))
        yield desk


def enter(desk: Desk, entered: Entered) -> Visitor:
    """Return the browser of somebody who has come in."""
    visitor = visitor_of(desk.world)
    token = entered.logged_in.access_token.reveal()
    visitor.http.cookies.set("__Host-keyturn", token)
    return visitor


async def test_who_was_asked_by_okta_a_moment_ago_reveals_without_more(desk: Desk) -> None:
    """Two minutes later they are sent there again, and a form that says nothing shows nothing."""
    ada = desk.person(ADA, "Admins")
    visitor = enter(desk, await desk.log_in(ada))
    shown = await visitor.follow(await visitor.open("/secrets"), "KEY")
    asked = await visitor.follow(shown, "Reveal")
    assert "Okta has just asked who you are." in asked.text
    desk.rig.clock.advance(121)
    late = await visitor.press(asked, "Reveal")
    assert late.status == 400
    assert CANARY not in late.html
    again, _ = late.form_with("Prove it at Okta")
    assert again.action == "/log-in/okta/again"
    assert dict(again.fields)["after"].startswith(f"{shown.path}/reveal?version=1")


async def test_who_is_back_from_okta_reveals(desk: Desk) -> None:
    """By the token that they came back with."""
    ada = desk.person(ADA, "Admins")
    first = await desk.log_in(ada)
    desk.rig.clock.advance(121)
    visitor = enter(desk, first)
    shown = await visitor.follow(await visitor.open("/secrets"), "KEY")
    away = await visitor.press(await visitor.follow(shown, "Reveal"), "Prove it at Okta")
    assert "prompt=login" in away.answer.headers["refresh"]
    back = enter(desk, await desk.log_in(ada))
    asked = await back.open(f"{shown.path}/reveal")
    assert CANARY in (await back.press(asked, "Reveal")).text
    export = await back.press(await back.open("/secrets/export"), "Download", format="json")
    assert CANARY in export.answer.text
