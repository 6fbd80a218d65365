"""How the API is called: one request a call, and one more after logging in.

Knows how callers prove themselves and how faults look; what can be asked is in `api` and `access`.
"""

import asyncio
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote

import httpx2
from pydantic import ValidationError

from keyturn.client.errors import Unreachable, not_keyturn, refusal, wants_log_in
from keyturn.wire.base import Wire
from keyturn.wire.jwt_auth import JwtLogin
from keyturn.wire.login import LoggedIn, Login
from keyturn.wire.people import PersonLogin

LOGIN = "/api/v1/auth/universal-auth/login"
JWT_LOGIN = "/api/v1/auth/jwt-auth/login"
OIDC_LOGIN = "/api/v1/auth/oidc-auth/login"
PERSON_LOGIN = "/api/v1/auth/login"
TIMEOUT_S = 60.0
"""A turn is waited for until its new secret is served, which takes several calls to Okta."""

W = TypeVar("W", bound=Wire)
Query = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True)
class Token:
    """An access token that somebody was given."""

    value: str = field(repr=False)


@dataclass(frozen=True)
class Identity:
    """A machine identity, which logs in by itself (universal auth)."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True)
class Workload:
    """A machine identity that logs in by a JWT of its platform (OIDC auth, else JWT auth)."""

    identity_id: str
    jwt: str = field(repr=False)
    oidc: bool = False


@dataclass(frozen=True)
class Person:
    """Somebody with an account of Keyturn's own, who gives their password."""

    email: str
    password: str = field(repr=False)


Credentials = Token | Identity | Workload | Person
Source = Callable[[], Credentials]
"""Gives the credentials anew for every log-in, as where a platform changes a file."""


class Calls:
    """One server, reached as one caller. Use it as an async context manager.

    ``ca_file`` names certificates to trust beside the public ones. Proxies of the environment are
    not used: tokens and values are for Keyturn alone. Every call raises ApiError where Keyturn says
    no, and Unreachable where it says nothing.
    """

    def __init__(
        self,
        url: str,
        credentials: Credentials | Source,
        *,
        ca_file: Path | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self._source: Source = credentials if callable(credentials) else lambda: credentials
        self._token: str | None = None
        self._one_log_in = asyncio.Lock()
        self._http = httpx2.AsyncClient(
            base_url=self.url,
            timeout=TIMEOUT_S,
            verify=trust(ca_file) if ca_file else True,
            transport=transport,
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def log_in(self) -> str:
        """Log in, and return the access token."""
        return await self._bearer(refused=None)

    async def call(
        self,
        shape: type[W],
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: Wire | None = None,
    ) -> W:
        """Ask, and return the answer in its shape."""
        return parse(shape, await self.answer(method, path, query=query, body=body))

    async def answer(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: Wire | None = None,
        held: str = "",
    ) -> httpx2.Response:
        """Ask, and return the answer as it is, once it is a good one.

        ``held`` is the ETag of the caller's copy: a 304 is then a good answer too (RFC 9110, 13.1).
        """
        content = body.model_dump_json(exclude_unset=True, exclude_none=True) if body else None
        headers = {"if-none-match": held} if held else {}
        token = await self._bearer(refused=None)
        answer = await self._send(method, path, query, content, headers | _bearing(token))
        if wants_log_in(answer):
            newer = await self._bearer(refused=token)
            if newer != token:
                answer = await self._send(method, path, query, content, headers | _bearing(newer))
        if answer.is_success or (held and answer.status_code == 304):
            return answer
        raise refusal(answer)

    async def _bearer(self, *, refused: str | None) -> str:
        """Return a token, another than the refused one if there is; one log-in serves all."""
        async with self._one_log_in:
            if self._token in (None, refused):
                self._token = await self._log_in(self._source())
            return self._token

    async def _log_in(self, credentials: Credentials) -> str:
        if isinstance(credentials, Token):
            return credentials.value
        path, login = _login_of(credentials)
        answer = await self._send("POST", path, None, login.model_dump_json(), {})
        return parse(LoggedIn, answer).access_token

    async def _send(
        self,
        method: str,
        path: str,
        query: Query | None,
        content: str | None,
        headers: dict[str, str],
    ) -> httpx2.Response:
        if content is not None:
            headers = headers | {"content-type": "application/json"}
        try:
            return await self._http.request(
                method, path, params=query, content=content, headers=headers
            )
        except (httpx2.TransportError, httpx2.InvalidURL, httpx2.DecodingError) as error:
            why = type(error).__name__
            raise Unreachable(f"Keyturn does not answer at {self.url} ({why}).") from error


def _login_of(credentials: Identity | Workload | Person) -> tuple[str, Wire]:
    if isinstance(credentials, Person):
        email, password = credentials.email, credentials.password
        return PERSON_LOGIN, PersonLogin(email=email, password=password)
    if isinstance(credentials, Identity):
        client_id, client_secret = credentials.client_id, credentials.client_secret
        return LOGIN, Login(client_id=client_id, client_secret=client_secret)
    login = JwtLogin(identity_id=credentials.identity_id, jwt=credentials.jwt)
    return OIDC_LOGIN if credentials.oidc else JWT_LOGIN, login


def _bearing(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def parse(shape: type[W], answer: httpx2.Response) -> W:
    """Return a good answer in its shape. Raises ClientError for any other."""
    if not answer.is_success:
        raise refusal(answer)
    try:
        return shape.model_validate_json(answer.content)
    except ValidationError:
        raise not_keyturn(answer) from None


def part(text: str) -> str:
    """Return a text as one part of a path."""
    return quote(text, safe="")


def trust(ca_file: Path) -> ssl.SSLContext:
    """Return the public authorities with those of a file beside them."""
    context = ssl.create_default_context()
    context.load_verify_locations(ca_file)
    return context
