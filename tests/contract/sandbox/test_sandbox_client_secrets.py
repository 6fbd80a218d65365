"""Client secrets of an app: every answer and every refusal, to the letter."""

import base64
import hashlib

import pytest
from sandbox_kit import World, okta_error, without_id

from keyturn.sandbox.state.records import hash_secret

pytestmark = pytest.mark.anyio

MEDIATED = "Api validation failed: OAuth2ClientSecretMediated"
VALUE = "Api validation failed: client_secret"
GOOD = "a-secret-of-our-own-choice-with-64-letters_0123456789abcdefghijk"


async def test_hash_is_half_of_sha256(world: World) -> None:
    """The hash is unpadded base64url of the first 16 bytes of SHA-256, whoever chose the value."""
    body = (await world.admin("POST", world.secrets_path, {"client_secret": GOOD})).json()
    expected = base64.urlsafe_b64encode(
        bytes.fromhex(hashlib.sha256(GOOD.encode()).hexdigest()[:32])
    )
    assert body["secret_hash"] == expected.decode()[:22]
    assert body["client_secret"] == GOOD


def test_hash_of_a_known_value() -> None:
    """A value hashed by hand beforehand comes out the same."""
    assert hash_secret("abc") == "ungWv48Bz-pBQUDeXa4iIw"


@pytest.mark.parametrize("body", [b"", b"{}", b'{"status":"ACTIVE"}'])
async def test_okta_generates_a_value(world: World, body: bytes) -> None:
    """No body, an empty object and a mere status all make a secret of 64 characters."""
    answer = await world.admin("POST", world.secrets_path, content=body)
    made = answer.json()
    assert answer.status_code == 201
    assert list(made) == [
        "id",
        "created",
        "lastUpdated",
        "status",
        "client_secret",
        "secret_hash",
        "_links",
    ]
    assert (len(made["client_secret"]), made["id"][:3], len(made["id"])) == (64, "ocs", 20)
    assert made["created"] == made["lastUpdated"] == "2026-03-01T12:00:00.000Z"


async def test_links_follow_the_status(world: World) -> None:
    """ACTIVE offers deactivate; INACTIVE offers activate and delete; there is no self link."""
    made = await world.make_secret()
    one = f"https://org.example.com{world.secrets_path}/{made['id']}"
    post, delete = {"allow": ["POST"]}, {"allow": ["DELETE"]}
    assert made["_links"] == {"deactivate": {"href": f"{one}/lifecycle/deactivate", "hints": post}}
    stopped = await world.admin("POST", f"{one}/lifecycle/deactivate")
    assert stopped.json()["_links"] == {
        "activate": {"href": f"{one}/lifecycle/activate", "hints": post},
        "delete": {"href": one, "hints": delete},
    }


async def test_list_is_a_bare_array_in_the_clear(world: World) -> None:
    """The list holds clear values, oldest first, without Link header or paging."""
    first, made = world.secret, await world.make_secret()
    answer = await world.admin("GET", world.secrets_path)
    assert [item["client_secret"] for item in answer.json()] == [first, made["client_secret"]]
    assert "link" not in answer.headers


async def test_lifecycle(world: World) -> None:
    """Deactivate, activate, deactivate and delete answer 200, 200, 200 and 204."""
    one = f"{world.secrets_path}/{(await world.make_secret())['id']}"
    statuses = []
    for step in ("deactivate", "activate", "deactivate"):
        world.clock.advance(10)
        answer = await world.admin("POST", f"{one}/lifecycle/{step}")
        statuses.append((answer.status_code, answer.json()["status"]))
    assert statuses == [(200, "INACTIVE"), (200, "ACTIVE"), (200, "INACTIVE")]
    assert answer.json()["lastUpdated"] == "2026-03-01T12:00:30.000Z"
    gone = await world.admin("DELETE", one)
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await world.admin("GET", one)).status_code == 404


async def test_activating_an_active_secret_changes_nothing(world: World) -> None:
    """A second activation answers 200 and leaves lastUpdated alone."""
    made = await world.make_secret()
    world.clock.advance(60)
    path = f"{world.secrets_path}/{made['id']}/lifecycle/activate"
    assert (await world.admin("POST", path)).json() == made


async def test_created_inactive(world: World) -> None:
    """A secret may be made INACTIVE and then does not authenticate."""
    body = {"client_secret": GOOD, "status": "INACTIVE"}
    made = (await world.admin("POST", world.secrets_path, body)).json()
    assert made["status"] == "INACTIVE"
    assert await world.probe(GOOD) == 401


@pytest.mark.parametrize("length", [14, 100])
async def test_value_of_allowed_length(world: World, length: int) -> None:
    """The shortest and the longest value are taken."""
    answer = await world.admin("POST", world.secrets_path, {"client_secret": "~" * length})
    assert answer.status_code == 201


async def test_private_key_app_takes_no_secret(world: World) -> None:
    """Switching to private_key_jwt deletes the secrets, and no new one can be made."""
    world.org.change_auth_method(world.app_id, "private_key_jwt")
    assert (await world.admin("GET", world.secrets_path)).json() == []
    answer = await world.admin("POST", world.secrets_path)
    cause = "'client_secret' can't be used when 'token_endpoint_auth_method' is 'private_key_jwt'."
    assert answer.status_code == 400
    assert without_id(answer) == okta_error("E0000001", VALUE, cause)
