"""What proves a client secret: which questions are asked, and what their answers tell."""

from dataclasses import replace

import pytest

from keyturn.domain.oauth.answers import Reply
from keyturn.domain.oauth.ladder import REQUESTS, Rung, rungs, verdict
from keyturn.domain.oauth.provider import ClientAuth, Endpoints, Provider, RequestType

WHOLE = Provider(
    Endpoints(token="https://a/t", revocation="https://a/r", introspection="https://a/i")
)
INACTIVE = '{"active": false}'
TOKENS = '{"access_token": "a"}'


def test_the_most_harmless_question_comes_first() -> None:
    """Only a client that mints tokens anyway is asked to mint one."""
    assert rungs(WHOLE, mints=True) == tuple(Rung)
    assert rungs(WHOLE, mints=False) == (Rung.INTROSPECT, Rung.REVOKE, Rung.REFRESH)
    assert {rung.name: request.name for rung, request in REQUESTS.items()} == {
        "INTROSPECT": "INTROSPECT",
        "REVOKE": "REVOKE",
        "REFRESH": "REFRESH",
        "MINT": "CLIENT_CREDENTIALS",
    }


@pytest.mark.parametrize(
    ("endpoints", "expected"),
    [
        (Endpoints(), ()),
        (Endpoints(introspection="https://a/i"), (Rung.INTROSPECT,)),
        (Endpoints(revocation="https://a/r"), (Rung.REVOKE,)),
        (Endpoints(refresh="https://a/f"), (Rung.REFRESH,)),
        (Endpoints(token="https://a/t"), (Rung.REFRESH, Rung.MINT)),
        (Endpoints(authorization="https://a/a", userinfo="https://a/u"), ()),
    ],
)
def test_what_a_server_does_not_have_is_not_asked(
    endpoints: Endpoints, expected: tuple[Rung, ...]
) -> None:
    """Each rung needs an endpoint of its own."""
    assert rungs(Provider(endpoints), mints=True) == expected


def test_a_question_that_needs_no_secret_proves_none() -> None:
    """Where a server asks for no authentication, its answer tells nothing of the secret."""
    public = replace(WHOLE, auth_on=((RequestType.REVOKE, ClientAuth.NONE),))
    assert rungs(public, mints=False) == (Rung.INTROSPECT, Rung.REFRESH)
    assert rungs(replace(WHOLE, auth=ClientAuth.NONE), mints=True) == ()


# For introspection, revocation, refresh and minting: + accepted, - rejected, . nothing told.
TABLE = [
    (200, INACTIVE, "++.."),
    (200, '{"active": true}', ".+.."),
    (200, '{"active": "false"}', ".+.."),
    (200, '{"active": 0}', ".+.."),
    (200, "", ".+.."),
    (200, "{}", ".+.."),
    (200, " \n<html>Sign in</html>", "...."),
    (200, TOKENS, "++++"),
    (201, INACTIVE, "...."),
    (204, "", "...."),
    (302, "", "...."),
    (400, "", "...."),
    (400, INACTIVE, "...."),
    (400, '{"error": "invalid_client"}', "----"),
    (401, '{"error": "invalid_client"}', "----"),
    (200, '{"error": "invalid_client_secret"}', "----"),
    (400, '{"error": "invalid_grant"}', "..+."),
    (400, '{"error": "bad_refresh_token"}', "..+."),
    (401, '{"error": "invalid_grant"}', "--+."),
    (400, '{"error": "invalid_scope"}', "...+"),
    (400, '{"error": "unauthorized_client"}', "...."),
    (400, '{"error": "unsupported_token_type"}', "...."),
    (400, '{"error": "invalid_request"}', "...."),
    (401, "", "--.."),
    (401, INACTIVE, "--.."),
    (403, "", "...."),
    (404, "", "...."),
    (429, "", "...."),
    (500, "<html>", "...."),
    (503, '{"error": "temporarily_unavailable"}', "...."),
    (0, "", "...."),
]


@pytest.mark.parametrize(("status", "body", "signs"), TABLE)
def test_an_answer_accepts_rejects_or_tells_nothing(status: int, body: str, signs: str) -> None:
    """Only an answer that a client gets who has authenticated accepts its secret."""
    meaning = {"+": True, "-": False, ".": None}
    reply = Reply(status, "application/json", body.encode())
    assert [verdict(rung, reply) for rung in Rung] == [meaning[sign] for sign in signs]
