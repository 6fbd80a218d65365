"""What Okta says of an app and its client secrets, in our types.

Decides how a client secret is recognised and which apps have one. Knows nothing of HTTP.
"""

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from keyturn.domain.ids import AppId, ClientId, OktaSecretId, SecretHash
from keyturn.domain.sensitive import Sensitive

MAX_CLIENT_SECRETS = 2
"""Okta keeps two client secrets an app, ACTIVE or not."""

VALUE_BYTES = 48
"""As many random bytes as Okta's own values have: 64 characters of base64url."""


class Status(StrEnum):
    """Okta's word for a client secret or an app."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"


class AuthMethod(StrEnum):
    """How an app authenticates at the token endpoint (RFC 7591 section 2)."""

    CLIENT_SECRET_BASIC = "client_secret_basic"
    CLIENT_SECRET_POST = "client_secret_post"
    CLIENT_SECRET_JWT = "client_secret_jwt"
    PRIVATE_KEY_JWT = "private_key_jwt"
    NONE = "none"

    @property
    def uses_secret(self) -> bool:
        """Say whether a client secret takes part."""
        return self.startswith("client_secret_")


@dataclass(frozen=True)
class App:
    """An Okta OAuth application."""

    id: AppId
    client_id: ClientId
    label: str
    status: Status
    auth_method: AuthMethod


@dataclass(frozen=True)
class ClientSecret:
    """One client secret as Okta lists it; ``value`` only where Okta shows it."""

    id: OktaSecretId
    hash: SecretHash
    status: Status
    created_at: datetime
    value: Sensitive | None = None

    @property
    def active(self) -> bool:
        """Say whether Okta accepts it."""
        return self.status is Status.ACTIVE


class Probe(StrEnum):
    """What a probe of a client secret told (Okta contract: introspection of a junk token)."""

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
