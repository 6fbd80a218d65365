"""Groups: search, one group, and who is in it."""

import pytest
from sandbox_kit import BASE, World, okta_error, without_id

from keyturn.sandbox.state.directory import AppDraft

pytestmark = pytest.mark.anyio

GROUPS = "/api/v1/groups"


async def make(world: World, name: str) -> str:
    """Make a group and return its id."""
    answer = await world.admin("POST", GROUPS, {"profile": {"name": name}})
    assert answer.status_code == 200
    return str(answer.json()["id"])


async def names(world: World, query: str = "") -> list[str]:
    """Return the names of the groups that a query finds."""
    answer = await world.admin("GET", f"{GROUPS}{query}")
    return [each["profile"]["name"] for each in answer.json()]


async def test_one_group(world: World) -> None:
    """All members in the order of Okta's pages."""
    group_id = await make(world, "West Coast")
    body = (await world.admin("GET", f"{GROUPS}/{group_id}")).json()
    assert list(body) == [
        *("id", "created", "lastUpdated", "lastMembershipUpdated", "objectClass", "type"),
        *("profile", "_links"),
    ]
    assert (body["id"][:3], body["type"]) == ("00g", "OKTA_GROUP")
    assert body["profile"] == {"description": None, "name": "West Coast"}
    assert body["_links"]["users"] == {"href": f"{BASE}{GROUPS}/{group_id}/users"}


async def test_a_name_is_there_once(world: World) -> None:
    """A group has a name, and no other has it."""
    await make(world, "West Coast")
    for profile in ({"name": "West Coast"}, {}, {"description": "x"}):
        answer = await world.admin("POST", GROUPS, {"profile": profile})
        assert (answer.status_code, answer.json()["errorCode"]) == (400, "E0000001")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["East", "West Coast", "West End"]),
        ("?q=West", ["West Coast", "West End"]),
        ('?search=profile.name sw "West"', ["West Coast", "West End"]),
        ('?search=profile.name eq "East"', ["East"]),
        ('?filter=type eq "OKTA_GROUP"', ["East", "West Coast", "West End"]),
        ("?limit=1", ["East"]),
    ],
)
async def test_groups_are_found(world: World, query: str, found: list[str]) -> None:
    """By search, by filter, by how their names begin, page by page."""
    for name in ("East", "West Coast", "West End"):
        await make(world, name)
    assert await names(world, query) == found


async def test_a_search_that_cannot_be_read(world: World) -> None:
    """Is refused, as for people and devices."""
    answer = await world.admin("GET", f"{GROUPS}?search=name is")
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "E0000031")


async def test_people_come_and_go(world: World) -> None:
    """Once each; the group tells when that was, and the log who it was."""
    group_id, user_id = await make(world, "West Coast"), world.org.seeded.user_id
    before = (await world.admin("GET", f"{GROUPS}/{group_id}")).json()
    world.clock.advance(10)
    member = f"{GROUPS}/{group_id}/users/{user_id}"
    for _ in range(2):
        assert (await world.admin("PUT", member)).status_code == 204
    listed = (await world.admin("GET", f"{GROUPS}/{group_id}/users")).json()
    assert [each["id"] for each in listed] == [user_id]
    after = (await world.admin("GET", f"{GROUPS}/{group_id}")).json()
    assert after["lastMembershipUpdated"] > before["lastMembershipUpdated"]
    assert after["lastUpdated"] == before["lastUpdated"]
    for _ in range(2):
        assert (await world.admin("DELETE", member)).status_code == 204
    assert (await world.admin("GET", f"{GROUPS}/{group_id}/users")).json() == []
    kinds = [event.type for event in world.org.system_log.events()]
    assert [kind for kind in kinds if kind.startswith("group.")] == [
        *("group.lifecycle.create", "group.user_membership.add", "group.user_membership.remove")
    ]


@pytest.mark.parametrize("path", ["x", "x/users", "x/users/{user}"])
async def test_groups_that_are_none(world: World, path: str) -> None:
    """Are 404, also once they are deleted."""
    method = "PUT" if "{user}" in path else "GET"
    path = path.replace("{user}", world.org.seeded.user_id)
    answer = await world.admin(method, f"{GROUPS}/{path}")
    assert answer.status_code == 404
    summary = "Not found: Resource not found: x (UserGroup)"
    assert without_id(answer) == okta_error("E0000007", summary)
    group_id = await make(world, "West Coast")
    assert (await world.admin("DELETE", f"{GROUPS}/{group_id}")).status_code == 204
    assert (await world.admin("GET", f"{GROUPS}/{group_id}")).status_code == 404


async def test_nobody_unknown_is_in_a_group(world: World) -> None:
    """A person who is not there is 404."""
    group_id = await make(world, "West Coast")
    assert (await world.admin("PUT", f"{GROUPS}/{group_id}/users/x")).status_code == 404


async def test_apps_are_assigned_to_groups(world: World) -> None:
    """A group tells of its apps as the list of apps does, page by page, and of no other."""
    group_id, other = await make(world, "Payments"), await make(world, "Others")
    ids = [world.org.create_app(AppDraft(f"app-{n}")).id for n in range(3)]
    for app_id in (*ids, ids[0]):
        answer = await world.admin("PUT", f"/api/v1/apps/{app_id}/groups/{group_id}")
        assert (answer.status_code, answer.json()["id"]) == (200, group_id)
    listed = await world.admin("GET", f"{GROUPS}/{group_id}/apps?limit=2")
    assert [each["id"] for each in listed.json()] == ids[:2]
    onward = listed.links["next"]["url"].removeprefix(BASE)
    assert [each["id"] for each in (await world.admin("GET", onward)).json()] == ids[2:]
    assert (await world.admin("GET", f"{GROUPS}/{other}/apps")).json() == []


async def test_an_assignment_ends(world: World) -> None:
    """By hand, and with the app; the System Log tells of each that was made and undone."""
    group_id = await make(world, "Payments")
    first, second = (world.org.create_app(AppDraft(f"app-{n}")).id for n in range(2))
    for app_id in (first, second):
        await world.admin("PUT", f"/api/v1/apps/{app_id}/groups/{group_id}")
    gone = await world.admin("DELETE", f"/api/v1/apps/{first}/groups/{group_id}")
    assert gone.status_code == 204
    world.org.deactivate_app(second)
    world.org.delete_app(second)
    assert (await world.admin("GET", f"{GROUPS}/{group_id}/apps")).json() == []
    kind = "group.application_assignment."
    told = [each.type for each in world.org.system_log.events() if each.type.startswith(kind)]
    assert told == [f"{kind}add", f"{kind}add", f"{kind}remove"]


async def test_assigning_takes_an_app_and_a_group(world: World) -> None:
    """What is not there is not found."""
    group_id, app_id = await make(world, "Payments"), world.org.create_app(AppDraft("app")).id
    for path in (f"nothing/groups/{group_id}", f"{app_id}/groups/nothing"):
        assert (await world.admin("PUT", f"/api/v1/apps/{path}")).status_code == 404
