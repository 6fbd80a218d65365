"""What waits for a person: pushed authorization requests, device codes, and consents given."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

PUSHED_LIFETIME = timedelta(hours=1)
DEVICE_LIFETIME = timedelta(minutes=10)
POLL_INTERVAL_S = 5
Decision = Literal["pending", "approved", "denied"]


@dataclass(frozen=True, slots=True)
class PushedRequest:
    """One authorization request sent ahead (RFC 9126)."""

    uri: str
    client_id: str
    server: str | None
    fields: Mapping[str, str]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """One device that waits for somebody to approve it (RFC 8628)."""

    value: str = field(repr=False)
    user_code: str
    client_id: str
    server: str | None
    scopes: tuple[str, ...]
    expires_at: datetime
    interval_s: int = POLL_INTERVAL_S
    polled_at: datetime | None = None
    decision: Decision = "pending"
    user_id: str = ""
    decided_at: datetime | None = None


class Interactions:
    """Keeps what waits until it is used or over."""

    def __init__(self) -> None:
        self._pushed: dict[str, PushedRequest] = {}
        self._devices: dict[str, DeviceCode] = {}
        self._consents: set[tuple[str, str, str, str]] = set()

    # --- pushed requests ----------------------------------------------------------------------

    def push(self, request: PushedRequest) -> None:
        """Keep a request until it is used."""
        self._pushed[request.uri] = request

    def find_pushed(self, uri: str, now: datetime) -> PushedRequest | None:
        """Return a request that is neither used nor over, or None."""
        request = self._pushed.get(uri)
        return None if request is None or now >= request.expires_at else request

    def use_pushed(self, uri: str) -> None:
        """Use a request up."""
        self._pushed.pop(uri, None)

    # --- device codes -------------------------------------------------------------------------

    def store_device(self, code: DeviceCode) -> None:
        """Keep a device code, in place of its earlier state."""
        self._devices[code.value] = code

    def find_device(self, value: str) -> DeviceCode | None:
        """Return a device code, also one that is over, or None."""
        return self._devices.get(value)

    def find_user_code(self, user_code: str, now: datetime) -> DeviceCode | None:
        """Return the undecided device code that a person typed, or None."""
        typed = user_code.replace("-", "").strip().upper()
        for code in self._devices.values():
            if code.user_code == typed and code.decision == "pending" and now < code.expires_at:
                return code
        return None

    def decide(self, code: DeviceCode, user_id: str, now: datetime, *, approve: bool) -> None:
        """Note what a person decided about a device."""
        decision: Decision = "approved" if approve else "denied"
        self.store_device(replace(code, decision=decision, user_id=user_id, decided_at=now))

    def use_device(self, value: str) -> None:
        """Forget a device code whose tokens were given out."""
        self._devices.pop(value, None)

    # --- consents -----------------------------------------------------------------------------

    def consent(self, user_id: str, client_id: str, server: str, scopes: Iterable[str]) -> None:
        """Note that a person let a client have scopes of a server."""
        self._consents.update((user_id, client_id, server, scope) for scope in scopes)

    def consented(self, user_id: str, client_id: str, server: str, scope: str) -> bool:
        """Tell whether a person let a client have a scope before."""
        return (user_id, client_id, server, scope) in self._consents
