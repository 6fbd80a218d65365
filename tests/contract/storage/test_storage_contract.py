"""What every store keeps: records, their order, their uniqueness, and all or nothing."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from storage_kit import (
    ALIAS,
    AUTH,
    CONNECTION,
    CONSUMER,
    ENVIRONMENT,
    FOLDER,
    GRANTED,
    KEYS,
    LATER,
    NOW,
    ORGANIZATION,
    PROJECT,
    RECORDS,
    REGISTRATION,
    REQUEST,
    ROTATION,
    SECRET,
    STEP,
    TOKEN,
    TURN,
    VERSION,
    add_all,
    found,
)

from keyturn.domain.errors import OursError, Taken
from keyturn.domain.ids import (
    AliasId,
    ConnectionId,
    ConsumerId,
    EnvironmentId,
    FolderId,
    IdentityId,
    OAuthConnectionId,
    OrganizationId,
    ProjectId,
    RegistrationId,
    RotationId,
    SecretId,
    TurnId,
)
from keyturn.domain.project import Environment, Organization, Project
from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import Secret
from keyturn.domain.turn import Held, Phase, Turn
from keyturn.services.ports import Record, Store

OTHER = replace(ORGANIZATION, id=OrganizationId("o-2"))


async def test_a_record_comes_back_as_it_was(store: Store) -> None:
    """Every kind of record is read back equal, awkward values included."""
    await add_all(store)
    for record in RECORDS:
        where = {name: getattr(record, name) for name in KEYS.get(type(record), ("id",))}
        assert await found(store, type(record), **where) == record


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=st.text(st.characters(exclude_categories=["Cs"])), data=st.binary())
async def test_any_text_and_bytes_come_back(store: Store, text: str, data: bytes) -> None:
    """Text of any characters and bytes of any values are read back equal, and found by them."""
    record = replace(ORGANIZATION, name=text, data_key=data)
    async with store.writing() as writing:
        await writing.remove(record)
        await writing.add(record)
    assert await found(store, Organization, name=text, data_key=data) == record


async def test_a_nested_value_may_come_and_go(store: Store) -> None:
    """A turn whose held secrets change is read back with exactly those it was given."""
    await add_all(store)
    changed = replace(TURN, old=Held(TURN.new.hash, None, None) if TURN.new else None, new=None)
    async with store.writing() as writing:
        await writing.replace(changed)
    assert await found(store, Turn, id=TURN.id) == changed


async def test_none_and_nested_values_are_looked_for_by_equality(store: Store) -> None:
    """None fits None only, and a nested value fits where all of it is equal."""
    await add_all(store)
    assert await found(store, Turn, wake_at=None, old=None, new=TURN.new) == TURN
    assert await found(store, Turn, wake_at=NOW) is None
    assert await found(store, Turn, new=None) is None
    assert await found(store, Rotation, policy=ROTATION.policy, schedule=ROTATION.schedule)


async def test_two_that_fit_are_a_defect(store: Store) -> None:
    """Finding is for one record: where two fit, nobody guesses."""
    await add_all(store, ORGANIZATION, OTHER)
    with pytest.raises(OursError, match="More than one Organization fits name"):
        await found(store, Organization, name=ORGANIZATION.name)


async def test_records_are_listed_in_the_order_of_their_coming(store: Store) -> None:
    """A replaced record keeps its place; one that was removed and added again comes last."""
    records = [replace(ORGANIZATION, id=OrganizationId(name)) for name in "zamb"]
    await add_all(store, *records)
    async with store.writing() as writing:
        await writing.replace(replace(records[0], name="new"))
        await writing.remove(records[1])
        await writing.add(records[1])
        listed = await writing.list(Organization)
    assert [record.id for record in listed] == ["z", "m", "b", "a"]


async def test_only_what_fits_is_listed(store: Store) -> None:
    """A list holds the records that fit every condition."""
    staging = replace(ENVIRONMENT, id=EnvironmentId("e-2"), slug="staging")
    await add_all(store, ORGANIZATION, PROJECT, ENVIRONMENT, staging)
    async with store.reading() as reading:
        assert await reading.list(Environment, project_id=PROJECT.id, slug="dev") == [ENVIRONMENT]
        assert await reading.list(Environment, project_id="p-9") == []


async def test_removing_what_is_not_there_is_no_error(store: Store) -> None:
    """Removing a record twice does no harm."""
    await add_all(store, ORGANIZATION, OTHER)
    for _ in range(2):
        async with store.writing() as writing:
            await writing.remove(OTHER)
    assert await found(store, Organization, id=OTHER.id) is None


async def test_replacing_what_is_not_there_is_a_defect(store: Store) -> None:
    """A record is replaced only where there is one."""
    for record in (ORGANIZATION, TURN):
        async with store.writing() as writing:
            with pytest.raises(OursError, match="no such"):
                await writing.replace(record)


async def test_an_error_undoes_the_whole_transaction(store: Store) -> None:
    """Whatever was written before an error is gone with it."""
    await add_all(store, ORGANIZATION)

    async def fail() -> None:
        async with store.writing() as writing:
            await writing.add(OTHER)
            await writing.replace(replace(ORGANIZATION, name="new"))
            await writing.remove(ORGANIZATION)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with store.reading() as reading:
        assert await reading.list(Organization) == [ORGANIZATION]


async def test_a_cancelled_transaction_is_undone(store: Store) -> None:
    """A task that is cancelled in its transaction leaves nothing behind, least of all a lock."""
    inside = asyncio.Event()

    async def write() -> None:
        async with store.writing() as writing:
            await writing.add(ORGANIZATION)
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write())
    await inside.wait()
    task.cancel()
    await asyncio.wait([task])
    await add_all(store, OTHER)
    async with store.reading() as reading:
        assert await reading.list(Organization) == [OTHER]


async def test_a_transaction_sees_its_own_writes(store: Store) -> None:
    """What was added, replaced or removed is so at once for whoever did it."""
    async with store.writing() as writing:
        await writing.add(ORGANIZATION, OTHER)
        await writing.replace(replace(ORGANIZATION, name="new"))
        await writing.remove(OTHER)
        assert [each.name for each in await writing.list(Organization)] == ["new"]


async def test_a_reader_does_not_wait_for_a_writer(store: Store) -> None:
    """While a transaction is open, others read what was there before it."""
    await add_all(store, ORGANIZATION)
    async with store.writing() as writing:
        await writing.replace(replace(ORGANIZATION, name="new"))
        assert await found(store, Organization, id=ORGANIZATION.id) == ORGANIZATION


async def test_a_snapshot_stays_as_it_was_opened(store: Store) -> None:
    """A reader goes on seeing the moment at which it came."""
    async with store.reading() as reading:
        await add_all(store, ORGANIZATION)
        assert await reading.list(Organization) == []
    assert await found(store, Organization, id=ORGANIZATION.id) == ORGANIZATION


async def test_writers_take_turns(store: Store) -> None:
    """Transactions that are opened at once count on from each other: no update is lost."""
    await add_all(store, ORGANIZATION, PROJECT, ENVIRONMENT, FOLDER, CONNECTION, ROTATION)

    async def count() -> None:
        async with store.writing() as writing:
            rotation = await writing.find(Rotation, id=ROTATION.id)
            assert rotation
            await writing.replace(replace(rotation, active_index=rotation.active_index + 1))

    await asyncio.gather(*(count() for _ in range(10)))
    assert await found(store, Rotation, id=ROTATION.id, active_index=10)


async def test_many_readers_at_once_are_all_served(store: Store) -> None:
    """More readers than connections wait for each other and are served."""
    await add_all(store, ORGANIZATION)
    answers = await asyncio.gather(*(found(store, Organization, id="o-1") for _ in range(50)))
    assert answers == [ORGANIZATION] * 50


TWICE: dict[str, Callable[[], Record]] = {
    "id": lambda: ORGANIZATION,
    "step": lambda: STEP,
    "project": lambda: replace(PROJECT, id=ProjectId("p-2")),
    "environment": lambda: replace(ENVIRONMENT, id=EnvironmentId("e-2")),
    "folder": lambda: replace(FOLDER, id=FolderId("f-2")),
    "universal auth": lambda: replace(AUTH, identity_id=IdentityId("i-2")),
    "access token": lambda: replace(TOKEN, id="at-2"),
    "connection": lambda: replace(CONNECTION, id=ConnectionId("c-2")),
    "rotation": lambda: replace(ROTATION, id=RotationId("r-2")),
    "open turn": lambda: replace(TURN, id=TurnId("t-2")),
    "secret": lambda: replace(SECRET, id=SecretId("s-2")),
    "version": lambda: replace(VERSION, id="v-2"),
    "registration": lambda: replace(REGISTRATION, id=RegistrationId("reg-2")),
    "OAuth connection": lambda: replace(GRANTED, id=OAuthConnectionId("oc-2")),
    "authorization request": lambda: replace(REQUEST, id="req-2"),
    "alias": lambda: replace(ALIAS, id=AliasId("al-2")),
    "consumer": lambda: replace(CONSUMER, id=ConsumerId("con-2")),
}


@pytest.mark.parametrize("name", TWICE)
async def test_what_is_unique_is_not_taken_twice(store: Store, name: str) -> None:
    """A second record with the same key or name is refused in words, and nothing changes."""
    await add_all(store)
    record = TWICE[name]()
    with pytest.raises(Taken) as refused:
        await add_all(store, replace(OTHER, id=OrganizationId("o-9")), record)
    assert not {"UNIQUE", "INSERT", "constraint"} & set(str(refused.value).split())
    assert await found(store, Organization, id="o-9") is None


async def test_a_name_that_is_taken_is_not_taken_by_replacing(store: Store) -> None:
    """Renaming onto a taken name is refused; whoever catches that goes on."""
    second = replace(PROJECT, id=ProjectId("p-2"), slug="second")
    await add_all(store, ORGANIZATION, PROJECT, second)
    async with store.writing() as writing:
        with pytest.raises(Taken, match=r"slug|name"):
            await writing.replace(replace(second, slug=PROJECT.slug))
        await writing.replace(replace(second, name="goes on"))
    assert await found(store, Project, slug="second", name="goes on")


async def test_a_rotation_has_one_open_turn_and_many_that_ended(store: Store) -> None:
    """Once a turn has ended there is room for the next one."""
    await add_all(store)
    async with store.writing() as writing:
        ended = replace(TURN, phase=Phase.FINISHED, ended_at=LATER, blocked=None)
        await writing.replace(ended)
        await writing.add(replace(TURN, id=TurnId("t-2")), replace(ended, id=TurnId("t-3")))
    async with store.reading() as reading:
        assert len(await reading.list(Turn, rotation_id=ROTATION.id)) == 3


async def test_nothing_refers_to_what_is_not_there(store: Store) -> None:
    """Neither adding nor removing leaves a record that refers to nothing."""
    with pytest.raises(OursError, match="not there"):
        await add_all(store, PROJECT)
    await add_all(store, ORGANIZATION, PROJECT)
    with pytest.raises(OursError, match="not there"):
        async with store.writing() as writing:
            await writing.remove(ORGANIZATION)
    assert await found(store, Organization, id=ORGANIZATION.id) == ORGANIZATION


async def test_order_is_free_within_a_transaction(store: Store) -> None:
    """What refers may come before, and go after, what it refers to."""
    await add_all(store, *reversed(RECORDS))
    async with store.writing() as writing:
        await writing.remove(*RECORDS)
        assert await writing.list(Secret) == []
