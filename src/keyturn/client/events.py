"""What Keyturn tells while somebody listens: server-sent events (WHATWG HTML, 9.2.6)."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import httpx2
from pydantic import ValidationError

from keyturn.client.calls import Calls
from keyturn.client.errors import Unreachable, not_keyturn, refusal, wants_log_in
from keyturn.wire.base import Wire
from keyturn.wire.events import Subscribe, Told
from keyturn.wire.flows import RunTold

SUBSCRIBE = "/api/v1/events/subscribe/project-events"
RUNS = "/api/v1/flow-runs/stream"

W = TypeVar("W", bound=Wire)


class EventCalls(Calls):
    """What can be listened to. Every call raises what `Calls` says."""

    async def subscribe(self, body: Subscribe) -> AsyncGenerator[Told | None]:
        """Give what happens as it is committed, and None at once and now and then.

        Ends where Keyturn ends it. What was committed before the first None is not told. Raises
        Unreachable also where nothing has come for a minute.
        """
        content = body.model_dump_json(exclude_none=True)
        asked = _Asked("POST", SUBSCRIBE, content, {"content-type": "application/json"})
        async with aclosing(self._hear(Told, asked)) as heard:
            async for _, told in heard:
                yield told

    async def follow_runs(
        self, query: Mapping[str, str | Sequence[str]], last: str = ""
    ) -> AsyncGenerator[tuple[str, RunTold | None]]:
        """Give what has come of runs after the event ``last``, or from now on, each with its id.

        None comes at once and now and then. Ends and raises as `subscribe` does.
        """
        headers = {"last-event-id": last} if last else {}
        async with aclosing(self._hear(RunTold, _Asked("GET", RUNS, "", headers, query))) as heard:
            async for each in heard:
                yield each

    async def _hear(self, shape: type[W], asked: "_Asked") -> AsyncGenerator[tuple[str, W | None]]:
        try:
            async with self._listening(asked) as answer:
                async for event, data, last in _events(answer.aiter_lines()):
                    yield last, None if event == "ping" else _told(shape, answer, data)
        except (httpx2.TransportError, httpx2.InvalidURL, httpx2.DecodingError) as error:
            why = type(error).__name__
            raise Unreachable(f"Keyturn tells no more at {self.url} ({why}).") from error

    @asynccontextmanager
    async def _listening(self, asked: "_Asked") -> AsyncIterator[httpx2.Response]:
        """Open a stream, after another log-in where the token is good no more."""
        token = await self._bearer(refused=None)
        answer = await self._open(asked, token)
        try:
            if wants_log_in(answer) and (newer := await self._bearer(refused=token)) != token:
                await answer.aclose()
                answer = await self._open(asked, newer)
            if not answer.is_success:
                await answer.aread()
                raise refusal(answer)
            yield answer
        finally:
            await answer.aclose()

    async def _open(self, asked: "_Asked", token: str) -> httpx2.Response:
        bearing = {"accept": "text/event-stream", "authorization": f"Bearer {token}"}
        request = self._http.build_request(
            asked.method,
            asked.path,
            content=asked.content,
            params=asked.query,
            headers=bearing | dict(asked.headers),
        )
        return await self._http.send(request, stream=True)


@dataclass(frozen=True)
class _Asked:
    """The request that opens a stream."""

    method: str
    path: str
    content: str
    headers: Mapping[str, str]
    query: Mapping[str, str | Sequence[str]] | None = None


async def _events(lines: AsyncIterator[str]) -> AsyncIterator[tuple[str, str, str]]:
    """Put lines together to events: name, data and the last id that came; comments are nothing."""
    event, data, last = "", list[str](), ""
    async for line in lines:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                yield event, "\n".join(data), last
            event, data = "", []
        elif field == "event":
            event = value
        elif field == "id":
            last = value
        elif field == "data":
            data.append(value)


def _told(shape: type[W], answer: httpx2.Response, data: str) -> W:
    try:
        return shape.model_validate_json(data)
    except ValidationError:
        raise not_keyturn(answer) from None
