"""Every type of rotation has the same routes; a connection's own key has a door of its own."""

import json

import httpx2
import pytest
from api_kit import CONNECTIONS, NO_ID, ORG_URL, Body, House, description, issues, problem
from kinds_kit import DRAFTS

from keyturn.domain.okta import CredentialKind
from keyturn.sandbox.state.keys import render_private

BASE = "/api/v2/secret-rotations"
CREATED = [CredentialKind.API_SERVICE_SECRET, CredentialKind.CLIENT_KEY]
MAPPING = {"clientId": "OTHER_ID", "clientSecret": "OTHER_VALUE"}


async def created(house: House, kind: CredentialKind, **parameters: object) -> httpx2.Response:
    """Ask for a rotation of a fresh app of this kind."""
    app = house.org.create_app(DRAFTS[kind])
    asked = {"clientId": app.id, "keyAlgorithm": "ES256"} | parameters
    order = house.order(await house.connect(), parameters=asked, secretsMapping=MAPPING)
    return await house.http.post(f"{BASE}/{kind}", json=order)


async def own(house: House) -> str:
    """Connect as the org's service app and return the connection's id."""
    jwk = json.dumps(render_private(house.org.keys.service))
    app = house.org.apps[house.org.seeded.service_app_id]
    credentials = {"instanceUrl": ORG_URL, "clientId": app.client_id, "privateKey": jwk}
    body = house.connection(name="own", method="oauth-service-app", credentials=credentials)
    made: Body = (await house.http.post(CONNECTIONS, json=body)).json()
    connection = made["appConnection"]
    assert isinstance(connection, dict)
    return str(connection["id"])


@pytest.mark.parametrize("kind", CREATED)
async def test_a_rotation_of_each_type_is_created_and_served(
    house: House, kind: CredentialKind
) -> None:
    """The answer has the shape of any rotation and says its type; readers get the value."""
    answer = await created(house, kind)
    assert answer.status_code == 200, answer.text
    made = answer.json()["secretRotation"]
    assert made["type"] == kind
    assert made["keyAlgorithm"] == ("ES256" if kind.rules.are_keys else None)
    assert await house.served("OTHER_VALUE")


@pytest.mark.parametrize("kind", CREATED)
async def test_each_type_has_every_route(house: House, kind: CredentialKind) -> None:
    """Read, list, change, rotate, turns, credentials and delete are where they are for secrets."""
    made = (await created(house, kind)).json()["secretRotation"]
    one, of_project = f"{BASE}/{kind}/{made['id']}", {"projectId": "example"}
    where = {**of_project, "environment": "dev", "secretPath": "/"}
    assert (await house.http.get(one)).json()["secretRotation"]["id"] == made["id"]
    named = await house.http.get(f"{BASE}/{kind}/rotation-name/{made['name']}", params=where)
    assert named.status_code == 200
    changed = await house.http.patch(one, json={"description": "new"})
    assert changed.json()["secretRotation"]["description"] == "new"
    shown = (await house.http.get(f"{one}/generated-credentials")).json()
    assert shown["type"] == kind
    turns = (await house.http.get(f"{one}/turns")).json()["turns"]
    assert [turn["phase"] for turn in turns] == ["finished"]
    assert (await house.http.get(f"{one}/preview")).status_code == 200
    assert (await house.http.delete(one)).status_code == 200
    assert problem(await house.http.get(one)) == (404, "NotFound")


async def test_record_of_a_keys_turn_says_how_keys_are_named(house: House) -> None:
    """A key is named by its thumbprint, of which Okta's hash of a secret is no part."""
    made = (await created(house, CredentialKind.CLIENT_KEY)).json()["secretRotation"]
    turns = f"{BASE}/{CredentialKind.CLIENT_KEY}/{made['id']}/turns"
    [turn] = (await house.http.get(turns)).json()["turns"]
    where = f"{turns}/{turn['id']}/evidence"
    page = (await house.http.get(where, params={"format": "markdown"})).text
    assert "thumbprint (RFC 7638)" in page
    assert "16 bytes" not in page


async def test_lists_are_of_one_type_or_of_all(house: House) -> None:
    """A type's list holds its own only; the list without a type holds all."""
    await created(house, CredentialKind.CLIENT_KEY)
    params = {"projectId": "example"}
    found = {
        kind: (await house.http.get(f"{BASE}/{kind}", params=params)).json()["secretRotations"]
        for kind in CredentialKind
    }
    assert [kind for kind, list_ in found.items() if list_] == [CredentialKind.CLIENT_KEY]
    every = (await house.http.get(BASE, params=params)).json()["secretRotations"]
    assert [one["type"] for one in every] == ["okta-client-key"]


async def test_name_is_looked_up_within_its_type(house: House) -> None:
    """A rotation of another type is not found by its name."""
    made = (await created(house, CredentialKind.CLIENT_KEY)).json()["secretRotation"]
    where = {"projectId": "example", "environment": "dev", "secretPath": "/"}
    path = f"{BASE}/okta-client-secret/rotation-name/{made['name']}"
    assert problem(await house.http.get(path, params=where)) == (404, "NotFound")


async def test_unknown_type_is_not_found(house: House) -> None:
    """A type that does not exist has no routes."""
    answer = await house.http.get(f"{BASE}/aws-secret/{NO_ID}")
    assert answer.status_code == 404


async def test_unknown_algorithm_is_refused(house: House) -> None:
    """What a key can sign with is told with the field."""
    answer = await created(house, CredentialKind.CLIENT_KEY, keyAlgorithm="HS256")
    assert issues(answer) == ["parameters.keyAlgorithm"]


async def test_openapi_tells_every_type(house: House) -> None:
    """Each route is described under each type, and the types are spelled out."""
    document = description(house.world)
    for kind in CredentialKind:
        assert f"{BASE}/{kind}/{{rotation_id}}/turns" in document["paths"]
    told = document["components"]["schemas"]["Rotation"]["properties"]["type"]["enum"]
    assert told == [kind.value for kind in CredentialKind]


async def test_key_of_a_connection_is_turned(house: House) -> None:
    """The answer is the rotation that keeps the record; the connection's version says the rest."""
    connection_id = await own(house)
    answer = await house.http.post(f"{CONNECTIONS}/{connection_id}/turn-key")
    assert answer.status_code == 200, answer.text
    made = answer.json()["secretRotation"]
    assert (made["type"], made["keyAlgorithm"]) == ("okta-connection-key", "RS256")
    read = (await house.http.get(f"{CONNECTIONS}/{connection_id}")).json()["appConnection"]
    assert read["version"] == 2
    assert problem(await house.http.post(f"{CONNECTIONS}/{connection_id}/turn-key"))[0] == 400
    turns = await house.http.get(f"{BASE}/okta-connection-key/{made['id']}/turns")
    assert turns.json()["turns"][0]["phase"] == "overlapping"


async def test_key_of_a_connection_is_shown_to_nobody(house: House) -> None:
    """No answer of any route carries what Keyturn logs in with."""
    connection_id = await own(house)
    body = {"keyAlgorithm": "ES256"}
    path = f"{CONNECTIONS}/{connection_id}/turn-key"
    made = (await house.http.post(path, json=body)).json()["secretRotation"]
    one = f"{BASE}/okta-connection-key/{made['id']}"
    refused = await house.http.get(f"{one}/generated-credentials")
    assert problem(refused) == (400, "BadRequest")
    assert made["keyAlgorithm"] == "ES256"


async def test_key_of_a_connection_is_not_created_as_a_rotation(house: House) -> None:
    """The route says where the right door is."""
    order = house.order(await house.connect())
    answer = await house.http.post(f"{BASE}/okta-connection-key", json=order)
    assert problem(answer) == (400, "BadRequest")
    assert "turn-key" in answer.json()["message"]


async def test_app_of_a_connection_is_no_rotations_and_the_refusal_names_the_command(
    house: House,
) -> None:
    """With the project in which the command finds the connection."""
    order = house.order(await own(house), parameters={"clientId": house.org.seeded.service_app_id})
    answer = await house.http.post(f"{BASE}/okta-client-secret", json=order)
    assert answer.status_code == 400
    command = "`keyturn connection okta turn-key own --project example`"
    assert command in answer.json()["message"]


async def test_unknown_connection_has_no_key(house: House) -> None:
    """An id that nobody has is not found."""
    answer = await house.http.post(f"{CONNECTIONS}/{NO_ID}/turn-key")
    assert problem(answer) == (404, "NotFound")
