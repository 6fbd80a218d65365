"""Rotations, as Infisical documents them."""

import json
from dataclasses import replace

import pytest
from api_kit import NO_ID, ROTATIONS, SECRETS, House, issues, problem

from keyturn.domain.rotation import Rotation
from keyturn.sandbox import Fault

BASE = "/api/v2/secret-rotations"
ISSUE = "/api/v1/apps/{appId}/credentials/secrets"
OURS = {
    "oktaAppId",
    "oktaClientId",
    "overlapSeconds",
    "soakSeconds",
    "isLastRotationManual",
    "overlapPolicy",
    "backstopSeconds",
    "quietSeconds",
    "readSystemLog",
    "repairDrift",
    "keyAlgorithm",
    "schedule",
}
DOCUMENTED = {
    "id",
    "name",
    "description",
    "secretsMapping",
    "isAutoRotationEnabled",
    "activeIndex",
    "folderId",
    "connectionId",
    "createdAt",
    "updatedAt",
    "rotationInterval",
    "rotationStatus",
    "lastRotationAttemptedAt",
    "lastRotatedAt",
    "lastRotationJobId",
    "nextRotationAt",
    "connection",
    "environment",
    "projectId",
    "folder",
    "rotateAtUtc",
    "lastRotationMessage",
    "type",
    "parameters",
}


async def test_documented_sample_is_answered_with_every_documented_field(house: House) -> None:
    """The documented request is accepted and everything that it says comes back."""
    order = house.order(await house.connect())
    answer = await house.http.post(ROTATIONS, json=order)
    assert answer.status_code == 200
    rotation = answer.json()["secretRotation"]
    assert rotation.keys() == DOCUMENTED | OURS
    echoed = order.keys() - {"environment", "secretPath"}
    assert {key: rotation[key] for key in echoed} == {key: order[key] for key in echoed}
    assert rotation["connection"] == {
        "app": "okta",
        "name": "my-okta",
        "id": order["connectionId"],
    }
    assert rotation["environment"]["slug"] == "dev"
    assert rotation["environment"]["name"] == "Development"
    assert rotation["folder"] == {"id": rotation["folderId"], "path": "/"}


async def test_new_rotation_says_when_it_turns_next(house: House) -> None:
    """Creation counts as a rotation by hand; dates have milliseconds and Z."""
    rotation = await house.rotate_by_order()
    assert rotation["rotationStatus"] == "success"
    assert rotation["lastRotationMessage"] is None
    assert rotation["isLastRotationManual"] is True
    assert rotation["lastRotatedAt"] == "2026-03-01T12:00:00.000Z"
    assert rotation["nextRotationAt"] == "2026-04-01T00:00:00.000Z"
    assert rotation["activeIndex"] == 0


async def test_sample_with_the_documentation_s_own_comma_is_accepted(house: House) -> None:
    """The sample as it is printed, with a comma after the last parameter, is understood."""
    text = json.dumps(house.order(await house.connect(), description="a,]} b"), indent=4)
    printed = text.replace(f'"{house.app_id}"', f'"{house.app_id}",')
    answer = await house.http.post(
        ROTATIONS, content=printed, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 200
    assert answer.json()["secretRotation"]["description"] == "a,]} b"


async def test_defaults_and_unknown_keys(house: House) -> None:
    """What may be left out has Infisical's defaults; numeric strings pass, unknown keys too."""
    order = house.order(await house.connect(), rotationInterval="7", extra={"a": 1})
    del order["rotateAtUtc"], order["isAutoRotationEnabled"], order["description"]
    rotation = (await house.http.post(ROTATIONS, json=order)).json()["secretRotation"]
    assert rotation["rotationInterval"] == 7
    assert rotation["rotateAtUtc"] == {"hours": 0, "minutes": 0}
    assert rotation["isAutoRotationEnabled"] is True
    assert rotation["description"] is None


@pytest.mark.parametrize(("given", "kept"), [(1.9, 1), ("30.5", 30), (365, 365)])
async def test_fraction_of_a_day_is_cut_off(house: House, given: object, kept: int) -> None:
    """A fractional interval is cut to whole days, as Infisical's calendar does."""
    assert (await house.rotate_by_order(rotationInterval=given))["rotationInterval"] == kept


MAPPING = {"clientId": "ID", "clientSecret": "SECRET"}
WRONG: list[tuple[str, object, str]] = [
    ("name", "My Rotation", "name"),
    ("name", "a--b", "name"),
    ("name", "a" * 65, "name"),
    ("name", "", "name"),
    ("name", None, "name"),
    ("projectId", " ", "projectId"),
    ("description", "d" * 257, "description"),
    ("connectionId", "canary", "connectionId"),
    ("environment", "", "environment"),
    ("environment", "e" * 65, "environment"),
    ("secretPath", "", "secretPath"),
    ("secretPath", "no/slash", "secretPath"),
    ("isAutoRotationEnabled", "yes", "isAutoRotationEnabled"),
    ("rotationInterval", 0, "rotationInterval"),
    ("rotationInterval", -1, "rotationInterval"),
    ("rotationInterval", 0.5, "rotationInterval"),
    ("rotationInterval", "canary", "rotationInterval"),
    ("rotationInterval", "inf", "rotationInterval"),
    ("rotationInterval", 10**12, "rotationInterval"),
    ("rotationInterval", None, "rotationInterval"),
    ("rotateAtUtc", {"hours": 24, "minutes": 0}, "rotateAtUtc.hours"),
    ("rotateAtUtc", {"hours": 0, "minutes": 60}, "rotateAtUtc.minutes"),
    ("rotateAtUtc", {"hours": 0}, "rotateAtUtc.minutes"),
    ("parameters", {}, "parameters.clientId"),
    ("parameters", {"clientId": " "}, "parameters.clientId"),
    ("secretsMapping", MAPPING | {"clientId": "a:b"}, "secretsMapping.clientId"),
    ("secretsMapping", MAPPING | {"clientSecret": "a/b"}, "secretsMapping.clientSecret"),
    ("secretsMapping", MAPPING | {"clientSecret": "a b"}, "secretsMapping.clientSecret"),
    ("secretsMapping", MAPPING | {"clientSecret": ""}, "secretsMapping.clientSecret"),
    ("secretsMapping", MAPPING | {"clientId": "SECRET"}, "secretsMapping.clientSecret"),
    ("overlapSeconds", 10, "overlapSeconds"),
    ("soakSeconds", -1, "soakSeconds"),
]


@pytest.mark.parametrize(("field", "value", "path"), WRONG)
async def test_wrong_field_is_named(house: House, field: str, value: object, path: str) -> None:
    """A field that breaks its rule is named by its path, and what was sent is not repeated."""
    order = house.order(await house.connect(), **{field: value})
    answer = await house.http.post(ROTATIONS, json=order)
    assert issues(answer) == [path]
    assert "canary" not in answer.text


async def test_every_wrong_field_is_named_at_once(house: House) -> None:
    """An empty body hears of all that is required in one answer."""
    assert issues(await house.http.post(ROTATIONS, json={})) == [
        "name",
        "projectId",
        "connectionId",
        "environment",
        "secretPath",
        "rotationInterval",
        "parameters",
        "secretsMapping",
    ]


async def test_name_in_capitals_is_lowered(house: House) -> None:
    """Capitals alone are no mistake: the name is kept in lower case."""
    assert (await house.rotate_by_order(name=" MyRotation "))["name"] == "myrotation"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"parameters": {"clientId": "0oaUnknown"}}, (400, "BadRequest")),
        ({"parameters": {"clientId": "../users/me"}}, (400, "BadRequest")),
        ({"secretPath": "/none"}, (400, "BadRequest")),
        ({"connectionId": NO_ID}, (404, "NotFound")),
        ({"environment": "none"}, (404, "NotFound")),
        ({"projectId": "none"}, (404, "NotFound")),
    ],
)
async def test_what_is_not_there_is_refused(
    house: House, changes: dict[str, object], expected: tuple[int, str]
) -> None:
    """An app, folder, connection, environment or project that is not there stores nothing."""
    order = house.order(await house.connect(), **changes)
    assert problem(await house.http.post(ROTATIONS, json=order)) == expected
    listed = await house.http.get(ROTATIONS, params={"projectId": "example"})
    assert listed.json() == {"secretRotations": []}


async def test_name_of_another_rotation_is_taken(house: House) -> None:
    """A second rotation of the same name in a folder is refused."""
    first = await house.rotate_by_order()
    again = house.order(str(first["connectionId"]), secretsMapping=dict(MAPPING))
    assert problem(await house.http.post(ROTATIONS, json=again)) == (400, "BadRequest")


async def test_mapped_name_of_another_secret_is_taken(house: House) -> None:
    """A mapped name that exists is refused, and the answer says which."""
    body = house.place | {"secretValue": "x"}
    await house.http.post(f"{SECRETS}/OKTA_CLIENT_ID", json=body)
    answer = await house.http.post(ROTATIONS, json=house.order(await house.connect()))
    assert problem(answer) == (400, "BadRequest")
    assert "OKTA_CLIENT_ID" in answer.json()["message"]


async def test_okta_s_fault_at_creation_is_400(house: House) -> None:
    """When Okta fails during creation the request failed, and nothing is kept of it."""
    order = house.order(await house.connect())
    house.org.faults.add(Fault("error-before-effect", status=503))
    assert problem(await house.http.post(ROTATIONS, json=order)) == (400, "BadRequest")


async def test_rotation_is_found_by_id_by_name_and_in_lists(house: House) -> None:
    """All ways to a rotation lead to the same object."""
    rotation = await house.rotate_by_order(name="turns")
    place = {"projectId": "example", "environment": "dev", "secretPath": "/"}
    by_id = await house.http.get(f"{ROTATIONS}/{rotation['id']}")
    by_name = await house.http.get(f"{ROTATIONS}/rotation-name/turns", params=place)
    assert by_id.json() == by_name.json() == {"secretRotation": rotation}
    for path in (BASE, ROTATIONS):
        listed = await house.http.get(path, params={"projectId": rotation["projectId"]})
        assert listed.json() == {"secretRotations": [rotation]}


async def test_rotation_by_name_tells_folder_from_name(house: House) -> None:
    """An unknown folder is a bad request, an unknown name in a known folder is not found."""
    place = {"projectId": "example", "environment": "dev", "secretPath": "/"}
    path = f"{ROTATIONS}/rotation-name/none"
    assert problem(await house.http.get(path, params=place)) == (404, "NotFound")
    nowhere = place | {"secretPath": "/none"}
    assert problem(await house.http.get(path, params=nowhere)) == (400, "BadRequest")
    assert issues(await house.http.get(path)) == ["projectId", "environment", "secretPath"]


async def test_options_offer_okta(house: House) -> None:
    """The kinds of rotations are listed with the names that a form starts with."""
    answer = await house.http.get(BASE + "/options")
    offered = answer.json()["secretRotationOptions"]
    assert offered[0] == {
        "name": "Okta Client Secret",
        "connection": "okta",
        "type": "okta-client-secret",
        "template": {
            "secretsMapping": {
                "clientId": "OKTA_CLIENT_ID",
                "clientSecret": "OKTA_CLIENT_SECRET",
            }
        },
    }
    types = [option["type"] for option in offered]
    assert types == ["okta-client-secret", "okta-api-service-secret", "okta-client-key"]


async def test_patch_changes_only_what_it_names(house: House) -> None:
    """A change leaves the rest alone, and null empties a description."""
    rotation = await house.rotate_by_order()
    path = f"{ROTATIONS}/{rotation['id']}"
    changes = {"rotationInterval": 7, "rotateAtUtc": {"hours": 3, "minutes": 30}}
    changed = (await house.http.patch(path, json=changes)).json()["secretRotation"]
    assert {**changed, "updatedAt": None, "schedule": None} == {
        **rotation,
        **changes,
        "nextRotationAt": "2026-03-09T03:30:00.000Z",
        "updatedAt": None,
        "schedule": None,
    }
    emptied = await house.http.patch(path, json={"description": None})
    assert emptied.json()["secretRotation"]["description"] is None


async def test_patch_renames_and_pauses(house: House) -> None:
    """A new mapping renames the secrets; without the schedule there is no next date."""
    rotation = await house.rotate_by_order()
    before = await house.served()
    changes = {"secretsMapping": MAPPING, "isAutoRotationEnabled": False}
    answer = await house.http.patch(f"{ROTATIONS}/{rotation['id']}", json=changes)
    assert answer.json()["secretRotation"]["secretsMapping"] == MAPPING
    assert answer.json()["secretRotation"]["nextRotationAt"] is None
    assert await house.served("SECRET") == before


async def test_delete_answers_with_what_was_deleted(house: House) -> None:
    """The answer to a delete is the rotation; its secrets stay unless they are to go."""
    rotation = await house.rotate_by_order()
    path = f"{ROTATIONS}/{rotation['id']}"
    assert issues(await house.http.delete(path, params={"deleteSecrets": "yes"})) == [
        "deleteSecrets"
    ]
    answer = await house.http.delete(path, params={"deleteSecrets": "true"})
    assert answer.json() == {"secretRotation": rotation}
    assert problem(await house.http.get(path)) == (404, "NotFound")
    left = await house.http.get(SECRETS, params=house.place)
    assert left.json()["secrets"] == []


async def test_rotate_serves_a_new_secret_and_shows_both_slots(house: House) -> None:
    """After a rotation by hand both secrets are shown, and the active one is the served one."""
    rotation = await house.rotate_by_order()
    before = await house.served()
    answer = await house.http.post(f"{ROTATIONS}/{rotation['id']}/rotate-secrets")
    assert answer.json()["secretRotation"]["activeIndex"] == 1
    shown = (await house.http.get(f"{ROTATIONS}/{rotation['id']}/generated-credentials")).json()
    pairs = shown["generatedCredentials"]
    assert all(one.keys() == {"clientId", "clientSecret", "secretId"} for one in pairs)
    assert shown["rotationId"] == rotation["id"]
    assert shown["type"] == "okta-client-secret"
    assert pairs[shown["activeIndex"]]["clientSecret"] == await house.served() != before
    assert pairs[1 - shown["activeIndex"]]["clientSecret"] == before


async def test_okta_s_fault_at_rotate_is_500_and_the_old_secret_works_on(house: House) -> None:
    """When Okta fails, rotating by hand answers 500 and readers keep what works."""
    rotation = await house.rotate_by_order()
    before = await house.served()
    house.org.faults.add(Fault("error-before-effect", "POST", ISSUE, status=403))
    answer = await house.http.post(f"{ROTATIONS}/{rotation['id']}/rotate-secrets")
    assert problem(answer) == (500, "InternalServerError")
    assert await house.served() == before
    after = (await house.http.get(f"{ROTATIONS}/{rotation['id']}")).json()["secretRotation"]
    assert after["rotationStatus"] == "failed"
    assert 0 < len(after["lastRotationMessage"]) <= 1024


async def test_long_message_is_cut(house: House) -> None:
    """What went wrong is told in 1024 characters, as clients store it."""
    rotation = await house.rotate_by_order()
    async with house.world.store.writing() as tx:
        [stored] = await tx.list(Rotation)
        await tx.replace(replace(stored, last_message="m" * 2000))
    after = (await house.http.get(f"{ROTATIONS}/{rotation['id']}")).json()["secretRotation"]
    assert after["lastRotationMessage"] == "m" * 1024
