"""A project comes over from a server that speaks Infisical's API: our own plays it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx2
import pytest
from api_kit import House, open_house
from surface_kit import make_folder, make_import, put

from keyturn.client import KeyturnApi, Place, Token
from keyturn.client.importing import ImportPlan
from keyturn.client.infisical import NotBrought, read_tree
from keyturn.client.transfer import TreePlan, plan_transfer, transfer
from keyturn.client.tree import Branch, Item, Spot, Tree

URL = "https://infisical.example.com"


def api_of(house: House) -> KeyturnApi:
    """Reach a house as its administrator."""
    token = house.http.headers["authorization"].removeprefix("Bearer ")
    return KeyturnApi(URL, Token(token), transport=house.http._transport)  # noqa: SLF001


@asynccontextmanager
async def two_houses() -> AsyncIterator[tuple[House, KeyturnApi, House, KeyturnApi]]:
    """Give the house to read from and the house to write to."""
    async with open_house() as there, open_house() as here:
        yield there, api_of(there), here, api_of(here)


async def furnish(house: House) -> None:
    """Put everything there that can be brought."""
    for path in ("/web", "/web/api"):
        await make_folder(house, path)
    await make_folder(house, "/shared", "prod")
    project = house.installed.project.id
    await house.http.post(
        f"/api/v1/projects/{project}/environments", json={"name": "Tests", "slug": "qa"}
    )
    tag = {"slug": "billing", "name": "Billing", "color": "#ff0000"}
    made = await house.http.post(f"/api/v1/projects/{project}/tags", json=tag)
    told = {
        "secretValue": "a\nb",
        "secretComment": "why",
        "tagIds": [made.json()["tag"]["id"]],
        "secretMetadata": [{"key": "owner", "value": "us"}],
        "skipMultilineEncoding": True,
    }
    where = house.place | {"secretPath": "/web/api"}
    await house.http.post("/api/v3/secrets/raw/FULL", json=where | told)
    await put(house, "PLAIN", "1")
    await put(house, "REFERS", "x${PLAIN}${prod.shared.DEEP}", "/web")
    await put(house, "DEEP", "2", "/shared", "prod")
    await put(house, "QA", "3", "/", "qa")
    await make_import(house, "/web", "/")
    await make_import(house, "/shared", "/", "prod")


async def bring(
    there: KeyturnApi, here: KeyturnApi, *, overwrite: bool = False
) -> tuple[TreePlan, int]:
    """Plan and do the import of the example project into the example project."""
    tree = await read_tree(there, "example")
    plan = await plan_transfer(here, "example", tree)
    return plan, await transfer(here, "example", tree, plan, overwrite=overwrite)


async def test_everything_comes_over() -> None:
    """Environments, folders, values unexpanded, comments, tags, metadata, imports: all equal."""
    async with two_houses() as (there, source, _, target):
        await furnish(there)
        plan, written = await bring(source, target)
        brought = await read_tree(target, "example")
        assert await read_tree(source, "example") == brought
        assert (plan.environments, plan.tags, written) == (("qa",), ("billing",), 5)
        values = {each.name: each.value for branch in brought.branches for each in branch.items}
        assert values["REFERS"] == "x${PLAIN}${prod.shared.DEEP}"
        root = await target.read_folder(Place("example", "dev"))
        assert root is not None
        assert root.values["REFERS"] == "x${PLAIN}2"


async def test_a_second_time_changes_nothing() -> None:
    """All is the same: no version, no folder and no import is made."""
    async with two_houses() as (there, source, _, target):
        await furnish(there)
        await bring(source, target)
        before = await target.list_secrets(Place("example", "dev", "/web/api"), values=True)
        plan, written = await bring(source, target, overwrite=True)
        assert (plan.environments, plan.tags, written) == ((), (), 0)
        assert all(
            each.secrets == ImportPlan(same=each.secrets.same) and not each.imports
            for each in plan.folders
        )
        after = await target.list_secrets(Place("example", "dev", "/web/api"), values=True)
        assert before == after


async def test_what_differs_is_left_unless_it_is_to_be_overwritten() -> None:
    """A value, and all that is beside it, counts as a difference."""
    async with two_houses() as (there, source, here, target):
        await furnish(there)
        await bring(source, target)
        await here.http.patch("/api/v3/secrets/raw/PLAIN", json=here.place | {"secretValue": "9"})
        where = here.place | {"secretPath": "/web/api", "secretComment": "other"}
        await here.http.patch("/api/v3/secrets/raw/FULL", json=where)
        plan, written = await bring(source, target)
        changed = {name for each in plan.folders for name in each.secrets.changed}
        assert (changed, written) == ({"PLAIN", "FULL"}, 0)
        await bring(source, target, overwrite=True)
        assert await read_tree(source, "example") == await read_tree(target, "example")


async def test_what_a_rotation_keeps_here_is_left_alone() -> None:
    """It is told, and the others of its folder come all the same."""
    async with two_houses() as (there, source, here, target):
        await here.rotate_by_order()
        for name in ("OKTA_CLIENT_ID", "OKTA_CLIENT_SECRET", "OTHER"):
            await put(there, name, "old")
        plan, written = await bring(source, target, overwrite=True)
        (root,) = (each for each in plan.folders if str(Spot(each.environment)) == "dev/")
        assert root.secrets.rotated == ("OKTA_CLIENT_ID", "OKTA_CLIENT_SECRET")
        assert written == 1
        assert await here.served() != "old"


async def test_what_a_rotation_keeps_there_is_left_out() -> None:
    """Its value would be dead at the next turn there; the reason is told."""
    async with two_houses() as (there, source, _, target):
        await there.rotate_by_order()
        await put(there, "OTHER", "1")
        plan, written = await bring(source, target)
        left = plan.folders[0].left_out
        assert (sorted(left), written) == (["OKTA_CLIENT_ID", "OKTA_CLIENT_SECRET"], 1)
        assert "kept by a rotation there" in left["OKTA_CLIENT_ID"]


async def test_a_folder_comes_whole_or_not_at_all() -> None:
    """Where one secret is refused, none of its folder is written, and a second run goes on."""
    async with two_houses() as (there, source, _, target):
        await furnish(there)
        tree = await read_tree(source, "example")
        root = tree.branches[0]
        bad = replace(root, items=(*root.items, replace(root.items[0], name="NO NAME")))
        broken = replace(tree, branches=[bad, *tree.branches[1:]])
        plan = await plan_transfer(target, "example", broken)
        with pytest.raises(Exception, match="secretName"):
            await transfer(target, "example", broken, plan, overwrite=False)
        assert await target.list_secrets(Place("example", "dev")) == ()
        await bring(source, target)
        assert await read_tree(source, "example") == await read_tree(target, "example")


async def test_an_import_that_leads_to_nothing_is_told() -> None:
    """Where only one environment is brought, what it imports from another is not."""
    async with two_houses() as (there, source, _, target):
        await furnish(there)
        tree = await read_tree(source, "example", frozenset({"dev"}))
        plan = await plan_transfer(target, "example", tree)
        await transfer(target, "example", tree, plan, overwrite=False)
        assert plan.folders[0].imports == ("dev/web",)
        assert plan.folders[0].left_out == {"import of prod/shared": "leads to nothing"}


async def test_what_is_not_there_is_told() -> None:
    """Neither a project nor an environment is guessed."""
    async with two_houses() as (_, source, _, _):
        with pytest.raises(NotBrought, match="HTTP 404"):
            await read_tree(source, "none")
        with pytest.raises(NotBrought, match="no environment nope"):
            await read_tree(source, "example", frozenset({"nope"}))


SECRET = {"secretKey": "A", "secretValue": "1"}
SLUG = {"id": "p", "name": "P", "slug": "p"}
ENVIRONMENTS = [{"id": "e", "name": "Dev", "slug": "dev"}]


def answering(secrets: list[dict[str, object]], status: int = 200) -> KeyturnApi:
    """Reach a server of another version: bare projects by slug, few fields."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        bodies: dict[str, tuple[int, object]] = {
            "/api/v1/workspace/mine": (422, {"reqId": "r", "statusCode": 422, "error": "V"}),
            "/api/v1/workspace/slug/mine": (200, SLUG),
            "/api/v1/workspace/p": (200, {"workspace": SLUG | {"environments": ENVIRONMENTS}}),
            "/api/v1/folders": (200, {"folders": []}),
            "/api/v3/secrets/raw": (status, {"secrets": secrets}),
            "/api/v1/secret-imports": (
                200,
                {"secretImports": [{"importPath": "/", "importEnv": ENVIRONMENTS[0]}]},
            ),
        }
        code, body = bodies[request.url.path]
        if code == 422:
            body = {"reqId": "r", "statusCode": 422, "error": "V", "message": "no uuid"}
        return httpx2.Response(code, json=body)

    return KeyturnApi(URL, Token("t"), transport=httpx2.MockTransport(answer))


async def test_a_server_of_another_version_is_understood() -> None:
    """A project is found by its slug, and fields that are not there are as if they were empty."""
    found = await read_tree(answering([SECRET | {"secretComment": None, "tags": None}]), "mine")
    (branch,) = found.branches
    assert (branch.spot, branch.imports) == (Spot("dev"), (Spot("dev"),))
    (item,) = branch.items
    assert (item.name, item.value, item.comment, item.labels) == ("A", "1", "", ())


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"secretValueHidden": True}, "hidden"),
        ({"secretValue": "<hidden-by-infisical>"}, "hidden"),
        ({"type": "personal"}, "personal"),
        ({"isRotatedSecret": True}, "rotation"),
    ],
)
async def test_what_is_no_value_for_all_is_left_out(more: dict[str, object], why: str) -> None:
    """A mark in the place of a value is never taken for the value."""
    found = await read_tree(answering([SECRET | more]), "mine")
    assert (found.branches[0].items, why in found.branches[0].left_out["A"]) == ((), True)


async def test_metadata_that_is_encrypted_is_left_out() -> None:
    """What would be in clear here does not come, and the reason is told by its key alone."""
    pin = {"key": "pin", "value": "marked", "isEncrypted": True}
    metadata = [pin, {"key": "owner", "value": "us", "isEncrypted": False}]
    (branch,) = (
        await read_tree(answering([SECRET | {"secretMetadata": metadata}]), "mine")
    ).branches
    assert branch.items[0].metadata == (("owner", "us"),)
    assert "encrypted" in branch.left_out["metadata pin of A"]
    assert "marked" not in str(branch.left_out)


async def test_what_is_no_answer_of_infisicals_is_told() -> None:
    """With the address that gave it, and nothing of what it gave."""
    with pytest.raises(NotBrought, match="secrets/raw is not answered") as caught:
        await read_tree(answering([{"marked": "x"}]), "mine")
    assert "marked" not in str(caught.value)
    with pytest.raises(NotBrought, match="does not answer as Infisical does"):
        await read_tree(answering([], status=502), "mine")


def test_a_tree_shows_no_value() -> None:
    """Neither in a repr nor in a plan."""
    tree = Tree({"dev": "Dev"}, [Branch(Spot("dev"), (Item("A", "marked"),))])
    assert "marked" not in repr(tree)
