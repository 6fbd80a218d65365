"""Client secrets, tokens, lockouts and networks: what is good, from where, and for how long."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from keyturn.domain.errors import Unauthenticated
from keyturn.domain.identity import (
    AccessToken,
    AuthMethod,
    ClientSecret,
    Lockout,
    UniversalAuth,
    is_trusted,
    require_trusted,
)
from keyturn.domain.ids import IdentityId

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WHO = IdentityId("i")
AUTH = UniversalAuth(WHO, "client", NOW, lockout=Lockout(after=3, lasts_s=300, forgets_s=30))
SECRET = ClientSecret("s", WHO, b"hash", "kt_cs_abcd", NOW)
TOKEN = AccessToken(
    "t",
    b"hash",
    WHO,
    AuthMethod.UNIVERSAL,
    NOW,
    expires_at=NOW + timedelta(seconds=100),
    renewable_until=NOW + timedelta(seconds=250),
    ttl_s=100,
)


def after(seconds: float) -> datetime:
    """Return a moment so many seconds later."""
    return NOW + timedelta(seconds=seconds)


def failed(auth: UniversalAuth, *moments_s: float) -> UniversalAuth:
    """Return what wrong client secrets at these moments make of it."""
    for moment_s in moments_s:
        auth = auth.after_failure(after(moment_s))
    return auth


@pytest.mark.parametrize(
    ("failures_s", "look_s", "locked_s"),
    [
        ([], 0, None),
        ([0, 1], 1, None),
        ([0, 1, 2], 2, 300),
        ([0, 1, 2], 301.9, 0.1),
        ([0, 1, 2], 302, None),
        ([0, 29, 58], 58, 300),  # each within the time of the one before
        ([0, 1, 31], 31, None),  # the first two are forgotten
        ([0, 1, 2, 302], 302, None),  # a lockout that is over leaves a clean slate
        ([0, 1, 2, 302, 303, 304], 304, 300),
    ],
)
def test_lockout_by_failures(failures_s: list[float], look_s: float, locked_s: float) -> None:
    """Three failures, none of them forgotten before the next, lock for five minutes."""
    until = failed(AUTH, *failures_s).locked_until(after(look_s))
    left_s = (until - after(look_s)).total_seconds() if until else None
    assert left_s == (None if locked_s is None else pytest.approx(locked_s))


def test_a_lockout_can_be_switched_off() -> None:
    """With a threshold of 0 nobody is ever locked out."""
    never = replace(AUTH, lockout=Lockout(after=0))
    assert failed(never, *range(20)).locked_until(after(20)) is None


def test_a_log_in_forgets_failures() -> None:
    """After the right client secret the count begins anew."""
    assert failed(failed(AUTH, 0, 1).after_success(), 2).failures == 1


@pytest.mark.parametrize(
    ("changes", "good"),
    [
        ({}, True),
        ({"expires_at": after(1)}, True),
        ({"expires_at": NOW}, False),
        ({"revoked": True}, False),
        ({"uses": 5}, True),
        ({"uses": 4, "uses_max": 5}, True),
        ({"uses": 5, "uses_max": 5}, False),
    ],
)
def test_a_client_secret_is_good_until_it_is_not(changes: dict[str, object], *, good: bool) -> None:
    """Its time, its uses and its owner's word each end it."""
    assert replace(SECRET, **changes).good(NOW) == good


@pytest.mark.parametrize(
    ("changes", "at_s", "why"),
    [
        ({}, 99.9, None),
        ({}, 100, "expired"),
        ({"uses": 1, "uses_max": 2}, 0, None),
        ({"uses": 2, "uses_max": 2}, 0, "used up"),
        ({"trusted": ("10.0.0.0/8",)}, 0, None),
        ({"trusted": ("192.168.0.0/16",)}, 0, "may not come from"),
    ],
)
def test_a_token_is_good_until_it_is_not(
    changes: dict[str, object], at_s: float, why: str | None
) -> None:
    """Its time, its uses and the address that it comes from are looked at."""
    token = replace(TOKEN, **changes)
    if why is None:
        token.require_good(after(at_s), "10.1.2.3")
        return
    with pytest.raises(Unauthenticated, match=why):
        token.require_good(after(at_s), "10.1.2.3")


@pytest.mark.parametrize(("at_s", "expires_s"), [(50, 150), (99, 199), (200, 250), (249, 250)])
def test_a_renewal_lengthens_up_to_the_longest_life(at_s: float, expires_s: float) -> None:
    """A token lives on for its time again, and never past its longest."""
    living = replace(TOKEN, expires_at=TOKEN.renewable_until)
    assert replace(TOKEN).renewed(after(at_s)).expires_at == after(expires_s)
    assert living.renewed(after(at_s)).expires_at == TOKEN.renewable_until


def test_a_token_past_its_longest_life_is_not_renewed() -> None:
    """At its longest life its holder has to log in again."""
    with pytest.raises(Unauthenticated, match="longest life"):
        TOKEN.renewed(TOKEN.renewable_until)


@pytest.mark.parametrize(
    ("trusted", "address", "is_so"),
    [
        ((), "203.0.113.9", True),
        ((), "", True),
        (("203.0.113.9",), "203.0.113.9", True),
        (("203.0.113.8/31",), "203.0.113.9", True),
        (("203.0.113.9/24",), "203.0.113.77", True),
        (("203.0.113.8/32",), "203.0.113.9", False),
        (("10.0.0.0/8", "203.0.113.0/24"), "203.0.113.9", True),
        (("203.0.113.0/24",), "::ffff:203.0.113.9", True),
        (("203.0.113.0/24",), "::203.0.113.9", False),
        (("2001:db8::/32",), "2001:db8::1", True),
        (("2001:db8::/32",), "203.0.113.9", False),
        (("::/0",), "203.0.113.9", False),
        (("0.0.0.0/0", "::/0"), "203.0.113.9", True),
        (("0.0.0.0/0",), "", False),
        (("0.0.0.0/0",), "a unix socket", False),
    ],
)
def test_networks_that_are_trusted(trusted: tuple[str, ...], address: str, *, is_so: bool) -> None:
    """An IPv4 address in IPv6 spelling is itself; no address at all is nowhere."""
    assert is_trusted(trusted, address) == is_so
    if not is_so:
        with pytest.raises(Unauthenticated):
            require_trusted(trusted, address)
