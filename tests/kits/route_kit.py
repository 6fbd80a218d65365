"""Every route of the API as a request that can be made of a furnished house, by whoever."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import httpx2
from api_kit import CONNECTIONS, NO_ID, PUBLIC_URL, ROTATIONS, SECRETS, Body, House, open_house
from identity_kit import ask, at, bearer, newcomer
from issuer_kit import EC_KEY, ISSUER, pem
from oauth_house_kit import ALIASES, LISTENING, REGISTRATIONS, connect, inner, order, register
from oauth_house_kit import CONNECTIONS as GRANTED

from keyturn.api.app import Api, build_api
from keyturn.domain.drift import Finding, Kind
from keyturn.domain.fleetfile.items import plan_hash
from keyturn.domain.roles import CustomRole, RoleGrant
from keyturn.services.compliance_reports import report_due
from keyturn.testing import Backup, MemoryStore

KIND = "okta-client-secret"
OTHER_KINDS = ("okta-api-service-secret", "okta-client-key", "okta-connection-key")
PROJECT = "/api/v1/projects/example"
IMPORTED: Body = {"environment": "prod", "path": "/"}
GRANTS = [{"verbs": ["project:read"]}]
PASSWORD = "correct horse battery"
FILE_DESTINATION: Body = {
    "name": "file",
    "kind": "file",
    "projectId": "example",
    "environment": "dev",
    "settings": {"path": "web.json"},
}
CHANNEL: Body = {
    "name": "people",
    "kind": "webhook",
    "projectId": "example",
    "settings": {"url": "https://people.example.com/"},
    "credential": {"secret": "whsec_" + "Y2FuYXJ5LWtleS0" * 4},
    "kinds": ["turn.started"],
}

FLOW = """\
flow: greet
start: {kind: api_endpoint, security: public}
cards: [{card: flow.return, with: {greeting: canary-greeting}}]
"""

EXCEPTIONS = "/api/v1/compliance/exceptions"
TABLE: Body = {
    "projectId": "example",
    "environment": "dev",
    "name": "devices",
    "columns": {"serial": "text"},
}
BODIES: Mapping[str, Body] = {
    "POST compliance/policies": {"name": "new"},
    "PATCH policies/{policy_id}": {"maxAgeDays": 30},
    "POST fleet/plan": {"text": "version: 1"},
    "POST fleet/apply": {"text": "version: 1", "planHash": plan_hash(())},
    "POST identities": {"name": "x"},
    "PATCH identities/{identity_id}": {"name": "x"},
    "POST identity-memberships/{identity_id}": {"role": "viewer"},
    "PATCH identity-memberships/{identity_id}": {"role": "viewer"},
    "POST jwt-auth/identities/{identity_id}": {"publicKeys": [pem(EC_KEY)], "boundIssuer": ISSUER}
    | {"boundSubject": "x"},
    "PATCH jwt-auth/identities/{identity_id}": {"publicKeys": [pem(EC_KEY)], "boundIssuer": ISSUER}
    | {"boundSubject": "x"},
    "POST oidc-auth/identities/{identity_id}": {"oidcDiscoveryUrl": ISSUER, "boundSubject": "x"},
    "PATCH oidc-auth/identities/{identity_id}": {"oidcDiscoveryUrl": ISSUER, "boundSubject": "x"},
    "POST inventory": {},
    "POST emergencies": {"reason": "x", "all": True, "planHash": "x"},
    "POST emergencies/plan": {"reason": "x", "all": True},
    "POST {emergency_id}/leave-out": {"app": "x"},
    "POST leaks": {"reports": [{"hash": "x" * 22}]},
    "POST {leak_id}/end": {"reason": "x"},
    "POST {leak_id}/emergency": {"reason": "x"},
    "POST rollouts": {"name": "new", "planHash": "x"},
    "POST rollouts/plan": {"name": "new"},
    "POST {rollout_id}/approve": {"wave": 1, "planHash": "x"},
    "PUT inventory/owners": {"rules": [{"pattern": "x-*", "owner": "x"}]},
    "POST acknowledgements": {"secretName": "KEY", "version": 1},
    "POST people": {"email": "new@example.com", "password": PASSWORD},
    "PUT password": {"password": PASSWORD},
    "POST auth/password": {"oldPassword": "x", "newPassword": PASSWORD},
    "POST roles": {"slug": "new", "grants": GRANTS},
    "PATCH roles/{slug}": {"name": "x"},
    "POST projects": {"projectName": "x"},
    "POST workspace": {"projectName": "x"},
    "POST environments": {"name": "x", "slug": "x"},
    "PATCH environments/{environment_id}": {"name": "x"},
    "POST tags": {"slug": "new"},
    "PATCH tags/{tag_id}": {"slug": "new"},
    "POST folders": {"name": "new"},
    "PATCH folders/{folder}": {"name": "new"},
    "POST secret-imports": {"import": IMPORTED},
    "PATCH secret-imports/{import_id}": {"import": {"position": 1}},
    "PATCH okta/{connection_id}": {"name": "new"},
    "POST channels": CHANNEL | {"name": "other"},
    "PATCH channels/{channel_id}": {"name": "new"},
    "POST destinations": FILE_DESTINATION | {"name": "other"},
    "PATCH destinations/{destination_id}": {"name": "new"},
    f"PATCH {KIND}/{{rotation_id}}": {"description": "new"},
    "POST retire-existing": {"secretId": "ocsNobody", "made": "2026-01-01"},
    "POST adopt-existing": {"secretId": "ocsNobody"},
    "POST client-registrations": order(name="new"),
    "PATCH client-registrations/{registration_id}": {"description": "new"},
    "POST consumers": {"name": "new", "adoption": "live"},
    "PATCH connections/{connection_id}": {"description": "new"},
    "POST authorize": {"redirectUri": LISTENING},
    "POST authorize/complete": {"binding": "x", "parameters": {"state": "x", "code": "x"}},
    "POST flows": {"projectId": "example", "environment": "dev", "source": FLOW},
    "POST flows/check": {"projectId": "example", "environment": "dev", "source": FLOW},
    "PATCH flows/{flow_id}": {"enabled": False},
    "POST flow-tables": TABLE | {"name": "new"},
    "POST flow-tables/{table_id}/rows": {"rows": [{"serial": "x"}]},
    "PATCH rows/{row_id}": {"values": {"serial": "y"}},
    "POST secrets/{secret_name}": {"secretValue": "x"},
    "POST raw/{secret_name}": {"secretValue": "x"},
    "PATCH secrets/{secret_name}": {"secretValue": "x"},
    "PATCH raw/{secret_name}": {"secretValue": "x"},
    "POST batch": {"secrets": [{"secretKey": "NEW", "secretValue": "x"}]},
    "POST batch/raw": {"secrets": [{"secretKey": "NEW", "secretValue": "x"}]},
    "PATCH batch": {"secrets": [{"secretKey": "KEY", "secretValue": "x"}]},
    "PATCH batch/raw": {"secrets": [{"secretKey": "KEY", "secretValue": "x"}]},
    "DELETE batch": {"secrets": [{"secretKey": "KEY"}]},
    "DELETE batch/raw": {"secrets": [{"secretKey": "KEY"}]},
    "POST login": {"clientId": "x", "clientSecret": "x"},
    "POST oidc-auth/login": {"identityId": "x", "jwt": "x"},
    "POST jwt-auth/login": {"identityId": "x", "jwt": "x"},
    "POST auth/login": {"email": "x@example.com", "password": "x"},
    "POST token/renew": {"accessToken": "x"},
    "POST token/revoke": {"accessToken": "x"},
}
"""What a route needs in its body, by its method and the end of its path; the longest end counts."""


@dataclass(frozen=True)
class Furnished:
    """A house with one of everything, what it is called, and how to have it all back."""

    house: House
    names: Mapping[str, str]
    backup: Backup

    async def ask(self, route: str, **names: str) -> httpx2.Response:
        """Make the request of a route, of the house as it was furnished, with other names."""
        self.restore()
        method, path = route.split()
        where = path.format(**self.named(path) | names)
        if method == "GET":
            return await self.house.http.get(where, params=self.query(path))
        return await self.house.http.request(method, where, json=self.body(route))

    def restore(self) -> None:
        """Have the house as it was furnished."""
        store = self.house.world.store
        assert isinstance(store, MemoryStore)
        store.restore(self.backup)

    def named(self, path: str) -> dict[str, str]:
        """Return what a path is completed by."""
        named = {"slug": self.slug(path), **self.names}
        return named | ({"connection_id": self.granted(path)} if path.startswith(GRANTED) else {})

    def granted(self, path: str) -> str:
        """Return the connection that a path is asked of: one that has what it takes."""
        ends = {"/token": "header", "/device": "device", "/device/{request_id}": "device"}
        return self.names[ends.get(path.partition("}")[2], "people")]

    def query(self, path: str) -> dict[str, str]:
        """Return the query by which a path is looked at."""
        place = self.house.place | {"projectId": self.house.installed.project.id}
        if path.startswith("/api/v1/oauth"):
            told = ("request", "connection")
            return {**dict.fromkeys(told, NO_ID), "key": "x", "state": "x", "code": "x"}
        if path.endswith("explain"):
            return place | {"identityId": self.names["identity_id"], "verb": "secrets:read"}
        return place | {"secretPath": "/"} | ({"secretName": "KEY"} if "holders" in path else {})

    def body(self, route: str) -> Body:
        """Return a body that a route takes."""
        return self.house.place | self._body(route)

    def _body(self, route: str) -> Body:
        method, path = route.split()
        fitting = [
            each
            for each in BODIES
            if each.startswith(f"{method} ") and path.endswith("/" + each.split()[1])
        ]
        if route == f"POST {EXCEPTIONS}":
            return _excused(self.house)
        if path.endswith("project-events"):
            project_id = self.house.installed.project.id
            return {"projectId": project_id, "register": [{"event": "secret:update"}]}
        if route == f"POST {CONNECTIONS}":
            return self.house.connection(name="new", projectId=self.house.installed.project.id)
        if route in (f"POST {ROTATIONS}", f"POST {ROTATIONS}/plan"):
            return self.house.order(self.names["connection_id"], name="new")
        if route == f"POST {GRANTED}":
            made_with = self.names["registration_id"]
            return {"name": "new", "registrationId": made_with, "grantType": "device_code"}
        if route == f"POST {GRANTED}/token":
            return {"projectId": self.house.installed.project.id, "name": "header"}
        if path.startswith(ALIASES):
            return {"name": "new", "connectionId": self.names["people"]}
        return BODIES[max(fitting, key=len)] if fitting else {}

    @staticmethod
    def slug(path: str) -> str:
        """Return what a path of a role, or of a tag, is completed by."""
        if "/tags/" in path:
            return "hot"
        return "near" if "/projects/" in path else "wide"


_ROUTES: list[str] = []


def routes_of(api: Api) -> list[str]:
    """List the routes of the API by method and path; types of rotations count as one.

    They are listed once: to describe the API takes a second.
    """
    if not _ROUTES:
        paths = api.openapi()["paths"]
        every = [f"{method.upper()} {path}" for path, each in paths.items() for method in each]
        _ROUTES.extend(one for one in every if not any(f"/{kind}" in one for kind in OTHER_KINDS))
    return _ROUTES


@asynccontextmanager
async def furnished(
    *held: str, everywhere: bool, verbs: tuple[str, ...] = ()
) -> AsyncIterator[Furnished]:
    """Furnish a house, and reach it as somebody who holds roles everywhere, or in the project.

    With ``verbs`` it is besides a role of these.
    """
    async with open_house() as house:
        names = await furnish(house) | {"finding_id": NO_ID}
        where = None if everywhere else house.installed.project.id
        roles = [*held, *(["drawn"] if verbs else [])]
        now = house.clock.now()
        async with house.world.store.writing() as tx:
            await tx.add(_finding(names["rotation_id"], now))
            await tx.add(CustomRole("drawn", None, "drawn", "Drawn", "", now, now))
            await tx.add(RoleGrant("drawn", 1, verbs))
        _, token = await newcomer(house, *((each, where) for each in roles), name="caller")
        store = house.world.store
        assert isinstance(store, MemoryStore)
        api = build_api(house.world, version="0", public_url=PUBLIC_URL)
        api.state.newsroom.close()  # the transport carries whole answers: streams end at once
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(api),
            base_url=PUBLIC_URL,
            headers=bearer(token),
        ) as http:
            yield Furnished(replace(house, http=http), names, store.backup())


def _finding(rotation_id: str, now: datetime) -> Finding:
    return Finding(NO_ID, rotation_id, Kind.SECRET_ADDED, "ocsNobody", "", now)


async def furnish(house: House) -> dict[str, str]:
    """Make one of everything that can be made by asking, and return what each is called."""
    person = {"email": "ada@example.com", "password": PASSWORD}
    identity_id = at(await ask(house, "POST", "/api/v1/people", person), "identity", "id")
    names = {"identity_id": identity_id, "project": "example", "secret_name": "KEY"}
    names |= await _prove(house, identity_id)
    member = f"{PROJECT}/identity-memberships/{identity_id}"
    await ask(house, "POST", member, {"role": "viewer"})
    for where, slug in (("/api/v1/roles", "wide"), (f"{PROJECT}/roles", "near")):
        await ask(house, "POST", where, {"slug": slug, "grants": GRANTS})
    tag = await ask(house, "POST", f"{PROJECT}/tags", {"slug": "hot"})
    place = house.place
    secret = await ask(house, "POST", f"{SECRETS}/KEY", place | {"secretValue": "canary-value"})
    folder = await ask(house, "POST", "/api/v2/folders", place | {"name": "app"})
    brought = await ask(house, "POST", "/api/v1/destinations", FILE_DESTINATION)
    imported = {"environment": "dev", "path": "/app"}
    made = await ask(house, "POST", "/api/v2/secret-imports", place | {"import": imported})
    project = await ask(house, "GET", PROJECT)
    return (
        names
        | await _tell(house)
        | await _rotate(house)
        | await _grant(house)
        | await _flow(house)
        | await _comply(house)
        | {
            "tag_id": at(tag, "tag", "id"),
            "secret_id": at(secret, "secret", "id"),
            "folder": at(folder, "folder", "id"),
            "destination_id": at(brought, "destination", "id"),
            "import_id": at(made, "secretImport", "id"),
            "environment_id": at(project, "project", "environments", 1, "id"),
        }
    )


async def _tell(house: House) -> dict[str, str]:
    """Make a channel that hears of turns as they start."""
    made = await ask(house, "POST", "/api/v1/channels", CHANNEL)
    return {"channel_id": at(made, "channel", "id")}


async def _prove(house: House, identity_id: str) -> dict[str, str]:
    """Let an identity log in in every way."""
    auth = "/api/v1/auth"
    own = f"{auth}/universal-auth/identities/{identity_id}"
    await ask(house, "POST", own, {})
    secret = await ask(house, "POST", f"{own}/client-secrets", {})
    token = await ask(house, "POST", f"{auth}/token-auth/identities/{identity_id}/tokens", {})
    for method in ("jwt-auth", "oidc-auth"):
        body = BODIES[f"POST {method}/identities/{{identity_id}}"]
        await ask(house, "POST", f"{auth}/{method}/identities/{identity_id}", body)
    return {
        "client_secret_id": at(secret, "clientSecretData", "id"),
        "token_id": at(token, "tokenData", "id"),
    }


async def _begin(house: House, nouns: str, wanted: Body) -> object:
    """Begin what has to be planned first."""
    plan = await ask(house, "POST", f"/api/v1/{nouns}/plan", wanted)
    hashed = {"planHash": at(plan, "plan", "planHash")}
    return await ask(house, "POST", f"/api/v1/{nouns}", {**wanted, **hashed})


async def _rotate(house: House) -> dict[str, str]:
    """Make a connection and a rotation that has a turn under way."""
    order = house.connection(projectId=house.installed.project.id)
    connected = await ask(house, "POST", "/api/v1/app-connections/okta", order)
    connection_id = at(connected, "appConnection", "id")
    made = await ask(house, "POST", ROTATIONS, house.order(connection_id))
    rotation_id = at(made, "secretRotation", "id")
    await ask(house, "POST", f"{ROTATIONS}/{rotation_id}/rotate-secrets")
    await ask(house, "POST", "/api/v1/inventory", {})
    rollout = await _begin(house, "rollouts", {"name": "spring", "approvals": True})
    emergency = await _begin(house, "emergencies", {"reason": "leaked", "all": True})
    turns = await ask(house, "GET", f"{ROTATIONS}/{rotation_id}/turns")
    leaked = await ask(house, "POST", "/api/v1/leaks", {"reports": [{"hash": "y" * 22}]})
    return {
        "leak_id": at(leaked, "reports", 0, "id"),
        "emergency_id": at(emergency, "emergency", "id"),
        "connection_id": connection_id,
        "connection_name": "my-okta",
        "connection": "my-okta",
        "rotation_id": rotation_id,
        "rotation_name": "my-okta-rotation",
        "rollout_id": at(rollout, "rollout", "id"),
        "turn_id": at(turns, "turns", 0, "id"),
        "notice_id": at(await ask(house, "GET", "/api/v1/notices"), "notices", 0, "id"),
    }


async def _grant(house: House) -> dict[str, str]:
    """Make registrations and connections, an alias, a consumer, and a question that is open."""
    registration, plain = await register(house), await register(house, None, name="plain")
    people = await connect(house, registration)
    device = await connect(house, registration, name="device", grantType="device_code")
    header = await connect(house, plain, name="header", grantType="none", scopes=[])
    begun = await ask(house, "POST", f"{GRANTED}/{device['id']}/device")
    named = {"name": "alias", "connectionId": header["id"]}
    made = await ask(house, "POST", ALIASES, named)
    alias_id = at(made, "alias", "id")
    await ask(house, "PATCH", f"{ALIASES}/{alias_id}", {"connectionId": people["id"]})
    consumer = {"name": "etl", "adoption": "restart"}
    await ask(house, "POST", f"{REGISTRATIONS}/{registration['id']}/consumers", consumer)
    return {
        "registration_id": str(registration["id"]),
        "people": str(people["id"]),
        "device": str(device["id"]),
        "header": str(header["id"]),
        "alias_id": alias_id,
        "request_id": at(begun, "requestId"),
        "consumer": "etl",
    }


async def _flow(house: House) -> dict[str, str]:
    """Make a flow that has run."""
    asked = {"projectId": "example", "environment": "dev", "source": FLOW}
    flow = inner(await ask(house, "POST", "/api/v1/flows", asked), "flow")
    at_once = f"/api/v1/flows/{flow['id']}/run"
    ran = await ask(house, "POST", at_once, {"waitS": 60})
    return {
        "flow_id": str(flow["id"]),
        "alias": str(flow["invokeUrl"]).split("/")[-2],
        "run_id": at(ran, "run", "id"),
        **await _table(house),
    }


def _excused(house: House) -> Body:
    """Return an exception that lasts a while, by the house's own clock."""
    ends_at = house.clock.now() + timedelta(days=60)
    return {"selector": "label=x", "reason": "x", "expiresAt": ends_at.isoformat()}


async def _comply(house: House) -> dict[str, str]:
    """Make a compliance policy, an exception from it, and a report."""
    compliance = "/api/v1/compliance"
    policy = await ask(house, "POST", f"{compliance}/policies", {"name": "old"})
    exception = await ask(house, "POST", EXCEPTIONS, _excused(house))
    if house.world:  # a server behind a socket makes it by itself, soon
        await report_due(house.world)
    async with asyncio.timeout(30):
        while not (made := await ask(house, "GET", f"{compliance}/reports"))["reports"]:
            await asyncio.sleep(0.1)
    return {
        "policy_id": at(policy, "policy", "id"),
        "exception_id": at(exception, "exception", "id"),
        "report_id": at(made, "reports", 0, "id"),
    }


async def _table(house: House) -> dict[str, str]:
    """Make a table of flows that has a row."""
    table_id = at(await ask(house, "POST", "/api/v1/flow-tables", TABLE), "table", "id")
    rows = {"rows": [{"serial": "canary-serial"}]}
    added = await ask(house, "POST", f"/api/v1/flow-tables/{table_id}/rows", rows)
    return {"table_id": str(table_id), "row_id": at(added, "rows", 0, "id")}
