"""What a flow's file may ask of access tokens, and how tokens are written."""

import pytest

from keyturn.domain.flows.bearers import (
    INVOKE,
    TYPES,
    BearerRules,
    Fault,
    Shown,
    TokenRefused,
    problems_of,
    read_jwt,
    read_token,
    rules_of,
)
from keyturn.domain.flows.definition import Start
from keyturn.domain.flows.reading import FlowRefused, read_flow
from keyturn.domain.flows.spec import Security, StartKind
from keyturn.domain.flows.values import Value

ISSUER = "https://org.example.com/oauth2/default"
FLOW = "flow: a\nstart: {kind: %s}\ncards: [{card: flow.return}]\n"
BY_KEYS: dict[str, Value] = {"issuer": ISSUER, "audience": "api"}


@pytest.mark.parametrize(
    ("told", "about"),
    [
        (None, "oauth"),
        ([], "oauth"),
        ({}, "needs an issuer"),
        ({"issuer": ISSUER}, "audience"),
        (BY_KEYS | {"issuer": "org.example.com"}, "issuer"),
        (BY_KEYS | {"issuer": 1}, "issuer"),
        (BY_KEYS | {"jwks": "file:///keys"}, "jwks"),
        (BY_KEYS | {"audience": []}, "audience"),
        (BY_KEYS | {"audience": ["a", 1]}, "audience"),
        (BY_KEYS | {"scope": ""}, "scope"),
        (BY_KEYS | {"scope": ["a"]}, "scope"),
        (BY_KEYS | {"scope": 'a"b'}, "scope"),
        (BY_KEYS | {"clients": "0oa1"}, "clients"),
        (BY_KEYS | {"clients": []}, "clients"),
        (BY_KEYS | {"types": [None]}, "types"),
        (BY_KEYS | {"leeway": 5}, "leeway"),
        ({"registration": ""}, "registration"),
        ({"registration": "org", "jwks": ISSUER}, "jwks"),
        ({"registration": "org", "types": ["JWT"]}, "jwks and types"),
    ],
)
def test_what_cannot_be_asked_is_told(told: Value, about: str) -> None:
    """Each problem begins with what it is about."""
    assert any(rule.startswith(about) for rule in problems_of(told))


@pytest.mark.parametrize(
    "told",
    [
        BY_KEYS,
        BY_KEYS | {"audience": ["a", "b"], "scope": "a b", "clients": ["0oa1"], "jwks": ISSUER},
        BY_KEYS | {"types": ["at+jwt", ""]},
        {"registration": "org"},
        {"registration": "org", "issuer": ISSUER, "audience": "api"},
    ],
)
def test_what_can_be_asked_is_taken(told: Value) -> None:
    """By keys, or by asking."""
    assert [*problems_of(told)] == []


def test_rules_have_their_defaults() -> None:
    """The scope of Okta's flows, and the types that access tokens have."""
    settings: dict[str, Value] = {"oauth": {"issuer": ISSUER, "audience": "api"}}
    start = Start(StartKind.ENDPOINT, security=Security.OAUTH, settings=settings)
    assert rules_of(start) == BearerRules(ISSUER, ("api",), INVOKE, (), "", "", TYPES)


@pytest.mark.parametrize(
    ("start", "line"),
    [
        ("api_endpoint, security: oauth2", "oauth must be there"),
        ("api_endpoint, security: oauth2, oauth: {audience: a}", "needs an issuer"),
        ("api_endpoint, security: public, oauth: {registration: org}", "is for security: oauth2"),
        ("api_endpoint, headers: {X-Trace: text}", "names of headers are in lower case"),
    ],
)
def test_the_file_is_refused_with_the_line(start: str, line: str) -> None:
    """As every other problem of a file."""
    with pytest.raises(FlowRefused) as refusal:
        read_flow(FLOW % start)
    assert [(each.line, each.rule[: len(line)]) for each in refusal.value.problems] == [(2, line)]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (("Bearer abc",), ("Bearer", "abc")),
        (("bearer  abc==",), ("Bearer", "abc==")),
        (("DPOP a.b-c_d~e+f/g",), ("DPoP", "a.b-c_d~e+f/g")),
        ((), Fault.NO_TOKEN),
        (("Basic abc",), Fault.NO_TOKEN),
        (("",), Fault.NO_TOKEN),
        (("Bearer",), Fault.INVALID_REQUEST),
        (("Bearer a=b",), Fault.INVALID_REQUEST),
        (("Bearer " + "a" * 16_385,), Fault.INVALID_REQUEST),
        (("Basic abc", "Bearer abc"), Fault.INVALID_REQUEST),
    ],
)
def test_how_a_token_is_written(header: tuple[str, ...], expected: tuple[str, str] | Fault) -> None:
    """RFC 6750, 2.1; the scheme in any case of letters (RFC 9110, 11.1)."""
    try:
        assert read_token(header) == expected
    except TokenRefused as refusal:
        assert refusal.fault is expected  # noqa: PT017  what it is refused by


@pytest.mark.parametrize("text", ["", "a.b", "e30.e30", "e30.e30.x.y", "e30.W10.x", "é.e30.x"])
def test_what_is_no_jwt_is_none(text: str) -> None:
    """Whatever comes in its place."""
    assert read_jwt(text) is None


def test_scopes_and_clients_are_read_in_either_spelling() -> None:
    """Okta's, or that of the RFCs; what is no text is none."""
    assert Shown({"scp": ["a", 1, "b"]}).scopes == {"a", "b"}
    assert Shown({"scope": "a b"}).scopes == {"a", "b"}
    assert [Shown({name: "x"}).client for name in ("cid", "client_id")] == ["x", "x"]
    assert Shown({"cid": 1}).client == ""
