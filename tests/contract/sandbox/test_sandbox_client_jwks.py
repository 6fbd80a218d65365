"""Public keys of a client: every answer and every refusal, and their part in signing."""

import functools

import pytest
from joserfc.jwk import ECKey, RSAKey
from sandbox_kit import BASE, World, okta_error, without_id

from keyturn.sandbox.state.keys import render_public

pytestmark = pytest.mark.anyio

REFUSED = "Api validation failed: JsonWebKey"
WEAK = "RSA key length in the 'jwks' is less than '2,048' bits for the given key."
NAMELESS = (
    "Each key should have a unique kid when adding multiple keys. Use the Apps API to update the "
    "JWKS to add a kid for the existing key, or delete the existing key and re-add the key with "
    "a kid using the JWKS APIs."
)
TOO_MANY = (
    "You can't create a new key. You have reached the maximum number of keys allowed (50). To add "
    "another key, you must first delete an existing one."
)


@functools.cache
def pair() -> RSAKey:
    """Make one key pair for all tests here."""
    return RSAKey.generate_key(2048, auto_kid=True)


def public(**changes: object) -> dict[str, object]:
    """Return a public key with changes; None leaves a member out."""
    members = {**render_public(pair()), **changes}
    return {name: value for name, value in members.items() if value is not None}


@pytest.fixture
def path(world: World) -> str:
    """Return the path of the service app's keys."""
    return f"/api/v1/apps/{world.org.seeded.service_app_id}/credentials/jwks"


async def add(world: World, path: str, **changes: object) -> str:
    """Add a key and return its path."""
    answer = await world.admin("POST", path, public(**changes))
    assert answer.status_code == 201
    return f"{path}/{answer.json()['id']}"


async def test_added_key_in_oktas_order(world: World, path: str) -> None:
    """POST answers 201 with the public members, the status, the times and one link."""
    answer = await world.admin("POST", path, public(kid="k2", d="private"))
    made = answer.json()
    href = f"{BASE}{path}/{made['id']}/lifecycle/deactivate"
    assert (answer.status_code, made["id"][:3], len(made["id"])) == (201, "pks", 20)
    assert list(made)[:7] == ["id", "kid", "kty", "alg", "use", "e", "n"]
    assert list(made)[7:] == ["status", "created", "lastUpdated", "_links"]
    assert made["_links"] == {"deactivate": {"href": href, "hints": {"allow": ["POST"]}}}


async def test_list_is_a_bare_array(world: World, path: str) -> None:
    """The list holds the seeded key and the new one, oldest first, as GET of one shows them."""
    one = await add(world, path, kid="k2")
    listed = (await world.admin("GET", path)).json()
    assert [key["kid"] for key in listed] == [str(world.org.keys.service.kid), "k2"]
    assert (await world.admin("GET", one)).json() == listed[1]


async def test_embedded_keys_are_the_same(world: World, path: str) -> None:
    """The app shows the same keys, with id, status and use, null where it has none."""
    one = await add(world, path, kid="k2", use=None)
    app = (await world.admin("GET", path.removesuffix("/credentials/jwks"))).json()
    last = app["settings"]["oauthClient"]["jwks"]["keys"][-1]
    assert (last["kid"], last["use"], last["status"]) == ("k2", None, "ACTIVE")
    assert one.endswith(last["id"])


async def test_lifecycle(world: World, path: str) -> None:
    """Deactivate and activate answer 200 with the object; an INACTIVE key can be deleted."""
    one = await add(world, path, kid="k2")
    seen = []
    for step in ("deactivate", "deactivate", "activate", "deactivate"):
        world.clock.advance(10)
        answer = (await world.admin("POST", f"{one}/lifecycle/{step}")).json()
        seen.append((answer["status"], answer["lastUpdated"][17:19], sorted(answer["_links"])))
    stopped, started = ["activate", "delete"], ["deactivate"]
    assert seen == [
        ("INACTIVE", "10", stopped),
        ("INACTIVE", "10", stopped),
        ("ACTIVE", "30", started),
        ("INACTIVE", "40", stopped),
    ]
    assert (await world.admin("DELETE", one)).status_code == 204
    assert (await world.admin("GET", one)).status_code == 404


async def test_request_object_key_stays(world: World) -> None:
    """The last key with the algorithm of signed requests cannot be stopped."""
    app = (await world.admin("GET", f"/api/v1/apps/{world.app_id}")).json()
    app["settings"]["oauthClient"] |= {
        "request_object_signing_alg": "RS256",
        "jwks": {"keys": [public()]},
    }
    await world.admin("PUT", f"/api/v1/apps/{world.app_id}", app)
    keys = f"/api/v1/apps/{world.app_id}/credentials/jwks"
    (only,) = (await world.admin("GET", keys)).json()
    answer = await world.admin("POST", f"{keys}/{only['id']}/lifecycle/deactivate")
    cause = (
        "The `jwks` must contain at least one key with an algorithm matching the "
        "`request_object_signature_algorithm`."
    )
    assert without_id(answer) == okta_error("E0000001", REFUSED, cause)


async def test_one_active_encryption_key(world: World, path: str) -> None:
    """A second ACTIVE one is refused, an INACTIVE one steps in, and it cannot be stopped."""
    first = await add(world, path, kid="e1", use="enc", alg=None)
    answer = await world.admin("POST", path, public(kid="e2", use="enc"))
    cause = "The client can have only one active encryption key in the 'jwks'."
    assert without_id(answer) == okta_error("E0000001", REFUSED, cause)
    second = await add(world, path, kid="e2", use="enc", status="INACTIVE")
    active = (await world.admin("POST", f"{second}/lifecycle/activate")).json()
    assert (active["status"], "_links" in active) == ("ACTIVE", False)
    assert (await world.admin("GET", first)).json()["status"] == "INACTIVE"
    answer = await world.admin("POST", f"{second}/lifecycle/deactivate")
    cause = "You can't deactivate the active encryption key."
    assert answer.status_code == 400
    assert without_id(answer) == okta_error("E0000001", REFUSED, cause)


async def test_elliptic_keys_are_taken(world: World, path: str) -> None:
    """An EC signing key is shown with its own members."""
    key = ECKey.generate_key("P-256", auto_kid=True).as_dict(private=False)
    made = (await world.admin("POST", path, {**key, "alg": "ES256", "use": "sig"})).json()
    assert (made["kty"], made["crv"], "n" in made) == ("EC", "P-256", False)


async def test_only_active_keys_sign(world: World, path: str) -> None:
    """A client rotates its key: the new one signs once added, the old one not once stopped."""
    service = world.org.keys.service
    (old,) = (await world.admin("GET", path)).json()
    await world.admin("POST", path, public())
    assert (await world.service_token(assertion=world.assertion())).status_code == 200
    await world.admin("POST", f"{path}/{old['id']}/lifecycle/deactivate")
    refused = await world.service_token(assertion=world.assertion(key=service))
    assert refused.status_code == 401
    assert refused.json()["error_description"] == "The client_assertion JWT kid is invalid."


async def test_new_key_signs(world: World, path: str) -> None:
    """A key that takes over the name of the old one is the one that counts."""
    kid = str(world.org.keys.service.kid)
    (old,) = (await world.admin("GET", path)).json()
    await add(world, path, kid="between")
    await world.admin("POST", f"{path}/{old['id']}/lifecycle/deactivate")
    await world.admin("DELETE", f"{path}/{old['id']}")
    await add(world, path, kid=kid)
    assert (await world.service_token(assertion=world.assertion())).status_code == 401
    assert (await world.service_token(assertion=world.assertion(key=pair()))).status_code == 200


async def test_keys_of_a_privileged_app_want_a_super_admin(world: World, path: str) -> None:
    """Where Okta scopes are granted, a lesser admin role does not suffice to change keys."""
    token = (await world.service_token("okta.apps.manage")).json()["access_token"]
    headers = {"authorization": f"Bearer {token}"}
    world.org.change_admin_role(world.org.seeded.service_app_id, "APP_ADMIN")
    answer = await world.http.post(path, json=public(kid="k2"), headers=headers)
    assert answer.status_code == 403
    assert without_id(answer) == okta_error(
        "E0000006", "You do not have permission to perform the requested action"
    )
    own = f"/api/v1/apps/{world.app_id}/credentials/jwks"
    assert (await world.http.post(own, json=public(), headers=headers)).status_code == 201


async def test_lifecycle_is_told_in_the_system_log(world: World, path: str) -> None:
    """Each change of a key is an event that names it; doing nothing is none."""
    last = world.org.system_log.last
    one = await add(world, path, kid="k2")
    for step in ("activate", "deactivate"):
        await world.admin("POST", f"{one}/lifecycle/{step}")
    await world.admin("DELETE", one)
    events = list(world.org.system_log.events(last))
    assert [event.type.rpartition(".")[2] for event in events] == [
        "create",
        "deactivate",
        "delete",
    ]
    detail = {"KeyId": "k2", "ClientCredentialsType": "keypair", "Status": "ACTIVE"}
    assert events[0].type == "app.oauth2.credentials.lifecycle.create"
    assert dict(events[0].targets[1].detail) == detail
