"""Records in one SQLite file or a PostgreSQL database, through SQLAlchemy Core and Alembic.

Decides how records lie in tables and what a transaction is. Knows nothing of what records mean.
"""

from keyturn.adapters.storage.files import InUse
from keyturn.adapters.storage.migrations import NewerData
from keyturn.adapters.storage.moving import count_records, move
from keyturn.adapters.storage.postgres import PostgresStore
from keyturn.adapters.storage.sqlite import SqliteStore

__all__ = [
    "InUse",
    "NewerData",
    "PostgresStore",
    "SqliteStore",
    "count_records",
    "move",
]
