"""What Keyturn tells while somebody listens: server-sent events (WHATWG HTML, 9.2.6)."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import httpx2
from pydantic import ValidationError

from keyturn.client.calls import Calls
from keyturn.client.errors import Unreachable, not_keyturn, refusal, wants_log_in
from keyturn.wire.events import Subscribe, Told

SUBSCRIBE = "/api/v1/events/subscribe/project-events"


class EventCalls(Calls):
    """What can be listened to. Every call raises what `Calls` says."""

    async def subscribe(self, body: Subscribe) -> AsyncGenerator[Told | None]:
        """Give what happens as it is committed, and None at once and now and then.

        Ends where Keyturn ends it. What was committed before the first None is not told. Raises
        Unreachable also where nothing has come for a minute.
        """
        try:
            async with self._listening(body.model_dump_json(exclude_none=True)) as answer:
                async for event, data in _events(answer.aiter_lines()):
                    yield None if event == "ping" else _told(answer, data)
        except (httpx2.TransportError, httpx2.InvalidURL, httpx2.DecodingError) as error:
            why = type(error).__name__
            raise Unreachable(f"Keyturn tells no more at {self.url} ({why}).") from error

    @asynccontextmanager
    async def _listening(self, content: str) -> AsyncIterator[httpx2.Response]:
        """Open a stream, after another log-in where the token is good no more."""
        token = await self._bearer(refused=None)
        answer = await self._open(content, token)
        try:
            if wants_log_in(answer) and (newer := await self._bearer(refused=token)) != token:
                await answer.aclose()
                answer = await self._open(content, newer)
            if not answer.is_success:
                await answer.aread()
                raise refusal(answer)
            yield answer
        finally:
            await answer.aclose()

    async def _open(self, content: str, token: str) -> httpx2.Response:
        headers = {
            "accept": "text/event-stream",
            "authorization": f"Bearer {token}",
            "content-type": "application/json",
        }
        request = self._http.build_request("POST", SUBSCRIBE, content=content, headers=headers)
        return await self._http.send(request, stream=True)


async def _events(lines: AsyncIterator[str]) -> AsyncIterator[tuple[str, str]]:
    """Put lines together to events, each with its name and its data; comments are nothing."""
    event, data = "", list[str]()
    async for line in lines:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                yield event, "\n".join(data)
            event, data = "", []
        elif field == "event":
            event = value
        elif field == "data":
            data.append(value)


def _told(answer: httpx2.Response, data: str) -> Told:
    try:
        return Told.model_validate_json(data)
    except ValidationError:
        raise not_keyturn(answer) from None
