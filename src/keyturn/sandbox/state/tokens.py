"""Codes and tokens that the org has issued, and what has been seen only once.

Tokens belong to a client, never to a client secret: deactivating a secret ends none of them.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from keyturn.sandbox.state.timeline import Timeline

CODE_LIFETIME = timedelta(seconds=300)
ACCESS_LIFETIME = timedelta(seconds=3600)
REFRESH_LIFETIME = timedelta(days=90)
NONCE_LIFETIME = timedelta(hours=24)
NONCE_HONOURED = timedelta(days=3)
_KEPT_AFTER_EXPIRY = timedelta(hours=1)
_SWEPT_ABOVE = 10_000


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


class _Owners:
    """Which tokens belong to a client, and which came of a sign-in, oldest first.

    A busy org holds tokens by the hundred thousand; to look at all of them for a few is too slow.
    """

    def __init__(self) -> None:
        self._of_client: dict[str, dict[str, None]] = {}
        self._of_family: dict[str, dict[str, None]] = {}

    def add(self, token: AccessToken | RefreshToken) -> None:
        """Note whose a token is."""
        self._of_client.setdefault(token.client_id, {})[token.value] = None
        if token.family:
            self._of_family.setdefault(token.family, {})[token.value] = None

    def forget(self, token: AccessToken | RefreshToken) -> None:
        """Strike out a token that was added."""
        _strike(self._of_client, token.client_id, token.value)
        if token.family:
            _strike(self._of_family, token.family, token.value)

    def keep(self, wanted: Callable[[str], bool]) -> int:
        """Strike out every token whose value is not wanted; return how many are left."""
        for lists in (self._of_client, self._of_family):
            for name, values in [*lists.items()]:
                kept = {value: None for value in values if wanted(value)}
                if kept:
                    lists[name] = kept
                else:
                    del lists[name]
        return sum(map(len, self._of_client.values()))

    def of_client(self, client_id: str) -> list[str]:
        """Return the values of a client's tokens."""
        return [*self._of_client.get(client_id, ())]

    def of_family(self, family: str) -> list[str]:
        """Return the values of a sign-in's tokens."""
        return [*self._of_family.get(family, ())]


def _strike(lists: dict[str, dict[str, None]], name: str, value: str) -> None:
    del lists[name][value]
    if not lists[name]:
        del lists[name]


class TokenBook:
    """Keeps codes and tokens, and remembers identifiers that may be used once.

    What is over is forgotten from time to time: whenever there is twice as much as the last time.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._codes: dict[str, Code] = {}
        self._used_codes: dict[str, str] = {}
        self._access: dict[str, AccessToken] = {}
        self._refresh: Timeline[RefreshToken] = Timeline(now)
        # A revoked refresh token stays noted: a lagging read shows the past in which it was good.
        self._access_owners, self._refresh_owners = _Owners(), _Owners()
        self._revoked: set[str] = set()
        self._used: dict[tuple[str, str], datetime] = {}
        self._nonces: dict[str, datetime] = {}
        self._access_swept_above = self._used_swept_above = _SWEPT_ABOVE
        self._refresh_stored, self._refresh_swept_above = 0, _SWEPT_ABOVE

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
            if len(self._used_codes) > _SWEPT_ABOVE:
                del self._used_codes[next(iter(self._used_codes))]
            return None if code.expired(now) else code
        family = self._used_codes.get(value)
        if family is not None:
            self.revoke_family(family)
        return None

    def store_access(self, token: AccessToken) -> None:
        """Keep an access token."""
        self._access[token.value] = token
        self._access_owners.add(token)
        if len(self._access) > self._access_swept_above:
            self._forget_access(token.issued_at - _KEPT_AFTER_EXPIRY)
            self._access_swept_above = max(2 * len(self._access), _SWEPT_ABOVE)

    def _forget_access(self, before: datetime) -> None:
        for token in [t for t in self._access.values() if t.expires_at < before]:
            del self._access[token.value]
            self._access_owners.forget(token)
            self._revoked.discard(token.value)

    def find_access(self, value: str) -> AccessToken | None:
        """Return an access token whether it is still good or not."""
        return self._access.get(value)

    def store_refresh(self, token: RefreshToken) -> None:
        """Keep a refresh token."""
        self._refresh[token.value] = token
        self._refresh_owners.add(token)
        self._refresh_stored += 1
        if self._refresh_stored > self._refresh_swept_above:
            self._refresh_stored = self._forget_refresh()
            self._refresh_swept_above = max(2 * self._refresh_stored, _SWEPT_ABOVE)

    def _forget_refresh(self) -> int:
        """Forget what expired, and what was revoked too long ago for a lagging read to show it.

        Returns how many are left.
        """
        before = self._now() - _KEPT_AFTER_EXPIRY
        for token in [t for t in self._refresh.values() if t.expires_at < before]:
            del self._refresh[token.value]
        return self._refresh_owners.keep(self._refresh.remembers)

    def find_refresh(self, value: str, now: datetime) -> RefreshToken | None:
        """Return a refresh token that is still good, or None."""
        token = self._refresh.get(value)
        return None if token is None or now >= token.expires_at else token

    def revoked(self, token: AccessToken) -> bool:
        """Tell whether an access token was revoked."""
        return token.value in self._revoked

    def newest_refresh(self, family: str) -> RefreshToken | None:
        """Return the refresh token of a sign-in that is not superseded, or None."""
        tokens = map(self._refresh.get, reversed(self._refresh_owners.of_family(family)))
        return next((t for t in tokens if t is not None and t.superseded_at is None), None)

    def revoke(self, value: str) -> bool:
        """Revoke a token; a refresh token takes its access tokens along, not the reverse.

        Returns False when there is no such token, or it was revoked before.
        """
        refresh = self._refresh.pop(value, None)
        if refresh is not None:
            self.revoke_family(refresh.family)
            return True
        known = value in self._access and value not in self._revoked
        if known:
            self._revoked.add(value)
        return known

    def revoke_family(self, family: str) -> None:
        """Revoke the refresh tokens and all access tokens that came of one sign-in."""
        for value in self._refresh_owners.of_family(family):
            self._refresh.pop(value, None)
        self._revoked.update(self._access_owners.of_family(family))

    def list_refresh(self, client_id: str, now: datetime) -> list[RefreshToken]:
        """Return the refresh tokens of a client that are still good, oldest first."""
        tokens = map(self._refresh.get, self._refresh_owners.of_client(client_id))
        return [t for t in tokens if t and now < t.expires_at and t.superseded_at is None]

    def list_access(self, client_id: str, now: datetime) -> list[AccessToken]:
        """Return the access tokens of a client that are still good, oldest first."""
        tokens = [self._access[value] for value in self._access_owners.of_client(client_id)]
        return [t for t in tokens if now < t.expires_at and not self.revoked(t)]

    def revoke_client(self, client_id: str) -> None:
        """Revoke every token of a client."""
        for value in self._refresh_owners.of_client(client_id):
            self.revoke(value)
        self._revoked.update(self._access_owners.of_client(client_id))

    def remove_scope(self, client_id: str, scope: str) -> bool:
        """Take a scope from every access token of a client; False when none had it."""
        tokens = [self._access[value] for value in self._access_owners.of_client(client_id)]
        holders = [token for token in tokens if scope in token.scopes]
        for token in holders:
            kept = tuple(name for name in token.scopes if name != scope)
            self._access[token.value] = replace(token, scopes=kept)
        return len(holders) > 0

    def use_once(self, owner: str, identifier: str, until: datetime, now: datetime) -> bool:
        """Note an identifier that may be used once; False when it was used already."""
        if self._used.get((owner, identifier), now) > now:
            return False
        self._used[owner, identifier] = until
        if len(self._used) > self._used_swept_above:
            self._used = {key: over for key, over in self._used.items() if over > now}
            self._used_swept_above = max(2 * len(self._used), _SWEPT_ABOVE)
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
