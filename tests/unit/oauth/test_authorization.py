"""What somebody is asked, and which callbacks count."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from keyturn.domain.errors import Refused
from keyturn.domain.ids import OAuthConnectionId
from keyturn.domain.oauth.authorization import (
    DENIED,
    LIFETIME,
    SECRET_BYTES,
    AuthorizationRequest,
    Question,
    address,
    answered,
    checked_callback,
    hashed,
    parameters,
    random_text,
    require_asker,
)
from keyturn.domain.oauth.provider import Endpoints, Extra, Part, Provider, RequestType
from keyturn.domain.sensitive import Sensitive

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ENDPOINT = "https://as.example/authorize"
PROVIDER = Provider(Endpoints(authorization=ENDPOINT), issuer="https://as.example")
QUESTION = Question(Sensitive("a-state"), Sensitive("a-nonce"), Sensitive("a-verifier"))
REQUEST = AuthorizationRequest(
    "r",
    OAuthConnectionId("c"),
    hashed("a-state"),
    hashed("browser"),
    "https://keyturn.example/cb?x=1",
    ("a", "b"),
    NOW,
    NOW + LIFETIME,
    b"sealed",
)


def callback(
    told: dict[str, str],
    request: AuthorizationRequest = REQUEST,
    *,
    provider: Provider = PROVIDER,
    now: datetime = NOW,
) -> str:
    """Return the code that a callback brings."""
    return checked_callback(told, request, provider=provider, now=now).reveal()


ANOTHERS = "^The authorization was begun by somebody else: begin one of your own.$"
MIXED_UP = (
    "The answer came from another authorization server than the one that was asked, or the "
    "registration does not name its issuer."
)


# --- what is asked --------------------------------------------------------------------------------


def test_the_challenge_is_that_of_the_rfc() -> None:
    """The bytes of RFC 7636 (appendix B) come to its verifier, and that to its challenge."""
    data = [116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186]
    data += [22, 212, 37, 77, 105, 214, 191, 240, 91, 88, 5, 88, 83, 132, 141, 121]
    verifier = random_text(bytes(data))
    assert verifier.reveal() == "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    question = replace(QUESTION, verifier=verifier)
    assert question.challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_what_nobody_may_guess_is_long_enough() -> None:
    """State, nonce and verifier have 256 bits, in 43 characters that a verifier may have."""
    longest = random_text(b"\xff" * SECRET_BYTES).reveal()
    assert (SECRET_BYTES, len(longest), longest[:3]) == (32, 43, "___")
    assert random_text(b"\xfb\xef").reveal() == "--8"
    assert random_text(b"\x00\x00\x17").reveal() == "AAAX"
    assert "a-" not in repr(QUESTION)


def test_a_state_is_known_by_its_hash() -> None:
    """What is stored does not tell the state (SHA-256, FIPS 180-4)."""
    assert hashed("abc").hex() == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


def test_a_plain_question_has_pkce_and_nothing_else() -> None:
    """S256 is always asked for (RFC 9700, 2.1.1); the rest where there is any."""
    assert parameters(PROVIDER, "id", replace(REQUEST, scopes=()), QUESTION) == {
        "response_type": "code",
        "client_id": "id",
        "redirect_uri": REQUEST.redirect_uri,
        "state": "a-state",
        "code_challenge": QUESTION.challenge,
        "code_challenge_method": "S256",
    }


def test_a_question_has_what_its_provider_wants() -> None:
    """Scopes are written as it writes them, and PKCE can be left out for one that breaks on it."""
    odd = replace(PROVIDER, pkce=False, scope_delimiter=",", resources=("urn:a", "urn:b"))
    assert parameters(odd, "id", replace(REQUEST, scopes=("openid", "x")), QUESTION) == {
        "response_type": "code",
        "client_id": "id",
        "redirect_uri": REQUEST.redirect_uri,
        "state": "a-state",
        "scope": "openid,x",
        "nonce": "a-nonce",
        "resource": ("urn:a", "urn:b"),
    }


@pytest.mark.parametrize(
    ("endpoint", "before"),
    [
        (ENDPOINT, f"{ENDPOINT}?"),
        (f"{ENDPOINT}?tenant=t", f"{ENDPOINT}?tenant=t&"),
        (f"{ENDPOINT}?", f"{ENDPOINT}?&"),
    ],
)
def test_an_address_keeps_the_query_of_its_endpoint(endpoint: str, before: str) -> None:
    """What is asked is added to it (RFC 6749, 3.1), one member for each resource."""
    provider = replace(PROVIDER, endpoints=Endpoints(authorization=endpoint))
    told = address(provider, {"scope": "a b", "resource": ("urn:a", "urn:b"), "x": "é&="})
    assert told == before + "scope=a+b&resource=urn%3Aa&resource=urn%3Ab&x=%C3%A9%26%3D"


def test_an_address_carries_the_extras_for_it_and_no_others() -> None:
    """None of them takes the place of what the protocol decides on."""
    extras = (
        Extra(Part.QUERY, "prompt", "consent", RequestType.AUTHORIZE),
        Extra(Part.QUERY, "access_type", "offline"),
        Extra(Part.QUERY, "state", "another"),
        Extra(Part.QUERY, "x", "1", RequestType.CODE),
        Extra(Part.FORM, "y", "1", RequestType.AUTHORIZE),
        Extra(Part.HEADER, "z", "1"),
    )
    told = address(replace(PROVIDER, extras=extras), {"state": "a-state"})
    assert dict(parse_qsl(urlsplit(told).query)) == {
        "prompt": "consent",
        "access_type": "offline",
        "state": "a-state",
    }


# --- what may come back ---------------------------------------------------------------------------


def test_only_who_was_asked_may_answer() -> None:
    """A callback that was slipped to somebody else binds nothing of theirs (RFC 9700, 4.7.1)."""
    require_asker(REQUEST, "browser")
    for binding in ("another", "", "browser "):
        with pytest.raises(Refused, match=ANOTHERS):
            require_asker(REQUEST, binding)
    with pytest.raises(Refused, match=ANOTHERS):
        require_asker(replace(REQUEST, binding=b""), "")


@pytest.mark.parametrize(
    ("told", "promised"),
    [
        ({"code": "c"}, False),
        ({"code": "c", "error": ""}, False),
        ({"code": "c", "iss": "https://as.example"}, False),
        ({"code": "c", "iss": "https://as.example"}, True),
    ],
)
def test_a_good_callback_brings_its_code(told: dict[str, str], *, promised: bool) -> None:
    """Until the last moment, and with or without the issuer where nobody promised it."""
    provider = replace(PROVIDER, iss_promised=promised)
    assert callback(told, provider=provider, now=REQUEST.ends_at - SECOND / 2) == "c"


@pytest.mark.parametrize(
    ("request_", "now", "why"),
    [
        (answered(REQUEST, NOW), NOW, "This was answered already"),
        (answered(REQUEST, NOW), REQUEST.ends_at, "This was answered already"),
        (REQUEST, REQUEST.ends_at, "The answer came too late"),
    ],
)
def test_a_callback_counts_once_and_in_time(
    request_: AuthorizationRequest, now: datetime, why: str
) -> None:
    """Any other is refused before anything that it says is looked at (RFC 9700, 4.7.1)."""
    for told in ({"code": "c"}, {"error": "access_denied"}, {"iss": "https://evil.example"}):
        with pytest.raises(Refused) as refused:
            callback(told, request_, now=now)
        assert refused.value.message == f"{why}: begin the authorization again."


@pytest.mark.parametrize(
    ("iss", "issuer", "promised"),
    [
        ("https://evil.example", "https://as.example", False),
        ("https://as.example/", "https://as.example", False),
        ("", "https://as.example", False),
        (None, "https://as.example", True),
        ("https://as.example", "", False),
        (None, "", True),
    ],
)
def test_a_callback_from_another_server_is_refused(
    iss: str | None, issuer: str, *, promised: bool
) -> None:
    """A mix-up is found by the issuer, byte for byte, for errors as for codes (RFC 9207, 2.4)."""
    provider = replace(PROVIDER, issuer=issuer, iss_promised=promised)
    sender = {} if iss is None else {"iss": iss}
    for told in ({"code": "c"}, {"error": "access_denied"}):
        with pytest.raises(Refused) as refused:
            callback(told | sender, provider=provider)
        assert refused.value.message == MIXED_UP


@pytest.mark.parametrize(
    ("error", "why"),
    [
        ("access_denied", "was denied"),
        ("invalid_scope", "one of the scopes"),
        ("invalid_request", "look at the registration"),
        ("unauthorized_client", "may not ask for a code"),
        ("unsupported_response_type", "gives out no codes"),
        ("server_error", "failed: try again"),
        ("temporarily_unavailable", "not available now"),
        ("login_required", "log in"),
        ("consent_required", "consent at"),
        ("interaction_required", "act at"),
        ("<b>hunter2</b>", "^The authorization server refused, by an error that is not known.$"),
    ],
)
def test_a_no_is_told_in_our_words(error: str, why: str) -> None:
    """A callback can be anybody's words, so that none of them are repeated (RFC 6749, 4.1.2.1)."""
    with pytest.raises(Refused, match=why) as refused:
        callback({"error": error, "error_description": "hunter2", "code": "c"})
    assert "hunter2" not in refused.value.message
    assert (refused.value.message == DENIED) is (error == "access_denied")


@pytest.mark.parametrize("told", [{}, {"code": ""}, {"error": ""}])
def test_a_callback_with_nothing_in_it_is_refused(told: dict[str, str]) -> None:
    """Neither a code nor an error is no answer."""
    with pytest.raises(Refused) as refused:
        callback(told)
    assert refused.value.message == "The authorization server sent neither a code nor an error."


def test_what_was_answered_stays_so() -> None:
    """When it was is written down, and nothing else changes."""
    assert answered(REQUEST, NOW) == replace(REQUEST, answered_at=NOW)
    assert REQUEST.ends_at == NOW + timedelta(minutes=10)


def test_a_request_and_a_code_hide_what_they_hold() -> None:
    """Neither the sealed verifier nor the code is in a repr."""
    told = {"code": "hunter2"}
    answer = checked_callback(told, REQUEST, provider=PROVIDER, now=NOW)
    assert "hunter2" not in repr(answer)
    assert "sealed" not in repr(REQUEST)
