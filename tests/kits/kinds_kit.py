"""One app of each kind of credential at the sandbox, turned and looked at in the same words."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from uuid import uuid4

import httpx2
import jwt as pyjwt
from rig import ORG_URL, PLACE, Rig

from keyturn.domain.connection import ServiceApp
from keyturn.domain.okta import CredentialKind, KeyAlgorithm, hash_of
from keyturn.domain.rotation import SecretsMapping
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Turn
from keyturn.sandbox import AppDraft, build_app
from keyturn.sandbox.state.keys import render_private
from keyturn.sandbox.state.records import Integration
from keyturn.services.connections import (
    OktaConnectionDraft,
    create_okta_connection,
    key_in_use,
)
from keyturn.services.own_key import turn_key
from keyturn.services.secrets import read_secret
from keyturn.services.turns import rotate

ES256 = KeyAlgorithm.ES256
THEIRS = {
    "kty": "EC",
    "kid": "theirs",
    "crv": "P-256",
    "x": "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
    "y": "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps",
}
"""Somebody else's key (the one of RFC 7518, appendix C)."""

SECRETS = "/api/v1/apps/{appId}/credentials/secrets"
API_SERVICES = "/integrations/api/v1/api-services/{apiServiceId}"
JWKS = "/api/v1/apps/{appId}/credentials/jwks"


@dataclass(frozen=True)
class Routes:
    """Where the sandbox keeps one kind of credential."""

    all: str
    one: str


ROUTES: Mapping[CredentialKind, Routes] = MappingProxyType(
    {
        CredentialKind.CLIENT_SECRET: Routes(SECRETS, SECRETS + "/{secretId}"),
        CredentialKind.API_SERVICE_SECRET: Routes(
            API_SERVICES + "/credentials/secrets", API_SERVICES + "/credentials/secrets/{secretId}"
        ),
        CredentialKind.CLIENT_KEY: Routes(JWKS, JWKS + "/{keyId}"),
        CredentialKind.CONNECTION_KEY: Routes(JWKS, JWKS + "/{keyId}"),
    }
)

DRAFTS: Mapping[CredentialKind, AppDraft] = MappingProxyType(
    {
        CredentialKind.CLIENT_SECRET: AppDraft("web"),
        CredentialKind.API_SERVICE_SECRET: AppDraft(
            "service",
            application_type="service",
            grant_types=("client_credentials",),
            response_types=("token",),
            integration=Integration("service", "somebody"),
        ),
        CredentialKind.CLIENT_KEY: AppDraft(
            "keys", auth_method="private_key_jwt", secrets=(), jwks=(THEIRS,)
        ),
    }
)


@dataclass(frozen=True)
class Credential:
    """One credential as the org itself has it."""

    id: str
    status: str
    hash: str


@dataclass
class Stand:
    """One app whose credential is turned, and the org's own record of it."""

    rig: Rig
    kind: CredentialKind
    app_id: str
    rotation_id: str = ""
    connection_id: str = ""
    foreign: frozenset[str] = field(default=frozenset())

    @property
    def routes(self) -> Routes:
        """Return where the sandbox keeps the credentials."""
        return ROUTES[self.kind]

    @property
    def name(self) -> str:
        """Return the name under which readers find the credential."""
        return f"{self.kind.name}_VALUE"

    async def create(self, **changes: Any) -> None:  # noqa: ANN401  fields of the draft
        """Create the rotation."""
        mapping = SecretsMapping(f"{self.kind.name}_ID", self.name)
        plain = {"kind": self.kind, "parameter": self.app_id, "algorithm": ES256}
        made = await self.rig.rotation(mapping=mapping, **plain | changes)
        self.rotation_id = made.rotation.id

    async def begin(self) -> None:
        """Start a turn, as somebody who waits for it."""
        world, admin = self.rig.world, self.rig.admin
        if self.kind is CredentialKind.CONNECTION_KEY:
            seen = await turn_key(world, admin, self.connection_id, algorithm=ES256)
            self.rotation_id = seen.rotation.id
        else:
            await rotate(world, admin, self.rotation_id)

    async def finish(self) -> Turn:
        """Let time pass to the end of the turn."""
        return await self.rig.run(self.rotation_id)

    def living(self) -> list[Credential]:
        """Return what the app has at Okta, but for what was there before and is not ours."""
        app = self.rig.org.apps[self.app_id]
        found = [Credential(s.id, s.status, s.hash) for s in app.live_secrets]
        found += [Credential(k.id, k.status, str(k.kid)) for k in app.keys]
        return [one for one in found if one.id not in self.foreign]

    def management(self) -> list[tuple[str, int]]:
        """Return the management calls since this was last asked."""
        calls = [c for c in self.rig.calls() if not c["route"].startswith("/oauth2/")]
        return [(c["method"], c["status"]) for c in calls]

    def additions(self) -> int:
        """Return how often a credential was added so far."""
        told: Any = self.rig.org.requests()
        route = self.routes.all
        posts = [r for r in told["requests"] if (r["method"], r["route"]) == ("POST", route)]
        return sum(post["outcome"] == "ok" for post in posts)

    async def served(self) -> Sensitive:
        """Return what is in use: by readers, or by the connection."""
        world = self.rig.world
        if self.kind is CredentialKind.CONNECTION_KEY:
            async with world.store.reading() as tx:
                in_use = await key_in_use(tx, world, self.connection_id)
            assert in_use
            return in_use.private_jwk
        read = await read_secret(world, self.rig.admin, PLACE, self.name)
        return read.value

    async def served_hash(self) -> str:
        """Return by what the org's list shows what is in use."""
        return hash_of(self.kind, await self.served())

    async def accepted(self, value: Sensitive) -> bool:
        """Ask the org, by code that shares none with the product, whether the value is good."""
        client_id = self.rig.org.apps[self.app_id].client_id
        form = {"token": "junk", "client_id": client_id}
        headers = {}
        if self.kind.rules.are_keys:
            form |= _assertion(client_id, value.reveal(), self.rig.clock.now().timestamp())
        else:
            pair = base64.b64encode(f"{client_id}:{value.reveal()}".encode()).decode()
            headers = {"authorization": f"Basic {pair}"}
            del form["client_id"]
        transport = httpx2.ASGITransport(build_app(self.rig.org))
        async with httpx2.AsyncClient(transport=transport, base_url=ORG_URL) as http:
            answer = await http.post("/oauth2/v1/revoke", data=form, headers=headers)
        return answer.status_code == 200


def _assertion(client_id: str, jwk: str, now: float) -> dict[str, str]:
    members = json.loads(jwk)
    claims = {"iss": client_id, "sub": client_id, "aud": f"{ORG_URL}/oauth2/v1/revoke"}
    times = {"iat": int(now), "exp": int(now) + 60, "jti": str(uuid4())}
    key = pyjwt.PyJWK(members)
    signed = pyjwt.encode(claims | times, key.key, key.algorithm_name, {"kid": members["kid"]})
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    return {"client_assertion_type": kind, "client_assertion": signed}


async def stand(rig: Rig, kind: CredentialKind) -> Stand:
    """Return an app of a kind at the sandbox, without a rotation."""
    if kind is CredentialKind.CONNECTION_KEY:
        return await _own_stand(rig)
    app = rig.org.create_app(DRAFTS[kind])
    keys = frozenset(key.id for key in app.keys)
    return Stand(rig, kind, app.id, foreign=keys)


async def settled(rig: Rig, kind: CredentialKind) -> Stand:
    """Return an app whose one credential of ours was made or adopted by its rotation."""
    made = await stand(rig, kind)
    if kind is CredentialKind.CONNECTION_KEY:
        await made.begin()
    else:
        first = made.living()
        masked = kind is CredentialKind.API_SERVICE_SECRET
        retire = rig.consent(first[0].id) if masked else None
        await made.create(retire_existing=retire)
    if kind is not CredentialKind.CLIENT_SECRET:
        await made.finish()
    rig.clock.advance(60)
    rig.calls()
    return made


async def _own_stand(rig: Rig) -> Stand:
    """Connect by the org's service app, which has every scope that Keyturn needs."""
    org = rig.org
    jwk = json.dumps(render_private(org.keys.service))
    app_id = org.seeded.service_app_id
    service = ServiceApp(org.apps[app_id].client_id, Sensitive(jwk))
    draft = OktaConnectionDraft("own", None, None, ORG_URL, service)
    connection = await create_okta_connection(rig.world, rig.admin, draft)
    return Stand(rig, CredentialKind.CONNECTION_KEY, app_id, connection_id=connection.id)
