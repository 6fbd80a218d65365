"""Sealed backups of a whole installation, and the way back from one."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyturn.cli import options, output
from keyturn.cli.running import run

if TYPE_CHECKING:
    from keyturn.adapters.crypto import Opener
    from keyturn.settings import Settings

SHORTEST = 12

_file = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
_key_file = click.option(
    "--key-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Seal by the key in this file, base64 of 32 bytes and its owner's alone, in place of a "
    "passphrase.",
)


@click.command()
@_file
@_key_file
@click.option("--plan", is_flag=True, help="Only count what would be in it; write nothing.")
@options.data_dir
@options.as_json
def backup(
    *, file: Path, key_file: Path | None, plan: bool, data_dir: Path | None, as_json: bool
) -> None:
    """Write everything as of one moment to a new, sealed FILE.

    The server may go on meanwhile. The root key is in it, sealed as well: a new machine needs this
    file and the passphrase, and nothing else; so does a thief. Keep them apart. The passphrase
    comes from KEYTURN_BACKUP_PASSPHRASE, or is asked for. Who loses it has no backup.
    """
    settings = options.read_settings(data_dir=data_dir)
    opener = None if plan else _opener(settings, key_file, new=True)
    counts = run(_back_up(settings, file, opener))
    told = "Nothing was written." if plan else f"Written to {file}, sealed."
    document = {"written": not plan, "file": str(file), "records": counts}
    output.show(document, _lines(counts, told), as_json=as_json)


@click.command()
@_file
@_key_file
@click.option("--plan", is_flag=True, help="Check the whole file and the place; write nothing.")
@options.data_dir
@options.as_json
def restore(
    *, file: Path, key_file: Path | None, plan: bool, data_dir: Path | None, as_json: bool
) -> None:
    """Put everything of a backup FILE into an empty installation.

    The file and its passphrase are enough: the root key is in it. First the whole file is checked;
    one that was cut short or changed is refused, and so is a place that has records. Then all of
    it arrives, with the audit log's chain verified, or nothing does. Stop the old installation for
    good first: two that turn the same apps take each other's secrets for foreign ones.
    """
    settings = options.read_settings(data_dir=data_dir)
    counts = run(_restore(settings, file, _opener(settings, key_file, new=False), plan=plan))
    told = "Nothing was written." if plan else "Restored. Start it with `keyturn serve`."
    document = {"restored": not plan, "file": str(file), "records": counts}
    output.show(document, _lines(counts, told), as_json=as_json)


def _opener(settings: "Settings", key_file: Path | None, *, new: bool) -> "Opener":
    from keyturn.adapters.crypto import Opener, read_key_file
    from keyturn.domain.errors import KeyturnError
    from keyturn.domain.sensitive import Sensitive

    if key_file:
        try:
            return Opener("key file", read_key_file(key_file))
        except KeyturnError as error:
            raise click.ClickException(error.message) from error
    given = settings.backup_passphrase
    text = given.get_secret_value() if given else _asked(new=new)
    if new and len(text) < SHORTEST:
        raise click.ClickException(
            f"The passphrase is short: take {SHORTEST} characters or more, better several words."
        )
    return Opener("passphrase", Sensitive(text))


def _asked(*, new: bool) -> str:
    asked: str = click.prompt("Passphrase", hide_input=True, confirmation_prompt=new, err=True)
    return asked


async def _back_up(settings: "Settings", file: Path, opener: "Opener | None") -> Mapping[str, int]:
    from keyturn.adapters.system.logs import log_to
    from keyturn.bootstrap.keeping import back_up

    log_to(settings.log_file, settings.log_level)
    return await back_up(settings, file, opener)


async def _restore(
    settings: "Settings", file: Path, opener: "Opener", *, plan: bool
) -> Mapping[str, int]:
    from keyturn.adapters.system.logs import log_to
    from keyturn.bootstrap.keeping import restore

    log_to(settings.log_file, settings.log_level)
    return await restore(settings, file, opener, plan=plan)


def _lines(counts: Mapping[str, int], told: str) -> list[str]:
    rows = [[table, str(count)] for table, count in counts.items()]
    return [*output.table(["records", "count"], rows), "", told]
