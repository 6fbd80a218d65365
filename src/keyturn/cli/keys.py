"""The keys that seal what is stored."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyturn.cli import options, output
from keyturn.cli.running import run

if TYPE_CHECKING:
    from keyturn.bootstrap.keeping import RootKeyRotated
    from keyturn.bootstrap.root_keys import KeyPlace
    from keyturn.settings import Settings


@click.group()
def keys() -> None:
    """Look after the keys that seal what is stored."""


@keys.command("rotate-root")
@click.option("--plan", is_flag=True, help="Only count the data keys; change nothing.")
@click.option("--forget-old", is_flag=True, help="Delete the old root key in place of keeping it.")
@options.data_dir
@options.as_json
def rotate_root(*, plan: bool, forget_old: bool, data_dir: Path | None, as_json: bool) -> None:
    """Make a new root key, and wrap every data key by it.

    No value is touched, and every value reads as before. The new key goes where the settings want
    it: into the file, in clear or wrapped by KEYTURN_KMS_KEY; or it is KEYTURN_ROOT_KEY, beside
    KEYTURN_OLD_ROOT_KEY or the file from before. So this moves it from one to another as well.

    On SQLite stop `keyturn serve` first. On PostgreSQL copy a new file to every machine: servers
    and workers look for it by themselves. The old key file is kept beside the new one, with the
    time in its name: copies of the database from before need it. Where this is interrupted, the
    next command or server that opens the installation finishes it.
    """
    settings = options.read_settings(data_dir=data_dir)
    done = run(_rotate(settings, plan=plan, forget_old=forget_old))
    document = {
        "rotated": not plan,
        "dataKeys": done.data_keys,
        **_place(done.place),
        "oldRootKeyFile": str(done.kept) if done.kept else None,
    }
    output.show(document, _lines(settings, done, plan=plan), as_json=as_json)


@keys.command("show")
@options.data_dir
@options.as_json
def show(*, data_dir: Path | None, as_json: bool) -> None:
    """Say where the root key in force is, and whether it is where the settings want it.

    The key itself is never shown. The server may be running.
    """
    place = run(_find(options.read_settings(data_dir=data_dir)))
    lines = [f"The root key is in {place}."]
    if place.wrapped:
        lines.append(f"The KMS knows the installation as {place.wrapped.installation}.")
    output.show(_place(place), [*lines, *filter(None, [place.advice])], as_json=as_json)


async def _find(settings: "Settings") -> "KeyPlace":
    from keyturn.adapters.system.logs import log_to
    from keyturn.bootstrap.keeping import find_root_key

    log_to(settings.log_file, settings.log_level)
    return await find_root_key(settings)


def _place(place: "KeyPlace") -> dict[str, str | None]:
    wrapped = place.wrapped
    return {
        "source": place.source,
        "rootKeyFile": str(place.file) if place.file else None,
        "kmsKey": wrapped.kms_key if wrapped else None,
        "installation": wrapped.installation if wrapped else None,
        "advice": place.advice or None,
    }


async def _rotate(settings: "Settings", *, plan: bool, forget_old: bool) -> "RootKeyRotated":
    from keyturn.adapters.system.logs import log_to
    from keyturn.bootstrap.keeping import rotate_root_key

    log_to(settings.log_file, settings.log_level)
    return await rotate_root_key(settings, plan=plan, forget_old=forget_old)


def _lines(settings: "Settings", done: "RootKeyRotated", *, plan: bool) -> list[str]:
    if plan:
        would = f"{done.data_keys} data keys would be wrapped by a new root key"
        return [f"{would}. The one in force is in {done.place}. Nothing was changed."]
    lines = [f"{done.data_keys} data keys are wrapped by the new root key in {done.place}."]
    if done.kept:
        lines.append(f"The old one is kept as {done.kept}.")
    if settings.old_root_key:
        lines.append("Once every process has the new one, KEYTURN_OLD_ROOT_KEY can go.")
    if settings.database_url and done.place.file:
        lines.append("Copy the file to every machine now: each process looks for it by itself.")
    return [*lines, *filter(None, [done.place.advice])]
