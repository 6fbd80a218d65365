"""Presets: each is a document that can be meant, and names no address but its service's own."""

from urllib.parse import urlsplit

import pytest

from keyturn.domain.errors import InvalidInput
from keyturn.domain.oauth.documents import document_of, parse
from keyturn.domain.oauth.presets import PRESETS, preset_document
from keyturn.domain.oauth.provider import Part, RequestType

DIRECTORY = "contoso.example"
HOSTS = {
    "atlassian": {"auth.atlassian.com"},
    "github": {"github.com"},
    "gitlab": {"gitlab.com"},
    "google": {
        "accounts.google.com",
        "oauth2.googleapis.com",
        "openidconnect.googleapis.com",
        "www.googleapis.com",
    },
    "microsoft": {"login.microsoftonline.com", "graph.microsoft.com"},
    "salesforce": {"login.salesforce.com"},
    "slack": {"slack.com"},
}


def tenant_of(name: str) -> str:
    """Return a tenant, where a service has many."""
    return DIRECTORY if PRESETS[name].of_a_tenant else ""


@pytest.mark.parametrize("name", PRESETS)
def test_each_parses_and_says_nothing_that_is_so_by_itself(name: str) -> None:
    """What comes out of it is the document again."""
    document = preset_document(name, tenant_of(name))
    provider = parse(document)
    assert document_of(provider) == document
    assert provider.endpoints.token
    assert provider.endpoints.authorization


@pytest.mark.parametrize("name", PRESETS)
def test_addresses_are_those_of_the_service(name: str) -> None:
    """By https, and at no host besides."""
    named = parse(preset_document(name, tenant_of(name))).endpoints.named.values()
    assert {urlsplit(url).scheme for url in named} == {"https"}
    assert {urlsplit(url).hostname for url in named} == HOSTS[name]


@pytest.mark.parametrize("name", PRESETS)
def test_each_says_what_lasts_and_where_that_is_written(name: str) -> None:
    """Whoever doubts it can look it up."""
    preset = PRESETS[name]
    assert preset.lasting
    assert urlsplit(preset.source).scheme == "https"


def test_a_tenant_stands_in_every_address_that_names_one() -> None:
    """The one of the registration, and no place for it is left."""
    document = preset_document("microsoft", DIRECTORY)
    endpoints = parse(document).endpoints
    assert endpoints.token == f"https://login.microsoftonline.com/{DIRECTORY}/oauth2/v2.0/token"
    assert "{" not in str(endpoints)


@pytest.mark.parametrize(
    "tenant", ["", "a/../b", "a b", "x@evil.example", "evil.example/", "-", "ä"]
)
def test_a_tenant_that_is_none_is_refused(tenant: str) -> None:
    """It stands in an address: nothing but a name may be there."""
    with pytest.raises(InvalidInput) as refusal:
        preset_document("microsoft", tenant)
    assert [problem.field for problem in refusal.value.problems] == [("tenant",)]


@pytest.mark.parametrize(
    ("name", "tenant", "field"),
    [("google", "x", "tenant"), ("fax", "", "preset"), ("", "x", "preset")],
)
def test_what_is_not_known_is_refused(name: str, tenant: str, field: str) -> None:
    """Rather than guessed, or left out unsaid."""
    with pytest.raises(InvalidInput) as refusal:
        preset_document(name, tenant)
    assert [problem.field for problem in refusal.value.problems] == [(field,)]


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("google", {"access_type": "offline", "prompt": "consent"}),
        ("atlassian", {"audience": "api.atlassian.com", "prompt": "consent"}),
        ("slack", {}),
    ],
)
def test_what_makes_tokens_last_goes_along_when_somebody_is_asked(
    name: str, parameters: dict[str, str]
) -> None:
    """And with no other request."""
    provider = parse(preset_document(name))
    assert provider.extras_for(RequestType.AUTHORIZE, Part.QUERY) == parameters
    assert provider.extras_for(RequestType.REFRESH, Part.QUERY) == {}
