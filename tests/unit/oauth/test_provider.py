"""How a server is spoken to: which endpoint, authentication, extras and scopes each request has."""

import pytest

from keyturn.domain.oauth.provider import (
    GRANT_TYPES,
    ClientAuth,
    Endpoints,
    Extra,
    Part,
    Proof,
    Provider,
    RequestType,
)

WHOLE = Endpoints(
    "https://a/authorize",
    "https://a/token",
    "https://a/refresh",
    "https://a/par",
    "https://a/device",
    "https://a/revoke",
    "https://a/introspect",
)
BY_TOKEN = [
    RequestType.CODE,
    RequestType.CLIENT_CREDENTIALS,
    RequestType.DEVICE_CODE,
    RequestType.JWT_BEARER,
    RequestType.EXCHANGE,
    RequestType.PASSWORD,
]


@pytest.mark.parametrize(
    ("request_type", "url"),
    [
        (RequestType.AUTHORIZE, "https://a/authorize"),
        (RequestType.PUSH, "https://a/par"),
        (RequestType.DEVICE, "https://a/device"),
        (RequestType.REVOKE, "https://a/revoke"),
        (RequestType.INTROSPECT, "https://a/introspect"),
        (RequestType.REFRESH, "https://a/refresh"),
        *((each, "https://a/token") for each in BY_TOKEN),
    ],
)
def test_every_request_has_its_endpoint(request_type: RequestType, url: str) -> None:
    """What a server does not have is empty: nothing goes to the next best address."""
    assert WHOLE.of(request_type) == url
    assert Endpoints(userinfo="https://a/u", jwks="https://a/k").of(request_type) == ""


def test_refresh_tokens_are_used_at_the_token_endpoint_unless_elsewhere() -> None:
    """Few servers have an address of their own for them."""
    assert Endpoints(token="https://a/token").of(RequestType.REFRESH) == "https://a/token"


def test_endpoints_are_listed_by_name() -> None:
    """Only those that there are."""
    assert Endpoints(token="https://a/t", jwks="https://a/k").named == {
        "token": "https://a/t",
        "jwks": "https://a/k",
    }


def test_token_requests_have_the_grant_types_of_their_rfcs() -> None:
    """The names of RFC 6749, 8628 (3.4), 7523 (2.1) and 8693 (2.1); nothing else has one."""
    urn = "urn:ietf:params:oauth:grant-type:"
    assert set(GRANT_TYPES) == {*BY_TOKEN, RequestType.REFRESH}
    assert {each.value: name for each, name in GRANT_TYPES.items()} == {
        "authorization_code": "authorization_code",
        "refresh_token": "refresh_token",
        "client_credentials": "client_credentials",
        "password": "password",
        "device_code": f"{urn}device_code",
        "jwt_bearer": f"{urn}jwt-bearer",
        "token_exchange": f"{urn}token-exchange",
    }


@pytest.mark.parametrize(
    ("auth", "proof"),
    [
        (ClientAuth.NONE, None),
        (ClientAuth.BASIC, Proof.SECRET),
        (ClientAuth.POST, Proof.SECRET),
        (ClientAuth.SECRET_JWT, Proof.SECRET),
        (ClientAuth.KEY_JWT, Proof.KEY),
        (ClientAuth.TLS, Proof.CERTIFICATE),
    ],
)
def test_every_authentication_takes_something_of_its_own(
    auth: ClientAuth, proof: Proof | None
) -> None:
    """A secret, a key or a certificate; only a public client has nothing."""
    assert auth.needs is proof
    assert Provider(auth=auth).needs == ({proof} if proof else set())


def test_a_request_may_be_authenticated_in_its_own_way() -> None:
    """Some servers take Basic for codes and want the body for refreshes."""
    on = ((RequestType.REFRESH, ClientAuth.POST), (RequestType.REVOKE, ClientAuth.KEY_JWT))
    provider = Provider(auth_on=on)
    assert provider.auth_for(RequestType.REFRESH) is ClientAuth.POST
    assert provider.auth_for(RequestType.CODE) is ClientAuth.BASIC
    assert provider.needs == {Proof.SECRET, Proof.KEY}


def test_what_is_said_of_one_request_wins() -> None:
    """An extra for all requests gives way, in whatever order they are written."""
    extras = (
        Extra(Part.FORM, "a", "one", RequestType.REFRESH),
        Extra(Part.FORM, "a", "all"),
        Extra(Part.FORM, "b", "all"),
        Extra(Part.FORM, "c", "other", RequestType.CODE),
        Extra(Part.HEADER, "d", "all"),
        Extra(Part.QUERY, "e", "all"),
    )
    provider = Provider(extras=extras)
    form = provider.extras_for(RequestType.REFRESH, Part.FORM)
    assert form == {"a": "one", "b": "all"}
    assert provider.extras_for(RequestType.CODE, Part.FORM) == {
        "a": "all",
        "b": "all",
        "c": "other",
    }
    assert provider.extras_for(RequestType.REFRESH, Part.HEADER) == {"d": "all"}
    assert provider.extras_for(RequestType.REFRESH, Part.QUERY) == {"e": "all"}


def test_the_value_of_an_extra_is_in_no_repr() -> None:
    """It may be a secret."""
    assert "hunter2" not in repr(Provider(extras=(Extra(Part.FORM, "a", "hunter2"),)))


@pytest.mark.parametrize(
    ("delimiter", "told", "scopes"),
    [
        (" ", "a b", ("a", "b")),
        (" ", "  b\ta\nb ", ("b", "a")),
        (" ", "", ()),
        (" ", "a,b", ("a,b",)),
        (",", "a,b", ("a", "b")),
        (",", "a, b c", ("a", "b", "c")),
        (" ", "!~ é a\x00 \ud800 b", ("!~", "b")),
    ],
)
def test_scopes_are_parted_as_the_server_writes_them(
    delimiter: str, told: str, scopes: tuple[str, ...]
) -> None:
    """White space parts them anywhere; what no scope can be made of is none (RFC 6749, 3.3)."""
    assert Provider(scope_delimiter=delimiter).scopes(told) == scopes


def test_scopes_are_joined_as_the_server_wants_them() -> None:
    """By white space where nothing else is said."""
    assert Provider().scope(("a", "b")) == "a b"
    assert Provider(scope_delimiter=",").scope(("a", "b")) == "a,b"
