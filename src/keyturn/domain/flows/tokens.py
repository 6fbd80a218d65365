"""JSON Web Tokens as cards have them: which claims are written, and which are demanded.

Decides on claims alone (RFC 7519, 4.1); what a signature proves, a port tells. The inputs are those
of Okta's cards.
"""

import json
from base64 import urlsafe_b64decode
from binascii import Error as NoBase64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from keyturn.domain.flows.failures import CardFailure, Failure, wrong_input
from keyturn.domain.flows.requests import is_deep, require_size
from keyturn.domain.flows.values import Value, parse_json

ALGORITHMS: Final = (
    *("HS256", "HS384", "HS512"),
    *("RS256", "RS384", "RS512"),
    *("PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512"),
    "EdDSA",
)
"""Never ``none`` (RFC 8725, 3.1)."""
TOKEN_MAX: Final = 256 * 1024
SKEW_MAX_S: Final = 60
LIFETIME_MAX_S: Final = 10 * 365 * 86_400


@dataclass(frozen=True)
class Token:
    """What a token says, proved by nothing."""

    header: dict[str, Value]
    payload: dict[str, Value] = field(repr=False)


def read_token(text: str) -> Token:
    """Read a token in compact form (RFC 7515, 7.1). Raises CardFailure."""
    parts = text.strip().split(".") if len(text) <= TOKEN_MAX else []
    if len(parts) != 3:
        raise _no_token()
    return Token(_object(parts[0]), _object(parts[1]))


def _object(part: str) -> dict[str, Value]:
    try:
        value = parse_json(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, NoBase64, RecursionError):
        raise _no_token() from None
    if not isinstance(value, dict) or is_deep(value):
        raise _no_token()
    return value


def _no_token() -> CardFailure:
    rule = f"three parts in base64url, of {TOKEN_MAX:,} characters at most"
    return CardFailure(Failure.PARSE, f"token: must be a JSON Web Token: {rule}")


# --- written --------------------------------------------------------------------------------------


def header_of(inputs: Mapping[str, Value]) -> dict[str, Value]:
    """Return the header of a token that is to be signed. Raises CardFailure."""
    given = inputs.get("header") or {}
    require_size("header", given, TOKEN_MAX)
    if not isinstance(given, dict) or given.keys() & {"alg", "crit", "b64"}:
        raise wrong_input("header", "must have no alg, which is an input of its own, crit or b64")
    return {"typ": "JWT", **given}


def payload_of(inputs: Mapping[str, Value], now_s: int) -> dict[str, Value]:
    """Return the claims of a token that is to be signed. Raises CardFailure.

    A claim is either in the payload or told by an input of its own, never both.
    """
    given = inputs.get("payload")
    payload = given if isinstance(given, dict) else {}
    require_size("payload", payload, TOKEN_MAX)
    claims: dict[str, Value] = {
        "aud": _audience(inputs.get("audience")),
        "iss": inputs.get("issuer"),
        "sub": inputs.get("subject"),
        "jti": inputs.get("jwtid"),
        "exp": _moment(inputs, "expires_in", now_s),
        "nbf": _moment(inputs, "not_before", now_s),
    }
    told = {name: value for name, value in claims.items() if value is not None}
    twice = sorted(told.keys() & payload.keys())
    if twice:
        raise wrong_input("payload", f"must not have {', '.join(twice)} beside the input for it")
    stamp = {} if inputs.get("no_timestamp") or "iat" in payload else {"iat": now_s}
    return {**payload, **stamp, **told}


def _moment(inputs: Mapping[str, Value], name: str, now_s: int) -> Value:
    after = inputs.get(name)
    if after is None:
        return None
    whole = isinstance(after, int) and not isinstance(after, bool)
    if not whole or not 0 <= int(str(after)) <= LIFETIME_MAX_S:
        raise wrong_input(name, "must be whole seconds from now")
    return now_s + int(str(after))


def _audience(told: Value) -> Value:
    texts = told if isinstance(told, list) else [told]
    if told is not None and not all(isinstance(each, str) for each in texts):
        raise wrong_input("audience", "must be a text, or a list of texts")
    return told


# --- demanded -------------------------------------------------------------------------------------


def check_claims(token: Token, inputs: Mapping[str, Value], now_s: float) -> None:
    """Raise CardFailure for a token that is not of its time, or not what is demanded of it."""
    claims, skew = token.payload, inputs.get("skew")
    skew_s = skew if isinstance(skew, int | float) else 0
    if not 0 <= skew_s <= SKEW_MAX_S:
        raise wrong_input("skew", f"must be from 0 to {SKEW_MAX_S} seconds")
    ends, begins = _seconds(claims, "exp"), _seconds(claims, "nbf")
    if ends is not None and now_s >= ends + skew_s:
        raise _refused("has expired")
    if begins is not None and now_s < begins - skew_s:
        raise _refused("is not valid yet")
    for name, claim in (("issuer", "iss"), ("subject", "sub")):
        if inputs.get(name) is not None and claims.get(claim) != inputs[name]:
            raise _refused(f"has another {claim}, or none")
    _check_audience(claims.get("aud"), inputs.get("audience"))


def _check_audience(told: Value, wanted: Value) -> None:
    if _audience(wanted) is None:
        return
    named = told if isinstance(told, list) else [told]
    accepted = wanted if isinstance(wanted, list) else [wanted]
    if not any(each in accepted for each in named if isinstance(each, str)):
        raise _refused("has another aud, or none")


def _seconds(claims: Mapping[str, Value], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise _refused(f"has an {name} that is no number")


def _refused(why: str) -> CardFailure:
    return CardFailure(Failure.INPUT, f"token: {why}")
