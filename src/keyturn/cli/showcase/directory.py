"""What lies in the directory of a showcase beside the installation: the org, and its ports."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit

from keyturn.domain.errors import Refused
from keyturn.sandbox import Ready, SandboxConfig
from keyturn.sandbox.state.snapshot import write_snapshot
from keyturn.settings import Settings

NOTE: Final = "showcase.json"
"""Where the org's ports are kept: connections know it by them. It is written last of all."""
ORG: Final = "sandbox-org.json"
PORTS: Final = ("http", "https", "control")
LOOPBACK: Final = "127.0.0.1"
SAVE_S: Final = 30.0
"""How often the org is saved: a killed process costs no more of it than that."""


def find_org(settings: Settings) -> SandboxConfig | None:
    """Return how the org of a directory is served again; None where there is no showcase yet.

    Raises Refused where there is something else, and where its ports are taken.
    """
    note, folder = settings.data_dir / NOTE, settings.data_dir
    if not note.exists():
        if settings.database_file.exists() or settings.key_file.exists():
            raise Refused(
                f"{folder} holds an installation that is no sandbox's, or half of one that was: "
                "name another directory."
            )
        return None
    ports: Mapping[str, int] = json.loads(note.read_text())
    for port in ports.values():
        require_free(LOOPBACK, port, f"the org in {folder}")
    http, https, control = (ports[name] for name in PORTS)
    return SandboxConfig(http, https, control, load=folder / ORG)


def keep_org(settings: Settings, ready: Ready) -> None:
    """Save the org for the first time, and note where it is to be served again."""
    save_org(settings, ready)
    urls = (ready.http_url, ready.https_url, ready.control_url)
    ports = {name: urlsplit(url).port for name, url in zip(PORTS, urls, strict=True)}
    (settings.data_dir / NOTE).write_text(json.dumps(ports))


def save_org(settings: Settings, ready: Ready) -> None:
    """Save the org as it is; nobody ever sees half of it."""
    write_snapshot(settings.data_dir / ORG, ready.fleet)


@asynccontextmanager
async def saving(settings: Settings, ready: Ready) -> AsyncIterator[None]:
    """Save the org now and then, where anybody has called it, and at the end."""

    async def save_again() -> None:
        last = ready.org.journal.last
        while True:
            await asyncio.sleep(SAVE_S)
            if ready.org.journal.last != last:
                last = ready.org.journal.last
                save_org(settings, ready)

    task = asyncio.create_task(save_again(), name="saving the org")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        save_org(settings, ready)


def require_free(host: str, port: int, whose: str) -> int:
    """Return the port, or a free one where that is 0. Raises Refused for one that is taken."""
    try:
        with socket.create_server((host, port)) as found:
            free: int = found.getsockname()[1]
            return free
    except OSError as error:
        raise Refused(
            f"Port {port} of {host} is wanted for {whose} ({error.strerror}): end what listens "
            "there, which may be an earlier run."
        ) from None
