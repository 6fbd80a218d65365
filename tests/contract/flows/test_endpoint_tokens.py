"""Endpoints that OAuth secures, with an org whose tokens open them: what is refused, and how.

The org's own authorization server is asked about its tokens; the keys of a custom one prove its.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import jwt as pyjwt
import pytest
from api_kit import House, problem
from endpoint_kit import (
    BY_ASKING,
    BY_KEYS,
    INVOKE_SCOPE,
    Service,
    echo,
    knock,
    open_endpoints,
    service,
)
from endpoint_kit import CUSTOM as CUSTOM_ISSUER

from keyturn.domain.flows.possession import ALGORITHMS
from keyturn.domain.oauth.provider import RequestType
from keyturn.domain.sensitive import Sensitive
from keyturn.services.doorkeeping import Doorkeeper, Remembered
from keyturn.services.ports import Client

ALGS = f'algs="{" ".join(ALGORITHMS)}"'
BOUND = pytest.mark.parametrize("bound", [False, True], ids=["bearer", "dpop"])
CUSTOM = pytest.mark.parametrize("custom", [False, True], ids=["asked", "by keys"])


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """Give a house whose flows can be invoked, beside an org."""
    async with open_endpoints() as opened:
        yield opened


def secured(*, custom: bool, more: str = "") -> str:
    """Return how a flow is secured by the org's own authorization server, or by a custom one."""
    plain = BY_KEYS if custom else BY_ASKING
    return plain.removesuffix("}") + f"{more}}}"


def scope(*, custom: bool) -> str:
    """Return the scope that flows want."""
    return "invoke" if custom else INVOKE_SCOPE


async def refused(
    house: House, url: str, headers: dict[str, str], **more: object
) -> tuple[int, str, str]:
    """Return status, error and challenge of a refusal, without its words."""
    answer = await knock(house, url, headers, **more)
    token = headers.get("authorization", "").partition(" ")[2]
    assert not token or token not in answer.text
    status, error = problem(answer)
    challenge = answer.headers.get("www-authenticate", "")
    head, mark, rest = challenge.partition('error_description="')
    return status, error, head + mark + rest.partition('"')[2]


def challenged(error: str, *, bound: bool, more: str = "") -> str:
    """Return the challenge of an error in the scheme of the token, without its words."""
    told = f'error="{error}", error_description="{more}'
    return f"DPoP {told}, {ALGS}" if bound else f'Bearer realm="keyturn", {told}, DPoP {ALGS}'


@BOUND
@CUSTOM
async def test_a_good_token_opens_it(house: House, *, bound: bool, custom: bool) -> None:
    """By Bearer, or by DPoP where it is bound to a key; neither it nor a proof comes in."""
    url = await echo(house, secured(custom=custom))
    app = service(house, bound=bound, custom=custom)
    token = await app.token(scope(custom=custom))
    answer = await knock(house, url, app.shown(token, "POST", url) | {"x-a": "1"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["raw"]["headers"]["x-a"] == "1"
    assert token not in answer.text
    assert not {"authorization", "dpop"} & answer.json()["raw"]["headers"].keys()


@CUSTOM
async def test_without_a_token_no_error_is_told(house: House, *, custom: bool) -> None:
    """RFC 6750, 3.1: what is wanted, in both schemes; a token elsewhere is none."""
    url = await echo(house, secured(custom=custom))
    nothing = (401, "no_token", f'Bearer realm="keyturn", DPoP {ALGS}')
    assert await refused(house, url, {}) == nothing
    assert await refused(house, url, {"authorization": "Basic YTpi"}) == nothing
    assert await refused(house, url, {}, params={"access_token": "x"}) == nothing
    assert await refused(house, url, {}, data={"access_token": "x"}) == nothing


@pytest.mark.parametrize("written", ["Bearer", "Bearer a b", "Bearer ä", "Bearer a,b", "DPoP ="])
async def test_what_is_no_token_is_an_invalid_request(house: House, written: str) -> None:
    """400, as RFC 6750, 3.1 has it."""
    url, bound = await echo(house, BY_KEYS), written.startswith("DPoP")
    answer = await knock(house, url, {"authorization": written.encode("latin-1")})  # type: ignore[dict-item]  as it is sent
    assert problem(answer) == (400, "invalid_request")
    told = answer.headers["www-authenticate"]
    assert told.startswith("DPoP error=" if bound else 'Bearer realm="keyturn", error=')


async def test_two_tokens_are_an_invalid_request(house: House) -> None:
    """Neither of two headers counts, and none beside one in the address."""
    url = await echo(house, BY_KEYS)
    twice = [("authorization", "Bearer a"), ("authorization", "Bearer b")]
    answer = await knock(house, url, twice)
    assert problem(answer) == (400, "invalid_request")
    both = await refused(
        house, url, {"authorization": "Bearer one-token"}, params={"access_token": "x"}
    )
    assert both == (400, "invalid_request", challenged("invalid_request", bound=False))
    app = service(house, bound=False, custom=True)
    shown = app.shown(await app.token("invoke"), "POST", url)
    beside = await refused(house, url, shown, data={"access_token": "x"})
    assert beside == both


@BOUND
@CUSTOM
async def test_the_wrong_scope_is_told_with_the_right_one(
    house: House, *, bound: bool, custom: bool
) -> None:
    """403, and the challenge names what is wanted."""
    url = await echo(house, secured(custom=custom))
    app = service(house, bound=bound, custom=custom)
    token = await app.token("other" if custom else "okta.users.read")
    more = f', scope="{scope(custom=custom)}"'
    told = await refused(house, url, app.shown(token, "POST", url))
    want = challenged("insufficient_scope", bound=bound, more=more)
    assert told == (403, "insufficient_scope", want)


@BOUND
@CUSTOM
async def test_an_expired_token_is_invalid(house: House, *, bound: bool, custom: bool) -> None:
    """However it is looked at."""
    url = await echo(house, secured(custom=custom))
    app = service(house, bound=bound, custom=custom)
    token = await app.token(scope(custom=custom))
    house.clock.advance(3600 + 61)
    told = await refused(house, url, app.shown(token, "POST", url))
    assert told == (401, "invalid_token", challenged("invalid_token", bound=bound))


@BOUND
@CUSTOM
async def test_a_tampered_token_is_invalid(house: House, *, bound: bool, custom: bool) -> None:
    """One letter of its signature, or of its claims, is another."""
    url = await echo(house, secured(custom=custom))
    app = service(house, bound=bound, custom=custom)
    token = await app.token(scope(custom=custom))
    for place in (-10, token.index(".") + 20):
        other = "A" if token[place] != "A" else "B"
        changed = token[:place] + other + token[place:][1:]
        told = await refused(house, url, app.shown(changed, "POST", url))
        assert told == (401, "invalid_token", challenged("invalid_token", bound=bound))


@CUSTOM
async def test_a_token_for_somebody_else_is_invalid(house: House, *, custom: bool) -> None:
    """Of another audience, and of another issuer."""
    app = service(house, custom=custom)
    token = await app.token(scope(custom=custom))
    invalid = (401, "invalid_token", challenged("invalid_token", bound=False))
    other = secured(custom=False, more=", audience: elsewhere") if not custom else BY_KEYS
    url = await echo(house, other.replace("api://default", "elsewhere"), "other-audience")
    assert await refused(house, url, app.shown(token, "POST", url)) == invalid
    url = await echo(house, secured(custom=not custom), "other-issuer")
    assert await refused(house, url, app.shown(token, "POST", url)) == invalid


@CUSTOM
async def test_only_the_clients_of_the_list_may(house: House, *, custom: bool) -> None:
    """403 without an error of OAuth's: no other token of this client would do."""
    one, other = (service(house, custom=custom) for _ in range(2))
    more = f", clients: [{one.client_id}]"
    url = await echo(house, secured(custom=custom, more=more))
    token = await one.token(scope(custom=custom))
    assert (await knock(house, url, one.shown(token, "POST", url))).status_code == 200
    token = await other.token(scope(custom=custom))
    assert await refused(house, url, other.shown(token, "POST", url)) == (403, "access_denied", "")


# --- bound to a key -------------------------------------------------------------------------------


@CUSTOM
async def test_a_bound_token_counts_by_its_proof_alone(house: House, *, custom: bool) -> None:
    """RFC 9449, 7.2: shown as Bearer it is refused; and no other key proves it."""
    url = await echo(house, secured(custom=custom))
    one, other = (service(house, bound=True, custom=custom) for _ in range(2))
    token = await one.token(scope(custom=custom))
    plain = await refused(house, url, {"authorization": f"Bearer {token}"})
    assert plain == (401, "invalid_token", challenged("invalid_token", bound=False))
    told = await refused(house, url, other.shown(token, "POST", url))
    assert told == (401, "invalid_token", challenged("invalid_token", bound=True))


@CUSTOM
async def test_a_plain_token_is_no_bound_one(house: House, *, custom: bool) -> None:
    """A proof beside it does not make it one."""
    url = await echo(house, secured(custom=custom))
    plain, bound = service(house, custom=custom), service(house, bound=True, custom=custom)
    token = await plain.token(scope(custom=custom))
    told = await refused(house, url, bound.shown(token, "POST", url))
    assert told == (401, "invalid_token", challenged("invalid_token", bound=True))


async def bound_to(house: House) -> tuple[Service, str, str]:
    """Return an app, a token of it that is bound, and the endpoint that it opens."""
    url, app = await echo(house, BY_ASKING), service(house, bound=True)
    return app, await app.token(INVOKE_SCOPE), url


async def test_a_proof_counts_once(house: House) -> None:
    """Replayed it is refused, as long as it would be good and afterwards."""
    app, token, url = await bound_to(house)
    shown = app.shown(token, "POST", url)
    assert (await knock(house, url, shown)).status_code == 200
    invalid = (401, "invalid_dpop_proof", challenged("invalid_dpop_proof", bound=True))
    for _ in range(3):
        assert await refused(house, url, shown) == invalid
        house.clock.advance(59)


async def test_no_proof_is_forgotten_while_it_would_be_good() -> None:
    """Where no more can be remembered, whoever comes with another has to wait."""
    async with open_endpoints(Doorkeeper(proofs=Remembered(2))) as house:
        app, token, url = await bound_to(house)
        shown = [app.shown(token, "POST", url) for _ in range(3)]
        answers = [await knock(house, url, each) for each in shown]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        house.clock.advance(121)
        again = await knock(house, url, app.shown(token, "POST", url))
        assert again.status_code == 200


async def test_a_refused_request_spends_no_proof(house: House) -> None:
    """Who shows somebody else's proof with a worthless token does not use it up."""
    app, token, url = await bound_to(house)
    shown = app.shown(token, "POST", url)
    worthless = await knock(house, url, shown | {"authorization": "DPoP worthless"})
    assert worthless.status_code == 401
    assert (await knock(house, url, shown)).status_code == 200


def tampered(proof: str) -> str:
    """Return a proof with another signature."""
    told, _, signature = proof.rpartition(".")
    return f"{told}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"


async def test_a_proof_is_of_one_request(house: House) -> None:
    """Of this method, this address, this token and this minute; its query plays no part."""
    app, token, url = await bound_to(house)
    invalid = (401, "invalid_dpop_proof", challenged("invalid_dpop_proof", bound=True))
    for shown in (
        app.shown(token, "GET", url),
        app.shown(token, "POST", url.replace("https:", "http:")),
        app.shown(token, "POST", url + "/x"),
        app.shown(token, "POST", url) | {"dpop": app.prove(token + "x", "POST", url)},
        app.shown(token, "POST", url) | {"dpop": "x"},
        app.shown(token, "POST", url) | {"dpop": tampered(app.prove(token, "POST", url))},
        {"authorization": f"DPoP {token}"},
    ):
        assert await refused(house, url, shown) == invalid
    late = app.shown(token, "POST", url)
    house.clock.advance(61)
    assert await refused(house, url, late) == invalid
    there = app.shown(token, "POST", url + "?a=1#b")
    assert (await knock(house, url, there, params={"a": "2"})).status_code == 200


# --- the issuer is asked --------------------------------------------------------------------------


def asked(house: House) -> int:
    """Count how often the org was asked about a token."""
    told: Any = house.org.requests()
    return sum(each["path"].endswith("/introspect") for each in told["requests"])


async def revoke(house: House, app: Service, token: str) -> None:
    """Have the org revoke a token."""
    endpoints = replace(
        app.provider.endpoints, revocation="https://org.example.com/oauth2/v1/revoke"
    )
    client = Client(app.client_id, replace(app.provider, endpoints=endpoints), app.key)
    reply = await house.world.servers.ask(client, RequestType.REVOKE, {"token": Sensitive(token)})
    assert reply.status == 200


async def test_an_answer_counts_for_a_minute(house: House) -> None:
    """The org is asked once; a token that was revoked is refused a minute later at the latest."""
    url, app = await echo(house, BY_ASKING), service(house)
    token = await app.token(INVOKE_SCOPE)
    before = asked(house)
    for _ in range(3):
        assert (await knock(house, url, app.shown(token, "POST", url))).status_code == 200
    assert asked(house) == before + 1
    await revoke(house, app, token)
    house.clock.advance(60)
    told = await refused(house, url, app.shown(token, "POST", url))
    assert told == (401, "invalid_token", challenged("invalid_token", bound=False))
    assert asked(house) == before + 2


async def test_who_shows_what_nobody_issued_does_not_have_the_org_asked_on_and_on(
    house: House,
) -> None:
    """The same is asked about once a minute, and new ones ten times a second."""
    url, before = await echo(house, BY_ASKING), asked(house)
    for _ in range(5):
        assert (await knock(house, url, {"authorization": "Bearer x"})).status_code == 401
    assert asked(house) == before + 1
    for number in range(20):
        await knock(house, url, {"authorization": f"Bearer {number}"})
    answer = await knock(house, url, {"authorization": "Bearer y"})
    assert (problem(answer), answer.headers["retry-after"]) == ((429, "RateLimitExceeded"), "1")
    assert asked(house) == before + 10


async def test_where_the_org_does_not_tell_it_is_503(house: House) -> None:
    """The token may be good: whoever shows it is told when to come again."""
    url, app = await echo(house, BY_ASKING), service(house)
    token = await app.token(INVOKE_SCOPE)
    (asking,) = (each for each in house.org.apps.values() if each.label == "Persons")
    house.org.deactivate_app(asking.id)
    answer = await knock(house, url, app.shown(token, "POST", url))
    assert (problem(answer), answer.headers["retry-after"]) == ((503, "ServiceUnavailable"), "5")


async def test_where_there_are_no_keys_it_is_503(house: House) -> None:
    """A token that names an issuer which does not answer is not said to be wrong."""
    nowhere = f"{CUSTOM_ISSUER}-nowhere"
    url = await echo(house, BY_KEYS.replace(CUSTOM_ISSUER, nowhere))
    token = pyjwt.encode({"iss": nowhere}, "x" * 32)
    answer = await knock(house, url, {"authorization": f"Bearer {token}"})
    assert (problem(answer), answer.headers["retry-after"]) == ((503, "ServiceUnavailable"), "5")
