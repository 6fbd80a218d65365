"""What every store lists of an inventory: by ids, some at a time, and forgets as a whole."""

from dataclasses import replace
from datetime import timedelta

import pytest
from storage_kit import (
    CONNECTION,
    INVENTORY,
    LISTED_APP,
    LISTED_SECRET,
    NOW,
    ORGANIZATION,
    add_all,
)

from keyturn.domain.errors import Taken
from keyturn.domain.ids import AppId, ConnectionId
from keyturn.domain.inventory import AppCount, ListedApp, ListedSecret
from keyturn.services.ports import Store

SECOND = timedelta(seconds=1)
OTHER = replace(CONNECTION, id=ConnectionId("c-2"), name="other")


def app(app_id: str, seconds: int = 0, **changes: object) -> ListedApp:
    """Return an app that was read, and listed so many seconds after a time."""
    made = replace(LISTED_APP, app_id=AppId(app_id), listed_at=NOW + seconds * SECOND)
    return replace(made, **{"read_at": NOW, "told": "", **changes})  # type: ignore[arg-type]


async def stocked(store: Store) -> None:
    """Store apps of two orgs, one of which is gone."""
    await add_all(store, ORGANIZATION, CONNECTION, OTHER, INVENTORY)
    mine = [app("0oaC", 5), app("0oaA"), app("0oaB"), app("0oaD", gone_at=NOW)]
    theirs = app("0oaA", connection_id=OTHER.id)
    secret = replace(LISTED_SECRET, app_id=AppId("0oaA"))
    await add_all(store, *mine, theirs, secret, replace(secret, connection_id=OTHER.id))


async def ids(store: Store, **asked: object) -> list[str]:
    """List the ids of apps of the first org."""
    async with store.reading() as tx:
        wanted = {"limit": 10, **asked}
        found = await tx.list_listed_apps(CONNECTION.id, **wanted)  # type: ignore[arg-type]
        return [each.app_id for each in found]


async def test_apps_come_by_their_ids_some_at_a_time(store: Store) -> None:
    """Those of other orgs, and those that are gone, are not among them."""
    await stocked(store)
    assert await ids(store) == ["0oaA", "0oaB", "0oaC"]
    assert await ids(store, limit=2) == ["0oaA", "0oaB"]
    assert await ids(store, after="0oaA", limit=1) == ["0oaB"]
    assert await ids(store, after="0oaC") == []


async def test_apps_that_were_listed_last_before_a_time_are_told_apart(store: Store) -> None:
    """What was listed just then is not before it."""
    await stocked(store)
    assert await ids(store, listed_before=NOW) == []
    assert await ids(store, listed_before=NOW + SECOND) == ["0oaA", "0oaB"]
    assert await ids(store, listed_before=NOW + SECOND, after="0oaA") == ["0oaB"]


async def test_apps_that_could_not_be_read_are_told_apart(store: Store) -> None:
    """They come by their ids as well, and those that are gone are not among them."""
    await stocked(store)
    await add_all(store, app("0oaX", told="No."), app("0oaY", told="No.", gone_at=NOW))
    await add_all(store, app("0oaZ", told="No."))
    assert await ids(store, told=True) == ["0oaX", "0oaZ"]
    assert await ids(store, told=True, after="0oaX") == ["0oaZ"]


async def test_apps_are_counted_for_each_org(store: Store) -> None:
    """Those that are gone are not; those that could not be read, or are not yet, are told apart."""
    async with store.reading() as tx:
        assert [*await tx.count_apps()] == []
    await stocked(store)
    await add_all(store, app("0oaX", told="No."), app("0oaY", read_at=None))
    async with store.reading() as tx:
        counts = {each.connection_id: each for each in await tx.count_apps()}
    assert counts == {
        CONNECTION.id: AppCount(CONNECTION.id, 5, 2),
        OTHER.id: AppCount(OTHER.id, 1, 0),
    }


async def test_all_of_an_org_is_forgotten_at_once(store: Store) -> None:
    """What is listed of other orgs stays."""
    await stocked(store)
    async with store.writing() as tx:
        await tx.forget_listed(CONNECTION.id)
    async with store.reading() as tx:
        assert {each.connection_id for each in await tx.list(ListedApp)} == {OTHER.id}
        assert {each.connection_id for each in await tx.list(ListedSecret)} == {OTHER.id}


async def test_an_app_is_listed_once_for_each_org(store: Store) -> None:
    """A second row of the same app is refused."""
    await stocked(store)
    with pytest.raises(Taken):
        await add_all(store, app("0oaA"))
