"""OAuth connections, how they are authorized, and their aliases, as typed calls."""

from collections.abc import Mapping

from keyturn.client.calls import Calls, part
from keyturn.wire.oauth_connections import (
    Alias,
    AliasAnswer,
    AliasesAnswer,
    Authorization,
    AuthorizationLink,
    AuthorizeConnection,
    AuthorizedRequest,
    CompleteAuthorization,
    CreateAlias,
    CreateOAuthConnection,
    DeviceAnswer,
    DeviceAuthorization,
    LeadAlias,
    OAuthConnection,
    OAuthConnectionAnswer,
    OAuthConnectionsAnswer,
    UpdateOAuthConnection,
    WantedToken,
    WantedTokenByName,
)
from keyturn.wire.usage import UsageAnswer

CONNECTIONS = "/api/v1/connections"
ALIASES = "/api/v1/connection-aliases"


class OAuthConnectionCalls(Calls):
    """What the API can be asked about OAuth connections. Every call raises what `Calls` says."""

    async def list_oauth_connections(self, project: str) -> tuple[OAuthConnection, ...]:
        """List the OAuth connections of a project, and how each does."""
        query = {"projectId": project}
        answer = await self.call(OAuthConnectionsAnswer, "GET", CONNECTIONS, query=query)
        return answer.connections

    async def create_oauth_connection(self, body: CreateOAuthConnection) -> OAuthConnection:
        """Create a connection; one that needs nobody's consent has its tokens at once."""
        answer = await self.call(OAuthConnectionAnswer, "POST", CONNECTIONS, body=body)
        return answer.connection

    async def read_oauth_connection(self, connection_id: str) -> OAuthConnection:
        """Read one connection."""
        return (await self.call(OAuthConnectionAnswer, "GET", _at(connection_id))).connection

    async def update_oauth_connection(
        self, connection_id: str, body: UpdateOAuthConnection
    ) -> OAuthConnection:
        """Change a connection; other scopes are asked for when it is authorized next."""
        path = _at(connection_id)
        return (await self.call(OAuthConnectionAnswer, "PATCH", path, body=body)).connection

    async def delete_oauth_connection(
        self, connection_id: str, *, force: bool = False
    ) -> OAuthConnection:
        """Revoke and delete a connection; one that aliases lead to, with them, if forced."""
        path, query = _at(connection_id), {"force": "true"} if force else {}
        answer = await self.call(OAuthConnectionAnswer, "DELETE", path, query=query)
        return answer.connection

    async def authorize_request(
        self, connection_id: str, wanted: WantedToken | None = None
    ) -> AuthorizedRequest:
        """Return the headers by which one request to a service is authorized now."""
        path, body = f"{_at(connection_id)}/token", wanted or WantedToken()
        return await self.call(AuthorizedRequest, "POST", path, body=body)

    async def authorize_named_request(self, wanted: WantedTokenByName) -> AuthorizedRequest:
        """Return such headers, of the connection that an alias leads to, or that has the name."""
        return await self.call(AuthorizedRequest, "POST", f"{CONNECTIONS}/token", body=wanted)

    async def read_connection_usage(self, connection_id: str) -> UsageAnswer:
        """Read what a connection hangs on, and what hangs on it."""
        return await self.call(UsageAnswer, "GET", f"{_at(connection_id)}/usage")

    # --- authorizing --------------------------------------------------------------------------

    async def begin_authorization(self, connection_id: str, redirect_uri: str) -> Authorization:
        """Begin to ask somebody, in a browser that is sent back to a loopback address."""
        body = AuthorizeConnection(redirect_uri=redirect_uri)
        return await self.call(Authorization, "POST", f"{_at(connection_id)}/authorize", body=body)

    async def create_link(self, connection_id: str) -> AuthorizationLink:
        """Make a link by which somebody is asked, in any browser, once."""
        return await self.call(AuthorizationLink, "POST", f"{_at(connection_id)}/authorize/link")

    async def complete_authorization(
        self, binding: str, parameters: Mapping[str, str]
    ) -> OAuthConnection:
        """Bring the answer that a browser brought to a loopback address."""
        path = f"{CONNECTIONS}/authorize/complete"
        body = CompleteAuthorization.model_validate(
            {"binding": binding, "parameters": dict(parameters)}
        )
        return (await self.call(OAuthConnectionAnswer, "POST", path, body=body)).connection

    async def begin_device(self, connection_id: str) -> DeviceAuthorization:
        """Have a code made that somebody enters at another device."""
        return await self.call(DeviceAuthorization, "POST", f"{_at(connection_id)}/device")

    async def ask_device(self, connection_id: str, request_id: str) -> DeviceAnswer:
        """Ask what somebody has decided at the other device."""
        path = f"{_at(connection_id)}/device/{part(request_id)}"
        return await self.call(DeviceAnswer, "POST", path)

    # --- aliases ------------------------------------------------------------------------------

    async def list_aliases(self, project: str) -> tuple[Alias, ...]:
        """List the aliases of a project."""
        query = {"projectId": project}
        return (await self.call(AliasesAnswer, "GET", ALIASES, query=query)).aliases

    async def create_alias(self, name: str, connection_id: str) -> Alias:
        """Give a connection another name, in its folder."""
        body = CreateAlias(name=name, connection_id=connection_id)
        return (await self.call(AliasAnswer, "POST", ALIASES, body=body)).alias

    async def lead_alias(self, alias_id: str, connection_id: str) -> Alias:
        """Lead an alias to another connection of its folder."""
        path, body = f"{ALIASES}/{part(alias_id)}", LeadAlias(connection_id=connection_id)
        return (await self.call(AliasAnswer, "PATCH", path, body=body)).alias

    async def lead_back(self, alias_id: str) -> Alias:
        """Lead an alias to where it led before."""
        return (await self.call(AliasAnswer, "POST", f"{ALIASES}/{part(alias_id)}/back")).alias

    async def delete_alias(self, alias_id: str) -> Alias:
        """Delete an alias; its connection stays."""
        return (await self.call(AliasAnswer, "DELETE", f"{ALIASES}/{part(alias_id)}")).alias


def _at(connection_id: str) -> str:
    return f"{CONNECTIONS}/{part(connection_id)}"
