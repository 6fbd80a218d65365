"""Tags of a project, by both of the names that clients have for projects."""

import pytest
from api_kit import NO_ID, SECRETS, House, issues, problem
from surface_kit import V4, log_in_as

from keyturn.domain.access import DEVELOPER, VIEWER

ROUTES = ("/api/v1/projects/{}/tags", "/api/v1/workspace/{}/tags")
FIELDS = {"id", "slug", "name", "color", "projectId", "createdAt", "updatedAt"}


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("by_id", [True, False])
async def test_a_tag_lives_from_post_to_delete(house: House, route: str, by_id: bool) -> None:  # noqa: FBT001
    """Created, read by id and slug, listed, changed and deleted."""
    path = route.format(house.installed.project.id if by_id else "example")
    tag = (await house.http.post(path, json={"slug": "hot", "color": "#f00"})).json()["tag"]
    assert tag.keys() == FIELDS
    assert (tag["slug"], tag["name"], tag["color"]) == ("hot", "hot", "#f00")
    assert (await house.http.get(path)).json() == {"tags": [tag]}
    for one in (tag["id"], "slug/hot"):
        assert (await house.http.get(f"{path}/{one}")).json() == {"tag": tag}
    change = {"slug": "warm", "name": "Warm"}
    after = (await house.http.patch(f"{path}/{tag['id']}", json=change)).json()["tag"]
    assert (after["slug"], after["name"], after["color"]) == ("warm", "Warm", "#f00")
    gone = await house.http.request("DELETE", f"{path}/{tag['id']}")
    assert gone.json()["tag"] == after
    assert (await house.http.get(path)).json() == {"tags": []}


async def test_what_has_a_tag_shows_its_changes_and_its_end(house: House) -> None:
    """A tag under a new name is shown by it; a deleted one is shown no more."""
    path = ROUTES[0].format("example")
    tag = (await house.http.post(path, json={"slug": "hot"})).json()["tag"]
    body = house.place | {"secretValue": "x", "tagIds": [tag["id"]]}
    await house.http.post(f"{SECRETS}/KEY", json=body)

    async def slugs() -> list[str]:
        answer = await house.http.get(f"{V4}/KEY", params=house.place)
        return [each["slug"] for each in answer.json()["secret"]["tags"]]

    assert await slugs() == ["hot"]
    await house.http.patch(f"{path}/{tag['id']}", json={"slug": "warm"})
    assert await slugs() == ["warm"]
    await house.http.request("DELETE", f"{path}/{tag['id']}")
    assert await slugs() == []


async def test_a_taken_slug_is_400_and_an_odd_one_422(house: House) -> None:
    """Slugs are unique in a project."""
    path = ROUTES[0].format("example")
    await house.http.post(path, json={"slug": "hot"})
    assert problem(await house.http.post(path, json={"slug": "hot"})) == (400, "BadRequest")
    assert issues(await house.http.post(path, json={"slug": "a b"})) == ["slug"]
    long = {"slug": "x", "color": "x" * 65}
    assert issues(await house.http.post(path, json=long)) == ["color"]


async def test_an_unknown_tag_or_project_is_404(house: House) -> None:
    """What is not there is not found."""
    path = ROUTES[0].format("example")
    for method, one in (("GET", NO_ID), ("GET", "slug/none"), ("PATCH", NO_ID), ("DELETE", NO_ID)):
        answer = await house.http.request(method, f"{path}/{one}", json={})
        assert problem(answer) == (404, "NotFound")
    assert problem(await house.http.get(ROUTES[0].format("none"))) == (404, "NotFound")


async def test_a_developer_makes_tags_and_changes_none(house: House) -> None:
    """A new tag harms nobody; a change of one shows on everybody's secrets."""
    path = ROUTES[0].format("example")
    developer, viewer = await log_in_as(house, DEVELOPER), await log_in_as(house, VIEWER)
    assert problem(await viewer.http.post(path, json={"slug": "hot"}))[0] == 403
    tag = (await developer.http.post(path, json={"slug": "hot"})).json()["tag"]
    assert (await viewer.http.get(path)).json() == {"tags": [tag]}
    one = f"{path}/{tag['id']}"
    assert problem(await developer.http.patch(one, json={"slug": "warm"}))[0] == 403
    assert problem(await developer.http.request("DELETE", one))[0] == 403
