"""Access tokens for a client secret that Keyturn turns (RFC 6749, 4.4: client credentials).

A token is kept until shortly before it ends. Where the authorization server refuses the client
secret, it may have been turned since it was read: it is read again, past whatever was kept, and
tried once more if it is a newer one.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import AbstractAsyncContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Protocol, Self, TypeVar

import httpx2
from anyio.from_thread import start_blocking_portal
from pydantic import BaseModel, Field, ValidationError

from keyturn.client.errors import ClientError
from keyturn.client.store import Held, Secret

EARLY_S: Final = 60.0
"""How long before its end a token is used no more."""

INVALID_CLIENT: Final = "invalid_client"


class TokenRefused(ClientError):
    """The authorization server gave no token; ``error`` is its code (RFC 6749, 5.2)."""

    def __init__(self, url: str, status: int, error: str, description: str) -> None:
        self.error = error
        told = f"{error}: {description}" if description else error
        super().__init__(f"{url} gives no access token (HTTP {status} {told}).")


class Request(Protocol):
    """A request of httpx, httpx2 or requests."""

    @property
    def headers(self) -> MutableMapping[str, str]:
        """Return the headers, which can be changed."""


R = TypeVar("R", bound=Request)


class _Answer(BaseModel):
    access_token: str = Field(default="", repr=False)
    expires_in: float = 0
    error: str = "no token"
    error_description: str = ""


@dataclass(frozen=True)
class _Kept:
    value: str = field(repr=False)
    good_until_s: float


class TokenSource:
    """The access tokens of one client; use it as an async context manager.

    ``secret`` is its client secret, ``token_url`` the authorization server's token endpoint. Give
    ``sign`` to an async client of httpx or httpx2 as a hook on requests; for one that blocks, see
    `blocking`. ``clock`` gives seconds that never step back.
    """

    def __init__(
        self,
        secret: Secret,
        *,
        client_id: str,
        token_url: str,
        scope: str = "",
        transport: httpx2.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._secret, self._client_id, self._url = secret, client_id, token_url
        self._form = {"grant_type": "client_credentials"} | ({"scope": scope} if scope else {})
        self._clock = clock
        self._kept: _Kept | None = None
        self._one_at_a_time = asyncio.Lock()
        self._http = httpx2.AsyncClient(transport=transport, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def token(self) -> str:
        """Return an access token that is good for a while; callers at a time share one request.

        Raises TokenRefused, ClientError where the client secret cannot be read, and what httpx2
        raises.
        """
        async with self._one_at_a_time:
            kept = self._kept
            if kept is None or self._clock() >= kept.good_until_s:
                kept = self._kept = await self._fetch()
            return kept.value

    def drop(self) -> None:
        """Keep no token, as where a resource server refused it."""
        self._kept = None

    async def sign(self, request: Request) -> None:
        """Put a token into a request."""
        request.headers["Authorization"] = f"Bearer {await self.token()}"

    async def _fetch(self) -> _Kept:
        held = await self._secret.current()
        try:
            return await self._ask(held)
        except TokenRefused as refused:
            if refused.error != INVALID_CLIENT:
                raise
            self._secret.forget()
            newer = await self._secret.current()
            if newer.version <= held.version:
                raise
            return await self._ask(newer)

    async def _ask(self, held: Held) -> _Kept:
        asked_at_s = self._clock()
        client = self._client_id, held.value
        answer = await self._http.post(self._url, data=self._form, auth=client)
        try:
            told = _Answer.model_validate_json(answer.content)
        except ValidationError:
            told = _Answer(error="the answer is no token endpoint's")
        if not (answer.is_success and told.access_token):
            raise TokenRefused(self._url, answer.status_code, told.error, told.error_description)
        good_for_s = max(told.expires_in - EARLY_S, told.expires_in / 2)
        return _Kept(told.access_token, asked_at_s + good_for_s)


@contextmanager
def blocking(
    source: TokenSource, *needed: AbstractAsyncContextManager[object]
) -> Iterator[Callable[[R], R]]:
    """Give an auth for requests, and for clients of httpx and httpx2 that block.

    The source lives in a thread of its own meanwhile, and so does what it ``needed``, as the API
    and the store: use none of them elsewhere.
    """
    with ExitStack() as stack:
        portal = stack.enter_context(start_blocking_portal())
        for each in (*needed, source):
            stack.enter_context(portal.wrap_async_context_manager(each))

        def sign(request: R) -> R:
            portal.call(source.sign, request)
            return request

        yield sign
