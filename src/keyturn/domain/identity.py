"""Identities, how they prove themselves, and the tokens that they get for it.

Decides whether a client secret or a token is good at a moment and from an address, how long a token
lives, and when an identity is locked out. Knows nothing of hashes, nor of where it all is kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import ip_address, ip_network
from typing import Self

from keyturn.domain.errors import Unauthenticated
from keyturn.domain.ids import IdentityId, OrganizationId, ProjectId

MONTH_S = 2_592_000


class AuthMethod(StrEnum):
    """How an identity proves itself."""

    UNIVERSAL = "universal-auth"
    TOKEN = "token-auth"
    OIDC = "oidc-auth"
    JWT = "jwt-auth"
    PASSWORD = "password"
    OIDC_PERSON = "oidc-login"
    """In a browser, at an Okta org or another issuer."""


IN_PERSON = frozenset({AuthMethod.PASSWORD, AuthMethod.OIDC_PERSON})
"""How people log in by themselves; anything else can be somebody else's who has made it."""


@dataclass(frozen=True)
class Identity:
    """Somebody who may log in; ``person`` sets people apart from machines."""

    id: IdentityId
    organization_id: OrganizationId
    name: str
    created_at: datetime
    person: bool = False


@dataclass(frozen=True)
class Membership:
    """A role that an identity holds in a project, or everywhere where that is None.

    ``group`` is the group at Okta that gives it, and takes it away; nobody here does.
    """

    id: str
    identity_id: IdentityId
    role: str
    project_id: ProjectId | None
    created_at: datetime
    group: str | None = None


@dataclass(frozen=True)
class TokenRules:
    """What the access tokens of an identity are like.

    A token lives ``ttl_s`` seconds and can be renewed until it is ``max_ttl_s`` old. It is good for
    ``uses`` requests, or any number where that is 0, and from ``trusted`` networks (CIDR), or from
    everywhere where there are none.
    """

    ttl_s: int = MONTH_S
    max_ttl_s: int = MONTH_S
    uses: int = 0
    trusted: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lockout:
    """Lock an identity out for ``lasts_s`` after ``after`` failures; 0 never does.

    Failures are forgotten ``forgets_s`` after the last one.
    """

    after: int = 3
    lasts_s: int = 300
    forgets_s: int = 30


@dataclass(frozen=True, kw_only=True)
class Lockable:
    """Something that can be guessed at: ``failures`` counts wrong guesses since ``failed_at``."""

    lockout: Lockout = field(default_factory=Lockout)
    failures: int = 0
    failed_at: datetime | None = None

    def locked_until(self, now: datetime) -> datetime | None:
        """Return when the lockout ends, or None while there is none."""
        if not self.lockout.after or self.failed_at is None or self.failures < self.lockout.after:
            return None
        until = self.failed_at + timedelta(seconds=self.lockout.lasts_s)
        return until if now < until else None

    @property
    def tries_left(self) -> int:
        """Return how many more wrong guesses lock it, counted since they began."""
        return max(0, self.lockout.after - self.failures)

    def after_failure(self, now: datetime) -> Self:
        """Count one more wrong guess; failures that are over begin anew."""
        locked = self.failures >= self.lockout.after
        forgotten_s = self.lockout.lasts_s if locked else self.lockout.forgets_s
        over = self.failed_at is None or now >= self.failed_at + timedelta(seconds=forgotten_s)
        return replace(self, failures=1 if over else self.failures + 1, failed_at=now)

    def after_success(self) -> Self:
        """Forget failures."""
        return replace(self, failures=0, failed_at=None)


@dataclass(frozen=True)
class UniversalAuth(Lockable):
    """The client id by which an identity logs in, and the rules for its client secrets."""

    identity_id: IdentityId
    client_id: str
    created_at: datetime
    tokens: TokenRules = field(default_factory=TokenRules)
    trusted: tuple[str, ...] = ()


@dataclass(frozen=True)
class ClientSecret:
    """A client secret of Keyturn's own, by which an identity logs in; kept as a hash.

    Good for ``uses_max`` log-ins, or any number where that is 0. ``prefix`` tells it from others.
    """

    id: str
    identity_id: IdentityId
    hash: bytes
    prefix: str
    created_at: datetime
    description: str = ""
    expires_at: datetime | None = None
    uses_max: int = 0
    uses: int = 0
    used_at: datetime | None = None
    revoked: bool = False

    def good(self, now: datetime) -> bool:
        """Say whether it may be used once more."""
        lives = self.expires_at is None or now < self.expires_at
        return lives and not self.revoked and not (self.uses_max and self.uses >= self.uses_max)


@dataclass(frozen=True)
class AccessToken:
    """A token that proves an identity, kept as its SHA-256 hash only.

    It can be renewed until ``renewable_until``, by ``ttl_s`` each time, under the rules of the time
    when it was issued. ``client_secret_id`` is by which it was got.
    """

    id: str
    hash: bytes
    identity_id: IdentityId
    method: AuthMethod
    created_at: datetime
    expires_at: datetime
    renewable_until: datetime
    uses_max: int = 0
    uses: int = 0
    trusted: tuple[str, ...] = ()
    name: str = ""
    client_secret_id: str | None = None
    ttl_s: int = MONTH_S

    def require_good(self, now: datetime, address: str) -> None:
        """Raise Unauthenticated where it is not good now, or not from there."""
        if now >= self.expires_at:
            raise Unauthenticated("The access token has expired: log in again.")
        if self.uses_max and self.uses >= self.uses_max:
            raise Unauthenticated("The access token has been used up: log in again.")
        require_trusted(self.trusted, address)

    def renewed(self, now: datetime) -> "AccessToken":
        """Return the token with its life lengthened.

        Raises Unauthenticated past its longest life.
        """
        if now >= self.renewable_until:
            raise Unauthenticated("The access token is past its longest life: log in again.")
        until = min(now + timedelta(seconds=self.ttl_s), self.renewable_until)
        return replace(self, expires_at=max(until, self.expires_at))


def is_trusted(trusted: Sequence[str], address: str) -> bool:
    """Say whether an IP address is inside of the trusted networks, or there are none.

    An IPv4 address that is written as IPv6 (RFC 4291, section 2.5.5.2) is the IPv4 address.
    """
    if not trusted:
        return True
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return any(ip in ip_network(network, strict=False) for network in trusted)


def require_trusted(trusted: Sequence[str], address: str) -> None:
    """Raise Unauthenticated for an address outside of the trusted networks, if there are any."""
    if not is_trusted(trusted, address):
        came = address or "nobody knows where"
        raise Unauthenticated(f"It comes from {came}, where this identity may not come from.")
