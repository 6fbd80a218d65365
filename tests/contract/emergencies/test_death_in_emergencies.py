"""An emergency whose process dies at any commit: another one goes on over the same store."""

from collections import Counter
from dataclasses import replace

import httpx2
import pytest
from connections_kit import Death, DyingStore
from emergency_kit import active, apps, begun, carry, deactivations, served, throttled
from rig import Rig
from rollout_kit import add_rotations

from keyturn.adapters.okta import OktaHttpOrgs
from keyturn.domain.rollout import Standing, State
from keyturn.sandbox import build_app
from keyturn.testing import SeededChance

APPS = 3
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("deadly", range(0, 108, 3))
async def test_death_at_any_commit_changes_nothing(rig: Rig, deadly: int) -> None:
    """Each app is closed once and for all, Okta refuses no call, and what is served works."""
    await add_rotations(rig, APPS)
    rig.clock.advance(120)
    first = rig.org.journal.last
    seen = await begun(rig)
    healthy = rig.world
    rig.world = replace(healthy, store=DyingStore(healthy.store, deadly))
    with pytest.raises(Death):
        await carry(rig)
    okta = OktaHttpOrgs(
        rig.clock, SeededChance(2), transport=lambda: httpx2.ASGITransport(build_app(rig.org))
    )
    rig.world = replace(healthy, okta=okta)
    ended = await carry(rig)
    await okta.aclose()
    assert (ended.id, ended.state) == (seen.rollout.id, State.FINISHED)
    assert {each.standing for each in await apps(rig)} == {Standing.DONE}
    found = Counter(deactivations(rig, first))
    assert len(found) == APPS
    assert throttled(rig, first) == 0
    for each in await apps(rig):
        assert active(rig, each.app_id) == {await served(rig, each.rotation_id)}
