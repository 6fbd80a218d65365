"""Destinations as use cases: who may make them, and what is never shown."""

from dataclasses import replace

import pytest
from delivery_kit import GITHUB, HOOK, carriers, destination, had, put, stored
from rig import PLACE, Rig

from keyturn.domain.access import DEVELOPER, VIEWER, Caller, Grant, Holding, Role, Verb
from keyturn.domain.destination import Delivery, Destination, State
from keyturn.domain.errors import (
    DestinationAway,
    Forbidden,
    InvalidInput,
    KeyturnError,
    NotFound,
    Refused,
    Taken,
)
from keyturn.domain.sensitive import Sensitive
from keyturn.services.destinations import (
    DestinationChange,
    create_destination,
    deliver_now,
    list_deliveries,
    list_destinations,
    read_destination,
    update_destination,
)
from keyturn.services.projects import Where

EDITOR = Role("editor", "Editor", (Grant(frozenset({Verb.EDIT_DESTINATIONS})),))


def as_holder(rig: Rig, *roles: Role) -> Caller:
    """Return somebody who holds roles everywhere."""
    return replace(rig.admin, holdings=tuple(Holding(role) for role in roles))


async def test_who_may_not_read_the_values_sends_them_nowhere(rig: Rig) -> None:
    """The right to make destinations is not enough, nor is the right to read."""
    for caller in (as_holder(rig, EDITOR), as_holder(rig, DEVELOPER)):
        with pytest.raises(Forbidden):
            await create_destination(rig.world, caller, HOOK)
    one = await destination(rig)
    moved = DestinationChange(settings=GITHUB.settings, credential=GITHUB.credential)
    for change in (moved, DestinationChange(only=("A",)), DestinationChange(paused=False)):
        with pytest.raises(Forbidden, match="secrets:read"):
            await update_destination(rig.world, as_holder(rig, EDITOR), one.id, change)
    await update_destination(
        rig.world, as_holder(rig, EDITOR), one.id, DestinationChange(paused=True)
    )


async def test_who_may_not_see_a_destination_learns_nothing_of_it(rig: Rig) -> None:
    """One that is there and one that is not answer alike."""
    one, caller = await destination(rig), as_holder(rig, EDITOR)
    told = []
    for destination_id in (one.id, "nothing"):
        with pytest.raises(Forbidden) as refused:
            await read_destination(rig.world, caller, destination_id)
        told.append(refused.value.message.replace(destination_id, "ID"))
    assert told[0] == told[1]


async def test_roles_on_a_place_see_the_destinations_of_that_place(rig: Rig) -> None:
    """Lists leave out what a role does not reach."""
    await destination(rig)
    elsewhere = Role("e", "E", (Grant(VIEWER.verbs, environments=("prod",)),))
    assert await list_destinations(rig.world, as_holder(rig, elsewhere), project="example") == []
    (seen,) = await list_destinations(rig.world, as_holder(rig, VIEWER), project="example")
    assert seen.destination.name == "hook"


async def test_other_settings_need_the_credential_again(rig: Rig) -> None:
    """Nobody has the credential that is kept sent to an address of their own."""
    one = await destination(rig)
    elsewhere = DestinationChange(settings={"url": "https://evil.example.com"})
    with pytest.raises(InvalidInput, match="credential"):
        await update_destination(rig.world, rig.admin, one.id, elsewhere)
    whole = replace(elsewhere, credential=HOOK.credential)
    after = await update_destination(rig.world, rig.admin, one.id, whole)
    assert after.destination.setting == {"url": "https://evil.example.com"}


async def test_another_address_is_brought_everything(rig: Rig) -> None:
    """What was confirmed was confirmed by somebody else."""
    await put(rig, "A", "one")
    one = await destination(rig)
    await rig.tick()
    moved = DestinationChange(settings={"url": "https://b.example.com"}, credential=HOOK.credential)
    await update_destination(rig.world, rig.admin, one.id, moved)
    assert await had(rig, one) == {}
    await rig.tick()
    assert await had(rig, one) == {"A": 1}


async def test_a_changed_mapping_brings_what_it_concerns(rig: Rig) -> None:
    """A secret that has another name there is due; the names are checked at once."""
    await put(rig, "A", "one")
    one = await destination(rig, GITHUB)
    await rig.tick()
    change = DestinationChange(mapping={"A": "B"}, name="renamed")
    after = await update_destination(rig.world, rig.admin, one.id, change)
    await rig.tick()
    assert (after.destination.name, carriers(rig).held) == ("renamed", {"A": "one", "B": "one"})
    change = DestinationChange(mapping={"A": "GITHUB_TOKEN"})
    with pytest.raises(InvalidInput, match="GITHUB_"):
        await update_destination(rig.world, rig.admin, one.id, change)


async def test_a_name_is_taken_once_a_folder(rig: Rig) -> None:
    """Two destinations of one folder have different names."""
    await destination(rig)
    other = await destination(rig, name="other")
    with pytest.raises(Taken):
        await destination(rig)
    change = DestinationChange(name="hook")
    with pytest.raises(Taken):
        await update_destination(rig.world, rig.admin, other.id, change)


async def test_nothing_is_made_for_a_folder_that_is_not_there(rig: Rig) -> None:
    """An unknown folder is refused, an unknown destination not found."""
    with pytest.raises(Refused):
        await destination(rig, where=Where("example", "dev", "/nowhere"))
    with pytest.raises(NotFound):
        await deliver_now(rig.world, rig.admin, "nothing")


async def test_nothing_is_brought_by_hand_while_paused(rig: Rig) -> None:
    """Who paused it has said so; resuming brings what is due."""
    await put(rig, "A", "one")
    one = await destination(rig)
    pause = DestinationChange(paused=True)
    await update_destination(rig.world, rig.admin, one.id, pause)
    with pytest.raises(InvalidInput, match="paused"):
        await deliver_now(rig.world, rig.admin, one.id)
    await rig.live(3600)
    assert carriers(rig).errands == []
    await update_destination(rig.world, rig.admin, one.id, DestinationChange(paused=False))
    await rig.tick()
    assert carriers(rig).held == {"A": "one"}
    assert (await stored(rig, one)).state is State.CONFIRMED


async def test_deliveries_say_what_is_served_and_what_is_there(rig: Rig) -> None:
    """Each secret with both versions, and how it stands."""
    await put(rig, "A", "one")
    await put(rig, "B", "${A}")
    one = await destination(rig)
    pieces = await list_deliveries(rig.world, rig.admin, one.id)
    assert [(p.secret.name, p.due, p.left_out) for p in pieces] == [
        ("A", True, False),
        ("B", False, True),
    ]
    await rig.tick()
    first = (await list_deliveries(rig.world, rig.admin, one.id))[0]
    assert first.confirmed
    assert (first.due, first.confirmed.shown) == (False, "in memory")


async def test_no_value_and_no_credential_is_in_records_or_errors(
    rig: Rig, capsys: pytest.CaptureFixture[str]
) -> None:
    """A canary in value and credential is found in no row, audit entry, log line or repr."""
    await put(rig, "A", "canary-value")
    token = {"token": Sensitive("canary-token")}
    one = await destination(rig, GITHUB, credential=token)
    carriers(rig).faults.append(DestinationAway("It is away."))
    await rig.tick()
    await rig.live(60)
    async with rig.world.store.reading() as tx:
        records = [*await tx.list(Destination), *await tx.list(Delivery), *await tx.list_audit()]
    seen = repr((records, carriers(rig).errands, GITHUB, one)) + capsys.readouterr().out
    assert "canary" not in seen
    assert len(carriers(rig).errands) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"only": tuple(f"S{number}" for number in range(201))},
        {"mapping": {f"S{number}": "x" for number in range(201)}},
        {"mapping": {"A": "X", "B": "X"}},
        {"mapping": {"a/b": "X"}},
        {"prefix": "x" * 201},
        {"prefix": "a b", "only": ("A",)},
        {"settings": {}},
        {"name": "no slug"},
    ],
)
async def test_what_does_not_fit_is_refused_before_anything_is_stored(
    rig: Rig, changes: dict[str, object]
) -> None:
    """Names, settings and lengths have their rules."""
    with pytest.raises(KeyturnError):
        await destination(rig, **changes)
    assert await list_destinations(rig.world, rig.admin, project=PLACE.project) == []
