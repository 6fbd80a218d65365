"""Projects and their environments, by both of the names that clients have for projects."""

import pytest
from api_kit import NO_ID, SECRETS, House, issues, problem
from surface_kit import log_in_as, make_folder, make_role, put

from keyturn.domain.access import ADMIN, DEVELOPER, VIEWER, Grant, Role, Verb
from keyturn.domain.roles import CustomRole, RoleGrant

ENVIRONMENTS = ("/api/v1/workspace/{}/environments", "/api/v1/projects/{}/environments")


async def stages(house: House, project: str = "example") -> list[str]:
    """List the slugs of a project's environments."""
    answer = await house.http.get(f"/api/v1/projects/{project}")
    return [each["slug"] for each in answer.json()["project"]["environments"]]


@pytest.mark.parametrize("end", ["", "/"])
@pytest.mark.parametrize(
    ("path", "wrapper"),
    [
        ("/api/v1/workspace/{id}", "workspace"),
        ("/api/v2/workspace/{slug}", None),
        ("/api/v1/projects/{id}", "project"),
        ("/api/v1/projects/slug/{slug}", None),
        ("/api/v1/workspace/slug/{slug}", None),
    ],
)
async def test_a_project_is_read_on_every_route(
    house: House, path: str, wrapper: str | None, end: str
) -> None:
    """Each client is given the project in the wrapper that it expects, or in none."""
    project = house.installed.project
    answer = await house.http.get(path.format(id=project.id, slug=project.slug) + end)
    body = answer.json()[wrapper] if wrapper else answer.json()
    assert (body["id"], body["_id"], body["slug"]) == (project.id, project.id, "example")
    assert [one["slug"] for one in body["environments"]] == ["dev", "staging", "prod"]
    assert body["environments"][0].keys() == {"id", "name", "slug", "position"}
    unknown = await house.http.get(path.format(id=NO_ID, slug="none") + end)
    assert problem(unknown) == (404, "NotFound")


async def test_projects_are_listed_as_far_as_the_caller_may_read_them(house: House) -> None:
    """Who holds no role in a project does not learn of it."""
    await house.http.post("/api/v2/workspace", json={"projectName": "Other", "slug": "other"})

    async def listed(caller: House) -> list[str]:
        answer = await caller.http.get("/api/v1/workspace")
        return [one["name"] for one in answer.json()["workspaces"]]

    assert await listed(house) == ["Example", "Other"]
    assert await listed(await log_in_as(house, VIEWER)) == ["Example"]
    nobody = await log_in_as(house)
    assert problem(await nobody.http.get("/api/v1/workspace"))[0] == 403


async def test_a_token_is_checked(house: House) -> None:
    """Any good token will do, and a bad one is 401."""
    path = "/api/v1/auth/checkAuth"
    assert (await house.http.post(path)).status_code == 200
    assert (await (await log_in_as(house)).http.post(path)).status_code == 200
    bad = await house.http.post(path, headers={"authorization": "Bearer x"})
    assert problem(bad) == (401, "UnauthorizedError")


async def test_a_project_is_made_with_its_environments_and_a_key_of_its_own(house: House) -> None:
    """It is ready for secrets at once, which open with its key alone."""
    body = {"projectName": "My Shop!", "type": "secret-manager"}
    made = (await house.http.post("/api/v2/workspace", json=body)).json()["project"]
    assert made["name"] == "My Shop!"
    assert made["slug"].startswith("my-shop-")
    assert await stages(house, made["slug"]) == ["dev", "staging", "prod"]
    where = {"workspaceId": made["id"], "environment": "prod"}
    await house.http.post(f"{SECRETS}/KEY", json=where | {"secretValue": "x"})
    read = await house.http.get(f"{SECRETS}/KEY", params=where)
    assert read.json()["secret"]["workspace"] == made["id"]
    other = await house.http.get(f"{SECRETS}/KEY", params=house.place | {"environment": "prod"})
    assert problem(other) == (404, "NotFound")


async def test_a_taken_slug_and_an_odd_name_are_refused(house: House) -> None:
    """No project takes the slug of another."""
    for body, status in (
        ({"projectName": "x", "slug": "example"}, 400),
        ({"projectName": "x", "slug": "a b"}, 422),
        ({"projectName": " "}, 422),
        ({"projectName": "x" * 65}, 422),
    ):
        answer = await house.http.post("/api/v2/workspace", json=body)
        assert problem(answer)[0] == status


async def test_only_who_may_make_projects_makes_one_and_is_its_admin(house: House) -> None:
    """An admin of one project makes no other; who makes one can use it."""
    inside = await log_in_as(house, ADMIN)
    body = {"projectName": "Mine", "slug": "mine"}
    assert problem(await inside.http.post("/api/v2/workspace", json=body))[0] == 403
    role = Role("maker", "Maker", (Grant(frozenset({Verb.CREATE_PROJECTS})),))
    now = house.clock.now()
    async with house.world.store.writing() as tx:
        await tx.add(CustomRole("r", None, "maker", "Maker", "", now, now))
        await tx.add(RoleGrant("r", 1, (Verb.CREATE_PROJECTS,)))
    maker = await log_in_as(house, role, everywhere=True)
    assert (await maker.http.post("/api/v2/workspace", json=body)).is_success
    assert await stages(maker, "mine") == ["dev", "staging", "prod"]
    assert problem(await maker.http.get("/api/v1/projects/example"))[0] == 403


@pytest.mark.parametrize("route", ENVIRONMENTS)
async def test_an_environment_lives_from_post_to_delete(house: House, route: str) -> None:
    """Made with its root folder, where it is told to be, changed, and deleted with its secrets."""
    path = route.format(house.installed.project.id)
    body = {"name": "Quality", "slug": "qa", "position": 2}
    made = (await house.http.post(path, json=body)).json()["environment"]
    assert (made["slug"], made["position"]) == ("qa", 2)
    assert await stages(house) == ["dev", "qa", "staging", "prod"]
    await make_folder(house, "/a", "qa")
    await put(house, "KEY", "x", "/a", "qa")
    change = {"slug": "quality", "position": 4}
    await house.http.patch(f"{path}/{made['id']}", json=change)
    assert await stages(house) == ["dev", "staging", "prod", "quality"]
    gone = (await house.http.request("DELETE", f"{path}/{made['id']}")).json()
    assert gone["environment"]["slug"] == "quality"
    assert await stages(house) == ["dev", "staging", "prod"]
    again = await house.http.request("DELETE", f"{path}/{made['id']}")
    assert problem(again) == (404, "NotFound")


async def test_an_environment_is_renamed_where_it_is(house: House) -> None:
    """A change of its name moves nothing."""
    path = ENVIRONMENTS[0].format("example")
    dev = (await house.http.get("/api/v2/workspace/example")).json()["environments"][0]
    after = await house.http.patch(f"{path}/{dev['id']}", json={"name": "Here"})
    assert after.json()["environment"] == dev | {"name": "Here"}
    assert await stages(house) == ["dev", "staging", "prod"]


async def test_an_environment_under_a_rotation_stays(house: House) -> None:
    """What a rotation keeps is not deleted with its environment."""
    await house.rotate_by_order()
    dev = (await house.http.get("/api/v2/workspace/example")).json()["environments"][0]
    path = f"{ENVIRONMENTS[0].format('example')}/{dev['id']}"
    answer = await house.http.request("DELETE", path)
    assert problem(answer) == (400, "BadRequest")
    assert await stages(house) == ["dev", "staging", "prod"]


async def test_odd_environments_are_refused(house: House) -> None:
    """A taken slug is 400, an odd one 422, and a project that is not there 404."""
    path = ENVIRONMENTS[0].format("example")
    taken = await house.http.post(path, json={"name": "x", "slug": "dev"})
    assert problem(taken) == (400, "BadRequest")
    assert issues(await house.http.post(path, json={"name": "x", "slug": "a b"})) == ["slug"]
    nowhere = ENVIRONMENTS[0].format("none")
    answer = await house.http.post(nowhere, json={"name": "x", "slug": "x"})
    assert problem(answer) == (404, "NotFound")
    developer = await log_in_as(house, DEVELOPER)
    assert problem(await developer.http.post(path, json={"name": "x", "slug": "x"}))[0] == 403


async def test_nobody_gains_by_renaming_an_environment(house: House) -> None:
    """Who may read one slug does not read another environment by giving it that slug."""
    edit = await make_role(house, Verb.EDIT_PROJECT)
    read = await make_role(house, Verb.READ_SECRETS, slug="reader", environments=("qa",))
    dev = (await house.http.get("/api/v2/workspace/example")).json()["environments"][0]
    path = f"{ENVIRONMENTS[0].format('example')}/{dev['id']}"
    reader, editor = await log_in_as(house, edit, read), await log_in_as(house, edit)
    assert problem(await reader.http.patch(path, json={"slug": "qa"}))[0] == 403
    assert (await editor.http.patch(path, json={"slug": "qa"})).is_success
