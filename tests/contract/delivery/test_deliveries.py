"""What is served comes to its destinations, and is brought again until they have it."""

import asyncio
from dataclasses import replace

import pytest
from delivery_kit import FILE, GITHUB, HOOK, carriers, change, destination, had, put, stored
from rig import PLACE, Rig

from keyturn.domain.audit import AuditFilter
from keyturn.domain.destination import State
from keyturn.domain.errors import DestinationAway, DestinationRefused
from keyturn.domain.project import Folder
from keyturn.domain.secret import Secret
from keyturn.services.deliveries import FAILURES, ROUND, deliver, deliver_due
from keyturn.services.destinations import DestinationChange, deliver_now, update_destination
from keyturn.services.ports import Errand
from keyturn.services.removal import remove_folders
from keyturn.services.secret_changes import Edit, SecretChange, delete_secrets, update_secret
from keyturn.testing import FakeCarriers

AWAY = DestinationAway("It is away.")
NO = DestinationRefused("It refused: its administrator has to act.")


async def test_what_is_served_is_brought_and_what_is_new_later(rig: Rig) -> None:
    """A destination gets what its folder holds, what is added later, and what changes."""
    await put(rig, "A", "one")
    one = await destination(rig)
    await rig.tick()
    assert carriers(rig).held == {"A": "one"}
    await put(rig, "B", "two")
    await change(rig, "A", "three")
    await rig.tick()
    assert carriers(rig).held == {"A": "three", "B": "two"}
    assert await had(rig, one) == {"A": 2, "B": 1}
    assert (await stored(rig, one)).state is State.CONFIRMED


async def test_nothing_is_brought_twice(rig: Rig) -> None:
    """What is confirmed rests; a sweep compares records and calls nobody."""
    await put(rig, "A", "one")
    await destination(rig)
    await rig.tick()
    await rig.live(7200)
    assert len(carriers(rig).errands) == 1


async def test_a_failure_is_tried_again_with_the_same_errand(rig: Rig) -> None:
    """A lost answer leads to the same message again, so that a receiver can tell."""
    await put(rig, "A", "one")
    one = await destination(rig)
    carriers(rig).faults.extend([AWAY, DestinationAway("Too many.", retry_after_s=120)])
    await rig.tick()
    assert (await stored(rig, one)).told == "It is away."
    await rig.live(2)
    await rig.live(119)
    assert len(carriers(rig).errands) == 2
    await rig.live(1)
    assert len({errand.id for errand in carriers(rig).errands}) == 1
    assert (await stored(rig, one)).state is State.CONFIRMED


async def test_a_refusal_blocks_until_somebody_acts(rig: Rig) -> None:
    """It is not tried again by itself, and says why; another credential sets it going."""
    await put(rig, "A", "one")
    one = await destination(rig)
    carriers(rig).faults.append(NO)
    await rig.tick()
    await rig.live(86_400)
    held = await stored(rig, one)
    assert (held.state, held.told, len(carriers(rig).errands)) == (State.BLOCKED, NO.message, 1)
    another = DestinationChange(credential=HOOK.credential)
    await update_destination(rig.world, rig.admin, one.id, another)
    await rig.tick()
    assert carriers(rig).held == {"A": "one"}


async def test_a_new_value_is_tried_once_where_the_old_one_was_refused(rig: Rig) -> None:
    """A refusal may have been about that value alone."""
    await put(rig, "A", "one")
    await destination(rig)
    carriers(rig).faults.extend([NO, NO])
    await rig.tick()
    await change(rig, "A", "two")
    await rig.live(86_400)
    assert len(carriers(rig).errands) == 2
    assert carriers(rig).held == {}


async def test_only_what_is_covered_is_brought_under_its_name_there(rig: Rig) -> None:
    """Named secrets alone are brought; mapping and prefix make their names."""
    for name in ("A", "B", "C"):
        await put(rig, name, name.lower())
    await destination(rig, only=("A", "B"), mapping={"A": "ALPHA"}, prefix="X_")
    await rig.tick()
    assert carriers(rig).held == {"ALPHA": "a", "X_B": "b"}


async def test_a_value_that_refers_to_others_is_left_out(rig: Rig) -> None:
    """Its version says nothing of what it stands for, so that it cannot be kept current."""
    await put(rig, "A", "one")
    await put(rig, "B", "${A}")
    await destination(rig)
    await rig.tick()
    assert carriers(rig).held == {"A": "one"}


async def test_a_new_name_is_brought_under_that_name(rig: Rig) -> None:
    """A renamed secret is due again; what was brought under the old name stays there."""
    await put(rig, "A", "one")
    await destination(rig)
    await rig.tick()
    await update_secret(rig.world, rig.admin, PLACE, "A", SecretChange(name="B"))
    await rig.tick()
    assert carriers(rig).held == {"A": "one", "B": "one"}


async def test_a_large_folder_is_brought_in_rounds(rig: Rig) -> None:
    """One claim makes so many writes, then the destination is taken up again at once."""
    for number in range(ROUND + 1):
        await put(rig, f"S{number}", "x")
    one = await destination(rig, GITHUB)
    await rig.tick()
    assert len(carriers(rig).held) == ROUND
    assert (await stored(rig, one)).due_at == rig.clock.now()
    await rig.tick()
    assert len(carriers(rig).held) == ROUND + 1


async def test_the_audit_entry_comes_before_the_value_leaves(rig: Rig) -> None:
    """Each write elsewhere is on record first, by names and versions alone."""

    class Watching(FakeCarriers):
        async def deliver(self, kind: object, errand: Errand) -> str:
            async with rig.world.store.reading() as tx:
                entries.extend(await tx.list_audit(wanted=AuditFilter(verb="deliver")))
            return "seen"

    entries: list[object] = []
    world = replace(rig.world, carriers=Watching())
    await put(rig, "A", "canary-value")
    await destination(rig)
    await deliver_due(world)
    assert len(entries) == 1
    assert "secrets of example/dev/: A version 1" in repr(entries)
    assert "canary" not in repr(entries)


async def test_an_older_value_never_overwrites_a_newer_one(rig: Rig) -> None:
    """A worker that stood still past its lease brings nothing, whoever came meanwhile."""
    await put(rig, "A", "old")
    one = await destination(rig)

    class Slow(FakeCarriers):
        async def deliver(self, kind: object, errand: Errand) -> str:
            rig.clock.advance(61)
            await change(rig, "A", "new")
            await deliver(rig.world, one.id)
            errand.still_held()
            raise AssertionError("an old value was brought")

    await deliver(replace(rig.world, carriers=Slow()), one.id)
    assert carriers(rig).held == {"A": "new"}
    assert await had(rig, one) == {"A": 2}


async def test_what_a_fenced_worker_brought_is_brought_again(rig: Rig) -> None:
    """A result that comes after somebody paused the destination is not written down."""
    await put(rig, "A", "one")
    one = await destination(rig)

    class Interrupted(FakeCarriers):
        async def deliver(self, kind: object, errand: Errand) -> str:
            pause = DestinationChange(paused=True)
            await update_destination(rig.world, rig.admin, one.id, pause)
            return "too late"

    await deliver(replace(rig.world, carriers=Interrupted()), one.id)
    assert await had(rig, one) == {}
    assert (await stored(rig, one)).state is State.PAUSED


async def test_one_worker_at_a_time_has_a_destination_in_hand(rig: Rig) -> None:
    """Of two that come at once, one brings it and the other leaves."""
    await put(rig, "A", "one")
    one = await destination(rig)
    await asyncio.gather(deliver(rig.world, one.id), deliver(rig.world, one.id))
    assert len(carriers(rig).errands) == 1


async def test_a_worker_that_died_is_followed_by_another(rig: Rig) -> None:
    """What it left in hand comes due again when its lease ends."""
    await put(rig, "A", "one")
    await destination(rig)

    class Dying(FakeCarriers):
        async def deliver(self, kind: object, errand: Errand) -> str:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await deliver_due(replace(rig.world, carriers=Dying()))
    await rig.live(59)
    assert carriers(rig).held == {}
    await rig.live(1)
    assert carriers(rig).held == {"A": "one"}


async def test_what_changes_while_it_is_brought_is_brought_too(rig: Rig) -> None:
    """A value that comes in the middle of a delivery is not forgotten."""

    class Changing(FakeCarriers):
        async def deliver(self, kind: object, errand: Errand) -> str:
            if len(self.errands) == 0:
                await change(rig, "A", "two")
            return await super().deliver(kind, errand)  # type: ignore[arg-type]  # the kind

    changing = Changing()
    await put(rig, "A", "one")
    await destination(rig)
    await deliver_due(replace(rig.world, carriers=changing))
    assert [errand.items[0].value.reveal() for errand in changing.errands] == ["one", "two"]


async def test_by_hand_everything_is_brought_again(rig: Rig) -> None:
    """Somebody may have changed the other store: what was confirmed counts for nothing then."""
    await put(rig, "A", "one")
    one = await destination(rig)
    await rig.tick()
    carriers(rig).held.clear()
    view = await deliver_now(rig.world, rig.admin, one.id)
    assert carriers(rig).held == {"A": "one"}
    assert view.destination.state is State.CONFIRMED


async def test_a_secret_may_go_while_it_is_brought(rig: Rig) -> None:
    """What was confirmed of it is of no use then, and the destination goes on."""

    class Deleting(FakeCarriers):
        async def deliver(self, kind: object, errand: Errand) -> str:
            await delete_secrets(rig.world, rig.admin, [Edit(PLACE, "A")])
            return "seen"

    await put(rig, "A", "one")
    one = await destination(rig)
    await deliver_due(replace(rig.world, carriers=Deleting()))
    assert await had(rig, one) == {}
    await rig.tick()
    assert (await stored(rig, one)).state is State.CONFIRMED


async def test_secrets_and_folders_may_go(rig: Rig) -> None:
    """With a secret goes what was confirmed of it, with a folder its destinations."""
    await put(rig, "A", "one")
    one = await destination(rig)
    await rig.tick()
    await delete_secrets(rig.world, rig.admin, [Edit(PLACE, "A")])
    assert await had(rig, one) == {}
    await put(rig, "B", "two")
    await rig.tick()
    async with rig.world.store.writing() as tx:
        await remove_folders(tx, await tx.list(Folder, id=one.folder_id))
        assert await tx.list(Secret, folder_id=one.folder_id) == []


async def test_one_that_fails_keeps_no_other_waiting(rig: Rig) -> None:
    """Where each is brought by itself, the others are brought; the failure is told in the end."""
    for name in ("1A", "1B", "A", "B", "1C"):
        await put(rig, name, name)
    one = await destination(rig, GITHUB)
    carriers(rig).faults.append(NO)
    await rig.tick()
    assert len(carriers(rig).held) == 1
    held = await stored(rig, one)
    assert held.state is State.BLOCKED
    await put(rig, "D", "new")
    await rig.tick()
    assert set(carriers(rig).held) == {"A", "B", "D"}
    assert "1A would be called 1A there" in (await stored(rig, one)).told


async def test_where_nothing_goes_well_little_is_tried(rig: Rig) -> None:
    """A store that is away is not asked for every secret; the next try begins with another."""
    for name in "ABCDE":
        await put(rig, name, name)
    await destination(rig, GITHUB)
    carriers(rig).faults.extend([AWAY] * FAILURES)
    await rig.tick()
    first = [errand.items[0].name for errand in carriers(rig).errands]
    assert len(first) == FAILURES
    await rig.live(2)
    assert carriers(rig).errands[FAILURES].items[0].name != first[0]
    assert set(carriers(rig).held) == set("ABCDE")


async def test_a_name_that_cannot_be_keeps_a_whole_document_back(rig: Rig) -> None:
    """Where all are brought in one write, all are or none is."""
    for name in ("A", "B"):
        await put(rig, name, name)
    one = await destination(rig, FILE, prefix="-")
    await rig.tick()
    assert carriers(rig).errands == []
    assert (await stored(rig, one)).state is State.BLOCKED
    change = DestinationChange(prefix="")
    await update_destination(rig.world, rig.admin, one.id, change)
    await rig.tick()
    assert carriers(rig).held == {"A": "A", "B": "B"}
