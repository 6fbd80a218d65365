"""The keys that seal what is stored."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyturn.cli import options, output
from keyturn.cli.running import run

if TYPE_CHECKING:
    from keyturn.bootstrap.keeping import RootKeyRotated
    from keyturn.settings import Settings


@click.group()
def keys() -> None:
    """Change the keys that seal what is stored."""


@keys.command("rotate-root")
@click.option("--plan", is_flag=True, help="Only count the data keys; change nothing.")
@click.option("--forget-old", is_flag=True, help="Delete the old root key in place of keeping it.")
@options.data_dir
@options.as_json
def rotate_root(*, plan: bool, forget_old: bool, data_dir: Path | None, as_json: bool) -> None:
    """Make a new root key, and wrap every data key by it.

    No value is touched, and every value reads as before. On SQLite stop `keyturn serve` first. On
    PostgreSQL copy the new key to every machine and restart every server and worker: one that
    still has the old key reads and makes nothing any more, and says why. The old key file is kept
    beside the new one, with the time in its name: copies of the database from before need it.
    Where this is interrupted, the next command or server that opens the installation finishes it.
    """
    settings = options.read_settings(data_dir=data_dir)
    done = run(_rotate(settings, plan=plan, forget_old=forget_old))
    document = {
        "rotated": not plan,
        "dataKeys": done.data_keys,
        "rootKeyFile": str(settings.key_file),
        "oldRootKeyFile": str(done.kept) if done.kept else None,
    }
    output.show(document, _lines(settings, done, plan=plan), as_json=as_json)


async def _rotate(settings: "Settings", *, plan: bool, forget_old: bool) -> "RootKeyRotated":
    from keyturn.adapters.system.logs import log_to
    from keyturn.bootstrap.keeping import rotate_root_key

    log_to(settings.log_file, settings.log_level)
    return await rotate_root_key(settings, plan=plan, forget_old=forget_old)


def _lines(settings: "Settings", done: "RootKeyRotated", *, plan: bool) -> list[str]:
    if plan:
        would = f"{done.data_keys} data keys would be wrapped by a new root key"
        return [f"{would} in {settings.key_file}. Nothing was changed."]
    lines = [
        f"{done.data_keys} data keys are wrapped by the new root key in {settings.key_file}.",
        f"The old one is kept as {done.kept}." if done.kept else "The old one is deleted.",
    ]
    if settings.database_url:
        lines.append(
            "Copy the new one to every machine, and restart every keyturn server and worker now."
        )
    return lines
