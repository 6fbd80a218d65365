"""The schema's history: revisions that are never changed once they are released.

`versions/` holds one file a revision, written by hand; a test holds them equal to the tables.
"""

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from keyturn.domain.errors import Refused


class NewerData(Refused):
    """The data was written by a newer Keyturn: start that one, or restore an older backup."""


def revision_of(connection: Connection) -> str:
    """Return the revision of the schema, or nothing where there is none."""
    return MigrationContext.configure(connection).get_current_revision() or ""


def newest_revision() -> str:
    """Return the revision of the schema that this Keyturn works with."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def require_newest(connection: Connection) -> None:
    """Raise Refused where the schema is not the one that this Keyturn works with."""
    known = revision_of(connection)
    if not known:
        raise Refused("There is no installation in the database: run `keyturn init` first.")
    if known != newest_revision():
        raise Refused("The data was written by another version of Keyturn: use that one for this.")


def upgrade(connection: Connection) -> None:
    """Bring the schema up to date, within the transaction that is open.

    Raises NewerData where the data knows a revision that this Keyturn does not.
    """
    try:
        command.upgrade(_config(connection), "head")
    except CommandError as error:
        raise NewerData from error


def _config(connection: Connection | None = None) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", __name__.replace(".migrations", ":migrations"))
    return config
