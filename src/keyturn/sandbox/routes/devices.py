"""Devices: search, one device, its people, and its lifecycle."""

from keyturn.sandbox import errors, refusals
from keyturn.sandbox.errors import OktaError
from keyturn.sandbox.http import Answer, Json, render_json
from keyturn.sandbox.paging import cut_page
from keyturn.sandbox.routing import Call, Handler, Route
from keyturn.sandbox.scim import (
    BadFilter,
    Comparison,
    Filter,
    find_values,
    list_comparisons,
    parse_filter,
)
from keyturn.sandbox.shapes.apps import render_time
from keyturn.sandbox.shapes.devices import render_device, render_holder
from keyturn.sandbox.shapes.people import render_summary, render_user
from keyturn.sandbox.state.devices import Device, DeviceStep
from keyturn.sandbox.state.org import Org

COLLECTION = "/api/v1/devices"
ONE = COLLECTION + "/{deviceId}"
READ, MANAGE = "okta.devices.read", "okta.devices.manage"
DEFAULT_LIMIT, MAX_USERS = 200, 20
SEARCHED = ("id", "status", "lastUpdated")
CONTAINED = tuple(
    f"profile.{name}" for name in ("displayName", "serialNumber", "imei", "meid", "udid", "sid")
)
PROFILE = frozenset(
    {
        *CONTAINED,
        "profile.platform",
        "profile.manufacturer",
        "profile.model",
        "profile.osVersion",
        "profile.registered",
        "profile.managed",
        "profile.secureHardwarePresent",
        "profile.diskEncryptionType",
        "profile.integrityJailbreak",
        "profile.tpmPublicKeyHash",
    }
)


def list_devices(org: Org, call: Call) -> Answer:
    """Answer with one page of devices that fit a search, with their people when asked."""
    query = call.request.query
    expand = query.get("expand")
    if expand not in (None, "user", "userSummary"):
        raise errors.validation_failed("RequestParams", "expand: Must be one of: user, userSummary")
    found = org.devices.list()
    if query.get("search"):
        wanted = _parse_search(query["search"])
        found = [device for device in found if _fits(device, wanted)]
    page = cut_page(call.request, found, default=DEFAULT_LIMIT, bad_cursor=_bad_cursor)
    body = [_render_listed(org, call, device, expand) for device in page.items]
    return render_json(body, headers=page.links)


def read_device(org: Org, call: Call) -> Answer:
    """Answer with one device; only here with where it came from."""
    device = org.devices.read(call.params["deviceId"])
    shown = render_device(device, call.request.base_url)
    return render_json({**shown, "_embedded": {"originatedFrom": []}})


def delete_device(org: Org, call: Call) -> Answer:
    """Delete a DEACTIVATED device."""
    org.devices.move(call.params["deviceId"], "delete")
    return Answer(204)


def list_users(org: Org, call: Call) -> Answer:
    """Answer with the people of a device, twenty at most."""
    device = org.devices.read(call.params["deviceId"], "GenericUDObject")
    return render_json(_render_users(org, call, device, "user")[:MAX_USERS])


def _step(step: DeviceStep) -> Handler:
    def handle(org: Org, call: Call) -> Answer:
        org.devices.move(call.params["deviceId"], step)
        return Answer(204)

    return handle


# --- search -----------------------------------------------------------------------------------


def _parse_search(text: str) -> Filter:
    try:
        expression = parse_filter(text)
    except BadFilter as error:
        raise refusals.invalid_search(str(error)) from error
    for comparison in list_comparisons(expression):
        _check(comparison)
    return expression


def _check(comparison: Comparison) -> None:
    attribute = comparison.attribute
    if attribute not in SEARCHED and attribute not in PROFILE:
        raise refusals.invalid_search(f"Invalid search attribute '{attribute}'.")
    if comparison.operator == "co" and attribute not in CONTAINED:
        raise refusals.invalid_search(f"Operator 'co' is not supported for '{attribute}'.")


def _fits(device: Device, wanted: Filter) -> bool:
    shown = _fold(
        {
            "id": device.id,
            "status": device.status,
            "lastUpdated": render_time(device.updated_at),
            "profile": device.profile,
        }
    )
    return _fold_filter(wanted).holds(lambda path: find_values(shown, path))


def _fold(value: Json) -> Json:
    """Return a value with its texts in lower case: device searches are told to ignore case."""
    if isinstance(value, str):
        return value.lower()
    return {key: _fold(item) for key, item in value.items()} if isinstance(value, dict) else value


def _fold_filter(expression: Filter) -> Filter:
    return expression.mapped(lambda one: Comparison(one.attribute, one.operator, _fold(one.value)))


def _bad_cursor() -> OktaError:
    return refusals.invalid_search("Invalid cursor.")


# --- showing ----------------------------------------------------------------------------------


def _render_listed(org: Org, call: Call, device: Device, expand: str | None) -> dict[str, Json]:
    shown = render_device(device, call.request.base_url)
    if expand is not None:
        shown["_embedded"] = {"users": _render_users(org, call, device, expand)}
    return shown


def _render_users(org: Org, call: Call, device: Device, expand: str) -> list[dict[str, Json]]:
    render = render_user if expand == "user" else render_summary
    return [
        render_holder(holder, render(org.users[holder.user_id], call.request.base_url))
        for holder in device.users
        if holder.user_id in org.users
    ]


STEPS: tuple[DeviceStep, ...] = ("activate", "deactivate", "suspend", "unsuspend")
ROUTES = (
    Route("GET", COLLECTION, list_devices, "management", "devices", READ),
    Route("GET", ONE, read_device, "management", "devices", READ),
    Route("DELETE", ONE, delete_device, "management", "devices", MANAGE),
    Route("GET", ONE + "/users", list_users, "management", "device-users", READ),
    *(
        Route("POST", f"{ONE}/lifecycle/{step}", _step(step), "management", "devices", MANAGE)
        for step in STEPS
    ),
)
