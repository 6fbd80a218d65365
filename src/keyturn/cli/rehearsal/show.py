"""How a rehearsal looks while it runs: live on a terminal, else lines, or nothing at all."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import click

from keyturn.cli.rehearsal.tally import Tally


class Show(Protocol):
    """What watches a rehearsal."""

    def say(self, line: str) -> None:
        """Tell one line."""
        ...

    def begin_turn(self, number: int, phases: int) -> None:
        """Tell that a turn begins, and how many phases it has."""
        ...

    def reach(self, tally: Tally, number: int, phase: str) -> None:
        """Tell that a turn has come to a phase, and what the consumer has done until now."""
        ...


class Nothing:
    """Shows nothing, for those who want JSON only."""

    def say(self, line: str) -> None:
        """Tell nothing."""

    def begin_turn(self, number: int, phases: int) -> None:
        """Tell nothing."""

    def reach(self, tally: Tally, number: int, phase: str) -> None:
        """Tell nothing."""


class Lines:
    """One line an event, for a file or a pipe."""

    def say(self, line: str) -> None:
        """Print the line."""
        click.echo(line)

    def begin_turn(self, number: int, phases: int) -> None:
        """Print nothing yet: the first phase follows at once."""

    def reach(self, tally: Tally, number: int, phase: str) -> None:
        """Print the phase and the consumer's figures."""
        click.echo(f"turn {number}: {phase:<26} consumer: {tally}")


@contextmanager
def showing(tally: Tally, *, as_json: bool) -> Iterator[Show]:
    """Choose how to show, by where the output goes."""
    if as_json:
        yield Nothing()
    elif sys.stdout.isatty():
        from keyturn.cli.rehearsal.live import live

        with live(tally) as shown:
            yield shown
    else:
        yield Lines()
