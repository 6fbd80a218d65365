"""What a card's inputs make of a request, and an answer's bytes of a value; whatever they are."""

import json
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.domain.flows import requests
from keyturn.domain.flows.failures import CardFailure
from keyturn.domain.flows.values import Value, fits, kind_of

JSON: st.SearchStrategy[Value] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=20,
)
FLAT = st.dictionaries(
    st.text(max_size=10), st.text(max_size=10) | st.integers() | st.booleans(), max_size=5
)


@pytest.mark.parametrize(
    ("url", "query", "whole"),
    [
        ("HTTPS://API.Example.com", None, "https://api.example.com/"),
        ("https://a.b/c d?e=f g", None, "https://a.b/c%20d?e=f%20g"),
        ("https://a.b/%41?x=%20", None, "https://a.b/%41?x=%20"),
        ("https://a.b/c?", {"d": None}, "https://a.b/c?"),
        (
            "https://a.b/c?d=1",
            {"e": [True, 2.5], "f": "&="},
            "https://a.b/c?d=1&e=true&e=2.5&f=%26%3D",
        ),
        ('https://a.b:8443/\u00e9|"<>', None, "https://a.b:8443/%C3%A9%7C%22%3C%3E"),
        ("https://[::1]:1/..a/.b/c..", None, "https://[::1]:1/..a/.b/c.."),
        (" https://a.b ", {}, "https://a.b/"),
    ],
)
def test_addresses_have_one_spelling(url: str, query: Value, whole: str) -> None:
    """Encoded where they have to be, and otherwise as they were written."""
    assert requests.address(url, query) == whole
    assert str(httpx2.URL(whole)) == whole


@given(path=st.text(max_size=40), query=FLAT)
def test_whatever_is_put_together_stays_on_its_host(path: str, query: dict[str, Value]) -> None:
    """It is an address on the same host to whoever reads it, or none at all."""
    try:
        whole = requests.address(f"https://api.example.com/{path}", query)
    except CardFailure:
        return
    parts, sent = urlsplit(whole), httpx2.URL(whole)
    assert (parts.netloc, sent.host, sent.userinfo) == ("api.example.com", "api.example.com", b"")
    assert requests.origin(whole) == "https://api.example.com"
    assert str(sent) == whole


@given(query=FLAT)
def test_a_query_is_read_as_it_was_given(query: dict[str, Value]) -> None:
    """Names and texts come back, whatever is in them."""
    try:
        told = requests.encoded_query("query", query)
    except CardFailure:
        assert any("\ud800" <= each <= "\udfff" for each in json.dumps(query, ensure_ascii=False))
        return
    read = dict(parse_qsl(told, keep_blank_values=True))
    assert read.keys() == query.keys() - {""} | ({""} if "" in query else set())
    assert all(read[name] == value for name, value in query.items() if isinstance(value, str))


@given(text=st.text(max_size=30))
def test_a_part_of_a_path_is_one_part(text: str) -> None:
    """Nothing in it ends it."""
    try:
        part = requests.segment("id", text)
    except CardFailure:
        return
    assert not {"/", "?", "#", "\\"} & set(part)
    assert unquote(part) == text
    assert requests.address(f"https://a.b/x/{part}/y").count("/") == 5


@given(value=JSON)
def test_json_comes_back_as_it_went(value: Value) -> None:
    """What a flow sends as JSON is what it reads of it."""
    try:
        headers, body = requests.with_body({}, value)
    except CardFailure:
        assert not str(value).isascii()
        return
    if value is None:
        assert (headers, body) == ({}, b"")
    else:
        assert requests.parsed(body, headers["content-type"]) == value


@given(body=st.binary(max_size=200), kind=st.text(max_size=40) | st.just("application/json"))
def test_any_bytes_are_a_value(body: bytes, kind: str) -> None:
    """That can be written down again, whatever came."""
    value = requests.parsed(body, kind)
    assert fits(kind_of(value), value)
    assert json.dumps(value, ensure_ascii=False, allow_nan=False).encode() is not None


@given(lines=st.lists(st.text(max_size=60), max_size=3))
def test_any_link_leads_somewhere_or_nowhere(lines: list[str]) -> None:
    """Never to another host, and never to another exception."""
    try:
        found = requests.next_page(lines, "https://a.b/c")
    except CardFailure:
        return
    assert found is None or requests.origin(found) == "https://a.b"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('<https://a.b/2>; rel="next"', "https://a.b/2"),
        ("</2?x=1>;rel=next", "https://a.b/2?x=1"),
        ('<?p=2>; rel="prev next"', "https://a.b/c?p=2"),
        ('<https://a.b/1>; rel="self", <https://a.b/2>; REL="NEXT"', "https://a.b/2"),
        ('<https://a.b/2>; title="rel=next"; rel="last"', None),
        ('<https://a.b/2>; rel="nextish"', None),
        ("https://a.b/2; rel=next", None),
    ],
)
def test_links_to_the_next_page(line: str, found: str | None) -> None:
    """As RFC 8288 has them."""
    assert requests.next_page([line], "https://a.b/c") == found
