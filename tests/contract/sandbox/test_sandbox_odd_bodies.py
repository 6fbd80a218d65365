"""Bodies that nobody foresaw: an odd value in any member is refused, or kept, and never breaks."""

import json
from dataclasses import dataclass

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odd_input import ODD, Place, places, planted
from operation_recipes import (
    CLAIM,
    GRANT,
    INTEGRATION,
    NEW_APP,
    PRINCIPAL_LIMITS,
    SCOPE,
    SERVER,
    Params,
    Recipe,
    app,
    claim,
    client,
    integration,
    jwk,
    made,
    new_limit,
    principal,
    server,
    service_app,
)
from sandbox_kit import CALLBACK, JWT_BEARER, World

from keyturn.sandbox.routes import ROUTES

pytestmark = pytest.mark.anyio

APPS = "/api/v1/apps"
FULL_APP = {
    **NEW_APP,
    "profile": {"team": "a"},
    "credentials": {
        "oauthClient": {
            "client_id": "an_own_client_id",
            "client_secret": "a-client-secret-of-our-own-choice",
            "token_endpoint_auth_method": "client_secret_basic",
            "pkce_required": True,
        }
    },
    "settings": {
        "oauthClient": {
            "application_type": "web",
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "redirect_uris": ["https://app.example.com/callback"],
            "jwks": {"keys": [jwk("own")]},
            "dpop_bound_access_tokens": False,
            "refresh_token": {"rotation_type": "ROTATE", "leeway": 30},
            "anything": {"else": [1]},
        }
    },
}
REPLACED_APP = {**FULL_APP, "credentials": NEW_APP["credentials"]}
PERSON = {
    "profile": {
        "login": "n@example.com",
        "email": "n@example.com",
        "firstName": "N",
        "lastName": "N",
        "team": "a",
    },
    "credentials": {"password": {"value": "Correct-horse-1"}},
}
HOOK = {
    "name": "A hook",
    "description": "d",
    "events": {"type": "EVENT_TYPE", "items": ["user.lifecycle.create"], "filter": None},
    "channel": {
        "type": "HTTP",
        "version": "1.0.0",
        "config": {
            "uri": "https://hooks.example.com",
            "method": "POST",
            "headers": [{"key": "x-a", "value": "b"}],
            "authScheme": {"type": "HEADER", "key": "authorization", "value": "v"},
        },
    },
}


async def user(world: World) -> Params:
    """Use the seeded person."""
    return {"userId": world.org.seeded.user_id}


async def hook(world: World) -> Params:
    """Make an event hook."""
    return {"eventHookId": (await made(world, "/api/v1/eventHooks", HOOK))["id"]}


def log_in(world: World) -> dict[str, object]:
    """Return what the seeded person logs in with."""
    seeded = world.org.users[world.org.seeded.user_id]
    return {"username": seeded.login, "password": seeded.password, "relayState": "s"}


CUSTOM_ROLE = {"type": "CUSTOM", "role": "cr0", "resource-set": "iam0"}
GROUP = {"profile": {"name": "A group", "description": "d"}}
BODYLESS = {
    ("POST", "/activate"),
    ("PUT", "/api/v1/apps/{appId}/groups/{groupId}"),
    ("PUT", "/api/v1/groups/{groupId}/users/{userId}"),
}
BODIES = {
    ("POST", APPS): Recipe(body=FULL_APP),
    ("POST", "/api/v1/groups"): Recipe(body=GROUP),
    ("PUT", f"{APPS}/{{appId}}"): Recipe(app, REPLACED_APP),
    ("POST", f"{APPS}/{{appId}}/credentials/secrets"): Recipe(
        app, {"client_secret": "a-client-secret-of-our-own-choice", "status": "INACTIVE"}
    ),
    ("POST", f"{APPS}/{{appId}}/credentials/jwks"): Recipe(app, jwk("only")),
    ("POST", f"{APPS}/{{appId}}/grants"): Recipe(service_app, GRANT),
    ("POST", "/oauth2/v1/clients/{clientId}/roles"): Recipe(client, CUSTOM_ROLE),
    ("POST", "/integrations/api/v1/api-services"): Recipe(
        body=INTEGRATION | {"properties": {"a": "b"}}
    ),
    ("POST", "/integrations/api/v1/api-services/{apiServiceId}/credentials/secrets"): Recipe(
        integration, {"anything": 1}
    ),
    ("POST", "/api/v1/users"): Recipe(body=PERSON),
    ("POST", "/api/v1/users/{userId}"): Recipe(user, PERSON),
    ("POST", "/api/v1/authn"): Recipe(body=log_in),
    ("POST", "/api/v1/eventHooks"): Recipe(body=HOOK),
    ("PUT", "/api/v1/eventHooks/{eventHookId}"): Recipe(hook, HOOK),
    ("POST", "/api/v1/authorizationServers"): Recipe(body=SERVER),
    ("POST", "/api/v1/authorizationServers/{authServerId}/scopes"): Recipe(
        server, SCOPE | {"displayName": "d", "metadataPublish": "ALL_CLIENTS", "default": True}
    ),
    ("POST", "/api/v1/authorizationServers/{authServerId}/claims"): Recipe(server, CLAIM),
    ("PUT", "/api/v1/authorizationServers/{authServerId}/claims/{claimId}"): Recipe(claim, CLAIM),
    ("POST", PRINCIPAL_LIMITS): Recipe(body=new_limit),
    ("PUT", PRINCIPAL_LIMITS + "/{principalRateLimitId}"): Recipe(principal, new_limit),
}
ASKED = {"client_id": "0oa", "scope": "openid", "redirect_uri": CALLBACK, "state": "s"}
AUTHENTICATED = {"client_secret": "x", "client_assertion": "x", "client_assertion_type": JWT_BEARER}
FIELDS = {
    "/oauth2/v1/authorize": {**ASKED, "response_type": "code", "prompt": "login", "max_age": "1"},
    "/oauth2/v1/par": {**ASKED, **AUTHENTICATED, "request": "x", "code_challenge": "x"},
    "/oauth2/v1/device/authorize": ASKED,
    "/oauth2/v1/token": {
        **ASKED,
        **AUTHENTICATED,
        "grant_type": "authorization_code",
        "code": "x",
        "refresh_token": "x",
        "subject_token": "x",
        "assertion": "x",
        "device_code": "x",
    },
    "/oauth2/v1/introspect": {**AUTHENTICATED, "token": "x", "token_type_hint": "x"},
    "/oauth2/v1/revoke": {**AUTHENTICATED, "token": "x", "token_type_hint": "x"},
    "/oauth2/v1/logout": {"id_token_hint": "x", "post_logout_redirect_uri": "x", "state": "s"},
    "/oauth2/v1/userinfo": {"access_token": "x"},
    "/activate": {"user_code": "x", "login": "x", "password": "x"},
}


@dataclass
class Target:
    """One operation in a fresh org, where any body can be sent to it."""

    world: World
    method: str
    path: str
    body: object

    async def send(self, text: str) -> httpx2.Response:
        """Send JSON text as the admin; whatever is answered stands in the journal."""
        headers = {"authorization": f"SSWS {self.world.org.seeded.api_token}"}
        before = self.world.org.journal.last
        answer = await self.world.http.request(
            self.method, self.path, content=text.encode(), headers=headers
        )
        assert self.world.org.journal.last == before + 1
        return answer


async def aim(method: str, pattern: str) -> Target:
    """Prepare an operation in a fresh org."""
    world, recipe = World(), BODIES[method, pattern]
    world.org.change_settings(profile="off")
    path = pattern.format_map(await recipe.prepare(world))
    return Target(world, method, path, recipe.body(world) if callable(recipe.body) else recipe.body)


async def check(target: Target, place: Place, text: str) -> bool:
    """Send a body with an odd value in one place, and tell whether it was taken."""
    answer = await target.send(planted(target.body, place, text))
    shown = (target.path, place, text[:80], answer.text)
    assert answer.is_success or answer.status_code in (400, 401, 404, 409), shown
    return answer.is_success


@pytest.mark.parametrize(("method", "pattern"), BODIES)
async def test_a_whole_body_is_taken(method: str, pattern: str) -> None:
    """The body that the odd values are put into is a good one."""
    target = await aim(method, pattern)
    answer = await target.send(json.dumps(target.body))
    assert answer.is_success, answer.text


@pytest.mark.parametrize(("method", "pattern"), BODIES)
@pytest.mark.slow
async def test_every_member(method: str, pattern: str) -> None:
    """An odd value in any place of a body is refused in Okta's words, unless it is only kept."""
    target = await aim(method, pattern)
    for place in [*places(target.body)]:
        for text in ODD:
            if await check(target, place, text):
                listed = target.path.rpartition("/")[0] if method == "PUT" else target.path
                assert (await target.world.admin("GET", listed)).status_code < 500
                target = await aim(method, pattern)


def test_every_operation_that_reads_a_body_is_here() -> None:
    """An operation with a JSON body that is added to the sandbox must be added above."""
    changing = [r for r in ROUTES if r.method in ("POST", "PUT") and "/lifecycle/" not in r.pattern]
    json_ones = {(r.method, r.pattern) for r in changing if not r.pattern.startswith("/oauth2/")}
    json_ones |= {(r.method, r.pattern) for r in changing if r.guard == "management"}
    assert json_ones - BODYLESS == BODIES.keys()
    forms = {r.pattern for r in changing if r.guard == "oauth" and "{" not in r.pattern}
    assert forms - {"/api/v1/authn"} == FIELDS.keys()


@pytest.mark.slow
@pytest.mark.parametrize("path", FIELDS)
async def test_every_form_field(world: World, path: str) -> None:
    """An odd text in any field of a form does not break the org's server or a custom one."""
    world.org.change_settings(profile="off")
    for name in FIELDS[path]:
        for text in ODD:
            for server_path in (path, path.replace("/oauth2/", "/oauth2/default/")):
                fields = {**FIELDS[path], "client_id": world.client_id, name: text}
                answer = await world.http.post(server_path, data=fields)
                assert answer.status_code < 500, (server_path, name, text[:80])


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@given(operation=st.sampled_from([*BODIES]), value=ANY_JSON, data=st.data())
@settings(
    deadline=None,
    max_examples=150,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@pytest.mark.slow
async def test_any_json_anywhere(
    operation: tuple[str, str], value: object, data: st.DataObject
) -> None:
    """Nothing that is JSON breaks the org, wherever in a body it stands."""
    target = await aim(*operation)
    place = data.draw(st.sampled_from([*places(target.body)]))
    await check(target, place, json.dumps(value))


@pytest.mark.parametrize(("part", "path"), [("devices", "/api/v1/devices"), ("list_apps", APPS)])
async def test_what_breaks_all_the_same_is_told_as_okta_does(
    world: World, part: str, path: str
) -> None:
    """A mistake of ours is 500 E0000009 and stands in the journal, never a page of the server's."""
    setattr(world.org, part, None)  # the mistake: an AttributeError here, a TypeError there
    answer = await world.admin("GET", path)
    assert (answer.status_code, answer.json()["errorCode"]) == (500, "E0000009")
    (entry,) = world.org.requests()["requests"]  # type: ignore[misc]  # a list
    assert (entry["status"], entry["outcome"]) == (500, "E0000009")
