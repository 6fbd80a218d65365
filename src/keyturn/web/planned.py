"""What is planned on a page before it begins, and followed on another one afterwards."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from starlette.responses import Response

from keyturn.domain.errors import CallerError, Forbidden, KeyturnError
from keyturn.services.rollout_watching import Watch
from keyturn.web.visiting import Visit

S = TypeVar("S")


async def answer_planned(
    visit: Visit,
    ask: Callable[[KeyturnError | None], Response],
    plan: Callable[[], Awaitable[Response]],
    begin: Callable[[], Awaitable[Response]],
) -> Response:
    """Show the plan of what was typed, let it be changed, or begin what was shown.

    What does not fit is told where it was asked.
    """
    wanted = visit.said("do")
    if wanted == "change":
        return ask(None)
    try:
        return await (begin() if wanted == "begin" else plan())
    except Forbidden:
        raise
    except CallerError as error:
        return ask(error)


def follow_watch(visit: Visit, watch: Watch[S], draw: Callable[[S], str]) -> Response:
    """Follow what a watch sees; it is drawn anew where that is not the same any more."""
    last: tuple[S, str] | None = None

    async def look() -> str:
        nonlocal last
        sight = await watch.look(visit.caller)
        if last is None or last[0] is not sight:
            last = sight, draw(sight)
        return last[1]

    return visit.follow(look)
