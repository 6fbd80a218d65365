"""Processes that die and stand still: whoever waits for one is told so, whatever comes together."""

import asyncio
from datetime import UTC, datetime

import httpx2
import pytest

from keyturn.cli.simulation.consumers import find_refresh_token
from keyturn.cli.simulation.processes import Died, Process, Work
from keyturn.testing import ManualClock, run_virtually

START = datetime(2026, 1, 1, tzinfo=UTC)


class Spared:
    """A lot that strikes nobody."""

    def where_it_waits(self, process: Process, work: Work, coroutine: object) -> None:
        """Do nothing."""


def test_who_is_called_off_as_its_process_dies_hears_both() -> None:
    """A death does not take the cancellation with it: a loop that survives deaths would go on."""

    async def world() -> None:
        process = Process("server", Spared())
        lives = 0

        async def give_orders() -> None:
            nonlocal lives
            while lives < 10:
                lives += 1
                try:
                    await process.run("order", asyncio.sleep(60))
                except Died:
                    continue

        orders = asyncio.create_task(give_orders())
        await asyncio.sleep(1)
        process.die()
        orders.cancel()
        with pytest.raises(asyncio.CancelledError):
            await orders
        assert lives == 1

    run_virtually(ManualClock(START), world())


def test_a_time_limit_inside_a_process_that_dies_is_no_cancellation() -> None:
    """What a piece of work does to itself ends with it."""

    async def world() -> None:
        process = Process("server", Spared())

        async def work() -> None:
            async with asyncio.timeout(5):
                await asyncio.sleep(60)

        asyncio.get_running_loop().call_later(5, process.die)
        with pytest.raises(Died):
            await process.run("work", work())

    run_virtually(ManualClock(START), world())


@pytest.mark.parametrize(
    ("body", "token"),
    [(b'{"refresh_token": "next"}', "next"), (b"{}", ""), (b'{"refresh_token": "ne', "")],
)
def test_half_an_answer_brings_no_refresh_token(body: bytes, token: str) -> None:
    """The consumer logs in anew, as after an answer without one."""
    assert find_refresh_token(httpx2.Response(200, content=body)) == token
