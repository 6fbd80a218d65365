"""The API Connector's cards: what they send, what they make of answers, and what nobody sees."""

import json
from collections.abc import AsyncIterator, Mapping

import pytest
from cards_kit import Workshop, accepted, workshop
from connections_kit import (
    CLIENT,
    DOCUMENT,
    aged,
    minted,
    registration,
    servers,
    unauthorized,
)
from echo_kit import shown
from issuer_kit import EC_KEY

from keyturn.domain.access import Verb
from keyturn.domain.flows.failures import Failure
from keyturn.domain.flows.values import MASK, Value
from keyturn.domain.oauth.connection import GrantType
from keyturn.domain.oauth.registration import Scheme
from keyturn.domain.sensitive import Sensitive
from keyturn.services.grants import ConnectionDraft
from keyturn.services.oauth_connections import create_connection
from keyturn.services.ports import NoAnswer, ResourceAnswer
from keyturn.services.registrations import Credential

URL = "https://api.example.com/things"
CANARY = "canary-of-a-secret-value"
KEY = {"idempotency_key": "one"}


@pytest.fixture
async def it() -> AsyncIterator[Workshop]:
    """Have services in memory, and a secret that flows may refer to."""
    async with workshop() as made:
        made.secrets["key"] = CANARY
        yield made


def told(status: int, body: object = None, **headers: str) -> ResourceAnswer:
    """Return an answer in JSON; ``retry_after`` is written as the header retry-after."""
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    content = b"" if body is None else json.dumps(body).encode()
    return ResourceAnswer(status, (("content-type", "application/json"), *named), content)


def sent(it: Workshop, number: int = -1) -> Mapping[str, str]:
    """Return the headers of a request as they arrived."""
    headers = it.resources.asked[number].headers
    return {
        name: value.reveal() if isinstance(value, Sensitive) else value
        for name, value in headers.items()
    }


# --- what is sent ---------------------------------------------------------------------------------


async def test_json_goes_out_and_comes_back(it: Workshop) -> None:
    """An object is written, and the answer's is read."""
    it.resources.script.append(told(201, {"id": 7}, etag='"a"'))
    outputs = await it.given("api.post", url=URL, query={"a": [1, "b c"]}, body={"n": None})
    (asked,) = it.resources.asked
    assert (asked.method, asked.url) == ("POST", f"{URL}?a=1&a=b%20c")
    assert json.loads(asked.body) == {"n": None}
    assert sent(it)["content-type"] == "application/json"
    assert outputs == {
        "status": 201,
        "headers": {"content-type": "application/json", "etag": '"a"'},
        "body": {"id": 7},
    }


async def test_a_form_goes_out_where_the_header_says_so(it: Workshop) -> None:
    """As token endpoints take it."""
    body = {"grant_type": "client_credentials", "scope": "a b", "left": None}
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    await it.given("api.post", url=URL, headers=headers, body=body)
    assert it.resources.asked[0].body == b"grant_type=client_credentials&scope=a%20b"


@pytest.mark.parametrize("card", ["api.get", "api.post", "api.put", "api.patch", "api.delete"])
async def test_each_card_has_its_method(it: Workshop, card: str) -> None:
    """It is called by it."""
    await it.given(card, url=URL)
    assert it.resources.asked[0].method == card.removeprefix("api.").upper()


@pytest.mark.parametrize("status", [200, 302, 404, 503])
async def test_a_raw_request_gives_every_status(it: Workshop, status: int) -> None:
    """The body goes and comes as a text, whatever is in it."""
    it.resources.script.append(told(status, {"a": 1}))
    outputs = await it.given("api.raw_request", url=URL, method="PUT", body='{"b":  2}')
    assert (outputs["status"], outputs["body"]) == (status, '{"a": 1}')
    assert it.resources.asked[0].body == b'{"b":  2}'


@pytest.mark.parametrize(
    "inputs",
    [
        {"url": "ftp://api.example.com/"},
        {"url": "https://user:word@api.example.com/"},
        {"url": "https://api.example.com/a/../b"},
        {"url": "https://api.example.com/a/%2e%2E/b"},
        {"url": "https://api.example.com/#part"},
        {"url": "https://api.example.com\\@evil.example.com/"},
        {"url": URL, "headers": {"Host": "evil.example.com"}},
        {"url": URL, "headers": {"x": "a\r\ny: b"}},
        {"url": URL, "headers": {"x y": "a"}},
        {"url": URL, "headers": {"x": "a", "X": "b"}},
        {"url": URL, "query": {"a": {"b": 1}}},
        {"url": URL, "body": {"a": 1}, "headers": {"content-type": "text/plain"}},
        {"url": URL, "idempotency_key": ""},
    ],
    ids=range(13),
)
async def test_what_is_no_request_is_never_sent(it: Workshop, inputs: dict[str, object]) -> None:
    """No value ends one part of a request and begins another."""
    failure = await it.failed("api.post", **inputs)  # type: ignore[arg-type]  # as given
    assert (failure.kind, it.resources.asked) == (Failure.INPUT, [])


@pytest.mark.parametrize(
    ("card", "name"),
    [("api.post", "query"), ("api.post", "headers"), ("api.post", "body"), ("jwt.sign", "payload")],
)
async def test_more_than_is_sent(it: Workshop, card: str, name: str) -> None:
    """Neither much, nor what becomes much when it is written: one part a billion times."""
    value: Value = {"a": "x" * 100}
    for _ in range(20):
        value = {"a": value, "b": value}
    needed = (
        {"url": URL} if card == "api.post" else {"key": "{{ secrets.key }}", "algorithm": "HS256"}
    )
    end = await it.walk(
        {"card": card, "with": {**needed, name: "{{ start.large }}"}}, given={"large": value}
    )
    assert end.failure
    assert (end.failure.kind, it.resources.asked) in [(Failure.INPUT, []), (Failure.LIMIT, [])]


async def test_what_the_service_says_to_a_failure_is_cut(it: Workshop) -> None:
    """Where it is more than anybody reads."""
    it.resources.script.append(told(500, ["x" * 100_000]))
    assert (await it.failed("api.get", url=URL)).body is None


async def test_hosts_say_where_an_address_may_lead(it: Workshop) -> None:
    """For one that comes of somebody's input."""
    for url, asks in ((URL, 1), ("https://api.example.com.evil.example/", 0)):
        end = await it.walk(
            {"card": "api.get", "with": {"url": "{{ start.url }}", "hosts": ["API.example.com"]}},
            given={"url": url},
        )
        assert (end.failure is None) is bool(asks)
        assert len(it.resources.asked) == 1
    assert end.failure
    assert end.failure.kind is Failure.NETWORK


async def test_an_address_where_keyturn_does_not_go(it: Workshop) -> None:
    """What the guard says is the card's failure."""
    failure = await it.failed("api.get", url="http://api.example.com/")
    assert (failure.kind, "https://" in failure.message) == (Failure.NETWORK, True)


# --- what comes of it -----------------------------------------------------------------------------


async def test_a_status_from_400_on_is_a_failure(it: Workshop) -> None:
    """With its status, what was said, and when it is worth asking again."""
    answer = ResourceAnswer(
        429, (("content-type", "application/json"),), b'{"e":1}', retry_after_s=7
    )
    it.resources.script.append(answer)
    failure = await it.failed("api.get", url=URL)
    assert (failure.kind, failure.status, failure.body) == (Failure.HTTP, 429, {"e": 1})
    assert (failure.retry_after_s, failure.message) == (
        7,
        "The service answered with HTTP 429 Too Many Requests.",
    )


async def test_a_card_is_tried_again_on_429(it: Workshop) -> None:
    """As often as the flow says; the failure tells how long to wait."""
    it.resources.script.extend([told(429), told(200, {"a": 1})])
    end = await it.walk(
        {"card": "api.post", "with": {"url": URL}, "retry": {"times": 1, "after_s": 5}}
    )
    assert (end.failure, len(it.resources.asked)) == (None, 2)
    assert [act.position for act in it.acts] == ["1", "1~2"]


@pytest.mark.parametrize(
    ("card", "more", "came", "kind"),
    [
        ("api.get", {}, NoAnswer(sent=True, why="ReadError"), Failure.NETWORK),
        ("api.post", {}, NoAnswer(sent=True, why="ReadError"), Failure.UNKNOWN_OUTCOME),
        ("api.post", {}, NoAnswer(sent=False), Failure.NETWORK),
        ("api.post", KEY, NoAnswer(sent=True, why="ReadError"), Failure.NETWORK),
        ("api.post", KEY, NoAnswer(sent=True, late=True), Failure.TIMEOUT),
        ("api.delete", {}, NoAnswer(sent=True, late=True), Failure.UNKNOWN_OUTCOME),
        ("api.get", {}, NoAnswer(sent=True, late=True), Failure.TIMEOUT),
        ("api.raw_request", {"method": "GET"}, NoAnswer(sent=True), Failure.NETWORK),
        ("api.raw_request", {"method": "POST"}, NoAnswer(sent=True), Failure.UNKNOWN_OUTCOME),
    ],
)
async def test_no_answer(
    it: Workshop, card: str, more: dict[str, object], came: NoAnswer, kind: Failure
) -> None:
    """What changes something and may have arrived is unknown, unless its repetition is known."""
    it.resources.script.append(came)
    failure = await it.failed(card, url=URL, **more)  # type: ignore[arg-type]  # inputs
    assert failure.kind is kind
    if more is KEY:
        assert sent(it)["idempotency-key"] == "one"


async def test_a_service_that_is_silent(it: Workshop) -> None:
    """A card's time is its own: what was sent in it and changes something is unknown."""
    it.timeout_s = 0.01
    for card, kind in (("api.get", Failure.TIMEOUT), ("api.post", Failure.UNKNOWN_OUTCOME)):
        it.resources.script.append(None)
        assert (await it.failed(card, url=URL)).kind is kind


async def test_more_than_is_read(it: Workshop) -> None:
    """It was answered, so that its status is known; the body is not."""
    it.resources.script.append(ResourceAnswer(200, cut=True))
    failure = await it.failed("api.post", url=URL)
    assert (failure.kind, failure.status) == (Failure.HTTP, 200)


@pytest.mark.parametrize(
    ("body", "kind", "value"),
    [
        (b'{"a": [1.5, true, null]}', "application/json", {"a": [1.5, True, None]}),
        (b'{"a": 1}', "application/problem+json; charset=utf-8", {"a": 1}),
        (b'{"a": 1}', "text/plain", '{"a": 1}'),
        (b"{no json", "application/json", "{no json"),
        (b"NaN", "application/json", "NaN"),
        (b'"\\ud800"', "application/json", '"\\ud800"'),
        (b"\xff\xe9", "text/plain", "\ufffd\ufffd"),
        (b"\xe9", "text/plain; charset=iso-8859-1", "\xe9"),
        (b"[" * 5000 + b"]" * 5000, "application/json", "[" * 5000 + "]" * 5000),
        (b"[" * 91 + b"]" * 91, "application/json", "[" * 91 + "]" * 91),
        (b"1" * 5000, "application/json", "1" * 5000),
        (b"[" + b"0," * 10**6 + b"0]", "application/json", "[" + "0," * 10**6 + "0]"),
        (b"", "application/json", None),
    ],
    ids=range(13),
)
async def test_bodies(it: Workshop, body: bytes, kind: str, value: Value) -> None:
    """JSON that a flow can handle is read; everything else is a text."""
    it.resources.script.append(ResourceAnswer(200, (("content-type", kind),), body))
    assert (await it.given("api.get", url=URL))["body"] == value


# --- what nobody sees -----------------------------------------------------------------------------


async def test_a_secret_that_was_sent_is_hidden_in_what_comes_back(it: Workshop) -> None:
    """Wherever the service repeats it, as it is or encoded; the flow itself has it."""
    said = {"echo": f"you said {CANARY}", "deep": [{"x": CANARY}], "plain": "nothing"}
    it.resources.script.append(told(200, said, x_echo=CANARY))
    outputs = await it.outputs("api.post", url=URL, headers={"x-key": "{{ secrets.key }}"})
    assert isinstance(outputs.value, dict)
    assert outputs.value["body"] == said
    assert outputs.view == {
        "status": 200,
        "headers": {"content-type": "application/json", "x-echo": MASK},
        "body": {"echo": MASK, "deep": [{"x": MASK}], "plain": "nothing"},
    }
    assert all(CANARY not in repr(step) for step in it.steps)


async def test_a_secret_in_a_failure_is_hidden(it: Workshop) -> None:
    """What a flow is given of an error is what people see of it."""
    it.resources.script.append(told(400, {"why": f"no {CANARY}", "access_token": "x"}))
    failure = await it.failed("api.post", url=URL, body={"a": "{{ secrets.key }}"})
    assert failure.body == {"why": MASK, "access_token": MASK}


@pytest.mark.parametrize(
    "name",
    ["access_token", "refresh_token", "id_token", "client_secret", "clientSecret", "Password"],
)
async def test_members_that_hold_secrets_everywhere(it: Workshop, name: str) -> None:
    """By their names, whoever answers."""
    it.resources.script.append(told(200, {name: "short", "token_type": "Bearer"}))
    outputs = await it.outputs("api.post", url=URL)
    assert isinstance(outputs.view, dict)
    assert outputs.view["body"] == {name: MASK, "token_type": "Bearer"}


# --- by a connection ------------------------------------------------------------------------------


async def test_a_connection_authorizes_the_request(it: Workshop) -> None:
    """Its token goes along, is the last one, and is in no step."""
    await minted(it.rig, "crm")
    it.resources.script.append(told(200, {"echo": "Bearer access-1"}))
    outputs = await it.outputs("api.get", "crm", url=URL)
    token = sent(it)["Authorization"]
    assert token.startswith("Bearer access-")
    assert isinstance(outputs.view, dict)
    assert outputs.view["body"] == {"echo": MASK}
    assert all(token.split()[1] not in repr(step) for step in it.steps)


async def test_a_header_by_hand_beside_a_connection(it: Workshop) -> None:
    """Two authorities for one request are a mistake, and neither is sent."""
    await minted(it.rig, "crm")
    by_hand = {"authorization": "{{ secrets.key }}"}
    failure = await it.failed("api.get", "crm", url=URL, headers=by_hand)
    assert (failure.kind, it.resources.asked) == (Failure.INPUT, [])
    await it.given("api.get", url=URL, headers=by_hand)
    assert sent(it)["authorization"] == CANARY


async def test_a_connection_by_a_header_of_its_own(it: Workshop) -> None:
    """Its name cannot be given by hand either."""
    made = await registration(
        it.rig,
        name="keyed",
        scheme=Scheme.HEADER,
        provider=None,
        credential=Credential("X-Api-Key", Sensitive(CANARY)),
    )
    draft = ConnectionDraft("keyed", made.registration.id, GrantType.NONE)
    await create_connection(it.rig.world, it.rig.admin, draft)
    it.resources.script.append(told(200, [CANARY]))
    outputs = await it.outputs("api.get", "keyed", url=URL)
    assert sent(it)["X-Api-Key"] == CANARY
    assert isinstance(outputs.view, dict)
    assert outputs.view["body"] == [MASK]
    failure = await it.failed("api.get", "keyed", url=URL, headers={"x-api-key": "mine"})
    assert failure.kind is Failure.INPUT


async def test_a_certificate_goes_along_with_its_token(it: Workshop) -> None:
    """Of a client that authenticates by one, tokens may be bound to it (RFC 8705, 3)."""
    certificate = shown(EC_KEY)
    servers(it.rig).secrets[CLIENT] = {certificate}
    document = {**DOCUMENT, "auth": "tls_client_auth"}
    await registration(
        it.rig, provider=document, credential=Credential(CLIENT, Sensitive(certificate))
    )
    await minted(it.rig, "crm")
    await it.given("api.get", "crm", url=URL)
    await it.given("api.get", url=URL)
    assert [each.certificate for each in it.resources.asked] == [Sensitive(certificate), None]


async def test_a_refused_token_is_renewed_once(it: Workshop) -> None:
    """A write is repeated too: what was answered by 401 has done nothing."""
    await aged(it.rig, await minted(it.rig, "crm"))
    it.resources.script.extend(
        [told(401, www_authenticate='Bearer error="invalid_token"'), told(200)]
    )
    await it.given("api.post", "crm", url=URL, body={"a": 1})
    first, second = sent(it, 0)["Authorization"], sent(it, 1)["Authorization"]
    assert (first != second, len(it.resources.asked), accepted(it)) == (True, 2, 2)


async def test_another_refusal_renews_nothing(it: Workshop) -> None:
    """A 401 that names another fault, and one without any connection."""
    await aged(it.rig, await minted(it.rig, "crm"))
    it.resources.script.append(told(401, www_authenticate='Bearer error="insufficient_scope"'))
    assert (await it.failed("api.get", "crm", url=URL)).status == 401
    it.resources.script.append(told(401))
    assert (await it.failed("api.get", url=URL)).status == 401
    assert (len(it.resources.asked), accepted(it)) == (2, 1)


async def test_a_connection_without_a_token(it: Workshop) -> None:
    """Nothing is sent; why there is none is the connection's own word."""
    await unauthorized(it.rig, "person")
    failure = await it.failed("api.get", "person", url=URL)
    assert (failure.kind, it.resources.asked) == (Failure.CONNECTION, [])
    assert failure.message == "Nobody has authorized the connection yet."
    assert CLIENT not in failure.message


async def test_a_connection_that_is_not_there(it: Workshop) -> None:
    """Nor one that the flow may not use; that does not tell whether it is there."""
    assert (await it.failed("api.get", "none", url=URL)).kind is Failure.CONNECTION
    await minted(it.rig, "crm")
    it.verbs = frozenset({Verb.READ_SECRETS})
    refused = [await it.failed("api.get", name, url=URL) for name in ("crm", "none")]
    assert [each.kind for each in refused] == [Failure.FORBIDDEN] * 2
    assert refused[0].message.replace("crm", "none") == refused[1].message


# --- page by page ---------------------------------------------------------------------------------


async def test_pages_are_followed(it: Workshop) -> None:
    """As far as the limit, each by a request of its own; relative links too."""
    it.resources.script.extend(
        [
            told(
                200, [1, 2], link='<https://api.example.com/x>; rel="self", </things?p=2>; rel=next'
            ),
            told(200, [3, 4], link=f'<{URL}?p=3>; title="a, b"; rel="last next"'),
            told(200, [5], link=f'<{URL}>; rel="first"'),
        ]
    )
    outputs = await it.given("api.get_pages", url=URL)
    assert outputs == {"records": [1, 2, 3, 4, 5], "count": 5, "truncated": False}
    assert [each.url for each in it.resources.asked] == [URL, f"{URL}?p=2", f"{URL}?p=3"]


@pytest.mark.parametrize(("limit", "asks"), [(1, 1), (2, 1), (3, 2)])
async def test_a_limit_ends_the_list(it: Workshop, limit: int, asks: int) -> None:
    """Whether there is more is told."""
    link = f'<{URL}?p=2>; rel="next"'
    it.resources.script.extend([told(200, {"of": [1, 2]}, link=link), told(200, {"of": [3, 4]})])
    outputs = await it.given("api.get_pages", url=URL, records_at="of", limit=limit)
    assert outputs == {"records": [1, 2, 3, 4][:limit], "count": limit, "truncated": True}
    assert len(it.resources.asked) == asks


async def test_a_next_page_elsewhere_is_not_followed(it: Workshop) -> None:
    """Whoever answers does not lead the connection's token to another host."""
    await minted(it.rig, "crm")
    for at in (
        "https://evil.example.com/",
        "http://api.example.com/",
        "https://api.example.com:8443/",
    ):
        it.resources.script.append(told(200, [1], link=f'<{at}>; rel="next"'))
        failure = await it.failed("api.get_pages", "crm", url=URL)
        assert failure.kind is Failure.HTTP
    assert {each.url for each in it.resources.asked} == {URL}


@pytest.mark.parametrize("body", [{"a": 1}, "text", None])
async def test_what_is_no_list(it: Workshop, body: Value) -> None:
    """The card says so, and where to name it."""
    it.resources.script.append(told(200, body))
    failure = await it.failed("api.get_pages", url=URL)
    assert (failure.kind, "records_at" in failure.message) == (Failure.PARSE, True)


@pytest.mark.parametrize("limit", [0, 1.5, 1_000_001])
async def test_limits_are_whole_numbers(it: Workshop, limit: object) -> None:
    """From 1 to so many pages."""
    assert (await it.failed("api.get_pages", url=URL, limit=limit)).kind is Failure.INPUT
