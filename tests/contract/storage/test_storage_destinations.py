"""Destinations in every store: which are due, and that two workers never race."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from rig import rigged
from storage_kit import DESTINATION, NOW, add_all

from keyturn.adapters.storage import PostgresStore
from keyturn.domain.access import ADMIN, Caller, Holding
from keyturn.domain.destination import Delivery, Destination, State
from keyturn.domain.destination_kinds import Kind
from keyturn.domain.ids import DestinationId
from keyturn.domain.sensitive import Sensitive
from keyturn.services.deliveries import deliver
from keyturn.services.destinations import DestinationDraft, create_destination
from keyturn.services.installation import install
from keyturn.services.ports import Errand, Store
from keyturn.services.projects import Where
from keyturn.services.secret_changes import SecretChange, create_secret, update_secret
from keyturn.testing import FakeCarriers

SECOND = timedelta(seconds=1)


def due(name: str, due_at: object, leased_until: object = None) -> Destination:
    """Return a destination that is due then."""
    changes = {"due_at": due_at, "leased_until": leased_until, "state": State.WAITING}
    return replace(DESTINATION, id=DestinationId(name), name=name, **changes)  # type: ignore[arg-type]


async def test_destinations_are_due_in_order_unless_held(store: Store) -> None:
    """The oldest come first; those that sleep, or that a worker holds, are left out."""
    await add_all(store)
    every = [
        due("later", NOW),
        due("sooner", NOW - SECOND),
        due("not yet", NOW + SECOND),
        due("held", NOW - SECOND, NOW + SECOND),
        due("left", NOW, NOW),
    ]
    await add_all(store, *every)
    async with store.reading() as tx:
        found = [each.name for each in await tx.list_due_destinations(NOW, limit=9)]
        first = [each.name for each in await tx.list_due_destinations(NOW, limit=1)]
    assert found == ["sooner", "later", "left"]
    assert first == ["sooner"]


@pytest.mark.slow
async def test_two_processes_never_bring_an_older_value_last(
    postgres: PostgresStore, database: Sensitive
) -> None:
    """Of two workers on one database one brings it; who was late brings and notes nothing."""
    other = await PostgresStore.open(database)
    async with rigged() as rig:
        world = replace(rig.world, store=postgres)
        installed = await install(world)
        admin = Caller("i", "i", installed.organization.id, (Holding(ADMIN),))
        place = Where("example", "dev")
        await create_secret(world, admin, place, "A", Sensitive("old"))
        draft = DestinationDraft(
            "d", Kind.GITHUB, place, {"repository": "o/r"}, {"token": Sensitive("t")}
        )
        made = (await create_destination(world, admin, draft)).destination

        class Overtaken(FakeCarriers):
            async def deliver(self, kind: Kind, errand: Errand) -> str:
                rig.clock.advance(61)
                change = SecretChange(Sensitive("new"))
                await update_secret(world, admin, place, "A", change)
                await deliver(replace(world, store=other), made.id)
                return await super().deliver(kind, errand)

        late = Overtaken()
        await deliver(replace(world, carriers=late), made.id)
        assert late.held == {}
        fake = world.carriers
        assert isinstance(fake, FakeCarriers)
        assert fake.held == {"A": "new"}
        await update_secret(world, admin, place, "A", SecretChange(Sensitive("newer")))
        both = (replace(world, store=each) for each in (postgres, other))
        await asyncio.gather(*(deliver(each, made.id) for each in both))
        assert (len(fake.errands), fake.held) == (2, {"A": "newer"})
    async with other.reading() as tx:
        (had,) = await tx.list(Delivery)
    assert had.version == 3
    await other.aclose()
