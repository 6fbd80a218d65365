"""What an issuer says of itself is found, and believed only of itself (checklist C11)."""

from collections.abc import Mapping

import httpx2
import pytest
from echo_kit import START, Echo, Step, told

from keyturn.domain.errors import AddressRefused, InvalidInput, ServerError

ISSUER = "https://as.example.com/tenant"
PLACES = [
    "https://as.example.com/.well-known/oauth-authorization-server/tenant",
    "https://as.example.com/tenant/.well-known/openid-configuration",
    "https://as.example.com/tenant/.well-known/oauth-authorization-server",
]
GONE = httpx2.Response(404)
PAGE = httpx2.Response(200, headers={"content-type": "text/html"}, content=b"<html>")


def document(**changed: object) -> httpx2.Response:
    """Return an issuer's metadata (RFC 8414, 2)."""
    members: Mapping[str, object] = {
        "issuer": ISSUER,
        "token_endpoint": "https://as.example.com/tenant/token",
        "jwks_uri": "https://as.example.com/tenant/keys",
        "dpop_signing_alg_values_supported": ["ES256"],
    }
    return told(200, {**members, **changed})


@pytest.mark.parametrize("before", range(len(PLACES)))
async def test_c11_each_place_by_rfc8414_3_1_and_oidc_discovery_4(before: int) -> None:
    """The places are tried in order, and the one that answered is known."""
    echo = Echo(*[GONE] * before, document())
    found = await echo.servers.read_metadata(ISSUER)
    assert echo.targets == [f"GET {place}" for place in PLACES[: before + 1]]
    assert (found.read_at, found.issuer) == (PLACES[before], ISSUER)
    assert found.endpoints.token == "https://as.example.com/tenant/token"


@pytest.mark.parametrize(
    "first",
    [
        GONE,
        PAGE,
        told(200, {}),
        told(200, ["issuer"]),
        told(500, {"issuer": ISSUER}),
        httpx2.Response(302, headers={"location": "https://elsewhere.example.com"}),
        httpx2.ReadTimeout(""),
        document(issuer="https://as.example.com"),
        document(token_endpoint="https://elsewhere.example.com/token"),
    ],
)
async def test_c11_a_place_that_does_not_know_the_issuer_is_left(first: Step) -> None:
    """A page, another issuer's document, or nothing at all: the next place is asked."""
    echo = Echo(first, document())
    assert (await echo.servers.read_metadata(ISSUER)).read_at == PLACES[1]


@pytest.mark.parametrize("issuer", [f"{ISSUER}/", ISSUER.upper(), "https://as.example.com", None])
async def test_c11_the_issuer_is_compared_byte_for_byte_by_rfc8414_3_3(issuer: object) -> None:
    """A document of anybody else, or of the same in another spelling, is believed nowhere."""
    echo = Echo(*[document(issuer=issuer)] * 3)
    with pytest.raises(InvalidInput, match="another issuer"):
        await echo.servers.read_metadata(ISSUER)
    assert len(echo.heard) == 3


async def test_c11_endpoints_elsewhere_are_refused_unless_allowed() -> None:
    """An issuer that sends secrets to another host has to be allowed to."""
    elsewhere = document(token_endpoint="https://tokens.example.net/token")
    with pytest.raises(InvalidInput, match="another host"):
        await Echo(*[elsewhere] * 3).servers.read_metadata(ISSUER)
    with pytest.raises(InvalidInput, match="another host"):
        await Echo(elsewhere, document(issuer="x"), GONE).servers.read_metadata(ISSUER)
    allowed = await Echo(elsewhere).servers.read_metadata(ISSUER, foreign=["tokens.example.net"])
    assert allowed.endpoints.token == "https://tokens.example.net/token"


async def test_c8_an_endpoint_without_tls_is_refused() -> None:
    """Neither a secret nor a browser is sent there."""
    bad = document(authorization_endpoint="http://as.example.com/authorize")
    with pytest.raises(AddressRefused, match="authorization endpoint must begin with https"):
        await Echo(bad).servers.read_metadata(ISSUER)


@pytest.mark.parametrize("issuer", ["http://as.example.com", "as.example.com", "file:///etc"])
async def test_c8_an_issuer_that_is_no_address_is_refused(issuer: str) -> None:
    """Nobody is asked."""
    echo = Echo()
    with pytest.raises((AddressRefused, InvalidInput)):
        await echo.servers.read_metadata(issuer)
    assert echo.heard == []


async def test_an_issuer_that_says_nothing() -> None:
    """Whoever runs it has to look; the error names the way around."""
    with pytest.raises(
        ServerError,
        match=r"^The issuer says .*: look at the issuer, or enter the endpoints by hand.$",
    ):
        await Echo(GONE, PAGE, httpx2.ConnectError("")).servers.read_metadata(ISSUER)


async def test_nothing_of_a_client_goes_to_a_document() -> None:
    """What is public is asked for as anybody."""
    echo = Echo(document())
    await echo.servers.read_metadata(ISSUER)
    assert not {"authorization", "dpop", "cookie"} & echo.heard[0].headers.keys()
    assert echo.clock.now() == START
