"""The refusals of the management API: how to provoke each, and its status, code, summary, cause.

A row's last step is refused. Those of the OAuth endpoints are in `test_sandbox_oauth_refusals`.
"""

from collections.abc import Sequence

import httpx2
import pytest
from sandbox_kit import World, okta_error, without_id
from sandbox_steps import Step, as_service, bare, by_hand, call, get, key, names, post, spend

from keyturn.sandbox import Fault

pytestmark = pytest.mark.anyio

APP, SERVICE = "/api/v1/apps/{app}", "/api/v1/apps/{service}"
SECRETS, KEYS = APP + "/credentials/secrets", SERVICE + "/credentials/jwks"
NEWEST, OLDEST = SECRETS + "/{newest}", SECRETS + "/{oldest}"
SERVICES, DEVICE = "/integrations/api/v1/api-services", "/api/v1/devices/{device}"
SERVERS = "/api/v1/authorizationServers"
MEDIATED, VALUE, JWK = "OAuth2ClientSecretMediated", "client_secret", "JsonWebKey"
METHOD = by_hand(lambda world: world.org.change_auth_method(world.app_id, "client_secret_jwt"))
BY_KEY = by_hand(lambda world: world.org.change_auth_method(world.app_id, "private_key_jwt"))
ROLE = by_hand(lambda world: world.org.change_admin_role(world.org.seeded.service_app_id, None))
LESSER = by_hand(
    lambda world: world.org.change_admin_role(world.org.seeded.service_app_id, "APP_ADMIN")
)
WORDED_2022 = by_hand(lambda world: world.org.change_settings(max_secrets_wording="2022"))
UNLIMITED = by_hand(lambda world: world.org.change_settings(profile="off"))
FULL = by_hand(lambda world: world.org.change_settings(max_apps=2))
READ_ONLY = by_hand(lambda world: world.org.change_settings(read_only=True))
RECONCILING = by_hand(lambda world: world.org.change_settings(reconciling=True))
UNLICENSED = by_hand(lambda world: world.org.change_settings(custom_servers=False))
BROKEN = by_hand(lambda world: world.org.add_fault(Fault("error-before-effect")))
MONTH = by_hand(lambda world: world.clock.advance(30 * 86_400))
MADE = post(SECRETS)
STOPPED = post(NEWEST + "/lifecycle/deactivate")
INSTALLED = post(SERVICES, {"type": "my_app", "grantedScopes": ["okta.logs.read"]})
INSTALLED_SECRETS = SERVICES + "/{integration}/credentials/secrets"
FIFTY = [post(KEYS, key(kid=f"k{number}")) for number in range(49)]
ENCRYPTION = post(KEYS, key(kid="e1", use="enc"))
NEW_APP = {
    "name": "oidc_client",
    "label": "One more",
    "signOnMode": "OPENID_CONNECT",
    "settings": {
        "oauthClient": {
            "grant_types": ["authorization_code"],
            "response_types": ["code"],
            "redirect_uris": ["https://app.example.com/cb"],
        }
    },
}
SHORT_RSA = "3ZWrUY0Y6IKN1qI4BhxR2C7oHVFgGPYkd38uGq1jQNSqEvJFcN93CYm16"

MOST_SECRETS = "You've reached the maximum number of client secrets per client."
MOST_SECRETS_2022 = "You have reached the maximum number of client secrets per client."
ACTIVE_SECRET = (
    "You can't delete an active client secret. Deactivate the secret before deleting it."
)
ONLY_ACTIVE = "You can't deactivate the only active client secret."
PREFIX = "client_secret: "
TOO_LONG = PREFIX + "'client_secret' can't be more than '100' characters long."
TOO_SHORT = PREFIX + "'client_secret' must be at least '14' characters long."
TOO_SHORT_JWT = (
    PREFIX + "'client_secret' must be at least '32' characters long when "
    "'token_endpoint_auth_method' is 'client_secret_jwt'."
)
NOT_ASCII = PREFIX + "''client_secret'' must only contain printable ASCII: [x20-x7E]+"
SIGNS = "'client_secret' can't be used when 'token_endpoint_auth_method' is 'private_key_jwt'."
SAME_KID = "All keys in the 'jwks' must have a unique `kid`."
NO_KID = (
    "Each key should have a unique kid when adding multiple keys. Use the Apps API to update the "
    "JWKS to add a kid for the existing key, or delete the existing key and re-add the key with "
    "a kid using the JWKS APIs."
)
FIFTY_ONE = (
    "You can't create a new key. You have reached the maximum number of keys allowed (50). To add "
    "another key, you must first delete an existing one."
)
WEAK = "RSA key length in the 'jwks' is less than '2,048' bits for the given key."
TWO_ENCRYPT = "The client can have only one active encryption key in the 'jwks'."
ENCRYPTS = "You can't deactivate the active encryption key."
ONLY_KEY = (
    "Can't deactivate the only active JSON Web Key when the value for "
    "`token_endpoint_auth_method` is `private_key_jwt`."
)
ACTIVE_KEY = "You can't delete an active JSON Web Key. Deactivate the key before deleting it."
INSTANCES = "Cannot create application instance. Maximum number of instances has been reached."

INVALID = [
    ("a third client secret", [MADE, MADE], MEDIATED, MOST_SECRETS),
    ("a third beside an INACTIVE one", [MADE, STOPPED, MADE], MEDIATED, MOST_SECRETS),
    ("a third, as worded in 2022", [WORDED_2022, MADE, MADE], MEDIATED, MOST_SECRETS_2022),
    ("deleting an ACTIVE one", [MADE, call("DELETE", NEWEST)], MEDIATED, ACTIVE_SECRET),
    ("stopping the only one", [STOPPED], MEDIATED, ONLY_ACTIVE),
    (
        "stopping the only ACTIVE one of two",
        [MADE, STOPPED, post(OLDEST + "/lifecycle/deactivate")],
        MEDIATED,
        ONLY_ACTIVE,
    ),
    ("a value of 101", [post(SECRETS, {"client_secret": "x" * 101})], VALUE, TOO_LONG),
    ("a value of 13", [post(SECRETS, {"client_secret": "x" * 13})], VALUE, TOO_SHORT),
    ("31 to sign with", [METHOD, post(SECRETS, {"client_secret": "x" * 31})], VALUE, TOO_SHORT_JWT),
    ("no ASCII", [post(SECRETS, {"client_secret": "no-ümlauts-in-here"})], VALUE, NOT_ASCII),
    ("an app that signs by key", [BY_KEY, MADE], VALUE, SIGNS),
    ("a kid twice", [post(KEYS, key()), post(KEYS, key())], JWK, SAME_KID),
    ("a second key without kid", [post(KEYS, key(kid=None))], JWK, NO_KID),
    ("a fifty-first key", [UNLIMITED, *FIFTY, post(KEYS, key())], JWK, FIFTY_ONE),
    ("a short key", [post(KEYS, key(n=SHORT_RSA))], JWK, WEAK),
    ("a key without modulus", [post(KEYS, key(n=None))], JWK, WEAK),
    ("a key without exponent", [post(KEYS, key(e=None))], JWK, WEAK),
    (
        "a second encryption key",
        [ENCRYPTION, post(KEYS, key(use="enc"))],
        JWK,
        TWO_ENCRYPT,
    ),
    (
        "stopping the encryption key",
        [ENCRYPTION, post(KEYS + "/{key}/lifecycle/deactivate")],
        JWK,
        ENCRYPTS,
    ),
    ("stopping the only key", [post(KEYS + "/{key}/lifecycle/deactivate")], JWK, ONLY_KEY),
    (
        "deleting an ACTIVE key",
        [post(KEYS, key()), call("DELETE", KEYS + "/{key}")],
        JWK,
        ACTIVE_KEY,
    ),
    ("an app too many", [FULL, post("/api/v1/apps", NEW_APP)], "generalSettings", INSTANCES),
    ("expanding nonsense", [get("/api/v1/apps?expand=groups")], "RequestParams", None),
    ("expanding one app's", [get(APP + "?expand=user/")], "RequestParams", None),
    ("a limit in words", [get("/api/v1/apps?limit=many")], "RequestParams", None),
    (
        "a third one of an integration",
        [INSTALLED, post(INSTALLED_SECRETS), post(INSTALLED_SECRETS)],
        MEDIATED,
        MOST_SECRETS,
    ),
    (
        "deleting an ACTIVE one of an integration",
        [INSTALLED, post(INSTALLED_SECRETS), call("DELETE", INSTALLED_SECRETS + "/{second}")],
        MEDIATED,
        ACTIVE_SECRET,
    ),
]

MALFORMED = "The request body was not well-formed."
KINDS = "Bad request. Accept and/or Content-Type headers likely do not match supported values."
DENIED = "You do not have permission to perform the requested action"
UNKNOWN = "Not found: Resource not found: "
NO_APP, NO_SECRET = UNKNOWN + "0oanone (AppInstance)", UNKNOWN + f"1234 ({MEDIATED})"
NO_TOKEN = UNKNOWN + "{app}.oarnone (OAuth2RefreshTokenTx)"
FEATURE = "You do not have permission to access the feature you are requesting"
BUSY = "Policy priorities are being reconciled. Please try again later."
STATUS = "Illegal device status, cannot perform action."
DELETION = "The application must be deactivated before deletion."
GRANT = {"scopeId": "okta.users.read", "issuer": "https://org.example.com"}
LOGIN = {"username": "user@example.com", "password": "wrong"}

OTHERS = [
    ("half a body", [post(SECRETS, content=b"{")], 400, "E0000003", MALFORMED),
    ("a list", [post(SECRETS, content=b"[]")], 400, "E0000003", MALFORMED),
    ("no text", [post(SECRETS, content=b"\xff")], 400, "E0000003", MALFORMED),
    ("a number", [post(SECRETS, {"client_secret": 1})], 400, "E0000003", MALFORMED),
    (
        "no JSON wanted",
        [bare("/api/v1/apps", "SSWS {token}", accept="text/html")],
        400,
        "E0000019",
        KINDS,
    ),
    ("a wrong cursor", [get("/api/v1/apps?after=x")], 400, "E0000029", "Invalid paging request."),
    ("a wrong filter", [get("/api/v1/apps?filter=x")], 400, "E0000031", "Invalid search criteria."),
    (
        "a wrong cursor of devices",
        [get("/api/v1/devices?after=x")],
        400,
        "E0000031",
        "Invalid search criteria.",
    ),
    ("no token", [bare("/api/v1/apps")], 401, "E0000011", "Invalid token provided"),
    ("a scheme alone", [bare("/api/v1/apps", "SSWS")], 401, "E0000011", "Invalid token provided"),
    ("a wrong token", [bare("/api/v1/apps", "SSWS x")], 401, "E0000011", "Invalid token provided"),
    ("no bearer", [bare("/api/v1/apps", "Bearer x")], 401, "E0000011", "Invalid token provided"),
    ("a month unused", [MONTH, get("/api/v1/apps")], 401, "E0000011", "Invalid token provided"),
    (
        "a wrong password",
        [post("/api/v1/authn", LOGIN)],
        401,
        "E0000004",
        "Authentication failed",
    ),
    ("a feature that is off", [UNLICENSED, get(SERVERS)], 401, "E0000015", FEATURE),
    (
        "a session that is over",
        [bare("/api/v1/users/me", cookie="sid=102none")],
        403,
        "E0000005",
        "Invalid session",
    ),
    (
        "an app without role",
        [ROLE, as_service("GET", "/api/v1/apps", "okta.apps.read")],
        403,
        "E0000006",
        DENIED,
    ),
    (
        "keys without super admin",
        [LESSER, as_service("POST", KEYS, "okta.apps.manage", key())],
        403,
        "E0000006",
        DENIED,
    ),
    ("an ACTIVE app", [call("DELETE", APP)], 403, "E0000056", "Delete application forbidden."),
    (
        "a device twice suspended",
        [post(DEVICE + "/lifecycle/suspend"), post(DEVICE + "/lifecycle/suspend")],
        403,
        "E0000152",
        STATUS,
    ),
    ("no such secret", [get(SECRETS + "/1234")], 404, "E0000007", NO_SECRET),
    ("none to delete", [call("DELETE", SECRETS + "/1234")], 404, "E0000007", NO_SECRET),
    ("none to start", [post(SECRETS + "/1234/lifecycle/activate")], 404, "E0000007", NO_SECRET),
    ("no such app", [get("/api/v1/apps/0oanone")], 404, "E0000007", NO_APP),
    ("no such app to change", [call("PUT", "/api/v1/apps/0oanone", {})], 404, "E0000007", NO_APP),
    (
        "secrets of no app",
        [post("/api/v1/apps/0oanone/credentials/secrets")],
        404,
        "E0000007",
        NO_APP,
    ),
    ("no such key", [get(KEYS + "/pksnone")], 404, "E0000007", UNKNOWN + f"pksnone ({JWK})"),
    ("no such refresh token", [get(APP + "/tokens/oarnone")], 404, "E0000007", NO_TOKEN),
    (
        "no such device",
        [get("/api/v1/devices/guonone")],
        404,
        "E0000007",
        UNKNOWN + "guonone (Device)",
    ),
    (
        "whose no such device is",
        [get("/api/v1/devices/guonone/users")],
        404,
        "E0000007",
        UNKNOWN + "guonone (GenericUDObject)",
    ),
    ("no such path", [get("/api/v1/x")], 404, "E0000008", "The requested path was not found"),
    (
        "a wrong method",
        [call("PATCH", "/api/v1/apps")],
        405,
        "E0000022",
        "The endpoint does not support the provided HTTP method",
    ),
    ("policies in disorder", [RECONCILING, MADE], 423, "E0000239", BUSY),
    (
        "too many calls",
        [spend, get("/api/v1/apps")],
        429,
        "E0000047",
        "API call exceeded rate limit due to too many requests.",
    ),
    ("a mistake of Okta's", [BROKEN, get(APP)], 500, "E0000009", "Internal Server Error"),
    ("read only", [READ_ONLY, MADE], 503, "E0000010", "Service is in read only mode"),
]
CAUSES = {
    "a wrong cursor": "Invalid cursor.",
    "a wrong cursor of devices": "Invalid cursor.",
    "an ACTIVE app": DELETION,
}


async def provoke(world: World, steps: Sequence[Step]) -> httpx2.Response:
    """Take the steps: all but the last succeed, and that one changes nothing."""
    for step in steps[:-1]:
        answer = await step(world)
        assert answer is None or answer.is_success, answer.text
    before = world.org.truth()
    refused = await steps[-1](world)
    assert refused is not None
    assert world.org.truth() == before
    return refused


@pytest.mark.parametrize(
    ("steps", "subject", "cause"),
    [row[1:] for row in INVALID],
    ids=[row[0] for row in INVALID],
)
async def test_what_is_not_valid(
    world: World, steps: list[Step], subject: str, cause: str | None
) -> None:
    """400 E0000001 about a subject; None for a cause whose text nobody has seen."""
    answer = await provoke(world, steps)
    body = without_id(answer)
    causes = [entry["errorSummary"] for entry in answer.json()["errorCauses"]]
    expected = okta_error("E0000001", f"Api validation failed: {subject}", cause or causes[0])
    assert (answer.status_code, body) == (400, expected)


@pytest.mark.parametrize("row", OTHERS, ids=[row[0] for row in OTHERS])
async def test_what_is_not_done(world: World, row: tuple[str, list[Step], int, str, str]) -> None:
    """Every other code, with its status, its text and the cause where there is one."""
    name, steps, status, code, summary = row
    answer = await provoke(world, steps)
    causes = [CAUSES[name]] if name in CAUSES else []
    expected = okta_error(code, summary.format(**names(world)), *causes)
    assert (answer.status_code, without_id(answer)) == (status, expected)
