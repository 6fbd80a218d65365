"""Okta's event hooks start flows: the sandbox verifies the endpoint, and delivers to it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
from api_kit import ORG_URL, PUBLIC_URL, Body, House, issues, problem
from endpoint_kit import FLOWS, save
from identity_kit import ask, at

from keyturn.api.app import build_api
from keyturn.domain.audit import AuditFilter
from keyturn.domain.flows.run import Cause, Run
from keyturn.sandbox import build_app
from keyturn.sandbox.state.event_hooks import CHALLENGE, HookSender
from keyturn.services.flow_duties import claim_due_runs
from keyturn.services.runs import go_on

HOOKS = "/api/v1/eventHooks"
KIND = "app.oauth2.credentials.lifecycle.create"
HEARS = f"""flow: hears
start: {{kind: event, source: okta, events: [{KIND}]}}
cards:
- {{card: flow.return, with: {{kind: "{{{{ start.event.eventType }}}}"}}}}
"""
EVENT: Body = {"uuid": "7f3a", "eventType": KIND, "published": "2026-11-21T12:00:00.000Z"}


@dataclass
class Line(httpx2.AsyncBaseTransport):
    """The way from Okta to an API; of the first answers so many are lost."""

    inner: httpx2.AsyncBaseTransport
    lost: int = 0
    got: list[int] = field(default_factory=list)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Bring one request; what is lost has been done all the same."""
        answer = await self.inner.handle_async_request(request)
        self.got.append(answer.status_code)
        self.lost -= 1
        if self.lost >= 0:
            raise httpx2.ReadTimeout("too slow", request=request)
        return answer


@pytest.fixture
async def line(house: House) -> AsyncIterator[Line]:
    """Give the way on which the org's event hooks reach the house."""
    app = build_api(house.world, version="0", public_url=PUBLIC_URL)
    made = Line(httpx2.ASGITransport(app))
    async with HookSender(made) as sender:
        house.org.hook_sender = sender
        yield made


async def listener(house: House, source: str = HEARS) -> tuple[Body, str]:
    """Save a flow that listens; return it with its client token."""
    flow = await save(house, source)
    token = at(await ask(house, "POST", f"{FLOWS}/{flow['id']}/client-token"), "clientToken")
    return flow, str(token)


async def hooked(house: House, url: object, token: str) -> httpx2.Response:
    """Register an event hook at the org and have its endpoint verified."""
    auth = {"type": "HEADER", "key": "Authorization", "value": token}
    hook = {
        "name": "Keyturn",
        "events": {"type": "EVENT_TYPE", "items": [KIND, "user.session.start"]},
        "channel": {"type": "HTTP", "version": "1.0.0", "config": {"uri": url, "authScheme": auth}},
    }
    headers = {"authorization": f"SSWS {house.org.seeded.api_token}"}
    transport = httpx2.ASGITransport(build_app(house.org))
    async with httpx2.AsyncClient(transport=transport, base_url=ORG_URL, headers=headers) as http:
        made = (await http.post(HOOKS, json=hook)).json()
        return await http.post(f"{HOOKS}/{made['id']}/lifecycle/verify")


async def runs(house: House) -> list[Run]:
    """Let all runs end, and list them."""
    while claims := await claim_due_runs(house.world, owner="w", limit=10):
        for each in claims:
            await go_on(house.world, each)
    async with house.world.store.reading() as tx:
        return list(await tx.list(Run))


async def deliver(house: House, url: str, token: str, *events: object) -> httpx2.Response:
    """Deliver events as Okta does."""
    headers = {"authorization": token}
    return await house.http.post(url, json={"data": {"events": events}}, headers=headers)


@pytest.mark.parametrize("lost", [0, 1])
async def test_an_event_of_an_org_starts_a_flow_once(house: House, line: Line, lost: int) -> None:
    """The org verifies the endpoint and delivers; where an answer was lost, it delivers again."""
    flow, token = await listener(house)
    verified = await hooked(house, flow["invokeUrl"], token)
    assert verified.json()["verificationStatus"] == "VERIFIED"
    line.got, line.lost = [], lost
    house.org.create_secret(house.app_id, None)
    assert house.org.hook_sender
    await house.org.hook_sender.settle()
    assert line.got == [204] * (lost + 1)
    (run,) = await runs(house)
    assert (run.cause, run.by, run.status) == (Cause.BY_EVENT, KIND, 200)
    result = await ask(house, "GET", f"/api/v1/flow-runs/{run.id}/result")
    assert at(result, "result", "body") == {"kind": KIND}


async def test_an_endpoint_is_not_verified_with_another_token(house: House, line: Line) -> None:
    """Who does not know the client token learns nothing of its challenge."""
    flow, _ = await listener(house)
    refused = await hooked(house, flow["invokeUrl"], "another")
    assert (refused.status_code, line.got) == (400, [401])


@pytest.mark.parametrize("shown", ["{}", "Bearer {}"])
async def test_a_token_is_a_header_or_follows_a_scheme(house: House, shown: str) -> None:
    """Okta's console takes any text for its header."""
    flow, token = await listener(house)
    headers = {"authorization": shown.format(token), CHALLENGE: "canary"}
    answer = await house.http.get(str(flow["invokeUrl"]), headers=headers)
    assert answer.json() == {"verification": "canary"}
    own = {"x-api-client-token": token, CHALLENGE: "canary"}
    assert (await house.http.get(str(flow["invokeUrl"]), headers=own)).status_code == 200


@pytest.mark.parametrize("token", ["", "another", "Bearer "])
async def test_who_has_no_token_starts_nothing(house: House, token: str) -> None:
    """A flow without a client token is open to nobody either."""
    flow = await save(house, HEARS)
    answer = await deliver(house, str(flow["invokeUrl"]), token, EVENT)
    assert problem(answer) == (401, "UnauthorizedError")
    assert await runs(house) == []
    async with house.world.store.reading() as tx:
        (noted,) = await tx.list_audit(wanted=AuditFilter(verb="flows:invoke"))
    assert not noted.attempt.allowed


async def test_there_is_nothing_where_no_flow_listens(house: House) -> None:
    """One that is switched off, an endpoint, a listener of Keyturn's events: all are told alike."""
    flow, token = await listener(house)
    url, answers = str(flow["invokeUrl"]), []
    await ask(house, "PATCH", f"{FLOWS}/{flow['id']}", {"enabled": False})
    answers.append(await deliver(house, url, token, EVENT))
    answers.append(await deliver(house, url + "0", token, EVENT))
    endpoint, token = await listener(house, "flow: e\nstart: {kind: api_endpoint}\ncards: []\n")
    path = str(endpoint["invokeUrl"]).replace("/flo/", "/flo-events/").removesuffix("/invoke")
    answers.append(await deliver(house, path, token, EVENT))
    assert {problem(each) for each in answers} == {(404, "NotFound")}
    assert len({each.json()["message"] for each in answers}) == 1


async def test_only_what_a_flow_listens_for_starts_it(house: House) -> None:
    """Each event of a delivery once, and others not at all."""
    flow, token = await listener(house)
    other = EVENT | {"uuid": "2", "eventType": "user.session.start"}
    events = (EVENT, other, EVENT, EVENT | {"uuid": "3"})
    for _ in range(2):
        assert (await deliver(house, str(flow["invokeUrl"]), token, *events)).status_code == 204
    assert len(await runs(house)) == 2


@pytest.mark.parametrize("history", ["full", "none"])
async def test_it_is_known_again_after_its_run(house: House, history: str) -> None:
    """As long as the run is remembered, of which nothing else need be kept."""
    flow, token = await listener(house, HEARS + f"history: {history}\n")
    for _ in range(2):
        await deliver(house, str(flow["invokeUrl"]), token, EVENT)
        (run,) = await runs(house)
        assert (run.phase, run.status, run.failure) == ("finished", 200, "")


@pytest.mark.parametrize(
    "body",
    [
        b"no JSON",
        b"{}",
        b'{"data": {"events": [1]}}',
        b"[" * 100_000,
        b'{"data": {"events": [{"x": NaN}]}}',
    ],
)
async def test_what_is_no_delivery(house: House, body: bytes) -> None:
    """It is refused, and nothing is started."""
    flow, token = await listener(house)
    headers = {"authorization": token}
    answer = await house.http.post(str(flow["invokeUrl"]), content=body, headers=headers)
    assert issues(answer)
    assert await runs(house) == []


async def test_a_delivery_has_so_many_events(house: House) -> None:
    """A thousand at most."""
    flow, token = await listener(house)
    many: list[Any] = [EVENT] * 1001
    assert issues(await deliver(house, str(flow["invokeUrl"]), token, *many)) == ["data.events"]
