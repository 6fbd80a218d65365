"""How to make every operation of Okta's document succeed on a fresh org.

A recipe is what must exist before (its identifiers fill the path), and the body to send.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import httpx2
from okta_spec import Operation
from sandbox_kit import World

from keyturn.sandbox import Keys

Params = dict[str, str]
Prepare = Callable[[World], Awaitable[Params]]

NEW_APP: dict[str, object] = {
    "name": "oidc_client",
    "label": "Judged",
    "signOnMode": "OPENID_CONNECT",
    "credentials": {"oauthClient": {"token_endpoint_auth_method": "client_secret_basic"}},
    "settings": {
        "oauthClient": {
            "application_type": "web",
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "redirect_uris": ["https://app.example.com/callback"],
        }
    },
}
GRANT = {"scopeId": "okta.users.read", "issuer": "https://org.example.com"}
INTEGRATION = {"type": "my_app_cie", "grantedScopes": ["okta.logs.read"]}
ROLE = {"type": "HELP_DESK_ADMIN"}
SERVER = {"name": "Judged", "description": "Judged", "audiences": ["api://judged"]}
PRINCIPAL_LIMITS = "/api/v1/principal-rate-limits"
CLAIM = {
    "name": "groups",
    "claimType": "IDENTITY",
    "valueType": "GROUPS",
    "group_filter_type": "STARTS_WITH",
    "value": "okta-",
    "conditions": {"scopes": ["profile"]},
    "alwaysIncludeInToken": True,
}
SCOPE = {"name": "car:drive", "description": "Drive", "consent": "REQUIRED"}


def jwk(kid: str) -> dict[str, object]:
    """Return a public signing key under a name of its own."""
    public = {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": kid, "status": "ACTIVE"}
    return public | {name: Keys.of_seed(1).service.as_dict()[name] for name in ("n", "e")}


async def nothing(world: World) -> Params:
    """Need nothing."""
    return {}


async def app(world: World) -> Params:
    """Use the seeded web app."""
    return {"appId": world.app_id}


async def stopped_app(world: World) -> Params:
    """Deactivate the seeded web app."""
    await made(world, f"/api/v1/apps/{world.app_id}/lifecycle/deactivate")
    return await app(world)


async def secret(world: World) -> Params:
    """Add a second client secret."""
    return await app(world) | {"secretId": (await world.make_secret())["id"]}


async def stopped_secret(world: World) -> Params:
    """Add a second client secret and deactivate it."""
    params = await secret(world)
    await made(world, f"{world.secrets_path}/{params['secretId']}/lifecycle/deactivate")
    return params


async def key(world: World) -> Params:
    """Give the web app two keys, so that one of them may go."""
    path = f"/api/v1/apps/{world.app_id}/credentials/jwks"
    await made(world, path, jwk("first"))
    return await app(world) | {"keyId": (await made(world, path, jwk("second")))["id"]}


async def stopped_key(world: World) -> Params:
    """Give the web app two keys and deactivate one."""
    params = await key(world)
    path = f"/api/v1/apps/{world.app_id}/credentials/jwks/{params['keyId']}"
    await made(world, f"{path}/lifecycle/deactivate")
    return params


async def service_app(world: World) -> Params:
    """Use the seeded service app."""
    return {"appId": world.org.seeded.service_app_id}


async def grant(world: World) -> Params:
    """Grant the service app one scope more."""
    params = await service_app(world)
    found = await made(world, f"/api/v1/apps/{params['appId']}/grants", GRANT)
    return params | {"grantId": found["id"]}


async def token(world: World) -> Params:
    """Log the user in, so that the web app holds a refresh token."""
    await world.redeem((await world.log_in())["code"])
    held = (await world.admin("GET", f"/api/v1/apps/{world.app_id}/tokens")).json()
    return await app(world) | {"tokenId": held[0]["id"]}


async def integration(world: World) -> Params:
    """Install an API service integration."""
    found = await made(world, "/integrations/api/v1/api-services", INTEGRATION)
    return {"apiServiceId": found["id"]}


async def integration_secret(world: World) -> Params:
    """Give an API service integration a second secret."""
    params = await integration(world)
    path = f"/integrations/api/v1/api-services/{params['apiServiceId']}/credentials/secrets"
    return params | {"secretId": (await made(world, path))["id"]}


async def stopped_integration_secret(world: World) -> Params:
    """Give an API service integration a second secret and deactivate it."""
    params = await integration_secret(world)
    path = f"/integrations/api/v1/api-services/{params['apiServiceId']}/credentials/secrets"
    await made(world, f"{path}/{params['secretId']}/lifecycle/deactivate")
    return params


async def client(world: World) -> Params:
    """Use the seeded service app by its client id."""
    return {"clientId": world.service_client_id}


async def role(world: World) -> Params:
    """Assign the service app one role more."""
    params = await client(world)
    found = await made(world, f"/oauth2/v1/clients/{params['clientId']}/roles", ROLE)
    return params | {"roleAssignmentId": found["id"]}


async def server(world: World) -> Params:
    """Make a custom authorization server."""
    return {"authServerId": (await made(world, "/api/v1/authorizationServers", SERVER))["id"]}


async def claim(world: World) -> Params:
    """Give a custom authorization server a claim."""
    params = await server(world)
    path = f"/api/v1/authorizationServers/{params['authServerId']}/claims"
    return params | {"claimId": (await made(world, path, CLAIM))["id"]}


async def principal(world: World) -> Params:
    """Set the shares of the seeded service app."""
    found = await made(world, PRINCIPAL_LIMITS, new_limit(world))
    return {"principalRateLimitId": found["id"]}


def new_limit(world: World) -> dict[str, object]:
    """Return shares for the seeded service app."""
    return {
        "principalId": world.org.seeded.service_app_id,
        "principalType": "OAUTH_CLIENT",
        "defaultPercentage": 40,
        "defaultConcurrencyPercentage": 75,
    }


async def device(world: World) -> Params:
    """Use the first device there is."""
    return {"deviceId": (await world.admin("GET", "/api/v1/devices")).json()[0]["id"]}


def changed_device(*steps: str) -> Prepare:
    """Return the preparation that takes a device through these steps of its life."""

    async def prepare(world: World) -> Params:
        params = await device(world)
        for step in steps:
            await made(world, f"/api/v1/devices/{params['deviceId']}/lifecycle/{step}")
        return params

    return prepare


async def made(world: World, path: str, body: object = None) -> Params:
    """Post, and return the object made, or nothing."""
    answer = await world.admin("POST", path, body)
    assert answer.is_success, answer.text
    found: Params = answer.json() if answer.content else {}
    return found


@dataclass(frozen=True, slots=True)
class Recipe:
    """What must exist before, and what is sent."""

    prepare: Prepare = nothing
    body: object | Callable[[World], object] = None
    query: Mapping[str, str] = field(default_factory=dict)

    async def follow(self, world: World, operation: Operation) -> httpx2.Response:
        """Prepare, call the operation, and return its answer."""
        path = operation.path.format_map(await self.prepare(world))
        body = self.body(world) if callable(self.body) else self.body
        return await world.admin(operation.method, path, body, params=dict(self.query))


RECIPES: dict[str, Recipe] = {
    "listApplications": Recipe(),
    "createApplication": Recipe(body=NEW_APP),
    "getApplication": Recipe(app),
    "replaceApplication": Recipe(app, NEW_APP),
    "deleteApplication": Recipe(stopped_app),
    "activateApplication": Recipe(stopped_app),
    "deactivateApplication": Recipe(app),
    "listOAuth2ClientSecrets": Recipe(stopped_secret),
    "createOAuth2ClientSecret": Recipe(app, {}),
    "getOAuth2ClientSecret": Recipe(secret),
    "deleteOAuth2ClientSecret": Recipe(stopped_secret),
    "activateOAuth2ClientSecret": Recipe(stopped_secret),
    "deactivateOAuth2ClientSecret": Recipe(secret),
    "listJwk": Recipe(stopped_key),
    "addJwk": Recipe(app, jwk("only")),
    "getJwk": Recipe(key),
    "deletejwk": Recipe(stopped_key),
    "activateOAuth2ClientJsonWebKey": Recipe(stopped_key),
    "deactivateOAuth2ClientJsonWebKey": Recipe(key),
    "listScopeConsentGrants": Recipe(service_app),
    "grantConsentToScope": Recipe(service_app, GRANT),
    "getScopeConsentGrant": Recipe(grant),
    "revokeScopeConsentGrant": Recipe(grant),
    "listOAuth2TokensForApplication": Recipe(token),
    "revokeOAuth2TokensForApplication": Recipe(token),
    "getOAuth2TokenForApplication": Recipe(token),
    "revokeOAuth2TokenForApplication": Recipe(token),
    "listApiServiceIntegrationInstances": Recipe(integration),
    "createApiServiceIntegrationInstance": Recipe(body=INTEGRATION),
    "getApiServiceIntegrationInstance": Recipe(integration),
    "deleteApiServiceIntegrationInstance": Recipe(integration),
    "listApiServiceIntegrationInstanceSecrets": Recipe(stopped_integration_secret),
    "createApiServiceIntegrationInstanceSecret": Recipe(integration),
    "deleteApiServiceIntegrationInstanceSecret": Recipe(stopped_integration_secret),
    "activateApiServiceIntegrationInstanceSecret": Recipe(stopped_integration_secret),
    "deactivateApiServiceIntegrationInstanceSecret": Recipe(integration_secret),
    "listDevices": Recipe(query={"expand": "user"}),
    "getDevice": Recipe(device),
    "deleteDevice": Recipe(changed_device("deactivate")),
    "listDeviceUsers": Recipe(device),
    "activateDevice": Recipe(changed_device("deactivate")),
    "deactivateDevice": Recipe(device),
    "suspendDevice": Recipe(device),
    "unsuspendDevice": Recipe(changed_device("suspend")),
    "listLogEvents": Recipe(secret),
    "getOrgSettings": Recipe(),
    "getWellknownOrgMetadata": Recipe(),
    "listRolesForClient": Recipe(role),
    "assignRoleToClient": Recipe(client, ROLE),
    "retrieveClientRole": Recipe(role),
    "deleteRoleFromClient": Recipe(role),
    "listPrincipalRateLimitEntities": Recipe(
        principal, query={"filter": 'principalType eq "OAUTH_CLIENT"'}
    ),
    "createPrincipalRateLimitEntity": Recipe(body=new_limit),
    "getPrincipalRateLimitEntity": Recipe(principal),
    "replacePrincipalRateLimitEntity": Recipe(principal, new_limit),
    "listAuthorizationServers": Recipe(server),
    "createAuthorizationServer": Recipe(body=SERVER),
    "getAuthorizationServer": Recipe(server),
    "listOAuth2Scopes": Recipe(server),
    "createOAuth2Scope": Recipe(server, SCOPE),
    "listOAuth2Claims": Recipe(claim),
    "createOAuth2Claim": Recipe(server, CLAIM),
    "getOAuth2Claim": Recipe(claim),
    "replaceOAuth2Claim": Recipe(claim, {**CLAIM, "name": "teams"}),
    "deleteOAuth2Claim": Recipe(claim),
    "listAuthorizationServerKeys": Recipe(server),
}
