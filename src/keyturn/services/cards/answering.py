"""What an answer of a service is to a flow: outputs, or the failure of a card.

Decides from its status and its challenge. Whatever a service says is shown only as far as people
may see it.
"""

import asyncio
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Final, TypeVar

from keyturn.domain.flows.failures import CardFailure, Failure
from keyturn.domain.flows.masking import shielded
from keyturn.domain.flows.requests import as_text, parsed
from keyturn.domain.flows.values import Bound, TooLarge, Value, length_of, members, seen
from keyturn.domain.oauth.connectors import OF_OKTA
from keyturn.services.cards.line import Line
from keyturn.services.ports import ResourceAnswer

AT_ONCE_BYTES: Final = 32 * 1024
"""A larger body is read outside of the event loop."""
SAID_BYTES: Final = 64 * 1024
"""How much of what a service says to a failure is kept with it."""
SCOPE: Final = re.compile(r'scope="([!#-\[\]-~ ]{1,500})"')
RESET: Final = "x-rate-limit-reset"

T = TypeVar("T")


async def body_of(line: Line, answer: ResourceAnswer, *, plain: bool = False) -> Bound:
    """Return the body of an answer, as JSON where it is some, or as a text where ``plain``.

    Raises CardFailure for one that is larger than is read.
    """
    if answer.cut:
        told = f"The service answered with HTTP {answer.status} and more than is read (10 MB)."
        raise CardFailure(Failure.HTTP, told, status=answer.status)
    read = as_text if plain else parsed
    secrets, kind = line.secrets, answer.header("content-type")
    return await elsewhere(len(answer.body), lambda: shielded(read(answer.body, kind), secrets))


async def elsewhere(size: int, compute: Callable[[], T]) -> T:
    """Compute something, outside of the event loop where much is to be read."""
    return compute() if size <= AT_ONCE_BYTES else await asyncio.to_thread(compute)


async def outputs_of(line: Line, answer: ResourceAnswer, *, plain: bool = False) -> Bound:
    """Return status, headers and body as outputs. Raises CardFailure."""
    headers: dict[str, Value] = {name: answer.header(name) for name, _ in answer.headers}
    return members(
        {
            "status": seen(answer.status),
            "headers": shielded(headers, line.secrets),
            "body": await body_of(line, answer, plain=plain),
        }
    )


async def require_good(line: Line, answer: ResourceAnswer) -> ResourceAnswer:
    """Return an answer that says that it was done. Raises CardFailure for a status from 400 on."""
    if answer.status < 400:
        return answer
    failure = CardFailure(
        Failure.HTTP,
        f"The service answered with {_named(answer.status)}.",
        status=answer.status,
        body=await _said(line, answer),
        retry_after_s=_retry_after_s(line, answer),
    )
    if answer.status == 403 and "insufficient_scope" in answer.header("www-authenticate"):
        failure.kind, failure.message = Failure.SCOPE, _lacking(line, answer)
    raise failure


async def _said(line: Line, answer: ResourceAnswer) -> Value:
    if answer.cut:
        return None
    view = (await body_of(line, answer)).view
    try:
        length_of(view, SAID_BYTES)
    except TooLarge:
        return None
    return view


def _named(status: int) -> str:
    known = status in {each.value for each in HTTPStatus}
    return f"HTTP {status} {HTTPStatus(status).phrase}" if known else f"HTTP {status}"


def _retry_after_s(line: Line, answer: ResourceAnswer) -> float | None:
    """Return how long a service asks to be left alone; Okta tells when its window turns instead."""
    told = answer.header(RESET)
    if answer.retry_after_s is not None or answer.status != 429:
        return answer.retry_after_s
    if not re.fullmatch(r"[0-9]{1,11}", told):
        return None
    return max(1.0, float(told) - line.stage.world.clock.now().timestamp())


def _lacking(line: Line, answer: ResourceAnswer) -> str:
    """Name the scopes that a card lacks, and who grants them where."""
    found = SCOPE.search(answer.header("www-authenticate"))
    scopes = tuple(found[1].split()) if found else line.act.card.spec.scopes
    told = ", ".join(scopes) or "a scope"
    if line.seen is None:
        return f"The token was not granted {told}."
    name, connection = line.act.card.connection, line.seen.connection
    asks = f"{connection.name} --project {line.seen.place.project.slug}"
    steps = [f"{name} was not granted {told}."]
    if line.seen.registration.connector in OF_OKTA:
        steps.append("A super admin grants it to the app: Applications, the app, Okta API Scopes.")
    if not set(scopes) <= set(connection.scopes):
        steps.append(f"Let the connection ask for it: `keyturn connection update {asks}`.")
    if not connection.minted:
        steps.append(f"Then authorize it again: `keyturn connection authorize {asks}`.")
    return " ".join(steps)
