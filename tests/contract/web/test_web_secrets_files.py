"""Secrets from a text and to a text, in the browser: first what would change, then the change."""

import csv
import io
import json
import re
from datetime import timedelta

import pytest
import yaml
from web_kit import PASSWORD, Page, Visitor, WebHouse, visitor_of
from web_secrets_kit import (
    CANARY,
    HOSTILE,
    entries,
    folder,
    let_import,
    somebody,
    store,
    stored,
    value_of,
)

from keyturn.domain.errors import Forbidden
from keyturn.domain.secret import Receipt
from keyturn.domain.sensitive import Sensitive
from keyturn.formats.dotenv import parse_dotenv
from keyturn.services.logins import authenticate
from keyturn.services.projects import Where
from keyturn.services.secret_files import export_folder, plan_file, store_file

TEXT = f"NEW={CANARY}\nSAME=same\nOTHER={CANARY}-2\nOKTA_CLIENT_ID=by-hand\n"


async def plan(web: WebHouse, text: str, form: str = "dotenv") -> Page:
    """Paste a text, and return what is said of it."""
    asked = await web.visitor.open("/secrets/import")
    return await web.visitor.press(asked, "Show what would change", text=text, format=form)


async def prepared(web: WebHouse) -> None:
    """Have secrets in the folder of every sort that a plan knows."""
    await web.house.rotate_by_order()
    await store(web, "SAME", "same")
    await store(web, "OTHER", "other")


async def upload(web: WebHouse, name: str, content: bytes, **fields: str) -> Page:
    """Choose a file in place of a pasted text."""
    asked = await web.visitor.open("/secrets/import")
    place = {"project": "example", "env": "dev", "path": "/", "format": "dotenv", "text": ""}
    token = {"form_token": asked.value("form_token")}
    file = {"file": (name, content)}
    answer = await web.visitor.http.post(asked.path, data=place | token | fields, files=file)
    return Page(answer)


async def export(web: WebHouse, form: str, visitor: Visitor | None = None, **fields: str) -> Page:
    """Download the root of the development in a format."""
    visitor = visitor or web.visitor
    asked = await visitor.open("/secrets/export")
    told = {"format": form, "proof": PASSWORD, **fields}
    return await visitor.press(asked, "Download", **told)


async def test_a_plan_says_what_each_name_is_and_changes_nothing(web: WebHouse) -> None:
    """By name alone: neither what is there nor what is brought stands on the page."""
    await prepared(web)
    page = await plan(web, TEXT)
    assert page.status == 200
    for told in ("new 1", "different 1", "the same 1", "rotation 1"):
        assert told in page.text
    assert CANARY not in page.html
    assert await value_of(web, "OTHER") == "other"
    assert await stored(web, "NEW") is None


async def test_what_is_new_is_stored_and_what_differs_is_left(web: WebHouse) -> None:
    """Unless it is to be overwritten; what a rotation keeps is left in any case."""
    await prepared(web)
    rotated = await web.house.served("OKTA_CLIENT_ID")
    page = await plan(web, TEXT)
    done = await web.visitor.press(page, "Store the 1 new")
    assert "1 secret is stored" in done.text
    assert await value_of(web, "NEW") == CANARY
    assert await value_of(web, "OTHER") == "other"
    page = await plan(web, TEXT)
    done = await web.visitor.press(page, "Store 1, overwriting 1")
    assert await value_of(web, "OTHER") == f"{CANARY}-2"
    assert await web.house.served("OKTA_CLIENT_ID") == rotated
    assert "There is nothing to do" in (await plan(web, TEXT)).text


async def test_a_comparison_is_on_record_as_a_read_and_makes_no_holder(web: WebHouse) -> None:
    """Whoever compares learns whether values are the same; nobody was given one."""
    await prepared(web)
    before = len(await entries(web))
    await plan(web, TEXT)
    attempts = [each.attempt for each in (await entries(web))[before:]]
    assert ("secrets:read", True) in {(each.verb, each.allowed) for each in attempts}
    async with web.world.store.reading() as tx:
        assert not await tx.list(Receipt, identity_id=web.house.installed.identity.id)
        assert len(await tx.list(Receipt)) == 0


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("dotenv", "# c\nA='1'\nB=\"two\\nlines\"\r\n"),
        ("json", json.dumps({"A": "1", "B": "two\nlines"})),
        ("yaml", "A: 1\nB: |-\n  two\n  lines\n"),
    ],
)
async def test_a_text_of_any_format_is_read(web: WebHouse, form: str, text: str) -> None:
    """What is stored is what the format says."""
    await web.visitor.press(await plan(web, text, form), "Store the 2 new")
    assert await value_of(web, "A") == "1"
    assert await value_of(web, "B") == "two\nlines"


@pytest.mark.parametrize(
    ("form", "text", "told"),
    [
        ("dotenv", f"A=1\n{CANARY}\n", "Line 2"),
        ("json", f'{{"A": "{CANARY}",}}', "Line 1"),
        ("json", f'["{CANARY}"]', "object of names"),
        ("json", '{"A": 1}', "double quotes"),
        ("json", '{"A": "\\ud800"}', "half a character"),
        ("yaml", f"A: [{CANARY}]", "no text"),
        ("yaml", f"A: '{CANARY}", "Line"),
        ("dotenv", "", "1 to 1000 names"),
        ("dotenv", "".join(f"A{n}=1\n" for n in range(1001)), "1 to 1000 names"),
        ("dotenv", f"A:B={CANARY}", "colon"),
        ("json", json.dumps({HOSTILE: CANARY}), "colon"),
        ("nonsense", "A=1", "in the list"),
    ],
)
async def test_what_is_no_such_text_is_refused_at_the_field(
    web: WebHouse, form: str, text: str, told: str
) -> None:
    """The line or the name is told, and nothing of what stands there."""
    page = await plan(web, text, form)
    assert page.status == 422
    assert told in page.text
    assert CANARY not in page.html
    assert "<script>alert" not in page.html


async def test_a_file_is_read_by_its_ending(web: WebHouse) -> None:
    """Whatever the list says; one that is no text is refused."""
    page = await upload(web, "secrets.YAML", b"A: 1\n")
    assert "new 1" in page.text
    page = await upload(web, "secrets.json", b'{"A": "1", "B": "2"}')
    assert "new 2" in page.text
    page = await upload(web, "nothing.bin", b"A=1\n")
    assert "new 1" in page.text
    page = await upload(web, "secrets.env", b"A=\xff\n")
    assert page.status == 422
    assert "UTF-8" in page.text


async def test_a_folder_that_changed_meanwhile_is_looked_at_again(web: WebHouse) -> None:
    """What was planned is not what would be done: nothing is."""
    page = await plan(web, "A=1\nB=2\n")
    await store(web, "A", "of somebody else")
    again = await web.visitor.press(page, "Store the 2 new")
    assert again.status == 400
    assert "has changed" in again.text
    assert await value_of(web, "A") == "of somebody else"
    assert await stored(web, "B") is None


async def test_a_plan_is_good_for_who_made_it_there_and_for_an_hour(web: WebHouse) -> None:
    """What lies on the page between opens for nobody else, nor for another folder."""
    await folder(web, "/other")
    page = await plan(web, f"A={CANARY}\n")
    sealed = page.value("sealed")
    developer = await somebody(web, "developer")
    token = (await developer.open("/secrets")).value("form_token")
    place = {"project": "example", "env": "dev", "path": "/", "sealed": sealed}
    stolen = await developer.http.post("/secrets/import/store", data=place | {"form_token": token})
    assert stolen.status_code == 400
    elsewhere = await web.visitor.press(page, "Store the 1 new", path="/other")
    assert elsewhere.status == 400
    for odd in ("", "x", sealed[:-4], "ä", "A" * 1000):
        assert (await web.visitor.press(page, "Store the 1 new", sealed=odd)).status == 400
    web.house.clock.advance(timedelta(hours=1, seconds=1).total_seconds())
    late = await web.visitor.press(page, "Store the 1 new")
    assert late.status == 400
    assert "too old" in late.text
    assert await stored(web, "A") is None
    assert CANARY not in late.html


@pytest.mark.parametrize("form", ["dotenv", "json", "yaml", "csv"])
async def test_an_export_is_what_readers_are_given(web: WebHouse, form: str) -> None:
    """With imports and references, in any format, as a file that nothing keeps."""
    await folder(web, "/shared")
    await store(web, "OWN", "own")
    await store(web, "OWN", "overruled", secretPath="/shared")
    await store(web, "SHARED", HOSTILE, secretPath="/shared")
    await store(web, "FULL", "at ${OWN}")
    await let_import(web, "/shared")
    answer = (await export(web, form)).answer
    wanted = {"FULL": "at own", "OWN": "own", "SHARED": HOSTILE}
    rows = list(csv.reader(io.StringIO(answer.text, newline="")))[1:]
    read = {"dotenv": parse_dotenv, "json": json.loads, "yaml": yaml.safe_load}
    assert (dict(rows) if form == "csv" else read[form](answer.text)) == wanted
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-encoding"] == "identity"
    assert re.fullmatch(
        r'attachment; filename="example-dev\.(env|json|yaml|csv)"',
        answer.headers["content-disposition"],
    )
    reads = [e.attempt for e in await entries(web) if e.attempt.verb == "secrets:read"]
    assert reads[-1].allowed


async def test_an_export_takes_the_folders_below_where_it_is_asked_to(web: WebHouse) -> None:
    """Of two of one name the one nearer to the folder prevails."""
    await folder(web, "/deep/down")
    await store(web, "A", "top")
    await store(web, "A", "deep", secretPath="/deep")
    await store(web, "B", "deep", secretPath="/deep")
    await store(web, "B", "down", secretPath="/deep/down")
    assert json.loads((await export(web, "json")).answer.text) == {"A": "top"}
    whole = (await export(web, "json", recursive="on")).answer
    assert json.loads(whole.text) == {"A": "top", "B": "deep"}


async def test_an_export_is_for_who_proves_again_who_they_are(web: WebHouse) -> None:
    """A wrong password is told at the field, and nothing leaves."""
    await store(web, "KEY")
    page = await export(web, "json", proof="wrong")
    assert page.status == 400
    assert CANARY not in page.html
    assert "content-disposition" not in page.answer.headers


async def test_a_name_that_a_format_cannot_hold_is_told(web: WebHouse) -> None:
    """All of it or nothing."""
    await store(web, "A.B")
    page = await export(web, "dotenv")
    assert page.status == 400
    assert "no place for A.B" in page.text
    assert CANARY not in page.html
    assert (await export(web, "nonsense")).status == 422


async def test_the_export_of_a_stranger_is_refused(web: WebHouse) -> None:
    """Nobody is logged in: they are sent to log in, and nothing is told."""
    stranger = visitor_of(web.world)
    answer = await stranger.http.post("/secrets/export", data={"format": "json"})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/log-in")


async def test_only_who_may_read_compares_and_exports(web: WebHouse) -> None:
    """The page spares them the form; the use cases refuse all the same, and it is on record."""
    await store(web, "KEY")
    auditor = await somebody(web, "auditor")
    token = Sensitive(auditor.http.cookies["__Host-keyturn"])
    caller, where = await authenticate(web.world, token), Where("example", "dev")
    before, text = len(await entries(web)), Sensitive("KEY=v")
    with pytest.raises(Forbidden):
        await plan_file(web.world, caller, where, text, "dotenv")
    with pytest.raises(Forbidden):
        await store_file(web.world, caller, where, "", overwrite=False)
    with pytest.raises(Forbidden):
        await export_folder(web.world, caller, where, "json")
    attempts = [each.attempt for each in (await entries(web))[before:]]
    assert [(each.verb, each.allowed) for each in attempts] == [("secrets:read", False)] * 3
