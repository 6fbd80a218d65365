"""Folders: made, listed, renamed, moved and deleted in every spelling that clients use."""

import pytest
from api_kit import NO_ID, SECRETS, House, issues, problem
from surface_kit import FOLDERS, log_in_as, make_folder, make_role, put

from keyturn.domain.access import VIEWER, Verb

V1 = "/api/v1/folders"
FIELDS = {
    "id",
    "name",
    "version",
    "createdAt",
    "updatedAt",
    "envId",
    "parentId",
    "isReserved",
    "description",
    "path",
    "relativePath",
    "projectId",
    "environment",
}


async def paths(house: House, path: str = "/", **more: str) -> list[str]:
    """List the paths of the folders in a folder."""
    answer = await house.http.get(FOLDERS, params=house.place | {"path": path} | more)
    return [each["path"] for each in answer.json()["folders"]]


@pytest.mark.parametrize("route", [V1, FOLDERS])
@pytest.mark.parametrize(
    "place",
    [
        {"workspaceId": "{id}", "path": "/"},
        {"projectId": "{id}", "directory": "/"},
        {"projectId": "{id}", "secretPath": ""},
        {"workspaceId": "", "projectSlug": "example", "path": "/", "directory": ""},
        {"workspaceSlug": "example"},
    ],
)
async def test_every_spelling_of_a_place_makes_and_lists(
    house: House, route: str, place: dict[str, str]
) -> None:
    """Both generations understand every spelling of project and path, in bodies and queries."""
    where = {k: v.format(id=house.installed.project.id) for k, v in place.items()}
    where |= {"environment": "dev"}
    made = await house.http.post(route, json=where | {"name": "app", "description": "ours"})
    listed = await house.http.get(route, params=where | {"recursive": "False"})
    assert listed.json() == {"folders": [made.json()["folder"]]}
    folder = made.json()["folder"]
    assert folder.keys() == FIELDS
    assert (folder["name"], folder["path"], folder["description"]) == ("app", "/app", "ours")


async def test_a_folder_is_read_by_its_id(house: House) -> None:
    """The answer tells its project and environment, which strict clients need."""
    made = await make_folder(house, "/app")
    read = (await house.http.get(f"{FOLDERS}/{made['id']}")).json()["folder"]
    assert read == made
    assert read["environment"]["envSlug"] == "dev"
    assert read["environment"]["envId"] == read["envId"]
    assert problem(await house.http.get(f"{FOLDERS}/{NO_ID}")) == (404, "NotFound")


async def test_missing_parents_are_made_with_a_folder(house: House) -> None:
    """A path is made as a whole, each folder once, and its parent is named."""
    deep = await make_folder(house, "/a/b/c")
    middle = await make_folder(house, "/a/b")
    assert deep["parentId"] == middle["id"]
    assert await paths(house, recursive="True") == ["/a", "/a/b", "/a/b/c"]
    assert await paths(house, "/a") == ["/a/b"]


async def test_a_folder_that_is_there_is_no_error(house: House) -> None:
    """Making it again answers with the one that is there."""
    first = await make_folder(house, "/app")
    assert await make_folder(house, "/app") == first


async def test_a_path_may_lack_its_first_slash(house: House) -> None:
    """Clients write app and /app/ and mean /app."""
    await make_folder(house, "/app/sub")
    assert await paths(house, "app/") == ["/app/sub"]


async def test_an_unknown_folder_has_no_folders_and_an_unknown_environment_is_404(
    house: House,
) -> None:
    """Clients ask before they make: a list of nothing is no error."""
    assert await paths(house, "/none") == []
    nowhere = house.place | {"environment": "none"}
    assert problem(await house.http.get(FOLDERS, params=nowhere)) == (404, "NotFound")


@pytest.mark.parametrize("name", ["", "a b", "a/b", "..", ".keys", "é", "x" * 256])
async def test_an_odd_name_is_422(house: House, name: str) -> None:
    """Folders are named by letters, digits, underscores and hyphens."""
    answer = await house.http.post(FOLDERS, json=house.place | {"name": name})
    assert issues(answer) == ["name"]


async def test_a_path_is_bounded(house: House) -> None:
    """No folder can lie where no request could name it."""
    body = house.place | {"path": "/" + "/".join("x" * 200 for _ in range(5)), "name": "y" * 100}
    assert issues(await house.http.post(FOLDERS, json=body)) == ["path"]


@pytest.mark.parametrize("by_id", [True, False])
async def test_a_rename_takes_all_below_with_it(house: House, by_id: bool) -> None:  # noqa: FBT001
    """Secrets and folders below are under the new path, and the old one is gone."""
    made = await make_folder(house, "/a")
    await make_folder(house, "/a/b")
    await make_folder(house, "/ab")
    await put(house, "KEY", "value", "/a/b")
    named = made["id"] if by_id else "a"
    body = house.place | {"name": "z", "path": "/", "description": "new"}
    after = (await house.http.patch(f"{FOLDERS}/{named}", json=body)).json()["folder"]
    assert (after["id"], after["path"], after["description"]) == (made["id"], "/z", "new")
    assert await paths(house, recursive="true") == ["/z", "/z/b", "/ab"]
    listed = await house.http.get(SECRETS, params=house.place | {"secretPath": "/z/b"})
    assert [each["secretKey"] for each in listed.json()["secrets"]] == ["KEY"]


async def test_a_folder_moves_into_another(house: House) -> None:
    """With a new path it lies in that folder, which has to be there and not inside it."""
    await make_folder(house, "/a/b")
    await make_folder(house, "/c")

    async def move(to: str) -> tuple[int, str]:
        body = house.place | {"newPath": to}
        answer = await house.http.patch(f"{FOLDERS}/a", json=body)
        return (200, "") if answer.is_success else problem(answer)

    for nowhere in ("/none", "/a", "/a/b"):
        assert await move(nowhere) == (400, "BadRequest")
    assert await move("/c") == (200, "")
    assert await paths(house, recursive="true") == ["/c/a", "/c/a/b", "/c"]


async def test_a_taken_path_and_the_root_are_400(house: House) -> None:
    """No folder takes the place of another, and the root stays."""
    root = (await make_folder(house, "/a"))["parentId"]
    await make_folder(house, "/b")
    body = house.place | {"name": "b"}
    assert problem(await house.http.patch(f"{FOLDERS}/a", json=body)) == (400, "BadRequest")
    answer = await house.http.request("DELETE", f"{FOLDERS}/{root}", json=house.place)
    assert problem(answer) == (400, "BadRequest")


@pytest.mark.parametrize(("route", "force"), [(V1, {}), (FOLDERS, {"forceDelete": True})])
@pytest.mark.parametrize("spelling", ["path", "directory"])
async def test_a_folder_is_deleted_with_all_below(
    house: House, route: str, force: dict[str, bool], spelling: str
) -> None:
    """By name, with a JSON body; the answer has both names by which clients look for it."""
    await make_folder(house, "/a/b/c")
    await put(house, "KEY", "value", "/a/b/c")
    body = house.place | force | {spelling: "/a"}
    answer = (await house.http.request("DELETE", f"{route}/b", json=body)).json()
    assert answer["folders"] == [answer["folder"]]
    assert answer["folder"]["path"] == "/a/b"
    assert await paths(house, recursive="true") == ["/a"]
    again = await house.http.request("DELETE", f"{route}/b", json=body)
    assert problem(again) == (404, "NotFound")


@pytest.mark.parametrize("content", ["/a/b", "KEY"])
async def test_a_folder_that_is_not_empty_stays_unless_forced(house: House, content: str) -> None:
    """What is in there goes only with who says so, or asks as older clients do."""
    await make_folder(house, "/a")
    await (make_folder(house, content) if "/" in content else put(house, content, "x", "/a"))
    for route, said in (
        (V1, {"forceDelete": False}),
        (FOLDERS, {"forceDelete": False}),
        (FOLDERS, {}),
    ):
        answer = await house.http.request("DELETE", f"{route}/a", json=house.place | said)
        assert problem(answer) == (400, "BadRequest")
    forced = house.place | {"forceDelete": True}
    assert (await house.http.request("DELETE", f"{FOLDERS}/a", json=forced)).is_success


async def test_what_a_rotation_keeps_is_not_deleted_with_its_folder(house: House) -> None:
    """The folder stays, with a reason that names the rotation, even where it is forced."""
    await make_folder(house, "/a/b")
    await house.rotate_by_order(secretPath="/a/b")
    body = house.place | {"forceDelete": True}
    answer = await house.http.request("DELETE", f"{FOLDERS}/a", json=body)
    assert problem(answer) == (400, "BadRequest")
    assert "my-okta-rotation" in answer.json()["message"]
    assert await paths(house, "/a") == ["/a/b"]


async def test_a_rotation_moves_with_its_folder(house: House) -> None:
    """What it keeps is read under the new path, and it knows where it is."""
    await make_folder(house, "/a")
    rotation = await house.rotate_by_order(secretPath="/a")
    await house.http.patch(f"{FOLDERS}/a", json=house.place | {"name": "z"})
    listed = await house.http.get(SECRETS, params=house.place | {"secretPath": "/z"})
    assert {each["rotationId"] for each in listed.json()["secrets"]} == {rotation["id"]}


async def test_only_folders_with_changed_secrets_are_listed_on_demand(house: House) -> None:
    """A time says since when."""
    for path in ("/old", "/new"):
        await make_folder(house, path)
    await put(house, "KEY", "value", "/old")
    house.clock.advance(3600)
    await put(house, "KEY", "value", "/new")
    assert await paths(house, lastSecretModified="2026-03-01T12:30:00Z") == ["/new"]
    answer = await house.http.get(FOLDERS, params=house.place | {"lastSecretModified": "soon"})
    assert issues(answer) == ["lastSecretModified"]


async def test_folders_that_a_caller_may_not_see_are_left_out(house: House) -> None:
    """Who is confined to some paths learns of no other, by list, id or name."""
    for path in ("/mine/sub", "/theirs"):
        await make_folder(house, path)
    theirs = (await make_folder(house, "/theirs"))["id"]
    role = await make_role(house, Verb.DESCRIBE_SECRETS, Verb.EDIT_FOLDERS, paths=("/mine/**",))
    caller = await log_in_as(house, role)
    assert await paths(caller, recursive="true") == ["/mine", "/mine/sub"]
    there, nowhere = [await caller.http.get(f"{FOLDERS}/{each}") for each in (theirs, NO_ID)]
    assert problem(there) == problem(nowhere) == (404, "NotFound")
    body = house.place | {"name": "x"}
    told = {problem(await caller.http.patch(f"{FOLDERS}/{n}", json=body)) for n in ("theirs", "x")}
    assert told == {(403, "PermissionDenied")}


async def test_nobody_gains_by_moving_a_folder(house: House) -> None:
    """What cannot be read where it is does not become readable by its move."""
    await make_folder(house, "/secret/deep")
    await put(house, "KEY", "canary", "/secret/deep")
    await make_folder(house, "/open")
    edit = await make_role(house, Verb.EDIT_FOLDERS, Verb.CREATE_FOLDERS)
    read = await make_role(house, Verb.READ_SECRETS, slug="reader", paths=("/open/**",))
    body = house.place | {"newPath": "/open"}
    reader = await log_in_as(house, edit, read)
    answer = await reader.http.patch(f"{FOLDERS}/secret", json=body)
    assert problem(answer) == (403, "PermissionDenied")
    mover = await log_in_as(house, edit)
    assert (await mover.http.patch(f"{FOLDERS}/secret", json=body)).is_success


async def test_nobody_gains_a_rotation_by_moving_its_folder(house: House) -> None:
    """A verb that is held with one connection only is no more to be had by a move."""
    await make_folder(house, "/a")
    await make_folder(house, "/open")
    rotation = await house.rotate_by_order(secretPath="/a")
    connection_id = str(rotation["connectionId"])
    edit = await make_role(house, Verb.EDIT_FOLDERS, Verb.CREATE_FOLDERS)
    turn = await make_role(
        house, Verb.ROTATE, slug="turner", paths=("/open/**",), connections=(connection_id,)
    )
    caller = await log_in_as(house, edit, turn)
    body = house.place | {"newPath": "/open"}
    answer = await caller.http.patch(f"{FOLDERS}/a", json=body)
    assert problem(answer) == (403, "PermissionDenied")


async def test_a_folder_is_deleted_only_by_who_may_delete_all_of_it(house: House) -> None:
    """A part that the caller may not delete keeps the whole."""
    await make_folder(house, "/a/b")
    role = await make_role(house, Verb.DELETE_FOLDERS, paths=("/a",))
    caller = await log_in_as(house, role)
    answer = await caller.http.request("DELETE", f"{FOLDERS}/a", json=house.place)
    assert problem(answer)[0] == 403
    assert "/a/b" not in answer.text


async def test_a_description_is_bounded_and_a_change_of_nothing_is_none(house: House) -> None:
    """A folder may be changed to what it is already."""
    made = await make_folder(house, "/a")
    same = await house.http.patch(f"{FOLDERS}/{made['id']}", json=house.place | {"name": "a"})
    assert same.json()["folder"] == made
    body = house.place | {"description": "x" * 257}
    assert issues(await house.http.patch(f"{FOLDERS}/a", json=body)) == ["description"]
    missing = await house.http.patch(f"{FOLDERS}/none", json=house.place | {"name": "a"})
    assert problem(missing) == (404, "NotFound")


async def test_a_viewer_changes_no_folder(house: House) -> None:
    """Seeing is not changing."""
    await make_folder(house, "/a")
    caller = await log_in_as(house, VIEWER)
    assert await paths(caller) == ["/a"]
    for method, path, body in (
        ("POST", FOLDERS, {"name": "b"}),
        ("PATCH", f"{FOLDERS}/a", {"name": "b"}),
        ("DELETE", f"{FOLDERS}/a", {}),
    ):
        answer = await caller.http.request(method, path, json=house.place | body)
        assert problem(answer) == (403, "PermissionDenied")
