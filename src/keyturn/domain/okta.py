"""What Okta says of an app and its credentials, in our types.

A **credential** is what a client proves itself with: a client secret or a client key. Decides how
one is recognised, which apps have one, and in what the kinds differ. Knows nothing of HTTP.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from keyturn.domain.ids import AppId, ClientId, CredentialId, SecretHash
from keyturn.domain.sensitive import Sensitive

MAX_CLIENT_SECRETS = 2
"""Okta keeps two client secrets an app, ACTIVE or not."""

MAX_CLIENT_KEYS = 50
"""Okta keeps fifty public keys an app, ACTIVE or not."""

VALUE_BYTES = 48
"""As many random bytes as Okta's own values have: 64 characters of base64url."""


class Status(StrEnum):
    """Okta's word for a credential or an app."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"


class AuthMethod(StrEnum):
    """How an app authenticates at the token endpoint (RFC 7591 section 2)."""

    CLIENT_SECRET_BASIC = "client_secret_basic"
    CLIENT_SECRET_POST = "client_secret_post"
    CLIENT_SECRET_JWT = "client_secret_jwt"
    PRIVATE_KEY_JWT = "private_key_jwt"
    NONE = "none"


SECRET_METHODS = frozenset(
    {
        AuthMethod.CLIENT_SECRET_BASIC,
        AuthMethod.CLIENT_SECRET_POST,
        AuthMethod.CLIENT_SECRET_JWT,
    }
)
"""The ways in which a client secret takes part."""


@dataclass(frozen=True)
class Rules:
    """What a turn has to know of one kind of credential.

    ``noun`` is what people call it and ``most`` as many as Okta keeps for one client. ``own_value``
    is whether Okta takes a value of our choice; where it does not, it shows the one that it made
    only once. ``methods`` are the ways in which a client uses it. ``shared`` is whether others may
    stand beside it without being asked about, and ``logged`` whether the System Log tells which one
    was used. ``of_connection`` is whether Keyturn itself uses it, instead of those who read it.
    """

    noun: str
    most: int
    own_value: bool
    methods: frozenset[AuthMethod]
    shared: bool = False
    logged: bool = True
    of_connection: bool = False

    @property
    def are_keys(self) -> bool:
        """Say whether Okta knows only the public half."""
        return AuthMethod.PRIVATE_KEY_JWT in self.methods


class CredentialKind(StrEnum):
    """What a rotation turns; the value is the rotation's type."""

    CLIENT_SECRET = "okta-client-secret"
    API_SERVICE_SECRET = "okta-api-service-secret"
    CLIENT_KEY = "okta-client-key"
    CONNECTION_KEY = "okta-connection-key"

    @property
    def rules(self) -> Rules:
        """Return in what it differs from the others."""
        return RULES[self]


_KEYS = frozenset({AuthMethod.PRIVATE_KEY_JWT})

RULES: Mapping[CredentialKind, Rules] = MappingProxyType(
    {
        CredentialKind.CLIENT_SECRET: Rules(
            "client secret", MAX_CLIENT_SECRETS, own_value=True, methods=SECRET_METHODS
        ),
        CredentialKind.API_SERVICE_SECRET: Rules(
            "client secret", MAX_CLIENT_SECRETS, own_value=False, methods=SECRET_METHODS
        ),
        CredentialKind.CLIENT_KEY: Rules(
            "client key", MAX_CLIENT_KEYS, own_value=True, methods=_KEYS, shared=True, logged=False
        ),
        CredentialKind.CONNECTION_KEY: Rules(
            "client key",
            MAX_CLIENT_KEYS,
            own_value=True,
            methods=_KEYS,
            shared=True,
            logged=False,
            of_connection=True,
        ),
    }
)
"""Everything in which the kinds differ; what they are called at Okta is the adapter's to know."""


class Left(StrEnum):
    """What became of a person in an org, so that what they granted is good no more."""

    DEACTIVATED = "deactivated"
    SUSPENDED = "suspended"
    DELETED = "deleted"


@dataclass(frozen=True)
class Departure:
    """Since when a person is no longer active in an org, and how that came."""

    how: Left
    at: datetime


class KeyAlgorithm(StrEnum):
    """What a client key of ours signs with (RFC 7518, section 3.1)."""

    RS256 = "RS256"
    ES256 = "ES256"


@dataclass(frozen=True)
class App:
    """An Okta OAuth application."""

    id: AppId
    client_id: ClientId
    label: str
    status: Status
    auth_method: AuthMethod


@dataclass(frozen=True)
class FoundApps:
    """Apps that a search has found; ``more`` says that there may be others."""

    apps: tuple[App, ...]
    more: bool


@dataclass(frozen=True)
class Credential:
    """One credential as Okta lists it; ``value`` only where Okta shows it.

    ``hash`` is by what a value is recognised: of a client secret Okta's own ``secret_hash``, of a
    client key its thumbprint (RFC 7638). ``name`` is by what signatures point to a client key.
    """

    id: CredentialId
    hash: SecretHash
    status: Status
    created_at: datetime
    value: Sensitive | None = None
    name: str | None = None

    @property
    def active(self) -> bool:
        """Say whether Okta accepts it."""
        return self.status is Status.ACTIVE


@dataclass(frozen=True)
class Chosen:
    """A new value of our own, and the hash by which Okta's list will show that it has it."""

    value: Sensitive
    hash: SecretHash


class Probe(StrEnum):
    """What a probe of a credential told (Okta contract: introspection of a junk token)."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"


def secret_hash(value: Sensitive) -> SecretHash:
    """Compute Okta's ``secret_hash``: base64url of the first half of SHA-256, unpadded.

    The construction is OpenID Connect's ``at_hash`` (Core, section 3.1.3.6).
    """
    digest = hashlib.sha256(value.reveal().encode()).digest()
    return SecretHash(base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode())


def client_secret_value(random: bytes) -> Sensitive:
    """Render ``VALUE_BYTES`` random bytes as a client secret that every Okta app accepts."""
    if len(random) != VALUE_BYTES:
        raise ValueError(f"a client secret is made of {VALUE_BYTES} random bytes")
    return Sensitive(base64.urlsafe_b64encode(random).decode())


def hash_of(kind: CredentialKind, value: Sensitive) -> SecretHash:
    """Compute by what Okta's list shows this value: a secret's hash, or a private key's thumbprint.

    Raises ValueError for a key that is none.
    """
    if not kind.rules.are_keys:
        return secret_hash(value)
    jwk = json.loads(value.reveal())
    return thumbprint(jwk if isinstance(jwk, dict) else {})


def named(private_jwk: Sensitive, kid: str | None) -> Sensitive:
    """Return a private key with the name by which Okta lists it, where it has none of its own.

    Beside a second key a signature has to say by which it is made (OpenID Connect Core, 10.1).
    Where Okta holds to that, a key without a name is refused as soon as the next one is added.
    """
    members = json.loads(private_jwk.reveal())
    if members.get("kid") or not kid:
        return private_jwk
    return Sensitive(json.dumps(members | {"kid": kid}))


def thumbprint(jwk: Mapping[str, object]) -> SecretHash:
    """Compute the thumbprint of a public or private key (RFC 7638, SHA-256).

    Raises ValueError for what is neither an RSA nor an elliptic key.
    """
    names = _REQUIRED.get(str(jwk.get("kty")), ())
    members = {name: jwk[name] for name in names if isinstance(jwk.get(name), str)}
    if not names or len(members) < len(names):
        raise ValueError("not an RSA or EC key in JSON")
    canonical = json.dumps(members, separators=(",", ":"), sort_keys=True)
    digest = hashlib.sha256(canonical.encode()).digest()
    return SecretHash(base64.urlsafe_b64encode(digest).rstrip(b"=").decode())


_REQUIRED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y")}
)
