"""Devices: search, links by status, lifecycle, their people."""

import pytest
from sandbox_kit import BASE, World, okta_error, without_id

from keyturn.sandbox.state.devices import Device, DeviceStep

pytestmark = pytest.mark.anyio

DEVICES = "/api/v1/devices"


def first(world: World) -> Device:
    """Return the first seeded device: ACTIVE, with one person."""
    return world.org.devices.list()[0]


async def allowed(world: World) -> dict[str, list[str]]:
    """Return the links of the first device with the methods that they allow."""
    body = (await world.admin("GET", f"{DEVICES}/{first(world).id}")).json()
    return {name: link["hints"]["allow"] for name, link in body["_links"].items()}


async def test_one_device(world: World) -> None:
    """All members in the recorded order; only here with where it came from."""
    device = first(world)
    body = (await world.admin("GET", f"{DEVICES}/{device.id}")).json()
    assert list(body) == [
        *("id", "status", "created", "lastUpdated", "profile", "resourceType"),
        *("resourceDisplayName", "resourceAlternateId", "resourceId", "_links", "_embedded"),
    ]
    assert (body["id"][:3], body["resourceId"], body["resourceType"]) == (
        "guo",
        device.id,
        "UDDevice",
    )
    assert body["resourceDisplayName"] == {"value": "Una's laptop", "sensitive": False}
    assert body["resourceAlternateId"] is None
    assert body["_embedded"] == {"originatedFrom": []}


@pytest.mark.parametrize(
    ("steps", "links"),
    [
        (
            (),
            {
                "suspend": ["POST"],
                "self": ["GET", "PATCH", "PUT"],
                "users": ["GET"],
                "deactivate": ["POST"],
            },
        ),
        (
            ("suspend",),
            {
                "unsuspend": ["POST"],
                "self": ["GET", "PATCH", "PUT"],
                "users": ["GET"],
                "deactivate": ["POST"],
            },
        ),
        (("deactivate",), {"activate": ["POST"], "self": ["GET", "DELETE"]}),
    ],
)
async def test_links_follow_the_status(
    world: World, steps: tuple[DeviceStep, ...], links: dict[str, list[str]]
) -> None:
    """Each status offers its own steps; a DEACTIVATED device has no users link."""
    for step in steps:
        world.org.devices.move(first(world).id, step)
    found = await allowed(world)
    assert found == links
    assert list(found) == list(links)


async def test_lifecycle(world: World) -> None:
    """Every step answers 204 with nothing; deactivation takes the device from its people."""
    path = f"{DEVICES}/{first(world).id}"
    seen = []
    for step in ("suspend", "unsuspend", "suspend", "deactivate", "activate", "deactivate"):
        answer = await world.admin("POST", f"{path}/lifecycle/{step}")
        assert (answer.status_code, answer.content) == (204, b"")
        seen.append(first(world).status)
    steady = ["SUSPENDED", "ACTIVE", "SUSPENDED", "DEACTIVATED", "ACTIVE", "DEACTIVATED"]
    assert seen == steady
    assert first(world).users == ()
    assert (await world.admin("DELETE", path)).status_code == 204
    assert (await world.admin("GET", path)).status_code == 404


@pytest.mark.parametrize(
    ("before", "refused"),
    [
        ((), ("activate", "unsuspend")),
        (("suspend",), ("suspend", "activate")),
        (("deactivate",), ("suspend", "unsuspend", "deactivate")),
    ],
)
async def test_wrong_status(
    world: World, before: tuple[DeviceStep, ...], refused: tuple[str, ...]
) -> None:
    """A step that the status does not allow is 403 E0000152, and nothing changes."""
    for step in before:
        world.org.devices.move(first(world).id, step)
    status = first(world).status
    for name in refused:
        answer = await world.admin("POST", f"{DEVICES}/{first(world).id}/lifecycle/{name}")
        summary = "Illegal device status, cannot perform action."
        assert answer.status_code == 403
        assert without_id(answer) == okta_error("E0000152", summary)
    assert first(world).status == status


async def test_only_deactivated_devices_are_deleted(world: World) -> None:
    """DELETE of any other device is refused."""
    answer = await world.admin("DELETE", f"{DEVICES}/{first(world).id}")
    assert (answer.status_code, answer.json()["errorCode"]) == (403, "E0000152")


@pytest.mark.parametrize(
    ("method", "tail", "kind"),
    [
        ("GET", "", "Device"),
        ("DELETE", "", "Device"),
        ("POST", "/lifecycle/suspend", "Device"),
        ("GET", "/users", "GenericUDObject"),
    ],
)
async def test_unknown_device(world: World, method: str, tail: str, kind: str) -> None:
    """An id that names no device is 404; the users call it by another name."""
    answer = await world.admin(method, f"{DEVICES}/guonone{tail}")
    summary = f"Not found: Resource not found: guonone ({kind})"
    assert answer.status_code == 404
    assert without_id(answer) == okta_error("E0000007", summary)


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ('status eq "suspended"', ["DESKTOP-EXAMPLE"]),
        ('profile.displayName co "UNA"', ["Una's laptop", "Una's phone"]),
        (
            'profile.platform eq "ANDROID" or profile.sid sw "S-1"',
            ["Una's phone", "DESKTOP-EXAMPLE"],
        ),
        ("profile.registered eq false", ["DESKTOP-EXAMPLE"]),
        ('lastUpdated gt "2026-03-01T13:00:00.000Z"', []),
        (
            'lastUpdated ge "2026-03-01T12:00:00.000Z" and status ne "SUSPENDED"',
            [
                "Una's laptop",
                "Una's phone",
            ],
        ),
    ],
)
async def test_search(world: World, search: str, found: list[str]) -> None:
    """SCIM expressions over id, status, lastUpdated and the profile, without regard to case."""
    answer = await world.admin("GET", DEVICES, params={"search": search})
    assert [device["profile"]["displayName"] for device in answer.json()] == found


@pytest.mark.parametrize(
    "search", ['profile.platform co "AND"', 'created gt "2026"', "status is", "status eq"]
)
async def test_search_that_is_not_supported(world: World, search: str) -> None:
    """`co` on other members, other attributes and unreadable expressions are refused."""
    answer = await world.admin("GET", DEVICES, params={"search": search})
    assert answer.status_code == 400
    assert answer.json()["errorSummary"] == "Invalid search criteria."
    assert answer.json()["errorCode"] == "E0000031"


async def test_pages(world: World) -> None:
    """The default page says 200; pages go on by the last id; a foreign cursor is refused."""
    whole = await world.admin("GET", DEVICES)
    assert whole.headers.get_list("link") == [f'<{BASE}{DEVICES}?limit=200>; rel="self"']
    page = await world.admin("GET", f"{DEVICES}?limit=2")
    last = page.json()[-1]["id"]
    follow = f'<{BASE}{DEVICES}?after={last}&limit=2>; rel="next"'
    assert page.headers.get_list("link")[1] == follow
    rest = await world.admin("GET", f"{DEVICES}?limit=2&after={last}")
    assert [device["status"] for device in rest.json()] == ["SUSPENDED"]
    refused = await world.admin("GET", f"{DEVICES}?after=junk")
    error = okta_error("E0000031", "Invalid search criteria.", "Invalid cursor.")
    assert (refused.status_code, without_id(refused)) == (400, error)


@pytest.mark.parametrize("expand", ["user", "userSummary"])
async def test_people_in_the_list(world: World, expand: str) -> None:
    """Devices are listed with their people, whole or in short, when asked."""
    devices = (await world.admin("GET", f"{DEVICES}?expand={expand}")).json()
    (held,) = devices[0]["_embedded"]["users"]
    assert held["managementStatus"] == "NOT_MANAGED"
    assert held["user"]["profile"]["login"] == "user@example.com"
    assert ("credentials" in held["user"]) == (expand == "user")
    assert devices[2]["_embedded"] == {"users": []}
    assert "_embedded" not in (await world.admin("GET", DEVICES)).json()[0]


async def test_twenty_people_at_most(world: World) -> None:
    """The list of a device's people ends at twenty."""
    device = first(world)
    for number in range(25):
        user = world.org.create_user(f"u{number}@example.com", "U", str(number))
        world.org.devices.add_user(device.id, user.id)
    answer = await world.admin("GET", f"{DEVICES}/{device.id}/users")
    assert len(answer.json()) == 20
    assert answer.json()[0]["user"]["id"] == world.org.seeded.user_id


async def test_devices_of_a_person(world: World) -> None:
    """A person's devices are listed, until they are taken away."""
    path = f"/api/v1/users/{world.org.seeded.user_id}/devices"
    held = (await world.admin("GET", path)).json()
    assert [one["device"]["profile"]["displayName"] for one in held] == [
        "Una's laptop",
        "Una's phone",
    ]
    world.org.devices.remove_user(first(world).id, world.org.seeded.user_id)
    assert len((await world.admin("GET", path)).json()) == 1


@pytest.mark.parametrize("missing", ["displayName", "platform", "registered"])
async def test_a_device_needs_a_name_a_platform_and_a_registration(
    world: World, missing: str
) -> None:
    """What Okta's schema requires cannot be left out at the console either."""
    profile: dict[str, str | bool | None] = {"displayName": "x", "platform": "IOS"}
    profile |= {"registered": True, missing: None}
    with pytest.raises(Exception, match=missing):
        world.org.devices.create(profile)


async def test_a_device_begins_created(world: World) -> None:
    """A device enrolled without a status is CREATED and can only be activated."""
    profile = {"displayName": "Pad", "platform": "IOS", "registered": True}
    device = world.org.devices.create(profile)
    path = f"{DEVICES}/{device.id}"
    links = (await world.admin("GET", path)).json()["_links"]
    assert list(links) == ["activate", "self", "users"]
    assert (await world.admin("POST", f"{path}/lifecycle/deactivate")).status_code == 403
    assert (await world.admin("POST", f"{path}/lifecycle/activate")).status_code == 204
