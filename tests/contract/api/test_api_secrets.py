"""Named secrets, in every spelling in which clients ask for them."""

import pytest
from api_kit import CONNECTIONS, SECRETS, House, issues, problem

V4 = "/api/v4/secrets"
FIELDS = {
    "id",
    "_id",
    "workspace",
    "environment",
    "version",
    "type",
    "secretKey",
    "secretValue",
    "secretValueHidden",
    "secretComment",
    "createdAt",
    "updatedAt",
    "secretPath",
    "skipMultilineEncoding",
    "secretMetadata",
    "tags",
    "secretReminderNote",
    "secretReminderRepeatDays",
    "isRotatedSecret",
    "rotationId",
}


async def create(house: House, name: str = "KEY", value: str = "first") -> None:
    """Store a secret."""
    body = house.place | {"secretValue": value, "secretPath": "/", "type": "shared"}
    answer = await house.http.post(f"{SECRETS}/{name}", json=body)
    assert answer.status_code == 200


async def test_created_secret_has_every_field_that_clients_insist_on(house: House) -> None:
    """A secret is answered with the whole field set; texts are texts even when empty."""
    body = house.place | {"secretValue": "first", "secretComment": None}
    secret = (await house.http.post(f"{SECRETS}/KEY", json=body)).json()["secret"]
    assert secret.keys() == FIELDS
    assert (secret["version"], secret["secretValue"], secret["secretComment"]) == (1, "first", "")
    assert secret["_id"] == secret["id"]
    assert secret["createdAt"] == "2026-03-01T12:00:00.000Z"


@pytest.mark.parametrize("path", [SECRETS, V4])
@pytest.mark.parametrize(
    "spelled",
    [
        {"workspaceId": "{id}"},
        {"workspaceSlug": "example"},
        {"projectId": "{id}"},
        {"projectSlug": "example"},
        {"workspaceId": "", "workspaceSlug": "example"},
        {"workspaceId": "{id}", "workspaceSlug": ""},
        {"projectId": "{id}", "includeImports": "False", "recursive": "False"},
        {"projectId": "{id}", "include_imports": "true", "expandSecretReferences": "false"},
        {"projectId": "{id}", "secretPath": "", "type": "shared", "secretName": "KEY"},
        {"projectId": "{id}", "secretPath": "/", "tagSlugs": "", "viewSecretValue": "True"},
    ],
)
async def test_every_spelling_of_a_place_reads_the_same(
    house: House, path: str, spelled: dict[str, str]
) -> None:
    """Both generations of routes understand every spelling of project, path and flags."""
    await create(house)
    query = {key: text.format(id=house.installed.project.id) for key, text in spelled.items()}
    listed = await house.http.get(path, params={"environment": "dev", **query})
    read = await house.http.get(f"{path}/KEY", params={"environment": "dev", **query})
    assert listed.json() == {"secrets": [read.json()["secret"]], "imports": []}
    assert read.json()["secret"]["secretValue"] == "first"


async def test_get_with_a_body_is_tolerated(house: House) -> None:
    """A JSON body of a GET is read over, as some clients send one."""
    answer = await house.http.request("GET", SECRETS, params=house.place, json={"a": 1})
    assert answer.json() == {"secrets": [], "imports": []}


async def test_hidden_value_stays_hidden(house: House) -> None:
    """A reader who does not ask for the value is given a mark in its place."""
    await create(house, value="canary")
    query = house.place | {"viewSecretValue": "false"}
    answer = await house.http.get(f"{V4}/KEY", params=query)
    assert answer.json()["secret"]["secretValueHidden"] is True
    assert "canary" not in answer.text


async def test_numbered_versions_are_read(house: House) -> None:
    """An update serves the next version; the one before can be read by its number."""
    await create(house)
    await house.http.patch(f"{SECRETS}/KEY", json=house.place | {"secretValue": "second"})
    assert await house.served("KEY") == "second"
    first = await house.http.get(f"{SECRETS}/KEY", params=house.place | {"version": "1"})
    latest = await house.http.get(f"{SECRETS}/KEY", params=house.place | {"version": ""})
    assert first.json()["secret"]["secretValue"] == "first"
    assert latest.json()["secret"]["version"] == 2


@pytest.mark.parametrize("path", [SECRETS, f"{SECRETS}/KEY", V4, f"{V4}/KEY"])
async def test_etag_answers_304_until_the_secret_changes(house: House, path: str) -> None:
    """A conditional read costs nothing while nothing changed, and sees every change."""
    await create(house)
    tag = (await house.http.get(path, params=house.place)).headers["etag"]
    condition = {"if-none-match": f'"other", {tag}'}
    same = await house.http.get(path, params=house.place, headers=condition)
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    await house.http.patch(f"{SECRETS}/KEY", json=house.place | {"secretValue": "second"})
    changed = await house.http.get(path, params=house.place, headers=condition)
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


async def test_etag_tells_a_hidden_value_from_a_shown_one(house: House) -> None:
    """Who has seen the mark is not told that it is the value."""
    await create(house)
    hidden = house.place | {"viewSecretValue": "false"}
    tag = (await house.http.get(f"{V4}/KEY", params=hidden)).headers["etag"]
    condition = {"if-none-match": tag}
    assert (await house.http.get(f"{V4}/KEY", params=house.place, headers=condition)).is_success


async def test_answers_are_not_stored_on_the_way(house: House) -> None:
    """No cache between the server and the reader may keep a secret."""
    await create(house)
    answer = await house.http.get(f"{SECRETS}/KEY", params=house.place)
    assert answer.headers["cache-control"] == "no-store"


async def test_place_without_project_or_environment_is_422(house: House) -> None:
    """A query that names no place says which field it lacks."""
    assert issues(await house.http.get(SECRETS, params={"environment": "dev"})) == ["projectId"]
    assert issues(await house.http.get(SECRETS, params={"projectId": "x"})) == ["environment"]


async def test_unknown_secret_environment_and_project_are_404(house: House) -> None:
    """What does not exist is not found, whether secret, environment or project."""
    place = house.place
    for path, query in (
        (f"{SECRETS}/NONE", place),
        (f"{SECRETS}/KEY", place | {"secretPath": "/none"}),
        (SECRETS, place | {"environment": "none"}),
        (SECRETS, place | {"workspaceId": "none"}),
    ):
        assert problem(await house.http.get(path, params=query)) == (404, "NotFound")


async def test_unknown_folder_and_taken_name_are_400(house: House) -> None:
    """A folder that is not there and a name that is there already are bad requests."""
    await create(house)
    nowhere = house.place | {"secretPath": "/none"}
    assert problem(await house.http.get(SECRETS, params=nowhere)) == (400, "BadRequest")
    again = house.place | {"secretValue": "x"}
    assert problem(await house.http.post(f"{SECRETS}/KEY", json=again)) == (400, "BadRequest")


async def test_secret_of_a_rotation_is_not_edited_by_hand(house: House) -> None:
    """A mapped secret says whose it is and refuses a change by hand."""
    rotation = await house.rotate_by_order()
    read = await house.http.get(f"{SECRETS}/OKTA_CLIENT_SECRET", params=house.place)
    assert read.json()["secret"]["isRotatedSecret"] is True
    assert read.json()["secret"]["rotationId"] == rotation["id"]
    body = house.place | {"secretValue": "mine"}
    answer = await house.http.patch(f"{SECRETS}/OKTA_CLIENT_SECRET", json=body)
    assert problem(answer) == (400, "BadRequest")


@pytest.mark.parametrize("version", ["0", "-1", "2147483648", "9" * 20, "1e300", "9" * 5_000])
async def test_a_version_that_none_can_be_is_422(house: House, version: str) -> None:
    """A number beyond every version is refused before it reaches the store."""
    await create(house)
    answer = await house.http.get(f"{SECRETS}/KEY", params=house.place | {"version": version})
    assert issues(answer) == ["version"]


async def test_names_and_paths_are_bounded(house: House) -> None:
    """Nobody can fill the audit log with a name, a project or a path of their own."""
    long = "x" * 256
    assert issues(await house.http.get(f"{SECRETS}/{long}", params=house.place)) == ["secret_name"]
    body = house.place | {"secretValue": "x"}
    assert issues(await house.http.post(f"{SECRETS}/{long}", json=body)) == ["secret_name"]
    for field, text in (("projectId", long), ("workspaceSlug", long), ("secretPath", "/" * 1_025)):
        answer = await house.http.get(SECRETS, params=house.place | {field: text})
        assert issues(answer) == [field]
    path = f"{CONNECTIONS}/connection-name/{long}"
    assert issues(await house.http.get(path)) == ["connection_name"]


async def test_a_secret_is_renamed_with_its_comment_and_keeps_its_value(house: House) -> None:
    """A change without a value makes no version; the old name is free."""
    await create(house)
    body = house.place | {"newSecretName": "OTHER", "secretComment": "moved"}
    changed = (await house.http.patch(f"{SECRETS}/KEY", json=body)).json()["secret"]
    assert (changed["secretKey"], changed["secretComment"]) == ("OTHER", "moved")
    assert (changed["secretValue"], changed["version"]) == ("first", 1)
    assert await house.served("OTHER") == "first"
    answer = await house.http.get(f"{SECRETS}/KEY", params=house.place)
    assert problem(answer) == (404, "NotFound")


async def test_value_name_and_comment_change_together(house: House) -> None:
    """One request may change all three, and an empty value is one."""
    await create(house)
    body = house.place | {"newSecretName": "OTHER", "secretComment": "", "secretValue": ""}
    changed = (await house.http.patch(f"{SECRETS}/KEY", json=body)).json()["secret"]
    assert (changed["secretKey"], changed["secretValue"], changed["version"]) == ("OTHER", "", 2)


async def test_an_update_of_nothing_is_422(house: House) -> None:
    """An update names its value, its new name or its comment."""
    await create(house)
    answer = await house.http.patch(f"{SECRETS}/KEY", json=house.place | {"secretValue": None})
    assert issues(answer) == ["secretValue"]
    taken = house.place | {"newSecretName": "a b"}
    assert issues(await house.http.patch(f"{SECRETS}/KEY", json=taken)) == ["newSecretName"]


@pytest.mark.parametrize("named", ["*", " * ", "W/{tag}", '"a, b",{tag}', '"x"|{tag}'])
async def test_every_form_of_a_condition_is_understood(house: House, named: str) -> None:
    """Any tag, a weak one, a list, and a list over two header lines name the caller's copy."""
    await create(house)
    tag = (await house.http.get(f"{V4}/KEY", params=house.place)).headers["etag"]
    lines = [("if-none-match", line) for line in named.format(tag=tag).split("|")]
    answer = await house.http.get(f"{V4}/KEY", params=house.place, headers=lines)
    assert answer.status_code == 304


@pytest.mark.parametrize("named", ["", '"*"', '"other"', "{bare}", '"{bare}', "*, x"])
async def test_no_other_condition_is_taken_for_the_tag(house: House, named: str) -> None:
    """What does not name the caller's copy is answered in full."""
    await create(house)
    tag = (await house.http.get(f"{V4}/KEY", params=house.place)).headers["etag"]
    condition = {"if-none-match": named.format(bare=tag.strip('"'))}
    answer = await house.http.get(f"{V4}/KEY", params=house.place, headers=condition)
    assert answer.status_code == 200
