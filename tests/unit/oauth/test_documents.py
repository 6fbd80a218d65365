"""Providers as documents: what comes in goes out, and whatever is wrong is named."""

import json
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.domain.errors import InvalidInput
from keyturn.domain.oauth.documents import ENDPOINTS, EXTRAS_MAX, TEXT_MAX, document_of, parse
from keyturn.domain.oauth.provider import (
    BasicEncoding,
    ClientAuth,
    Endpoints,
    Extra,
    Part,
    Provider,
    RequestType,
)

AT = "https://as.example/"
WHOLE: dict[str, object] = {
    "issuer": AT,
    "endpoints": {name: AT + name for name in ENDPOINTS},
    "auth": "client_secret_post",
    "authOn": {"refresh_token": "none", "revoke": "private_key_jwt"},
    "basicEncoding": "auto",
    "scopeDelimiter": ",",
    "pkce": False,
    "dpop": True,
    "push": True,
    "issPromised": True,
    "revokeReplaced": True,
    "audience": "https://as.example/token",
    "resources": ["https://api.example/v1?x=1", "urn:api", "api://a-b"],
    "extras": [
        {"in": "query", "name": "prompt", "value": "consent", "on": "authorize"},
        {"in": "header", "name": "X-Key", "value": "${KEY} ~"},
        {"in": "form", "name": "audience", "value": ""},
    ],
    "checkUrl": "http://127.0.0.1:8080/me?a=b",
}
FULL = Provider(
    endpoints=Endpoints(
        authorization=AT + "authorization",
        token=AT + "token",
        refresh=AT + "refresh",
        pushed_authorization=AT + "pushedAuthorization",
        device_authorization=AT + "deviceAuthorization",
        revocation=AT + "revocation",
        introspection=AT + "introspection",
        userinfo=AT + "userinfo",
        jwks=AT + "jwks",
    ),
    issuer=AT,
    auth=ClientAuth.POST,
    auth_on=(
        (RequestType.REFRESH, ClientAuth.NONE),
        (RequestType.REVOKE, ClientAuth.KEY_JWT),
    ),
    basic_encoding=BasicEncoding.AUTO,
    scope_delimiter=",",
    pkce=False,
    dpop=True,
    push=True,
    iss_promised=True,
    revoke_replaced=True,
    audience="https://as.example/token",
    resources=("https://api.example/v1?x=1", "urn:api", "api://a-b"),
    extras=(
        Extra(Part.QUERY, "prompt", "consent", RequestType.AUTHORIZE),
        Extra(Part.HEADER, "X-Key", "${KEY} ~"),
        Extra(Part.FORM, "audience", ""),
    ),
    check_url="http://127.0.0.1:8080/me?a=b",
)


def problems(document: dict[str, object]) -> dict[str, str]:
    """Return what is wrong with a document, by member."""
    with pytest.raises(InvalidInput) as refused:
        parse(document)
    return {".".join(each.field): each.rule for each in refused.value.problems}


def test_a_whole_document_is_read_whole() -> None:
    """Every member has its place, and comes out again as it went in."""
    assert parse(WHOLE) == FULL
    assert document_of(FULL) == WHOLE


def test_an_empty_document_is_a_plain_provider() -> None:
    """What is as it is by itself is not written."""
    assert parse({}) == Provider()
    assert document_of(Provider()) == {}
    assert document_of(parse({"endpoints": {"token": ""}, "issuer": "", "pkce": True})) == {}


URLS = st.sampled_from(["", AT, "http://localhost:1/x?y=%20", f"{AT}~!*'();:@&=+$,/?[]"])
PRINTED = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
EXTRAS = st.builds(
    Extra,
    st.sampled_from(Part),
    st.sampled_from(["prompt", "X-Tenant", "access_type", "a.b"]),
    PRINTED,
    st.none() | st.sampled_from(RequestType),
)
PROVIDERS = st.builds(
    Provider,
    endpoints=st.builds(Endpoints, **dict.fromkeys(ENDPOINTS.values(), URLS)),
    issuer=URLS,
    auth=st.sampled_from(ClientAuth),
    auth_on=st.dictionaries(st.sampled_from(RequestType), st.sampled_from(ClientAuth)).map(
        lambda it: tuple(it.items())
    ),
    basic_encoding=st.sampled_from(BasicEncoding),
    scope_delimiter=st.sampled_from([" ", ",", ";", "|", "+", ", "]),
    pkce=st.booleans(),
    dpop=st.booleans(),
    push=st.booleans(),
    iss_promised=st.booleans(),
    audience=PRINTED.map(lambda it: it.replace(" ", "")),
    resources=st.lists(URLS.filter(bool), max_size=3).map(tuple),
    extras=st.lists(EXTRAS, max_size=3).map(tuple),
    check_url=URLS,
)


@given(PROVIDERS)
def test_every_provider_comes_back_from_its_document(provider: Provider) -> None:
    """Also by way of JSON, in which it is stored."""
    assert parse(json.loads(json.dumps(document_of(provider)))) == provider


ODD: list[object] = [None, True, 0, "", "x", AT, [], [None], [AT], {}, {"": None}]
ODD += [{"token": AT}, {"revoke": "none"}, [{"in": "form", "name": "x", "value": ""}], [{"in": []}]]


@given(st.dictionaries(st.sampled_from([*WHOLE]), st.sampled_from(ODD)))
def test_any_document_is_read_or_refused(document: dict[str, object]) -> None:
    """Nothing that somebody may write fails in any other way."""
    with suppress(InvalidInput):
        provider = parse(document)
        assert parse(document_of(provider)) == provider


URL_RULE = "must be https://HOST/PATH, without a fragment"
LIST_RULE = f"must be a list of at most {EXTRAS_MAX}"
EXTRA_RULE = "must have in, name and value, and may have on"
NAME_RULE = "must be a parameter that OAuth itself does not decide on"
VALUE_RULE = f"must be at most {TEXT_MAX} of ASCII's characters"
REQUEST_RULE = f"must be one of {', '.join(each.value for each in RequestType)}"
AUTHS = "none, client_secret_basic, client_secret_post, client_secret_jwt"
AUTH_RULE = f"must be one of {AUTHS}, private_key_jwt, tls_client_auth"


def extra(**members: object) -> dict[str, object]:
    """Return a document with one extra, of which these members are otherwise."""
    return {"extras": [{"in": "form", "name": "a", "value": "b"} | members]}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"Issuer": AT}, {"Issuer": "is no member of a provider"}),
        ({"issuer": None}, {"issuer": URL_RULE}),
        ({"issuer": "as.example"}, {"issuer": URL_RULE}),
        ({"issuer": "ftp://as.example"}, {"issuer": URL_RULE}),
        ({"issuer": "https://"}, {"issuer": URL_RULE}),
        ({"issuer": f"{AT}#"}, {"issuer": URL_RULE}),
        ({"issuer": f"{AT} "}, {"issuer": URL_RULE}),
        ({"issuer": f"{AT}\n"}, {"issuer": URL_RULE}),
        ({"issuer": f"{AT}é"}, {"issuer": URL_RULE}),
        ({"issuer": "https://" + "a" * 2041}, {"issuer": URL_RULE}),
        ({"checkUrl": 1}, {"checkUrl": URL_RULE}),
        ({"endpoints": []}, {"endpoints": "must be an object"}),
        ({"endpoints": {1: AT}}, {"endpoints": "must be an object"}),
        ({"endpoints": {"token": None}}, {"endpoints.token": URL_RULE}),
        ({"endpoints": {"token": "/token"}}, {"endpoints.token": URL_RULE}),
        (
            {"endpoints": {"pushed_authorization": AT}},
            {"endpoints.pushed_authorization": f"must be one of {', '.join(ENDPOINTS)}"},
        ),
        ({"auth": "basic"}, {"auth": AUTH_RULE}),
        ({"auth": ["none"]}, {"auth": AUTH_RULE}),
        ({"authOn": "none"}, {"authOn": "must be an object"}),
        ({"authOn": {"refresh": "none"}}, {"authOn.refresh": REQUEST_RULE}),
        ({"authOn": {"revoke": None}}, {"authOn.revoke": AUTH_RULE}),
        ({"basicEncoding": "Raw"}, {"basicEncoding": "must be one of rfc6749, raw, auto"}),
        ({"scopeDelimiter": ""}, {"scopeDelimiter": "must be one of ,;|+ "}),
        ({"scopeDelimiter": "   "}, {"scopeDelimiter": "must be one of ,;|+ "}),
        ({"scopeDelimiter": "a"}, {"scopeDelimiter": "must be one of ,;|+ "}),
        ({"pkce": 1}, {"pkce": "must be true or false"}),
        ({"dpop": "true"}, {"dpop": "must be true or false"}),
        ({"push": None}, {"push": "must be true or false"}),
        ({"issPromised": 0}, {"issPromised": "must be true or false"}),
        ({"audience": "a b"}, {"audience": "must be an address or a name"}),
        ({"audience": "a" * 2049}, {"audience": "must be an address or a name"}),
        ({"resources": AT}, {"resources": LIST_RULE}),
        ({"resources": [AT] * (EXTRAS_MAX + 1)}, {"resources": LIST_RULE}),
        *(
            ({"resources": [AT, each]}, {"resources": "must be absolute URIs, without a fragment"})
            for each in ("", "api", f"{AT}#a", "urn:", "urn:a b", "1a:b", None)
        ),
        ({"extras": {}}, {"extras": LIST_RULE}),
        ({"extras": [{}]}, {"extras.0": EXTRA_RULE}),
        ({"extras": ["a"]}, {"extras.0": EXTRA_RULE}),
        ({"extras": [{"in": "form", "name": "a"}]}, {"extras.0": EXTRA_RULE}),
        (extra(secret="x"), {"extras.0": EXTRA_RULE}),
        (extra(**{"in": "body"}), {"extras.0.in": "must be one of query, form, header"}),
        (extra(on="refresh"), {"extras.0.on": REQUEST_RULE}),
        (extra(value="a\r\nb"), {"extras.0.value": VALUE_RULE}),
        (extra(value="é"), {"extras.0.value": VALUE_RULE}),
        (extra(value=None), {"extras.0.value": VALUE_RULE}),
        (extra(value="v" * (TEXT_MAX + 1)), {"extras.0.value": VALUE_RULE}),
        (extra(name=1), {"extras.0.name": NAME_RULE}),
        (extra(name=""), {"extras.0.name": NAME_RULE}),
        (extra(name="a b"), {"extras.0.name": NAME_RULE}),
        (extra(name="n" * 101), {"extras.0.name": NAME_RULE}),
        (extra(**{"in": "header", "name": "a:b"}), {"extras.0.name": NAME_RULE}),
        (extra(**{"in": "header", "name": "a\r\nb"}), {"extras.0.name": NAME_RULE}),
        (extra(**{"in": "header", "name": "n" * 101}), {"extras.0.name": NAME_RULE}),
    ],
)
def test_each_problem_is_named(document: dict[str, object], expected: dict[str, str]) -> None:
    """By the member that it is in, and by the rule that this breaks."""
    assert problems(document) == expected


def test_all_problems_are_told_at_once() -> None:
    """Nobody mends a document one error at a time."""
    document = {
        "x": 1,
        "issuer": "x",
        "auth": "x",
        "authOn": {"x": "x"},
        "pkce": "x",
        "endpoints": {"x": "x", "token": "x"},
        "extras": [{}, {"in": "form", "name": "a", "value": "b"}, {}],
    }
    found = problems(document)
    assert [*found] == [
        "x",
        "endpoints.x",
        "endpoints.token",
        "issuer",
        "auth",
        "authOn.x",
        "pkce",
        "extras.0",
        "extras.2",
    ]
    extras = problems(extra(**{"in": "x", "name": "", "value": None, "on": "x"}))
    assert [*extras] == ["extras.0.in", "extras.0.on", "extras.0.name", "extras.0.value"]


def test_both_halves_of_a_member_may_be_wrong() -> None:
    """Each is a problem of its own, with the way to it in parts."""
    with pytest.raises(InvalidInput) as refused:
        parse({"authOn": {"x": "y"}})
    told = [(each.field, each.rule) for each in refused.value.problems]
    assert told == [(("authOn", "x"), REQUEST_RULE), (("authOn", "x"), AUTH_RULE)]


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://" + "a" * 2040},
        {"audience": "a" * 2048},
        {"resources": [AT] * EXTRAS_MAX},
        {"resources": (AT,)},
        {"scopeDelimiter": ", "},
        extra(value="v" * TEXT_MAX),
        extra(name="n" * 100),
        extra(name="a[b]/:~#"),
        extra(on=None),
        extra(**{"in": "header", "name": "n" * 100}),
        extra(**{"in": "header", "name": "!#$%&'*+.^_`|~09AZaz-"}),
    ],
)
def test_what_is_just_right_is_taken(document: dict[str, object]) -> None:
    """Every limit includes what it names."""
    parse(document)


RESERVED = [
    *("client_assertion", "client_assertion_type", "client_id", "client_secret", "code"),
    *("code_challenge", "code_challenge_method", "code_verifier", "device_code", "grant_type"),
    *("nonce", "redirect_uri", "refresh_token", "response_type", "state", "token"),
]
HEADERS = [
    *("authorization", "connection", "content-length", "content-type", "cookie", "dpop"),
    *("host", "te", "transfer-encoding", "upgrade"),
]


@pytest.mark.parametrize("spelled", [str.lower, str.title])
@pytest.mark.parametrize("part", Part)
def test_extras_take_nothing_from_the_protocol(part: Part, spelled: Callable[[str], str]) -> None:
    """Parameters and headers that OAuth or HTTP decides on are no extras, in no spelling."""
    own, other = (HEADERS, RESERVED) if part is Part.HEADER else (RESERVED, HEADERS)
    for name in own:
        document = extra(**{"in": part.value, "name": spelled(name)})
        assert problems(document) == {"extras.0.name": NAME_RULE}, name
    for name in other:
        parse(extra(**{"in": part.value, "name": spelled(name)}))
