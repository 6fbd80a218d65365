"""What an inventory lists, looked at in the order of ids, and forgotten as a whole.

Decides by which columns; knows nothing of how the statements are run.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import Delete, Select, case, delete, func, or_, select

from keyturn.adapters.storage.tables import TABLES
from keyturn.domain.ids import ConnectionId
from keyturn.domain.inventory import ListedApp, ListedSecret

_app: Final = TABLES[ListedApp]
_unread: Final = or_(_app.c.read_at.is_(None), _app.c.told != "")

COUNT_APPS: Final = (
    select(
        _app.c.connection_id,
        func.count().label("apps"),
        func.count(case((_unread, 1))).label("unread"),
    )
    .where(_app.c.gone_at.is_(None))
    .group_by(_app.c.connection_id)
)
"""The statement that counts the apps of each inventory."""


def look_at_listed(
    connection_id: ConnectionId, listed_before: datetime | None, after: str, *, told: bool
) -> Select[tuple[object, ...]]:
    """Return the statement that reads apps that are not gone, by their ids."""
    there = select(_app).where(_app.c.connection_id == connection_id, _app.c.gone_at.is_(None))
    past = there.where(_app.c.app_id > after).order_by(_app.c.app_id)
    past = past.where(_app.c.told != "") if told else past
    return past if listed_before is None else past.where(_app.c.listed_at < listed_before)


def forgetting(connection_id: ConnectionId) -> tuple[Delete, Delete]:
    """Return the statements that remove all that is listed of a connection's org."""
    secrets = TABLES[ListedSecret]
    return (
        delete(secrets).where(secrets.c.connection_id == connection_id),
        delete(_app).where(_app.c.connection_id == connection_id),
    )
