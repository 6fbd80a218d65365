"""What a store tells to expire before long: client secrets, and tokens that were made by hand."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.dialects.sqlite import dialect
from storage_kit import CLIENT_SECRET, NOW, RECORDS, TOKEN, add_all

from keyturn.adapters.storage import SqliteStore
from keyturn.adapters.storage.figures import look_at_expiring
from keyturn.domain.identity import AccessToken, AuthMethod, ClientSecret
from keyturn.services.ports import Store

DAY = timedelta(days=1)
SOON = NOW + 14 * DAY
LATE = NOW + 99 * DAY


async def secrets(store: Store, expires_at: datetime | None) -> Sequence[ClientSecret]:
    """Have a client secret expire then, and ask for those that do before long."""
    await add_all(store, *RECORDS)
    async with store.writing() as tx:
        await tx.replace(replace(CLIENT_SECRET, expires_at=expires_at))
    async with store.reading() as tx:
        return await tx.list_expiring(ClientSecret, NOW, SOON)


@pytest.mark.parametrize(
    ("expires_at", "count"), [(NOW + DAY, 1), (SOON, 1), (NOW, 0), (LATE, 0), (None, 0)]
)
async def test_client_secrets_expire_by_their_end(
    store: Store, expires_at: datetime | None, count: int
) -> None:
    """Neither one that has ended, nor one that ends later or never."""
    found = await secrets(store, expires_at)
    assert found == [replace(CLIENT_SECRET, expires_at=expires_at)] * count


@pytest.mark.parametrize(
    ("method", "expires_at", "renewable_until", "count"),
    [
        (AuthMethod.TOKEN, NOW + DAY, LATE, 1),
        (AuthMethod.TOKEN, LATE, NOW + DAY, 1),
        (AuthMethod.TOKEN, LATE, LATE, 0),
        (AuthMethod.TOKEN, NOW, LATE, 0),
        (AuthMethod.UNIVERSAL, NOW + DAY, NOW + DAY, 0),
        (AuthMethod.PASSWORD, NOW + DAY, NOW + DAY, 0),
    ],
)
async def test_tokens_expire_by_either_end(
    store: Store, method: AuthMethod, expires_at: datetime, renewable_until: datetime, count: int
) -> None:
    """Those by hand, that are good still; a log-in makes another one."""
    await add_all(store, *RECORDS)
    one = replace(TOKEN, method=method, expires_at=expires_at, renewable_until=renewable_until)
    async with store.writing() as tx:
        await tx.replace(one)
    async with store.reading() as tx:
        assert await tx.list_expiring(AccessToken, NOW, SOON) == [one] * count


async def test_the_earliest_comes_first(store: Store) -> None:
    """In the order of their ends, whichever was made first."""
    await add_all(store, *RECORDS)
    many = [
        replace(CLIENT_SECRET, id=f"day-{day}", hash=bytes([day]), expires_at=NOW + day * DAY)
        for day in (3, 1, 2)
    ]
    async with store.writing() as tx:
        await tx.add(*many)
    async with store.reading() as tx:
        found = await tx.list_expiring(ClientSecret, NOW, NOW + 3 * DAY)
    assert [each.id for each in found if each.id != CLIENT_SECRET.id] == ["day-1", "day-2", "day-3"]


@pytest.mark.parametrize(
    ("kind", "index"),
    [(ClientSecret, "client_secret_expires_at"), (AccessToken, "access_token_by_hand")],
)
async def test_what_expires_is_found_by_index(
    sqlite: SqliteStore, path: Path, kind: type, index: str
) -> None:
    """Whatever else there is: the tokens of log-ins, and what lasts for ever, are not read."""
    asked = look_at_expiring(kind, NOW, SOON)
    options = {"render_postcompile": True}
    query = str(asked.compile(dialect=dialect(), compile_kwargs=options))
    with closing(sqlite3.connect(path)) as connection:
        numbers = [1] * query.count("?")
        plans = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query}", numbers)]
    assert len(plans) == 1
    assert f"USING INDEX ix_{index} (expires_at>?" in plans[0]
