"""Asking somebody to authorize a connection, and what may come back (RFC 6749, 4.1; RFC 9700).

Decides what goes into the address that a browser is sent to, and which callbacks count: one that
answers this very question, once, in time, from the server that was asked, to whoever asked.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import urlencode

from keyturn.domain.errors import Refused
from keyturn.domain.ids import OAuthConnectionId
from keyturn.domain.oauth.provider import Part, Provider, RequestType
from keyturn.domain.sensitive import Sensitive

LIFETIME = timedelta(minutes=10)
SECRET_BYTES = 32
"""Of state, nonce and verifier: 43 characters, more than 128 bits (RFC 7636, 4.1)."""

DENIED = "The authorization was denied."
UNASKED = "Nobody was asked this: begin the authorization again."


@dataclass(frozen=True)
class Question:
    """What nobody may guess or repeat: one for each time that somebody is asked."""

    state: Sensitive
    nonce: Sensitive
    verifier: Sensitive

    @property
    def challenge(self) -> str:
        """Return the S256 challenge of the verifier (RFC 7636, 4.2)."""
        return _base64url(hashlib.sha256(self.verifier.reveal().encode()).digest())


@dataclass(frozen=True)
class AuthorizationRequest:
    """One time that somebody is asked; the callback finds it by the hash of its ``state``.

    ``binding`` is the hash of what only the browser or the caller that was sent there holds.
    ``sealed`` is nonce and verifier. Somebody who decides at another device is waited for: then it
    is the device code, which is asked about every ``interval_s`` seconds, last at ``asked_at``.
    """

    id: str
    connection_id: OAuthConnectionId
    state_hash: bytes
    binding: bytes
    redirect_uri: str
    scopes: tuple[str, ...]
    created_at: datetime
    ends_at: datetime
    sealed: bytes = field(repr=False)
    answered_at: datetime | None = None
    interval_s: int = 0
    asked_at: datetime | None = None


def random_text(data: bytes) -> Sensitive:
    """Return random bytes as what may stand in an address and be a verifier."""
    return Sensitive(_base64url(data))


def hashed(text: str) -> bytes:
    """Return by what a state or a binding is recognised."""
    return hashlib.sha256(text.encode()).digest()


class Asked(Protocol):
    """What somebody is asked for, and where the answer is to come back to."""

    @property
    def redirect_uri(self) -> str:
        """Return where it comes back to."""
        ...

    @property
    def scopes(self) -> tuple[str, ...]:
        """Return what is asked for."""
        ...


def parameters(
    provider: Provider, client_id: str, request: Asked, question: Question
) -> Mapping[str, str | tuple[str, ...]]:
    """Return what is asked, as parameters of the authorization endpoint or of a pushed request.

    PKCE is by S256 (RFC 9700, 2.1.1), unless the provider is said to break on it; a nonce goes
    along where an ID token comes back.
    """
    told: dict[str, str | tuple[str, ...]] = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": request.redirect_uri,
        "state": question.state.reveal(),
    }
    if request.scopes:
        told["scope"] = provider.scope(request.scopes)
    if "openid" in request.scopes:
        told["nonce"] = question.nonce.reveal()
    if provider.pkce:
        told |= {"code_challenge": question.challenge, "code_challenge_method": "S256"}
    if provider.resources:
        told["resource"] = provider.resources
    return told


def address(provider: Provider, told: Mapping[str, str | tuple[str, ...]]) -> str:
    """Return the address that a browser is sent to."""
    extras = provider.extras_for(RequestType.AUTHORIZE, Part.QUERY)
    endpoint = provider.endpoints.authorization
    mark = "&" if "?" in endpoint else "?"
    return endpoint + mark + urlencode({**extras, **told}, doseq=True)


def require_asker(request: AuthorizationRequest, binding: str) -> None:
    """Raise Refused where the answer was brought by somebody else than the question was put to.

    ``binding`` is what the browser or the command shows (RFC 9700, 4.7.1).
    """
    if not hmac.compare_digest(request.binding, hashed(binding)):
        raise Refused("The authorization was begun by somebody else: begin one of your own.")


def checked_callback(
    told: Mapping[str, str], request: AuthorizationRequest, *, provider: Provider, now: datetime
) -> Sensitive:
    """Return the code that a callback brings.

    Raises Refused, in words for whoever sees the browser, for a second callback, a late one, one
    from another server (RFC 9207, 2.4), and one that says no.
    """
    if request.answered_at is not None:
        raise Refused("This was answered already: begin the authorization again.")
    if now >= request.ends_at:
        raise Refused("The answer came too late: begin the authorization again.")
    return code_in(told, provider)


def code_in(told: Mapping[str, str], provider: Provider) -> Sensitive:
    """Return the code that an answer brings.

    Raises Refused for one from another server (RFC 9207, 2.4), and for one that says no.
    """
    _require_issuer(told.get("iss"), provider)
    if told.get("error"):
        raise Refused(_why(told["error"]))
    if not told.get("code"):
        raise Refused("The authorization server sent neither a code nor an error.")
    return Sensitive(told["code"])


def answered(request: AuthorizationRequest, now: datetime) -> AuthorizationRequest:
    """Return it answered; whatever came, it counts no second time."""
    return replace(request, answered_at=now)


def _require_issuer(told: str | None, provider: Provider) -> None:
    if told is None and not provider.iss_promised:
        return
    if told != provider.issuer:
        raise Refused(
            "The answer came from another authorization server than the one that was asked, or the "
            "registration does not name its issuer."
        )


_ERRORS: Mapping[str, str] = {
    "access_denied": DENIED,
    "invalid_scope": "The server does not grant one of the scopes to this client: look at them.",
    "invalid_request": "The server does not take such a request: look at the registration.",
    "unauthorized_client": "The client may not ask for a code: its administrator permits that.",
    "unsupported_response_type": "The server gives out no codes.",
    "server_error": "The authorization server failed: try again later.",
    "temporarily_unavailable": "The authorization server is not available now: try again later.",
    "login_required": "Somebody has to log in at the authorization server first.",
    "consent_required": "Somebody has to consent at the authorization server first.",
    "interaction_required": "Somebody has to act at the authorization server first.",
}


def _why(error: str) -> str:
    """Say what an error means (RFC 6749, 4.1.2.1; OpenID Connect Core, 3.1.2.6).

    What else a server says is not repeated: a callback can be anybody's words.
    """
    return _ERRORS.get(error, "The authorization server refused, by an error that is not known.")


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
