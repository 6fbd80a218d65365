"""Asking somebody who decides at another device (RFC 8628).

Decides how often the server is asked what came of it: never more often than it wants.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from keyturn.domain.oauth.answers import Fault, NoTokens
from keyturn.domain.oauth.authorization import AuthorizationRequest
from keyturn.domain.oauth.provider import URL
from keyturn.domain.sensitive import Sensitive

INTERVAL_S = 5
"""Between two questions, where the server names no time (3.5), and added when it is too little."""
LIFETIME_MAX_S = 1800
PRINTED = r"[ -~]{1,2048}"


@dataclass(frozen=True)
class DeviceStart:
    """What somebody is told, and what the server is asked about (3.2).

    ``complete`` is the address with the code already in it, where the server gives one.
    """

    device_code: Sensitive
    user_code: str = field(repr=False)
    address: str
    complete: str
    lifetime_s: int
    interval_s: int


def read_start(told: Mapping[str, object]) -> DeviceStart | None:
    """Return what a device authorization answer says; None where it is none."""
    code, user_code = _text(told, "device_code", PRINTED), _text(told, "user_code", PRINTED)
    address = _text(told, "verification_uri", URL) or _text(told, "verification_url", URL)
    if not (code and user_code and address):
        return None
    return DeviceStart(
        Sensitive(code),
        user_code,
        address,
        _text(told, "verification_uri_complete", URL),
        _seconds(told.get("expires_in"), 600, LIFETIME_MAX_S),
        _seconds(told.get("interval"), INTERVAL_S, 300),
    )


def askable(request: AuthorizationRequest, now: datetime) -> bool:
    """Say whether the server may be asked now what came of it."""
    pause = timedelta(seconds=request.interval_s)
    return request.asked_at is None or now >= request.asked_at + pause


def asked(request: AuthorizationRequest, now: datetime) -> AuthorizationRequest:
    """Return it asked about now."""
    return replace(request, asked_at=now)


def slowed(request: AuthorizationRequest, answer: NoTokens) -> AuthorizationRequest:
    """Return it asked about more rarely, where the server said so or gave no answer (3.5)."""
    if answer.fault is Fault.SLOW_DOWN:
        return replace(request, interval_s=request.interval_s + INTERVAL_S)
    if answer.fault is Fault.AWAY:
        longer = max(request.interval_s, min(60, request.interval_s * 2))
        return replace(request, interval_s=longer)
    return request


def _text(told: Mapping[str, object], member: str, pattern: str) -> str:
    """Return a member that can be shown or sent: a browser follows such an address."""
    text = told.get(member)
    return text if isinstance(text, str) and re.fullmatch(pattern, text) else ""


def _seconds(told: object, otherwise: int, most: int) -> int:
    if isinstance(told, bool) or not isinstance(told, int | float):
        return otherwise
    return int(min(most, told)) if told >= 1 else otherwise
