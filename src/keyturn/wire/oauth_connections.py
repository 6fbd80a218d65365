"""OAuth connections, how somebody authorizes them, and the aliases that lead to them (ours)."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from keyturn.wire.base import FolderPath, Id, Instant, Text, Wire

GrantType = Literal[
    "authorization_code",
    "device_code",
    "client_credentials",
    "jwt_bearer",
    "token_exchange",
    "password",
    "refresh_token",
    "none",
]
State = Literal["new", "ready", "troubled", "lapsed"]
Cause = Literal["refused", "lost_rotation", "no_refresh"]
Light = Literal["broken", "at_risk", "unknown", "healthy"]

SCOPES_MAX = 200
GIVEN_MAX = 10
VALUE_MAX = 65_536
PARAMETER_MAX = 8192
URL_MAX = 2048
NUMBER_MAX = 2**31 - 1

Scopes = Annotated[tuple[Text, ...], Field(max_length=SCOPES_MAX)]
Value = Annotated[str, StringConstraints(max_length=VALUE_MAX)]
Given = Annotated[dict[Text, Value], Field(max_length=GIVEN_MAX)]
Url = Annotated[str, StringConstraints(pattern=r"^https?://[!-~]+$", max_length=URL_MAX)]
Method = Annotated[str, StringConstraints(pattern="^[A-Z]{1,20}$")]
Parameter = Annotated[str, StringConstraints(max_length=PARAMETER_MAX)]


class CreateOAuthConnection(Wire):
    """A connection as somebody asks for it; without ``scopes``, those of its connector.

    ``given`` is what its grant takes, by the names of OAuth's parameters: ``assertion`` for
    jwt_bearer, ``username`` and ``password``, ``refresh_token`` for one that was got elsewhere.
    ``source`` is the id of the connection whose token is exchanged.
    """

    name: Text
    registration_id: Id
    grant_type: GrantType
    scopes: Scopes | None = None
    given: Given = Field(default_factory=dict, repr=False)
    source: Id | None = None
    description: str | None = None


class UpdateOAuthConnection(Wire):
    """What to change; other scopes are asked for when the connection is authorized next.

    ``given`` is what its grant takes, as at its creation: all of it, to be used from now on.
    """

    name: Text | None = None
    description: str | None = None
    scopes: Scopes | None = None
    given: Given = Field(default_factory=dict, repr=False)


class OAuthConnection(Wire):
    """A connection, without its tokens.

    ``light`` says how it does, ``reasons`` why that is not better, and ``failsAt`` when it will
    fail, where anything says that it will. ``lacking`` are ``scopes`` that are wanted and were not
    ``granted``. ``cause`` is why somebody has to authorize it again.
    """

    id: str
    name: str
    registration_id: str
    registration_name: str
    project_id: str
    environment: str
    secret_path: str
    description: str | None
    grant_type: GrantType
    scopes: tuple[str, ...]
    granted: tuple[str, ...]
    lacking: tuple[str, ...]
    subject: str
    source: str | None
    aliases: tuple[str, ...]
    light: Light
    reasons: tuple[str, ...]
    fails_at: Instant | None
    state: State
    cause: Cause | None
    message: str
    authorized_at: Instant | None
    expires_at: Instant | None
    renewed_at: Instant | None
    used_at: Instant | None
    next_renewal_at: Instant | None
    created_at: Instant
    updated_at: Instant


class OAuthConnectionAnswer(Wire):
    """One connection."""

    connection: OAuthConnection


class OAuthConnectionsAnswer(Wire):
    """The connections of a project."""

    connections: tuple[OAuthConnection, ...]


class WantedToken(Wire):
    """How a token is wanted.

    ``refused`` is the number of the token set that a service did not accept: it is renewed once,
    unless it was got less than 30 seconds ago.
    ``method`` and ``url`` are the request that a DPoP proof is to be of, and ``nonce`` what the
    service asked for.
    """

    refused: Annotated[int, Field(ge=0, le=NUMBER_MAX)] | None = None
    method: Method | None = None
    url: Url | None = None
    nonce: Text | None = None


class WantedTokenByName(WantedToken):
    """How a token is wanted, of the connection that a name means: an alias, or else its own."""

    project_id: Text
    environment: Text
    secret_path: FolderPath = "/"
    name: Text


class AuthorizedRequest(Wire):
    """The headers by which one request to a service is authorized now.

    ``number`` is that of the token set they are of; they are good until ``expiresAt``, where
    anything says until when.
    """

    headers: Mapping[str, str] = Field(repr=False)
    number: int
    expires_at: Instant | None
    scopes: tuple[str, ...]


class AuthorizeConnection(Wire):
    """Where a browser is sent back to: a loopback address, on which the caller listens."""

    redirect_uri: Annotated[str, StringConstraints(max_length=URL_MAX)]


class Authorization(Wire):
    """Where a browser is to be sent, and ``binding``, which has to come back with the answer.

    ``ungranted`` are scopes that the app lacks at Okta: nobody can give them until it has them.
    """

    request_id: str
    address: str = Field(repr=False)
    binding: str = Field(repr=False)
    ungranted: tuple[str, ...] = ()
    ends_at: Instant


class AuthorizationLink(Wire):
    """A link that opens once, in the browser of whoever is to authorize.

    ``ungranted`` are scopes that the app lacks at Okta: nobody can give them until it has them.
    """

    link: str = Field(repr=False)
    ungranted: tuple[str, ...] = ()
    ends_at: Instant


class CallbackParameters(Wire):
    """What a browser brought back from the authorization server (RFC 6749, 4.1.2; RFC 9207)."""

    state: Parameter = Field(repr=False)
    code: Parameter | None = Field(default=None, repr=False)
    iss: Parameter | None = None
    error: Parameter | None = None


class CompleteAuthorization(Wire):
    """An answer that a browser brought, and the ``binding`` of whoever had it sent there."""

    binding: Parameter = Field(repr=False)
    parameters: CallbackParameters


class DeviceAuthorization(Wire):
    """What somebody enters where, at another device; ``complete`` has the code in it already.

    The request is asked about again no sooner than every ``intervalS`` seconds.
    """

    request_id: str
    user_code: str = Field(repr=False)
    address: str
    complete: str = Field(repr=False)
    interval_s: int
    ends_at: Instant


class DeviceAnswer(Wire):
    """Whether somebody is still ``waiting`` for, and otherwise the connection."""

    waiting: bool
    interval_s: int | None = None
    connection: OAuthConnection | None = None


class CreateAlias(Wire):
    """Another name for a connection, in its folder."""

    name: Text
    connection_id: Id


class LeadAlias(Wire):
    """The connection that an alias is to lead to from now on."""

    connection_id: Id


class Alias(Wire):
    """An alias, where it leads, and where it led before."""

    id: str
    name: str
    project_id: str
    environment: str
    secret_path: str
    connection_id: str
    connection_name: str
    previous_id: str | None
    created_at: Instant
    changed_at: Instant


class AliasAnswer(Wire):
    """One alias."""

    alias: Alias


class AliasesAnswer(Wire):
    """The aliases of a project."""

    aliases: tuple[Alias, ...]
