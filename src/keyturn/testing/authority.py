"""An authorization server in memory: what it accepts, what it issued, and what goes wrong.

Refresh tokens rotate, and one that is used twice ends its whole family (RFC 9700, 4.14.2), unless
there is a grace period. What it did is counted, so that tests judge by it and not by our own word.
"""

import asyncio
import json
from base64 import urlsafe_b64encode
from collections import Counter, deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto
from hashlib import sha256

from keyturn.domain.errors import ServerError
from keyturn.domain.expiry import Life
from keyturn.domain.oauth.answers import Reply
from keyturn.domain.oauth.metadata import Metadata
from keyturn.domain.oauth.provider import ClientAuth, Provider, RequestType
from keyturn.domain.sensitive import Sensitive
from keyturn.network.certificates import parse_certificate
from keyturn.services.ports import Client, Clock, Members, Proven

JSON = "application/json"


class Strike(Enum):
    """What may go wrong with one request."""

    AWAY = auto()
    """503, and nothing happened."""
    LOST = auto()
    """It happened, and its answer never arrives."""
    NEVER = auto()
    """It never arrived."""
    PAGE = auto()
    """200, with a page of somebody else's."""
    EMPTY = auto()
    """400 with nothing in it, as if it were refused."""


@dataclass
class _Family:
    """The refresh tokens that came of one grant; ``current`` is the one that is good."""

    client_id: str
    scope: str
    current: str
    alive: bool = True
    spent: dict[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True)
class _Code:
    """What somebody granted, until it is fetched."""

    client_id: str
    redirect_uri: str
    challenge: str
    scope: str


class FakeServers:
    """Answer as an authorization server does (`services.ports.AuthorizationServers`).

    ``secrets`` are those that each client may authenticate with. Every request takes ``pause_s``
    of the loop's time. ``strikes`` befall the next requests, one each; None spares one.
    """

    def __init__(self, clock: Clock, *, lifetime_s: int | None = 300) -> None:
        self._clock = clock
        self._made = 0
        self._families: list[_Family] = []
        self._codes: dict[str, _Code] = {}
        self.lifetime_s = lifetime_s
        self.secrets: dict[str, set[str]] = {}
        self.rotating = True
        self.refreshing = True
        self.issued_type = "urn:ietf:params:oauth:token-type:access_token"
        self.tried = 0
        self.grace = timedelta()
        self.granted: Callable[[str], str] = lambda scope: scope
        self.pause_s = 0.0
        self.strikes: deque[Strike | None] = deque()
        self.away: Strike | None = None
        self.counted: Counter[tuple[RequestType, int]] = Counter()
        self.used_secrets: list[str] = []
        self.vague = False
        self.access_tokens: dict[str, str] = {}

    # --- what tests see and do ---------------------------------------------------------------

    def count(self, request: RequestType, status: int | None = None) -> int:
        """Return how many requests of a type came, or were answered with a status."""
        return sum(
            number
            for (kind, told), number in self.counted.items()
            if kind is request and status in {None, told}
        )

    @property
    def alive(self) -> int:
        """Return how many grants are good still."""
        return sum(family.alive for family in self._families)

    def accepts(self, access: str) -> bool:
        """Say whether an access token was issued here."""
        return access in self.access_tokens

    def grant(self, client_id: str, scope: str = "") -> str:
        """Return the refresh token of a new grant."""
        return self._family(client_id, scope).current

    def grant_code(self, told: Mapping[str, str]) -> str:
        """Return the code for what an authorization address asks, as if somebody had agreed."""
        code = self._name("code")
        self._codes[code] = _Code(
            told["client_id"], told["redirect_uri"], told.get("code_challenge", ""), told["scope"]
        )
        return code

    def revoke_all(self) -> None:
        """End every grant."""
        for family in self._families:
            family.alive = False

    # --- the port ----------------------------------------------------------------------------

    def check(self, provider: Provider) -> None:
        """Take every provider for one."""

    def check_secret(self, provider: Provider, secret: Sensitive) -> None:
        """Take everything for a secret."""

    def read_life(self, secret: Sensitive) -> Life:
        """Return from when until when a certificate is good."""
        return parse_certificate(secret).life

    async def read_metadata(self, issuer: str, *, foreign: Collection[str] = ()) -> Metadata:
        """Raise ServerError: it says nothing of itself."""
        raise ServerError("This server says nothing of itself.")

    async def ask(self, client: Client, request: RequestType, members: Members) -> Reply:
        """Answer one request, or strike it."""
        await asyncio.sleep(self.pause_s)
        strike = self.strikes.popleft() if self.strikes else self.away
        if strike is Strike.NEVER:
            return Reply(0, sent=False)
        if strike is Strike.AWAY:
            return self._counted(request, Reply(503))
        if strike is Strike.EMPTY:
            return self._counted(request, Reply(400))
        reply = self._counted(request, self._answer(client, request, members))
        if strike is Strike.LOST:
            return Reply(0)
        return Reply(200, "text/html", b"<p>Welcome</p>") if strike is Strike.PAGE else reply

    async def read_claims(self, client: Client, id_token: Sensitive) -> Mapping[str, object] | None:
        """Return nothing: it issues no ID tokens."""
        return None

    async def read_userinfo(self, client: Client, access: Sensitive) -> Mapping[str, object]:
        """Return nothing: it knows nobody."""
        return {}

    async def try_token(self, client: Client, token: Sensitive, kind: str) -> int:
        """Return 200 for a token that was issued here, 401 for any other."""
        self.tried += 1
        return 200 if self.accepts(token.reveal()) else 401

    def new_dpop_key(self) -> Sensitive:
        """Return what stands for a key."""
        return Sensitive(self._name("key"))

    def prove_possession(self, key: Sensitive, what: Proven) -> str:
        """Return what stands for a proof."""
        return f"{what.method} {what.url} by {sha256(key.reveal().encode()).hexdigest()}"

    # --- what it decides ---------------------------------------------------------------------

    def _counted(self, request: RequestType, reply: Reply) -> Reply:
        self.counted[request, reply.status] += 1
        return reply

    def _answer(self, client: Client, request: RequestType, members: Members) -> Reply:
        if not self._authentic(client, request):
            return Reply(400) if self.vague else _told(401, error="invalid_client")
        match request:
            case RequestType.REFRESH:
                return self._refreshed(client, _clear(members, "refresh_token"))
            case RequestType.CODE:
                return self._fetched(client, members)
            case RequestType.CLIENT_CREDENTIALS | RequestType.JWT_BEARER:
                return self._issued(_clear(members, "scope"), None)
            case RequestType.EXCHANGE:
                return self._exchanged(_clear(members, "subject_token"), members)
            case RequestType.INTROSPECT:
                return _told(200, active=self.accepts(_clear(members, "token")))
            case RequestType.REVOKE:
                return self._revoked(_clear(members, "token"))
            case _:
                return _told(400, error="unsupported_grant_type")

    def _authentic(self, client: Client, request: RequestType) -> bool:
        if client.provider.auth_for(request) is ClientAuth.NONE:
            return True
        secret = client.secret.reveal() if client.secret else ""
        self.used_secrets.append(secret)
        return secret in self.secrets.get(client.client_id, set())

    def _refreshed(self, client: Client, token: str) -> Reply:
        family = next((f for f in self._families if token in {f.current, *f.spent}), None)
        if family is None or not family.alive or family.client_id != client.client_id:
            return self._refused()
        if token == family.current:
            return self._rotated(family)
        if self._clock.now() <= family.spent[token] + self.grace:
            return self._issued(family.scope, family.current)
        family.alive = False  # used twice: somebody else may have it
        return self._refused()

    def _refused(self) -> Reply:
        return Reply(400) if self.vague else _told(400, error="invalid_grant")

    def _rotated(self, family: _Family) -> Reply:
        if self.rotating:
            family.spent[family.current] = self._clock.now()
            family.current = self._name("refresh")
        return self._issued(family.scope, family.current if self.rotating else None)

    def _fetched(self, client: Client, members: Members) -> Reply:
        code = self._codes.pop(_clear(members, "code"), None)
        if code is None or code.client_id != client.client_id:
            return self._refused()
        digest = sha256(_clear(members, "code_verifier").encode()).digest()
        challenge = urlsafe_b64encode(digest).rstrip(b"=").decode()
        if code.redirect_uri != members.get("redirect_uri") or code.challenge != challenge:
            return self._refused()
        family = self._family(client.client_id, self.granted(code.scope))
        return self._issued(family.scope, family.current if self.refreshing else None)

    def _exchanged(self, subject: str, members: Members) -> Reply:
        """Give a token for one of ours (RFC 8693, 2.2.1)."""
        if not self.accepts(subject) or not members.get("subject_token_type"):
            return _told(400, error="invalid_request")
        told = json.loads(self._issued(_clear(members, "scope"), None).body)
        return _told(200, **told, issued_token_type=self.issued_type)

    def _revoked(self, token: str) -> Reply:
        for family in self._families:
            if token in {family.current, *family.spent}:
                family.alive = False
        self.access_tokens.pop(token, None)
        return Reply(200)

    def _issued(self, scope: str, refresh: str | None) -> Reply:
        access = self._name("access")
        self.access_tokens[access] = scope
        lasts = {"expires_in": self.lifetime_s} if self.lifetime_s else {}
        renewed = {"refresh_token": refresh} if refresh else {}
        scopes = {"scope": scope} if scope else {}
        return _told(200, access_token=access, token_type="Bearer", **lasts, **renewed, **scopes)

    def _family(self, client_id: str, scope: str) -> _Family:
        family = _Family(client_id, scope, self._name("refresh"))
        self._families.append(family)
        return family

    def _name(self, what: str) -> str:
        self._made += 1
        return f"{what}-{self._made}"


def _told(status: int, **members: object) -> Reply:
    return Reply(status, JSON, json.dumps(members).encode())


def _clear(members: Members, name: str) -> str:
    told = members.get(name, "")
    return told.reveal() if isinstance(told, Sensitive) else str(told)
