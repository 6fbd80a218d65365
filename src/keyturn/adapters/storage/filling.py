"""Records from elsewhere, put into an empty database at once.

Decides that all of them arrive in one transaction, with an audit chain that verifies, or none does.
"""

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import Table, insert

from keyturn.adapters.storage.columns import row_of_record
from keyturn.adapters.storage.moving import refuse_full, verify_stored_chain
from keyturn.adapters.storage.store import SqlStore, transaction
from keyturn.adapters.storage.tables import AUDIT, REVISION, TABLES
from keyturn.domain.audit import AuditEntry
from keyturn.services.ports import Record


async def fill(store: SqlStore, records: Iterable[Record], entries: Iterable[AuditEntry]) -> None:
    """Put records and audit entries into an empty database, each kind in the order given.

    Raises Refused where the database has records, and OursError where the chain does not verify.
    """
    rows: dict[Table, list[dict[str, object]]] = defaultdict(list)
    for record in records:
        rows[TABLES[type(record)]].append(row_of_record(record))
    rows[AUDIT] = [row_of_record(entry) for entry in entries]
    async with transaction(store.writer) as there:
        await refuse_full(there)
        for table, some in rows.items():
            if some:
                await there.execute(insert(table), some)
        await verify_stored_chain(there)
        await there.execute(insert(REVISION).values(position=1, standing=1, listed=1))
