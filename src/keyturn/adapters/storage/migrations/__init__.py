"""The schema's history: revisions that are never changed once they are released.

`versions/` holds one file a revision, written by hand; a test holds them equal to the tables.
"""

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection

from keyturn.domain.errors import Refused


class NewerData(Refused):
    """The data was written by a newer Keyturn: start that one, or restore an older backup."""


def upgrade(connection: Connection) -> None:
    """Bring the schema up to date, within the transaction that is open.

    Raises NewerData where the data knows a revision that this Keyturn does not.
    """
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", __name__.replace(".migrations", ":migrations"))
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise NewerData from error
