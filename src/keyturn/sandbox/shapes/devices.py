"""How devices look in answers, member order and links as recorded."""

from keyturn.sandbox.http import Json
from keyturn.sandbox.shapes.apps import render_time
from keyturn.sandbox.state.devices import Device, DeviceStatus, DeviceUser

LINKS: dict[DeviceStatus, tuple[str, ...]] = {
    "CREATED": ("activate", "self", "users"),
    "ACTIVE": ("suspend", "self", "users", "deactivate"),
    "SUSPENDED": ("unsuspend", "self", "users", "deactivate"),
    "DEACTIVATED": ("activate", "self"),
}


def render_holder(holder: DeviceUser, user: dict[str, Json]) -> dict[str, Json]:
    """Return a person as the holder of a device."""
    return {
        "created": render_time(holder.created_at),
        "managementStatus": "MANAGED" if holder.managed else "NOT_MANAGED",
        "screenLockType": holder.screen_lock,
        "user": user,
    }


def render_held(device: Device, holder: DeviceUser, base_url: str) -> dict[str, Json]:
    """Return a device as the one that a person holds."""
    return {
        "created": render_time(holder.created_at),
        "deviceUserId": holder.id,
        "device": render_device(device, base_url),
    }


def render_device(device: Device, base_url: str) -> dict[str, Json]:
    """Return a device with the links that its status allows."""
    return {
        "id": device.id,
        "status": device.status,
        "created": render_time(device.created_at),
        "lastUpdated": render_time(device.updated_at),
        "profile": device.profile,
        "resourceType": "UDDevice",
        "resourceDisplayName": {"value": device.name, "sensitive": False},
        "resourceAlternateId": None,
        "resourceId": device.id,
        "_links": _links(device, f"{base_url}/api/v1/devices/{device.id}"),
    }


def _links(device: Device, href: str) -> dict[str, Json]:
    whole = ["GET", "DELETE"] if device.status == "DEACTIVATED" else ["GET", "PATCH", "PUT"]
    links: dict[str, Json] = {}
    for name in LINKS[device.status]:
        if name == "self":
            links[name] = {"href": href, "hints": {"allow": whole}}
        elif name == "users":
            links[name] = {"href": f"{href}/users", "hints": {"allow": ["GET"]}}
        else:
            links[name] = {"href": f"{href}/lifecycle/{name}", "hints": {"allow": ["POST"]}}
    return links
