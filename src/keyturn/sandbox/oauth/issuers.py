"""Who issues tokens at an address: the org itself, or one of its custom authorization servers."""

from dataclasses import dataclass
from datetime import timedelta

from keyturn.sandbox import errors
from keyturn.sandbox.routing import Call, Handler, Route
from keyturn.sandbox.state.limits import Family
from keyturn.sandbox.state.org import Org
from keyturn.sandbox.state.servers import AuthorizationServer
from keyturn.sandbox.state.tokens import ACCESS_LIFETIME

ORG_PATH, CUSTOM_PATH = "/oauth2", "/oauth2/{asId}"


@dataclass(frozen=True, slots=True)
class Issuer:
    """An authorization server as it is reached now; `server` is None for the org's own."""

    base_url: str
    server: AuthorizationServer | None = None

    @property
    def id(self) -> str | None:
        """Return the id of a custom server, None for the org's own."""
        return None if self.server is None else self.server.id

    @property
    def url(self) -> str:
        """Return what its tokens name as `iss`."""
        return self.base_url if self.server is None else f"{self.base_url}/oauth2/{self.server.id}"

    @property
    def endpoints(self) -> str:
        """Return the address below which its endpoints are."""
        return f"{self.base_url}/oauth2/v1" if self.server is None else f"{self.url}/v1"

    @property
    def audience(self) -> str:
        """Return what its access tokens name as `aud`."""
        return self.base_url if self.server is None else self.server.audience

    @property
    def access_lifetime(self) -> timedelta:
        """Return how long its access tokens live."""
        return ACCESS_LIFETIME if self.server is None else self.server.access_lifetime

    @property
    def events(self) -> str:
        """Return how the names of its events begin."""
        return "app.oauth2" if self.server is None else "app.oauth2.as"


def issuer_of(org: Org, call: Call) -> Issuer:
    """Return the server that a call addresses; OAuthError for an unknown or INACTIVE one."""
    server_id = call.params.get("asId")
    if server_id is None:
        return Issuer(call.request.base_url)
    server = org.servers.find(server_id)
    if server is None or server.status != "ACTIVE":
        raise errors.invalid_request("The authorization server id is invalid.")
    return Issuer(call.request.base_url, server)


def endpoint(
    method: str, path: str, handler: Handler, family: Family | None = "oauth"
) -> tuple[Route, Route]:
    """Return the routes of an endpoint that every authorization server has."""
    return (
        Route(method, f"{ORG_PATH}/v1/{path}", handler, "oauth", family),
        Route(method, f"{CUSTOM_PATH}/v1/{path}", handler, "oauth", family),
    )
