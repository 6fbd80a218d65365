"""What the server goes on with is looked at until it is over, or somebody has seen enough."""

import os
import signal

import pytest

from keyturn.cli.running import looks, run

TELLS = "keyturn rollout show"


async def left(start: int, *, interrupt_at: int | None = None) -> list[int]:
    """Look at something that has one step less left by each look; return what was seen."""
    seen = []
    steps = iter(range(start - 1, -1, -1))

    async def look() -> int:
        return next(steps)

    async for found in looks(start, look, lambda each: each == 0, tells=TELLS, every_s=0.001):
        seen.append(found)
        if found == interrupt_at:
            os.kill(os.getpid(), signal.SIGINT)
    return seen


def test_it_is_looked_at_until_it_is_over(capsys: pytest.CaptureFixture[str]) -> None:
    """As it stood at first, and by each look; what is over at once is not looked at again."""
    assert run(left(3)) == [3, 2, 1, 0]
    assert run(left(0)) == [0]
    assert capsys.readouterr().err == ""


def test_who_interrupts_it_ends_the_looking_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """They are told that the server goes on, and by which command to look again."""
    assert run(left(10_000, interrupt_at=9_998))[:3] == [10_000, 9_999, 9_998]
    told = capsys.readouterr().err
    assert told == f"The server goes on with it; `{TELLS}` tells how far it is.\n"
