"""The smaller rules: names, hashes, states, onboarding, access, audit, addresses."""

import pickle
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.domain import names
from keyturn.domain.addresses import instance_url, refuse_private, refuse_public_http
from keyturn.domain.audit import Attempt, AuditEntry, ChainBroken, linked, verify_chain
from keyturn.domain.errors import AddressRefused, InvalidInput, Refused
from keyturn.domain.foreign import Consent
from keyturn.domain.ids import (
    AppId,
    ClientId,
    CredentialId,
    SecretHash,
    SecretId,
    VersionNo,
)
from keyturn.domain.okta import (
    App,
    AuthMethod,
    Credential,
    Status,
    client_secret_value,
    secret_hash,
)
from keyturn.domain.rotation import Adopt, IssueFirst, decide_onboarding
from keyturn.domain.secret import NEXT_STATES, IllegalState, State, Version
from keyturn.domain.sensitive import Sensitive

NOW = datetime(2026, 11, 21, tzinfo=UTC)
APP = App(AppId("0oa1"), ClientId("0oa1"), "app", Status.ACTIVE, AuthMethod.CLIENT_SECRET_POST)


def test_sensitive_hides_itself() -> None:
    """No way of printing a sensitive value shows it."""
    value = Sensitive("canary")
    assert "canary" not in f"{value} {value!r}"
    assert "canary" not in repr({"k": value})
    assert value.reveal() == "canary"
    assert value == Sensitive("canary")
    with pytest.raises(TypeError):
        pickle.dumps(value)


@pytest.mark.parametrize(("text", "slug"), [("MyRotation", "myrotation"), (" a-1 ", "a-1")])
def test_slug_is_lowered_and_trimmed(text: str, slug: str) -> None:
    """Capitals and outer blanks are forgiven."""
    assert names.slug("name", text) == slug


@pytest.mark.parametrize("text", ["My Rotation", "", " ", "a--b", "-a", "a_b", "x" * 65, "é"])
def test_slug_refuses_what_is_none(text: str) -> None:
    """Anything else than letters, digits and single hyphens is refused, and the field named."""
    with pytest.raises(InvalidInput) as refused:
        names.slug("name", text)
    assert refused.value.problems[0].field == ("name",)


@pytest.mark.parametrize("text", ["", "A:B", "A/B", "A B", "\n", "A\0B", "A\x1b[2J", "A\u202eB"])
def test_secret_name_refuses(text: str) -> None:
    """Colon, slash, white space and what cannot be printed have no place in a secret's name."""
    with pytest.raises(InvalidInput):
        names.secret_name(("secretsMapping", "clientId"), text)


@pytest.mark.parametrize(("text", "path"), [("/", "/"), ("/a/b/", "/a/b"), ("//a", "/a")])
def test_secret_path_is_canonical(text: str, path: str) -> None:
    """One folder has one path."""
    assert names.secret_path(text) == path


@pytest.mark.parametrize("text", ["a/b", "/../x", "/a b"])
def test_secret_path_refuses(text: str) -> None:
    """A path is absolute and made of plain names."""
    with pytest.raises(InvalidInput):
        names.secret_path(text)


def test_secret_hash_known_answer() -> None:
    """The hash is the first half of SHA-256: here that of "abc", known from FIPS 180-2."""
    assert secret_hash(Sensitive("abc")) == "ungWv48Bz-pBQUDeXa4iIw"


@given(st.binary(min_size=48, max_size=48))
def test_generated_values_fit_every_rule_of_okta(random: bytes) -> None:
    """A generated value has 64 printable characters and a hash of 22."""
    value = client_secret_value(random)
    assert len(value.reveal()) == 64
    assert value.reveal().isascii()
    assert len(secret_hash(value)) == 22


def test_generated_value_needs_all_its_randomness() -> None:
    """Fewer random bytes than asked for are a defect, not a shorter secret."""
    with pytest.raises(ValueError, match="48"):
        client_secret_value(b"short")


def version(state: State) -> Version:
    """Make a version in a state."""
    return Version("v", SecretId("s"), VersionNo(1), state, b"sealed", NOW)


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("to", list(State))
def test_version_states_follow_the_table(state: State, to: State) -> None:
    """A version goes where the table leads, stays where it is, and nowhere else."""
    if to is state or to in NEXT_STATES[state]:
        assert version(state).become(to).state is to
    else:
        with pytest.raises(IllegalState):
            version(state).become(to)


def test_destroyed_version_has_lost_its_value() -> None:
    """Destroying forgets the sealed bytes too."""
    assert version(State.RETIRED).become(State.DESTROYED).sealed is None


VALUE = Sensitive("v" * 20)


def at_okta(
    name: str, status: Status = Status.ACTIVE, value: Sensitive | None = VALUE
) -> Credential:
    """Make a client secret as Okta lists it."""
    return Credential(CredentialId(name), SecretHash(name), status, NOW, value)


def plan(*secrets: Credential, adopt: bool = True, retire: str | None = None) -> Adopt | IssueFirst:
    """Plan how to take over an app with these secrets."""
    wanted = Consent(CredentialId(retire), NOW.date()) if retire else None
    return decide_onboarding(APP, secrets, adopt_existing=adopt, retire_existing=wanted)


A, B = at_okta("a"), at_okta("b")
OFF = at_okta("off", Status.INACTIVE)
MASKED = at_okta("masked", value=None)


def test_onboarding_adopts_the_one_active_secret() -> None:
    """The app's one visible ACTIVE secret is taken over as it is."""
    assert plan(A) == Adopt(A, None)


@pytest.mark.parametrize("secrets", [(), (MASKED,), (OFF,)])
def test_onboarding_issues_where_nothing_can_be_adopted(secrets: tuple[Credential, ...]) -> None:
    """Without a visible ACTIVE value, a first managed secret is issued beside what is there."""
    assert plan(*secrets) == IssueFirst(None)


def test_onboarding_leaves_a_secret_alone_on_request() -> None:
    """An unadopted secret stays foreign, unless its owner consents to its retirement."""
    assert plan(A, adopt=False) == IssueFirst(None)
    assert plan(A, adopt=False, retire="a") == IssueFirst(A)


@pytest.mark.parametrize("secrets", [(A, B), (A, OFF), (MASKED, OFF)])
@pytest.mark.parametrize("adopt", [True, False])
def test_onboarding_refuses_two_secrets_and_names_them(
    secrets: tuple[Credential, ...], *, adopt: bool
) -> None:
    """Two secrets leave no room to turn, and neither is ours to remove."""
    with pytest.raises(Refused) as refused:
        plan(*secrets, adopt=adopt)
    assert all(s.id in refused.value.message for s in secrets)


def test_onboarding_takes_consent_for_the_second_secret() -> None:
    """With consent to retire one of two, the other is adopted."""
    assert plan(A, B, retire="b") == Adopt(A, B)
    assert plan(A, OFF, retire="off") == Adopt(A, OFF)


def test_onboarding_refuses_consent_for_an_unknown_secret() -> None:
    """Consent names a secret that the app has."""
    with pytest.raises(Refused, match="ocsx"):
        plan(A, retire="ocsx")


@pytest.mark.parametrize(
    "app",
    [
        replace(APP, status=Status.INACTIVE),
        replace(APP, auth_method=AuthMethod.PRIVATE_KEY_JWT),
        replace(APP, auth_method=AuthMethod.NONE),
    ],
)
def test_onboarding_refuses_an_unfit_app(app: App) -> None:
    """An inactive app, or one without use for a secret, is refused before anything is made."""
    with pytest.raises(Refused, match="0oa1"):
        decide_onboarding(app, (A,), adopt_existing=True, retire_existing=None)


def chain(count: int) -> list[AuditEntry]:
    """Make an audit log of so many entries."""
    entries: list[AuditEntry] = []
    for number in range(count):
        attempt = Attempt(NOW, "me", "read", f"secret {number}", allowed=True)
        entries.append(linked(attempt, entries[-1] if entries else None))
    return entries


def test_audit_chain_verifies() -> None:
    """An untouched chain holds."""
    verify_chain(chain(5))


@pytest.mark.parametrize("where", [0, 2, 4])
def test_audit_chain_shows_a_change(where: int) -> None:
    """A changed entry breaks the chain at its place."""
    entries = chain(5)
    changed = replace(entries[where].attempt, allowed=False)
    entries[where] = replace(entries[where], attempt=changed)
    with pytest.raises(ChainBroken, match=f"entry {where + 1} "):
        verify_chain(entries)


def test_audit_chain_shows_a_gap() -> None:
    """A removed entry breaks the chain."""
    entries = chain(5)
    del entries[2]
    with pytest.raises(ChainBroken):
        verify_chain(entries)


def test_instance_url_is_an_origin() -> None:
    """An org's address is reduced to scheme and host."""
    assert instance_url(" https://a.okta.com/ ", private_allowed=False) == "https://a.okta.com"


@pytest.mark.parametrize(
    "text",
    [
        "http://a.okta.com",
        "a.okta.com",
        "ftp://a.okta.com",
        "https://u:p@a.okta.com",
        "https://[",
        "https://a.okta.com:port",
        "https://a.okta.com/x",
        "https://a.okta.com?x=1",
        "https://a.okta.com?",
        "https://a.okta.com#",
        "https://@a.okta.com",
        "https://a-admin.okta.com",
        "https://" + "a" * 260,
        "",
    ],
)
def test_instance_url_refuses(text: str) -> None:
    """Anything but a bare https origin is refused."""
    with pytest.raises(AddressRefused):
        instance_url(text, private_allowed=False)


@pytest.mark.parametrize(
    "ip",
    ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1", "100.64.0.1", "fe80::1"],
)
def test_private_addresses_are_refused_unless_allowed(ip: str) -> None:
    """The metadata service, loopback and private ranges are out of reach by default."""
    with pytest.raises(AddressRefused):
        refuse_private(ip, private_allowed=False)
    refuse_private(ip, private_allowed=True)


@pytest.mark.parametrize(
    "ip",
    [
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2002:a00:1::",
        "::7f00:1",
        "fec0::1",
    ],
)
def test_private_addresses_inside_ipv6_are_found(ip: str) -> None:
    """A private IPv4 address does not get through in the clothes of IPv6."""
    with pytest.raises(AddressRefused):
        refuse_private(ip, private_allowed=False)


@pytest.mark.parametrize(
    "text",
    ["HTTPS://A.okta.com", "https://a.okta.com:443", "https://a.okta.com:", "https://a.okta.com//"],
)
def test_instance_url_has_one_spelling(text: str) -> None:
    """One org is one address, however it was typed."""
    assert instance_url(text, private_allowed=False) == "https://a.okta.com"


def test_plain_http_is_for_private_addresses_only() -> None:
    """Nothing goes to the public internet without TLS."""
    assert instance_url("http://[::1]:80", private_allowed=True) == "http://[::1]"
    refuse_public_http("127.0.0.1")
    with pytest.raises(AddressRefused):
        refuse_public_http("8.8.8.8")


def test_public_address_passes() -> None:
    """A public address is where Okta is."""
    refuse_private("8.8.8.8", private_allowed=False)
