"""Log-ins with Okta at a rig's own org: an app that tells of groups, people, false ID tokens."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace

import httpx2
from browser_kit import Browser, query
from rig import ORG_URL, PLACE, Rig

from keyturn.adapters.oauth import HttpAuthorizationServers
from keyturn.domain.access import Caller
from keyturn.domain.identity import Identity, Membership
from keyturn.domain.okta_login import LogInRules, parse_groups, parse_registration
from keyturn.domain.sensitive import Sensitive
from keyturn.sandbox import Org, build_app
from keyturn.sandbox.http import Json
from keyturn.sandbox.oauth.jose import read_unverified, sign
from keyturn.sandbox.state.claims import GroupsClaim
from keyturn.sandbox.state.directory import AppDraft
from keyturn.sandbox.state.people import UserDraft
from keyturn.sandbox.state.records import App, User
from keyturn.services.okta_logins import Begun, Entered, begin_log_in, complete_log_in
from keyturn.services.ports import World
from keyturn.services.registrations import Credential, RegistrationDraft, create_registration

CALLBACK = "https://keyturn.example.com/log-in/okta/callback"
NAME = "example/dev/:okta-login"
GROUPS = "Admins=admin, Shop=developer@example, Shop=auditor, Ghosts=ghost, Ghosts=viewer@nowhere"
DOMAIN = ORG_URL.removeprefix("https://")
PASSWORD = "canary-of-the-person"
FROM = "203.0.113.7"

Claims = dict[str, Json]
Forge = Callable[[Claims], Claims]


class Tampering(httpx2.AsyncBaseTransport):
    """Lead to an org, and change what comes back from one of its endpoints."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._way = httpx2.ASGITransport(build_app(org))
        self._forge: Forge | None = None
        self._path = ""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Ask the org."""
        answer = await self._way.handle_async_request(request)
        if self._forge is None or not request.url.path.endswith(self._path):
            return answer
        body = json.loads(await answer.aread())
        return httpx2.Response(answer.status_code, json=self._forge(body))

    def tamper(self, path: str, forge: Forge) -> None:
        """Change the members of what an endpoint answers."""
        self._path, self._forge = path, forge

    def forge_claims(self, **changes: Json) -> None:
        """Have ID tokens say something else, signed well; None leaves a claim out."""

        def forge(body: Claims) -> Claims:
            claims = {**read_unverified(str(body["id_token"])).claims, **changes}
            kept = {name: told for name, told in claims.items() if told is not None}
            return body | {"id_token": sign(kept, self._org.keys.signing)}

        self.tamper("/token", forge)


@dataclass
class Desk:
    """An installation at which people log in with Okta, and the org where they do."""

    rig: Rig
    app: App
    way: Tampering

    @property
    def world(self) -> World:
        """Return the installation."""
        return self.rig.world

    @property
    def org(self) -> Org:
        """Return the org."""
        return self.rig.org

    def person(self, login: str, *groups: str) -> User:
        """Hire somebody, into groups that are made where they are not there."""
        user = self.org.people.create(UserDraft(login, "Ada", "L", login, PASSWORD))
        for name in groups:
            self.join(user, name)
        return user

    def join(self, user: User, name: str) -> None:
        """Put somebody into a group."""
        found = [each for each in self.org.groups.list() if each.name == name]
        group = found[0] if found else self.org.groups.create({"name": name})
        self.org.groups.add(group.id, user)

    def leave(self, user: User, name: str) -> None:
        """Take somebody out of a group."""
        (group,) = (each for each in self.org.groups.list() if each.name == name)
        self.org.groups.remove(group.id, user)

    def rules(self, **changes: object) -> None:
        """Change what the operator has set."""
        limits = self.world.limits
        assert limits.okta_log_in
        changed = replace(limits.okta_log_in, **changes)
        self.rig.world = replace(self.world, limits=replace(limits, okta_log_in=changed))

    async def begin(self, again: Caller | None = None) -> Begun:
        """Begin a log-in."""
        return await begin_log_in(
            self.world, redirect_uri=CALLBACK, after="/rotations", again=again
        )

    async def visit(self, begun: Begun, user: User) -> Mapping[str, str]:
        """Have somebody log in at Okta in a fresh browser; return what it comes back with."""
        told = {"login": user.login, "password": PASSWORD}
        async with httpx2.AsyncClient(transport=self.way, base_url=ORG_URL) as http:
            return query(await Browser(http, told).visit(begun.address.reveal(), CALLBACK))

    async def complete(self, begun: Begun, told: Mapping[str, str]) -> Entered:
        """Bring an answer back to the browser that began."""
        return await complete_log_in(self.world, told, binding=begun.binding, address=FROM)

    async def log_in(self, user: User, again: Caller | None = None) -> Entered:
        """Log somebody in."""
        begun = await self.begin(again)
        return await self.complete(begun, await self.visit(begun, user))

    async def roles(self, identity: Identity) -> set[tuple[str, bool, str | None]]:
        """Return the roles of somebody: which, whether in one project, and by which group."""
        async with self.world.store.reading() as tx:
            held = await tx.list(Membership, identity_id=identity.id)
        return {(each.role, each.project_id is not None, each.group) for each in held}

    async def record(self) -> list[tuple[str, str, bool, str]]:
        """Return what is on record of log-ins: who, what about, whether, and the detail."""
        async with self.world.store.reading() as tx:
            entries = [each.attempt for each in await tx.list_audit()]
        return [(e.actor, e.subject, e.allowed, e.detail) for e in entries if e.verb == "log-in"]


@asynccontextmanager
async def desk_at(rig: Rig, issuer: str = ORG_URL) -> AsyncIterator[Desk]:
    """Let people of the rig's org log in at one of its authorization servers."""
    app = rig.org.create_app(AppDraft("Keyturn", redirect_uris=(CALLBACK,)))
    app = rig.org.store_app(replace(app, groups_claim=GroupsClaim()))
    way = Tampering(rig.org)
    servers = HttpAuthorizationServers(rig.clock, rig.world.chance, lambda _: way)
    rules = LogInRules(issuer, parse_registration(NAME), parse_groups(GROUPS))
    limits = replace(rig.world.limits, okta_log_in=rules)
    rig.world = replace(rig.world, servers=servers, limits=limits)
    credential = Credential(app.client_id, Sensitive(app.live_secrets[0].value))
    of_org = {"connector": "okta", "domain": DOMAIN} if issuer == ORG_URL else {"issuer": issuer}
    draft = RegistrationDraft("okta-login", PLACE, credential, **of_org)
    await create_registration(rig.world, rig.admin, draft)
    async with aclosing(servers):
        yield Desk(rig, app, way)
