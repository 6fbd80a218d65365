"""Run a command with the secrets of a folder in its environment. POSIX only."""

import os
import random
import re
import signal
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import click

from keyturn.cli import options
from keyturn.cli.running import connected
from keyturn.cli.running import run as run_until_done

if TYPE_CHECKING:
    from keyturn.client import KeyturnApi, Place
    from keyturn.client.child import Child
    from keyturn.client.folder import Folder
    from keyturn.client.watching import FolderWatch, Pause

NOT_FOUND, NOT_STARTED = 127, 126  # as a shell answers
SHORTEST_S = 1.0
_UNITS = {"s": 1, "m": 60, "h": 3600}


class Interval(click.ParamType[float]):
    """A length of time: a number with s, m or h behind it; seconds without."""

    name = "interval"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return seconds."""
        found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", str(value))
        seconds = float(found[1]) * _UNITS[found[2] or "s"] if found else 0.0
        if seconds < SHORTEST_S:
            self.fail(f"{value} is not a time such as 30s, 5m or 1h, of a second at least.")
        return seconds


class OnChange(click.ParamType[str]):
    """What a new version leads to: ``ignore``, ``restart``, or ``signal:`` and a signal's name."""

    name = "restart|signal:NAME|ignore"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """Return the choice, the signal's name as Python has it."""
        choice, colon, name = str(value).partition(":")
        if not colon and choice in {"ignore", "restart"}:
            return choice
        if choice != "signal" or f"SIG{name}" not in signal.Signals.__members__:
            self.fail(f"{value} is neither ignore, restart, nor a signal such as signal:HUP.")
        return f"SIG{name}"


@click.command(context_settings={"allow_interspersed_args": False})
@click.argument("command", nargs=-1, required=True, metavar="-- COMMAND…")
@options.environment
@options.path
@options.project
@click.option("--recursive", is_flag=True, help="Take the folders below as well.")
@click.option("--prefix", default="", help="Put this before every name.")
@click.option("--override", is_flag=True, help="Let secrets replace variables that are set.")
@click.option(
    "--on-change",
    type=OnChange(),
    default="ignore",
    show_default=True,
    help="What to do when a value has changed: start the command anew, or send it a signal.",
)
@click.option(
    "--interval",
    "interval_s",
    type=Interval(),
    default="60s",
    show_default=True,
    help="How long to wait between two looks for changes.",
)
@click.option(
    "--pass-credentials",
    is_flag=True,
    help="Let the command have Keyturn's own credentials, such as KEYTURN_TOKEN, as well.",
)
@options.server
def run(
    *,
    command: tuple[str, ...],
    environment: str,
    path: str,
    project: str,
    recursive: bool,
    prefix: str,
    override: bool,
    on_change: str,
    interval_s: float,
    pass_credentials: bool,
    server: str | None,
) -> None:
    """Run COMMAND with the secrets of a folder as environment variables.

    Ends as the command does, with its exit code. Signals are passed on to it. Values are never
    printed, and never on a command line. What the command inherits is this environment without
    Keyturn's own credentials.
    """
    from keyturn.client import Place
    from keyturn.client.listening import woken
    from keyturn.client.supervising import Supervisor
    from keyturn.client.watching import pauses

    place = Place(project, environment, path)
    inherited = os.environ if pass_credentials else _without_credentials(os.environ)

    def start(values: Mapping[str, str]) -> "Child":
        return _start(command, values, inherited, prefix=prefix, override=override)

    async def supervise() -> int:
        async with AsyncExitStack() as stack:
            api = await stack.enter_async_context(connected(server))
            pause = pauses(interval_s, random.SystemRandom().random)
            if on_change != "ignore":
                pause = await stack.enter_async_context(woken(api, place, pause, below=recursive))
            watch = await _watch(api, place, pause, recursive=recursive)
            tell = signal.Signals[on_change] if on_change.startswith("SIG") else None
            asked = None if on_change == "ignore" else watch.next
            return await Supervisor(start, asked, tell=tell).run(watch.held)

    sys.exit(run_until_done(supervise()))


async def _watch(
    api: "KeyturnApi", place: "Place", pause: "Pause", *, recursive: bool
) -> "FolderWatch":
    from keyturn.client.watching import FolderWatch

    async def ask(held: str) -> "Folder | None":
        return await api.read_folder(place, recursive=recursive, held=held)

    return await FolderWatch.begin(ask, pause=pause, warn=_warn)


def _without_credentials(environment: Mapping[str, str]) -> Mapping[str, str]:
    from keyturn.settings import CREDENTIALS

    return {name: value for name, value in environment.items() if name.upper() not in CREDENTIALS}


def _start(
    command: tuple[str, ...],
    values: Mapping[str, str],
    inherited: Mapping[str, str],
    *,
    prefix: str,
    override: bool,
) -> "Child":
    from keyturn.client.child import Child
    from keyturn.client.environment import inject

    made = inject(values, inherited, prefix=prefix, override=override)
    if made.unfit:
        _warn(f"Left out, since no variable can hold them: {', '.join(made.unfit)}.")
    if made.kept:
        _warn(f"Left as they are in the environment (see --override): {', '.join(made.kept)}.")
    try:
        return Child(command, made.environment)
    except FileNotFoundError:
        _warn(f"There is no command {command[0]}.")
        sys.exit(NOT_FOUND)
    except OSError as error:
        _warn(f"{command[0]} cannot be started: {error.strerror}.")
        sys.exit(NOT_STARTED)


def _warn(text: str) -> None:
    click.echo(f"keyturn: {text}", err=True)
