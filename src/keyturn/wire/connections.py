"""App connections to Okta orgs."""

from typing import Literal

from pydantic import Field

from keyturn.wire.base import Instant, Text, Wire

Method = Literal["api-token", "oauth-service-app"]
"""How Keyturn authenticates at the org; the second is ours."""


class OktaCredentials(Wire):
    """``apiToken`` for the one method, ``clientId`` and ``privateKey`` (a JWK) for the other."""

    instance_url: Text = Field(max_length=255)
    api_token: str | None = Field(default=None, repr=False, pattern=r"^00[a-zA-Z0-9_-]{40}$")
    client_id: Text | None = None
    private_key: Text | None = Field(default=None, repr=False)


class CreateConnection(Wire):
    """A connection as somebody asks for it; what Okta connections cannot have is refused."""

    name: Text
    description: str | None = None
    method: Method
    credentials: OktaCredentials
    project_id: Text | None = None
    gateway_id: None = None
    rotation: None = None
    is_platform_managed_credentials: Literal[False] | None = None
    is_auto_rotation_enabled: Literal[False] | None = None


class ShownCredentials(Wire):
    """What may be shown of a connection's credentials."""

    instance_url: str


class Connection(Wire):
    """A stored connection."""

    id: str
    name: str
    description: str | None
    version: int
    org_id: str
    project_id: str | None
    created_at: Instant
    updated_at: Instant
    is_platform_managed_credentials: bool = False
    gateway_id: None = None
    app: Literal["okta"] = "okta"
    method: Method
    credentials: ShownCredentials


class ConnectionAnswer(Wire):
    """One connection."""

    app_connection: Connection


class ConnectionsAnswer(Wire):
    """Connections."""

    app_connections: tuple[Connection, ...]


class ConnectionRef(Wire):
    """A connection as other objects name it."""

    app: Literal["okta"] = "okta"
    name: str
    id: str


class AvailableConnectionsAnswer(Wire):
    """The connections that the caller may use."""

    app_connections: tuple[ConnectionRef, ...]
