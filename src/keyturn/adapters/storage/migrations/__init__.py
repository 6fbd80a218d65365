"""The schema's history: revisions that are never changed once they are released.

`versions/` holds one file a revision, written by hand; a test holds them equal to the tables. What
has to be done to data of another revision is `upgrading`'s to know.
"""

from importlib import import_module
from typing import Final

from sqlalchemy import Connection, column, inspect, select, table

from keyturn.domain.errors import Refused

NEWEST: Final = "0001"
"""The revision of the schema that this Keyturn works with: the last of `versions/`."""
_KNOWN = table("alembic_version", column("version_num"))


class NewerData(Refused):
    """The data was written by a newer Keyturn: start that one, or restore an older backup."""


def revision_of(connection: Connection) -> str:
    """Return the revision of the schema, or nothing where there is none."""
    if not inspect(connection).has_table(_KNOWN.name):
        return ""
    return connection.scalar(select(_KNOWN.c.version_num)) or ""


def require_newest(connection: Connection) -> None:
    """Raise Refused where the schema is not the one that this Keyturn works with."""
    known = revision_of(connection)
    if not known:
        raise Refused("There is no installation in the database: run `keyturn init` first.")
    if known != NEWEST:
        raise Refused("The data was written by another version of Keyturn: use that one for this.")


def load_upgrade(connection: Connection) -> None:
    """Load what an upgrade needs where there will be one: it takes long, and that holds nothing."""
    if revision_of(connection) != NEWEST:
        import_module("keyturn.adapters.storage.migrations.upgrading")


def upgrade(connection: Connection) -> None:
    """Bring the schema up to date, within the transaction that is open.

    Raises NewerData where the data knows a revision that this Keyturn does not.
    """
    if revision_of(connection) == NEWEST:
        return
    # Alembic takes 12 MB and half a second: who serves data that are up to date goes without.
    from keyturn.adapters.storage.migrations.upgrading import upgrade_to_newest  # noqa: PLC0415

    upgrade_to_newest(connection)
