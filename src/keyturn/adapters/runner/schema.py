"""Where Procrastinate's own tables are: in a schema of their own, named after its version.

Nothing in them is needed for long, so there is nothing to migrate: a newer version makes a schema
beside the older one, which may be dropped when no older worker is left.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Final

from procrastinate.exceptions import ConnectorException
from procrastinate.schema import SchemaManager
from psycopg import AsyncConnection, InterfaceError, OperationalError, sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow

from keyturn.domain.errors import DatabaseAway
from keyturn.domain.sensitive import Sensitive

SCHEMA: Final = "keyturn_queue_" + version("procrastinate").replace(".", "_")
LOCK: Final = int.from_bytes(b"ktqueue")


def conninfo(url: Sensitive) -> str:
    """Return how to connect: a server that is away is noticed within half a minute."""
    return make_conninfo(
        url.reveal(),
        connect_timeout=5,
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
        tcp_user_timeout=25_000,  # milliseconds
        application_name="keyturn queue",
    )


@contextmanager
def in_our_words() -> Iterator[None]:
    """Raise DatabaseAway in place of what a queue raises whose database is away."""
    try:
        yield
    except (ConnectorException, OperationalError, InterfaceError) as error:
        told = error.__cause__ if isinstance(error, ConnectorException) else error
        if not isinstance(told, OperationalError | InterfaceError):
            raise
        raise DatabaseAway("The queue does not reach its database.") from None


async def create_queue(url: Sensitive) -> None:
    """Create Procrastinate's tables where they are missing; one process at a time looks.

    Raises psycopg.Error where the database is away or forbids new schemas.
    """
    async with await AsyncConnection.connect(conninfo(url)) as connection:
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        found = await connection.execute("SELECT to_regnamespace(%s)", [SCHEMA])
        if await found.fetchone() == (None,):
            await connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(SCHEMA)))
            await _use(connection)
            await connection.execute(SchemaManager.get_schema())


async def settle(connection: AsyncConnection[TupleRow]) -> None:
    """Set up a connection of Procrastinate's pool."""
    await _use(connection)
    await connection.commit()


async def _use(connection: AsyncConnection[TupleRow]) -> None:
    await connection.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(SCHEMA)))
