"""A connection to an Okta org: where it is, and with which credentials Keyturn speaks to it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from keyturn.domain.ids import ConnectionId, OrganizationId, ProjectId
from keyturn.domain.sensitive import Sensitive


class Method(StrEnum):
    """How Keyturn authenticates at the org."""

    API_TOKEN = "api-token"
    SERVICE_APP = "oauth-service-app"


@dataclass(frozen=True)
class OktaConnection:
    """A stored connection; ``sealed`` holds the API token or the service app's private key.

    Its rotations were last compared with Okta at ``reconciled_at``. ``failing_since`` is when that
    came to nothing for the first time since it last succeeded, ``told`` why it did last.
    """

    id: ConnectionId
    organization_id: OrganizationId
    project_id: ProjectId | None
    name: str
    description: str | None
    method: Method
    instance_url: str
    client_id: str | None
    sealed: bytes
    version: int
    created_at: datetime
    updated_at: datetime
    reconciled_at: datetime | None = None
    next_reconcile_at: datetime | None = None
    failing_since: datetime | None = None
    told: str = ""


@dataclass(frozen=True)
class ApiToken:
    """An SSWS token of an Okta administrator."""

    value: Sensitive


@dataclass(frozen=True)
class ServiceApp:
    """An Okta service app that signs with its own key (RFC 7523); ``private_jwk`` is JSON."""

    client_id: str
    private_jwk: Sensitive


OktaCredentials = ApiToken | ServiceApp
