"""An emergency of many apps in an org of the workforce profile: how long, in which order, for whom.

Okta lets one principal make 50 calls a minute about apps there; two calls close an app.
"""

from collections import Counter
from datetime import timedelta

import pytest
from emergency_kit import (
    active,
    apps,
    begun,
    carry,
    deactivations,
    listings,
    next_at,
    served,
    the_emergency,
    throttled,
    work,
)
from rig import PLACE, Rig
from rollout_kit import add_rotations

from keyturn.domain.ids import RotationId
from keyturn.domain.okta import secret_hash
from keyturn.domain.rollout import State
from keyturn.domain.turn import Phase, Turn
from keyturn.services.emergencies_under_way import LOOSE_MAX, carry_emergencies
from keyturn.services.rotations import view
from keyturn.services.secrets import read_secret

pytestmark = pytest.mark.slow

APPS, CALLS_A_MINUTE = 150, 50
FETCHING = 10
"""So many consumers have the time that is left, and read their secret again shortly before."""
LEFT = timedelta(minutes=3)
READS_EVERY = LEFT - timedelta(seconds=10)


async def populated(rig: Rig, count: int) -> list[RotationId]:
    """Make so many apps without a rate limit, and then have the org's usual one."""
    rig.org.change_settings(profile="off")
    made = await add_rotations(rig, count)
    rig.org.change_settings(profile="workforce")
    rig.clock.advance(120)
    return made


def bound(count: int) -> timedelta:
    """Return how long two calls for each app take at the rate that Okta allows."""
    return timedelta(minutes=2 * count / CALLS_A_MINUTE)


def misplaced(found: list[str], wanted: list[str]) -> int:
    """Return how far the app is from its place that is farthest."""
    place = {app_id: n for n, app_id in enumerate(wanted)}
    return max(abs(place[app_id] - n) for n, app_id in enumerate(found))


async def test_many_apps_are_closed_at_the_rate_that_okta_allows(rig: Rig) -> None:
    """Within a tenth of the bound, in the planned order, and Okta refuses no call."""
    await populated(rig, APPS)
    first, began = rig.org.journal.last, rig.clock.now()
    await begun(rig)
    tidied = (await carry(rig, closed=True)).tidied_at
    assert tidied
    members = await apps(rig)
    farthest = misplaced(deactivations(rig, first), [each.app_id for each in members])
    took = tidied - began
    assert took <= bound(APPS) * 1.1
    assert farthest <= 10
    assert throttled(rig, first) == 0
    assert not listings(rig, first)
    for each in members:
        assert active(rig, each.app_id) == {await served(rig, each.rotation_id)}
    assert (await carry(rig)).state is State.FINISHED
    assert throttled(rig, first) == 0


async def test_what_is_closed_is_not_deleted_all_at_once(rig: Rig) -> None:
    """Each deletion asks first whether the new one works: a thousand at once are too many."""
    await populated(rig, 30)
    await begun(rig)
    most = 0
    while (await the_emergency(rig)).state is State.RUNNING:
        await carry_emergencies(rig.world)
        async with rig.world.store.reading() as tx:
            turns = await tx.list(Turn, ended_at=None, phase=Phase.SOAKING)
        most = max(most, sum(each.tidies_at is None for each in turns))
        await work(rig)
        soon = (await next_at(rig) - rig.clock.now()).total_seconds()
        rig.clock.advance(max(0.01, soon))
    assert most == LOOSE_MAX


async def test_nobody_who_fetches_again_in_time_is_refused(rig: Rig) -> None:
    """Not even who uses nearly all of the time that is left holds what Okta does not accept."""
    made = (await populated(rig, 60))[:FETCHING]
    app_ids = {each: (await view(rig.world, each)).rotation.app_id for each in made}
    held = {each: await _read(rig, each) for each in made}
    await begun(rig, within_s=int(LEFT.total_seconds()))
    refused, read_at = 0, rig.clock.now()
    while (await the_emergency(rig)).tidied_at is None:
        await work(rig)
        refused += sum(held[each] not in active(rig, app_ids[each]) for each in made)
        if rig.clock.now() >= read_at + READS_EVERY:
            held, read_at = {each: await _read(rig, each) for each in made}, rig.clock.now()
        soon = min(await next_at(rig), read_at + READS_EVERY)
        rig.clock.advance(max(0.01, (soon - rig.clock.now()).total_seconds()))
    assert refused == 0
    unsure = "Not known to have had the new one by then: reader administrator."  # who read it once
    assert Counter(each.told for each in await apps(rig)) == {"": 60 - FETCHING, unsure: FETCHING}


async def _read(rig: Rig, rotation_id: RotationId) -> str:
    """Read a secret as its consumer; return the hash of what was given."""
    seen = await view(rig.world, rotation_id)
    name = seen.rotation.mapping.client_secret
    return secret_hash((await read_secret(rig.world, rig.admin, PLACE, name)).value)
