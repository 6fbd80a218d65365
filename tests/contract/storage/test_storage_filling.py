"""What a store in memory holds becomes a database, all of it or nothing."""

from dataclasses import replace
from itertools import chain
from pathlib import Path

import pytest
from storage_kit import NOW, RECORDS, add_all

from keyturn.adapters.storage import SqliteStore, fill
from keyturn.domain.audit import Attempt, verify_chain
from keyturn.domain.errors import OursError, Refused
from keyturn.services.ports import SERVED
from keyturn.testing import Backup, MemoryStore


@pytest.fixture
async def held() -> Backup:
    """Hold a record of every kind, and an audit log."""
    store = MemoryStore()
    await add_all(store)
    for number in range(3):
        attempt = Attempt(NOW, "me", "v", f"subject {number}", allowed=True)
        await store.append_audit(attempt)
    return store.backup()


async def test_everything_arrives_as_it_was(path: Path, held: Backup) -> None:
    """Every record is read back, the audit log goes on from its last entry, and it is served."""
    store = await SqliteStore.open(path)
    await fill(store, chain.from_iterable(t.values() for t in held.tables.values()), held.audit)
    async with store.reading() as tx:
        for record in RECORDS:
            assert record in await tx.list(type(record))
        assert await tx.list_audit() == held.audit
        assert await tx.revision() == 1
    await store.append_audit(Attempt(NOW, "me", "v", "one more", allowed=True))
    async with store.reading() as tx:
        verify_chain(await tx.list_audit())
    assert SERVED & {type(record) for record in RECORDS}
    await store.aclose()


async def test_a_database_with_records_is_left_alone(path: Path, held: Backup) -> None:
    """Nobody's installation is filled up with another's records."""
    store = await SqliteStore.open(path)
    await add_all(store)
    with pytest.raises(Refused, match="not empty"):
        await fill(store, RECORDS, held.audit)
    await store.aclose()


async def test_an_audit_log_with_a_gap_brings_nothing(path: Path, held: Backup) -> None:
    """The chain is verified before anything counts."""
    store = await SqliteStore.open(path)
    forged = replace(held.audit[1], attempt=replace(held.audit[1].attempt, actor="you"))
    with pytest.raises(OursError, match="does not follow"):
        await fill(store, RECORDS, [held.audit[0], forged, held.audit[2]])
    async with store.reading() as tx:
        assert not await tx.list_audit()
        assert not [record for record in RECORDS if await tx.list(type(record))]
    await store.aclose()
