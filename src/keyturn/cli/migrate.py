"""Move an installation from its SQLite file to PostgreSQL."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyturn.cli import options, output
from keyturn.cli.running import run

if TYPE_CHECKING:
    from keyturn.settings import Settings


@click.command()
@click.option(
    "--to",
    metavar="URL",
    help="The empty database, postgresql://user:password@host/name. A password on a command line "
    "is seen by others: better leave this out.  [default: KEYTURN_DATABASE_URL]",
)
@click.option("--plan", is_flag=True, help="Only count what would be moved; change nothing.")
@options.data_dir
@options.as_json
def migrate(*, to: str | None, plan: bool, data_dir: Path | None, as_json: bool) -> None:
    """Move everything from the data directory's SQLite file to a PostgreSQL database.

    Stop `keyturn serve` first. All of it arrives, or nothing does: records in their order, turns in
    flight, the audit log with its chain verified. What is there is compared with what was read
    before it counts. The root key stays the same and where it is. The file is kept under another
    name, so that nobody goes on with it by mistake.
    """
    settings = options.read_settings(data_dir=data_dir, database_url=to)
    counts = run(_migrate(settings, plan=plan))
    output.show({"moved": not plan, "records": counts}, _lines(counts, plan), as_json=as_json)


async def _migrate(settings: "Settings", *, plan: bool) -> Mapping[str, int]:
    from keyturn.adapters.system.logs import log_to
    from keyturn.bootstrap.keeping import migrate
    from keyturn.domain.sensitive import Sensitive

    if settings.database_url is None:
        raise click.UsageError("Say where to: --to, or KEYTURN_DATABASE_URL.")
    log_to(settings.log_file, settings.log_level)
    return await migrate(settings, Sensitive(settings.database_url.get_secret_value()), plan=plan)


def _lines(counts: Mapping[str, int], plan: bool) -> list[str]:  # noqa: FBT001  a value
    rows = [[table, str(count)] for table, count in counts.items()]
    told = "Nothing was changed." if plan else "Moved. Set KEYTURN_DATABASE_URL and start Keyturn."
    return [*output.table(["records", "count"], rows), "", told]
