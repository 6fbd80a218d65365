"""Records in one SQLite file or a PostgreSQL database, through SQLAlchemy Core and Alembic.

Decides how records lie in tables and what a transaction is. Knows nothing of what records mean.
"""

from keyturn.adapters.storage.files import InUse
from keyturn.adapters.storage.filling import fill
from keyturn.adapters.storage.migrations import NEWEST, NewerData
from keyturn.adapters.storage.moving import count_records, move, moved_file
from keyturn.adapters.storage.postgres import PostgresStore
from keyturn.adapters.storage.snapshots import (
    Dump,
    PlainRows,
    loading,
    refuse_filled,
    snapshot,
)
from keyturn.adapters.storage.sqlite import SqliteStore

__all__ = [
    "NEWEST",
    "Dump",
    "InUse",
    "NewerData",
    "PlainRows",
    "PostgresStore",
    "SqliteStore",
    "count_records",
    "fill",
    "loading",
    "move",
    "moved_file",
    "refuse_filled",
    "snapshot",
]
