"""The custom authorization servers of an org and their scopes; the org's own server is none.

Decides what a server's tokens say and how long they live. Knows neither HTTP nor clients.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from keyturn.sandbox import errors
from keyturn.sandbox.http import Json
from keyturn.sandbox.state.chance import Mint
from keyturn.sandbox.state.claims import ServerClaim
from keyturn.sandbox.state.timeline import Timeline

Consent = Literal["IMPLICIT", "FLEXIBLE", "REQUIRED"]
CONSENTS: tuple[Consent, ...] = ("IMPLICIT", "FLEXIBLE", "REQUIRED")
DEFAULT_ID = "default"
SYSTEM_SCOPES = ("openid", "profile", "email", "address", "phone", "offline_access")
SHORTEST_ACCESS, LONGEST_ACCESS = timedelta(minutes=5), timedelta(hours=24)
SHORTEST_IDLE, LONGEST_IDLE = timedelta(minutes=10), timedelta(minutes=2_628_000)


@dataclass(frozen=True, slots=True)
class Scope:
    """One scope of a server; `published` shows it in the server's metadata."""

    id: str
    name: str
    description: str = ""
    display_name: str = ""
    consent: Consent = "IMPLICIT"
    default: bool = False
    optional: bool = False
    system: bool = False
    published: bool = False


@dataclass(frozen=True, slots=True)
class AuthorizationServer:
    """One custom authorization server; a refresh token ends when unused for `refresh_idle`."""

    id: str
    name: str
    description: str
    audience: str
    created_at: datetime
    updated_at: datetime
    scopes: tuple[Scope, ...] = ()
    status: Literal["ACTIVE", "INACTIVE"] = "ACTIVE"
    access_lifetime: timedelta = timedelta(hours=1)
    refresh_idle: timedelta = timedelta(days=7)
    claims: tuple[ServerClaim, ...] = ()

    def find_scope(self, name: str) -> Scope | None:
        """Return the scope of this name, or None."""
        return next((scope for scope in self.scopes if scope.name == name), None)


class AuthorizationServers:
    """Keeps the servers by id; a new org has the one called `default`."""

    def __init__(self, mint: Mint, now: Callable[[], datetime]) -> None:
        self._mint = mint
        self._servers: Timeline[AuthorizationServer] = Timeline(now)
        about = "Default Authorization Server for your Applications"
        default = AuthorizationServer(DEFAULT_ID, "default", about, "api://default", now(), now())
        self._store(replace(default, scopes=self._system_scopes()))

    def find(self, server_id: str) -> AuthorizationServer | None:
        """Return a server, or None."""
        return self._servers.get(server_id)

    def read(self, server_id: str) -> AuthorizationServer:
        """Return a server; OktaError when there is none."""
        server = self.find(server_id)
        if server is None:
            raise errors.not_found(server_id, "AuthorizationServer")
        return server

    def list(self) -> list[AuthorizationServer]:
        """Return all servers, oldest first."""
        return [*self._servers.values()]

    def create(
        self, name: str, audience: str, now: datetime, *, description: str = ""
    ) -> AuthorizationServer:
        """Make a server with the scopes of OpenID Connect; OktaError when the name is taken."""
        if any(server.name == name for server in self._servers.values()):
            raise errors.value_taken("name")
        server_id = self._mint.issue_id("aus")
        server = AuthorizationServer(server_id, name, description, audience, now, now)
        return self._store(replace(server, scopes=self._system_scopes()))

    def add_scope(self, server_id: str, name: str, **more: object) -> Scope:
        """Add a scope, `more` being fields of `Scope`; OktaError when the name is taken."""
        server = self.read(server_id)
        if server.find_scope(name) is not None:
            raise errors.value_taken("name")
        scope = Scope(self._mint.issue_id("scp"), name, **more)  # type: ignore[arg-type]  # checked by the caller
        self._store(replace(server, scopes=(*server.scopes, scope)))
        return scope

    def read_claim(self, server_id: str, claim_id: str) -> ServerClaim:
        """Return a claim of a server; OktaError when there is none."""
        found = (each for each in self.read(server_id).claims if each.id == claim_id)
        claim = next(found, None)
        if claim is None:
            raise errors.not_found(claim_id, "OAuth2Claim")
        return claim

    def store_claim(self, server_id: str, claim: ServerClaim) -> ServerClaim:
        """Keep a claim, in place of the one with its id; OktaError when the name is taken.

        One without an id is given one.
        """
        server = self.read(server_id)
        others = tuple(each for each in server.claims if each.id != claim.id)
        names = {(each.type, each.claim.name) for each in others}
        if (claim.type, claim.claim.name) in names:
            raise errors.value_taken("name")
        kept = claim if claim.id else replace(claim, id=self._mint.issue_id("ocl"))
        self._store(replace(server, claims=(*others, kept)))
        return kept

    def remove_claim(self, server_id: str, claim_id: str) -> ServerClaim:
        """Remove a claim of a server; OktaError when there is none."""
        gone, server = self.read_claim(server_id, claim_id), self.read(server_id)
        self._store(replace(server, claims=tuple(c for c in server.claims if c != gone)))
        return gone

    def change_lifetimes(
        self, server_id: str, *, access: timedelta | None = None, idle: timedelta | None = None
    ) -> AuthorizationServer:
        """Change how long tokens live; ValueError outside 5 minutes to 24 hours of access."""
        server = self.read(server_id)
        access, idle = access or server.access_lifetime, idle or server.refresh_idle
        if not SHORTEST_ACCESS <= access <= LONGEST_ACCESS:
            raise ValueError("an access token lives from 300 to 86400 seconds")
        return self._store(replace(server, access_lifetime=access, refresh_idle=idle))

    def change_status(self, server_id: str, *, active: bool) -> AuthorizationServer:
        """Let a server be used, or stop it."""
        server = self.read(server_id)
        return self._store(replace(server, status="ACTIVE" if active else "INACTIVE"))

    def _store(self, server: AuthorizationServer) -> AuthorizationServer:
        self._servers[server.id] = server
        return server

    def _system_scopes(self) -> tuple[Scope, ...]:
        return tuple(
            Scope(self._mint.issue_id("scp"), name, system=True, published=True)
            for name in SYSTEM_SCOPES
        )


def parse_consent(value: Json) -> Consent:
    """Return a scope's consent type, IMPLICIT for none given; OktaError for an unknown one."""
    if value is None:
        return "IMPLICIT"
    if value not in CONSENTS:
        raise errors.validation_failed("consent", "consent: Must be one of: " + ", ".join(CONSENTS))
    return value
