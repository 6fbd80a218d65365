"""What whoever invokes a flow is answered, in time and otherwise."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from api_kit import House, problem
from endpoint_kit import (
    BY_ASKING,
    FLOWS,
    INVOKE_SCOPE,
    echo,
    knock,
    open_endpoints,
    save,
    service,
)
from identity_kit import ask, at

from keyturn.domain.flows.run import Phase, Run
from keyturn.services.flow_duties import claim_due_runs
from keyturn.services.runs import go_on

PUBLIC = "flow: answer\nstart: {kind: api_endpoint, security: public%s}\n%scards:\n"
RAW = PUBLIC % ("", "") + "- card: flow.return_raw\n  with: %s\n"


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """Give a house whose flows can be invoked."""
    async with open_endpoints() as opened:
        yield opened


async def invoked(house: House, source: str, **more: Any) -> Any:  # noqa: ANN401  an answer
    """Save a flow and invoke it."""
    return await knock(house, (await save(house, source))["invokeUrl"], **more)


async def test_declared_fields_are_given_in_their_kinds(house: House) -> None:
    """Of query, headers and body; a wrong one is named and starts nothing."""
    fields = "query: {count: number}, headers: {x-on: boolean}, body: {names: list}"
    url = await echo(house, f"security: public, {fields}")
    body = {"names": ["a"], "other": 1}
    answer = await knock(house, url, {"x-on": "true"}, params={"count": "2"}, json=body)
    told = answer.json()
    assert (told["query"], told["headers"], told["body"]) == (
        {"count": 2},
        {"x-on": True},
        {"names": ["a"]},
    )
    wrong = await knock(house, url, params={"count": "two"})
    assert problem(wrong) == (400, "BadRequest")
    assert wrong.json()["message"] == "query.count: must be of the kind number, in JSON"
    reserved = await knock(house, url, params={"x-okta-workflows-id": "1"})
    assert problem(reserved) == (400, "BadRequest")
    assert "x-keyturn-run" not in wrong.headers.keys() | reserved.headers.keys()


async def test_a_text_is_answered_as_it_is(house: House) -> None:
    """With its status and headers."""
    told = '{status: 418, headers: {content-type: text/html, X-Tea: "yes"}, body: "<b>no</b>"}'
    answer = await invoked(house, RAW % told)
    assert (answer.status_code, answer.text) == (418, "<b>no</b>")
    assert (answer.headers["content-type"], answer.headers["x-tea"]) == ("text/html", "yes")


async def test_anything_else_is_answered_in_json(house: House) -> None:
    """Objects and lists; and nothing is nothing."""
    answer = await invoked(house, RAW % "{body: [1, {a: null}]}")
    assert (answer.headers["content-type"], answer.json()) == ("application/json", [1, {"a": None}])
    answer = await invoked(house, RAW % "{status: 204}")
    assert (answer.status_code, answer.content) == (204, b"")


async def test_an_answer_does_not_speak_for_the_server(house: House) -> None:
    """It sets no cookie, opens no page, splits no header, lets no origin in with credentials."""
    headers = {
        "set-cookie": "a=b",
        "Content-Security-Policy": "none",
        "access-control-allow-credentials": "true",
        "transfer-encoding": "chunked",
        "clear-site-data": "*",
        "www-authenticate": "Basic",
        "refresh": "0; url=https://elsewhere.example.com",
        "x-request-id": "mine",
        "x-split": "a\\r\\nset-cookie: c=d",
        "bad name": "x",
    }
    told = ", ".join(f'"{name}": "{value}"' for name, value in headers.items())
    answer = await invoked(house, RAW % f"{{headers: {{{told}}}, body: x}}")
    assert answer.status_code == 200
    assert answer.headers["content-security-policy"] == "sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-request-id"] != "mine"
    shown = {"content-security-policy", "x-request-id"}
    assert not (headers.keys() - shown) & answer.headers.keys()


async def test_a_flow_that_fails_says_how_and_in_which_run(house: House) -> None:
    """500, with the kind of the failure; one that returns an error has its own status."""
    source = (
        PUBLIC % ("", "")
        + '- card: text.split\n  with: {text: "{{ start.raw.query }}", separator: x}\n'
    )
    answer = await invoked(house, source)
    assert answer.status_code == 500, answer.text
    told = answer.json()
    assert told["error"] == "invalid_input"
    assert told["runId"] == answer.headers["x-keyturn-run"]
    error = PUBLIC % ("", "") + "- card: error.return_error\n  with: {status: 409, message: no}\n"
    answer = await invoked(house, error)
    assert (answer.status_code, answer.json()) == (409, {"error": "no"})


async def test_close_answers_now_and_the_flow_goes_on(house: House) -> None:
    """What comes afterwards is not waited for."""
    cards = "- card: flow.close\n  with: {status: 202, body: soon}\n"
    wait = "- card: flow.wait_for\n  with: {duration: 1, unit: days}\n"
    answer = await invoked(house, PUBLIC % ("", "") + cards + wait)
    assert (answer.status_code, answer.text) == (202, "soon")


async def test_what_takes_too_long_goes_on_without_whoever_waits(house: House) -> None:
    """504 names the run."""
    limits = "limits: {answer_s: 0.05}\n"
    wait = "- card: flow.wait_for\n  with: {duration: 1, unit: days}\n"
    answer = await invoked(house, PUBLIC % ("", limits) + wait)
    assert problem(answer) == (504, "GatewayTimeout")
    assert answer.headers["x-keyturn-run"] in answer.json()["message"]


async def runs_of(house: House) -> list[Run]:
    """Return every run that is kept."""
    async with house.world.store.reading() as tx:
        return [*await tx.list(Run)]


async def asleep(house: House) -> Run:
    """Wait until a run sleeps."""
    async with asyncio.timeout(30):
        while not (found := [run for run in await runs_of(house) if run.phase is Phase.SLEEPING]):
            await asyncio.sleep(0.01)
    return found[0]


SLEEPING = PUBLIC % ("", "") + "- card: flow.wait_for\n  with: {duration: 5}\n"


async def test_a_flow_that_sleeps_answers_when_another_process_has_gone_on(house: House) -> None:
    """Whoever waits does not notice."""
    flow = await save(house, SLEEPING + "- card: flow.return\n  with: {a: 1}\n")
    asking = asyncio.create_task(knock(house, flow["invokeUrl"]))
    await asleep(house)
    house.clock.advance(5)
    for claim in await claim_due_runs(house.world, owner="worker", limit=10):
        await go_on(house.world, claim)
    answer = await asking
    assert (answer.status_code, answer.json()) == (200, {"a": 1})


async def test_a_run_that_is_cancelled_answers_so(house: House) -> None:
    """It is not waited for in vain."""
    asking = asyncio.create_task(knock(house, (await save(house, SLEEPING))["invokeUrl"]))
    await ask(house, "POST", f"/api/v1/flow-runs/{(await asleep(house)).id}/cancel")
    answer = await asking
    assert (answer.status_code, answer.json()["error"]) == (500, "cancelled")


async def test_a_flow_without_history_is_answered_alike(house: House) -> None:
    """Nothing of its run is kept."""
    source = PUBLIC % ("", "history: none\n") + "- card: flow.return\n  with: {a: 1}\n"
    answer = await invoked(house, source)
    assert (answer.status_code, answer.json()) == (200, {"a": 1})
    assert await runs_of(house) == []


async def test_no_flow_waits_longer_than_the_server_lets_it() -> None:
    """The setting is the most."""
    async with open_endpoints(flow_answer_s=0.05) as house:
        limits = "limits: {answer_s: 500}\n"
        wait = "- card: flow.wait_for\n  with: {duration: 1, unit: days}\n"
        answer = await invoked(house, PUBLIC % ("", limits) + wait)
        assert answer.status_code == 504


@pytest.mark.parametrize(("limit", "served"), [("", 10), ("limits: {per_s: 2}\n", 2)])
async def test_a_flow_is_invoked_so_often_a_second(house: House, limit: str, served: int) -> None:
    """Ten times, or less where it says so; then 429 says how long to wait."""
    source = PUBLIC % ("", limit) + "- card: flow.return\n  with: {a: 1}\n"
    url = (await save(house, source))["invokeUrl"]
    statuses = [(await knock(house, url)).status_code for _ in range(12)]
    assert statuses == [200] * served + [429] * (12 - served)
    answer = await knock(house, url)
    assert (problem(answer), answer.headers["retry-after"]) == ((429, "RateLimitExceeded"), "1")
    house.clock.advance(1)
    assert (await knock(house, url)).status_code == 200


async def test_who_is_not_let_in_uses_up_nothing(house: House) -> None:
    """Strangers cannot keep others out."""
    url = await echo(house, BY_ASKING)
    assert {(await knock(house, url)).status_code for _ in range(30)} == {401}


async def test_a_body_is_as_large_as_any(house: House) -> None:
    """413 above the limit of all bodies."""
    url = await echo(house, "security: public")
    assert (await knock(house, url, content=b"x" * (1024 * 1024 + 1))).status_code == 413


# --- described ------------------------------------------------------------------------------------


async def let_in(house: House, security: str, url: str) -> dict[str, str]:
    """Return the headers that open the document of the only flow."""
    if security == BY_ASKING:
        app = service(house)
        return app.shown(await app.token(INVOKE_SCOPE), "GET", url)
    (flow,) = at(await ask(house, "GET", f"{FLOWS}?projectId=example"), "flows")
    made = await ask(house, "POST", f"{FLOWS}/{flow['id']}/client-token")
    return {"x-api-client-token": str(made["clientToken"])}


@pytest.mark.parametrize("security", ["security: public", "security: client_token", BY_ASKING])
async def test_an_endpoint_describes_itself_to_whoever_may_invoke_it(
    house: House, security: str
) -> None:
    """Fields, answers and what opens it; nobody else learns anything."""
    fields = "query: {count: number}, body: {name: text}, methods: [POST]"
    url = await echo(house, f"{security}, {fields}")
    document = url.replace("invoke", "openapi.json")
    without = await knock(house, document, method="GET")
    assert without.status_code == (200 if "public" in security else 401)
    headers = await let_in(house, security, document)
    told = (await knock(house, document, headers, method="GET")).json()
    ((path, operations),) = told["paths"].items()
    assert told["servers"][0]["url"] + path == url
    assert [*operations] == ["post"]
    assert bool(told["components"]["securitySchemes"]) is ("public" not in security)
