"""App connections to Okta orgs."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from keyturn.wire.base import Instant, Text, Trimmed, Wire

Method = Literal["api-token", "oauth-service-app"]
"""How Keyturn authenticates at the org; the second is ours."""


API_TOKEN = r"00[a-zA-Z0-9_-]{40}"
JWK_MAX = 16_384


def _api_token(text: str) -> str:
    if not re.fullmatch(API_TOKEN, text):
        told = "must be an Okta API token: 00 and 40 more characters"
        raise PydanticCustomError("okta_api_token", told)
    return text


ApiToken = Annotated[
    str, AfterValidator(_api_token), Field(json_schema_extra={"pattern": f"^{API_TOKEN}$"})
]
"""An API token (SSWS) of an Okta administrator."""


class OktaCredentials(Wire):
    """``apiToken`` for the one method, ``clientId`` and ``privateKey`` (a JWK) for the other."""

    instance_url: Text
    api_token: ApiToken | None = Field(default=None, repr=False)
    client_id: Text | None = None
    private_key: Trimmed | None = Field(default=None, max_length=JWK_MAX, repr=False)


class _OfOkta(Wire):
    """What other services' connections may have, and Okta's may not."""

    gateway_id: None = None
    rotation: None = None
    is_platform_managed_credentials: Literal[False] | None = None
    is_auto_rotation_enabled: Literal[False] | None = None


class CreateConnection(_OfOkta):
    """A connection as somebody asks for it."""

    name: Text
    description: str | None = None
    method: Method
    credentials: OktaCredentials
    project_id: Text | None = None


class UpdateConnection(_OfOkta):
    """What is to change; credentials are given whole, and their members tell the method."""

    name: Text | None = None
    description: str | None = None
    credentials: OktaCredentials | None = None


class TurnKey(Wire):
    """Turn the private key of a connection's service app (ours); ``keyAlgorithm`` is the new's."""

    key_algorithm: Literal["RS256", "ES256"] = "RS256"


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
