"""What an operator may write of log-ins with Okta, and what follows from a browser's one secret."""

from dataclasses import replace

import pytest
from pydantic import ValidationError

from keyturn.domain.oauth.authorization import hashed
from keyturn.domain.oauth.provider import Endpoints, Provider
from keyturn.domain.okta_login import (
    GroupRole,
    LogInRules,
    RegistrationName,
    claimed_by,
    parse_groups,
    parse_issuer,
    parse_registration,
    question_of,
)
from keyturn.domain.sensitive import Sensitive
from keyturn.settings import Settings

ORG = "https://example.okta.com"
NAMED = RegistrationName("example", "prod", "/apps/keyturn", "okta-login")
RULES = LogInRules(ORG, NAMED, (GroupRole("A", "admin"), GroupRole("B", "viewer", "example")))
ENDPOINTS = Endpoints(
    authorization=f"{ORG}/oauth2/v1/authorize",
    token=f"{ORG}/oauth2/v1/token",
    jwks=f"{ORG}/oauth2/v1/keys",
)
PROVIDER = Provider(ENDPOINTS, issuer=ORG)
SET = {
    "public_url": "https://keyturn.example.com",
    "login_registration": "example/prod/:okta-login",
    "login_issuer": ORG,
    "login_groups": "Admins=admin",
}


# --- what is written ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", ()),
        (" , ", ()),
        ("Admins=admin", (GroupRole("Admins", "admin"),)),
        (
            " Key turn = admin , Shop=viewer@example,Shop=auditor",
            (
                GroupRole("Key turn", "admin"),
                GroupRole("Shop", "viewer", "example"),
                GroupRole("Shop", "auditor"),
            ),
        ),
        ("CN=a@b=my-role@my-project", (GroupRole("CN=a@b", "my-role", "my-project"),)),
    ],
)
def test_groups_and_what_they_give(text: str, told: tuple[GroupRole, ...]) -> None:
    """A role in every project, or in one; a group's name may have spaces and signs of its own."""
    assert parse_groups(text) == told


@pytest.mark.parametrize(
    "text",
    ["Admins", "=admin", "A=", "A=Ad Min", "A=admin@", "A=@x", "A=x@Y", "a\x07=admin", "A=b,c"],
)
def test_groups_that_are_written_wrong(text: str) -> None:
    """It is said how they are written."""
    with pytest.raises(ValueError, match="GROUP=ROLE@PROJECT"):
        parse_groups(text)


def test_what_a_group_gives_is_told() -> None:
    """As it was written."""
    assert [str(each) for each in RULES.groups] == ["admin", "viewer@example"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("example/prod/apps/keyturn:okta-login", NAMED),
        (" example/prod/:x ", RegistrationName("example", "prod", "/", "x")),
    ],
)
def test_the_name_of_a_registration(text: str, told: RegistrationName) -> None:
    """As the audit log names it."""
    assert parse_registration(text) == told
    assert str(told) == text.strip()


@pytest.mark.parametrize(
    "text", ["x", "example/prod:x", "example//:x", "/prod/:x", "a/b/:", "a/b/:X"]
)
def test_what_is_no_name_of_a_registration(text: str) -> None:
    """It is said how one is written."""
    with pytest.raises(ValueError, match="PROJECT/ENVIRONMENT/PATH:NAME"):
        parse_registration(text)


@pytest.mark.parametrize("text", ["example.okta.com", "https://", "ftp://x", f"{ORG}?x=1"])
def test_what_is_no_issuer(text: str) -> None:
    """An issuer is an address."""
    with pytest.raises(ValueError, match="must be the issuer"):
        parse_issuer(text)
    assert parse_issuer(f" {ORG} ") == ORG


# --- settings -------------------------------------------------------------------------------------


def test_the_settings_of_a_log_in() -> None:
    """Together they say how people log in; without them nobody does."""
    rules = Settings.model_validate(SET).okta_log_in
    named = RegistrationName("example", "prod", "/", "okta-login")
    assert rules == LogInRules(ORG, named, (GroupRole("Admins", "admin"),))
    assert Settings.model_validate({"public_url": SET["public_url"]}).okta_log_in is None


@pytest.mark.parametrize("name", SET)
def test_settings_of_a_log_in_that_lack_one(name: str) -> None:
    """None of them makes sense without the others."""
    with pytest.raises(ValidationError, match="go together"):
        Settings.model_validate(SET | {name: ""})


@pytest.mark.parametrize("name", ["login_registration", "login_issuer", "login_groups"])
def test_settings_of_a_log_in_that_are_wrong(name: str) -> None:
    """Each is refused by its own rule, at the start."""
    with pytest.raises(ValidationError, match=name):
        Settings.model_validate(SET | {name: "wrong"})


# --- what is asked, and of whom -------------------------------------------------------------------


def test_all_that_is_asked_follows_from_one_secret() -> None:
    """The same each time, of 256 bits each, and nothing tells of another, nor of the secret."""
    one, again = question_of(Sensitive("secret")), question_of(Sensitive("secret"))
    other = question_of(Sensitive("another"))
    parts = [each.reveal() for q in (one, other) for each in (q.state, q.nonce, q.verifier)]
    assert (one.state, one.nonce, one.verifier) == (again.state, again.nonce, again.verifier)
    assert len({*parts}) == 6
    assert {len(each) for each in parts} == {43}
    assert hashed("secret").hex() not in str(parts)


@pytest.mark.parametrize(
    ("issuer", "scopes"),
    [
        (ORG, ("openid", "profile", "email", "groups")),
        (f"{ORG}/oauth2/default", ("openid", "profile", "email")),
    ],
)
def test_groups_are_a_scope_of_the_org_alone(issuer: str, scopes: tuple[str, ...]) -> None:
    """A custom authorization server refuses a scope that it does not have."""
    assert replace(RULES, issuer=issuer).scopes == scopes


def test_a_registration_leads_to_the_issuer_and_nowhere_else() -> None:
    """By all of its endpoints, on the issuer's own host, with PKCE."""
    assert RULES.fits(PROVIDER)
    assert replace(RULES, issuer=f"{ORG}/oauth2/x").origin == ORG
    wrong = [
        replace(PROVIDER, issuer=f"{ORG}/"),
        replace(PROVIDER, pkce=False),
        replace(PROVIDER, check_url="https://evil.example.com/"),
        *(
            replace(PROVIDER, endpoints=replace(ENDPOINTS, **{name: url}))
            for name in ("authorization", "token", "jwks")
            for url in ("", "https://evil.example.com/", "http://example.okta.com/x")
        ),
    ]
    assert not any(RULES.fits(each) for each in wrong)


def test_what_somebodys_groups_give() -> None:
    """Exactly those that are named, letter by letter."""
    assert RULES.given({"B", "b", "AA"}) == [GroupRole("B", "viewer", "example")]
    assert RULES.given(set()) == []


def test_what_okta_tells_of_somebody() -> None:
    """Groups may be told of elsewhere than whom they are about."""
    claims = {"sub": "00u1", "groups": ["A"], "email": "a@example.com"}
    told = claimed_by(claims, {"groups": ["B", 7]})
    assert (told.subject, told.name, told.groups) == ("00u1", "a@example.com", {"B"})
