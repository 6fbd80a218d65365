"""The Okta Devices connector, as its own page has it, from the first grant to the last device.

Judged by the org: which devices are in which status there.
"""

from collections.abc import AsyncIterator

import pytest
from cards_kit import DEVICES, Workshop, workshop_at_the_org

from keyturn.domain.flows.failures import Failure

READ, MANAGE = "okta.devices.read", "okta.devices.manage"
AUTOMATIC = ("openid", "offline_access")


@pytest.fixture
async def it() -> AsyncIterator[Workshop]:
    """Have an org be the service that flows ask."""
    async with workshop_at_the_org() as made:
        yield made


def first(it: Workshop) -> str:
    """Return the id of an active device."""
    return next(each.id for each in it.rig.org.devices.list() if each.status == "ACTIVE")


def status(it: Workshop, device: str) -> str:
    """Return what the org itself says of a device."""
    return it.rig.org.devices.read(device).status


async def test_a_device_is_suspended_and_read_back(it: Workshop) -> None:
    """With the connector's default scopes, each card does at the org what its name says."""
    await it.connect("devices", it.app(*DEVICES))
    device = first(it)
    for step, after in (
        ("suspend", "SUSPENDED"),
        ("unsuspend", "ACTIVE"),
        ("deactivate", "DEACTIVATED"),
        ("activate", "ACTIVE"),
    ):
        done = await it.given(f"okta_devices.{step}", "devices", device=device)
        assert (done, status(it, device)) == ({"status": 204}, after)
        told = await it.given("okta_devices.read", "devices", device=device)
        assert (told["device"]["id"], told["device"]["status"]) == (device, after)


async def test_a_deactivated_device_is_deleted(it: Workshop) -> None:
    """An active one is not: what Okta says is the card's failure, with its status."""
    await it.connect("devices", it.app(*DEVICES))
    device = first(it)
    failure = await it.failed("okta_devices.delete", "devices", device=device)
    assert (failure.kind, failure.status) == (Failure.HTTP, 403)
    assert isinstance(failure.body, dict)
    assert failure.body["errorCode"] == "E0000152"
    await it.given("okta_devices.deactivate", "devices", device=device)
    assert await it.given("okta_devices.delete", "devices", device=device) == {"status": 204}
    gone = await it.failed("okta_devices.read", "devices", device=device)
    assert (gone.kind, gone.status) == (Failure.HTTP, 404)


async def test_an_ungranted_scope_is_named_by_the_card_that_needs_it(it: Workshop) -> None:
    """The connection is made without it; granted and authorized again, the same card works."""
    app = it.app(READ)
    one = await it.connect("devices", app)
    device = first(it)
    assert MANAGE not in one.granted
    assert (await it.given("okta_devices.read", "devices", device=device))["device"]["id"] == device
    failure = await it.failed("okta_devices.suspend", "devices", device=device)
    assert (failure.kind, failure.status, failure.card) == (Failure.SCOPE, 403, "c1")
    assert f"devices was not granted {MANAGE}." in failure.message
    assert "Okta API Scopes" in failure.message
    assert "keyturn connection authorize devices" in failure.message
    assert "connection update" not in failure.message
    assert status(it, device) == "ACTIVE"
    it.grant(app, MANAGE)
    assert (await it.failed("okta_devices.suspend", "devices", device=device)).kind is Failure.SCOPE
    await it.authorize(one)
    await it.given("okta_devices.suspend", "devices", device=device)
    assert status(it, device) == "SUSPENDED"


async def test_a_scope_that_was_not_asked_for_is_to_be_asked_for(it: Workshop) -> None:
    """Customized scopes leave one out: the failure says where it is put in."""
    await it.connect("devices", it.app(*DEVICES), scopes=(*AUTOMATIC, READ))
    failure = await it.failed("okta_devices.suspend", "devices", device=first(it))
    assert failure.kind is Failure.SCOPE
    assert "keyturn connection update devices" in failure.message


@pytest.mark.parametrize(
    ("given", "count", "truncated"),
    [
        ({"results": "first"}, 1, True),
        ({"limit": 5}, 5, True),
        ({"limit": 5, "page_size": 2}, 5, True),
        ({"results": "all", "page_size": 2}, 9, False),
        ({"results": "all", "search": 'profile.platform eq "LINUX"'}, 6, False),
    ],
    ids=str,
)
async def test_result_set_options(
    it: Workshop, given: dict[str, object], count: int, truncated: object
) -> None:
    """The first device, some of them, or all: pages are followed as far as that takes."""
    for number in range(6):
        profile = {"displayName": f"d{number}", "platform": "LINUX", "registered": True}
        it.rig.org.devices.create(profile)
    await it.connect("devices", it.app(READ))
    told = await it.given("okta_devices.search", "devices", **given)
    assert (len(told["records"]), told["count"], told["truncated"]) == (count, count, truncated)
    assert len({each["id"] for each in told["records"]}) == count


async def test_the_users_of_a_device(it: Workshop) -> None:
    """They come as a list, and with a search where it is asked to bring them along."""
    await it.connect("devices", it.app(READ))
    told = await it.given("okta_devices.list_device_users", "devices", device=first(it))
    assert [each["user"]["id"] for each in told["records"]] == [it.rig.org.seeded.user_id]
    found = await it.given("okta_devices.search", "devices", expand="userSummary")
    assert found["records"][0]["_embedded"]["users"]


@pytest.mark.parametrize("device", ["", "..", "a/../b", "guo 1?x=#y"])
async def test_an_id_is_one_part_of_a_path(it: Workshop, device: str) -> None:
    """Whatever a flow is given for an id, it asks for no other thing at the org."""
    await it.connect("devices", it.app(*DEVICES))
    it.rig.calls()
    failure = await it.failed("okta_devices.read", "devices", device=device)
    paths = [each["path"] for each in it.rig.calls()]
    assert (failure.kind, paths == []) in {(Failure.INPUT, True), (Failure.HTTP, False)}
    assert all(path.startswith("/api/v1/devices/") for path in paths)


async def test_any_call_to_the_orgs_api(it: Workshop) -> None:
    """A path on the connection's domain, by any method, with a query."""
    await it.connect("devices", it.app(*DEVICES))
    one = {"method": "GET", "path": "/api/v1/devices", "query": {"limit": 1}}
    told = await it.given("okta_devices.custom_api_action", "devices", **one)
    assert (told["status"], len(told["body"])) == (200, 1)
    path = f"/api/v1/devices/{first(it)}/lifecycle/suspend"
    done = await it.given("okta_devices.custom_api_action", "devices", method="POST", path=path)
    assert (done["status"], done["body"]) == (204, None)
    for path in ("https://evil.example.com/", "//evil.example.com/", "api", "/a/../../b"):
        failure = await it.failed(
            "okta_devices.custom_api_action", "devices", method="GET", path=path
        )
        assert failure.kind is Failure.INPUT
