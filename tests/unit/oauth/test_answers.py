"""What an authorization server's answers mean, and that nothing it may answer breaks anything."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.domain.oauth.answers import (
    FAULTS,
    FORM,
    LIFETIME_MAX_S,
    TOKEN_MAX,
    Fault,
    NoTokens,
    Reply,
    TokenSet,
    read_exchanged,
    read_members,
    read_token_answer,
)
from keyturn.domain.sensitive import Sensitive

TOKEN = '{"access_token": "a"'
ERRORS = {
    "invalid_client": Fault.CLIENT,
    "invalid_grant": Fault.GRANT,
    "invalid_scope": Fault.SCOPE,
    "invalid_request": Fault.REQUEST,
    "unauthorized_client": Fault.REQUEST,
    "unsupported_grant_type": Fault.REQUEST,
    "invalid_target": Fault.REQUEST,
    "invalid_dpop_proof": Fault.REQUEST,
    "use_dpop_nonce": Fault.NONCE,
    "server_error": Fault.AWAY,
    "temporarily_unavailable": Fault.AWAY,
    "slow_down": Fault.SLOW_DOWN,
    "authorization_pending": Fault.PENDING,
    "access_denied": Fault.DENIED,
    "expired_token": Fault.GRANT,
    "bad_client_secret": Fault.CLIENT,
    "bad_refresh_token": Fault.GRANT,
    "bad_verification_code": Fault.GRANT,
    "incorrect_client_credentials": Fault.CLIENT,
    "invalid_client_id": Fault.CLIENT,
    "invalid_client_secret": Fault.CLIENT,
    "invalid_code": Fault.GRANT,
    "invalid_refresh_token": Fault.GRANT,
    "scope_invalid": Fault.SCOPE,
    "token_expired": Fault.GRANT,
    "token_revoked": Fault.GRANT,
}


def told(body: str | bytes, status: int = 200, media_type: str = "application/json") -> Reply:
    """Return a reply that says this."""
    return Reply(status, media_type, body.encode() if isinstance(body, str) else body)


def tokens(body: str | bytes, media_type: str = "application/json") -> TokenSet:
    """Return the tokens that a good answer brings."""
    answer = read_token_answer(told(body, media_type=media_type))
    assert isinstance(answer, TokenSet)
    return answer


def test_a_whole_answer_is_read_whole() -> None:
    """Every member of RFC 6749 (5.1), OpenID Connect and RFC 8693 (2.2.1) arrives."""
    whole = {
        "access_token": "a",
        "refresh_token": "r",
        "id_token": "i",
        "token_type": "DPoP",
        "expires_in": 3600,
        "scope": "x y",
        "issued_token_type": "urn:t",
        "unknown": {"is": ["ignored"]},
    }
    assert tokens(json.dumps(whole)) == TokenSet(
        Sensitive("a"), Sensitive("r"), Sensitive("i"), "DPoP", 3600, "x y", "urn:t"
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (TOKEN + "}", TokenSet(Sensitive("a"))),
        ("\ufeff" + TOKEN + "}", TokenSet(Sensitive("a"))),
        (TOKEN + ', "error": null}', TokenSet(Sensitive("a"))),
        (TOKEN + ', "error": ""}', TokenSet(Sensitive("a"))),
        ('{"access_token": "x", "access_token": "a"}', TokenSet(Sensitive("a"))),
        (TOKEN + ', "refresh_token": null, "id_token": 7}', TokenSet(Sensitive("a"))),
        (TOKEN + ', "refresh_token": ""}', TokenSet(Sensitive("a"))),
        (TOKEN + ', "refresh_token": "r\\u00e9"}', TokenSet(Sensitive("a"))),
        (TOKEN + ', "refresh_token": "r\\n"}', TokenSet(Sensitive("a"))),
        (TOKEN + ', "refresh_token": " ~"}', TokenSet(Sensitive("a"), Sensitive(" ~"))),
        (TOKEN + ', "scope": ""}', TokenSet(Sensitive("a"), scope="")),
        (TOKEN + ', "scope": ["x", 1, "y"]}', TokenSet(Sensitive("a"), scope="x y")),
        (TOKEN + ', "scope": {"x": 1}}', TokenSet(Sensitive("a"))),
        (TOKEN + ', "issued_token_type": 3}', TokenSet(Sensitive("a"))),
    ],
)
def test_what_stands_beside_the_access_token_may_be_nonsense(body: str, expected: TokenSet) -> None:
    """An access token counts, whatever else is missing, doubled or of another type (6749, 5.1)."""
    assert tokens(body) == expected


def test_members_have_a_longest_form() -> None:
    """What is longer than any server means it to be is not there."""
    longest = "t" * TOKEN_MAX
    assert tokens(json.dumps({"access_token": longest})).access == Sensitive(longest)
    assert isinstance(
        read_token_answer(told(json.dumps({"access_token": longest + "t"}))), NoTokens
    )
    assert tokens(f'{TOKEN}, "scope": "{longest}"}}').scope == longest
    assert tokens(f'{TOKEN}, "scope": "{longest}s"}}').scope is None
    assert tokens(f'{TOKEN}, "issued_token_type": "{"u" * 255}"}}').issued_type == "u" * 255
    assert tokens(f'{TOKEN}, "issued_token_type": "{"u" * 256}"}}').issued_type == ""


@pytest.mark.parametrize(
    ("told_type", "kind"),
    [
        ("Bearer", "Bearer"),
        ("bEARER", "Bearer"),
        ("dPoP", "DPoP"),
        ("n_a", "N_A"),
        ("bot", "Bearer"),
        (None, "Bearer"),
        (1, "Bearer"),
    ],
)
def test_the_type_of_a_token_has_one_spelling(told_type: object, kind: str) -> None:
    """Its case tells nothing (RFC 6749, 5.1); other names of it mean a bearer's."""
    assert tokens(json.dumps({"access_token": "a", "token_type": told_type})).token_type == kind


@pytest.mark.parametrize(
    ("written", "lifetime_s"),
    [
        ("3600", 3600),
        ('"3600"', 3600),
        ("1", 1),
        ("3599.9", 3599),
        ("1e3", 1000),
        (str(LIFETIME_MAX_S), LIFETIME_MAX_S),
        (str(LIFETIME_MAX_S + 1), LIFETIME_MAX_S),
        ('"999999999999"', LIFETIME_MAX_S),
        ('"9999999999999"', None),
        (f"{LIFETIME_MAX_S}.0", None),
        ("0", None),
        ('"0"', None),
        ("0.9", None),
        ("-1", None),
        ("-1e300", None),
        ("1e999", None),
        ("NaN", None),
        ("true", None),
        ('"true"', None),
        ('"1h"', None),
        ('" 60"', None),
        ("null", None),
        ("[60]", None),
    ],
)
def test_a_lifetime_is_read_where_one_is_told(written: str, lifetime_s: int | None) -> None:
    """Numbers in any spelling count; what is none, or is over at once, tells nothing."""
    assert tokens(f'{TOKEN}, "expires_in": {written}}}').lifetime_s == lifetime_s


@pytest.mark.parametrize(
    ("status", "body", "fault", "effect_possible"),
    [
        (200, "<html>log in</html>", Fault.AWAY, True),
        (200, "", Fault.AWAY, True),
        (200, "[]", Fault.AWAY, True),
        (200, "{}", Fault.AWAY, True),
        (200, '"a"', Fault.AWAY, True),
        (200, TOKEN, Fault.AWAY, True),
        (200, '{"access_token": ""}', Fault.AWAY, True),
        (200, '{"access_token": 1}', Fault.AWAY, True),
        (200, '{"access_token": "a", "error": "odd"}', Fault.AWAY, True),
        (200, b"\xff\xfe\x00", Fault.AWAY, True),
        (200, "[" * 100_000, Fault.AWAY, True),
        (200, '{"access_token": ' + "9" * 5_000 + "}", Fault.AWAY, True),
        (200, '{"error": "bad_refresh_token"}', Fault.GRANT, False),
        (200, '{"access_token": "a", "error": "invalid_grant"}', Fault.GRANT, False),
        (299, '{"access_token_": "a"}', Fault.AWAY, True),
        (199, '{"access_token": "a"}', Fault.AWAY, True),
        (300, '{"access_token": "a"}', Fault.AWAY, True),
        (302, "", Fault.AWAY, True),
        (400, "", Fault.AMBIGUOUS, False),
        (400, '{"error": "odd"}', Fault.AWAY, False),
        (400, '{"error": ["invalid_grant"]}', Fault.AWAY, False),
        (400, '{"error": {"code": "invalid_grant"}}', Fault.AWAY, False),
        (401, "<html>", Fault.AWAY, False),
        (403, "", Fault.AMBIGUOUS, False),
        (404, "", Fault.REQUEST, False),
        (405, '{"access_token": "a"}', Fault.REQUEST, False),
        (408, "", Fault.AWAY, False),
        (425, "", Fault.AWAY, False),
        (429, "", Fault.AWAY, False),
        (429, '{"error": "temporarily_unavailable"}', Fault.AWAY, False),
        (499, "", Fault.REQUEST, False),
        (500, "", Fault.AWAY, True),
        (500, '{"error": "invalid_client"}', Fault.CLIENT, False),
        (503, '{"error": "temporarily_unavailable"}', Fault.AWAY, True),
        (599, "<html>", Fault.AWAY, True),
    ],
)
def test_no_tokens_are_somebodys_fault(
    status: int, body: str | bytes, fault: Fault, *, effect_possible: bool
) -> None:
    """The error decides, then the status; an unclear answer may have had an effect."""
    answer = read_token_answer(told(body, status))
    assert isinstance(answer, NoTokens)
    assert (answer.fault, answer.status) == (fault, status)
    assert answer.effect_possible is effect_possible


@pytest.mark.parametrize(("error", "fault"), ERRORS.items())
def test_a_named_error_has_one_meaning_at_every_status(error: str, fault: Fault) -> None:
    """Servers differ in the status that they give the same error (RFC 6749, 5.2)."""
    for status in (200, 400, 401, 403, 429):
        answer = read_token_answer(told(json.dumps({"error": error}), status))
        assert isinstance(answer, NoTokens)
        assert (answer.fault, answer.code) == (fault, error)


def test_every_error_that_is_known_has_its_place() -> None:
    """Nobody adds an error without saying here, too, whose fault it is."""
    assert ERRORS == FAULTS


def test_nothing_that_came_back_is_told_by_whether_anything_was_sent() -> None:
    """Only a request that cannot have left has had no effect for certain."""
    unsent, lost = (read_token_answer(Reply(0, sent=sent)) for sent in (False, True))
    assert unsent == NoTokens(Fault.AWAY, 0)
    assert lost == NoTokens(Fault.AWAY, 0, effect_possible=True)
    assert str(lost) == "no answer came"


def test_a_pause_that_is_asked_for_is_passed_on() -> None:
    """However a server refuses, what it says of when to come again is kept (RFC 9110, 10.2.3)."""
    for body in (b"", b'{"error": "invalid_grant"}'):
        answer = read_token_answer(Reply(429, body=body, retry_after_s=7.5))
        assert isinstance(answer, NoTokens)
        assert answer.retry_after_s == 7.5


def test_only_errors_that_are_known_are_repeated() -> None:
    """A server may put into its error what it was sent, so that no words of its own are shown."""
    known = read_token_answer(told('{"error": "invalid_grant"}', 400))
    assert str(known) == "HTTP 400, invalid_grant"
    odd = read_token_answer(told('{"error": "hunter2", "error_description": "hunter2"}', 400))
    assert str(odd) == "HTTP 400, no error that is known"
    assert "hunter2" not in repr(odd)


def test_answers_as_forms_are_read_where_they_say_so() -> None:
    """A few servers answer as forms are sent; only their media type makes one of an answer."""
    form = "access_token=a%20b&expires_in=60&scope=x,y&token_type=bearer"
    read = tokens(form, f"{FORM.title()}; charset=utf-8")
    assert read == TokenSet(Sensitive("a b"), lifetime_s=60, scope="x,y")
    assert tokens(TOKEN + "}", FORM) == TokenSet(Sensitive("a"))
    refused = read_token_answer(told("error=bad_verification_code", media_type=FORM))
    assert refused == NoTokens(Fault.GRANT, 200, "bad_verification_code")
    assert isinstance(read_token_answer(told(form)), NoTokens)


@pytest.mark.parametrize(
    "body", [b"access_token=\xff", b"access_token=a" + b"&a=b" * 50, b"", b"{}"]
)
def test_a_form_that_is_none_brings_nothing(body: bytes) -> None:
    """Other bytes than text, and more members than any answer has, are no answer."""
    assert read_token_answer(told(body, media_type=FORM)) == NoTokens(
        Fault.AWAY, 200, effect_possible=True
    )
    most = told(b"access_token=a" + b"&a=b" * 49, media_type=FORM)
    assert isinstance(read_token_answer(most), TokenSet)


@given(
    st.binary()
    | st.recursive(st.none() | st.text(), st.lists).map(lambda it: json.dumps(it).encode()),
    st.integers(0, 599),
    st.sampled_from(["", FORM, "text/html"]),
)
def test_nothing_that_comes_breaks_anything(body: bytes, status: int, media_type: str) -> None:
    """Any bytes have a meaning, and members are an object's or none."""
    reply = Reply(status, media_type, body)
    assert isinstance(read_token_answer(reply), TokenSet | NoTokens)
    assert isinstance(read_members(reply), dict)


@pytest.mark.parametrize("issued", ["access_token", "jwt"])
def test_an_exchange_that_brings_access_is_good(issued: str) -> None:
    """What was issued is of a type that authorizes requests (RFC 8693, 3)."""
    reply = told(f'{TOKEN}, "issued_token_type": "urn:ietf:params:oauth:token-type:{issued}"}}')
    assert read_exchanged(reply) == read_token_answer(reply)
    assert isinstance(read_exchanged(reply), TokenSet)


@pytest.mark.parametrize(
    "members",
    [
        "",
        ', "issued_token_type": "urn:ietf:params:oauth:token-type:refresh_token"',
        ', "issued_token_type": "urn:ietf:params:oauth:token-type:jwt", "token_type": "N_A"',
    ],
    ids=["of no type", "of another type", "of no use"],
)
def test_an_exchange_for_anything_else_was_asked_wrongly(members: str) -> None:
    """Such a token would be sent where it grants nothing, or means something else."""
    assert read_exchanged(told(f"{TOKEN}{members}}}", 201)) == NoTokens(Fault.REQUEST, 201)


def test_an_exchange_that_is_refused_is_told_as_any_refusal() -> None:
    """The error of an exchange means what it means elsewhere."""
    reply = told('{"error": "invalid_grant"}', 400)
    assert read_exchanged(reply) == NoTokens(Fault.GRANT, 400, "invalid_grant")


def test_what_came_is_in_no_repr() -> None:
    """Neither a reply nor its tokens show themselves."""
    reply = told('{"access_token": "hunter2", "refresh_token": "hunter2", "id_token": "hunter2"}')
    assert "hunter2" not in repr(reply) + repr(read_token_answer(reply))
