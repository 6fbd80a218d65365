"""Registrations of services that are known: what comes before what, and what is refused."""

import pytest
from api_kit import Body, House, issues
from identity_kit import ask
from oauth_house_kit import DOMAIN, ISSUER, REGISTRATIONS, inner, order

from keyturn.domain.oauth.presets import preset_document

OAUTH: Body = {"scheme": "oauth", "clientId": "app-7"}


async def provider_of(house: House, **changes: object) -> Body:
    """Create a registration, and return how its server is spoken to."""
    told = await ask(house, "POST", REGISTRATIONS, order(**OAUTH, **changes))
    return inner(inner(told, "registration"), "provider")


async def test_a_preset_says_how_a_service_is_spoken_to(house: House) -> None:
    """As documented, and with its tenant."""
    assert await provider_of(house, preset="google") == preset_document("google")
    theirs = {"preset": "microsoft", "tenant": "contoso.example"}
    found = await provider_of(house, name="ms", **theirs)
    assert found == preset_document("microsoft", "contoso.example")


async def test_an_issuer_comes_before_a_preset_and_leaves_none_of_its_endpoints(
    house: House,
) -> None:
    """A secret must reach no other server than the one that was named."""
    found = await provider_of(house, preset="gitlab", issuer=ISSUER)
    assert (found["issuer"], found["auth"]) == (ISSUER, "client_secret_post")
    assert "gitlab.com" not in str(found)


async def test_what_is_told_of_a_provider_comes_before_both(house: House) -> None:
    """Member by member, and endpoint by endpoint."""
    other = "https://test.salesforce.com/services/oauth2/token"
    told = {"endpoints": {"token": other}, "pkce": False}
    found = await provider_of(house, preset="salesforce", provider=told)
    assert found["pkce"] is False
    assert inner(found, "endpoints")["token"] == other
    assert str(inner(found, "endpoints")["revocation"]).startswith("https://login.salesforce.com/")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"preset": "fax"}, "preset"),
        ({"preset": "microsoft"}, "tenant"),
        ({"preset": "google", "tenant": "x"}, "tenant"),
        ({"tenant": "x"}, "preset"),
        ({"preset": "google", "connector": "okta", "domain": DOMAIN}, "preset"),
        ({"preset": "google", "scheme": "header"}, "preset"),
    ],
)
async def test_what_cannot_be_meant_is_refused(house: House, changes: Body, field: str) -> None:
    """Rather than left out unsaid."""
    answer = await house.http.post(REGISTRATIONS, json=order(**OAUTH | changes))
    assert issues(answer) == [field]
