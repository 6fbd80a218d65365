"""What the org remembers, as frozen values."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import ClassVar, Literal

from keyturn.sandbox.http import Json
from keyturn.sandbox.state.claims import GroupsClaim

Status = Literal["ACTIVE", "INACTIVE"]
AppStatus = Literal["ACTIVE", "INACTIVE", "DELETED"]
UserStatus = Literal[
    "STAGED",
    "PROVISIONED",
    "ACTIVE",
    "RECOVERY",
    "PASSWORD_EXPIRED",
    "LOCKED_OUT",
    "SUSPENDED",
    "DEPROVISIONED",
]
AUTH_METHODS = (
    "client_secret_basic",
    "client_secret_post",
    "client_secret_jwt",
    "private_key_jwt",
    "none",
)
SECRET_METHODS = AUTH_METHODS[:3]


@lru_cache(maxsize=4096)
def hash_secret(value: str) -> str:
    """Return Okta's `secret_hash`: half of SHA-256, unpadded base64url (as OIDC at_hash)."""
    digest = hashlib.sha256(value.encode()).digest()[:16]
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Secret:
    """One client secret, also after its deletion; it works from `usable_at` while ACTIVE."""

    id: str
    value: str = field(repr=False)
    status: Status
    created_at: datetime
    updated_at: datetime
    usable_at: datetime
    made_by: str
    activated_at: datetime | None = None
    deactivated_at: datetime | None = None
    deleted_at: datetime | None = None

    @property
    def hash(self) -> str:
        """Return the hash by which Okta lets one recognise the value."""
        return hash_secret(self.value)

    def accepts(self, now: datetime) -> bool:
        """Tell whether the token endpoint takes this secret at that moment."""
        return self.status == "ACTIVE" and self.deleted_at is None and now >= self.usable_at


@dataclass(frozen=True, slots=True)
class ClientKey:
    """One public key of a client; `jwk` holds its public members only."""

    id: str
    jwk: Mapping[str, Json]
    status: Status
    created_at: datetime
    updated_at: datetime

    @property
    def kid(self) -> Json:
        """Return the name by which signatures point to it, None when it has none."""
        return self.jwk.get("kid")

    @property
    def encrypts(self) -> bool:
        """Tell whether Okta encrypts with it, instead of checking signatures."""
        return self.jwk.get("use") == "enc"


@dataclass(frozen=True, slots=True)
class ScopeGrant:
    """One Okta scope that an admin granted to an app."""

    id: str
    scope: str
    granted_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class RoleAssignment:
    """One admin role of a service app; `role` and `resource_set` only for a custom one."""

    id: str
    type: str
    created_at: datetime
    role: str | None = None
    resource_set: str | None = None


@dataclass(frozen=True, slots=True)
class Integration:
    """What makes a client an API service integration: its kind in the catalogue."""

    type: str
    created_by: str
    properties: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class App:
    """One OAuth app with all its client secrets, deleted ones included."""

    id: str
    client_id: str
    label: str
    status: AppStatus
    created_at: datetime
    updated_at: datetime
    auth_method: str = "client_secret_basic"
    application_type: str = "web"
    grant_types: tuple[str, ...] = ("authorization_code", "refresh_token")
    response_types: tuple[str, ...] = ("code",)
    redirect_uris: tuple[str, ...] = ()
    pkce_required: bool = False
    dpop_bound: bool = False
    keys: tuple[ClientKey, ...] = ()
    grants: tuple[ScopeGrant, ...] = ()
    roles: tuple[RoleAssignment, ...] = ()
    integration: Integration | None = None
    extras: Mapping[str, Json] = field(default_factory=dict)
    profile: Mapping[str, Json] | None = None
    secrets: tuple[Secret, ...] = ()
    groups_claim: GroupsClaim | None = None

    @property
    def live_secrets(self) -> tuple[Secret, ...]:
        """Return the secrets that still exist, oldest first."""
        return tuple(secret for secret in self.secrets if secret.deleted_at is None)

    @property
    def jwks(self) -> tuple[Mapping[str, Json], ...]:
        """Return the public keys that may sign for the client: ACTIVE ones."""
        return tuple(k.jwk for k in self.keys if k.status == "ACTIVE" and not k.encrypts)

    @property
    def granted_scopes(self) -> tuple[str, ...]:
        """Return the Okta scopes granted, in the order of their granting."""
        return tuple(grant.scope for grant in self.grants)

    @property
    def admin_role(self) -> str | None:
        """Return the type of its first admin role, None when it has none."""
        return self.roles[0].type if self.roles else None


@dataclass(frozen=True, slots=True)
class User:
    """One person who can log in."""

    id: str
    login: str
    password: str = field(repr=False)
    first_name: str
    last_name: str
    created_at: datetime
    admin: bool = False
    status: UserStatus = "ACTIVE"
    email: str = ""
    profile: Mapping[str, Json] = field(default_factory=dict)
    updated_at: datetime | None = None
    activated_at: datetime | None = None
    status_changed_at: datetime | None = None
    password_changed_at: datetime | None = None
    last_login_at: datetime | None = None
    failures: int = 0


@dataclass(frozen=True, slots=True)
class ApiToken:
    """One SSWS token: whose it is, and when it was last used; its id tells nothing of its value."""

    label: str
    user_id: str
    id: str = ""
    used_at: datetime | None = None

    UNUSED_LIFETIME: ClassVar = timedelta(days=30)

    @property
    def principal(self) -> str:
        """Return the name of the caller that this token is, whoever else has one of its label."""
        return f"ssws:{self.label}:{self.id}"

    def expired(self, now: datetime) -> bool:
        """Tell whether nobody has used it for too long."""
        return self.used_at is not None and now >= self.used_at + self.UNUSED_LIFETIME
