"""Folders and imports in the browser, and what each role is let do with secrets."""

from datetime import UTC, datetime

import pytest
from api_kit import NO_ID, Body
from web_kit import PASSWORD, WebHouse
from web_secrets_kit import (
    CANARY,
    HOSTILE,
    folder,
    let_import,
    one,
    somebody,
    store,
    value_of,
)

from keyturn.domain.ids import EnvironmentId, FolderId
from keyturn.domain.project import Folder
from keyturn.web.pages.secrets import tree

CHANGES = ("New secret", "Import", "New folder", "Import it")


def folders_of(*paths: str) -> list[Folder]:
    """Return folders at some paths."""
    now, home = datetime(2026, 3, 1, tzinfo=UTC), EnvironmentId("e")
    return [Folder(FolderId(path), home, path, now, now) for path in paths]


def test_the_tree_shows_the_way_and_what_lies_beside_it() -> None:
    """Neither what is in folders beside the way, nor more than what is next below the place."""
    found = tree(folders_of("/a", "/a/b", "/a/b/c", "/a/b/c/d", "/x", "/x/y"), "/a/b")
    assert [(each.path, each.depth, each.inside) for each in found] == [
        ("/", 0, True),
        ("/a", 1, True),
        ("/a/b", 2, True),
        ("/a/b/c", 3, True),
        ("/x", 1, True),
    ]
    assert [each.path for each in found if each.current] == ["/a/b"]


def test_a_folder_without_its_parent_stands_in_the_nearest() -> None:
    """Whoever may know of a folder may not know of all above it."""
    found = tree(folders_of("/a/b/c"), "/")
    assert [(each.path, each.depth) for each in found] == [("/", 0), ("/a/b/c", 1)]


async def test_a_folder_is_made_renamed_and_deleted(web: WebHouse) -> None:
    """With all that is in it; who deletes it types its name."""
    form = await web.visitor.follow(await web.visitor.open("/secrets"), "New folder")
    made = await web.visitor.press(
        form, "Create the folder", name="payments", description="Of the shop"
    )
    assert made.path.endswith("path=%2Fpayments")
    assert "Of the shop" in made.text
    await store(web, "KEY", secretPath="/payments")
    form = await web.visitor.follow(made, "Rename")
    assert form.value("name") == "payments"
    renamed = await web.visitor.press(form, "Save", name="money", description="")
    assert renamed.path.endswith("path=%2Fmoney")
    assert "Of the shop" not in renamed.text
    assert await value_of(web, "KEY", secretPath="/money") == CANARY
    sure = await web.visitor.follow(renamed, "Delete folder")
    wrong = await web.visitor.press(sure, "Delete the folder", confirm="payments")
    assert wrong.status == 400
    assert await value_of(web, "KEY", secretPath="/money") == CANARY
    gone = await web.visitor.press(sure, "Delete the folder", confirm="money")
    assert gone.path.endswith("path=%2F")
    assert "money" not in [text for _, text in gone.links]


@pytest.mark.parametrize("name", ["", "a b", "a/b", "x" * 256, HOSTILE])
async def test_a_folder_of_an_odd_name_is_refused_at_the_field(web: WebHouse, name: str) -> None:
    """What was typed is kept."""
    form = await web.visitor.open("/secrets/folders/new")
    page = await web.visitor.press(form, "Create the folder", name=name, description="kept")
    assert page.status == 422
    assert "letters, digits" in page.text
    assert page.value("name") == name
    assert page.value("description") == "kept"
    assert "<script>" not in page.html.replace('<script src="', "")


async def test_a_folder_in_which_a_rotation_keeps_something_stays(web: WebHouse) -> None:
    """The page says why, and nothing is gone."""
    await folder(web, "/kept")
    await web.house.rotate_by_order(secretPath="/kept")
    sure = await web.visitor.open("/secrets/folders/delete?path=/kept")
    refused = await web.visitor.press(sure, "Delete the folder", confirm="kept")
    assert refused.status == 400
    assert "rotation" in refused.text
    assert (await web.visitor.open("/secrets?path=/kept")).status == 200


@pytest.mark.parametrize(
    "query",
    ["path=/none", "path=none", "path=/a%20b", "env=none", "project=none", f"project={NO_ID}"],
)
async def test_a_place_that_is_not_there_is_told_so(web: WebHouse, query: str) -> None:
    """No other place is shown in its stead."""
    assert (await web.visitor.open(f"/secrets?{query}")).status == 404
    assert (await web.visitor.open(f"/secrets/folders/edit?{query}")).status == 404


async def test_the_root_is_not_renamed_or_deleted(web: WebHouse) -> None:
    """It has no page for that."""
    for page in ("edit", "delete"):
        assert (await web.visitor.open(f"/secrets/folders/{page}")).status == 404


async def test_an_import_brings_names_and_what_is_nearer_prevails(web: WebHouse) -> None:
    """What is overruled is said to be; imports change places, and go."""
    await folder(web, "/first")
    await folder(web, "/second", "staging")
    await store(web, "OWN")
    for name in ("OWN", "ONLY", "BOTH"):
        await store(web, name, "first", secretPath="/first")
    await store(web, "BOTH", "second", secretPath="/second", environment="staging")
    page = await web.visitor.open("/secrets")
    page = await web.visitor.press(page, "Import it", source_env="dev", source_path="/first")
    assert "reads from dev/first as well" in page.text
    page = await web.visitor.press(page, "Import it", source_env="staging", source_path="/second")
    brought = page.text.partition("Imports")[2]
    assert "staging/second Down Remove BOTH dev/first" in brought
    assert "BOTH (overruled) ONLY OWN (overruled)" in brought
    assert await value_of(web, "BOTH", include_imports="true") == "second"
    page = await web.visitor.press(page, "Up")
    assert await value_of(web, "BOTH", include_imports="true") == "first"
    page = await web.visitor.press(page, "Remove")
    assert "dev/first no longer" in page.text
    assert "staging/second" in page.text


@pytest.mark.parametrize("path", ["/", "/none", "no slash", HOSTILE])
async def test_an_import_that_cannot_be_is_refused_at_the_field(web: WebHouse, path: str) -> None:
    """What was typed is kept."""
    page = await web.visitor.open("/secrets")
    page = await web.visitor.press(page, "Import it", source_env="dev", source_path=path)
    assert page.status in (400, 422)
    assert page.value("source_path") == path
    assert "This folder reads from no other." in page.text


async def test_a_search_looks_into_the_folders_below(web: WebHouse) -> None:
    """It finds names, comments and tags, whatever their case, and says where each is."""
    await folder(web, "/deep/down")
    await store(web, "HIDDEN_KEY", secretPath="/deep/down")
    await store(web, "OTHER", secretComment="the hidden one")
    await store(web, "PLAIN")
    page = await web.visitor.press(await web.visitor.open("/secrets"), "Find", find="HIDDEN")
    assert "in /deep/down" in page.text
    assert {"HIDDEN_KEY", "OTHER"} <= {text for _, text in page.links}
    assert "PLAIN" not in page.text
    none = await web.visitor.open("/secrets", find="nowhere")
    assert "Nothing here or below has" in none.text


async def test_a_long_list_has_pages(web: WebHouse) -> None:
    """A hundred names each, in their order."""
    for number in range(102):
        await store(web, f"K{number:03}")
    page = await web.visitor.open("/secrets")
    assert "1 to 100 of 102" in page.text
    assert "K099" in page.text
    assert "K100" not in page.text
    more = await web.visitor.follow(page, "More")
    assert "101 to 102 of 102" in more.text
    assert "K099" in (await web.visitor.follow(more, "Back")).text


async def test_a_developer_writes_secrets_and_a_viewer_reads_them(web: WebHouse) -> None:
    """A viewer is shown no way to change anything, and finds none."""
    await store(web, "KEY")
    developer, viewer = await somebody(web, "developer"), await somebody(web, "viewer")
    page = await developer.open("/secrets")
    assert {"New secret", "New folder", "Import", "Export"} <= {text for _, text in page.links}
    form = await developer.open("/secrets/new")
    made = await developer.press(form, "Store the secret", name="MADE", value="v")
    assert "MADE is stored" in made.text
    page = await viewer.open("/secrets")
    assert not set(CHANGES) & {text for _, text in page.links}
    shown = await one(web, "KEY", viewer)
    assert not {"Change", "Delete"} & {text for _, text in shown.links}
    asked = await viewer.follow(shown, "Reveal")
    assert CANARY in (await viewer.press(asked, "Reveal", proof=PASSWORD)).text
    await folder(web, "/shared")
    for path in (
        "/secrets/new",
        "/secrets/import",
        "/secrets/folders/new",
        "/secrets/folders/edit?path=/shared",
        "/secrets/folders/delete?path=/shared",
        f"{shown.path}/edit",
        f"{shown.path}/delete",
    ):
        assert (await viewer.open(path)).status == 403, path


async def test_what_a_viewer_sends_all_the_same_changes_nothing(web: WebHouse) -> None:
    """Each form is refused where it is carried out, not where it is shown."""
    secret_id = await store(web, "KEY")
    await folder(web, "/shared")
    await let_import(web, "/shared")
    viewer = await somebody(web, "viewer")
    token = (await viewer.open("/secrets")).value("form_token")
    place = {"form_token": token, "project": "example", "env": "dev", "path": "/shared"}
    tried = {
        "/secrets/new": {"name": "NEW", "value": "v"},
        f"/secrets/{secret_id}/edit": {"name": "KEY", "value": "v"},
        f"/secrets/{secret_id}/delete": {"confirm": "KEY"},
        "/secrets/folders/new": {"name": "new"},
        "/secrets/folders/edit": {"name": "new"},
        "/secrets/folders/delete": {"confirm": "shared"},
        "/secrets/imports": {"source_env": "dev", "source_path": "/"},
        f"/secrets/imports/{NO_ID}/remove": {},
        f"/secrets/imports/{NO_ID}/move": {"position": "1"},
        "/secrets/import": {"text": "A=1", "format": "dotenv"},
        "/secrets/import/store": {"sealed": ""},
    }
    for path, fields in tried.items():
        answer = await viewer.http.post(path, data=place | fields)
        assert answer.status_code == 403, path
    assert await value_of(web, "KEY") == CANARY
    page = await web.visitor.open("/secrets")
    assert "dev/shared" in page.text
    assert not {"NEW", "new"} & {text for _, text in page.links}


async def test_an_auditor_knows_of_secrets_and_sees_none(web: WebHouse) -> None:
    """No link leads to a value, and the page for it is refused."""
    secret_id = await store(web, "KEY")
    auditor = await somebody(web, "auditor")
    page = await auditor.open("/secrets")
    assert "KEY" in page.text
    assert not [text for _, text in page.links if text.startswith("Reveal")]
    for path in (f"/secrets/{secret_id}/reveal", "/secrets/export"):
        assert (await auditor.open(path)).status == 403
    token = page.value("form_token")
    fields = {"form_token": token, "proof": PASSWORD}
    for path in (f"/secrets/{secret_id}/reveal", "/secrets/export?format=json"):
        answer = await auditor.http.post(path, data=fields | {"format": "json"})
        assert answer.status_code == 403
        assert CANARY not in answer.text


async def test_somebody_of_another_project_finds_nothing(web: WebHouse) -> None:
    """Neither the folder nor the secret, by whatever address; and learns not that they are."""
    secret_id = await store(web, "KEY")
    admin = web.house.http
    answer = await admin.post("/api/v2/workspace", json={"projectName": "Other", "slug": "other"})
    assert answer.status_code == 200, answer.text
    other = await somebody(web, "viewer", project=answer.json()["project"]["id"])
    page = await other.open("/secrets")
    assert "KEY" not in page.text
    for path in (
        "/secrets?project=example",
        f"/secrets?project={web.house.installed.project.id}",
        "/secrets/new?project=example",
        "/secrets/export?project=example",
    ):
        assert (await other.open(path)).status == 404
    for path in (f"/secrets/{secret_id}", f"/secrets/{secret_id}/reveal"):
        there, nowhere = await other.open(path), await other.open(path.replace(secret_id, NO_ID))
        assert there.status == nowhere.status
        assert "KEY" not in there.text


async def test_who_may_see_one_folder_sees_the_tree_that_leads_there(web: WebHouse) -> None:
    """And of the others neither names nor that they are there."""
    await folder(web, "/open")
    await folder(web, "/closed")
    await store(web, "ROOT_KEY")
    await store(web, "OPEN_KEY", secretPath="/open")
    grants: list[Body] = [
        {"verbs": ["project:read"]},
        {"verbs": ["secrets:describe", "secrets:read"], "paths": ["/open/**"]},
    ]
    other = await somebody(web, "opener", grants=grants)
    page = await other.open("/secrets")
    assert page.status == 200
    assert "not for you to know" in page.text
    assert "ROOT_KEY" not in page.text
    assert "closed" not in page.text
    shown = await other.follow(page, "open")
    assert "OPEN_KEY" in shown.text
    assert (await other.open("/secrets?path=/closed")).status == 404
