"""The devices of an org: their statuses, their people, and which step each status allows.

Knows neither HTTP nor how a device is shown.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from keyturn.sandbox import errors, refusals
from keyturn.sandbox.http import Json
from keyturn.sandbox.state.chance import Mint
from keyturn.sandbox.state.people import Tell
from keyturn.sandbox.state.systemlog import NOBODY, Party
from keyturn.sandbox.state.timeline import Timeline

DeviceStatus = Literal["CREATED", "ACTIVE", "SUSPENDED", "DEACTIVATED", "DELETED"]
DeviceStep = Literal["activate", "deactivate", "suspend", "unsuspend", "delete"]

STEPS: dict[DeviceStep, tuple[tuple[DeviceStatus, ...], DeviceStatus]] = {
    "activate": (("CREATED", "DEACTIVATED"), "ACTIVE"),
    "deactivate": (("ACTIVE", "SUSPENDED"), "DEACTIVATED"),
    "suspend": (("ACTIVE",), "SUSPENDED"),
    "unsuspend": (("SUSPENDED",), "ACTIVE"),
    "delete": (("DEACTIVATED",), "DELETED"),
}
# None is CREATED: Okta's own SDKs do not know that status.
EXAMPLES: tuple[tuple[DeviceStatus, dict[str, Json]], ...] = (
    (
        "ACTIVE",
        {
            "displayName": "Una's laptop",
            "platform": "MACOS",
            "manufacturer": "Apple Inc.",
            "model": "Mac15,6",
            "osVersion": "14.6.0",
            "serialNumber": "C02EXAMPLE01",
            "udid": "7A2E8E6C-1C6B-5B1D-9C0B-2F5D6A1E0C01",
            "registered": True,
            "secureHardwarePresent": True,
            "diskEncryptionType": "ALL_INTERNAL_VOLUMES",
        },
    ),
    (
        "ACTIVE",
        {
            "displayName": "Una's phone",
            "platform": "ANDROID",
            "manufacturer": "Google",
            "model": "Pixel 8",
            "osVersion": "14:2024-07-05",
            "imei": "350000000000016",
            "registered": True,
            "secureHardwarePresent": True,
            "diskEncryptionType": "USER",
        },
    ),
    (
        "SUSPENDED",
        {
            "displayName": "DESKTOP-EXAMPLE",
            "platform": "WINDOWS",
            "manufacturer": "International Corp",
            "model": "VMware7,1",
            "osVersion": "10.0.19045",
            "serialNumber": "EXAMPLE-0003",
            "sid": "S-1-5-21-1000000001-1000000002-1000000003-500",
            "registered": False,
            "secureHardwarePresent": False,
            "diskEncryptionType": "NONE",
        },
    ),
)


@dataclass(frozen=True, slots=True)
class DeviceUser:
    """One person who uses a device."""

    id: str
    user_id: str
    created_at: datetime
    managed: bool = False
    screen_lock: str = "BIOMETRIC"


@dataclass(frozen=True, slots=True)
class Device:
    """One device; `profile` holds its members in Okta's names."""

    id: str
    status: DeviceStatus
    created_at: datetime
    updated_at: datetime
    profile: Mapping[str, Json]
    users: tuple[DeviceUser, ...] = field(default=())

    @property
    def name(self) -> str:
        """Return the name that people know it by."""
        return str(self.profile.get("displayName", ""))

    @property
    def party(self) -> Party:
        """Return how it appears in the System Log."""
        return Party(self.id, "UDDevice", self.name, self.name)


class Devices:
    """All devices, with their recent past."""

    def __init__(self, mint: Mint, now: Callable[[], datetime], tell: Tell) -> None:
        self._mint, self._now, self._tell = mint, now, tell
        self._devices: Timeline[Device] = Timeline(now)

    def seed(self, user_id: str) -> None:
        """Make the example devices, the ACTIVE ones in the hands of one person."""
        for status, profile in EXAMPLES:
            device = self.create(profile, status=status)
            if status == "ACTIVE":
                self.add_user(device.id, user_id)

    def read(self, device_id: str, kind: str = "Device") -> Device:
        """Return a device; OktaError, which calls it `kind`, when there is none."""
        device = self._devices.get(device_id)
        if device is None or device.status == "DELETED":
            raise errors.not_found(device_id, kind)
        return device

    def list(self) -> list[Device]:
        """Return all devices that exist, oldest first."""
        return [device for device in self._devices.values() if device.status != "DELETED"]

    def create(self, profile: Mapping[str, Json], *, status: DeviceStatus = "CREATED") -> Device:
        """Enrol a device; OktaError without a name, a platform and whether it is registered."""
        for name in ("displayName", "platform", "registered"):
            if profile.get(name) is None:
                raise errors.validation_failed(name, f"{name}: The field cannot be left blank")
        now = self._now()
        device = self._save(Device(self._mint.issue_id("guo"), status, now, now, profile))
        self._tell("device.enrollment.create", NOBODY, device.party)
        return device

    def move(self, device_id: str, step: DeviceStep) -> Device:
        """Take a step of the lifecycle; OktaError when the status does not allow it."""
        device = self.read(device_id)
        allowed, status = STEPS[step]
        if device.status not in allowed:
            raise refusals.device_state()
        users = () if status in ("DEACTIVATED", "DELETED") else device.users
        moved = self._save(replace(device, status=status, users=users, updated_at=self._now()))
        self._tell(f"device.lifecycle.{step}", NOBODY, moved.party)
        return moved

    def add_user(self, device_id: str, user_id: str, *, managed: bool = False) -> Device:
        """Put a device into a person's hands."""
        user = DeviceUser(self._mint.issue_id("lnk"), user_id, self._now(), managed)
        return self._share(device_id, user_id, (user,), "device.user.add")

    def remove_user(self, device_id: str, user_id: str) -> Device:
        """Take a device from a person."""
        return self._share(device_id, user_id, (), "device.user.remove")

    def _share(
        self, device_id: str, user_id: str, now: tuple[DeviceUser, ...], kind: str
    ) -> Device:
        device = self.read(device_id)
        others = tuple(user for user in device.users if user.user_id != user_id)
        changed = self._save(replace(device, users=(*others, *now), updated_at=self._now()))
        self._tell(kind, NOBODY, changed.party, Party(user_id, "User"))
        return changed

    def _save(self, device: Device) -> Device:
        self._devices[device.id] = device
        return device
