"""Secrets are written, one or several, and what a rotation keeps is not."""

from dataclasses import replace
from typing import Any

import pytest
from api_kit import NO_ID, SECRETS, Body, House, issues, problem
from surface_kit import FOLDERS, V4, log_in_as, make_folder, make_role, put, read, values

from keyturn.domain.access import Verb
from keyturn.domain.project import Folder
from keyturn.domain.secret import Receipt

BATCHES = ("/api/v3/secrets/batch/raw", "/api/v4/secrets/batch")
TAGS = "/api/v1/projects/example/tags"


async def listed(house: House, **more: str) -> dict[str, str]:
    """Return names and values of a folder."""
    answer = await house.http.get(V4, params=house.place | more)
    return values(answer.json())


async def send(house: House, method: str, path: str, **body: object) -> Any:  # noqa: ANN401  JSON
    """Write, and return the answer."""
    answer = await house.http.request(method, path, json=house.place | body)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("path", [SECRETS, V4])
async def test_a_secret_lives_from_post_to_delete(house: House, path: str) -> None:
    """Both generations create, change and delete, and the name is free again."""
    await send(house, "POST", f"{path}/KEY", secretValue="first")
    await send(house, "PATCH", f"{path}/KEY", secretValue="second")
    assert await listed(house) == {"KEY": "second"}
    gone = (await send(house, "DELETE", f"{path}/KEY"))["secret"]
    assert (gone["secretKey"], gone["secretValueHidden"], gone["version"]) == ("KEY", True, 2)
    assert problem(await read(house, "KEY")) == (404, "NotFound")
    assert (await put(house, "KEY", "x"))["version"] == 1


@pytest.mark.parametrize("body", [{}, {"type": "shared"}, {"type": None, "secretPath": "/"}])
async def test_delete_reads_its_body_and_may_lack_a_type(house: House, body: Body) -> None:
    """The place of a delete is in its JSON body."""
    await put(house, "KEY", "x")
    await send(house, "DELETE", f"{SECRETS}/KEY", **body)
    again = await house.http.request("DELETE", f"{SECRETS}/KEY", json=house.place)
    assert problem(again) == (404, "NotFound")


async def test_what_is_beside_a_value_is_kept_and_changed(house: House) -> None:
    """Comment, metadata, tags and the multi-line flag are answered as they were sent."""
    tag = (await house.http.post(TAGS, json={"slug": "hot", "color": "#f00"})).json()["tag"]
    beside: Body = {
        "secretComment": "why",
        "skipMultilineEncoding": True,
        "secretMetadata": [{"key": "owner", "value": "us", "isEncrypted": False}],
        "tagIds": [tag["id"]],
    }
    await send(house, "POST", f"{SECRETS}/KEY", secretValue="x", **beside)
    secret = (await read(house, "KEY")).json()["secret"]
    assert secret["secretMetadata"] == [{"key": "owner", "value": "us"}]
    assert secret["tags"] == [{"id": tag["id"], "slug": "hot", "name": "hot", "color": "#f00"}]
    assert (secret["secretComment"], secret["skipMultilineEncoding"]) == ("why", True)
    nothing: Body = {"tagIds": [], "secretMetadata": [], "skipMultilineEncoding": False}
    await send(house, "PATCH", f"{SECRETS}/KEY", **nothing)
    secret = (await read(house, "KEY")).json()["secret"]
    assert (secret["tags"], secret["secretMetadata"], secret["version"]) == ([], [], 1)
    assert secret["secretComment"] == "why"


async def test_a_tag_of_another_project_or_of_none_is_404(house: House) -> None:
    """Nothing is stored with a tag that the project does not have."""
    await house.http.post("/api/v2/workspace", json={"projectName": "x", "slug": "other"})
    theirs = await house.http.post(TAGS.replace("example", "other"), json={"slug": "hot"})
    for tag_id in (NO_ID, theirs.json()["tag"]["id"]):
        body = house.place | {"secretValue": "x", "tagIds": [tag_id]}
        assert problem(await house.http.post(f"{SECRETS}/KEY", json=body)) == (404, "NotFound")
    assert await listed(house) == {}


@pytest.mark.parametrize("path", BATCHES)
async def test_several_are_written_at_once(house: House, path: str) -> None:
    """A batch creates, changes, renames and deletes."""
    two = [{"secretKey": name, "secretValue": f"{name}1"} for name in ("A", "B")]
    made = await send(house, "POST", path, secrets=two)
    assert values(made) == {"A": "A1", "B": "B1"}
    changes = [{"secretKey": "A", "secretValue": "A2"}, {"secretKey": "B", "newSecretName": "C"}]
    assert values(await send(house, "PATCH", path, secrets=changes)) == {"A": "A2", "C": "B1"}
    assert await listed(house) == {"A": "A2", "C": "B1"}
    await send(house, "DELETE", path, secrets=[{"secretKey": "A"}, {"secretKey": "C"}])
    assert await listed(house) == {}


@pytest.mark.parametrize("path", BATCHES)
@pytest.mark.parametrize(
    ("method", "names"), [("POST", ("A", "B")), ("POST", ("A", "A")), ("DELETE", ("B", "NONE"))]
)
async def test_a_batch_is_done_as_a_whole_or_not_at_all(
    house: House, path: str, method: str, names: tuple[str, str]
) -> None:
    """One that cannot be written leaves the others as they were."""
    await put(house, "B", "before")
    batch = [{"secretKey": name, "secretValue": "after"} for name in names]
    answer = await house.http.request(method, path, json=house.place | {"secrets": batch})
    assert problem(answer)[0] in (400, 404)
    assert await listed(house) == {"B": "before"}


@pytest.mark.parametrize(
    ("mode", "after"),
    [("ignore", {"A": "2"}), ("upsert", {"A": "2", "NEW": "3"}), ("failOnNotFound", None)],
)
async def test_a_batch_says_what_to_do_with_what_is_not_there(
    house: House, mode: str, after: dict[str, str] | None
) -> None:
    """It fails, is passed over, or is created."""
    await put(house, "A", "1")
    changes = [{"secretKey": "A", "secretValue": "2"}, {"secretKey": "NEW", "secretValue": "3"}]
    body = house.place | {"secrets": changes, "mode": mode}
    answer = await house.http.patch(BATCHES[1], json=body)
    assert answer.status_code == (404 if after is None else 200)
    assert await listed(house) == (after or {"A": "1"})


async def test_a_change_of_a_batch_may_have_a_path_of_its_own(house: House) -> None:
    """Its path comes before that of the request."""
    await make_folder(house, "/a")
    await put(house, "KEY", "1", "/a")
    changes = [{"secretKey": "KEY", "secretValue": "2", "secretPath": "/a"}]
    await send(house, "PATCH", BATCHES[1], secrets=changes)
    assert await listed(house, secretPath="/a") == {"KEY": "2"}


@pytest.mark.parametrize("path", [f"{SECRETS}/KEY", f"{V4}/KEY", *BATCHES])
@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
async def test_a_personal_secret_is_not_written(house: House, path: str, method: str) -> None:
    """It would be written over what all share: the answer says so, and what to do."""
    one: Body = {"secretKey": "KEY", "secretValue": "mine", "type": "personal"}
    body = house.place | one | {"secrets": [one]}
    answer = await house.http.request(method, path, json=body)
    assert problem(answer) == (400, "BadRequest")
    assert "shared" in answer.json()["message"]
    assert "mine" not in answer.text


@pytest.mark.parametrize("path", [f"{SECRETS}/NEW", f"{V4}/NEW", *BATCHES])
async def test_metadata_that_is_to_be_encrypted_is_not_kept_in_clear(
    house: House, path: str
) -> None:
    """The answer says so, and what to do; nothing is stored."""
    metadata = [{"key": "pin", "value": "canary", "isEncrypted": True}]
    one: Body = {"secretKey": "NEW", "secretValue": "x", "secretMetadata": metadata}
    answer = await house.http.post(path, json=house.place | one | {"secrets": [one]})
    assert problem(answer) == (400, "BadRequest")
    assert "in clear" in answer.json()["message"]
    assert "canary" not in answer.text
    assert await listed(house) == {}


async def test_a_personal_secret_is_read_as_the_shared_one(house: House) -> None:
    """Clients that ask for overrides are given what there is."""
    await put(house, "KEY", "ours")
    more = {"type": "personal", "includePersonalOverrides": "true"}
    assert (await read(house, "KEY", **more)).json()["secret"]["secretValue"] == "ours"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", f"{V4}/OKTA_CLIENT_SECRET", {"secretValue": "mine"}),
        ("PATCH", f"{V4}/OKTA_CLIENT_SECRET", {"newSecretName": "OTHER"}),
        ("DELETE", f"{V4}/OKTA_CLIENT_SECRET", {}),
        ("PATCH", BATCHES[0], {"secrets": [{"secretKey": "OKTA_CLIENT_ID", "secretValue": "x"}]}),
        ("DELETE", BATCHES[0], {"secrets": [{"secretKey": "OKTA_CLIENT_ID"}]}),
        ("POST", f"{V4}/OKTA_CLIENT_SECRET", {"secretValue": "mine"}),
    ],
)
async def test_what_a_rotation_keeps_is_not_written_by_hand(
    house: House, method: str, path: str, body: Body
) -> None:
    """Value and name are locked, and nothing of it is deleted."""
    await house.rotate_by_order()
    before = await listed(house)
    answer = await house.http.request(method, path, json=house.place | body)
    assert problem(answer) == (400, "BadRequest")
    assert await listed(house) == before


async def test_a_comment_is_written_beside_what_a_rotation_keeps(house: House) -> None:
    """What is not the rotation's can be changed, and its value is shown on record."""
    await house.rotate_by_order()
    body = house.place | {"secretComment": "ours"}
    answer = await house.http.patch(f"{V4}/OKTA_CLIENT_SECRET", json=body)
    assert answer.json()["secret"]["secretComment"] == "ours"
    async with house.world.store.reading() as tx:
        assert len(await tx.list(Receipt)) == 1


async def test_a_secret_takes_the_name_of_no_other(house: House) -> None:
    """A rename to a name that is in use is refused; to its own name it is none."""
    await put(house, "A", "1")
    await put(house, "B", "2")
    taken = await house.http.patch(f"{V4}/A", json=house.place | {"newSecretName": "B"})
    assert problem(taken) == (400, "BadRequest")
    assert (await send(house, "PATCH", f"{V4}/A", newSecretName="A"))["secret"]["version"] == 1


async def test_who_may_write_and_not_read_sees_no_value(house: House) -> None:
    """A change without a value tells nothing; who gives a value knows it already."""
    await put(house, "KEY", "canary")
    caller = await log_in_as(house, await make_role(house, Verb.EDIT_SECRETS))
    renamed = await caller.http.patch(f"{V4}/KEY", json=house.place | {"secretComment": "x"})
    assert renamed.json()["secret"]["secretValueHidden"] is True
    assert "canary" not in renamed.text
    changed = await caller.http.patch(f"{V4}/KEY", json=house.place | {"secretValue": "new"})
    assert changed.json()["secret"]["secretValue"] == "new"


async def test_an_upsert_needs_both_permissions(house: House) -> None:
    """Who may change what is there may not create what is not."""
    caller = await log_in_as(house, await make_role(house, Verb.EDIT_SECRETS))
    changes = [{"secretKey": "NEW", "secretValue": "x"}]
    body = house.place | {"secrets": changes, "mode": "upsert"}
    assert problem(await caller.http.patch(BATCHES[1], json=body))[0] == 403


@pytest.mark.parametrize("path", [f"{SECRETS}/id", f"{V4}/id"])
async def test_a_secret_is_read_by_its_id(house: House, path: str) -> None:
    """Current or by the number of a version, hidden where it is not asked for."""
    stored = await put(house, "KEY", "first")
    await send(house, "PATCH", f"{V4}/KEY", secretValue="second")
    one = f"{path}/{stored['id']}"
    assert (await house.http.get(one)).json()["secret"]["secretValue"] == "second"
    first = await house.http.get(one, params={"version": "1"})
    assert first.json()["secret"]["secretValue"] == "first"
    hidden = await house.http.get(one, params={"viewSecretValue": "False"})
    assert hidden.json()["secret"]["secretValueHidden"] is True
    assert problem(await house.http.get(one, params={"version": "9"})) == (404, "NotFound")
    assert problem(await house.http.get(f"{path}/{NO_ID}")) == (404, "NotFound")


async def test_the_key_of_a_connection_is_not_read_by_its_id(house: House) -> None:
    """A folder that no path can name is not reached by ids or by recursion either."""
    made = await make_folder(house, "/x")
    hidden = await put(house, "KEY", "canary", "/x")
    async with house.world.store.writing() as tx:
        folder = await tx.find(Folder, path="/x")
        assert folder
        await tx.replace(replace(folder, path="/.connection-keys/x"))
    for path in (f"{V4}/id/{hidden['id']}", f"/api/v1/secret/{hidden['id']}/secret-versions"):
        assert problem(await house.http.get(path)) == (404, "NotFound")
    assert problem(await house.http.get(f"{FOLDERS}/{made['id']}")) == (404, "NotFound")
    below = await house.http.get(FOLDERS, params=house.place | {"recursive": "true"})
    assert below.json() == {"folders": []}
    assert await listed(house, recursive="true") == {}


async def test_a_secret_by_id_is_as_good_as_unknown_to_who_may_not_read_it(house: House) -> None:
    """There and not there look alike."""
    await make_folder(house, "/theirs")
    stored = await put(house, "KEY", "canary", "/theirs")
    role = await make_role(house, Verb.READ_SECRETS, paths=("/mine",))
    caller = await log_in_as(house, role)
    for path in (V4 + "/id/{}", "/api/v1/secret/{}/secret-versions"):
        answers = [await caller.http.get(path.format(each)) for each in (stored["id"], NO_ID)]
        assert {problem(answer) for answer in answers} == {(404, "NotFound")}


async def test_versions_are_listed_with_the_values_that_still_work(house: House) -> None:
    """The latest comes first, and a page is as long as it is wanted."""
    stored = await put(house, "KEY", "v1")
    for number in (2, 3):
        await send(house, "PATCH", f"{V4}/KEY", secretValue=f"v{number}")
    path = f"/api/v1/secret/{stored['id']}/secret-versions"
    every = (await house.http.get(path)).json()["secretVersions"]
    assert [(one["version"], one["secretValue"]) for one in every] == [
        (3, "v3"),
        (2, "v2"),
        (1, "v1"),
    ]
    page = (await house.http.get(path, params={"offset": 1, "limit": 1})).json()["secretVersions"]
    assert [one["version"] for one in page] == [2]


async def test_versions_without_values_take_only_to_know_of_the_secret(house: House) -> None:
    """No value is opened, so nothing is read, and nobody holds anything by it."""
    stored = await put(house, "KEY", "canary")
    caller = await log_in_as(house, await make_role(house, Verb.DESCRIBE_SECRETS))
    path = f"/api/v1/secret/{stored['id']}/secret-versions"
    assert (await caller.http.get(path)).status_code == 403
    async with house.world.store.reading() as tx:
        before = await tx.latest_audit()
    answer = await caller.http.get(path, params={"viewSecretValue": "false"})
    (found,) = answer.json()["secretVersions"]
    assert (found["version"], found["state"], found["secretValueHidden"]) == (1, "current", True)
    assert "canary" not in answer.text
    async with house.world.store.reading() as tx:
        after = await tx.list_audit(after=before.number if before else 0)
    assert [each.attempt.verb for each in after] == ["secrets:describe"]


async def test_secrets_of_all_folders_below_are_listed_on_demand(house: House) -> None:
    """Each tells its path; what the caller may not read is left out without a word."""
    for path in ("/a/b", "/c"):
        await make_folder(house, path)
    for name, path in (("ROOT", "/"), ("DEEP", "/a/b"), ("SIDE", "/c")):
        await put(house, name, name, path)
    assert await listed(house, recursive="true") == {"ROOT": "ROOT", "DEEP": "DEEP", "SIDE": "SIDE"}
    below = await house.http.get(V4, params=house.place | {"recursive": "1", "secretPath": "/a"})
    assert [each["secretPath"] for each in below.json()["secrets"]] == ["/a/b"]
    role = await make_role(house, Verb.READ_SECRETS, paths=("/", "/c"))
    caller = await log_in_as(house, role)
    assert await listed(caller, recursive="true") == {"ROOT": "ROOT", "SIDE": "SIDE"}


async def test_secrets_are_listed_by_their_tags(house: House) -> None:
    """Any of the tags will do; those without one are left out."""
    ids = {}
    for slug in ("hot", "cold"):
        tag = (await house.http.post(TAGS, json={"slug": slug})).json()["tag"]
        ids[slug] = tag["id"]
        body = house.place | {"secretValue": slug, "tagIds": [tag["id"], tag["id"]]}
        await house.http.post(f"{SECRETS}/{slug}", json=body)
    await put(house, "PLAIN", "x")
    assert await listed(house, tagSlugs="hot") == {"hot": "hot"}
    assert await listed(house, tagSlugs="hot, cold") == {"hot": "hot", "cold": "cold"}
    assert await listed(house, tagSlugs="none") == {}


async def test_who_may_only_describe_sees_names_and_no_values(house: House) -> None:
    """Without the value the smaller permission is enough; with it, it is not."""
    await put(house, "KEY", "canary")
    caller = await log_in_as(house, await make_role(house, Verb.DESCRIBE_SECRETS))
    for path in (V4, f"{V4}/KEY", SECRETS, f"{SECRETS}/KEY"):
        query = house.place | {"viewSecretValue": "false"}
        hidden = await caller.http.get(path, params=query)
        assert hidden.status_code == 200
        assert "canary" not in hidden.text
        assert problem(await caller.http.get(path, params=house.place))[0] == 403


@pytest.mark.parametrize("path", BATCHES)
async def test_an_empty_batch_and_a_change_of_nothing_are_422(house: House, path: str) -> None:
    """A batch names one secret at least, and a change says what is to change."""
    answer = await house.http.post(path, json=house.place | {"secrets": []})
    assert issues(answer) == ["secrets"]
    nothing = house.place | {"secrets": [{"secretKey": "A"}]}
    assert issues(await house.http.patch(path, json=nothing)) == ["secretValue"]
