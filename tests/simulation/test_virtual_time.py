"""What simulated worlds stand on: time that nobody waits for, and an app in the same process."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx2
import pytest
from starlette.types import Receive, Scope, Send

from keyturn.testing import AppTransport, ManualClock, run_virtually
from keyturn.testing.loop import Deadlocked

START = datetime(2026, 1, 1, tzinfo=UTC)


def test_timers_go_off_in_order_and_in_no_time() -> None:
    """A day passes as soon as everybody waits for it; of two at one time the first goes first."""
    clock, told = ManualClock(START), list[str]()

    async def tell(name: str, after_s: float) -> None:
        await asyncio.sleep(after_s)
        told.append(f"{name} at {clock.uptime_s():.0f} s")

    async def world() -> None:
        await asyncio.gather(tell("last", 86_400), tell("first", 60), tell("second", 60))

    run_virtually(clock, world())
    assert told == ["first at 60 s", "second at 60 s", "last at 86400 s"]


def test_a_time_limit_ends_a_wait_and_a_cancelled_timer_takes_no_time() -> None:
    """Who is called in time goes on at once, who is not goes on when the limit has passed."""
    clock = ManualClock(START)

    async def world() -> None:
        bell = asyncio.Event()
        asyncio.get_running_loop().call_later(5, bell.set)
        async with asyncio.timeout(3600):
            await bell.wait()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(60):
                await asyncio.Event().wait()

    run_virtually(clock, world())
    assert clock.uptime_s() == 65.0


def test_less_than_a_microsecond_passes_too() -> None:
    """A wait that the clock cannot count ends all the same."""
    clock = ManualClock(START)
    run_virtually(clock, asyncio.sleep(1e-9))
    assert clock.uptime_s() <= 1e-6


def test_a_generator_that_is_left_is_closed() -> None:
    """Who leaves a generator before its end has it closed, as in any event loop."""
    told = list[str]()

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
            yield 2
        finally:
            told.append("closed")

    async def world() -> None:
        async for _ in numbers():
            break
        await asyncio.sleep(1)
        told.append("later")

    run_virtually(ManualClock(START), world())
    assert told == ["closed", "later"]


def test_a_wait_for_nothing_is_a_deadlock() -> None:
    """Where everybody waits and no time is left to pass, it is said, not waited for."""
    with pytest.raises(Deadlocked):
        run_virtually(ManualClock(START), asyncio.Event().wait())


async def _echo(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["path"] == "/lost":
        raise httpx2.ReadError("nobody answers")
    asked = await receive()
    told = f"{scope['method']} {scope['path']}?{scope['query_string'].decode()}".encode()
    headers = [(b"host-asked", dict(scope["headers"])[b"host"])]
    await send({"type": "http.response.start", "status": 201, "headers": headers})
    await send({"type": "http.response.body", "body": told + b" ", "more_body": True})
    await send({"type": "http.response.body", "body": asked["body"]})


async def test_an_app_in_the_same_process_answers() -> None:
    """Request and answer arrive whole, headers and all."""
    async with httpx2.AsyncClient(transport=AppTransport(_echo)) as client:
        answer = await client.post("https://app.test/a%20b?c=d", content=b"body")
    assert (answer.status_code, answer.text) == (201, "POST /a b?c=d body")
    assert answer.headers["host-asked"] == "app.test"


async def test_what_an_app_raises_reaches_the_one_who_asks() -> None:
    """A connection that the app drops is an error of the network, not an empty answer."""
    async with httpx2.AsyncClient(transport=AppTransport(_echo)) as client:
        with pytest.raises(httpx2.ReadError):
            await client.get("https://app.test/lost")
