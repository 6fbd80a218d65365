"""The store over PostgreSQL, shared by as many processes as are wanted."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Self

from sqlalchemy import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, OperationalError

from keyturn.adapters.storage.awaited import AsyncConnection
from keyturn.adapters.storage.engines import postgres_engines
from keyturn.adapters.storage.migrations import load_upgrade, require_newest, upgrade
from keyturn.adapters.storage.store import SqlStore
from keyturn.adapters.storage.words import sqlstate
from keyturn.domain.errors import Refused
from keyturn.domain.sensitive import Sensitive

DRIVER = "postgresql+psycopg"


class PostgresStore(SqlStore):
    """Records in a PostgreSQL database.

    One writer at a time holds among all processes: see `engines.WRITE_LOCK`.
    """

    def __init__(self, url: Sensitive) -> None:
        """Name the database; `open` opens it. Raises Refused where the name is none."""
        self._url = parse_url(url)
        try:
            super().__init__(postgres_engines(self._url), sole=False)
        except ModuleNotFoundError:
            raise Refused(
                "PostgreSQL needs one more package: pip install '.[postgres]' in the checkout."
            ) from None

    @classmethod
    async def open(cls, url: Sensitive) -> Self:
        """Connect, and bring the schema up to date.

        Turns that are owned stay so: their workers may live, and they come due when their leases
        end. Raises Refused where the database cannot be reached or used, and NewerData where a
        newer Keyturn wrote it.
        """
        store = cls(url)
        await store.reach(load_upgrade)
        await store._open(nullcontext(), upgrade)
        return store

    @classmethod
    async def visit(cls, url: Sensitive) -> Self:
        """Connect, and leave the schema as it is.

        Raises Refused as `open` does, and where the schema is not the one that this Keyturn
        works with.
        """
        store = cls(url)
        await store.reach()
        await store._open(nullcontext(), require_newest)
        return store

    async def reach(self, *looks: Callable[[Connection], None]) -> None:
        """Connect once, and raise Refused where that fails, or where it cannot keep every text.

        ``looks`` are taken then. Only such a failure may speak: it knows no records yet.
        """
        try:
            connection = AsyncConnection(self.readers)
            await connection.open()
            try:
                for look in (self._require_unicode, *looks):
                    await connection.run_sync(look)
            finally:
                await connection.run_sync(Connection.close)
        except OperationalError as error:
            why = f"SQLSTATE {sqlstate(error)}" if sqlstate(error) else _first_line(error)
            raise Refused(f"{place(self._url)} cannot be reached: {why}") from None
        finally:
            await self.readers.dispose()

    def _require_unicode(self, connection: Connection) -> None:
        encoding = connection.exec_driver_sql("SHOW server_encoding").scalar()
        if encoding != "UTF8":
            raise Refused(
                f"{place(self._url)} has the encoding {encoding}, which cannot keep every text: "
                "create it with ENCODING 'UTF8' (and TEMPLATE template0)."
            )


def parse_url(url: Sensitive) -> URL:
    """Return where the database is. Raises Refused, telling nothing of it, where that is none."""
    try:
        parsed = make_url(url.reveal())
    except (ArgumentError, ValueError):
        raise Refused(
            "The database's URL is none: postgresql://user@host/database, or with several hosts "
            "postgresql://user@/database?host=one,two&port=5432,5432."
        ) from None
    if parsed.get_backend_name() not in ("postgresql", "postgres"):
        raise Refused("The database's URL must begin with postgresql://.")
    return parsed.set(drivername=DRIVER)


def place(url: URL) -> str:
    """Tell which database it is, without user or password."""
    where = url.host or url.query.get("host") or "this machine"
    return f"PostgreSQL database {url.database or '(of the user)'} at {where}"


def _first_line(error: OperationalError) -> str:
    return str(error.orig).partition("\n")[0]
