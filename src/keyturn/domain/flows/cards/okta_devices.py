"""Cards on the devices of an Okta org, on connections of the connector `okta-devices`."""

from typing import Final

from keyturn.domain.flows.cards.org_calls import OrgCall, OrgCard, OrgFamily
from keyturn.domain.flows.spec import Input
from keyturn.domain.flows.values import Kind
from keyturn.domain.oauth.connectors import OKTA_DEVICES

FIRST, LIMITED, ALL = "first", "limited", "all"
_DEVICES: Final = OrgFamily("okta_devices", OKTA_DEVICES.name)
_AT: Final = "/api/v1/devices"
_ONE: Final = _AT + "/{device}"
_DEVICE: Final = Input("device", Kind.TEXT, "The device's id.")
_READ, _MANAGE = "okta.devices.read", "okta.devices.manage"
_ID: Final = "guo0123456789abcdef0"
_STEPS: Final = (
    ("activate", "Activate a device that was created or deactivated."),
    ("deactivate", "Deactivate a device; it is taken from its users."),
    ("suspend", "Suspend an active device."),
    ("unsuspend", "Let a suspended device be used again."),
)


def _step(step: str, doc: str) -> OrgCard:
    call = OrgCall("POST", f"{_ONE}/lifecycle/{step}")
    return _DEVICES.changes(step, doc, call, _DEVICE, scope=_MANAGE, device=_ID)


KNOWN: Final = (
    _DEVICES.reads(
        "read",
        "Read a device.",
        OrgCall("GET", _ONE, gives="device"),
        _DEVICE,
        scope=_READ,
        device=_ID,
    ),
    _DEVICES.lists(
        "search",
        "List the devices that a search fits, or all.",
        OrgCall("GET", _AT, {"search": "search", "expand": "expand"}, pages=True),
        Input("search", Kind.TEXT, 'A SCIM expression, as in status eq "ACTIVE".', required=False),
        Input(
            "expand",
            Kind.TEXT,
            "Whether each comes with its users, in whole or in short.",
            required=False,
            options=("user", "userSummary"),
        ),
        Input(
            "results",
            Kind.TEXT,
            "The first device, up to `limit` of them, or all.",
            required=False,
            default=LIMITED,
            options=(FIRST, LIMITED, ALL),
        ),
        scope=_READ,
        search='profile.platform eq "WINDOWS"',
        results=ALL,
    ),
    _DEVICES.reads(
        "list_device_users",
        "List the users of a device, twenty at most.",
        OrgCall("GET", f"{_ONE}/users", gives="records"),
        _DEVICE,
        scope=_READ,
        device=_ID,
    ),
    *(_step(step, doc) for step, doc in _STEPS),
    _DEVICES.changes(
        "delete",
        "Delete a device that is deactivated.",
        OrgCall("DELETE", _ONE),
        _DEVICE,
        scope=_MANAGE,
        device=_ID,
    ),
    _DEVICES.anything("/api/v1/devices"),
    _DEVICES.streams("/api/v1/devices"),
)
CARDS: Final = tuple(each.spec for each in KNOWN)
