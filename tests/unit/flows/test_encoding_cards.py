"""Cards about JSON, CSV, addresses, digests and what stands for octets."""

import csv
import hashlib
import hmac
import io
import json

import pytest
from card_kit import computed, refusal
from hypothesis import given
from hypothesis import strategies as st

from keyturn.domain.flows.cards.url import FIELDS_MAX, URL_MAX
from keyturn.domain.flows.values import Value

TEXT = st.text(max_size=30)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=10,
)


@given(VALUES, st.booleans(), st.booleans())
def test_json_is_read_as_it_was_written(value: Value, pretty: bool, ordered: bool) -> None:  # noqa: FBT001
    """What is written as JSON is read as the same value."""
    written = computed("json.stringify", value=value, pretty=pretty, sorted=ordered)
    assert computed("json.parse", **written) == {"value": value}
    assert json.loads(str(written["text"])) == value


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "text must be JSON: line 1, column 1"),
        ('{"a": 1,\n}', "text must be JSON: line 2, column 1"),
        ("[NaN]", "text must be JSON, which has no NaN and no Infinity"),
        ("-Infinity", "text must be JSON, which has no NaN and no Infinity"),
        ("1e999", "text has a number that is too large"),
        ("1" * 5000, "text has a number that is too long"),
        ("[" * 101 + "]" * 101, None),
        ("[" * 102 + "]" * 102, "text must be JSON that is at most 100 deep"),
        ("[" * 500_000, "text must be JSON that is at most 100 deep"),
        ("{'a': 1}", "text must be JSON: line 1, column 2"),
    ],
)
def test_what_is_no_json_is_refused_by_its_place(text: str, told: str | None) -> None:
    """It is said where the text breaks, and nothing of it is quoted."""
    if told is None:
        assert computed("json.parse", text=text)["value"]
    else:
        assert refusal("json.parse", text=text).startswith(f"parse_error: {told}")


# --- tables ---------------------------------------------------------------------------------------

CELLS = st.text(st.characters(exclude_characters="\0\r", exclude_categories=("Cs",)), max_size=8)


@given(st.lists(st.fixed_dictionaries({"a": CELLS, "b,c": CELLS}), min_size=1, max_size=5))
def test_a_table_is_read_as_it_was_written(table: list[Value]) -> None:
    """Cells with separators, quotes and line ends come back as they were."""
    written = computed("csv.stringify", list=table, separator="semicolon")
    assert computed("csv.parse", **written, separator="semicolon")["list"] == table
    rows = [*csv.reader(io.StringIO(str(written["text"]), newline=""), delimiter=";")]
    assert len(rows) == len(table) + 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('a\n"open', "text must be CSV; after row 1: "),
        ("a,a\n1,2", "text has two columns of one name"),
        ("a,b\n1", "row 2 of text must have 2 cells"),
        ('a\n"1"2', "text must be CSV; after row 1: "),
    ],
)
def test_what_is_no_table_is_refused(text: str, told: str) -> None:
    """A table whose rows are not those of its columns is none."""
    assert refusal("csv.parse", text=text).startswith(f"parse_error: {told}")


def test_tables_without_names_are_lists() -> None:
    """Without a header each row is a list; no text is no table."""
    read = computed("csv.parse", text="\ufeffa\tb\n\n1\t2", separator="tab", header=False)
    assert read == {"list": [["a", "b"], ["1", "2"]], "columns": []}
    assert computed("csv.parse", text="") == {"list": [], "columns": []}
    rows: list[Value] = [{"a": None}, {"b": [1]}]
    assert computed("csv.stringify", list=rows) == {"text": "a,b\r\n,\r\n,[1]\r\n"}


# --- addresses ------------------------------------------------------------------------------------


@given(st.text(max_size=30))
def test_a_text_in_an_address_is_read_again(text: str) -> None:
    """Encoded, a text has no character that means something in an address."""
    encoded = str(computed("url.encode", text=text)["text"])
    assert not {*encoded} & {*" /?#&=+:@"}
    assert computed("url.decode", text=encoded) == {"text": text}


@given(st.dictionaries(st.text(min_size=1, max_size=9), st.text(max_size=9), max_size=4))
def test_a_query_is_read_as_it_was_built(query: dict[str, Value]) -> None:
    """What was built into an address is what it is parsed to."""
    built = computed("url.build", base="https://example.com", path="a b", query=query)
    parsed = computed("url.parse", **built)
    assert (parsed["query"], parsed["path"], parsed["host"]) == (query, "/a%20b", "example.com")


@pytest.mark.parametrize(
    ("card", "given", "told"),
    [
        ("url.decode", {"text": "%ff"}, "parse_error: what text stands for is no text"),
        ("url.parse", {"url": "http://[::1"}, "parse_error: url must be an address"),
        ("url.parse", {"url": "http://a:99999/"}, "parse_error: url must be an address"),
        ("url.parse", {"url": "?a=%ff"}, "parse_error: url must be an address"),
        (
            "url.parse",
            {"url": "?" + "a&" * (FIELDS_MAX + 1)},
            "parse_error: url must be an address",
        ),
        ("url.parse", {"url": "a" * (URL_MAX + 1)}, "invalid_input: url: must be at most"),
        (
            "url.build_query",
            {"query": {"a": [1] * 1001}},
            "invalid_input: query: must have at most",
        ),
        ("url.build_query", {"query": {"a": {}}}, "invalid_input: query: must have texts"),
        ("url.build_query", {"query": {"a": "\ud800"}}, "invalid_input: query: must be Unicode"),
        ("url.build", {"base": "https://a/?b"}, "invalid_input: base: must be an address without"),
        ("url.encode", {"text": "\ud800"}, "invalid_input: text: must be Unicode"),
    ],
)
def test_what_is_no_address_is_refused(card: str, given: dict[str, Value], told: str) -> None:
    """An address that nobody can read is said to be none."""
    assert refusal(card, **given).startswith(told)


def test_an_address_is_taken_apart() -> None:
    """Names that come twice are lists, a host is in small letters, what is not there is empty."""
    parsed = computed("url.parse", url="HTTPS://ada:pw@EXAMPLE.com:8443?a=1&a=&b")
    assert parsed["host"] == "example.com"
    assert parsed["port"] == 8443
    assert parsed["query"] == {"a": ["1", ""], "b": ""}
    assert computed("url.decode", text="a+b", plus="space") == {"text": "a b"}


def test_a_base_and_a_path_meet_in_one_slash() -> None:
    """A slash is neither lost nor doubled, and a base alone is left as it is."""
    for base, path in (("https://a/b/", "/c"), ("https://a/b", "c")):
        assert computed("url.build", base=base, path=path) == {"url": "https://a/b/c"}
    assert computed("url.build", base="https://a/") == {"url": "https://a/"}


# --- digests and octets ---------------------------------------------------------------------------


@given(TEXT, st.sampled_from(["sha256", "sha384", "sha512", "sha1", "md5"]))
def test_digests_are_those_of_the_standard_library(text: str, algorithm: str) -> None:
    """A digest is of the text in UTF-8."""
    wanted = hashlib.new(algorithm, text.encode(), usedforsecurity=False).hexdigest()
    assert computed("encryption.hash", text=text, algorithm=algorithm) == {"text": wanted}


@given(TEXT, st.binary(min_size=1, max_size=200), st.sampled_from(["sha256", "sha512", "sha1"]))
def test_codes_are_those_of_the_standard_library(text: str, key: bytes, algorithm: str) -> None:
    """A code is made with the octets that the key stands for."""
    wanted = hmac.new(key, text.encode(), algorithm).hexdigest()
    made = computed(
        "encryption.hmac", text=text, key=key.hex(), key_encoding="hex", algorithm=algorithm
    )
    assert made == {"text": wanted}


@given(TEXT, st.sampled_from(["hex", "base64", "base64url"]))
def test_what_was_encoded_is_decoded(text: str, encoding: str) -> None:
    """A text comes back, with padding and without."""
    encoded = str(computed("encryption.encode", text=text, encoding=encoding)["text"])
    for told in (encoded, encoded.rstrip("=")):
        assert computed("encryption.decode", text=told, encoding=encoding) == {"text": text}


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("hex", "abc"),
        ("hex", "zz"),
        ("base64", "a"),
        ("base64", "YW-_"),
        ("base64url", "YW+/"),
        ("base64", "Y W I="),
        ("base64", "YW=I"),
        ("base64", "é"),
        ("base64", "/w=="),
    ],
)
def test_what_stands_for_no_text_is_refused(encoding: str, text: str) -> None:
    """Another alphabet, space and what is no UTF-8 are refused."""
    told = refusal("encryption.decode", text=text, encoding=encoding)
    assert told.startswith("parse_error: ")


def test_a_code_needs_a_key() -> None:
    """Nobody signs with an empty key, and none is quoted."""
    assert refusal("encryption.hmac", text="a", key="") == "invalid_input: key: must not be empty"
    told = refusal("encryption.hmac", text="a", key="not hex", key_encoding="hex")
    assert told == "parse_error: key must be hex"
