"""How somebody at another device is waited for, never more impatiently than the server wants."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from keyturn.domain.ids import OAuthConnectionId
from keyturn.domain.oauth.answers import Fault, NoTokens
from keyturn.domain.oauth.authorization import AuthorizationRequest
from keyturn.domain.oauth.device import DeviceStart, askable, asked, read_start, slowed
from keyturn.domain.sensitive import Sensitive

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
TOLD: dict[str, object] = {
    "device_code": "d",
    "user_code": "WDJB-MJHT",
    "verification_uri": "https://as.example/device",
    "verification_uri_complete": "https://as.example/device?user_code=WDJB-MJHT",
    "expires_in": 1799,
    "interval": 7,
}
START = DeviceStart(
    Sensitive("d"),
    "WDJB-MJHT",
    "https://as.example/device",
    "https://as.example/device?user_code=WDJB-MJHT",
    1799,
    7,
)
REQUEST = AuthorizationRequest(
    "r", OAuthConnectionId("c"), b"", b"", "", (), NOW, NOW + 600 * SECOND, b"", interval_s=5
)


def test_a_whole_answer_is_read_whole() -> None:
    """Every member of RFC 8628 (3.2) arrives, and neither code is in a repr."""
    assert read_start(TOLD) == START
    assert "WDJB" not in repr(replace(START, complete=""))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"verification_uri_complete": None}, replace(START, complete="")),
        ({"verification_uri_complete": "javascript:1"}, replace(START, complete="")),
        (
            {"verification_uri": None, "verification_url": "https://as.example/d"},
            replace(START, address="https://as.example/d"),
        ),
        ({"verification_url": "https://as.example/d"}, START),
    ],
)
def test_what_may_be_missing_is_done_without(
    changes: dict[str, object], expected: DeviceStart
) -> None:
    """The address is also found under the name that drafts had for it."""
    assert read_start(TOLD | changes) == expected


@pytest.mark.parametrize(
    ("told", "lifetime_s", "interval_s"),
    [
        (None, 600, 5),
        (0, 600, 5),
        (-1, 600, 5),
        (0.9, 600, 5),
        (1, 1, 1),
        (7.9, 7, 7),
        (300, 300, 300),
        (301, 301, 300),
        (1800, 1800, 300),
        (1801, 1800, 300),
        (10**400, 1800, 300),
        (float("inf"), 1800, 300),
        (float("nan"), 600, 5),
        (True, 600, 5),
        ("7", 600, 5),
        ([7], 600, 5),
    ],
)
def test_times_are_kept_within_reason(told: object, lifetime_s: int, interval_s: int) -> None:
    """Five seconds where nothing is said (RFC 8628, 3.2), and nobody waits for ever."""
    start = read_start(TOLD | {"expires_in": told, "interval": told})
    assert start == replace(START, lifetime_s=lifetime_s, interval_s=interval_s)


@pytest.mark.parametrize("member", ["device_code", "user_code", "verification_uri"])
@pytest.mark.parametrize("told", [None, "", 1, ["d"], "é", "a\nb", "\ud800", "a" * 2049])
def test_an_answer_without_its_codes_is_none(member: str, told: object) -> None:
    """Nor is one whose codes or address could not be shown or sent."""
    assert read_start(TOLD | {member: told}) is None


@pytest.mark.parametrize("told", ["javascript:alert(1)", "as.example/device", "data:x", "//a"])
def test_an_address_is_one_that_a_browser_may_follow(told: str) -> None:
    """What a server says becomes a link."""
    assert read_start(TOLD | {"verification_uri": told}) is None


def test_codes_may_be_long() -> None:
    """Up to a limit that nobody can read out."""
    longest = "d" * 2048
    start = read_start(TOLD | {"device_code": longest})
    assert start == replace(START, device_code=Sensitive(longest))


def test_the_server_is_asked_after_its_interval() -> None:
    """The first question may come at once (RFC 8628, 3.5)."""
    once = asked(REQUEST, NOW)
    assert once == replace(REQUEST, asked_at=NOW)
    assert askable(REQUEST, NOW)
    assert not askable(once, NOW + 5 * SECOND - SECOND / 2)
    assert askable(once, NOW + 5 * SECOND)


@pytest.mark.parametrize(
    ("fault", "before_s", "after_s"),
    [
        (Fault.SLOW_DOWN, 5, 10),
        (Fault.SLOW_DOWN, 300, 305),
        (Fault.AWAY, 5, 10),
        (Fault.AWAY, 40, 60),
        (Fault.AWAY, 60, 60),
        (Fault.AWAY, 300, 300),
        *((fault, 5, 5) for fault in Fault if fault not in {Fault.SLOW_DOWN, Fault.AWAY}),
    ],
)
def test_a_server_that_has_enough_is_asked_more_rarely(
    fault: Fault, before_s: int, after_s: int
) -> None:
    """By five seconds where it says so, and exponentially where it gave no answer (3.5)."""
    before = replace(REQUEST, interval_s=before_s)
    assert slowed(before, NoTokens(fault, 400)) == replace(before, interval_s=after_s)
