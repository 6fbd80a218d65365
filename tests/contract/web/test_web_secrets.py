"""Secrets in the browser: what is listed, who may see a value, and what is changed by hand."""

import re
from pathlib import Path

import pytest
from api_kit import SECRETS
from web_kit import PASSWORD, WebHouse, visitor_of
from web_secrets_kit import (
    CANARY,
    HOSTILE,
    entries,
    folder,
    let_import,
    one,
    require_understood,
    reveal,
    store,
    stored,
    value_of,
)

from keyturn.domain.secret import Receipt


async def test_a_folder_lists_names_and_never_values(web: WebHouse) -> None:
    """With version, comment and tags; and it is no read that anybody is noted for."""
    rotation = await web.house.rotate_by_order()
    await store(web, "DATABASE_URL", secretComment="The order database")
    before = len(await entries(web))
    page = await web.visitor.open("/secrets")
    for told in ("DATABASE_URL", "The order database", "OKTA_CLIENT_SECRET", "rotation"):
        assert told in page.text
    assert (f"/rotations/{rotation['id']}", "rotation") in page.links
    assert CANARY not in page.html
    assert await web.house.served() not in page.html
    verbs = {each.attempt.verb for each in (await entries(web))[before:]}
    assert "secrets:describe" in verbs
    assert all("page" not in verb for verb in verbs)


async def test_listing_reads_nothing(web: WebHouse) -> None:
    """Neither the folder's page nor the secret's leaves a read in the log, or a holder."""
    await web.house.rotate_by_order()
    before = len(await entries(web))
    page = await one(web, "OKTA_CLIENT_SECRET")
    assert page.status == 200
    verbs = {each.attempt.verb for each in (await entries(web))[before:]}
    assert "secrets:read" not in verbs
    async with web.world.store.reading() as tx:
        assert not await tx.list(Receipt)


async def test_a_value_is_shown_to_who_proves_again_who_they_are(web: WebHouse) -> None:
    """Alone on a page that hides itself, is neither compressed nor kept, and is on record."""
    await store(web, "KEY")
    page = await reveal(web, "KEY")
    assert page.text.count(CANARY) == 1
    assert 'data-hide-after="30"' in page.html
    assert page.answer.headers["content-encoding"] == "identity"
    assert page.answer.headers["refresh"].startswith("60; url=/secrets/")  # without scripts
    assert page.answer.headers["cache-control"] == "no-store"
    assert CANARY not in page.path
    read = [e.attempt for e in await entries(web) if e.attempt.verb == "secrets:read"]
    assert read[-1].subject == "secret example/dev/:KEY"
    assert read[-1].allowed


async def test_a_wrong_password_shows_nothing(web: WebHouse) -> None:
    """The form comes again with the reason and the tries that are left, and nothing was read."""
    await store(web, "KEY")
    before = len(await entries(web))
    page = await reveal(web, "KEY", proof="wrong")
    assert page.status == 400
    assert "That is not your password, so nothing was done. 4 more tries are left" in page.text
    assert "e-mail" not in page.text
    assert CANARY not in page.html
    reads = [e for e in (await entries(web))[before:] if e.attempt.verb == "secrets:read"]
    assert not reads


async def test_guesses_at_a_password_end_in_a_wait_that_is_told(web: WebHouse) -> None:
    """They count as those at the log-in do; until then the right one is no good either."""
    await store(web, "KEY")
    told = [(await reveal(web, "KEY", proof="wrong")).text for _ in range(5)]
    assert "One more try is left before it takes 5 minutes" in told[3]
    assert "none is good before 12:05:00 UTC" in told[4]
    locked = await reveal(web, "KEY")
    assert (locked.status, CANARY in locked.html) == (400, False)
    assert "none is good before 12:05:00 UTC" in locked.text
    web.house.clock.advance(300)
    assert CANARY in (await reveal(web, "KEY")).html


async def test_who_logged_in_by_a_token_proves_it_by_the_token(web: WebHouse) -> None:
    """A machine's token is all that it has."""
    await store(web, "KEY")
    token, other = web.house.installed.admin_token.reveal(), visitor_of(web.world)
    await other.press(await other.open("/log-in"), "Log in with the token", token=token)
    asked = await other.follow(await one(web, "KEY", other), "Reveal")
    wrong = await other.press(asked, "Reveal", proof="keyturn_at_wrong")
    assert wrong.status == 400
    assert CANARY not in wrong.html
    assert CANARY in (await other.press(asked, "Reveal", proof=token)).text


async def test_an_earlier_version_is_shown_while_it_works(web: WebHouse) -> None:
    """Versions stand there with their states; those that work no more have nothing to show."""
    secret_id = await store(web, "KEY", "first-value")
    for value in ("second-value", "third-value"):
        body = {**web.house.place, "secretValue": value}
        await web.house.http.patch(f"{SECRETS}/KEY", json=body)
    page = await one(web, "KEY")
    assert re.search(r"3 current .* 2 previous", page.text)
    asked = await web.visitor.open(f"/secrets/{secret_id}/reveal?version=2")
    shown = await web.visitor.press(asked, "Reveal", proof=PASSWORD)
    assert "second-value" in shown.text
    for odd in ("9", "x", "²", "-1"):
        asked = await web.visitor.open(f"/secrets/{secret_id}/reveal", version="2")
        gone = await web.visitor.press(asked, "Reveal", proof=PASSWORD, version=odd)
        assert gone.status == 404


async def test_a_value_with_references_is_shown_either_way(web: WebHouse) -> None:
    """As readers are given it, or as it was written."""
    await store(web, "BASE")
    await store(web, "FULL", "at ${BASE}")
    assert f"at {CANARY}" in (await reveal(web, "FULL")).text
    asked = await web.visitor.follow(await one(web, "FULL"), "Reveal")
    plain = await web.visitor.press(asked, "Reveal", proof=PASSWORD, expanded=[])
    assert "at ${BASE}" in plain.text
    assert CANARY not in plain.html


async def test_who_reveals_what_a_rotation_keeps_is_noted_as_holding_it(web: WebHouse) -> None:
    """Unless they say that they only look; and later that they use the newest."""
    await web.house.rotate_by_order()
    looked = await reveal(web, "OKTA_CLIENT_SECRET", looking="on")
    assert await web.house.served() in looked.text
    page = await one(web, "OKTA_CLIENT_SECRET")
    assert "ada@example.com" not in page.text.partition("Who holds which version")[2]
    assert "on record as holding" in (await reveal(web, "OKTA_CLIENT_SECRET")).text
    page = await one(web, "OKTA_CLIENT_SECRET")
    assert "ada@example.com 1 newest" in page.text


async def test_a_holder_of_an_old_version_says_that_they_use_the_new_one(web: WebHouse) -> None:
    """Before they were given it, the page says what to do first."""
    rotation = await web.house.rotate_by_order()
    await reveal(web, "OKTA_CLIENT_SECRET")
    turned = f"/api/v2/secret-rotations/okta-client-secret/{rotation['id']}/rotate-secrets"
    assert (await web.house.http.post(turned)).status_code == 200
    page = await one(web, "OKTA_CLIENT_SECRET")
    assert "Reveal version 2 once you use it." in page.text
    early = await web.visitor.http.post(
        f"{page.path}/release", data={"form_token": page.value("form_token")}, follow_redirects=True
    )
    assert "read it first" in early.text
    await reveal(web, "OKTA_CLIENT_SECRET")
    done = await web.visitor.press(await one(web, "OKTA_CLIENT_SECRET"), "I use version 2")
    assert "ada@example.com 2 newest" in done.text


async def test_a_secret_is_made_changed_renamed_and_deleted(web: WebHouse) -> None:
    """With comment, tags and metadata; each change is served at once."""
    form = await web.visitor.open("/secrets/new")
    made = await web.visitor.press(
        form,
        "Store the secret",
        name="API_KEY",
        value=CANARY,
        comment="For the shop",
        new_tags="shop, PCI scope",
        metadata="owner = team\nsince=2026",
    )
    for told in ("API_KEY", "For the shop", "shop", "PCI scope", "owner", "team"):
        assert told in made.text
    assert CANARY not in made.html
    assert await value_of(web, "API_KEY") == CANARY
    form = await web.visitor.follow(made, "Change")
    assert form.value("metadata").strip() == "owner=team\nsince=2026"
    changed = await web.visitor.press(form, "Save", value="next value", name="SHOP_KEY", tag=[])
    assert "Version 2 is served from now on." in changed.text
    assert "PCI scope" not in changed.text
    assert await value_of(web, "SHOP_KEY") == "next value"
    sure = await web.visitor.follow(changed, "Delete")
    wrong = await web.visitor.press(sure, "Delete the secret", confirm="API_KEY")
    assert wrong.status == 400
    assert await stored(web, "SHOP_KEY")
    gone = await web.visitor.press(sure, "Delete the secret", confirm="SHOP_KEY")
    assert "SHOP_KEY is deleted" in gone.text
    assert await stored(web, "SHOP_KEY") is None


async def test_a_comment_is_changed_without_reading_the_value(web: WebHouse) -> None:
    """Whoever edits what stands beside a value is no reader of it, and holds nothing."""
    await web.house.rotate_by_order()
    before = len(await entries(web))
    form = await web.visitor.follow(await one(web, "OKTA_CLIENT_SECRET"), "Change")
    done = await web.visitor.press(form, "Save", comment="Of the shop")
    assert "Of the shop" in done.text
    verbs = {each.attempt.verb for each in (await entries(web))[before:]}
    assert "secrets:read" not in verbs
    async with web.world.store.reading() as tx:
        assert not await tx.list(Receipt)


async def test_a_change_that_goes_by_an_older_one_is_refused(web: WebHouse) -> None:
    """Nothing that somebody else has saved is wiped; what was typed is kept."""
    await store(web, "SHOP_KEY")
    first, second = [
        await web.visitor.follow(await one(web, "SHOP_KEY"), "Change") for _ in range(2)
    ]
    web.house.clock.advance(60)
    await web.visitor.press(first, "Save", comment="Theirs")
    late = await web.visitor.press(second, "Save", comment="Mine")
    assert late.status == 400
    assert "SHOP_KEY has been saved since you began" in late.text
    assert "Mine" in late.text
    assert "Theirs" in (await one(web, "SHOP_KEY")).text
    again = await web.visitor.press(late, "Save", comment="Mine")
    assert again.status == 400
    broken = await web.visitor.press(late, "Save", base="yesterday")
    assert "load the page again" in broken.text


async def test_what_a_rotation_keeps_has_no_fields_for_name_and_value(web: WebHouse) -> None:
    """And a form that says them all the same is refused."""
    await web.house.rotate_by_order()
    form = await web.visitor.follow(await one(web, "OKTA_CLIENT_SECRET"), "Change")
    assert "Kept by a rotation" in form.text
    assert not {"name", "value", "lines"} & {n for each in form.forms for n in each.names}
    fields = {"form_token": form.value("form_token"), "value": "by hand"}
    refused = await web.visitor.http.post(form.path, data=fields)
    assert refused.status_code == 400
    assert "kept by a rotation" in refused.text
    page = await one(web, "OKTA_CLIENT_SECRET")
    assert "Delete" not in [text for _, text in page.links]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"name": "A B", "value": "v"}, "printable name"),
        ({"name": "", "value": "v"}, "printable name"),
        ({"name": "x" * 256, "value": "v"}, "at most 255"),
        ({"name": "KEY", "value": "v"}, "already"),
        ({"name": "NEW", "value": ""}, "must not be empty"),
        ({"name": "NEW", "value": "v", "metadata": "no sign"}, "KEY=value"),
        ({"name": "NEW", "value": "v", "metadata": "A=" + "x" * 1001}, "KEY=value"),
        ({"name": "NEW", "value": "v", "metadata": "A=1\n" * 101}, "at most 100"),
        ({"name": "NEW", "value": "v", "new_tags": "t" * 65}, "1 to 64"),
    ],
)
async def test_what_does_not_fit_is_said_and_what_was_typed_is_kept(
    web: WebHouse, fields: dict[str, str], told: str
) -> None:
    """But the value, which is typed again; nothing is stored."""
    await store(web, "KEY", "old")
    form = await web.visitor.open("/secrets/new")
    value = CANARY if fields["value"] else ""
    typed = fields | {"value": value, "comment": "what I typed"}
    page = await web.visitor.press(form, "Store the secret", **typed)
    assert page.status in (400, 422)
    assert told in page.text
    assert page.value("comment").strip() == "what I typed"
    assert page.value("name") == fields["name"]
    assert CANARY not in page.html
    assert await stored(web, "NEW") is None
    assert await value_of(web, "KEY") == "old"


async def test_a_value_of_several_lines_is_kept_as_it_was_typed(web: WebHouse) -> None:
    """Browsers end lines otherwise than everybody else."""
    form = await web.visitor.open("/secrets/new")
    await web.visitor.press(form, "Store the secret", name="PEM", lines="a\r\n b \r\n")
    assert await value_of(web, "PEM") == "a\n b \n"


async def test_spaces_around_a_value_are_a_part_of_it(web: WebHouse) -> None:
    """A value is what was typed, to the character."""
    form = await web.visitor.open("/secrets/new")
    await web.visitor.press(form, "Store the secret", name="SPACED", value="  v  ")
    assert await value_of(web, "SPACED") == "  v  "


async def test_metadata_that_a_line_cannot_hold_is_left_alone(web: WebHouse) -> None:
    """The form has no field for it, so that nothing of it is lost."""
    metadata = [{"key": "a=b", "value": "two\nlines"}]
    await store(web, "KEY", secretMetadata=metadata)
    form = await web.visitor.follow(await one(web, "KEY"), "Change")
    assert "metadata" not in {name for each in form.forms for name in each.names}
    await web.visitor.press(form, "Save", comment="new")
    found = await stored(web, "KEY")
    assert found
    assert found.metadata == ("a=b", "two\nlines")


async def test_a_tag_that_exists_is_taken_and_not_made_again(web: WebHouse) -> None:
    """By its slug, whoever has made it."""
    for name in ("ONE", "TWO"):
        form = await web.visitor.open("/secrets/new")
        made = await web.visitor.press(
            form, "Store the secret", name=name, value="v", new_tags="Team A"
        )
        assert made.status == 200
    page = await web.visitor.open("/secrets", find="team a")
    assert {"ONE", "TWO"} <= {text for _, text in page.links}


async def test_hostile_text_is_shown_as_text(web: WebHouse) -> None:
    """In names, comments, tags, metadata and values."""
    name = "<script>alert(1)<\u2044script>\"'&"
    tag = await web.house.http.post(
        f"/api/v1/projects/{web.house.place['workspaceId']}/tags",
        json={"slug": "odd", "name": HOSTILE},
    )
    await store(
        web,
        "ODD",
        HOSTILE,
        secretComment=HOSTILE,
        tagIds=[tag.json()["tag"]["id"]],
        secretMetadata=[{"key": HOSTILE.replace("=", ""), "value": HOSTILE}],
    )
    form = await web.visitor.open("/secrets/new")
    await web.visitor.press(form, "Store the secret", name=name, value=HOSTILE, comment=HOSTILE)
    paths = ["/secrets", "/secrets?find=%3Cscript", "/secrets?find=" + "%3Cb%3E%22"]
    pages = [await web.visitor.open(path) for path in paths]
    for each in ("ODD", name):
        shown = await one(web, each)
        pages += [shown, await web.visitor.follow(shown, "Change"), await reveal(web, each)]
        pages += [await web.visitor.follow(shown, "Delete")]
    for page in pages:
        assert page.status == 200
        assert "<script>alert" not in page.html
        assert "<b>" not in page.html
    assert HOSTILE in pages[0].text


async def test_no_page_but_a_revealed_one_shows_a_value(
    web: WebHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every page that is reached from the list; and each gives commands that are understood."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FILE").touch()
    await web.house.rotate_by_order()
    await store(web, "KEY")
    await folder(web, "/shared")
    await store(web, "SHARED", CANARY, secretPath="/shared")
    await let_import(web, "/shared")
    await store(web, "$ODD'NAME")
    served, seen = await web.house.served(), {"/secrets", "/audit"}
    ahead = [*seen]
    while ahead:
        path = ahead.pop()
        page = await web.visitor.open(path)
        assert CANARY not in page.html, path
        assert served not in page.html, path
        assert require_understood(page), path
        found = {href for href, _ in page.links if href.startswith("/secrets")}
        ahead += sorted(found - seen)
        seen |= found
    assert len(seen) > 20
