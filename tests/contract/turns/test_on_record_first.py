"""What is on record before it is done: every change that a turn asks Okta for."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

import pytest
from kinds_kit import Stand, settled
from rig import Rig

from keyturn.cli.simulation.judge import HeardJournal
from keyturn.domain.audit import Attempt
from keyturn.domain.errors import TurnFailed
from keyturn.domain.okta import CredentialKind
from keyturn.sandbox import Fault
from keyturn.sandbox.journal import Entry
from keyturn.services.orders import abort_turn, reinstate_old
from keyturn.testing import MemoryStore

INTEGRATION = CredentialKind.API_SERVICE_SECRET
SECRET = CredentialKind.CLIENT_SECRET


@dataclass(frozen=True)
class Heard:
    """A change as it reached the org, and what turns had on record by then, durably."""

    change: Entry
    told: list[Attempt]


def listen(made: Stand) -> list[Heard]:
    """Return the list to which every change of a credential is added as the org hears of it."""
    store, heard = made.rig.world.store, list[Heard]()
    assert isinstance(store, MemoryStore)
    known = len(store.backup().audit)

    def hear(entry: Entry) -> None:
        if entry.method != "GET" and "/credentials/" in entry.path:
            later = (each.attempt for each in store.backup().audit[known:])
            heard.append(Heard(entry, [each for each in later if each.actor.startswith("turn ")]))

    made.rig.org.journal = HeardJournal(hear)
    return heard


async def turned(made: Stand) -> None:
    """Turn, as far as it goes at once and then to the end."""
    with suppress(TurnFailed):
        await made.begin()
    await made.finish()


async def reinstated(made: Stand) -> None:
    """Have the old one back once it is retired."""
    await made.begin()
    made.rig.clock.advance(300)
    await made.rig.tick()
    await reinstate_old(made.rig.world, made.rig.admin, made.rotation_id)
    await made.rig.tick()


async def lost(made: Stand) -> None:
    """Turn where the first answer is lost, with the value in it."""
    made.rig.org.add_fault(Fault("drop-after-effect", "POST", made.routes.all, count=1))
    await turned(made)


async def never_accepted(made: Stand) -> None:
    """Turn where Okta never accepts the new one."""
    made.rig.org.change_settings(propagation_s=10**6)
    await turned(made)


async def left_behind(made: Stand) -> None:
    """Turn twice: the first time somebody deactivates the new one, which stays there."""
    await made.begin()
    made.rig.org.deactivate_secret(made.app_id, made.living()[1].id)
    await abort_turn(made.rig.world, made.rig.admin, made.rotation_id)
    await made.finish()
    await turned(made)


ADD, OFF, AWAY = "add a {}", "deactivate the old {}", "delete the old {}"
LOST = ("deactivate a lost {}", "delete a lost {}")
SCENES: dict[str, tuple[CredentialKind, Callable[[Stand], Awaitable[None]], tuple[str, ...]]] = {
    "retire and delete": (SECRET, turned, (ADD, OFF, AWAY)),
    "reinstate": (SECRET, reinstated, (ADD, OFF, "activate the old {}")),
    "discard": (INTEGRATION, lost, (ADD, *LOST, ADD, OFF, AWAY)),
    "clear": (SECRET, left_behind, (ADD, "delete a superseded {}", ADD, OFF, AWAY)),
    "withdraw and roll back": (
        SECRET,
        never_accepted,
        (ADD, "deactivate the new {}", "delete the new {}"),
    ),
}


@pytest.mark.parametrize("scene", SCENES)
async def test_every_change_at_okta_has_an_entry_of_its_own_before_it(rig: Rig, scene: str) -> None:
    """By the time the org hears of it the log tells who does what to which, once a change."""
    kind, play, expected = SCENES[scene]
    made = await settled(rig, kind)
    heard = listen(made)
    await play(made)
    noun, own_value = kind.rules.noun, kind.rules.own_value
    assert [each.told[-1].verb for each in heard] == [verb.format(noun) for verb in expected]
    assert [len(each.told) for each in heard] == [*range(1, len(expected) + 1)]
    for each in heard:
        added = each.change.secret_hash if own_value else "of Okta's choice"
        subject = added if each.told[-1].verb.startswith("add") else each.change.secret_id
        assert each.told[-1].subject == f"app {made.app_id}: {subject}"
