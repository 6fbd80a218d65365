"""DPoP (RFC 9449): the nonce challenge and the checks of a proof, with Okta's texts.

Only apps that were asked for proofs are held to them; a proof from any other is ignored.
"""

from dataclasses import dataclass
from datetime import timedelta

from keyturn.sandbox import errors
from keyturn.sandbox.errors import OAuthError
from keyturn.sandbox.http import Request
from keyturn.sandbox.oauth.jose import (
    ASYMMETRIC,
    Unverified,
    full_hash,
    parse_key,
    read_unverified,
    verify_signature,
)
from keyturn.sandbox.state.org import Org
from keyturn.sandbox.state.records import App
from keyturn.sandbox.state.tokens import AccessToken

MAX_AGE_S = 300


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof whose signature, target and age are good."""

    thumbprint: str
    claims: Unverified


def check_token_request(org: Org, request: Request, app: App) -> str | None:
    """Return the thumbprint to bind the tokens to, None for an app that was not asked.

    Raises OAuthError: proof missing, wrong or used, or the challenge for a nonce.
    """
    if not app.dpop_bound:
        return None
    value = request.headers.get("dpop")
    if value is None:
        raise errors.invalid_dpop_proof("The DPoP proof JWT header is missing.")
    proof = check_proof(org, request, value)
    nonce = proof.claims.text("nonce")
    if nonce is None or not org.tokens.honours_nonce(nonce, org.now()):
        raise OAuthError(
            400,
            "use_dpop_nonce",
            "Authorization server requires nonce in DPoP proof.",
            (nonce_header(org),),
        )
    return proof.thumbprint


def nonce_header(org: Org) -> tuple[str, str]:
    """Return the header with the nonce that is current; a new one after 24 hours."""
    nonce = org.tokens.current_nonce(org.now())
    if nonce is None:
        nonce = org.mint.issue_token(24)
        org.tokens.store_nonce(nonce, org.now())
    return "dpop-nonce", nonce


def check_resource_request(org: Org, request: Request, token: AccessToken, scheme: str) -> None:
    """Raise the OAuthError of an API call whose scheme or proof does not fit its token."""
    if token.thumbprint is None:
        if scheme == "dpop":
            raise OAuthError(401, "invalid_token", "The presented access_token is not DPoP bound.")
        return
    if scheme != "dpop":
        raise errors.invalid_request(
            "The resource request must use the DPoP authentication scheme when using a DPoP "
            "bound token."
        )
    value = request.headers.get("dpop")
    if value is None:
        raise errors.invalid_request("The resource request requires a DPoP proof.")
    proof = check_proof(org, request, value)
    if proof.claims.text("ath") != full_hash(token.value):
        raise errors.invalid_dpop_proof(
            "'ath' claim in the DPoP proof does not match the presented access_token."
        )
    if proof.thumbprint != token.thumbprint:
        raise errors.invalid_dpop_proof("The access_token is not bound to the provided DPoP proof.")


def check_proof(org: Org, request: Request, value: str) -> Proof:
    """Return a good proof; OAuthError names the first check of RFC 9449 section 4.3 that fails."""
    try:
        proof = read_unverified(value)
    except ValueError as error:
        raise errors.invalid_dpop_proof("The DPoP proof JWT cannot be parsed.") from error
    thumbprint = _check_signature(value, proof)
    if proof.text("htm") != request.method:
        raise errors.invalid_dpop_proof("'htm' claim in the DPoP proof JWT is invalid.")
    if proof.text("htu") != request.url:
        raise errors.invalid_dpop_proof("'htu' claim in the DPoP proof JWT is invalid.")
    _check_age(org, proof)
    _check_first_use(org, proof, thumbprint)
    return Proof(thumbprint, proof)


def _check_signature(value: str, proof: Unverified) -> str:
    if proof.header.get("typ") != "dpop+jwt":
        raise errors.invalid_dpop_proof("'typ' must be 'dpop+jwt' in the DPoP proof JWT.")
    algorithm, jwk = proof.header.get("alg"), proof.header.get("jwk")
    if algorithm not in ASYMMETRIC:
        raise errors.invalid_dpop_proof("The DPoP proof JWT signature algorithm is invalid.")
    if not isinstance(jwk, dict) or "d" in jwk:
        raise errors.invalid_dpop_proof("The DPoP proof JWT is invalid.")
    try:
        key = parse_key(jwk)
    except ValueError as error:
        raise errors.invalid_dpop_proof("The DPoP proof JWT is invalid.") from error
    if not verify_signature(value, key, str(algorithm)):
        raise errors.invalid_dpop_proof("The DPoP proof JWT signature is invalid.")
    return key.thumbprint()


def _check_age(org: Org, proof: Unverified) -> None:
    issued_at, now = proof.seconds("iat"), org.now().timestamp()
    if issued_at is None:
        raise errors.invalid_dpop_proof("'iat' claim in the DPoP proof JWT is invalid.")
    if issued_at > now:
        raise errors.invalid_dpop_proof("The DPoP proof JWT is issued in the future.")
    if issued_at < now - MAX_AGE_S:
        raise errors.invalid_dpop_proof(
            "The DPoP proof JWT is issued more than five minutes in the past."
        )


def _check_first_use(org: Org, proof: Unverified, thumbprint: str) -> None:
    jti, now = proof.text("jti"), org.now()
    if not jti:
        raise errors.invalid_dpop_proof("'jti' claim in the DPoP proof JWT is invalid.")
    until = now + timedelta(seconds=2 * MAX_AGE_S)
    if not org.tokens.use_once(f"dpop:{thumbprint}", jti, until, now):
        raise errors.invalid_dpop_proof("The DPoP proof JWT has already been used.")
