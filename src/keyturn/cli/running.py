"""Run a command's coroutine; what goes wrong becomes one line on stderr and exit code 1."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

import click

from keyturn.cli.faults import told_by_machine, told_by_server

if TYPE_CHECKING:
    from keyturn.client import ClientError, Identity, KeyturnApi, Person, Token
    from keyturn.settings import Settings

T = TypeVar("T")

LOOK_EVERY_S = 2.0


def run(work: Coroutine[None, None, T]) -> T:
    """Return what the coroutine returns. Raises ClickException for faults that have a name."""
    from keyturn.adapters.system.memory import keep_memory_private
    from keyturn.client import ClientError
    from keyturn.domain.errors import KeyturnError

    keep_memory_private()
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(work)
    except ClientError as error:
        raise click.ClickException(_told(error)) from error
    except KeyturnError as error:
        raise click.ClickException(error.message) from error
    except BrokenPipeError:
        raise  # `| head` has read enough: click ends without a word
    except OSError as error:
        raise click.ClickException(told_by_machine(error)) from error


def stop_asked() -> asyncio.Event:
    """Return what is set once the process is asked to stop (SIGTERM, SIGINT), from now on."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    return asked


async def looks(
    found: T,
    look: Callable[[], Awaitable[T]],
    over: Callable[[T], bool],
    *,
    tells: str,
    every_s: float = LOOK_EVERY_S,
) -> AsyncIterator[T]:
    """Give what the server goes on with as it stands, now and by each look, until it is over.

    Who interrupts it ends the looking alone, and is told that ``tells`` is the command to look by.
    """
    stopped = stop_asked()
    yield found
    while not over(found):
        try:
            await asyncio.wait_for(stopped.wait(), every_s)
        except TimeoutError:
            found = await look()
            yield found
        else:
            click.echo(f"The server goes on with it; `{tells}` tells how far it is.", err=True)
            return


@asynccontextmanager
async def connected(
    server: str | None, person: "Person | None" = None
) -> AsyncIterator["KeyturnApi"]:
    """Connect to the server that the flag, or the setting, names, as a person or as set."""
    from keyturn.cli.options import read_settings
    from keyturn.client import KeyturnApi

    settings = read_settings(url=server)
    credentials = person or _credentials(settings)
    async with KeyturnApi(settings.url, credentials, ca_file=settings.ca_file) as api:
        yield api


def _credentials(settings: "Settings") -> "Token | Identity":
    from keyturn.client import Identity, Token

    if settings.token and settings.token.get_secret_value():
        return Token(settings.token.get_secret_value())
    if settings.client_id and settings.client_secret:
        return Identity(settings.client_id, settings.client_secret.get_secret_value())
    raise click.ClickException(
        "There is no access token: set KEYTURN_TOKEN to the admin token that `keyturn init` "
        "printed, or KEYTURN_CLIENT_ID and KEYTURN_CLIENT_SECRET to those of an identity."
    )


def _loop_factory() -> "type[asyncio.AbstractEventLoop] | None":
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.Loop


def _told(error: "ClientError") -> str:
    from keyturn.client import ApiError, Unreachable

    if isinstance(error, Unreachable):
        return f"{error} Start it with `keyturn serve`, or set KEYTURN_URL to where it is."
    return told_by_server(error) if isinstance(error, ApiError) else str(error)
