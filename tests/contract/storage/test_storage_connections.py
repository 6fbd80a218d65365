"""Registrations, connections and what hangs on them in every store: due, unique, and removed."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from storage_kit import (
    ALIAS,
    CHANNEL,
    CONSUMER,
    DISPATCH,
    FOLDER,
    GRANTED,
    IDENTITY,
    NOTICE,
    NOW,
    RECORDS,
    REGISTRATION,
    REQUEST,
    SECRET,
    add_all,
    found,
)

from keyturn.adapters.storage import SqliteStore
from keyturn.domain.channels import Dispatch
from keyturn.domain.errors import OursError
from keyturn.domain.ids import (
    AliasId,
    ChannelId,
    ConsumerId,
    FolderId,
    NoticeId,
    OAuthConnectionId,
    RegistrationId,
)
from keyturn.domain.oauth.authorization import AuthorizationRequest
from keyturn.domain.oauth.connection import Connection
from keyturn.domain.oauth.consumers import Alias, Consumer
from keyturn.domain.oauth.registration import ClientRegistration
from keyturn.domain.project import Folder
from keyturn.domain.secret import Secret
from keyturn.services.ports import Reading, Record, Store
from keyturn.services.removal import (
    remove_connections,
    remove_folders,
    remove_registrations,
    remove_secret,
)

SECOND = timedelta(seconds=1)
KINDS = (ClientRegistration, Connection, AuthorizationRequest, Alias, Consumer)
ELSEWHERE = replace(FOLDER, id=FolderId("f-2"), path="/elsewhere")
OTHER = replace(REGISTRATION, id=RegistrationId("reg-2"), folder_id=ELSEWHERE.id)


def grant(name: str, due_at: datetime | None = None, held: datetime | None = None) -> Connection:
    """Return a connection of its own name that is due then, and held until then."""
    id_ = OAuthConnectionId(name)
    plain = replace(GRANTED, id=id_, name=name, source_id=None)
    return replace(plain, due_at=due_at, leased_until=held)


def lead(name: str, to: Connection, before: Connection | None = None) -> Alias:
    """Return an alias of its own name, outside of the folder that goes."""
    alias = replace(ALIAS, id=AliasId(name), name=name, folder_id=ELSEWHERE.id)
    return replace(alias, connection_id=to.id, previous_id=before.id if before else None)


async def listed(tx: Reading) -> list[Record]:
    """List what hangs on registrations, and them."""
    return [each for kind in KINDS for each in await tx.list(kind)]


async def test_renewals_are_due_in_order_unless_held(store: Store) -> None:
    """The oldest come first; those that sleep, or that somebody holds, are left out."""
    every = [
        grant("later", NOW),
        grant("sooner", NOW - SECOND),
        grant("not yet", NOW + SECOND),
        grant("never"),
        grant("held", NOW - SECOND, NOW + SECOND),
        grant("left", NOW, NOW),
    ]
    await add_all(store, *RECORDS, *every)
    async with store.reading() as tx:
        due = [each.name for each in await tx.list_due_renewals(NOW, limit=9)]
        first = [each.name for each in await tx.list_due_renewals(NOW, limit=1)]
    assert due == ["sooner", "later", "left"]
    assert first == ["sooner"]


async def test_proofs_are_due_in_order(store: Store) -> None:
    """Registrations whose time has come are listed by it; those without a time never are."""
    await add_all(store)
    for name, seconds in (("late", -1), ("now", 0), ("older", -5), ("tomorrow", 1)):
        due_at = NOW + seconds * SECOND
        await add_all(
            store, replace(REGISTRATION, id=RegistrationId(name), name=name, due_at=due_at)
        )
    async with store.reading() as tx:
        due = [each.id for each in await tx.list_due_proofs(NOW, limit=9)]
        first = [each.id for each in await tx.list_due_proofs(NOW, limit=1)]
    assert due == ["older", "late", "now"]
    assert first == ["older"]


async def test_looks_are_due_in_order_unless_held(store: Store) -> None:
    """Of both kinds the oldest come first; what sleeps, or is in somebody's hands, is left out."""
    looks = {"later": NOW, "sooner": NOW - SECOND, "not yet": NOW + SECOND, "never": None}
    every = [replace(grant(name), look_at=at) for name, at in looks.items()]
    held = replace(grant("held", held=NOW + SECOND), look_at=NOW)
    clients = [
        replace(REGISTRATION, id=RegistrationId(name), name=name, look_at=at)
        for name, at in looks.items()
    ]
    await add_all(store, *RECORDS, *every, held, *clients)
    async with store.reading() as tx:
        for kind in (Connection, ClientRegistration):
            due = await tx.list_due_looks(kind, NOW, limit=9)
            assert [each.name for each in due] == ["sooner", "later"]
            (first,) = await tx.list_due_looks(kind, NOW, limit=1)
            assert first.name == "sooner"


async def test_what_a_channel_brings_is_due_in_order(store: Store) -> None:
    """By the time of its next try; what is urgent apart, what has arrived or others bring never."""
    other = replace(CHANNEL, id=ChannelId("other"), name="other")
    await add_all(store, *RECORDS, other)
    for name, seconds in (
        ("late", -1),
        ("now", 0),
        ("older", -5),
        ("tomorrow", 1),
        ("never", None),
    ):
        notice = replace(NOTICE, id=NoticeId(name))
        at = None if seconds is None else NOW + seconds * SECOND
        way = replace(DISPATCH, notice_id=notice.id, due_at=at)
        urgent = replace(NOTICE, id=NoticeId(f"{name}!"))
        await add_all(store, urgent, replace(way, notice_id=urgent.id, urgent=True))
        await add_all(store, notice, way, replace(way, channel_id=other.id, due_at=NOW))

    async def due(limit: int, *, urgent: bool) -> list[str]:
        listed = await tx.list_due_dispatches(CHANNEL.id, NOW, urgent=urgent, limit=limit)
        return [each.notice_id for each in listed]

    async with store.reading() as tx:
        assert await due(9, urgent=False) == ["older", "late", "now"]
        assert await due(1, urgent=False) == ["older"]
        assert await due(9, urgent=True) == ["older!", "late!", "now!"]
        log = await tx.list_newest(Dispatch, limit=2, channel_id=CHANNEL.id)
    assert [each.notice_id for each in log] == ["never", "never!"]


async def test_notices_to_be_forgotten_are_listed_oldest_first(store: Store) -> None:
    """Those whose time has come, and no others."""
    await add_all(store)
    for name, seconds in (("late", -1), ("now", 0), ("older", -5), ("tomorrow", 1)):
        await add_all(store, replace(NOTICE, id=NoticeId(name), forget_at=NOW + seconds * SECOND))
    async with store.reading() as tx:
        old = [each.id for each in await tx.list_old_notices(NOW, limit=9)]
        first = [each.id for each in await tx.list_old_notices(NOW, limit=1)]
    assert (old, first) == (["older", "late", "now"], ["older"])


async def test_channels_are_due_unless_somebody_holds_them(store: Store) -> None:
    """Oldest first; one that is held comes again when that ends."""
    await add_all(store)
    for name, seconds in (("late", -1), ("older", -5), ("tomorrow", 1)):
        due_at = NOW + seconds * SECOND
        await add_all(store, replace(CHANNEL, id=ChannelId(name), name=name, due_at=due_at))
    held = replace(CHANNEL, id=ChannelId("held"), name="held", due_at=NOW)
    await add_all(store, replace(held, leased_until=NOW + SECOND))
    async with store.reading() as tx:
        due = [each.id for each in await tx.list_due_channels(NOW, limit=9)]
        later = [each.id for each in await tx.list_due_channels(NOW + SECOND, limit=9)]
    assert (due, later) == (["older", "late"], ["older", "late", "held", "tomorrow"])


@pytest.mark.parametrize(
    ("table", "when"),
    [
        ("connection", "due_at"),
        ("connection", "look_at"),
        ("client_registration", "due_at"),
        ("client_registration", "look_at"),
        ("notice", "forget_at"),
        ("channel", "due_at"),
    ],
)
async def test_what_is_due_is_found_by_index(
    sqlite: SqliteStore, path: Path, table: str, when: str
) -> None:
    """What sleeps costs nothing: the query for what is due reads an index of times."""
    query = f"EXPLAIN QUERY PLAN SELECT * FROM {table} WHERE {when} <= 1 ORDER BY {when}, position"
    with closing(sqlite3.connect(path)) as connection:
        plans = [row[3] for row in connection.execute(query)]
    assert plans == [f"SEARCH {table} USING INDEX ix_{table}_{when} ({when}<?)"]


async def test_tokens_and_intent_may_come_and_go(store: Store) -> None:
    """A connection is read back with exactly the tokens and the intent that it was given."""
    await add_all(store)
    for after in (replace(GRANTED, tokens=None), replace(GRANTED, intent=None)):
        async with store.writing() as tx:
            await tx.replace(after)
        assert await found(store, Connection, id=GRANTED.id) == after


async def test_a_name_is_free_where_it_is_not_taken(store: Store) -> None:
    """The same names may be used in another folder, and for consumers of another registration."""
    other = replace(grant("oc-2"), folder_id=ELSEWHERE.id, name=GRANTED.name)
    alias = replace(lead("al-2", GRANTED), name=ALIAS.name)
    consumer = replace(CONSUMER, id=ConsumerId("con-2"), registration_id=OTHER.id)
    request = replace(REQUEST, id="req-2", state_hash=b"another")
    await add_all(store, *RECORDS, ELSEWHERE, OTHER, other, alias, consumer, request)
    async with store.reading() as tx:
        assert await tx.list(Alias) == [ALIAS, alias]


GONE = "gone"
BROKEN: tuple[Record, ...] = (
    replace(REGISTRATION, folder_id=FolderId(GONE)),
    replace(GRANTED, registration_id=RegistrationId(GONE)),
    replace(GRANTED, folder_id=FolderId(GONE)),
    replace(GRANTED, source_id=OAuthConnectionId(GONE)),
    replace(REQUEST, connection_id=OAuthConnectionId(GONE)),
    replace(ALIAS, folder_id=FolderId(GONE)),
    replace(ALIAS, connection_id=OAuthConnectionId(GONE)),
    replace(ALIAS, previous_id=OAuthConnectionId(GONE)),
    replace(CONSUMER, registration_id=RegistrationId(GONE)),
)


@pytest.mark.parametrize("number", range(len(BROKEN)))
async def test_nothing_hangs_on_what_is_not_there(store: Store, number: int) -> None:
    """A record that names a folder, a registration or a connection names one that is there."""
    await add_all(store)
    with pytest.raises(OursError, match="not there"):
        async with store.writing() as tx:
            await tx.replace(BROKEN[number])


async def test_a_registration_outlives_its_secret_and_who_reads_it(store: Store) -> None:
    """A secret and an identity may go; whoever uses the registration is told then."""
    await add_all(store)
    async with store.writing() as tx:
        await remove_secret(tx, SECRET)
    assert await found(store, Secret, id=SECRET.id) is None
    assert await found(store, ClientRegistration, secret_id=SECRET.id) == REGISTRATION
    assert await found(store, Consumer, identity_id=IDENTITY.id) == CONSUMER


async def test_a_removed_connection_takes_along_what_leads_to_it(store: Store) -> None:
    """Aliases and questions go with it; who once led to it, or took its tokens, stays without."""
    kept = replace(grant("kept"), source_id=GRANTED.id)
    there, back, away = (
        lead("there", GRANTED, kept),
        lead("back", kept, GRANTED),
        lead("away", kept),
    )
    await add_all(store, *RECORDS, ELSEWHERE, kept, there, back, away)
    async with store.writing() as tx:
        await remove_connections(tx, [GRANTED])
    async with store.reading() as tx:
        assert await tx.list(Connection) == [replace(kept, source_id=None)]
        assert await tx.list(Alias) == [replace(back, previous_id=None), away]
        assert await tx.list(AuthorizationRequest) == []


async def test_a_removed_registration_takes_along_its_connections(store: Store) -> None:
    """Connections go wherever they are, and consumers; those of other registrations stay."""
    far = replace(grant("far"), folder_id=ELSEWHERE.id)
    kept = replace(grant("kept"), registration_id=OTHER.id)
    reader = replace(CONSUMER, id=ConsumerId("con-2"), registration_id=OTHER.id)
    await add_all(store, *RECORDS, ELSEWHERE, OTHER, far, kept, reader)
    async with store.writing() as tx:
        await remove_registrations(tx, [REGISTRATION])
    async with store.reading() as tx:
        assert await listed(tx) == [OTHER, kept, reader]


async def test_a_removed_folder_takes_along_what_is_in_it(store: Store) -> None:
    """Registrations, connections and aliases go with their folder, and what led in there."""
    near = replace(grant("near"), registration_id=OTHER.id)
    far = replace(grant("far"), folder_id=ELSEWHERE.id)
    local, to_far = lead("local", GRANTED), replace(lead("to far", far), folder_id=FOLDER.id)
    await add_all(store, *RECORDS, ELSEWHERE, OTHER, near, far, local, to_far)
    async with store.writing() as tx:
        await remove_folders(tx, [ELSEWHERE])
    async with store.reading() as tx:
        assert await listed(tx) == [REGISTRATION, GRANTED, REQUEST, ALIAS, CONSUMER]
        assert await tx.list(Folder) == [FOLDER]
