"""Rotations as they stand are read in one look, alike by every store."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event
from storage_kit import (
    ENVIRONMENT,
    FOLDER,
    LATER,
    NOW,
    PROJECT,
    ROTATION,
    SECRET,
    TURN,
    VERSION,
    add_all,
)

from keyturn.adapters.storage import SqliteStore
from keyturn.domain.ids import (
    EnvironmentId,
    FolderId,
    ProjectId,
    RotationId,
    SecretId,
    TurnId,
    VersionNo,
)
from keyturn.domain.rotation import RotationSight
from keyturn.domain.secret import State
from keyturn.domain.turn import Phase
from keyturn.services.ports import Store

BARE = replace(ROTATION, id=RotationId("r-2"), name="bare")
CURRENT = replace(VERSION, id="v-2", number=VersionNo(2), state=State.CURRENT, created_at=LATER)


async def sights(
    store: Store, project_id: str | None = None, rotation_id: str | None = None
) -> list[RotationSight]:
    """Look at rotations."""
    project = ProjectId(project_id) if project_id else None
    rotation = RotationId(rotation_id) if rotation_id else None
    async with store.reading() as tx:
        return [*await tx.list_sights(project_id=project, rotation_id=rotation)]


async def test_a_rotation_is_seen_with_its_newest_turn_and_what_it_serves(store: Store) -> None:
    """One that has had no turn and serves nothing is seen as well, in the order of adding."""
    await add_all(store)
    ended = replace(TURN, phase=Phase.ROLLED_BACK, blocked=None, ended_at=NOW)
    newest = replace(TURN, id=TurnId("a-later"), created_at=NOW - timedelta(days=9))
    async with store.writing() as tx:
        await tx.replace(ended)
        await tx.add(BARE, newest, CURRENT)
    assert await sights(store) == [
        RotationSight(ROTATION, newest, LATER),
        RotationSight(BARE, None, None),
    ]
    assert await sights(store, rotation_id=BARE.id) == [RotationSight(BARE, None, None)]
    assert await sights(store, rotation_id="r-9") == []


async def test_only_what_is_mapped_and_current_is_served(store: Store) -> None:
    """The client id beside it, and versions that are pending or previous, have no say."""
    await add_all(store)
    beside = replace(SECRET, id=SecretId("s-2"), name=ROTATION.mapping.client_id)
    of_that = replace(CURRENT, id="v-3", secret_id=beside.id)
    async with store.writing() as tx:
        await tx.replace(replace(VERSION, state=State.PREVIOUS))
        await tx.add(beside, of_that, replace(CURRENT, state=State.PENDING))
    assert [each.issued_at for each in await sights(store)] == [None]


async def test_what_was_adopted_is_as_old_as_okta_says(store: Store) -> None:
    """A secret that was there before Keyturn knew it does not become young by that."""
    await add_all(store)
    made_at = NOW - timedelta(days=400)
    async with store.writing() as tx:
        await tx.add(replace(CURRENT, made_at=made_at))
    assert [each.issued_at for each in await sights(store)] == [made_at]


async def test_a_project_sees_its_own(store: Store) -> None:
    """Each project has its rotations, wherever its folders have the same paths."""
    await add_all(store)
    project = replace(PROJECT, id=ProjectId("p-2"), slug="other")
    environment = replace(ENVIRONMENT, id=EnvironmentId("e-2"), project_id=project.id)
    folder = replace(FOLDER, id=FolderId("f-2"), environment_id=environment.id)
    elsewhere = replace(BARE, folder_id=folder.id)
    async with store.writing() as tx:
        await tx.add(project, environment, folder, elsewhere)
    assert [each.rotation.id for each in await sights(store, PROJECT.id)] == [ROTATION.id]
    assert [each.rotation.id for each in await sights(store, project.id)] == [elsewhere.id]
    assert await sights(store, "p-9") == []


async def test_a_transaction_sees_its_own_writes(store: Store) -> None:
    """What was changed a moment ago is seen changed."""
    await add_all(store)
    async with store.writing() as tx:
        await tx.replace(replace(ROTATION, name="renamed"))
        [seen] = await tx.list_sights(rotation_id=ROTATION.id)
    assert seen.rotation.name == "renamed"


@pytest.mark.parametrize("count", [1, 30])
async def test_many_are_seen_by_one_statement(sqlite: SqliteStore, count: int) -> None:
    """What is asked of the database does not grow with the rotations."""
    await add_all(sqlite)
    async with sqlite.writing() as tx:
        for number in range(count):
            one = RotationId(f"r-{number + 2}")
            await tx.add(replace(BARE, id=one, name=f"n-{number}"))
    statements: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        statements.append(statement)

    event.listen(sqlite.readers.sync_engine, "before_cursor_execute", note)
    assert len(await sights(sqlite)) == count + 1
    assert len([each for each in statements if "FROM rotation" in each]) == 1
