"""Imports: a folder reads from others as well, as far as its reader may."""

import pytest
from api_kit import NO_ID, SECRETS, House, issues, problem
from surface_kit import (
    IMPORTS,
    V4,
    log_in_as,
    make_folder,
    make_import,
    make_role,
    put,
    read,
    values,
)

from keyturn.domain.access import VIEWER, Verb

FIELDS = {
    "id",
    "version",
    "importPath",
    "importEnv",
    "position",
    "folderId",
    "createdAt",
    "updatedAt",
    "isReplication",
    "isReplicationSuccess",
    "replicationStatus",
    "lastReplicated",
    "isReserved",
    "projectId",
    "secretPath",
    "environment",
}


async def imported(house: House, path: str = V4, **more: str) -> list[tuple[str, dict[str, str]]]:
    """List where imports lead, with names and values of what they bring."""
    answer = (await house.http.get(path, params=house.place | more)).json()
    return [(f"{one['environment']}{one['secretPath']}", values(one)) for one in answer["imports"]]


@pytest.fixture
async def shared(house: House) -> House:
    """Give a house whose dev root imports /shared of prod, which has two secrets."""
    await make_folder(house, "/shared", "prod")
    await put(house, "KEY", "theirs", "/shared", "prod")
    await put(house, "ONLY", "there", "/shared", "prod")
    await make_import(house, "/shared", env="prod")
    return house


async def test_an_import_has_every_field_that_clients_insist_on(house: House) -> None:
    """It tells where it is, where it leads, and its position."""
    folder = await make_folder(house, "/shared", "prod")
    made = await make_import(house, "/shared", env="prod")
    assert made.keys() == FIELDS
    assert (made["importPath"], made["position"]) == (folder["path"], 1)
    assert made["importEnv"]["slug"] == "prod"  # type: ignore[index]  # JSON
    for route in (IMPORTS, "/api/v2/secret-imports"):
        listed = await house.http.get(route, params=house.place | {"path": "/"})
        assert listed.json()["secretImports"] == [made]
        one = await house.http.get(f"{route}/{made['id']}")
        assert one.json()["secretImport"] == made


@pytest.mark.parametrize("flag", ["include_imports", "includeImports"])
@pytest.mark.parametrize("path", [SECRETS, V4])
async def test_a_list_shows_imports_where_they_are_wanted(
    shared: House, path: str, flag: str
) -> None:
    """Under both spellings; the older generation leaves them out unless they are asked for."""
    brings = [("prod/shared", {"KEY": "theirs", "ONLY": "there"})]
    assert await imported(shared, path, **{flag: "true"}) == brings
    assert await imported(shared, path, **{flag: "False"}) == []
    assert await imported(shared, path) == (brings if path == V4 else [])


@pytest.mark.parametrize("path", [SECRETS, V4])
async def test_a_secret_that_the_folder_has_not_is_read_from_its_imports(
    shared: House, path: str
) -> None:
    """The folder's own comes first; the older generation looks no further unless asked to."""
    await put(shared, "KEY", "ours")

    async def value(name: str, **more: str) -> str:
        answer = await shared.http.get(f"{path}/{name}", params=shared.place | more)
        told: str = answer.json()["secret"]["secretValue"]
        return told

    assert await value("KEY") == "ours"
    assert await value("ONLY", includeImports="true") == "there"
    assert await value("ONLY", version="1", include_imports="true") == "there"
    for unwanted in ({"include_imports": "False"}, {}):
        answer = await shared.http.get(f"{path}/ONLY", params=shared.place | unwanted)
        if path == V4 and not unwanted:
            assert answer.json()["secret"]["secretValue"] == "there"
        else:
            assert problem(answer) == (404, "NotFound")


async def test_an_import_is_seen_by_whoever_read_the_folder_before(house: House) -> None:
    """What was read without it is not given again, once it is there or once it is gone."""
    await make_folder(house, "/shared")
    await put(house, "ONLY", "there", "/shared")
    assert await imported(house) == []
    made = await make_import(house, "/shared")
    assert await imported(house) == [("dev/shared", {"ONLY": "there"})]
    await house.http.request("DELETE", f"{IMPORTS}/{made['id']}", json=house.place)
    assert await imported(house) == []


async def test_the_last_import_prevails_and_positions_change_it(house: House) -> None:
    """Imports are ranked, and moving one moves the others."""
    ids = []
    for path in ("/a", "/b", "/c"):
        await make_folder(house, path)
        await put(house, "KEY", path, path)
        ids.append((await make_import(house, path))["id"])
    assert (await read(house, "KEY")).json()["secret"]["secretValue"] == "/c"
    body = house.place | {"import": {"position": 3}}
    after = await house.http.patch(f"{IMPORTS}/{ids[0]}", json=body)
    assert after.json()["secretImport"]["position"] == 3
    assert [place for place, _ in await imported(house)] == ["dev/b", "dev/c", "dev/a"]
    assert (await read(house, "KEY")).json()["secret"]["secretValue"] == "/a"
    await house.http.request("DELETE", f"{IMPORTS}/{ids[1]}", json=house.place)
    listed = (await house.http.get(IMPORTS, params=house.place)).json()["secretImports"]
    assert [(one["importPath"], one["position"]) for one in listed] == [("/c", 1), ("/a", 2)]


async def test_an_import_is_led_elsewhere(shared: House) -> None:
    """To another folder that is there, and to none that is not, nor to its own."""
    made = (await shared.http.get(IMPORTS, params=shared.place)).json()["secretImports"][0]
    path = f"{IMPORTS}/{made['id']}"
    for to in ("/none", "/"):
        body = shared.place | {"import": {"environment": "dev", "path": to}}
        assert problem(await shared.http.patch(path, json=body)) == (400, "BadRequest")
    half = shared.place | {"import": {"environment": "dev"}}
    assert issues(await shared.http.patch(path, json=half)) == ["import.path"]
    await make_folder(shared, "/other")
    body = shared.place | {"import": {"environment": "dev", "path": "other/"}}
    after = (await shared.http.patch(path, json=body)).json()["secretImport"]
    assert (after["importPath"], after["importEnv"]["slug"]) == ("/other", "dev")


async def test_imports_of_imports_are_followed_and_circles_do_no_harm(house: House) -> None:
    """What is nearer hides what is farther, and each folder is visited once."""
    for path, name in (("/a", "A"), ("/b", "B"), ("/c", "C")):
        await make_folder(house, path)
        await put(house, name, path, path)
        await put(house, "SAME", path, path)
    for path, source in (("/", "/a"), ("/a", "/b"), ("/b", "/c"), ("/c", "/a"), ("/c", "/")):
        await make_import(house, source, path)
    brought = {"A": "/a", "B": "/b", "C": "/c", "SAME": "/a"}
    assert await imported(house) == [("dev/a", brought)]
    assert (await read(house, "C")).json()["secret"]["secretPath"] == "/c"
    assert problem(await read(house, "NONE")) == (404, "NotFound")


async def test_many_paths_to_one_folder_cost_one_visit(house: House) -> None:
    """Folders that import each other all over are read in no time."""
    layers = [[f"/l{depth}n{side}" for side in range(3)] for depth in range(8)]
    for layer in layers:
        for path in layer:
            await make_folder(house, path)
    for upper, lower in zip([["/"], *layers], layers, strict=False):
        for path in upper:
            for source in lower:
                await make_import(house, source, path)
    await put(house, "DEEP", "found", layers[-1][0])
    assert (await read(house, "DEEP")).json()["secret"]["secretValue"] == "found"


async def test_a_folder_imports_another_once_and_never_itself(shared: House) -> None:
    """Neither is of any use."""
    for env, path in (("prod", "/shared"), ("dev", "/"), ("dev", "/none")):
        body = shared.place | {"path": "/", "import": {"environment": env, "path": path}}
        assert problem(await shared.http.post(IMPORTS, json=body)) == (400, "BadRequest")
    body = shared.place | {"import": {"environment": "none", "path": "/"}}
    assert problem(await shared.http.post(IMPORTS, json=body)) == (404, "NotFound")
    body = shared.place | {"import": {"environment": "prod", "path": "/"}, "isReplication": True}
    assert issues(await shared.http.post(IMPORTS, json=body)) == ["isReplication"]


async def test_an_import_is_changed_in_its_own_folder_only(shared: House) -> None:
    """Its id alone is not enough, nor is one that nothing has."""
    made = (await shared.http.get(IMPORTS, params=shared.place)).json()["secretImports"][0]
    elsewhere = shared.place | {"environment": "staging", "import": {"position": 1}}
    for method, import_id in (("PATCH", made["id"]), ("DELETE", made["id"]), ("DELETE", NO_ID)):
        answer = await shared.http.request(method, f"{IMPORTS}/{import_id}", json=elsewhere)
        assert problem(answer) == (404, "NotFound")


async def test_an_import_follows_its_folder_and_ends_with_it(shared: House) -> None:
    """A rename keeps it; a delete takes it away."""
    where = shared.place | {"environment": "prod"}
    await shared.http.patch("/api/v2/folders/shared", json=where | {"name": "common"})
    assert [place for place, _ in await imported(shared)] == ["prod/common"]
    gone = await shared.http.request("DELETE", "/api/v1/folders/common", json=where)
    assert gone.is_success
    assert await imported(shared) == []


async def test_what_a_reader_may_not_read_is_not_imported(shared: House) -> None:
    """An import opens nothing: what it leads to is left out, by list and by name."""
    role = await make_role(shared, Verb.READ_SECRETS, environments=("dev",))
    caller = await log_in_as(shared, role)
    assert await imported(caller) == []
    answer = await read(caller, "ONLY")
    assert problem(answer) == (404, "NotFound")
    assert "there" not in answer.text.replace("There", "")


async def test_an_import_is_read_on_record(shared: House) -> None:
    """The place that it leads to has its own audit entry."""
    await read(shared, "ONLY")
    async with shared.world.store.reading() as tx:
        subjects = [each.attempt.subject for each in await tx.list_audit(limit=1000)]
    assert subjects[-1] == "secrets example/prod/shared by import"


async def test_who_imports_has_to_be_able_to_read_what_is_imported(shared: House) -> None:
    """Nobody imports what they may not read, nor learns whether it is there."""
    role = await make_role(
        shared, Verb.EDIT_IMPORTS, Verb.READ_SECRETS, Verb.DESCRIBE_SECRETS, environments=("dev",)
    )
    caller = await log_in_as(shared, role)
    await make_folder(shared, "/x")
    for path in ("/shared", "/none"):
        body = shared.place | {"path": "/x", "import": {"environment": "prod", "path": path}}
        answer = await caller.http.post(IMPORTS, json=body)
        assert problem(answer) == (403, "PermissionDenied")
    assert (await caller.http.get(IMPORTS, params=shared.place)).json()["secretImports"] == []
    made = (await shared.http.get(IMPORTS, params=shared.place)).json()["secretImports"][0]
    for import_id in (made["id"], NO_ID):
        assert problem(await caller.http.get(f"{IMPORTS}/{import_id}")) == (404, "NotFound")


async def test_a_viewer_changes_no_import(shared: House) -> None:
    """Seeing is not changing."""
    made = (await shared.http.get(IMPORTS, params=shared.place)).json()["secretImports"][0]
    caller = await log_in_as(shared, VIEWER)
    wanted = {"import": {"environment": "prod", "path": "/", "position": 1}}
    for method, path in (
        ("POST", IMPORTS),
        ("PATCH", f"{IMPORTS}/{made['id']}"),
        ("DELETE", f"{IMPORTS}/{made['id']}"),
    ):
        answer = await caller.http.request(method, path, json=shared.place | wanted)
        assert problem(answer) == (403, "PermissionDenied")


async def test_the_tag_of_a_list_changes_with_what_it_imports(shared: House) -> None:
    """A conditional read sees every change of what is imported."""
    first = await shared.http.get(V4, params=shared.place)
    condition = {"if-none-match": first.headers["etag"]}
    same = await shared.http.get(V4, params=shared.place, headers=condition)
    assert same.status_code == 304
    where = shared.place | {"environment": "prod", "secretPath": "/shared"}
    await shared.http.patch(f"{SECRETS}/KEY", json=where | {"secretValue": "new"})
    changed = await shared.http.get(V4, params=shared.place, headers=condition)
    assert changed.status_code == 200
