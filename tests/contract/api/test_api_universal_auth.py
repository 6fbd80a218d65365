"""By what identities log in: rules, client secrets, tokens made by hand, and their ends."""

import pytest
from api_kit import House, issues, problem
from identity_kit import (
    IDENTITIES,
    LOGIN,
    TOKEN_AUTH,
    UNIVERSAL,
    ask,
    at,
    log_in,
    newcomer,
    refused,
    token_of,
    tokens_stored,
    use,
)

EVERYWHERE = [{"ipAddress": "0.0.0.0/0"}, {"ipAddress": "::/0"}]


def own(house: House) -> str:
    """Return where the universal auth of the machine identity is."""
    return f"{UNIVERSAL}/{house.installed.identity.id}"


async def test_an_identity_is_let_in_from_nothing(house: House) -> None:
    """Rules, then a client secret, then a log-in: the way of a new machine."""
    identity_id, _ = await newcomer(house, ("viewer", house.installed.project.id))
    auth = at(await ask(house, "POST", f"{UNIVERSAL}/{identity_id}", {}), "identityUniversalAuth")
    made = await ask(house, "POST", f"{UNIVERSAL}/{identity_id}/client-secrets", {})
    body = {"clientId": auth["clientId"], "clientSecret": at(made, "clientSecret")}
    token = (await house.http.post(LOGIN, json=body)).json()["accessToken"]
    assert await use(house, token) == 200
    shown = at(await ask(house, "GET", f"{IDENTITIES}/{identity_id}"), "identity")
    assert shown["authMethods"] == ["universal-auth", "token-auth"]


async def test_rules_have_the_defaults_of_infisical(house: House) -> None:
    """What nobody asked for is a month, any number of uses, everywhere, and three tries."""
    identity_id, _ = await newcomer(house)
    auth = at(await ask(house, "POST", f"{UNIVERSAL}/{identity_id}", {}), "identityUniversalAuth")
    assert {name: auth[name] for name in auth if "Ips" in name or name[:4] in {"acce", "lock"}} == {
        "accessTokenTTL": 2_592_000,
        "accessTokenMaxTTL": 2_592_000,
        "accessTokenNumUsesLimit": 0,
        "accessTokenTrustedIps": EVERYWHERE,
        "clientSecretTrustedIps": EVERYWHERE,
        "accessTokenPeriod": 0,
        "lockoutEnabled": True,
        "lockoutThreshold": 3,
        "lockoutDurationSeconds": 300,
        "lockoutCounterResetSeconds": 30,
        "lockedUntil": None,
    }


async def test_rules_are_changed_one_by_one(house: House) -> None:
    """A change leaves what it does not name, keeps the client id, and is what tokens follow."""
    networks = [{"ipAddress": "127.0.0.1"}]
    await ask(house, "PATCH", own(house), {"accessTokenTTL": 60, "accessTokenMaxTTL": 90})
    changed = await ask(house, "PATCH", own(house), {"clientSecretTrustedIps": networks})
    auth = at(changed, "identityUniversalAuth")
    assert (auth["accessTokenTTL"], auth["accessTokenMaxTTL"]) == (60, 90)
    assert auth["clientSecretTrustedIps"] == [{"ipAddress": "127.0.0.1/32"}]
    assert auth["clientId"] == house.installed.client_id
    assert (await log_in(house)).json()["expiresIn"] == 60
    assert await ask(house, "GET", own(house)) == changed


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"accessTokenTTL": 0}, "accessTokenTTL"),
        ({"accessTokenTTL": 315_360_001}, "accessTokenTTL"),
        ({"accessTokenTTL": 91, "accessTokenMaxTTL": 90}, "accessTokenTTL"),
        ({"accessTokenNumUsesLimit": -1}, "accessTokenNumUsesLimit"),
        ({"accessTokenTrustedIps": [{"ipAddress": "nowhere"}]}, "accessTokenTrustedIps"),
        ({"clientSecretTrustedIps": [{"ipAddress": "10.0.0.0/99"}]}, "clientSecretTrustedIps"),
        ({"lockoutThreshold": 0}, "lockoutThreshold"),
        ({"lockoutDurationSeconds": 29}, "lockoutDurationSeconds"),
        ({"lockoutCounterResetSeconds": 3601}, "lockoutCounterResetSeconds"),
    ],
)
async def test_rules_that_cannot_be_name_the_field(
    house: House, body: dict[str, object], field: str
) -> None:
    """Bounds are Infisical's, and nothing is stored of a change that breaks one."""
    before = await ask(house, "GET", own(house))
    assert issues(await house.http.patch(own(house), json=body)) == [field]
    assert await ask(house, "GET", own(house)) == before


async def test_a_lockout_is_cleared(house: House) -> None:
    """Who administers ends it at once, and is told whether there was one."""
    for _ in range(3):
        await log_in(house, clientSecret="wrong")
    assert at(await ask(house, "GET", own(house)), "identityUniversalAuth", "lockedUntil")
    assert await ask(house, "POST", f"{own(house)}/clear-lockouts") == {"deleted": 1}
    assert await ask(house, "POST", f"{own(house)}/clear-lockouts") == {"deleted": 0}
    assert (await log_in(house)).status_code == 200


async def test_universal_auth_is_removed_with_all_that_came_of_it(house: House) -> None:
    """Client secrets and tokens end, and the identity itself stays."""
    token = await token_of(house)
    await ask(house, "DELETE", own(house))
    assert (await use(house, token), (await log_in(house)).status_code) == (401, 401)
    assert await refused(house, "GET", own(house)) == (404, "NotFound")
    await ask(house, "GET", f"{IDENTITIES}/{house.installed.identity.id}")


async def test_a_client_secret_is_shown_once(house: House) -> None:
    """The answer that makes it has the value, and no other answer has."""
    body = {"description": "for the pipeline", "ttl": 60, "numUsesLimit": 5}
    made = await ask(house, "POST", f"{own(house)}/client-secrets", body)
    value, data = at(made, "clientSecret"), at(made, "clientSecretData")
    assert (data["clientSecretTTL"], data["clientSecretNumUsesLimit"]) == (60, 5)
    assert value.startswith(data["clientSecretPrefix"])
    listed = await house.http.get(f"{own(house)}/client-secrets")
    assert value not in listed.text
    assert [each["description"] for each in listed.json()["clientSecretData"]] == [
        "",
        "for the pipeline",
    ]
    one = await ask(house, "GET", f"{own(house)}/client-secrets/{data['id']}")
    assert one == {"clientSecretData": data}


@pytest.mark.parametrize(("method", "path"), [("POST", "/revoke"), ("DELETE", "")])
async def test_a_client_secret_ends_with_its_tokens(house: House, method: str, path: str) -> None:
    """What it gave goes with it; what others gave stays."""
    made = await ask(house, "POST", f"{own(house)}/client-secrets", {})
    value, new_id = at(made, "clientSecret"), at(made, "clientSecretData", "id")
    other = await token_of(house)
    token = (await log_in(house, clientSecret=value)).json()["accessToken"]
    gone = await ask(house, method, f"{own(house)}/client-secrets/{new_id}{path}")
    assert at(gone, "clientSecretData", "isClientSecretRevoked") is True
    assert problem(await log_in(house, clientSecret=value)) == (401, "UnauthorizedError")
    assert (await use(house, token), await use(house, other)) == (401, 200)


async def test_a_client_secret_of_another_identity_is_not_found(house: House) -> None:
    """A path says whose it is, and that has to be so."""
    identity_id, _ = await newcomer(house)
    secrets = await ask(house, "GET", f"{own(house)}/client-secrets")
    theirs = at(secrets, "clientSecretData", 0, "id")
    for method, path in (("GET", ""), ("POST", "/revoke"), ("DELETE", "")):
        where = f"{UNIVERSAL}/{identity_id}/client-secrets/{theirs}{path}"
        assert await refused(house, method, where) == (404, "NotFound")


async def test_a_token_is_made_by_hand_listed_and_revoked(house: House) -> None:
    """Its value is told once; its id is enough to end it."""
    identity_id, _ = await newcomer(house, ("viewer", house.installed.project.id))
    path = f"{TOKEN_AUTH}/identities/{identity_id}/tokens"
    body = {"name": "laptop", "accessTokenTTL": 60, "accessTokenMaxTTL": 120}
    made = await ask(house, "POST", path, body)
    value, token_id = at(made, "accessToken"), at(made, "tokenData", "id")
    assert (at(made, "expiresIn"), at(made, "accessTokenMaxTTL")) == (60, 120)
    assert await use(house, value) == 200
    listed = await house.http.get(path)
    assert value not in listed.text
    assert [each["name"] for each in listed.json()["tokens"]] == ["", "laptop"]
    await ask(house, "POST", f"{TOKEN_AUTH}/tokens/{token_id}/revoke")
    assert await use(house, value) == 401
    gone = await refused(house, "POST", f"{TOKEN_AUTH}/tokens/{token_id}/revoke")
    assert gone == (404, "NotFound")


async def test_tokens_of_log_ins_are_listed_too(house: House) -> None:
    """Every token of an identity can be seen and ended."""
    await token_of(house)
    path = f"{TOKEN_AUTH}/identities/{house.installed.identity.id}/tokens"
    (token,) = at(await ask(house, "GET", path), "tokens")
    assert token["authMethod"] == "universal-auth"
    await ask(house, "POST", f"{TOKEN_AUTH}/tokens/{token['id']}/revoke")
    assert await tokens_stored(house) == 0
