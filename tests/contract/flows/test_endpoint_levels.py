"""Endpoints of flows: what lets a request in, and what tells nothing to whoever is not let in."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from api_kit import ORG_URL, Body, House, issues, problem
from endpoint_kit import BY_ASKING, ECHO, FLOWS, PLACE, echo, knock, open_endpoints, save
from identity_kit import ask, at, holding
from oauth_house_kit import register

from keyturn.domain.audit import AuditEntry, AuditFilter
from keyturn.domain.flows.run import SavedFlow

HELPER = "flow: helper\nstart: {kind: helper}\ncards: [{card: flow.return, with: {a: 1}}]\n"
TOKEN = "security: client_token"


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """Give a house whose flows can be invoked."""
    async with open_endpoints() as opened:
        yield opened


async def token_of(house: House, url: str) -> str:
    """Make the client token of the flow that is invoked there."""
    listed = await ask(house, "GET", f"{FLOWS}?projectId=example")
    (flow_id,) = [each["id"] for each in at(listed, "flows") if each["invokeUrl"] == url]
    return str((await ask(house, "POST", f"{FLOWS}/{flow_id}/client-token"))["clientToken"])


async def entries(house: House) -> list[tuple[str, bool, str]]:
    """Return who invoked flows by the audit log, whether that was allowed, and why not."""
    async with house.world.store.reading() as tx:
        every: list[AuditEntry] = [*await tx.list_audit(after=0, limit=1000, wanted=AuditFilter())]
    found = [each.attempt for each in every if each.attempt.verb == "flows:invoke"]
    return [(each.actor, each.allowed, each.detail) for each in found]


async def test_a_public_flow_is_open_to_anybody(house: House) -> None:
    """By GET and by POST, and the answer names its run."""
    url = await echo(house, "security: public")
    for method in ("GET", "POST"):
        answer = await knock(house, url, method=method)
        assert (answer.status_code, answer.json()["method"]) == (200, method)
        assert answer.headers["x-keyturn-run"]


async def test_a_client_token_opens_by_header_or_by_query(house: House) -> None:
    """As with Okta; and the flow never sees it."""
    url = await echo(house, TOKEN)
    token = await token_of(house, url)
    by_header = await knock(house, url, {"x-api-client-token": token})
    by_query = await knock(house, url, params={"clientToken": token, "a": "1"})
    assert (by_header.status_code, by_query.status_code) == (200, 200)
    assert by_query.json()["raw"]["query"] == {"a": ["1"]}
    assert token not in by_header.text + by_query.text


@pytest.mark.parametrize("given", [None, "", "0" * 64], ids=["none", "empty", "another"])
async def test_no_other_token_opens_it(house: House, given: str | None) -> None:
    """Neither before one was made nor afterwards; the one before opens nothing any more."""
    url = await echo(house, TOKEN)
    headers = {} if given is None else {"x-api-client-token": given}
    for _ in range(2):
        answer = await knock(house, url, headers)
        assert problem(answer) == (401, "client_token")
        assert answer.headers["www-authenticate"] == 'ClientToken realm="keyturn"'
        before = await token_of(house, url)
        await token_of(house, url)
        assert (await knock(house, url, {"x-api-client-token": before})).status_code == 401


async def test_an_access_token_of_keyturn_opens_nothing(house: House) -> None:
    """Who administers the server is nobody to a flow."""
    url = await echo(house, TOKEN)
    bearer = {"authorization": f"Bearer {house.installed.admin_token.reveal()}"}
    assert (await knock(house, url, bearer)).status_code == 401


async def test_what_is_no_endpoint_is_never_told_apart(house: House) -> None:
    """Not there, switched off, or started by something else: one answer, whatever is sent."""
    off = await save(house, HELPER.replace("{kind: helper}", "{kind: api_endpoint}"), base=0)
    await ask(house, "PATCH", f"{FLOWS}/{off['id']}", {"enabled": False})
    await save(house, HELPER.replace("flow: helper", "flow: other"))
    aliases = await _aliases(house)
    answers = [
        await knock(house, f"/api/flo/{alias}/{tail}", headers, method=method)
        for alias in (*aliases, "0" * 32, "nowhere")
        for tail, method in (("invoke", "GET"), ("invoke", "POST"), ("openapi.json", "GET"))
        for headers in ({}, {"authorization": "Bearer x"}, {"x-api-client-token": "x"})
    ]
    assert len(answers) == 36
    assert {answer.status_code for answer in answers} == {404}
    assert len({_but_the_request(answer) for answer in answers}) == 1


async def _aliases(house: House) -> list[str]:
    async with house.world.store.reading() as tx:
        return [each.alias for each in await tx.list(SavedFlow)]


def _but_the_request(answer: httpx2.Response) -> str:
    request_id = answer.headers.pop("x-request-id")
    return (answer.text + str(sorted(answer.headers.items()))).replace(request_id, "ID")


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"])
async def test_other_methods_are_refused(house: House, method: str) -> None:
    """Everywhere alike, so that no browser asks with credentials across origins."""
    url = await echo(house, "security: public")
    for address in (url, "/api/flo/nowhere/invoke"):
        answer = await knock(house, address, {"origin": "https://a.example"}, method=method)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
        assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_a_flow_may_take_one_method_alone(house: House) -> None:
    """What its file names, and the answer says which."""
    url = await echo(house, "security: public, methods: [POST]")
    answer = await knock(house, url, method="GET")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert (await knock(house, url)).status_code == 200


async def test_each_invocation_is_on_record_once_a_minute(house: House) -> None:
    """Who asked, and why not; asked again within the minute, there is no second entry."""
    url = await echo(house, TOKEN)
    token = await token_of(house, url)
    for _ in range(3):
        await knock(house, url)
        await knock(house, url, {"x-api-client-token": token})
    refused = ("somebody at 127.0.0.1", False, "The client token is missing, or is another.")
    assert await entries(house) == [refused, ("client token", True, "")]
    house.clock.advance(61)
    await knock(house, url, {"x-api-client-token": token})
    assert (await entries(house))[2:] == [("client token", True, "")]


# --- what is looked at when a secured flow is saved -----------------------------------------------


async def test_what_tells_about_tokens_is_there_when_a_flow_is_saved(house: House) -> None:
    """The registration, and whom its tokens are for; and an issuer where Keyturn goes."""
    await register(house, None, name="plain")
    endpoints = {name: f"{ORG_URL}/oauth2/v1/{name}" for name in ("token", "introspection")}
    told: Body = {"clientId": "a", "clientSecret": "b", "scheme": "oauth", "domain": None}
    await register(house, None, name="unnamed", provider={"endpoints": endpoints}, **told)
    for oauth, field in (
        ("{registration: nobody}", "start.oauth.registration"),
        ("{registration: plain}", "start.oauth.registration"),
        ("{registration: unnamed}", "start.oauth.audience"),
    ):
        body = PLACE | {"source": ECHO % ("secured", f"security: oauth2, oauth: {oauth}")}
        assert issues(await house.http.post(FLOWS, json=body)) == [field]
    inner = "security: oauth2, oauth: {issuer: 'http://10.0.0.1', audience: a}"
    answer = await house.http.post(FLOWS, json=PLACE | {"source": ECHO % ("secured", inner)})
    assert problem(answer) == (400, "BadRequest")


async def test_who_has_a_registration_asked_may_use_connections(house: House) -> None:
    """It authenticates for the flow as it does for them."""
    grants = [{"verbs": ["flows:edit"]}]
    await ask(house, "POST", "/api/v1/roles", {"slug": "writer", "grants": grants})
    async with holding(house, ("writer", None)) as writer:
        secured, plain = (ECHO % ("a", level) for level in (BY_ASKING, "security: public"))
        refused = await writer.http.post(FLOWS, json=PLACE | {"source": secured})
        assert problem(refused) == (403, "PermissionDenied")
        assert (await writer.http.post(FLOWS, json=PLACE | {"source": plain})).status_code == 200
