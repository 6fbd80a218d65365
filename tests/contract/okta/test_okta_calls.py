"""Each purpose makes the call that Okta's reference names, once, and reads its answer."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import httpx2
import pytest
from okta_kit import API_TOKEN, APP, SECRET, VALUE, ScriptedOkta, app, refusal, reply, secret

from keyturn.adapters.okta import OktaHttpOrgs
from keyturn.domain.connection import ApiToken
from keyturn.domain.errors import InvalidInput, OktaRefused, OktaUnclear, OktaUnreachable
from keyturn.domain.ids import AppId, CredentialId
from keyturn.domain.okta import CredentialKind, Status, secret_hash
from keyturn.domain.sensitive import Sensitive
from keyturn.services.ports import OktaCall, OktaOrg, OktaOrgs

SECRETS = f"/api/v1/apps/{APP}/credentials/secrets"

CHANGES: dict[str, Callable[[OktaOrg], Awaitable[object]]] = {
    f"POST {SECRETS}": lambda org: org.credentials_of(APP, CredentialKind.CLIENT_SECRET).add(VALUE),
    f"POST {SECRETS}/ocs1/lifecycle/activate": lambda org: org.credentials_of(
        APP, CredentialKind.CLIENT_SECRET
    ).activate(SECRET),
    f"POST {SECRETS}/ocs1/lifecycle/deactivate": lambda org: org.credentials_of(
        APP, CredentialKind.CLIENT_SECRET
    ).deactivate(SECRET),
    f"DELETE {SECRETS}/ocs1": lambda org: org.credentials_of(
        APP, CredentialKind.CLIENT_SECRET
    ).delete(SECRET),
    f"DELETE /api/v1/apps/{APP}/tokens": lambda org: org.revoke_tokens(APP),
}


def test_orgs_keep_the_port(okta: ScriptedOkta) -> None:
    """The adapter is what the use cases ask for."""
    orgs: OktaOrgs = okta.orgs
    assert isinstance(orgs, OktaHttpOrgs)


async def test_list_reads_what_okta_shows(okta: ScriptedOkta) -> None:
    """A list gives id, hash, status, time and the value where it is shown."""
    org = okta.script(reply(200, [secret(), secret(id="ocs2", client_secret="***abcd")]))
    shown, masked = await org.credentials_of(APP, CredentialKind.CLIENT_SECRET).list()
    assert (shown.id, shown.hash, shown.status) == (SECRET, secret_hash(VALUE), Status.ACTIVE)
    assert shown.created_at == datetime(2026, 4, 1, 10, tzinfo=UTC)
    assert (shown.value, masked.value) == (VALUE, None)
    assert okta.asked == [f"GET {SECRETS}"]
    assert okta.requests[0].headers["authorization"] == f"SSWS {API_TOKEN.reveal()}"


async def test_add_sends_our_value(okta: ScriptedOkta) -> None:
    """A client secret is added with our value, ACTIVE."""
    added = (
        await okta.script(reply(201, secret()))
        .credentials_of(APP, CredentialKind.CLIENT_SECRET)
        .add(VALUE)
    )
    assert json.loads(okta.requests[0].content) == {
        "client_secret": VALUE.reveal(),
        "status": "ACTIVE",
    }
    assert added.value == VALUE
    assert okta.journal == [OktaCall("add a client secret", 201, "req1", changes=True)]


async def test_add_returns_another_value_as_okta_said_it(okta: ScriptedOkta) -> None:
    """Where Okta adds a value of its own, the caller learns which."""
    other = Sensitive("some-other-value-of-okta")
    body = secret(client_secret=other.reveal(), secret_hash=secret_hash(other))
    added = (
        await okta.script(reply(201, body))
        .credentials_of(APP, CredentialKind.CLIENT_SECRET)
        .add(VALUE)
    )
    assert added.hash == secret_hash(other)


async def test_lifecycle_calls_have_an_empty_body(okta: ScriptedOkta) -> None:
    """Activating and deactivating post nothing, and say so by a length."""
    org = okta.script(reply(200, secret()), reply(200, secret(status="INACTIVE")))
    await org.credentials_of(APP, CredentialKind.CLIENT_SECRET).activate(SECRET)
    await org.credentials_of(APP, CredentialKind.CLIENT_SECRET).deactivate(SECRET)
    assert okta.asked == [*CHANGES][1:3]
    assert [request.headers["content-length"] for request in okta.requests] == ["0", "0"]


async def test_deactivate_wants_to_see_it_inactive(okta: ScriptedOkta) -> None:
    """A 200 that shows the secret ACTIVE still is no success."""
    with pytest.raises(OktaUnclear, match="status"):
        await (
            okta.script(reply(200, secret()))
            .credentials_of(APP, CredentialKind.CLIENT_SECRET)
            .deactivate(SECRET)
        )


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    "failure",
    [
        reply(500, {"errorCode": "E0000009", "errorSummary": "Internal Server Error"}),
        reply(503),
        reply(401, {"errorCode": "E0000011", "errorSummary": "Invalid token provided"}),
        reply(307, None, location="https://org.test/elsewhere"),
        httpx2.ReadTimeout("late"),
        httpx2.ConnectError("refused"),
    ],
)
async def test_a_change_is_asked_for_once(
    okta: ScriptedOkta, change: str, failure: httpx2.Response | Exception
) -> None:
    """Whatever goes wrong, nothing that changes Okta is sent twice."""
    org = okta.script(failure)
    with pytest.raises((OktaUnclear, OktaRefused, OktaUnreachable)):
        await CHANGES[change](org)
    assert okta.asked == [change]
    assert len(okta.journal) == 1


async def test_delete_of_a_secret_that_is_gone(okta: ScriptedOkta) -> None:
    """A 404 that names the secret means that the work is done."""
    gone = refusal(404, "E0000007", "Not found: Resource not found: x (OAuth2ClientSecretMediated)")
    org = okta.script(reply(204), gone)
    await org.credentials_of(APP, CredentialKind.CLIENT_SECRET).delete(SECRET)
    await org.credentials_of(APP, CredentialKind.CLIENT_SECRET).delete(SECRET)
    assert okta.asked == [f"DELETE {SECRETS}/ocs1"] * 2


async def test_delete_in_an_app_that_is_gone(okta: ScriptedOkta) -> None:
    """A 404 that names the app says nothing of the secret."""
    gone = refusal(404, "E0000007", "Not found: Resource not found: 0oa1 (AppInstance)")
    with pytest.raises(OktaRefused, match="AppInstance"):
        await okta.script(gone).credentials_of(APP, CredentialKind.CLIENT_SECRET).delete(SECRET)


async def test_ids_stay_inside_their_part_of_the_path(okta: ScriptedOkta) -> None:
    """Slashes, dots and question marks of an id are escaped."""
    org = okta.script(reply(204))
    await org.credentials_of(AppId("../../x?y"), CredentialKind.CLIENT_SECRET).delete(
        CredentialId("a/b#c%2F")
    )
    escaped = "..%2F..%2Fx%3Fy/credentials/secrets/a%2Fb%23c%252F"
    assert okta.asked == [f"DELETE /api/v1/apps/{escaped}"]


@pytest.mark.parametrize("dots", ["", ".", ".."])
async def test_dots_are_no_id(okta: ScriptedOkta, dots: str) -> None:
    """Dot segments, which escaping does not protect, are not sent at all."""
    org = okta.script()
    with pytest.raises(InvalidInput):
        await org.credentials_of(APP, CredentialKind.CLIENT_SECRET).delete(CredentialId(dots))
    assert await org.find_app(dots) is None
    assert okta.asked == []


async def test_check_access_with_an_api_token(okta: ScriptedOkta) -> None:
    """An API token must be somebody's and must be good for listing apps."""
    await okta.script(reply(200, {"id": "00u"}), reply(200, [app()])).check_access()
    assert okta.asked == ["GET /api/v1/users/me", "GET /api/v1/apps?limit=1"]


async def test_check_access_passes_the_refusal_on(okta: ScriptedOkta) -> None:
    """A missing admin role is told in Okta's words."""
    denied = refusal(403, "E0000006", "You do not have permission to perform the requested action")
    with pytest.raises(OktaRefused, match="E0000006"):
        await okta.script(reply(200, {"id": "00u"}), denied).check_access()


async def test_cookies_are_not_kept(okta: ScriptedOkta) -> None:
    """Okta's session cookie of one call does not travel with the next."""
    org = okta.script(reply(200, [], set_cookie="JSESSIONID=1; Path=/"), reply(200, []))
    await org.credentials_of(APP, CredentialKind.CLIENT_SECRET).list()
    await org.credentials_of(APP, CredentialKind.CLIENT_SECRET).list()
    assert "cookie" not in okta.requests[1].headers


@pytest.mark.parametrize("token", ["", "line\nbreak", "café", "two words"])
def test_an_api_token_must_fit_a_header(okta: ScriptedOkta, token: str) -> None:
    """What cannot be a token is refused before any call."""
    with pytest.raises(InvalidInput) as caught:
        okta.open(ApiToken(Sensitive(token)))
    assert not token or token not in str(caught.value)
