"""Cards on tokens: claims as Okta's cards take them, and what is demanded of a token."""

import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime

import jwt as pyjwt
import pytest
from cards_kit import Workshop, workshop
from echo_kit import pem
from issuer_kit import EC_KEY, jwk
from issuer_kit import pem as public_pem

from keyturn.domain.flows.cards.jwt import CARDS
from keyturn.domain.flows.failures import Failure
from keyturn.domain.flows.reading import FlowRefused
from keyturn.domain.flows.values import MASK

SECRET = "canary-secret-of-at-least-64-bytes-so-that-it-does-for-every-hash"
SIGN = {"key": "{{ secrets.key }}", "algorithm": "HS256"}
NO_TIMES: pyjwt.types.Options = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}


@pytest.fixture
async def it() -> AsyncIterator[Workshop]:
    """Have a secret and a private key that flows may refer to."""
    async with workshop() as made:
        made.secrets |= {"key": SECRET, "private": pem(EC_KEY), "public": public_pem(EC_KEY)}
        yield made


def now_s(it: Workshop) -> int:
    """Return the time in seconds."""
    return int(it.rig.clock.now().timestamp())


def claims(token: str) -> Mapping[str, object]:
    """Return the claims of a token that the secret has signed."""
    told: Mapping[str, object] = pyjwt.decode(
        token, SECRET, ["HS256"], {**NO_TIMES, "verify_aud": False}
    )
    return told


async def sign(it: Workshop, **inputs: object) -> str:
    """Sign a token by the secret."""
    return str((await it.given("jwt.sign", **{**SIGN, **inputs}))["token"])  # type: ignore[arg-type]


async def verify_fails(it: Workshop, token: str, **inputs: object) -> str:
    """Return why a token is not taken."""
    end = await it.walk(
        {"card": "jwt.verify", "with": {"token": "{{ start.token }}", **SIGN, **inputs}},
        given={"token": token},
    )
    assert end.failure
    assert end.failure.kind in {Failure.INPUT, Failure.PARSE}
    assert SECRET not in end.failure.message
    return end.failure.message


async def test_every_input_is_a_claim(it: Workshop) -> None:
    """Beside those of the payload; times are counted from now."""
    token = await sign(
        it,
        payload={"role": "r"},
        audience=["a", "b"],
        issuer="i",
        subject="s",
        jwtid="j",
        expires_in=300,
        not_before=10,
        header={"kid": "k"},
    )
    at = now_s(it)
    assert claims(token) == {
        "role": "r",
        "iat": at,
        "aud": ["a", "b"],
        "iss": "i",
        "sub": "s",
        "jti": "j",
        "exp": at + 300,
        "nbf": at + 10,
    }
    assert pyjwt.get_unverified_header(token) == {"typ": "JWT", "kid": "k", "alg": "HS256"}


async def test_a_time_stamp_can_be_left_out_or_given(it: Workshop) -> None:
    """It is there unless the flow wants it otherwise."""
    assert claims(await sign(it, no_timestamp=True)) == {}
    assert claims(await sign(it, payload={"iat": 5})) == {"iat": 5}
    assert claims(await sign(it)) == {"iat": now_s(it)}


@pytest.mark.parametrize(
    "inputs",
    [
        {"payload": {"exp": 1}, "expires_in": 5},
        {"payload": {"aud": "a"}, "audience": "b"},
        {"audience": 7},
        {"audience": ["a", 7]},
        {"expires_in": 1.5},
        {"expires_in": -1},
        {"header": {"alg": "none"}},
        {"header": {"crit": ["exp"]}},
        {"header": {"b64": False}},
        {"algorithm": "RS256"},
    ],
    ids=range(10),
)
async def test_what_is_no_token_is_not_signed(it: Workshop, inputs: dict[str, object]) -> None:
    """A claim that is told twice is a mistake, and the header says nothing of how it is signed."""
    failure = await it.failed("jwt.sign", **{**SIGN, **inputs})  # type: ignore[arg-type]  # inputs
    assert failure.kind is Failure.INPUT
    assert SECRET not in failure.message


async def test_a_key_stands_in_no_file(it: Workshop) -> None:
    """Nor does a card without an algorithm."""
    with pytest.raises(FlowRefused, match="reference to a secret"):
        await it.walk({"card": "jwt.sign", "with": {"key": SECRET, "algorithm": "HS256"}})
    with pytest.raises(FlowRefused, match="algorithm"):
        await it.walk({"card": "jwt.sign", "with": {"key": "{{ secrets.key }}"}})
    with pytest.raises(FlowRefused, match="one of"):
        await it.walk({"card": "jwt.sign", "with": {**SIGN, "algorithm": "none"}})


async def test_neither_key_nor_token_is_in_the_history(it: Workshop) -> None:
    """The token opens something as well."""
    outputs = await it.outputs("jwt.sign", **SIGN)
    assert outputs.view == {"token": MASK}
    assert isinstance(outputs.value, dict)
    told = json.dumps([[step.inputs, step.outputs] for step in it.steps])
    assert SECRET not in told
    assert str(outputs.value["token"]) not in told


async def test_a_token_is_verified(it: Workshop) -> None:
    """Signature, times, and whom it names."""
    token = await sign(it, audience="me", issuer="i", subject="s", expires_in=60)
    given = {"token": token, **SIGN, "audience": ["me", "x"], "issuer": "i", "subject": "s"}
    outputs = await it.outputs("jwt.verify", **given)  # type: ignore[arg-type]  # inputs
    assert outputs.value is outputs.view or outputs.value == outputs.view
    assert isinstance(outputs.value, dict)
    assert outputs.value["header"] == {"typ": "JWT", "alg": "HS256"}
    assert outputs.value["payload"] == claims(token)


@pytest.mark.parametrize(
    ("signed", "demanded", "why"),
    [
        ({"issuer": "i"}, {"issuer": "j"}, "another iss"),
        ({}, {"issuer": "j"}, "another iss"),
        ({"subject": "s"}, {"subject": "t"}, "another sub"),
        ({"audience": "a"}, {"audience": "b"}, "another aud"),
        ({"audience": ["a", "b"]}, {"audience": ["c"]}, "another aud"),
        ({}, {"audience": "b"}, "another aud"),
        ({"not_before": 60}, {}, "not valid yet"),
        ({"not_before": 61}, {"skew": 60}, "not valid yet"),
        ({"expires_in": 0}, {}, "expired"),
        ({"payload": {"exp": "soon"}}, {}, "exp that is no number"),
        ({"payload": {"nbf": True}}, {}, "nbf that is no number"),
        ({}, {"algorithm": "HS512"}, "not signed by HS512"),
        ({}, {"skew": 61}, "skew"),
        ({}, {"skew": -1}, "skew"),
    ],
    ids=range(14),
)
async def test_a_token_that_is_not_what_is_demanded(
    it: Workshop, signed: dict[str, object], demanded: dict[str, object], why: str
) -> None:
    """The failure says which demand it does not meet, and quotes nothing."""
    assert why in await verify_fails(it, await sign(it, **signed), **demanded)


async def test_clocks_may_differ_by_a_little(it: Workshop) -> None:
    """As far as the flow allows, and no second more."""
    token = await sign(it, expires_in=10)
    it.rig.clock.advance(39)
    await it.given("jwt.verify", token=token, **SIGN, skew=30)
    it.rig.clock.advance(1)
    assert "expired" in await verify_fails(it, token, skew=30)


@pytest.mark.parametrize(
    "token", ["", "a.b", "a.b.c.d", "e30.e30", "!.!.!", "W10.W10.x", "1" * 300_000]
)
async def test_what_is_no_token(it: Workshop, token: str) -> None:
    """It is neither verified nor read."""
    assert "JSON Web Token" in await verify_fails(it, token)
    end = await it.walk(
        {"card": "jwt.decode", "with": {"token": "{{ start.token }}"}}, given={"token": token}
    )
    assert end.failure
    assert end.failure.kind is Failure.PARSE


async def test_a_set_of_keys_as_a_service_gives_it(it: Workshop) -> None:
    """What `api.get` has read of an issuer's keys is a key."""
    token = await sign(it, key="{{ secrets.private }}", algorithm="ES256")
    end = await it.walk(
        {
            "card": "jwt.verify",
            "with": {"token": token, "key": "{{ start.keys }}", "algorithm": "ES256"},
        },
        given={"keys": {"keys": [jwk(EC_KEY)]}},  # type: ignore[dict-item]  # JSON
    )
    assert end.failure is None


async def test_a_token_that_is_hidden_stays_so(it: Workshop) -> None:
    """What it says is hidden with it."""
    end = await it.walk(
        {"card": "jwt.sign", "with": {**SIGN, "subject": "canary-subject"}},
        {"card": "jwt.verify", "with": {"token": "{{ c1.token }}", **SIGN}},
        {"card": "jwt.decode", "with": {"token": "{{ c1.token }}"}},
        {"card": "flow.return", "with": {"a": "{{ c2.payload.sub }}", "b": "{{ c3.payload.sub }}"}},
    )
    assert end.response.body.value == {"a": "canary-subject", "b": "canary-subject"}
    assert end.response.body.view == {"a": MASK, "b": MASK}


async def test_what_is_only_read_is_not_verified(it: Workshop) -> None:
    """The card says so in its outputs, whoever signed."""
    token = pyjwt.encode({"sub": "una", "exp": datetime(2000, 1, 1, tzinfo=UTC)}, "x" * 32, "HS256")
    told = await it.given("jwt.decode", token=token)
    assert (told["payload"]["sub"], told["verified"]) == ("una", False)
    (decode,) = [card for card in CARDS if card.name == "jwt.decode"]
    assert "proved" in decode.doc
