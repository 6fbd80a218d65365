"""What registrations for services that are known are made from."""

import pytest

from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.domain.oauth.connectors import (
    API,
    AUTOMATIC,
    CONNECTORS,
    OKTA,
    OKTA_DEVICES,
    missing,
    okta_document,
)
from keyturn.domain.oauth.documents import parse
from keyturn.domain.oauth.provider import Endpoints

LABEL = "a" * 63
ALONE = "must be the domain alone, such as example.okta.com: no scheme, no path"
DOMAIN = "must be a domain such as example.okta.com, or the org's custom domain"


@pytest.mark.parametrize(
    ("domain", "base"),
    [
        ("example.okta.com", "https://example.okta.com"),
        (" Example.Okta-EMEA.com\n", "https://example.okta-emea.com"),
        ("login.example.co.uk", "https://login.example.co.uk"),
        ("example.okta.com:8443", "https://example.okta.com:8443"),
        ("a-b.io", "https://a-b.io"),
        ("a.io", "https://a.io"),
        ("my-admin-tools.example.com", "https://my-admin-tools.example.com"),
        (f"{LABEL}.{LABEL}.com", f"https://{LABEL}.{LABEL}.com"),
        ("localhost", "http://localhost"),
        ("LOCALHOST:8080", "http://localhost:8080"),
        ("127.0.0.1:1", "http://127.0.0.1:1"),
        ("localhost.example.com", "https://localhost.example.com"),
        ("127.0.0.1.nip.io", "https://127.0.0.1.nip.io"),
    ],
)
def test_a_domain_is_all_that_is_asked_for(domain: str, base: str) -> None:
    """Only what is this machine by its name is reached without TLS."""
    provider = parse(okta_document(domain))
    assert (provider.issuer, provider.endpoints.token) == (base, f"{base}/oauth2/v1/token")


def test_an_orgs_own_server_has_oktas_addresses() -> None:
    """The org's authorization server, whose issuer is the org itself."""
    at = "https://example.okta.com/oauth2/v1/"
    assert parse(okta_document("example.okta.com")).endpoints == Endpoints(
        authorization=at + "authorize",
        token=at + "token",
        pushed_authorization=at + "par",
        device_authorization=at + "device/authorize",
        revocation=at + "revoke",
        introspection=at + "introspect",
        userinfo=at + "userinfo",
        jwks=at + "keys",
    )


@pytest.mark.parametrize(
    ("domain", "rule"),
    [
        ("https://example.okta.com", ALONE),
        ("example.okta.com/", ALONE),
        ("https:", DOMAIN),
        (
            "example-admin.okta.com",
            "must be that of the org, not of its admin console: example.okta.com",
        ),
        (
            "a-admin.okta-admin.com:80",
            "must be that of the org, not of its admin console: a.okta-admin.com:80",
        ),
        ("example-admin", DOMAIN),
        ("okta.com", "must be the org's own, such as example.okta.com"),
        ("oktapreview.com", "must be the org's own, such as example.oktapreview.com"),
        ("okta-emea.com", "must be the org's own, such as example.okta-emea.com"),
        ("okta-gov.com", "must be the org's own, such as example.okta-gov.com"),
        ("", DOMAIN),
        ("example", DOMAIN),
        ("a.b", DOMAIN),
        (f"{LABEL}a.com", DOMAIN),
        (f"{LABEL}.{LABEL}.{LABEL}.{LABEL}.com", DOMAIN),
        ("-a.okta.com", DOMAIN),
        ("a-.okta.com", DOMAIN),
        ("a_b.okta.com", DOMAIN),
        ("a..okta.com", DOMAIN),
        ("example.okta.com.", DOMAIN),
        ("example.okta.com:", DOMAIN),
        ("example.okta.com:123456", DOMAIN),
        ("example.okta.com:٣", DOMAIN),
        ("example.okta.com?x", DOMAIN),
        ("u@example.okta.com", DOMAIN),
        ("exa mple.okta.com", DOMAIN),
        ("exämple.okta.com", DOMAIN),
        ("localhosts", DOMAIN),
    ],
)
def test_what_is_no_domain_of_an_org_is_told(domain: str, rule: str) -> None:
    """Everybody is told what to enter instead."""
    with pytest.raises(InvalidInput) as refused:
        okta_document(domain)
    assert refused.value.problems == (FieldProblem(("domain",), rule),)


def test_connectors_are_known_by_name() -> None:
    """Okta's two, and one for everything else."""
    assert CONNECTORS == {"okta": OKTA, "okta-devices": OKTA_DEVICES, "api": API}
    assert [each.title for each in CONNECTORS.values()] == ["Okta", "Okta Devices", "API Connector"]


def test_automatic_scopes_need_no_grant() -> None:
    """The seven that Okta grants by itself are asked for; only the others need somebody."""
    assert len(AUTOMATIC) == 7
    assert {*AUTOMATIC} <= {*OKTA.scopes} & {*OKTA_DEVICES.scopes}
    assert OKTA_DEVICES.granted_by_hand == ("okta.devices.manage", "okta.devices.read")
    assert len(OKTA.granted_by_hand) == 8
    assert all(each.startswith("okta.") for each in OKTA.granted_by_hand)
    assert API.scopes == API.granted_by_hand == ()


@pytest.mark.parametrize(
    ("wanted", "granted", "expected"),
    [
        (("a", "b"), ("b", "c"), ("a",)),
        (("a",), ("a",), ()),
        (("b", "a"), (), ("b", "a")),
        (("openid", "a", "offline_access", "email"), (), ("a", "email")),
    ],
)
def test_scopes_that_were_not_granted_are_missing(
    wanted: tuple[str, ...], granted: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    """But for those that servers leave out of their answers, and that tokens came of."""
    assert missing(wanted, granted) == expected
