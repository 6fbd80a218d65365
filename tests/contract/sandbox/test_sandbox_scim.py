"""Filter expressions: how they are read, and what they say of an object."""

import pytest

from keyturn.sandbox.http import Json
from keyturn.sandbox.scim import BadFilter, find_values, list_comparisons, parse_filter

THING: dict[str, Json] = {
    "kind": "app.oauth2.token.grant",
    "size": 3,
    "at": "2026-03-01T12:00:00.000Z",
    "good": True,
    "none": None,
    "target": [{"id": "a", "type": "User"}, {"id": "b", "type": "AppInstance"}],
}


def holds(text: str) -> bool:
    """Tell whether an expression holds of the thing."""
    return parse_filter(text).holds(lambda path: find_values(THING, path))


@pytest.mark.parametrize(
    "text",
    [
        'kind eq "app.oauth2.token.grant"',
        'kind ne "other"',
        'kind co "oauth2"',
        'kind SW "app."',
        'kind ew "grant"',
        "kind pr",
        "size gt 2 and size le 3",
        "size ge 3 and size lt 4.5",
        'at gt "2026-03-01T11:59:59Z"',
        'at le "2026-03-01T13:00:00+01:00"',
        "good eq true",
        'target.id eq "a" and target.id eq "b"',
        'not (kind eq "other")',
        'not target.id eq "c"',
        'kind eq "other" or size eq 3 and good eq true',
        '(kind eq "other" or size eq 3) and not none pr',
        'kind ne "say \\"x\\""',
    ],
)
def test_holds(text: str) -> None:
    """Operators, lists, precedence and parentheses mean what RFC 7644 says."""
    assert holds(text)


@pytest.mark.parametrize(
    "text",
    [
        'target.id ne "a"',
        'kind eq "APP.OAUTH2.TOKEN.GRANT"',
        'at lt "2026-03-01T12:00:00Z"',
        "none pr",
        'missing eq "x"',
        "kind gt 3",
        'kind eq "x" and kind eq "y" or size eq 4',
    ],
)
def test_does_not_hold(text: str) -> None:
    """What is absent, of another kind or only alike does not fit."""
    assert not holds(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            'display_message eqq "Create okta user"',
            (
                "Unrecognized attribute operator 'eqq' at position 16. "
                "Expected: eq,co,sw,pr,gt,ge,lt,le"
            ),
        ),
        ('target[id eq "a"]', "Unexpected character '[' at position 6"),
        ('kind eq "open', "Unexpected character '\"' at position 8"),
        ("kind eq", "Unexpected end of filter at position 7"),
        ("kind eq bare", "Unexpected 'bare' at position 8"),
        ("kind", "Unexpected end of filter at position 4"),
        ("", "Unexpected end of filter at position 0"),
        ("(kind pr", "Unexpected end of filter at position 8"),
        ("kind pr kind pr", "Unexpected 'kind' at position 8"),
        ('"a" eq "b"', "Unexpected '\"a\"' at position 0"),
        ("(" * 60 + "kind pr" + ")" * 60, "Too deeply nested at position 51"),
    ],
)
def test_bad_filters(text: str, reason: str) -> None:
    """An expression that cannot be read says where and why."""
    with pytest.raises(BadFilter) as told:
        parse_filter(text)
    assert str(told.value) == reason


def test_comparisons_are_listed_from_left_to_right() -> None:
    """Every comparison of an expression can be looked at before it is used."""
    expression = parse_filter("a pr and (b pr or not c pr)")
    assert [comparison.attribute for comparison in list_comparisons(expression)] == ["a", "b", "c"]
