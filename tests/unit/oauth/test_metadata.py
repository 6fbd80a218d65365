"""Which documents about an authorization server are believed, and where they are looked for."""

import pytest

from keyturn.domain.errors import InvalidInput
from keyturn.domain.oauth.metadata import Metadata, read_metadata, well_known
from keyturn.domain.oauth.provider import Endpoints

ISSUER = "https://as.example/t"
READ_AT = "https://as.example/.well-known/oauth-authorization-server/t"
DOCUMENT: dict[str, object] = {
    "issuer": ISSUER,
    "authorization_endpoint": "https://as.example/authorize?x=1",
    "token_endpoint": "https://AS.example:8443/token",
    "pushed_authorization_request_endpoint": "https://as.example/par",
    "device_authorization_endpoint": "https://as.example/device",
    "revocation_endpoint": "https://as.example/revoke",
    "introspection_endpoint": "https://as.example/introspect",
    "userinfo_endpoint": "https://as.example/me",
    "jwks_uri": "https://as.example/keys",
    "authorization_response_iss_parameter_supported": True,
    "require_pushed_authorization_requests": True,
    "token_endpoint_auth_methods_supported": ["none", "client_secret_post", 1],
}


def reading(**members: object) -> Metadata:
    """Return what the document says, with these members otherwise."""
    return read_metadata(DOCUMENT | members, ISSUER, READ_AT)


# --- where it is ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("issuer", "expected"),
    [
        (
            "https://example.com",
            [
                "https://example.com/.well-known/oauth-authorization-server",
                "https://example.com/.well-known/openid-configuration",
            ],
        ),
        (
            "https://example.com/",
            [
                "https://example.com/.well-known/oauth-authorization-server",
                "https://example.com/.well-known/openid-configuration",
            ],
        ),
        (
            "https://example.com/issuer1",
            [
                "https://example.com/.well-known/oauth-authorization-server/issuer1",
                "https://example.com/issuer1/.well-known/openid-configuration",
                "https://example.com/issuer1/.well-known/oauth-authorization-server",
            ],
        ),
        (
            "https://example.com/X/",
            [
                "https://example.com/.well-known/oauth-authorization-server/X",
                "https://example.com/X/.well-known/openid-configuration",
                "https://example.com/X/.well-known/oauth-authorization-server",
            ],
        ),
        (
            "http://localhost:8080/a/b/",
            [
                "http://localhost:8080/.well-known/oauth-authorization-server/a/b",
                "http://localhost:8080/a/b/.well-known/openid-configuration",
                "http://localhost:8080/a/b/.well-known/oauth-authorization-server",
            ],
        ),
    ],
)
def test_the_address_of_the_rfc_comes_first(issuer: str, expected: list[str]) -> None:
    """The examples of RFC 8414 (3.1) come out, then those of OpenID Connect, each once."""
    assert [*well_known(issuer)] == expected


@pytest.mark.parametrize(
    "issuer",
    [
        "",
        "example.com",
        "ftp://example.com",
        "https://",
        "https://[x",
        "https:///x",
        "https://:80",
        "https://a.example?x=1",
        "https://a.example#x",
        "https://u:p@a.example",
        "https://a b",
    ],
)
def test_what_is_no_issuer_is_looked_for_nowhere(issuer: str) -> None:
    """An issuer is an address without query, fragment and credentials (RFC 8414, 2)."""
    with pytest.raises(InvalidInput, match="issuer: must be https://HOST"):
        well_known(issuer)


# --- what it says ---------------------------------------------------------------------------------


def test_a_document_is_read_whole() -> None:
    """Every endpoint has its place, and lists keep what is a text."""
    assert reading() == Metadata(
        ISSUER,
        READ_AT,
        Endpoints(
            authorization="https://as.example/authorize?x=1",
            token="https://AS.example:8443/token",
            pushed_authorization="https://as.example/par",
            device_authorization="https://as.example/device",
            revocation="https://as.example/revoke",
            introspection="https://as.example/introspect",
            userinfo="https://as.example/me",
            jwks="https://as.example/keys",
        ),
        iss_promised=True,
        pushing_required=True,
        auths=frozenset({"none", "client_secret_post"}),
    )


def test_a_document_may_say_nothing_but_its_issuer() -> None:
    """Whatever is missing is not there, and promises nothing."""
    assert read_metadata({"issuer": ISSUER}, ISSUER, READ_AT) == Metadata(
        ISSUER, READ_AT, Endpoints()
    )


@pytest.mark.parametrize(
    "told",
    [
        "https://as.example/t/",
        "https://as.example",
        "HTTPS://as.example/t",
        "https://AS.example/t",
        "http://as.example/t",
        "https://evil.example/t",
        None,
        ["https://as.example/t"],
        1,
    ],
)
def test_another_spelling_is_another_issuer(told: object) -> None:
    """The issuer is compared byte for byte (RFC 8414, 3.3)."""
    with pytest.raises(InvalidInput, match="issuer: the document there is of another issuer"):
        reading(issuer=told)


@pytest.mark.parametrize(
    ("member", "name"),
    [
        ("authorization_endpoint", "authorization"),
        ("token_endpoint", "token"),
        ("pushed_authorization_request_endpoint", "pushed_authorization"),
        ("device_authorization_endpoint", "device_authorization"),
        ("revocation_endpoint", "revocation"),
        ("introspection_endpoint", "introspection"),
        ("userinfo_endpoint", "userinfo"),
        ("jwks_uri", "jwks"),
    ],
)
def test_no_endpoint_is_somebody_elses(member: str, name: str) -> None:
    """A secret goes to no other host because of what a document says, unless that was allowed."""
    for url in ("https://evil.example/x", "https://as.example.evil.example/x"):
        with pytest.raises(InvalidInput, match=f"its {name} endpoint is at another host"):
            reading(**{member: url})
    foreign = ["other.example"]
    document = DOCUMENT | {member: "https://other.example/x"}
    found = read_metadata(document, ISSUER, READ_AT, foreign=foreign)
    assert found.endpoints.named[name] == "https://other.example/x"


@pytest.mark.parametrize(
    "told",
    [
        None,
        1,
        ["https://as.example/x"],
        "",
        "/token",
        "https:///token",
        "https://[x/token",
        "https://u@as.example/token",
        "https://as.example/token#x",
        "ftp://as.example/token",
        "javascript://as.example/%0aalert(1)",
        "https://as.example/a b",
        "https://as.example/\r\n",
        "https://as.example/" + "a" * 2040,
    ],
)
def test_what_is_no_endpoint_is_not_there(told: object) -> None:
    """Neither another scheme, nor what could lead elsewhere than it looks (RFC 8414, 2)."""
    assert reading(token_endpoint=told).endpoints.token == ""


@pytest.mark.parametrize("told", [False, None, "true", 1])
def test_only_true_is_a_promise(told: object) -> None:
    """What is nearly true promises nothing (RFC 9207, 3; RFC 9126, 5)."""
    found = reading(
        authorization_response_iss_parameter_supported=told,
        require_pushed_authorization_requests=told,
    )
    assert (found.iss_promised, found.pushing_required) == (False, False)


@pytest.mark.parametrize("told", [None, "x", {"x": 1}, [], [1]])
def test_lists_that_are_none_are_empty(told: object) -> None:
    """Wherever a list is due, something else says nothing."""
    assert reading(token_endpoint_auth_methods_supported=told).auths == frozenset()
