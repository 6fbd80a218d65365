"""What an inventory lists, looked at in the order of ids, and forgotten as a whole.

Decides by which columns; knows nothing of how the statements are run.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import Delete, Select, delete, select

from keyturn.adapters.storage.tables import TABLES
from keyturn.domain.ids import ConnectionId
from keyturn.domain.inventory import ListedApp, ListedSecret

_app: Final = TABLES[ListedApp]


def look_at_listed(
    connection_id: ConnectionId, listed_before: datetime | None, after: str
) -> Select[tuple[object, ...]]:
    """Return the statement that reads apps that are not gone, by their ids."""
    there = select(_app).where(_app.c.connection_id == connection_id, _app.c.gone_at.is_(None))
    past = there.where(_app.c.app_id > after).order_by(_app.c.app_id)
    return past if listed_before is None else past.where(_app.c.listed_at < listed_before)


def forgetting(connection_id: ConnectionId) -> tuple[Delete, Delete]:
    """Return the statements that remove all that is listed of a connection's org."""
    secrets = TABLES[ListedSecret]
    return (
        delete(secrets).where(secrets.c.connection_id == connection_id),
        delete(_app).where(_app.c.connection_id == connection_id),
    )
