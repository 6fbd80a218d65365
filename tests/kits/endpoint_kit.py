"""Endpoints of flows over HTTP, and an org beside them whose apps get tokens for them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx2
from api_kit import ORG_URL, PUBLIC_URL, Body, House, open_house
from identity_kit import ask
from oauth_house_kit import register

from keyturn.adapters.oidc import HttpIssuers
from keyturn.api.app import build_api
from keyturn.domain.oauth import documents
from keyturn.domain.oauth.answers import TokenSet, read_token_answer
from keyturn.domain.oauth.connectors import okta_document
from keyturn.domain.oauth.provider import Provider, RequestType
from keyturn.domain.okta import KeyAlgorithm
from keyturn.domain.sensitive import Sensitive
from keyturn.jose.keys import new_private_key, public_half
from keyturn.jose.signing import JoseSigner
from keyturn.sandbox import build_app
from keyturn.sandbox.state.directory import AppDraft
from keyturn.services.doorkeeping import Doorkeeper
from keyturn.services.ports import Client, Proven

HeaderTypes = Mapping[str, str] | Sequence[tuple[str, str]]
INVOKE_SCOPE = "okta.workflows.invoke.manage"
CUSTOM = f"{ORG_URL}/oauth2/default"
FLOWS = "/api/v1/flows"
PLACE: Body = {"projectId": "example", "environment": "dev"}

BY_ASKING = "security: oauth2, oauth: {registration: org}"
BY_KEYS = (
    f"security: oauth2, oauth: {{issuer: '{CUSTOM}', audience: 'api://default', scope: invoke}}"
)

ECHO = """\
flow: %s
description: Say what came.
start: {kind: api_endpoint, %s}
outputs: {method: text}
cards:
- card: flow.return
  with: {method: "{{ start.method }}", query: "{{ start.query }}", headers: "{{ start.headers }}",
         body: "{{ start.body }}", raw: "{{ start.raw }}"}
"""


@dataclass(frozen=True)
class Service:
    """An app of the org that gets tokens by its key; with ``dpop_key`` they are bound to that."""

    house: House
    client_id: str
    key: Sensitive
    provider: Provider
    dpop_key: Sensitive | None = None

    async def token(self, *scopes: str) -> str:
        """Get an access token by client credentials and `private_key_jwt`."""
        client = Client(self.client_id, self.provider, self.key, self.dpop_key)
        members = {"scope": " ".join(scopes)}
        servers = self.house.world.servers
        reply = await servers.ask(client, RequestType.CLIENT_CREDENTIALS, members)
        found = read_token_answer(reply)
        assert isinstance(found, TokenSet), reply.body
        return found.access.reveal()

    def shown(self, token: str, method: str, url: str) -> dict[str, str]:
        """Return the headers by which a token is shown, with a new proof where it is bound."""
        if self.dpop_key is None:
            return {"authorization": f"Bearer {token}"}
        proof = self.prove(token, method, url)
        return {"authorization": f"DPoP {token}", "dpop": proof}

    def prove(self, token: str, method: str, url: str) -> str:
        """Return a proof of one request."""
        assert self.dpop_key
        what = Proven(method, url, Sensitive(token))
        return self.house.world.servers.prove_possession(self.dpop_key, what)


def service(house: House, *, bound: bool = False, custom: bool = False) -> Service:
    """Make a service app with a key, which may invoke flows by the org's own authorization server.

    With ``custom`` it asks a custom one.
    """
    private = new_private_key(house.world.chance, KeyAlgorithm.ES256)
    key = Sensitive(httpx2.Response(200, json=private).text)
    draft = AppDraft(
        "Service",
        application_type="service",
        auth_method="private_key_jwt",
        grant_types=("client_credentials",),
        response_types=("token",),
        jwks=(public_half(key),),
        granted_scopes=(INVOKE_SCOPE, "okta.users.read"),
        dpop_bound=bound,
        secrets=(),
    )
    app = house.org.create_app(draft)
    base, at = (
        f"{CUSTOM}/v1" if custom else f"{ORG_URL}/oauth2/v1",
        okta_document("org.example.com"),
    )
    told = {**at, "endpoints": {"token": f"{base}/token"}, "auth": "private_key_jwt", "dpop": bound}
    dpop_key = house.world.servers.new_dpop_key() if bound else None
    return Service(house, app.client_id, key, documents.parse(told), dpop_key)


@asynccontextmanager
async def open_endpoints(
    doors: Doorkeeper | None = None,
    **limits: Any,  # noqa: ANN401  of their kinds
) -> AsyncIterator[House]:
    """Open a house whose flows can be invoked, with an org that tells about its tokens."""
    async with open_house() as house:
        way = httpx2.ASGITransport(build_app(house.org))
        issuers = HttpIssuers(house.clock, lambda: way)
        limited = replace(house.world.limits, public_url=PUBLIC_URL, **limits)
        world = replace(
            house.world,
            issuers=issuers,
            signer=JoseSigner(),
            limits=limited,
            doors=doors or Doorkeeper(),
        )
        api = build_api(world, version="0", public_url=PUBLIC_URL)
        async with (
            aclosing(issuers),
            httpx2.AsyncClient(
                transport=httpx2.ASGITransport(api),
                base_url=PUBLIC_URL,
                headers=house.http.headers,
            ) as http,
        ):
            opened = replace(house, world=world, http=http)
            await _have_custom_scope(opened)
            await register(opened, name="org")
            yield opened


async def _have_custom_scope(house: House) -> None:
    """Let the org's custom authorization server know the scope that its tokens are for."""
    path = f"{ORG_URL}/api/v1/authorizationServers/default/scopes"
    headers = {"authorization": f"SSWS {house.org.seeded.api_token}"}
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(build_app(house.org))) as http:
        for name in ("invoke", "other"):
            made = await http.post(path, json={"name": name}, headers=headers)
            assert made.is_success, made.text


async def save(house: House, source: str, **more: object) -> dict[str, Any]:
    """Save a flow, and return it as it is told."""
    told = await ask(house, "POST", FLOWS, PLACE | {"source": source} | more)
    flow: Any = told["flow"]
    return dict(flow)


async def echo(house: House, security: str, name: str = "echo") -> str:
    """Save a flow that says what came, secured like this; return where it is invoked."""
    return str((await save(house, ECHO % (name, security)))["invokeUrl"])


async def knock(
    house: House,
    url: str,
    headers: HeaderTypes | None = None,
    **more: Any,  # noqa: ANN401
) -> httpx2.Response:
    """Ask for an address with these headers alone; by POST unless it is said otherwise."""
    method = more.pop("method", "POST")
    request = house.http.build_request(method, url, **more)
    del request.headers["authorization"]
    request.headers = httpx2.Headers([*request.headers.raw, *httpx2.Headers(headers).raw])
    return await house.http.send(request)
