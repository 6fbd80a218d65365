"""Workloads that log in by JWTs: a house that reaches the tests' issuer, and what the JWTs say."""

from dataclasses import replace

import httpx2
from api_kit import Body, House
from identity_kit import ask, newcomer
from issuer_kit import ISSUER, JWKS

from keyturn.adapters.oidc import HttpIssuers
from keyturn.api.app import build_api

OIDC = "/api/v1/auth/oidc-auth"
JWT = "/api/v1/auth/jwt-auth"
FOUND: Body = {"oidcDiscoveryUrl": ISSUER, "boundAudiences": "keyturn", "boundSubject": "app-*"}
GIVEN: Body = {"jwksUrl": JWKS, "boundIssuer": ISSUER, "boundClaims": {"env": "prod,staging"}}


async def trusting(house: House, transport: httpx2.AsyncBaseTransport) -> House:
    """Return the house with a way to an issuer."""
    world = replace(house.world, issuers=HttpIssuers(house.clock, lambda: transport))
    http = httpx2.AsyncClient(
        transport=httpx2.ASGITransport(build_api(world, version="0")),
        base_url="https://keyturn.example.com",
        headers=house.http.headers,
    )
    return replace(house, world=world, http=http)


def claims(house: House, **changes: object) -> dict[str, object]:
    """Return the claims of a good token."""
    now = int(house.clock.now().timestamp())
    good = {"iss": ISSUER, "aud": "keyturn", "sub": "app-1", "env": "prod", "exp": now + 60}
    return good | {"iat": now} | changes


async def workload(house: House, path: str, body: Body) -> str:
    """Make an identity that logs in by JWTs."""
    identity_id, _ = await newcomer(house, ("viewer", house.installed.project.id))
    await ask(house, "POST", f"{path}/identities/{identity_id}", body)
    return identity_id
