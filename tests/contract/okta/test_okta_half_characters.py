"""Half a character in Okta's JSON (a lone surrogate) goes no further than the edge.

No database stores it, no terminal prints it, and no answer of ours can carry it.
"""

from collections.abc import Awaitable, Callable, Mapping

import httpx2
import pytest
from okta_kit import APP, START, ScriptedOkta, app, refusal, reply, secret

from keyturn.domain.errors import OktaError, OktaRefused, OktaUnclear
from keyturn.domain.ids import SecretHash
from keyturn.domain.okta import CredentialKind
from keyturn.domain.sensitive import Sensitive
from keyturn.services.ports import OktaOrg

HALF = "a\ud800b"
EVENT: Mapping[str, object] = {
    "published": "2026-05-01T12:00:00.000Z",
    "eventType": HALF,
    "actor": {"displayName": HALF},
    "client": {"ipAddress": HALF, "userAgent": {"rawUserAgent": HALF}},
    "outcome": {"result": HALF, "reason": HALF},
    "debugContext": {"debugData": {"requestId": HALF}},
    "target": [{"id": HALF}, {"id": APP}],
}
OAUTH = {"oauthClient": {"client_id": HALF, "token_endpoint_auth_method": "client_secret_basic"}}

Look = Callable[[OktaOrg], Awaitable[object]]


async def find_app(org: OktaOrg) -> object:
    """Look an app up."""
    found = await org.find_app(APP)
    return vars(found) if found else None


async def list_secrets(org: OktaOrg) -> object:
    """List client secrets."""
    listed = await org.credentials_of(APP, CredentialKind.CLIENT_SECRET).list()
    return [vars(each) for each in listed]


async def list_keys(org: OktaOrg) -> object:
    """List client keys."""
    listed = await org.credentials_of(APP, CredentialKind.CLIENT_KEY).list()
    return [vars(each) for each in listed]


async def list_uses(org: OktaOrg) -> object:
    """Read the log of a secret's uses."""
    return [vars(each) for each in await org.list_uses(SecretHash("x"), since=START)]


async def list_changes(org: OktaOrg) -> object:
    """Read the log of apps' changes."""
    return [vars(each) for each in await org.list_changes(since=START) or ()]


def raw(body: bytes) -> httpx2.Response:
    """Render an answer whose bytes are no UTF-8."""
    return httpx2.Response(200, headers={"content-type": "application/json"}, content=body)


KEY = {"kty": "RSA", "e": HALF, "n": HALF, "id": HALF, "status": "ACTIVE"}
READABLE = {
    "label and client id": (find_app, reply(200, app(label=HALF, credentials=OAUTH))),
    "app id": (find_app, reply(200, app(id=HALF))),
    "secret id": (list_secrets, reply(200, [secret(id=HALF)])),
    "masked value": (list_secrets, reply(200, [secret(client_secret="***\udcff")])),
    "hash": (list_secrets, reply(200, [secret(secret_hash=HALF, client_secret=None)])),
    "key": (list_keys, reply(200, [KEY | {"created": "2026-04-01T10:00:00.000Z"}])),
    "uses": (list_uses, reply(200, [EVENT])),
    "changes": (list_changes, reply(200, [EVENT])),
    "half a character in raw bytes": (
        find_app,
        raw(reply(200, app(label="LABEL")).content.replace(b"LABEL", b"\xed\xa0\x80")),
    ),
}


@pytest.mark.parametrize("what", READABLE)
async def test_no_half_character_comes_in(okta: ScriptedOkta, what: str) -> None:
    """Whatever is read can be written as UTF-8: another character stands in for the half."""
    look, answer = READABLE[what]
    told = await look(okta.script(answer))
    assert told
    _texts(told).encode()


async def test_value_with_half_a_character_is_unclear(okta: ScriptedOkta) -> None:
    """Okta takes printable ASCII alone, so such a value is none of a client secret."""
    answer = reply(200, [secret(client_secret="canary-\udfff-no-client-secret")])
    with pytest.raises(OktaUnclear, match="secret_hash"):
        await list_secrets(okta.script(answer))


@pytest.mark.parametrize("status", [400, 404, 503])
async def test_error_with_half_a_character_can_be_told(okta: ScriptedOkta, status: int) -> None:
    """What Okta says is repeated to people, in logs and in answers."""
    with pytest.raises(OktaError) as caught:
        await list_secrets(okta.script(refusal(status, f"E{HALF}", HALF, HALF)))
    assert isinstance(caught.value, OktaRefused) == (status < 500)
    caught.value.message.encode()


async def test_whole_pairs_stay_what_they_are(okta: ScriptedOkta) -> None:
    """JSON escapes a character beyond the first plane as a pair of surrogates."""
    found = await okta.script(reply(200, app(label="key \U0001f511"))).find_app(APP)
    assert found
    assert found.label == "key \U0001f511"


def _texts(told: object) -> str:
    """Return all texts in plain data, revealed values included."""
    match told:
        case dict():
            return "".join(map(_texts, told.values()))
        case list() | tuple():
            return "".join(map(_texts, told))
        case str():
            return told
        case Sensitive():
            return told.reveal()
    return repr(told)
