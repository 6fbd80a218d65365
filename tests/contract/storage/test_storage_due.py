"""What every store tells a worker in one look: of what there is anything due."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from storage_kit import (
    CHANNEL,
    CONNECTION,
    DESTINATION,
    ENVIRONMENT,
    FLOW,
    FOLDER,
    GRANTED,
    INVENTORY,
    LEAK,
    NOTICE,
    NOW,
    PROJECT,
    RECORDS,
    REGISTRATION,
    REPORT_SCHEDULE,
    ROLLOUT,
    ROTATION,
    RUN,
    TURN,
    add_all,
)

from keyturn.domain.ids import FolderId, RotationId, SecretHash, TurnId
from keyturn.domain.project import Place
from keyturn.domain.turn import Held, Phase
from keyturn.services.ports import Due, Record, Store

SECOND = timedelta(seconds=1)
FREE = replace(GRANTED, leased_until=None)
DUE: dict[Due, Record] = {
    Due.TURNS: replace(TURN, wake_at=NOW),
    Due.RUNS: replace(RUN, wake_at=NOW),
    Due.ROTATIONS: replace(ROTATION, next_rotation_at=NOW),
    Due.CONNECTIONS: replace(CONNECTION, next_reconcile_at=NOW),
    Due.DESTINATIONS: replace(DESTINATION, due_at=NOW),
    Due.PROOFS: replace(REGISTRATION, due_at=NOW),
    Due.RENEWALS: replace(FREE, due_at=NOW),
    Due.LOOKS: replace(FREE, look_at=NOW),
    Due.NOTICES: replace(CHANNEL, due_at=NOW),
    Due.REPORTS: replace(REPORT_SCHEDULE, due_at=NOW),
    Due.FLOWS: replace(FLOW, next_at=NOW),
    Due.INVENTORIES: replace(INVENTORY, due_at=NOW),
    Due.ROLLOUTS: replace(ROLLOUT, due_at=NOW),
    Due.LEAKS: replace(LEAK, due_at=NOW),
    Due.OLD_RUNS: replace(RUN, ended_at=NOW - 2 * SECOND),
}


async def due(store: Store, now: datetime) -> frozenset[Due]:
    """Look, where runs are old that ended more than a second ago."""
    async with store.reading() as tx:
        return await tx.list_due(now, runs_before=now - SECOND)


@pytest.mark.parametrize("kind", Due)
async def test_one_look_tells_of_what_there_is_anything_due(store: Store, kind: Due) -> None:
    """Each kind is told once its time has come, and nothing else is."""
    await add_all(store, *RECORDS)
    assert await due(store, NOW) == frozenset()
    async with store.writing() as tx:
        await tx.replace(DUE[kind])
    assert await due(store, NOW) == {kind}
    assert kind not in await due(store, NOW - SECOND)


async def test_a_client_may_be_what_is_to_be_looked_at(store: Store) -> None:
    """Looks are at connections and at registrations."""
    await add_all(store, *RECORDS)
    async with store.writing() as tx:
        await tx.replace(replace(REGISTRATION, look_at=NOW))
    assert await due(store, NOW) == {Due.LOOKS}


async def test_what_somebody_holds_is_not_due(store: Store) -> None:
    """While a destination or a connection is in a worker's hands it is nobody else's to do."""
    await add_all(store, *RECORDS)
    async with store.writing() as tx:
        await tx.replace(replace(DESTINATION, due_at=NOW, leased_until=NOW + SECOND))
        await tx.replace(replace(GRANTED, due_at=NOW, look_at=NOW, leased_until=NOW + SECOND))
        await tx.replace(replace(CHANNEL, due_at=NOW, leased_until=NOW + SECOND))
    assert await due(store, NOW) == frozenset()
    held = {Due.DESTINATIONS, Due.RENEWALS, Due.LOOKS, Due.NOTICES}
    assert held <= await due(store, NOW + SECOND)


async def test_a_notice_may_be_to_be_forgotten(store: Store) -> None:
    """That is due as well, though no channel has anything to bring."""
    await add_all(store, *RECORDS)
    async with store.writing() as tx:
        await tx.replace(replace(NOTICE, forget_at=NOW))
    assert await due(store, NOW) == {Due.NOTICES}


async def test_a_folder_is_found_with_what_it_lies_in(store: Store) -> None:
    """One look returns all three records; of a folder that is not there, none."""
    await add_all(store, *RECORDS)
    async with store.reading() as tx:
        assert await tx.find_place(FOLDER.id) == Place(PROJECT, ENVIRONMENT, FOLDER)
        assert await tx.find_place(FolderId("another")) is None


async def test_a_turn_is_found_by_what_it_made_or_replaced(store: Store) -> None:
    """The newest of several; another hash finds none."""
    old, new = (Held(SecretHash(each), None, None) for each in ("older", "newer"))
    ended = replace(TURN, phase=Phase.FINISHED, ended_at=NOW, blocked=None)
    first = replace(ended, id=TurnId("a"), new=old)
    await add_all(store, *RECORDS, first, replace(ended, id=TurnId("b"), old=old, new=new))
    async with store.reading() as tx:
        for name in ("older", "newer"):
            found = await tx.find_turn_of(SecretHash(name))
            assert found is not None
            assert found.id == "b"
        assert await tx.find_turn_of(SecretHash("another")) is None


async def test_turns_are_listed_newest_first(store: Store) -> None:
    """The newest alone is returned unless more are asked for, and some may be left out."""
    ended = replace(TURN, phase=Phase.FINISHED, ended_at=NOW, blocked=None)
    await add_all(store, *RECORDS, *(replace(ended, id=TurnId(name)) for name in "ab"))
    async with store.reading() as tx:
        assert [each.id for each in await tx.list_turns(ROTATION.id)] == ["b"]
        assert [each.id for each in await tx.list_turns(ROTATION.id, limit=9)] == ["b", "a", "t-1"]
        assert [each.id for each in await tx.list_turns(ROTATION.id, offset=2, limit=2)] == ["t-1"]
        assert await tx.list_turns(RotationId("another")) == []
