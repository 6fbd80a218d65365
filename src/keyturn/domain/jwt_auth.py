"""Workloads that prove who they are by a JWT of an issuer that an identity trusts.

Decides on the claims of a token whose signature has been proved, as OpenID Connect Core, 3.1.3.7
and RFC 7519, 4.1 have it, and on what an identity may ask for. An identity that asks for nothing
lets nobody in. Knows neither keys nor how they are fetched.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from keyturn.domain.errors import FieldProblem, InvalidInput, Unauthenticated
from keyturn.domain.identity import AuthMethod, TokenRules
from keyturn.domain.ids import IdentityId

LEEWAY = timedelta(seconds=30)
CHECKS_MAX = 50
TEXT_MAX = 255
PEM_MAX = 8192
NUMBER_MAX = 2**53


@dataclass(frozen=True)
class KeySource:
    """Where the public keys of an issuer are: exactly one of three.

    ``discovery_url`` is an issuer's (OpenID Connect Discovery), ``jwks_url`` leads to a set of keys
    (RFC 7517), ``public_keys`` are PEM.
    """

    issuer: str
    discovery_url: str = ""
    jwks_url: str = ""
    public_keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class JwtAuth:
    """Which JWTs prove an identity.

    ``audiences`` are those of which one has to be named, ``subject`` is a pattern, and ``claims``
    are pairs of a claim and a value that it may have, one after the other. In a pattern ``*``
    stands for any text.
    """

    identity_id: IdentityId
    method: AuthMethod
    keys: KeySource
    created_at: datetime
    audiences: tuple[str, ...] = ()
    subject: str = ""
    claims: tuple[str, ...] = ()
    tokens: TokenRules = field(default_factory=TokenRules)

    @property
    def table(self) -> Mapping[str, Sequence[str]]:
        """Return the values that each claim may have."""
        allowed: dict[str, list[str]] = {}
        for claim, value in zip(self.claims[::2], self.claims[1::2], strict=True):
            allowed.setdefault(claim, []).append(value)
        return allowed

    def require(self, claims: Mapping[str, object], now: datetime) -> None:
        """Raise Unauthenticated with what does not fit of a token whose signature was proved."""
        # (1) there is something to check at all
        if not (self.keys.issuer and (self.audiences or self.subject or self.claims)):
            raise Unauthenticated("The identity asks for nothing of a JWT, so none is accepted.")
        # (2) it is the issuer's
        if claims.get("iss") != self.keys.issuer:
            raise _unfit("iss")
        # (3) it is of now
        _require_now(claims, now)
        # (4) it is meant for this server
        if self.audiences and not set(_texts(claims.get("aud"))) & set(self.audiences):
            raise _unfit("aud")
        # (5) it is of this workload
        if self.subject and not _fits(self.subject, claims.get("sub")):
            raise _unfit("sub")
        # (6) it says what is asked of it besides
        for claim, allowed in self.table.items():
            if not any(
                _fits(pattern, found) for found in _at(claims, claim) for pattern in allowed
            ):
                raise _unfit(claim)


def checked_source(source: KeySource) -> KeySource:
    """Return a source of keys. Raises InvalidInput for none, or several, or without an issuer."""
    given = [bool(source.discovery_url), bool(source.jwks_url), bool(source.public_keys)]
    if given.count(True) != 1:
        raise _invalid("keys", "must be a discovery URL, a JWKS URL, or public keys: one of them")
    if not 0 < len(source.issuer) <= TEXT_MAX:
        raise _invalid("boundIssuer", f"must be 1 to {TEXT_MAX} characters")
    if (
        len(source.public_keys) > CHECKS_MAX
        or max(map(len, source.public_keys), default=0) > PEM_MAX
    ):
        raise _invalid("publicKeys", f"must be at most {CHECKS_MAX} keys")
    return source


def checked_checks(auth: JwtAuth) -> JwtAuth:
    """Return what is asked of JWTs. Raises InvalidInput for nothing, or too much."""
    if not (auth.audiences or auth.subject or auth.claims):
        rule = "must not all be empty: audiences, subject and claims say which workload it is"
        raise _invalid("boundSubject", rule)
    texts = (*auth.audiences, auth.subject, *auth.claims)
    if len(texts) > CHECKS_MAX * 2 or max(map(len, texts)) > TEXT_MAX:
        raise _invalid("boundClaims", f"must be at most {CHECKS_MAX}, of {TEXT_MAX} characters")
    if not all((*auth.audiences, *auth.claims)):
        raise _invalid("boundClaims", "must not have empty names or values")
    return auth


def _require_now(claims: Mapping[str, object], now: datetime) -> None:
    """Raise Unauthenticated for a token of another time, or of none (RFC 7519, 4.1.4 to 4.1.6)."""
    seconds, leeway = now.timestamp(), LEEWAY.total_seconds()
    expires, begins = _number(claims, "exp"), _number(claims, "nbf")
    issued = _number(claims, "iat")
    if expires is None or seconds >= expires + leeway:
        raise Unauthenticated("The JWT has expired, or does not say when it does.")
    if max(begins or 0, issued or 0) > seconds + leeway:
        raise Unauthenticated("The JWT is of the future: the clocks differ.")


def _number(claims: Mapping[str, object], name: str) -> float | None:
    found = claims.get(name)
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise _unfit(name)
    if not abs(found) < NUMBER_MAX:  # neither endless nor no number at all (NaN)
        raise _unfit(name)
    return float(found)


def _at(claims: Mapping[str, object], claim: str) -> Iterable[object]:
    """Return the values of a claim: by its name, or by a JSON Pointer into others (RFC 6901)."""
    found: object = claims.get(claim)
    if found is None and claim.startswith("/"):
        found = claims
        for step in claim[1:].split("/"):
            name = step.replace("~1", "/").replace("~0", "~")
            found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, list) else [found]


def _texts(found: object) -> list[str]:
    each = found if isinstance(found, list) else [found]
    return [one for one in each if isinstance(one, str)]


def _fits(pattern: str, found: object) -> bool:
    """Say whether a value is one that a pattern means, in time linear in its length."""
    if isinstance(found, bool):
        return pattern == str(found).lower()
    if not isinstance(found, str | int):
        return False
    text, (first, *others) = str(found), pattern.split("*")
    if not others:
        return text == first
    *middle, last = others
    at = len(first)
    if not text.startswith(first) or len(text) < at + len(last):
        return False
    for part in middle:
        at = text.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return text.endswith(last) and at <= len(text) - len(last)


def _unfit(claim: str) -> Unauthenticated:
    return Unauthenticated(f"The claim {claim} of the JWT is not what the identity asks for.")


def _invalid(name: str, rule: str) -> InvalidInput:
    return InvalidInput(FieldProblem((name,), rule))
