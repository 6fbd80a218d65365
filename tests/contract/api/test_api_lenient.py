"""JSON is read leniently, and never slowly: whoever sends it may not have logged in yet."""

from json import JSONDecodeError

import pytest

from keyturn.api.lenient import STRING_OR_TRAILING_COMMA, parse

MEGABYTE = 1024 * 1024
NASTY = {
    "quotes behind backslashes": '\\"',
    "quotes": '"',
    "open strings": '"a\\\\',
    "escapes": '"\\"',
    "commas": ",",
    "spaced commas": ", \n\t",
    "brackets": "[",
    "braces": '{"',
}


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        (b'{"a": [1, 2,], }', {"a": [1, 2]}),
        (b'{"a": "x,}", "b": "\\",]",}', {"a": "x,}", "b": '",]'}),
        (b'"a"', "a"),
        (rb'{"a": "\ud83d\udd11",}', {"a": "\U0001f511"}),
    ],
)
def test_trailing_commas_are_read_over_and_texts_kept(text: bytes, parsed: object) -> None:
    """A comma before a closing bracket is no fault; one inside a text is a part of it."""
    assert parse(text) == parsed


@pytest.mark.parametrize("piece", NASTY.values(), ids=NASTY.keys())
def test_no_quote_is_looked_at_twice(piece: str) -> None:
    """Every quote belongs to one match, also behind an open one: no search begins anew there."""
    text = piece * 99
    found = STRING_OR_TRAILING_COMMA.finditer(text)
    assert sum(match[0].count('"') for match in found) == text.count('"')


@pytest.mark.parametrize("piece", NASTY.values(), ids=NASTY.keys())
def test_a_megabyte_of_anything_is_refused(piece: str) -> None:
    """The largest body that is let in is told to be no JSON; a quadratic look takes hours."""
    with pytest.raises(JSONDecodeError):
        parse(("{" + piece * (MEGABYTE // len(piece))).encode())


@pytest.mark.parametrize(
    "text",
    [b"[" * 9_999, b"1" * 5_000, b"\xff", b"", b"{", rb'{"a": "\ud800"}', rb'{"\udfff": 1}'],
)
def test_what_cannot_be_read_is_no_json(text: bytes) -> None:
    """Depth, length, encoding and half characters are faults of the text, each in one way."""
    with pytest.raises(JSONDecodeError):
        parse(text)
