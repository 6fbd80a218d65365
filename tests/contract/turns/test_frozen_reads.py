"""A process that stood still while it read gives nothing of what it saw before."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from rig import Rig

from keyturn.domain.audit import Attempt
from keyturn.domain.errors import DatabaseAway
from keyturn.domain.sensitive import Sensitive
from keyturn.services.ports import Reading, Recorded, Writing
from keyturn.services.projects import Where
from keyturn.services.secret_changes import SecretChange, create_secret, update_secret
from keyturn.services.secrets import list_secrets, read_secret

WHERE = Where("example", "dev")


class Freezing:
    """A store after whose snapshots the process stands still, so many times."""

    def __init__(self, rig: Rig, times: int) -> None:
        self._store, self._rig, self._times = rig.world.store, rig, times

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Reading]:
        """Open a snapshot; meanwhile another value is served."""
        async with self._store.reading() as tx:
            yield tx
        if self._times:
            self._times -= 1
            self._rig.clock.advance(7200)
            value = Sensitive(f"value {self._times}")
            change = SecretChange(value=value)
            await update_secret(self._rig.world, self._rig.admin, WHERE, "KEY", change)

    async def append_audit(self, attempt: Attempt) -> Recorded:
        """Append one audit entry."""
        return await self._store.append_audit(attempt)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Writing]:
        """Open a transaction."""
        async with self._store.writing() as tx:
            yield tx


async def test_who_stood_still_looks_again(rig: Rig) -> None:
    """What is given was looked up just now, however long the process stood still before."""
    await create_secret(rig.world, rig.admin, WHERE, "KEY", Sensitive("first"))
    for times in (1, 2, 3):
        frozen = replace(rig.world, store=Freezing(rig, times))
        read = await read_secret(frozen, rig.admin, WHERE, "KEY")
        assert read.value == Sensitive("value 0")
        frozen = replace(rig.world, store=Freezing(rig, times))
        (listed,) = (await list_secrets(frozen, rig.admin, WHERE)).secrets
        assert listed.value == Sensitive("value 0")


async def test_who_cannot_but_be_late_gives_nothing(rig: Rig) -> None:
    """Where every look takes too long the answer is an error, and not what may be retired."""
    await create_secret(rig.world, rig.admin, WHERE, "KEY", Sensitive("first"))
    frozen = replace(rig.world, store=Freezing(rig, 1000))
    with pytest.raises(DatabaseAway, match="too long"):
        await read_secret(frozen, rig.admin, WHERE, "KEY")
