"""Forms that were sent: what each asks for is done once, however often it comes.

A page carries another form token whenever it is rendered. So the same fields with the same token
are one form sent twice: a double click, or an answer that was loaded again. What was sent to
another process, or before this one began, is not known here.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable
from copy import copy
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response, StreamingResponse

from keyturn.web.rendering import ShownOnce

MOST: Final = 5_000
TWICE_S: Final = 10.0
"""How long the same form gets the same answer: a second click sees what came of the first."""
SHOWN_S: Final = 60.0
"""The same for an answer with a value that is shown once; then nothing of it is kept."""

Do = Callable[[], Awaitable[Response]]


@dataclass(frozen=True)
class Done:
    """What came of a form; ``leads_to`` is empty where the answer showed a value once."""

    leads_to: str


class SentForms:
    """The forms that were sent to this process, the newest of them, and what comes of each."""

    def __init__(self) -> None:
        self._known: Final[dict[bytes, asyncio.Task[Response] | Done]] = {}

    async def once(self, form: bytes, do: Do) -> Response | Done:
        """Do what a form asks for, or return what came of it; who comes meanwhile waits for that.

        A browser that goes away ends nothing. What ``do`` refuses or raises is not kept.
        """
        known = self._known.get(form)
        if isinstance(known, Done):
            return known
        came = copy(await asyncio.shield(known or self._begin(form, do)))
        if known and isinstance(came, StreamingResponse):
            return await do()  # it is read once
        came.raw_headers = [*came.raw_headers]  # who compresses it, adds to them
        return came

    async def find_way(self, form: bytes) -> Response | None:
        """Return where a form led that was sent just before, if it led anywhere."""
        doing = self._known.get(form)
        if not isinstance(doing, asyncio.Task):
            return None
        came = await asyncio.shield(doing)
        return copy(came) if "location" in came.headers else None

    def _begin(self, form: bytes, do: Do) -> asyncio.Task[Response]:
        while len(self._known) >= MOST:
            del self._known[next(iter(self._known))]
        doing = asyncio.ensure_future(_awaited(do))
        self._known[form] = doing
        doing.add_done_callback(lambda done: self._settle(form, done))
        return doing

    def _settle(self, form: bytes, doing: asyncio.Task[Response]) -> None:
        if doing.cancelled() or doing.exception() or doing.result().status_code >= 400:
            self._known.pop(form, None)
            return
        stays_s = SHOWN_S if isinstance(doing.result(), ShownOnce) else TWICE_S
        asyncio.get_running_loop().call_later(stays_s, self._forget, form)

    def _forget(self, form: bytes) -> None:
        """Keep only that it was done; of what merely shows something, not even that."""
        doing = self._known.pop(form, None)
        if isinstance(doing, asyncio.Task):
            answer = doing.result()
            leads_to = answer.headers.get("location", "")
            if leads_to or isinstance(answer, ShownOnce):
                self._known[form] = Done(leads_to)


def digest_of(texts: Iterable[str | bytes]) -> bytes:
    """Return what tells a form from all others, of who sends it where and what it says."""
    whole = hashlib.sha256()
    for text in texts:
        content = text.encode() if isinstance(text, str) else text
        whole.update(hashlib.sha256(content).digest())
    return whole.digest()


async def _awaited(do: Do) -> Response:
    return await do()
