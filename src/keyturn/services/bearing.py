"""Access tokens that are shown to an endpoint: proved by their issuer's keys, or by asking it.

What is asked of a token is the domain's to decide (`bearers`, `possession`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

import structlog

from keyturn.domain.errors import (
    AddressRefused,
    FieldProblem,
    InvalidInput,
    IssuerUnreachable,
    NotReady,
    SealBroken,
    TooManyAttempts,
    Unauthenticated,
)
from keyturn.domain.flows.bearers import (
    BearerRules,
    Fault,
    Shown,
    TokenRefused,
    read_jwt,
    read_token,
    require_good,
)
from keyturn.domain.flows.intake import Invocation
from keyturn.domain.flows.possession import (
    WINDOW_S,
    Expected,
    Proof,
    read_proof,
    require_bound,
    wrong_proof,
)
from keyturn.domain.jwt_auth import KeySource
from keyturn.domain.oauth.answers import read_members
from keyturn.domain.oauth.provider import RequestType
from keyturn.domain.oauth.registration import ClientRegistration
from keyturn.domain.project import Place
from keyturn.domain.sensitive import Sensitive
from keyturn.services.clients import open_client, provider_of
from keyturn.services.ports import Members, Reading, World

log = structlog.get_logger(__name__)

TOLD_S: Final = 60.0
"""How long what an issuer told of a token counts: so long a revoked one may be good still."""
ASKED_PER_S: Final = 10.0
"""How many tokens that nobody knows a registration asks about, a second."""
AWAY: Final = "Whoever has to tell about the access token does not answer now."
WRONG: Final = "The access token is not one that its issuer has given, or it was revoked."
NO_BODY: Final = "access_token"
"""A token in the address, or in a form: RFC 6750, 2.2 and 2.3, which are taken nowhere here."""


@dataclass(frozen=True)
class Bearer:
    """A token as it was shown, and what it is to be good for."""

    scheme: str
    token: Sensitive
    rules: BearerRules


async def admit_bearer(world: World, place: Place, rules: BearerRules, asked: Invocation) -> Shown:
    """Return what a good token says, for a flow in a place.

    Raises TokenRefused, TooManyAttempts, and IssuerUnreachable where nobody can tell now.
    """
    # (1) one token, shown in one way
    scheme, token = read_token(asked.header("authorization"))
    require_one(asked)
    bearer = Bearer(scheme, Sensitive(token), rules)
    # (2) its issuer gave it
    bearer, shown = await _prove(world, place, bearer)
    # (3) whoever shows it has the key that it is bound to, if it is
    proof = await _read_proof(world, bearer, asked)
    require_bound(shown, scheme, proof)
    # (4) it is meant for this, and of now
    require_good(shown, bearer.rules, world.clock.now(), scheme=scheme)
    # (5) the proof was never seen before: the last, so that nobody spends another's
    if proof:
        _use_once(world, proof)
    return shown


def require_one(asked: Invocation) -> None:
    """Raise TokenRefused where a token is in the address or in a form too (RFC 6750, 3.1)."""
    scheme, _ = read_token(asked.header("authorization"))
    if asked.parameter(NO_BODY) or NO_BODY in dict(asked.form):
        raise TokenRefused(Fault.INVALID_REQUEST, "There are two access tokens.", scheme=scheme)


async def problem_of(tx: Reading, place: Place, rules: BearerRules) -> FieldProblem | None:
    """Return what a flow of a place that asks this of tokens is lacking around it."""
    if not rules.registration:
        return None
    found = await _find(tx, place, rules)
    if found is None:
        rule = f"there is no client registration {rules.registration} in {place}"
        return FieldProblem(("start", "oauth", "registration"), rule)
    if not provider_of(found).endpoints.introspection:
        rule = "its server cannot be asked about tokens: it has no introspection endpoint"
        return FieldProblem(("start", "oauth", "registration"), rule)
    if not _whole(rules, found).audiences:
        rule = "must be there: the registration does not name its issuer"
        return FieldProblem(("start", "oauth", "audience"), rule)
    return None


def _whole(rules: BearerRules, registration: ClientRegistration) -> BearerRules:
    """Return what is asked of tokens with what a registration says.

    An org's own authorization server gives tokens for itself.
    """
    issuer = rules.issuer or provider_of(registration).issuer
    audiences = rules.audiences or ((issuer,) if issuer else ())
    return replace(rules, issuer=issuer, audiences=audiences)


def keys_of(rules: BearerRules) -> KeySource:
    """Return where the keys of an issuer are."""
    if rules.jwks:
        return KeySource(rules.issuer, jwks_url=rules.jwks)
    return KeySource(rules.issuer, discovery_url=rules.issuer)


async def _prove(world: World, place: Place, bearer: Bearer) -> tuple[Bearer, Shown]:
    if not bearer.rules.registration:
        return bearer, await _verify(world, bearer)
    async with world.store.reading() as tx:
        registration = await _find(tx, place, bearer.rules)
    if registration is None:
        log.warning("not asked about a token", why="the registration is gone")
        raise IssuerUnreachable(AWAY)
    bearer = replace(bearer, rules=_whole(bearer.rules, registration))
    return bearer, Shown(await _told(world, registration, bearer))


async def _find(tx: Reading, place: Place, rules: BearerRules) -> ClientRegistration | None:
    name = rules.registration
    return await tx.find(ClientRegistration, folder_id=place.folder.id, name=name)


def _wrong(bearer: Bearer) -> TokenRefused:
    return TokenRefused(Fault.INVALID_TOKEN, WRONG, scheme=bearer.scheme)


# --- by keys --------------------------------------------------------------------------------------


async def _verify(world: World, bearer: Bearer) -> Shown:
    """Return what a token says that a key of its issuer has signed."""
    read = read_jwt(bearer.token.reveal())
    if read is None or read[1].get("iss") != bearer.rules.issuer:
        raise _wrong(bearer)
    try:
        claims = await world.issuers.verify(bearer.token, keys_of(bearer.rules))
    except Unauthenticated:
        raise _wrong(bearer) from None
    kind = read[0].get("typ", "")
    return Shown(claims, kind if isinstance(kind, str) else "?")


# --- by asking ------------------------------------------------------------------------------------


async def _told(
    world: World, registration: ClientRegistration, bearer: Bearer
) -> Mapping[str, object]:
    """Return what the issuer tells of a token that is good (RFC 7662)."""
    key = registration.id, sha256(bearer.token.reveal().encode()).digest()
    known = world.doors.tokens.find(key, world.clock.uptime_s())
    if known is None:
        about = f"token {key[0]} {key[1].hex()}"
        await world.flights.share(about, lambda: _ask(world, registration, bearer, key))
        known = world.doors.tokens.find(key, world.clock.uptime_s()) or {}
    if known.get("active") is not True:
        raise _wrong(bearer)
    return known


async def _ask(
    world: World, registration: ClientRegistration, bearer: Bearer, key: tuple[str, bytes]
) -> None:
    """Ask, and remember what was told, for no longer than the token lasts."""
    now_s = world.clock.uptime_s()
    wait_s = world.doors.buckets.wait_s(f"ask {registration.id}", ASKED_PER_S, now_s)
    if wait_s:
        why = "Too many tokens that nobody knows are shown at once."
        raise TooManyAttempts(why, retry_after_s=wait_s)
    members: Members = {"token": bearer.token, "token_type_hint": "access_token"}
    try:
        async with world.store.reading() as tx:
            held = await open_client(world, tx, registration)
        reply = await world.servers.ask(held.client, RequestType.INTROSPECT, members)
    except (NotReady, AddressRefused, SealBroken) as error:
        log.warning("not asked about a token", registration=registration.id, why=error.message)
        raise IssuerUnreachable(AWAY) from None
    told = read_members(reply)
    if reply.status != 200 or not isinstance(told.get("active"), bool):
        log.warning("not told about a token", registration=registration.id, status=reply.status)
        raise IssuerUnreachable(AWAY)
    left_s = (Shown(told).seconds("exp") or float("inf")) - world.clock.now().timestamp()
    world.doors.tokens.keep(key, told, now_s + min(TOLD_S, max(left_s, 1.0)))


# --- proofs ---------------------------------------------------------------------------------------


async def _read_proof(world: World, bearer: Bearer, asked: Invocation) -> Proof | None:
    """Return the proof of a request, signed by the key that is in it; None for a plain token."""
    if bearer.scheme != "DPoP":
        return None
    now_s = world.clock.now().timestamp()
    expected = Expected(asked.method, asked.url, bearer.token.reveal(), now_s)
    proof = read_proof(asked.header("dpop"), expected)
    key = Sensitive(json.dumps(dict(proof.key)))
    try:
        await world.signer.verify(Sensitive(proof.text), key, proof.algorithm)
    except InvalidInput:
        raise wrong_proof("it is not signed by the key that is in it") from None
    return proof


def _use_once(world: World, proof: Proof) -> None:
    """Remember a proof as long as it would be good (RFC 9449, 11.1)."""
    now_s, key = world.clock.uptime_s(), (proof.thumbprint, proof.jti)
    if world.doors.proofs.find(key, now_s):
        raise wrong_proof("it was used before")
    if world.doors.proofs.is_full(now_s):
        raise TooManyAttempts("Too many proofs come at once.", retry_after_s=1)
    world.doors.proofs.keep(key, True, now_s + 2 * WINDOW_S)  # noqa: FBT003  what is remembered
