"""What a request holds beside who asks: its grant type, its members, and what a provider wants."""

import pytest
from echo_kit import BASE, ENDPOINTS, SECRET, Echo, client, pem
from issuer_kit import EC_KEY

from keyturn.domain.errors import AddressRefused
from keyturn.domain.oauth.provider import (
    GRANT_TYPES,
    BasicEncoding,
    ClientAuth,
    Endpoints,
    Extra,
    Part,
    RequestType,
)
from keyturn.domain.sensitive import Sensitive
from keyturn.services.ports import Members

EXTRAS = (
    Extra(Part.QUERY, "tenant", "a b&c"),
    Extra(Part.FORM, "audience", "https://api.example.com"),
    Extra(Part.HEADER, "X-Tenant", "canary-é"),
    Extra(Part.FORM, "audience", "for refresh", RequestType.REFRESH),
    Extra(Part.HEADER, "accept", "application/jwt", RequestType.INTROSPECT),
    Extra(Part.FORM, "code_hint", "x", RequestType.CODE),
)
AT_THE_DOOR = (
    Extra(Part.QUERY, "access_type", "offline", RequestType.AUTHORIZE),
    Extra(Part.QUERY, "prompt", "consent", RequestType.AUTHORIZE),
    Extra(Part.QUERY, "tenant", "t"),
)


@pytest.mark.parametrize("request_type", GRANT_TYPES)
async def test_rfc6749_a_token_request_names_its_grant_type(request_type: RequestType) -> None:
    """Members are sent as they are, and the grant type with them, as a form."""
    echo = Echo()
    await echo.ask(client(), request_type, {"scope": "a,b c", "code": Sensitive("canary +&=é")})
    expected = {
        "grant_type": GRANT_TYPES[request_type],
        "scope": "a,b c",
        "code": "canary +&=é",
    }
    assert echo.form() == expected
    assert echo.heard[0].headers["content-type"] == "application/x-www-form-urlencoded"
    assert echo.heard[0].headers["accept"] == "application/json"


@pytest.mark.parametrize("request_type", RequestType)
async def test_every_request_goes_to_its_endpoint(request_type: RequestType) -> None:
    """A refresh has an endpoint of its own where the provider says so; all are posted."""
    echo = Echo()
    split = Endpoints(**{**ENDPOINTS.named, "refresh": f"{BASE}/refresh"})
    await echo.ask(client(endpoints=split), request_type, {"a": "b"})
    assert echo.targets == [f"POST {split.of(request_type)}"]
    assert ("grant_type" in echo.form()) is (request_type in GRANT_TYPES)


async def test_an_endpoint_that_there_is_not_is_refused() -> None:
    """Nobody is asked what the provider does not name."""
    echo = Echo()
    with pytest.raises(AddressRefused, match="endpoint of introspect"):
        await echo.ask(client(endpoints=Endpoints(token=f"{BASE}/t")), RequestType.INTROSPECT)
    assert echo.heard == []


async def test_extras_stand_where_the_provider_wants_them() -> None:
    """In the query, in the form and among the headers; what is for one type of request wins."""
    echo = Echo()
    await echo.ask(client(extras=EXTRAS), RequestType.REFRESH)
    request = echo.heard[0]
    assert str(request.url) == f"{BASE}/token?tenant=a+b%26c"
    assert echo.form()["audience"] == "for refresh"
    assert "code_hint" not in echo.form()
    assert dict(request.headers.raw)[b"X-Tenant"].decode() == "canary-é"


async def test_an_extra_header_replaces_one_of_ours() -> None:
    """A header is there once, whatever its case."""
    echo = Echo()
    await echo.ask(client(extras=EXTRAS), RequestType.INTROSPECT)
    assert echo.heard[0].headers.get_list("accept") == ["application/jwt"]
    assert echo.form()["audience"] == "https://api.example.com"


async def test_a_query_is_appended_to_one_that_is_there() -> None:
    """An endpoint may have a query of its own (RFC 6749, 3.2)."""
    echo = Echo()
    there = Endpoints(token=f"{BASE}/token?p=B2C_1%2Fx")
    await echo.ask(client(endpoints=there, extras=EXTRAS))
    assert str(echo.heard[0].url) == f"{BASE}/token?p=B2C_1%2Fx&tenant=a+b%26c"


async def test_extras_stand_in_place_of_no_member() -> None:
    """What is asked, and who asks, is not a provider's to say."""
    echo = Echo()
    names = ("grant_type", "scope", "client_id", "client_secret")
    extras = tuple(Extra(Part.FORM, name, "another's") for name in names)
    await echo.ask(client(ClientAuth.POST, extras=extras), members={"scope": "a"})
    assert "another's" not in echo.form().values()


RESOURCES = ("https://a.example.com/x?y=1", "https://b.example.com")


@pytest.mark.parametrize("request_type", GRANT_TYPES)
async def test_c18_resource_by_rfc8707_2(request_type: RequestType) -> None:
    """Each resource is named by a parameter of its own, whenever tokens are asked for."""
    echo = Echo()
    await echo.ask(client(resources=RESOURCES), request_type, {})
    body = echo.heard[0].content.decode()
    named = "resource=https%3A%2F%2Fa.example.com%2Fx%3Fy%3D1&resource=https%3A%2F%2Fb.example.com"
    assert named in body
    assert body.count("resource=") == 2


async def test_c18_a_request_may_name_fewer_resources() -> None:
    """What is asked for wins over what the provider has (RFC 8707, 2.2)."""
    echo = Echo()
    await echo.ask(client(resources=RESOURCES), members={"resource": RESOURCES[:1]})
    assert echo.form()["resource"] == RESOURCES[0]


@pytest.mark.parametrize("request_type", [RequestType.REVOKE, RequestType.INTROSPECT])
async def test_c18_nothing_else_has_a_resource(request_type: RequestType) -> None:
    """A token is revoked or looked at whole."""
    echo = Echo()
    await echo.ask(client(resources=RESOURCES), request_type)
    assert "resource" not in echo.form()


async def test_c16_what_is_asked_at_the_door_is_pushed_by_rfc9126_2_1() -> None:
    """What the browser would carry besides is pushed with the rest, and not said twice."""
    echo = Echo()
    members: Members = {"response_type": "code", "client_id": "c1", "resource": RESOURCES}
    await echo.ask(client(extras=AT_THE_DOOR), RequestType.PUSH, members)
    body = echo.heard[0].content.decode()
    assert body.startswith("tenant=t&access_type=offline&prompt=consent&response_type=code&")
    assert body.count("resource=") == 2
    assert str(echo.heard[0].url) == f"{BASE}/par"


async def test_c16_what_a_push_wants_besides_stays_where_it_is() -> None:
    """In its form and its query, but for what is pushed already; a token request has none of it."""
    extras = (
        *AT_THE_DOOR,
        Extra(Part.FORM, "audience", "a", RequestType.PUSH),
        Extra(Part.QUERY, "region", "eu", RequestType.PUSH),
        Extra(Part.QUERY, "prompt", "none", RequestType.PUSH),
    )
    echo = Echo()
    await echo.ask(client(extras=extras), RequestType.PUSH)
    assert (echo.form()["audience"], echo.form()["prompt"]) == ("a", "consent")
    assert str(echo.heard[0].url) == f"{BASE}/par?region=eu"
    await echo.ask(client(extras=extras), RequestType.REFRESH)
    assert echo.form().keys() == {"grant_type", "refresh_token"}


@pytest.mark.parametrize("auth", ClientAuth)
async def test_c5_nothing_secret_is_in_an_address(auth: ClientAuth) -> None:
    """However a client proves itself, the address is the endpoint's (RFC 6749, 2.3.1)."""
    echo = Echo()
    secret = pem(EC_KEY) if auth is ClientAuth.KEY_JWT else SECRET
    for request_type in GRANT_TYPES:
        await echo.ask(client(auth, secret=secret), request_type)
    assert {str(each.url) for each in echo.heard} <= {f"{BASE}/token"}


async def test_half_a_character_is_sent_as_something() -> None:
    """Text that cannot be written down is no reason to fail."""
    echo = Echo()
    members = {"scope": "a\ud800"}
    assert (await echo.ask(client(client_id="\ud800"), members=members)).status == 200
    assert (echo.form()["scope"], echo.basic().split(":")[0]) == ("a?", "%3F")
    await echo.ask(client(client_id="\ud800", basic_encoding=BasicEncoding.RAW))
    assert echo.basic() == f"?:{SECRET}"
