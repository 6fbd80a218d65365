"""Bring a schema up to date, by Alembic."""

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from keyturn.adapters.storage.migrations import NewerData


def upgrade_to_newest(connection: Connection) -> None:
    """Bring the schema up to date, within the transaction that is open.

    Raises NewerData where the data knows a revision that this Keyturn does not.
    """
    try:
        command.upgrade(_config(connection), "head")
    except CommandError as error:
        raise NewerData from error


def last_revision() -> str:
    """Return the last revision of `versions/`."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def _config(connection: Connection | None = None) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "keyturn.adapters.storage:migrations")
    return config
