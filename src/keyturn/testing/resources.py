"""Services in memory: what they were asked, what they answer, and what goes wrong on the way."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from keyturn.domain.addresses import resource_url
from keyturn.services.ports import NoAnswer, ResourceAnswer, ResourceRequest

Serve = Callable[[ResourceRequest], Awaitable[ResourceAnswer | NoAnswer]]
EMPTY = ResourceAnswer(200)


class FakeResources:
    """Answer from a script (`services.ports.ResourceServers`), then as ``serve`` does, or with 200.

    ``asked`` is every request that arrived. Where a step of the script is None, the request arrives
    and nothing ever comes of it.
    """

    def __init__(self, *script: ResourceAnswer | NoAnswer | None) -> None:
        self.asked: list[ResourceRequest] = []
        self.script = deque(script)
        self.serve: Serve | None = None
        self.private_allowed = False

    async def exchange(self, asked: ResourceRequest) -> ResourceAnswer | NoAnswer:
        """Return what the script says of a request."""
        resource_url(asked.url, private_allowed=self.private_allowed)
        step = self.script.popleft() if self.script else await self._served(asked)
        if not isinstance(step, NoAnswer) or step.sent:
            self.asked.append(asked)
        if step is None:
            return await _silence(asked.limit_s)
        if isinstance(step, ResourceAnswer) and len(step.body) > asked.most_bytes:
            return ResourceAnswer(step.status, step.headers, cut=True)
        return step

    async def _served(self, asked: ResourceRequest) -> ResourceAnswer | NoAnswer:
        return await self.serve(asked) if self.serve else EMPTY


async def _silence(limit_s: float) -> NoAnswer:
    try:
        async with asyncio.timeout(limit_s):
            await asyncio.Event().wait()
    except TimeoutError:
        pass
    return NoAnswer(sent=True, late=True, why="no answer in time")
