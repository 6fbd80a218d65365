"""What an app has at Okta, in the browser: looked at, decided about, mended, and revealed."""

from dataclasses import replace

from rotation_pages_kit import ask, buttons, entries, live, rotation, somebody, turn_of
from web_kit import PASSWORD, Page, WebHouse, visitor_of

from keyturn.domain.secret import Receipt
from keyturn.domain.turn import Phase, Trigger
from keyturn.sandbox import Fault
from keyturn.services.rotations import view

NAME = "my-okta-rotation"
SECRETS = "/api/v1/apps/{appId}/credentials/secrets"


async def reveal(web: WebHouse, rotation_id: str, **fields: str) -> Page:
    """Reveal what works at Okta."""
    asked = await web.visitor.follow(
        await web.visitor.open(f"/rotations/{rotation_id}"), "Reveal values"
    )
    return await web.visitor.press(asked, "Reveal", **{"proof": PASSWORD, **fields})


# --- what Okta lists ------------------------------------------------------------------------------


async def test_oktas_own_list_is_shown_without_values(web: WebHouse) -> None:
    """By id, status and hash; somebody else's is told apart, with its choices."""
    rotation_id = await rotation(web)
    foreign = web.house.org.create_secret(web.house.app_id)
    page = await web.visitor.open(f"/rotations/{rotation_id}/okta")
    for secret in web.house.org.read_app(web.house.app_id).live_secrets:
        assert secret.id in page.text
        assert secret.hash in page.text
        assert secret.value not in page.html
    assert "Version 1, served" in page.text
    assert "Not Keyturn's" in page.text
    assert {"Retire it", "Serve it instead"} <= buttons(page)
    assert f"/rotations/{rotation_id}/retire?secret={foreign.id}" in page.html


async def test_that_the_served_one_is_refused_is_told_first(web: WebHouse) -> None:
    """With the way to mend it; nothing of the kind where it works."""
    rotation_id = await rotation(web)
    dead = "What is served does not work"
    assert dead not in (await web.visitor.open(f"/rotations/{rotation_id}/okta")).text
    (ours,) = web.house.org.read_app(web.house.app_id).live_secrets
    web.house.org.create_secret(web.house.app_id)
    web.house.org.deactivate_secret(web.house.app_id, ours.id)
    page = await web.visitor.open(f"/rotations/{rotation_id}/okta")
    assert dead in page.text
    assert f"version 1 ({ours.id}), and Okta refuses it: it is INACTIVE" in page.text
    assert "INACTIVE at Okta, yet served" in page.text
    assert '<span class="badge bad">INACTIVE</span>' in page.html
    there = await web.visitor.follow(page, "Compare, then repair it")
    await web.visitor.press(there, "Compare now")
    page = await web.visitor.open(f"/rotations/{rotation_id}/okta")
    assert "Activate it" in buttons(await web.visitor.follow(page, "Repair it"))


async def test_where_okta_does_not_answer_the_record_is_shown(web: WebHouse) -> None:
    """And it is said that it is that, with the reason and the way to try again."""
    rotation_id = await rotation(web)
    web.house.org.add_fault(Fault("error-before-effect", "GET", SECRETS, status=500, count=1))
    page = await web.visitor.open(f"/rotations/{rotation_id}/okta")
    assert page.status == 200
    assert "this is by what is on record" in page.text
    assert "Version 1, served" in page.text
    again = await web.visitor.follow(page, "Try again")
    assert "this is by what is on record" not in again.text


async def test_a_foreign_secret_is_retired_by_its_id_and_its_day(web: WebHouse) -> None:
    """The owner types the day; one that is not its day does nothing."""
    rotation_id = await rotation(web)
    foreign = web.house.org.create_secret(web.house.app_id)
    page = await web.visitor.follow(
        await web.visitor.open(f"/rotations/{rotation_id}/okta"), "Retire it"
    )
    assert foreign.id in page.text
    wrong = await web.visitor.press(page, "Consent to retire it", made="2020-01-01")
    assert wrong.status == 400
    assert "nothing was changed" in wrong.text
    none = await web.visitor.press(wrong, "Consent to retire it", made="")
    assert "Name the day on which it was made" in none.text
    await web.visitor.press(none, "Consent to retire it", made="2026-03-01")
    turn = await turn_of(web, rotation_id)
    assert (turn.trigger, turn.phase) == (Trigger.CONSENT, Phase.OVERLAPPING)
    assert turn.old
    assert turn.old.okta_id == foreign.id
    shown = await web.visitor.open(f"/rotations/{rotation_id}")
    assert f"To retire {foreign.id}" in shown.text


async def test_a_foreign_secret_is_served_instead(web: WebHouse) -> None:
    """Readers are given its value, which no page shows."""
    rotation_id = await rotation(web)
    foreign = web.house.org.create_secret(web.house.app_id)
    page = await web.visitor.follow(
        await web.visitor.open(f"/rotations/{rotation_id}/okta"), "Serve it instead"
    )
    done = await web.visitor.press(page, "Serve it")
    assert "It is served now." in done.text
    assert await web.house.served() == foreign.value
    assert foreign.value not in done.html


async def test_a_wrong_value_is_refused_and_not_sent_back(web: WebHouse) -> None:
    """It is proved by Okta's hash before anything is stored."""
    rotation_id = await rotation(web)
    web.house.org.create_secret(web.house.app_id)
    page = await web.visitor.follow(
        await web.visitor.open(f"/rotations/{rotation_id}/okta"), "Serve it instead"
    )
    wrong = await web.visitor.press(page, "Serve it", value="canary-of-a-wrong-value")
    assert wrong.status == 400
    assert "canary-of-a-wrong-value" not in wrong.html
    assert (await view(web.world, rotation_id)).turn is None


async def test_of_what_okta_does_not_list_nothing_can_be_decided(web: WebHouse) -> None:
    """Nor of what is Keyturn's own."""
    rotation_id = await rotation(web)
    (ours,) = web.house.org.read_app(web.house.app_id).live_secrets
    for secret_id in (ours.id, "ocsNobody", ""):
        for what in ("retire", "adopt"):
            page = await web.visitor.open(f"/rotations/{rotation_id}/{what}?secret={secret_id}")
            assert page.status == 400
            assert "does not list that one" in page.text


async def test_a_viewer_looks_at_the_list_and_decides_nothing(web: WebHouse) -> None:
    """Neither by a button nor by an address."""
    rotation_id = await rotation(web)
    foreign = web.house.org.create_secret(web.house.app_id)
    viewer = await somebody(web, "viewer")
    page = await viewer.open(f"/rotations/{rotation_id}/okta")
    assert page.status == 200
    assert foreign.id in page.text
    assert not buttons(page) & {"Retire it", "Serve it instead", "Reveal values"}
    for what in (f"retire?secret={foreign.id}", f"adopt?secret={foreign.id}"):
        assert (await viewer.open(f"/rotations/{rotation_id}/{what}")).status == 403


# --- what has drifted -----------------------------------------------------------------------------


async def test_a_deactivated_secret_is_activated_again(web: WebHouse) -> None:
    """What will be done is said; then it is done, and the finding is closed."""
    rotation_id = await rotation(web)
    org, app_id = web.house.org, web.house.app_id
    (ours,) = org.read_app(app_id).live_secrets
    org.create_secret(app_id)
    org.deactivate_secret(app_id, ours.id)
    await live(web, 86_400 / 2 - 3_600)
    async with web.world.store.writing() as tx:
        connection = (await view(web.world, rotation_id)).connection
        await tx.replace(replace(connection, next_reconcile_at=web.house.clock.now()))
    await live(web, 1)
    page = await web.visitor.open(f"/rotations/{rotation_id}")
    assert "Somebody has deactivated the served credential" in page.text
    asked = await web.visitor.follow(page, "Repair it")
    assert f"At Okta: {ours.id} is activated again" in asked.text
    await web.visitor.press(asked, "Activate it")
    assert org.read_secret(app_id, ours.id).status == "ACTIVE"
    gone = await web.visitor.open(asked.path)
    assert gone.status == 404


# --- values ---------------------------------------------------------------------------------------


async def test_both_values_are_shown_to_who_proves_who_they_are(web: WebHouse) -> None:
    """On a page that hides them, is neither compressed nor kept, and is on record."""
    rotation_id = await rotation(web)
    old = await web.house.served()
    await ask(web, rotation_id, "rotate-secrets")
    new = await web.house.served()
    page = await reveal(web, rotation_id)
    assert page.text.count(new) == page.text.count(old) == 1
    assert page.html.count("data-hide-after") == 2
    assert page.answer.headers["content-encoding"] == "identity"
    assert page.answer.headers["cache-control"] == "no-store"
    assert page.answer.headers["refresh"] == f"60; url=/rotations/{rotation_id}"
    served = web.house.org.read_app(web.house.app_id).live_secrets[-1].id
    assert f"Copy Client secret {served}" in page.text, "ids are told as they are written"
    assert page.path == f"/rotations/{rotation_id}/reveal"
    last = [e.attempt for e in await entries(web) if "read-generated" in e.attempt.verb][-1]
    assert last.allowed


async def test_a_wrong_password_shows_nothing(web: WebHouse) -> None:
    """The form comes again with the reason, and nothing was read."""
    rotation_id = await rotation(web)
    page = await reveal(web, rotation_id, proof="wrong")
    assert page.status == 400
    assert "That is not your password" in page.text
    assert await web.house.served() not in page.html
    verbs = [each.attempt.verb for each in await entries(web)]
    assert not any("read-generated" in verb for verb in verbs)


async def test_who_only_looks_holds_nothing(web: WebHouse) -> None:
    """No turn waits for them; otherwise they are a reader like any other."""
    rotation_id = await rotation(web)
    await reveal(web, rotation_id, looking="on")
    async with web.world.store.reading() as tx:
        assert not await tx.list(Receipt)
    await reveal(web, rotation_id)
    async with web.world.store.reading() as tx:
        assert len(await tx.list(Receipt)) == 1


async def test_who_logged_in_by_a_token_proves_it_by_the_token(web: WebHouse) -> None:
    """Another token shows nothing."""
    rotation_id = await rotation(web)
    token, other = web.house.installed.admin_token.reveal(), visitor_of(web.world)
    await other.press(await other.open("/log-in"), "Log in with the token", token=token)
    asked = await other.open(f"/rotations/{rotation_id}/reveal")
    value = await web.house.served()
    assert value not in (await other.press(asked, "Reveal", proof="another")).html
    assert value in (await other.press(asked, "Reveal", proof=token)).text


async def test_no_other_page_shows_a_value(web: WebHouse) -> None:
    """Neither the served one nor the old one, wherever one looks."""
    rotation_id = await rotation(web)
    values = [await web.house.served()]
    await ask(web, rotation_id, "rotate-secrets")
    values.append(await web.house.served())
    turn_id = (await turn_of(web, rotation_id)).id
    pages = ["", "/usage", "/turns", f"/turns/{turn_id}", "/okta", "/edit", "/delete", "/turn"]
    pages += ["/emergency", "/finish", "/finish-at-once", "/reinstate", "/abort", "/reveal"]
    pages += [f"/turns/{turn_id}/evidence.md", f"/turns/{turn_id}/evidence.json"]
    for each in pages:
        page = await web.visitor.open(f"/rotations/{rotation_id}{each}")
        assert page.status == 200, each
        assert not any(value in page.html for value in values), each
