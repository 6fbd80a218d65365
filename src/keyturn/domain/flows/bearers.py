"""Access tokens that open a flow's endpoint (RFC 6750, RFC 9068).

Decides what a flow may ask of a token, and by a table of claims which tokens are good for it. Who
issued a token is proved elsewhere; a key that it is bound to, `possession` knows.
"""

import json
import math
import re
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from keyturn.domain.errors import CallerError
from keyturn.domain.flows.definition import Start
from keyturn.domain.flows.values import Value
from keyturn.domain.oauth.provider import URL

INVOKE: Final = "okta.workflows.invoke.manage"
"""The scope by which Okta's flows are invoked."""
SKEW_S: Final = 60
TOKEN_MAX: Final = 16_384
TIME_MAX: Final = 1e15
TYPES: Final = ("at+jwt", "application/okta-internal-at+jwt", "JWT", "")
"""What a token may say of its type: as RFC 9068 has it, as Okta has it, and nothing in particular.

Okta's custom authorization servers say nothing; what is none for access lacks the scope.
"""
KEYS: Final = ("issuer", "audience", "scope", "clients", "jwks", "registration", "types")
SCOPES: Final = re.compile(r"[!#-\[\]-~]+( [!#-\[\]-~]+)*")
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""RFC 6750, 2.1."""


class Fault(StrEnum):
    """Why a request to an endpoint is refused; those that OAuth knows are called as it does."""

    CLIENT_TOKEN = "client_token"
    """The client token is missing, or another."""
    NO_TOKEN = "no_token"
    INVALID_REQUEST = "invalid_request"
    INVALID_TOKEN = "invalid_token"
    INVALID_PROOF = "invalid_dpop_proof"
    SCOPE = "insufficient_scope"
    CLIENT = "access_denied"
    """The token is good, and its client is not one of those that may."""


class TokenRefused(CallerError):
    """A request does not open the endpoint; the text says why and repeats nothing of it.

    ``scheme`` is that by which the token came, ``scope`` what the endpoint asks for.
    """

    def __init__(self, fault: Fault, why: str, *, scheme: str = "Bearer", scope: str = "") -> None:
        self.fault, self.scheme, self.scope = fault, scheme, scope
        super().__init__(why)


@dataclass(frozen=True)
class BearerRules:
    """What a flow asks of a token.

    ``audiences`` are those of which one has to be named; ``scope`` may be several, all of them;
    ``clients`` are those that may, all where there are none. The issuer's keys are where ``jwks``
    says, or else its metadata; with a ``registration``, by its name, the issuer itself is asked.
    """

    issuer: str = ""
    audiences: tuple[str, ...] = ()
    scope: str = INVOKE
    clients: tuple[str, ...] = ()
    jwks: str = ""
    registration: str = ""
    types: tuple[str, ...] = TYPES


@dataclass(frozen=True)
class Shown:
    """A token of which the issuer stands proved: what it says, by itself or as its issuer told.

    ``type`` is that of its header, None where the issuer told.
    """

    claims: Mapping[str, object]
    type: str | None = None

    @property
    def client(self) -> str:
        """Return the client that it was issued to; Okta says ``cid``."""
        found = self.claims.get("cid", self.claims.get("client_id"))
        return found if isinstance(found, str) else ""

    @property
    def scopes(self) -> frozenset[str]:
        """Return what it was granted; Okta lists it in ``scp``."""
        found = self.claims.get("scp", self.claims.get("scope"))
        listed = found.split(" ") if isinstance(found, str) else found
        return frozenset(_texts(listed))

    def seconds(self, name: str) -> float | None:
        """Return a time; NaN, which no comparison holds for, for what is none."""
        match self.claims.get(name):
            case None:
                return None
            case int() | float() as found if not isinstance(found, bool) and abs(found) < TIME_MAX:
                return float(found)
            case _:
                return math.nan


# --- what a flow's file says ----------------------------------------------------------------------


def rules_of(start: Start) -> BearerRules:
    """Return what an endpoint asks of tokens; its file was found to be good."""
    told = start.settings.get("oauth")
    given = told if isinstance(told, dict) else {}
    issuer, scope = given.get("issuer"), given.get("scope")
    jwks, registration = given.get("jwks"), given.get("registration")
    return BearerRules(
        issuer=issuer if isinstance(issuer, str) else "",
        audiences=_listed(given.get("audience")),
        scope=scope if isinstance(scope, str) else INVOKE,
        clients=_listed(given.get("clients")),
        jwks=jwks if isinstance(jwks, str) else "",
        registration=registration if isinstance(registration, str) else "",
        types=_listed(given["types"]) if "types" in given else TYPES,
    )


def problems_of(told: Value) -> Iterator[str]:
    """Give what is wrong with the settings ``oauth`` of a start."""
    if not isinstance(told, dict):
        yield f"oauth must be there, with some of {', '.join(KEYS)}"
        return
    yield from (f"{name} is nothing that oauth knows" for name in told if name not in KEYS)
    yield from (f"{name} {rule}" for name, rule in RULES.items() if not _keeps(told, name))
    if "issuer" not in told and "registration" not in told:
        yield "needs an issuer whose keys prove a token, or a registration that asks about it"
    if "registration" not in told and "audience" not in told:
        yield "audience must be there: the issuer gives tokens for others as well"
    if "registration" in told and ("jwks" in told or "types" in told):
        yield "jwks and types are for tokens that are looked at here: leave them or registration"


RULES: Final = {
    "issuer": "must be https://HOST or https://HOST/PATH, as its tokens name it",
    "jwks": "must be the address of a set of keys",
    "scope": "must be scopes with single blanks between them",
    "registration": "must be the name of a client registration of the folder",
    "audience": "must be a text, or a list of texts",
    "clients": "must be a list of client ids",
    "types": "must be a list of texts",
}


def _keeps(told: dict[str, Value], name: str) -> bool:
    if name not in told:
        return True
    value = told[name]
    match name:
        case "issuer" | "jwks":
            return isinstance(value, str) and re.fullmatch(URL, value) is not None
        case "scope":
            return isinstance(value, str) and SCOPES.fullmatch(value) is not None
        case "registration":
            return isinstance(value, str) and bool(value)
        case "audience" if isinstance(value, str):
            return bool(value)
        case _:
            return isinstance(value, list) and 0 < len(value) == len(_listed(value))


# --- what a token says ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Check:
    """One row of the table: what has to hold of a token, and what is said where it does not."""

    claim: str
    holds: Callable[[Shown, BearerRules, float], bool]
    why: str
    fault: Fault = Fault.INVALID_TOKEN


CHECKS: Final = (
    Check("typ", lambda it, rules, _: it.type is None or _is_type(it.type, rules), "type"),
    Check("iss", lambda it, rules, _: _is_of(it, rules.issuer), "issuer"),
    Check("aud", lambda it, rules, _: bool(_audiences(it) & {*rules.audiences}), "audience"),
    Check("exp", lambda it, _, now: _lasts(it, now), "end: it has expired"),
    Check("nbf", lambda it, _, now: _began(it.seconds("nbf"), now), "beginning"),
    Check("iat", lambda it, _, now: _began(it.seconds("iat"), now), "time of issue"),
    Check("scp", lambda it, rules, _: {*rules.scope.split()} <= it.scopes, "scope", Fault.SCOPE),
    Check("cid", lambda it, rules, _: _may(it.client, rules), "client", Fault.CLIENT),
)
"""In this order: what RFC 9068, 4 wants of a token before what it may be used for."""


def require_good(shown: Shown, rules: BearerRules, now: datetime, *, scheme: str) -> None:
    """Raise TokenRefused by the first row of the table that does not hold."""
    for check in CHECKS:
        if not check.holds(shown, rules, now.timestamp()):
            why = f"The access token is not good here by its {check.why}."
            raise TokenRefused(check.fault, why, scheme=scheme, scope=rules.scope)


def _is_type(told: str, rules: BearerRules) -> bool:
    """Compare media types, in which ``application/`` may be left out (RFC 7515, 4.1.9)."""
    return _media(told) in {_media(each) for each in rules.types}


def _media(told: str) -> str:
    return told.lower().removeprefix("application/")


def _is_of(it: Shown, issuer: str) -> bool:
    found = it.claims.get("iss")
    if it.type is None and (found is None or not issuer):
        return True  # the issuer itself told, and need not say who it is (RFC 7662, 2.2)
    return bool(issuer) and found == issuer


def _audiences(it: Shown) -> set[str]:
    found = it.claims.get("aud")
    return {found} if isinstance(found, str) else {*_texts(found)}


def _lasts(it: Shown, now_s: float) -> bool:
    ends = it.seconds("exp")
    if ends is None:
        return it.type is None
    return now_s < ends + SKEW_S


def _began(since_s: float | None, now_s: float) -> bool:
    return since_s is None or since_s <= now_s + SKEW_S


def _may(client: str, rules: BearerRules) -> bool:
    return not rules.clients or client in rules.clients


# --- how a token is written -----------------------------------------------------------------------


def read_token(authorization: tuple[str, ...]) -> tuple[str, str]:
    """Return scheme and token of a request's header ``Authorization``, of which there may be one.

    Raises TokenRefused: RFC 6750, 3.1 tells no token from one that is not written as it must be.
    """
    if not authorization:
        raise TokenRefused(Fault.NO_TOKEN, "There is no access token.")
    kind, _, rest = authorization[0].strip().partition(" ")
    scheme = {"bearer": "Bearer", "dpop": "DPoP"}.get(kind.lower())
    if scheme is None and len(authorization) == 1:
        raise TokenRefused(Fault.NO_TOKEN, "There is no access token.")
    token = rest.strip()
    if len(authorization) > 1 or not _TOKEN.fullmatch(token) or len(token) > TOKEN_MAX:
        why = "The header Authorization must be one, of a scheme, a blank and a token."
        raise TokenRefused(Fault.INVALID_REQUEST, why, scheme=scheme or "Bearer")
    return scheme or "Bearer", token


def read_jwt(token: str) -> tuple[Mapping[str, object], Mapping[str, object]] | None:
    """Return header and claims of a JWT, proved by nothing; None for what is none (RFC 7519)."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    header, claims = _object(parts[0]), _object(parts[1])
    return None if header is None or claims is None else (header, claims)


def _object(part: str) -> Mapping[str, object] | None:
    try:
        told = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def _texts(told: object) -> Iterator[str]:
    yield from (each for each in told if isinstance(each, str)) if isinstance(told, list) else ()


def _listed(told: Value) -> tuple[str, ...]:
    return (told,) if isinstance(told, str) else tuple(_texts(told))
