"""Records in one SQLite file, through SQLAlchemy Core and Alembic.

Decides how records lie in tables and what a transaction is. Knows nothing of what records mean.
"""

from keyturn.adapters.storage.files import InUse
from keyturn.adapters.storage.migrations import NewerData
from keyturn.adapters.storage.store import SqliteStore

__all__ = ["InUse", "NewerData", "SqliteStore"]
