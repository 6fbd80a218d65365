"""What a flow is given by a request: what it declares, in its kinds, and nothing secret."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.domain.flows.definition import Start
from keyturn.domain.flows.intake import Invocation, Unfit, read_inputs, read_start
from keyturn.domain.flows.spec import StartKind
from keyturn.domain.flows.values import Kind, Value

KINDS = {kind.value: kind for kind in Kind}
EVERY = Start(
    StartKind.ENDPOINT,
    {
        "query": KINDS,
        "headers": {"x-count": Kind.NUMBER, "x-name": Kind.TEXT},
        "body": KINDS,
    },
)
JSON = (("content-type", "application/json; charset=utf-8"),)
FORM = (("content-type", "application/x-www-form-urlencoded"),)


def started(**parts: object) -> dict[str, Value]:
    """Return what a flow starts with."""
    return read_start(EVERY, Invocation("POST", "https://h/", **parts))  # type: ignore[arg-type]  as given


def unfit(**parts: object) -> str:
    """Return what is wrong with a request."""
    with pytest.raises(Unfit) as refusal:
        started(**parts)
    return refusal.value.message


def test_texts_of_a_query_are_read_in_their_kinds() -> None:
    """Numbers, booleans, objects and lists as well; what is not sent is not there."""
    query = (("number", "-1.5e2"), ("boolean", "false"), ("object", '{"a": [1]}'), ("text", "1"))
    found = started(query=(*query, ("list", "a"), ("list", "b"), ("any", "x"), ("other", "y")))
    want = {"number": -150.0, "boolean": False, "object": {"a": [1]}, "text": "1"}
    assert found["query"] == want | {"list": ["a", "b"], "any": "x"}
    assert started()["query"] == {}


def test_everything_is_there_as_it_came() -> None:
    """Under raw, in texts; and the method."""
    query, headers = (("a", "1"), ("a", "2")), (("x-a", "b"),)
    asked = Invocation("POST", "https://h/", query, headers, "plain ä".encode())
    found = read_start(Start(StartKind.ENDPOINT), asked)
    assert found["method"] == "POST"
    raw = {"query": {"a": ["1", "2"]}, "headers": {"x-a": "b"}, "body": "plain ä"}
    assert found["raw"] == raw


HIDDEN = ("authorization", "proxy-authorization", "cookie", "dpop", "x-api-client-token")


def test_nothing_by_which_a_request_is_let_in_comes_in() -> None:
    """Neither declared nor raw."""
    start = Start(StartKind.ENDPOINT, {"headers": dict.fromkeys(HIDDEN, Kind.TEXT)})
    headers = tuple((name, "canary") for name in HIDDEN)
    asked = Invocation("POST", "https://h/", (("clientToken", "canary"),), headers)
    assert "canary" not in json.dumps(read_start(start, asked))
    assert "canary" not in repr(asked)


@pytest.mark.parametrize("name", ["x-okta-workflows", "X-Okta-Workflows-Id"])
def test_names_that_begin_so_are_reserved(name: str) -> None:
    """As with Okta."""
    assert "reserved" in unfit(query=((name, "1"),))


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ({"query": (("number", "one"),)}, "query.number"),
        ({"query": (("number", "NaN"),)}, "query.number"),
        ({"query": (("number", "1e400"),)}, "query.number"),
        ({"query": (("number", "1" * 5000),)}, "query.number"),
        ({"query": (("number", "true"),)}, "query.number"),
        ({"query": (("boolean", "True"),)}, "query.boolean"),
        ({"query": (("object", "[1]"),)}, "query.object"),
        ({"query": (("text", "a"), ("text", "b"))}, "query.text"),
        ({"headers": (("x-count", "many"),)}, "headers.x-count"),
        ({"body": b"{", "headers": JSON}, "body"),
        ({"body": b"[1]", "headers": JSON}, "body"),
        ({"body": b'{"number": "1"}', "headers": JSON}, "body.number"),
        ({"body": b'{"any": NaN}', "headers": JSON}, "body"),
        ({"body": b'{"any": -1e400}', "headers": JSON}, "body"),
        ({"body": rb'{"text": "\ud800"}', "headers": JSON}, "body"),
        ({"body": b'{"any": ' + b"[" * 200 + b"]" * 200 + b"}", "headers": JSON}, "body"),
        ({"body": b"[" * 100_000, "headers": JSON}, "body"),
        ({"body": b"\xff"}, "body"),
        ({"body": b"number=one", "headers": FORM}, "body.number"),
        ({"body": b"&".join([b"a=1"] * 1001), "headers": FORM}, "body"),
    ],
)
def test_what_does_not_fit_is_named(parts: dict[str, object], field: str) -> None:
    """By its field, and without what was sent."""
    told = unfit(**parts)
    assert told.startswith(f"{field}: ")
    assert "one" not in told.replace("none", "")


def test_bodies_are_json_or_forms() -> None:
    """A declared member may be null; what is not declared is raw alone."""
    body = b'{"text": "a", "number": null, "other": 1}'
    assert started(body=body, headers=JSON)["body"] == {"text": "a", "number": None}
    assert started(body=body)["body"] == {"text": "a", "number": None}
    form = started(body=b"number=2&text=a+b&other=1", headers=FORM)
    assert form["body"] == {"number": 2, "text": "a b"}
    assert started(body=b"  ")["body"] == {}


def test_a_body_that_nobody_declared_is_anything() -> None:
    """It is not looked at."""
    asked = Invocation("POST", "https://h/", headers=JSON, body=b"{broken")
    found = read_start(Start(StartKind.ENDPOINT), asked)
    assert (found["body"], found["raw"]) == (
        {},
        {"query": {}, "headers": dict(JSON), "body": "{broken"},
    )


@given(st.binary(max_size=200), st.lists(st.tuples(st.sampled_from([*KINDS]), st.text())))
def test_whatever_comes_is_read_or_refused(body: bytes, query: list[tuple[str, str]]) -> None:
    """Nothing else goes wrong."""
    for headers in (JSON, FORM):
        try:
            started(body=body, query=tuple(query), headers=headers)
        except Unfit as refusal:
            assert ":" in refusal.message  # noqa: PT017  it names a field


def test_inputs_of_a_helper_are_those_that_it_declares() -> None:
    """Each in its kind."""
    start = Start(StartKind.HELPER, {"inputs": {"count": Kind.NUMBER}})
    assert read_inputs(start, {"count": 1}) == {"count": 1}
    for wrong in ({"count": "1"}, {"other": 1}):
        with pytest.raises(Unfit):
            read_inputs(start, wrong)  # type: ignore[arg-type]  as given
