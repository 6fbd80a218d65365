"""What an authorization server's answer to a token request means.

Decides by the error that the answer names, then by its status; whatever else may come, and much
does, has a meaning too. Nothing that a server said is repeated: it may repeat what it was sent.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import parse_qsl

from keyturn.domain.sensitive import Sensitive

TOKEN_MAX = 65_536
LIFETIME_MAX_S = 10 * 365 * 86_400
ACCESS_TYPES = frozenset(
    {
        "urn:ietf:params:oauth:token-type:access_token",
        "urn:ietf:params:oauth:token-type:jwt",
    }
)
NOT_ACCESS = "N_A"
FORM = "application/x-www-form-urlencoded"


class Fault(StrEnum):
    """Whose fault it is that no tokens came, which is also who can mend it."""

    CLIENT = "client"
    """The client did not authenticate: its secret or key is wrong, for all its connections."""
    GRANT = "grant"
    """What was granted is no longer: somebody has to authorize again."""
    SCOPE = "scope"
    """A scope was asked for that is not there, or not for this client."""
    REQUEST = "request"
    """The server takes no such request from this client: the registration has to be changed."""
    AWAY = "away"
    """The server, or the way to it, does not work now."""
    AMBIGUOUS = "ambiguous"
    """Either the client or the grant; only a probe can tell."""
    PENDING = "pending"
    """Nobody has decided at the other device yet (RFC 8628, 3.5)."""
    SLOW_DOWN = "slow_down"
    """The same, and it is asked too often."""
    DENIED = "denied"
    """Somebody decided against it."""
    NONCE = "nonce"
    """The server wants its nonce in the DPoP proof (RFC 9449, 8)."""


FAULTS: Mapping[str, Fault] = {
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
    # What no RFC names, and servers in use do:
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
"""Whose fault an error is (RFC 6749, 5.2; 8628, 3.5; 8707, 2; 9449, 5)."""

_BY_STATUS: Mapping[int, Fault] = {
    400: Fault.AMBIGUOUS,
    401: Fault.AMBIGUOUS,
    403: Fault.AMBIGUOUS,
    408: Fault.AWAY,
    425: Fault.AWAY,
    429: Fault.AWAY,
}
_REFUSING = frozenset({400, 401, 403})
"""With nothing in them they are ambiguous: some servers refuse without a word."""


@dataclass(frozen=True)
class Reply:
    """What came back over HTTP; status 0 where nothing did.

    ``sent`` says whether the request may have arrived. ``retry_after_s`` is how long the server
    asks to be left alone, where it does.
    """

    status: int
    media_type: str = ""
    body: bytes = field(default=b"", repr=False)
    retry_after_s: float | None = None
    sent: bool = True


@dataclass(frozen=True)
class TokenSet:
    """Tokens as they were answered; ``lifetime_s`` and ``scope`` are None where nothing tells."""

    access: Sensitive
    refresh: Sensitive | None = None
    id_token: Sensitive | None = None
    token_type: str = "Bearer"
    lifetime_s: int | None = None
    scope: str | None = None
    issued_type: str = ""


@dataclass(frozen=True)
class NoTokens:
    """No tokens came; ``code`` is the error's name, where it is one of those that are known.

    ``effect_possible`` says that the server may have used up what it was sent.
    """

    fault: Fault
    status: int
    code: str = ""
    retry_after_s: float | None = None
    effect_possible: bool = False

    def __str__(self) -> str:
        if not self.status:
            return "no answer came"
        return f"HTTP {self.status}, {self.code or 'no error that is known'}"


TokenAnswer = TokenSet | NoTokens


def read_token_answer(reply: Reply) -> TokenAnswer:
    """Return what a reply says. RFC 6749, 5.1 and 5.2; raises nothing, whatever came."""
    told = _members(reply)
    error = told.get("error")
    if isinstance(error, str) and error in FAULTS:
        return _refusal(reply, FAULTS[error], error)
    if 200 <= reply.status < 300 and not error:  # some servers name the error of a success: null
        return _tokens(told) or _refusal(reply, Fault.AWAY)
    if reply.status in _REFUSING and reply.body.strip():
        return _refusal(reply, Fault.AWAY)  # a page or an error of whatever stands before it
    if reply.status >= 400:
        return _refusal(reply, _BY_STATUS.get(reply.status) or _of(reply.status))
    return _refusal(reply, Fault.AWAY)  # a redirect, which nobody follows with credentials


def read_exchanged(reply: Reply) -> TokenAnswer:
    """Return what a reply to a token exchange says: only a token that grants access is one.

    RFC 8693, 2.2.1: what was issued has a type, and ``N_A`` is for what authorizes no request.
    """
    answer = read_token_answer(reply)
    if isinstance(answer, TokenSet) and (
        answer.issued_type not in ACCESS_TYPES or answer.token_type == NOT_ACCESS
    ):
        return NoTokens(Fault.REQUEST, reply.status)
    return answer


def read_members(reply: Reply) -> Mapping[str, object]:
    """Return the members of an answer's JSON object; none where it is something else."""
    try:
        told = json.loads(reply.body)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _of(status: int) -> Fault:
    return Fault.AWAY if status >= 500 else Fault.REQUEST


def _refusal(reply: Reply, fault: Fault, code: str = "") -> NoTokens:
    """Return a refusal; after an answer that nobody understands, anything may have happened."""
    unclear = fault is Fault.AWAY and reply.sent and not 400 <= reply.status < 500
    return NoTokens(fault, reply.status, code, reply.retry_after_s, unclear)


def _members(reply: Reply) -> Mapping[str, object]:
    """Return the members of an answer; a few servers answer as forms are sent."""
    told = read_members(reply)
    if told or FORM not in reply.media_type.lower():
        return told
    try:
        return dict(parse_qsl(reply.body.decode(), max_num_fields=50))
    except ValueError:
        return {}


def _tokens(told: Mapping[str, object]) -> TokenSet | None:
    """Return the tokens; what is there beside the access token may be missing or nonsense."""
    access = _token(told.get("access_token"))
    if access is None:
        return None
    return TokenSet(
        access,
        refresh=_token(told.get("refresh_token")),
        id_token=_token(told.get("id_token")),
        token_type=_type(told.get("token_type")),
        lifetime_s=_lifetime_s(told.get("expires_in")),
        scope=_scope(told.get("scope")),
        issued_type=_text(told.get("issued_token_type")),
    )


def _token(told: object) -> Sensitive | None:
    """Return a token of the characters that tokens have (RFC 6749, appendix A)."""
    if not isinstance(told, str) or not re.fullmatch(rf"[ -~]{{1,{TOKEN_MAX}}}", told):
        return None
    return Sensitive(told)


def _type(told: object) -> str:
    """Return the type of a token as it is written in a request; case tells nothing (5.1)."""
    known = {"dpop": "DPoP", "n_a": NOT_ACCESS}
    return known.get(_text(told).lower(), "Bearer")


def _text(told: object) -> str:
    return told if isinstance(told, str) and len(told) <= 255 else ""


def _lifetime_s(told: object) -> int | None:
    """Return a lifetime in seconds; None where nothing tells it, as zero and less do not."""
    if isinstance(told, str):
        told = int(told) if re.fullmatch(r"\d{1,12}", told) else None
    if isinstance(told, float):
        told = int(told) if abs(told) < LIFETIME_MAX_S else None
    if not isinstance(told, int) or isinstance(told, bool) or told <= 0:
        return None
    return min(told, LIFETIME_MAX_S)


def _scope(told: object) -> str | None:
    """Return the scopes that were granted, as one text; None means: as was asked for."""
    if isinstance(told, list):
        told = " ".join(each for each in told if isinstance(each, str))
    return told if isinstance(told, str) and len(told) <= TOKEN_MAX else None
