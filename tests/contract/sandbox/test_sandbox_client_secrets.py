"""Client secrets of an app: every answer and every refusal, to the letter."""

import base64
import hashlib

import pytest
from sandbox_kit import World, okta_error, without_id

from keyturn.sandbox.records import hash_secret

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


@pytest.mark.parametrize(
    ("wording", "cause"),
    [
        ("2022", "You have reached the maximum number of client secrets per client."),
        ("2026", "You've reached the maximum number of client secrets per client."),
    ],
)
async def test_third_secret_is_refused(world: World, wording: str, cause: str) -> None:
    """There are two secrets at most, ACTIVE or not, and the wording can be chosen."""
    world.org.change_settings(max_secrets_wording=wording)  # type: ignore[arg-type]
    one = f"{world.secrets_path}/{(await world.make_secret())['id']}"
    await world.admin("POST", f"{one}/lifecycle/deactivate")
    answer = await world.admin("POST", world.secrets_path)
    assert answer.status_code == 400
    assert without_id(answer) == okta_error("E0000001", MEDIATED, cause)


async def test_active_secret_cannot_be_deleted(world: World) -> None:
    """DELETE of an ACTIVE secret is refused."""
    answer = await world.admin(
        "DELETE", f"{world.secrets_path}/{(await world.make_secret())['id']}"
    )
    cause = "You can't delete an active client secret. Deactivate the secret before deleting it."
    assert answer.status_code == 400
    assert without_id(answer) == okta_error("E0000001", MEDIATED, cause)


async def test_only_active_secret_cannot_be_deactivated(world: World) -> None:
    """The last ACTIVE secret stays, also beside an INACTIVE one."""
    made = await world.make_secret()
    await world.admin("POST", f"{world.secrets_path}/{made['id']}/lifecycle/deactivate")
    (old, _) = (await world.admin("GET", world.secrets_path)).json()
    answer = await world.admin("POST", f"{world.secrets_path}/{old['id']}/lifecycle/deactivate")
    cause = "You can't deactivate the only active client secret."
    assert answer.status_code == 400
    assert without_id(answer) == okta_error("E0000001", MEDIATED, cause)


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        ("x" * 101, "client_secret: 'client_secret' can't be more than '100' characters long."),
        ("x" * 13, "client_secret: 'client_secret' must be at least '14' characters long."),
        (
            "no-ümlauts-in-here",
            "client_secret: ''client_secret'' must only contain printable ASCII: [x20-x7E]+",
        ),
    ],
)
async def test_value_is_refused(world: World, value: str, cause: str) -> None:
    """A value of one's own has 14 to 100 printable ASCII characters."""
    answer = await world.admin("POST", world.secrets_path, {"client_secret": value})
    assert answer.status_code == 400
    assert without_id(answer) == okta_error("E0000001", VALUE, cause)


@pytest.mark.parametrize("length", [14, 100])
async def test_value_of_allowed_length(world: World, length: int) -> None:
    """The shortest and the longest value are taken."""
    answer = await world.admin("POST", world.secrets_path, {"client_secret": "~" * length})
    assert answer.status_code == 201


async def test_value_is_longer_for_client_secret_jwt(world: World) -> None:
    """An app with client_secret_jwt needs 32 characters."""
    world.org.change_auth_method(world.app_id, "client_secret_jwt")
    answer = await world.admin("POST", world.secrets_path, {"client_secret": "x" * 31})
    cause = (
        "client_secret: 'client_secret' must be at least '32' characters long when "
        "'token_endpoint_auth_method' is 'client_secret_jwt'."
    )
    assert without_id(answer) == okta_error("E0000001", VALUE, cause)


async def test_private_key_app_takes_no_secret(world: World) -> None:
    """Switching to private_key_jwt deletes the secrets, and no new one can be made."""
    world.org.change_auth_method(world.app_id, "private_key_jwt")
    assert (await world.admin("GET", world.secrets_path)).json() == []
    answer = await world.admin("POST", world.secrets_path)
    cause = "'client_secret' can't be used when 'token_endpoint_auth_method' is 'private_key_jwt'."
    assert answer.status_code == 400
    assert without_id(answer) == okta_error("E0000001", VALUE, cause)


@pytest.mark.parametrize(("method", "step"), [("GET", ""), ("DELETE", ""), ("POST", "activate")])
async def test_unknown_secret(world: World, method: str, step: str) -> None:
    """An id that names no secret of this app is 404 for every operation."""
    path = f"{world.secrets_path}/1234" + (f"/lifecycle/{step}" if step else "")
    answer = await world.admin(method, path)
    summary = "Not found: Resource not found: 1234 (OAuth2ClientSecretMediated)"
    assert answer.status_code == 404
    assert without_id(answer) == okta_error("E0000007", summary)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_unknown_app(world: World, method: str) -> None:
    """An id that names no app is 404."""
    answer = await world.admin(method, "/api/v1/apps/0oanone/credentials/secrets")
    summary = "Not found: Resource not found: 0oanone (AppInstance)"
    assert answer.status_code == 404
    assert without_id(answer) == okta_error("E0000007", summary)


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"client_secret":1}', b"\xff"])
async def test_malformed_body(world: World, body: bytes) -> None:
    """A body that is not the JSON object expected is refused, and nothing is made."""
    answer = await world.admin("POST", world.secrets_path, content=body)
    assert answer.status_code == 400
    assert without_id(answer) == okta_error("E0000003", "The request body was not well-formed.")
    assert len(world.org.read_app(world.app_id).live_secrets) == 1
