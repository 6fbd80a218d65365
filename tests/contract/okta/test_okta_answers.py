"""Every answer is a yes, a no, or unclear; no answer is unreachable; none of them tells a value."""

import asyncio
import json
import traceback
from collections.abc import AsyncIterator

import httpx2
import pytest
from joserfc.jwk import ECKey
from okta_kit import API_TOKEN, APP, BASE, START, VALUE, ScriptedOkta, refusal, reply, secret

from keyturn.adapters.okta import OktaHttpOrgs
from keyturn.adapters.okta.line import LARGEST_BODY_BYTES
from keyturn.domain.connection import ApiToken, OktaCredentials, ServiceApp
from keyturn.domain.errors import (
    OktaAnswer,
    OktaError,
    OktaRefused,
    OktaUnclear,
    OktaUnreachable,
)
from keyturn.domain.okta import CredentialKind
from keyturn.domain.sensitive import Sensitive
from keyturn.services.ports import Journal, OktaCall, OktaOrg
from keyturn.testing import ManualClock, SeededChance

HTML = httpx2.Response(200, html="<p>Sign in")
SCOPE = 'Bearer realm="http://org.test", scope="okta.apps.manage", error="insufficient_scope"'


class Broken(httpx2.AsyncByteStream):
    """A body that ends before its end."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield half, then break."""
        yield b'[{"id":'
        raise httpx2.RemoteProtocolError("peer closed connection")


UNCLEAR = {
    "html": HTML,
    "html 404": httpx2.Response(404, html="<p>Not here"),
    "truncated": httpx2.Response(
        200, headers={"content-type": "application/json"}, content=b'[{"id":'
    ),
    "broken off": httpx2.Response(
        200, headers={"content-type": "application/json"}, stream=Broken()
    ),
    "empty": reply(200),
    "wrong type": httpx2.Response(200, headers={"content-type": "text/plain"}, content=b"[]"),
    "deep": httpx2.Response(
        200, headers={"content-type": "application/json"}, content=b"[" * 100_000
    ),
    "large": httpx2.Response(
        200,
        headers={"content-type": "application/json"},
        content=b"[" + b" " * LARGEST_BODY_BYTES + b"]",
    ),
    "5xx": refusal(503, "E0000010", "Service is in read only mode"),
    "redirect": reply(302, None, location="https://org.test/login"),
    "wrong success": reply(204),
    "object for array": reply(200, secret()),
    "text in array": reply(200, ["ocs1"]),
    "no id": reply(200, [secret(id=None)]),
    "number for id": reply(200, [secret(id=7)]),
    "unknown status": reply(200, [secret(status="PAUSED")]),
    "empty value": reply(200, [secret(client_secret="")]),
    "no hash": reply(200, [secret(secret_hash="")]),
    "other hash": reply(200, [secret(secret_hash="AAAAAAAAAAAAAAAAAAAAAA")]),
    "value of another type": reply(200, [secret(client_secret=["x"])]),
    "no time": reply(200, [secret(created="yesterday")]),
    "time without zone": reply(200, [secret(created="2026-04-01T10:00:00")]),
}


@pytest.mark.parametrize("kind", UNCLEAR)
async def test_unclear(okta: ScriptedOkta, kind: str) -> None:
    """An answer outside Okta's contract is unclear, and says that an effect is possible."""
    with pytest.raises(OktaUnclear) as caught:
        await okta.script(UNCLEAR[kind]).credentials_of(APP, CredentialKind.CLIENT_SECRET).list()
    assert caught.value.effect_possible
    assert caught.value.answer.status == UNCLEAR[kind].status_code
    assert [call.status for call in okta.journal] == [UNCLEAR[kind].status_code]


async def test_refused_keeps_the_error_object_whole(okta: ScriptedOkta) -> None:
    """Status, code, summary, causes, error id and request id all come through."""
    summary = "Api validation failed: OAuth2ClientSecretMediated"
    cause = "You've reached the maximum number of client secrets per client."
    org = okta.script(refusal(400, "E0000001", summary, cause))
    with pytest.raises(OktaRefused) as caught:
        await org.credentials_of(APP, CredentialKind.CLIENT_SECRET).add(VALUE)
    assert caught.value.answer == OktaAnswer(
        400, "req1", "E0000001", summary, (cause,), error_id="oae1"
    )
    assert not caught.value.effect_possible


@pytest.mark.parametrize("causes", [None, "text", [1], [{"errorSummary": 5}], {}])
async def test_odd_causes_do_not_hide_a_refusal(okta: ScriptedOkta, causes: object) -> None:
    """An error object with unreadable causes is a refusal all the same."""
    body = {"errorCode": "E0000001", "errorSummary": "No", "errorCauses": causes}
    with pytest.raises(OktaRefused, match="No") as caught:
        await okta.script(reply(400, body)).credentials_of(APP, CredentialKind.CLIENT_SECRET).list()
    assert caught.value.answer.causes == ()


async def test_missing_scope_is_named(okta: ScriptedOkta) -> None:
    """An empty 403 tells the scope in its challenge (RFC 6750, section 3)."""
    with pytest.raises(OktaRefused) as caught:
        await (
            okta.script(reply(403, None, www_authenticate=SCOPE))
            .credentials_of(APP, CredentialKind.CLIENT_SECRET)
            .list()
        )
    assert caught.value.answer.summary == "the access token lacks the scope okta.apps.manage"


async def test_other_challenges_are_told(okta: ScriptedOkta) -> None:
    """An empty 401 with a challenge says what is wrong with the token."""
    challenge = 'Bearer error="invalid_token", error_description="The token has expired."'
    with pytest.raises(OktaRefused, match=r"invalid_token: The token has expired\."):
        await (
            okta.script(reply(401, None, www_authenticate=challenge))
            .credentials_of(APP, CredentialKind.CLIENT_SECRET)
            .list()
        )


@pytest.mark.parametrize(
    ("failure", "effect_possible"),
    [
        (httpx2.ConnectError("refused"), False),
        (httpx2.ConnectTimeout("late"), False),
        (httpx2.PoolTimeout("late"), False),
        (httpx2.ReadTimeout("late"), True),
        (httpx2.WriteError("broken"), True),
        (httpx2.ReadError("broken"), True),
        (httpx2.RemoteProtocolError("dropped"), True),
    ],
)
async def test_unreachable(
    okta: ScriptedOkta, failure: Exception, *, effect_possible: bool
) -> None:
    """Without an answer an effect is possible once something may have been sent."""
    with pytest.raises(OktaUnreachable) as caught:
        await okta.script(failure).credentials_of(APP, CredentialKind.CLIENT_SECRET).add(VALUE)
    assert caught.value.effect_possible is effect_possible
    assert okta.journal == [OktaCall("add a client secret", 0, "", changes=True)]


async def test_a_lost_read_has_no_effect(okta: ScriptedOkta) -> None:
    """A call that changes nothing leaves nothing to look for."""
    with pytest.raises(OktaUnreachable) as caught:
        await (
            okta.script(httpx2.ReadError("broken"))
            .credentials_of(APP, CredentialKind.CLIENT_SECRET)
            .list()
        )
    assert not caught.value.effect_possible


def open_silent(credentials: OktaCredentials, journal: Journal) -> OktaOrg:
    """Return an org that never answers, with a short limit."""

    async def hang(request: httpx2.Request) -> httpx2.Response:
        await asyncio.Event().wait()
        raise AssertionError

    orgs = OktaHttpOrgs(
        ManualClock(START),
        SeededChance(1),
        transport=lambda: httpx2.MockTransport(hang),
        call_limit_s=0.001,
    )
    return orgs.open(BASE, credentials, journal=journal)


async def test_a_call_ends_at_its_limit() -> None:
    """An Okta that never answers is given up, and the change may have happened."""
    org = open_silent(ApiToken(API_TOKEN), lambda call: None)
    with pytest.raises(OktaUnreachable, match="no answer in time") as caught:
        await org.credentials_of(APP, CredentialKind.CLIENT_SECRET).add(VALUE)
    assert caught.value.effect_possible


async def test_waiting_for_a_token_ends_at_the_limit() -> None:
    """Who waits while another asks for the access token waits no longer than a call may take."""
    jwk = Sensitive(json.dumps(ECKey.generate_key("P-256").as_dict(private=True)))
    journal: list[OktaCall] = []
    org = open_silent(ServiceApp("service1", jwk), journal.append)
    changes = (
        org.credentials_of(APP, CredentialKind.CLIENT_SECRET).add(VALUE),
        org.credentials_of(APP, CredentialKind.CLIENT_SECRET).add(VALUE),
    )
    errors = await asyncio.gather(*changes, return_exceptions=True)
    assert [type(error) for error in errors] == [OktaUnreachable] * 2
    assert not any(error.effect_possible for error in errors if isinstance(error, OktaError))
    assert len(journal) <= 2


def echo(value: Sensitive) -> httpx2.Response:
    """Render a refusal that repeats a value wherever it can."""
    text = f"no {value.reveal()} no"
    return refusal(400, text, text, text, x_okta_request_id=value.reveal())


LEAKS: dict[str, httpx2.Response | Exception] = {
    "value in the refusal": echo(VALUE),
    "token in the refusal": echo(API_TOKEN),
    "value in a 5xx": refusal(500, "E0000009", VALUE.reveal()),
    "value in a challenge": reply(
        403, None, www_authenticate=f'Bearer error="insufficient_scope", scope="{VALUE.reveal()}"'
    ),
    "value in html": httpx2.Response(400, html=VALUE.reveal()),
    "garbled secret": reply(201, secret(status=VALUE.reveal())),
    "other hash": reply(201, secret(secret_hash="A" * 22)),
    "value in a protocol error": httpx2.LocalProtocolError(f"Illegal header {VALUE.reveal()}"),
    "value in a broken answer": httpx2.RemoteProtocolError(VALUE.reveal()),
}


@pytest.mark.parametrize("kind", LEAKS)
async def test_no_error_tells_a_value(okta: ScriptedOkta, kind: str) -> None:
    """Neither text, repr, attributes, traceback nor journal repeat a secret value."""
    with pytest.raises(OktaError) as caught:
        await okta.script(LEAKS[kind]).credentials_of(APP, CredentialKind.CLIENT_SECRET).add(VALUE)
    error = caught.value
    shown = "".join(traceback.format_exception(error))
    for text in (str(error), repr(error), repr(vars(error)), shown, repr(okta.journal)):
        assert VALUE.reveal() not in text
        assert API_TOKEN.reveal() not in text


async def test_told_texts_are_short_and_printable(okta: ScriptedOkta) -> None:
    """No answer can flood a log or forge a line in it."""
    org = okta.script(refusal(400, "E1", "line\nbreak " + "x" * 10_000))
    with pytest.raises(OktaRefused) as caught:
        await org.credentials_of(APP, CredentialKind.CLIENT_SECRET).list()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 700


async def test_a_challenge_without_words_is_told_by_its_code(okta: ScriptedOkta) -> None:
    """Where Okta gives no description, none is made up."""
    challenge = reply(401, None, www_authenticate='Bearer error="invalid_token"')
    with pytest.raises(OktaRefused) as caught:
        await okta.script(challenge).credentials_of(APP, CredentialKind.CLIENT_SECRET).list()
    assert caught.value.answer.summary == "invalid_token"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_told_as_one(okta: ScriptedOkta, status: int) -> None:
    """An address that leads elsewhere is asked about, and where it leads is not repeated."""
    moved = reply(status, {"error": "x"}, location=f"https://evil.test/{VALUE.reveal()}")
    with pytest.raises(OktaUnclear, match="redirects elsewhere; is this the address") as caught:
        await okta.script(moved).credentials_of(APP, CredentialKind.CLIENT_SECRET).list()
    assert "evil" not in str(caught.value)
