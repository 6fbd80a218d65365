"""Codes and tokens that the org has issued, and what has been seen only once.

Tokens belong to a client, never to a client secret: deactivating a secret ends none of them.
"""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

CODE_LIFETIME = timedelta(seconds=300)
ACCESS_LIFETIME = timedelta(seconds=3600)
REFRESH_LIFETIME = timedelta(days=90)
NONCE_LIFETIME = timedelta(hours=24)
NONCE_HONOURED = timedelta(days=3)
_KEPT_AFTER_EXPIRY = timedelta(hours=1)
_USED_BEFORE_SWEEP = 10_000


@dataclass(frozen=True, slots=True)
class Code:
    """One authorization code and what it was issued for."""

    value: str = field(repr=False)
    client_id: str
    user_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    nonce: str | None
    challenge: str | None
    issued_at: datetime
    login_at: datetime
    family: str
    server: str | None = None

    def expired(self, now: datetime) -> bool:
        """Tell whether the code is too old."""
        return now >= self.issued_at + CODE_LIFETIME


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """One refresh token.

    A static one comes back at each refresh; a rotating one is superseded by its successor, which
    belongs to the same family: everything that came of one sign-in. `idle` is how long it may stay
    unused, None for any time before it expires; `server` is None for the org's own server.
    """

    value: str = field(repr=False)
    client_id: str
    user_id: str
    scopes: tuple[str, ...]
    login_at: datetime
    expires_at: datetime
    thumbprint: str | None = None
    family: str = ""
    server: str | None = None
    idle: timedelta | None = None
    superseded_at: datetime | None = None

    @property
    def id(self) -> str:
        """Return the id by which admins see the token; nothing of its value shows in it."""
        return "oar" + hashlib.sha256(self.value.encode()).hexdigest()[:17]


@dataclass(frozen=True, slots=True)
class AccessToken:
    """One access token; `thumbprint` binds it to a DPoP key, `family` to its sign-in."""

    value: str = field(repr=False)
    jti: str
    issuer: str
    client_id: str
    user_id: str | None
    scopes: tuple[str, ...]
    issued_at: datetime
    expires_at: datetime
    family: str | None = None
    thumbprint: str | None = None
    audience: str = ""
    server: str | None = None


class TokenBook:
    """Keeps codes and tokens, and remembers identifiers that may be used once."""

    def __init__(self) -> None:
        self._codes: dict[str, Code] = {}
        self._used_codes: dict[str, str] = {}
        self._access: dict[str, AccessToken] = {}
        self._refresh: dict[str, RefreshToken] = {}
        self._revoked: set[str] = set()
        self._used: dict[tuple[str, str], datetime] = {}
        self._nonces: dict[str, datetime] = {}

    def store_code(self, code: Code) -> None:
        """Keep a code until it is used."""
        self._codes[code.value] = code

    def use_code(self, value: str, now: datetime) -> Code | None:
        """Return a code that is still good and use it up; None when it is not.

        A second use ends what the first one earned (RFC 6749 section 4.1.2).
        """
        code = self._codes.pop(value, None)
        if code is not None:
            self._used_codes[value] = code.family
            if len(self._used_codes) > _USED_BEFORE_SWEEP:
                del self._used_codes[next(iter(self._used_codes))]
            return None if code.expired(now) else code
        family = self._used_codes.get(value)
        if family is not None:
            self.revoke_family(family)
        return None

    def store_access(self, token: AccessToken) -> None:
        """Keep an access token, and forget those long over."""
        self._access[token.value] = token
        oldest = next(iter(self._access.values()))
        if oldest.expires_at + _KEPT_AFTER_EXPIRY < token.issued_at:
            del self._access[oldest.value]
            self._revoked.discard(oldest.value)

    def find_access(self, value: str) -> AccessToken | None:
        """Return an access token whether it is still good or not."""
        return self._access.get(value)

    def store_refresh(self, token: RefreshToken) -> None:
        """Keep a refresh token."""
        self._refresh[token.value] = token

    def find_refresh(self, value: str, now: datetime) -> RefreshToken | None:
        """Return a refresh token that is still good, or None."""
        token = self._refresh.get(value)
        return None if token is None or now >= token.expires_at else token

    def revoked(self, token: AccessToken) -> bool:
        """Tell whether an access token was revoked."""
        return token.value in self._revoked

    def newest_refresh(self, family: str) -> RefreshToken | None:
        """Return the refresh token of a sign-in that is not superseded, or None."""
        return next(
            (t for t in self._refresh.values() if t.family == family and t.superseded_at is None),
            None,
        )

    def revoke(self, value: str) -> None:
        """Revoke a token; a refresh token takes its access tokens along, not the reverse."""
        refresh = self._refresh.pop(value, None)
        if refresh is not None:
            self.revoke_family(refresh.family)
        elif value in self._access:
            self._revoked.add(value)

    def revoke_family(self, family: str) -> None:
        """Revoke the refresh tokens and all access tokens that came of one sign-in."""
        kept = {value: token for value, token in self._refresh.items() if token.family != family}
        self._refresh = kept
        self._revoked.update(t.value for t in self._access.values() if t.family == family)

    def list_refresh(self, client_id: str, now: datetime) -> list[RefreshToken]:
        """Return the refresh tokens of a client that are still good, oldest first."""
        tokens = self._refresh.values()
        return [
            token
            for token in tokens
            if token.client_id == client_id
            and now < token.expires_at
            and token.superseded_at is None
        ]

    def list_access(self, client_id: str, now: datetime) -> list[AccessToken]:
        """Return the access tokens of a client that are still good, oldest first."""
        return [
            token
            for token in self._access.values()
            if token.client_id == client_id and now < token.expires_at and not self.revoked(token)
        ]

    def revoke_client(self, client_id: str) -> None:
        """Revoke every token of a client."""
        for refresh in [t for t in self._refresh.values() if t.client_id == client_id]:
            self.revoke(refresh.value)
        self._revoked.update(t.value for t in self._access.values() if t.client_id == client_id)

    def remove_scope(self, client_id: str, scope: str) -> None:
        """Take a scope from every access token of a client."""
        for value, token in self._access.items():
            if token.client_id == client_id:
                kept = tuple(name for name in token.scopes if name != scope)
                self._access[value] = replace(token, scopes=kept)

    def use_once(self, owner: str, identifier: str, until: datetime, now: datetime) -> bool:
        """Note an identifier that may be used once; False when it was used already."""
        if self._used.get((owner, identifier), now) > now:
            return False
        if len(self._used) > _USED_BEFORE_SWEEP:
            self._used = {key: over for key, over in self._used.items() if over > now}
        self._used[owner, identifier] = until
        return True

    def store_nonce(self, nonce: str, now: datetime) -> None:
        """Keep a DPoP nonce."""
        self._nonces[nonce] = now

    def current_nonce(self, now: datetime) -> str | None:
        """Return the nonce that is handed out now, None when a new one is due."""
        fresh = [n for n, since in self._nonces.items() if now < since + NONCE_LIFETIME]
        return fresh[-1] if fresh else None

    def honours_nonce(self, nonce: str, now: datetime) -> bool:
        """Tell whether a nonce was ours and is not too old."""
        since = self._nonces.get(nonce)
        return since is not None and now < since + NONCE_HONOURED
