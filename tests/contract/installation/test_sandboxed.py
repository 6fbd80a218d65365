"""The org in a box beside the server: who may break it, and a clock that both go by."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from rig import Rig, rigged

from keyturn.bootstrap.sandboxed import OrgClock, OrgControls
from keyturn.domain.access import VIEWER, Caller, Holding
from keyturn.domain.errors import Forbidden, InvalidInput, NotFound
from keyturn.domain.identity import AccessToken
from keyturn.sandbox import SandboxConfig, Start, VirtualClock, serving
from keyturn.services.ports.sandbox import FaultDraft
from keyturn.services.sandbox import advance_clock, clear_faults, list_faults, plant_fault

DAY_S = 86_400
LATE = FaultDraft("delay", "GET", "/api/v1/apps", count=None, probability=0.5, seconds=2.0)


@dataclass
class Stand:
    """An installation that goes by the clock of the org beside it."""

    rig: Rig
    box: OrgControls

    def viewer(self) -> Caller:
        """Return somebody who only looks."""
        admin = self.rig.admin
        return Caller("viewer", "viewer", admin.organization_id, (Holding(VIEWER),))

    async def subjects(self) -> list[str]:
        """Return what the audit log says that was done to the org."""
        async with self.rig.world.store.reading() as tx:
            entries = await tx.list_audit()
        return [each.attempt.subject for each in entries if "sandbox" in each.attempt.subject]


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    """Serve the rig's org, and have the installation go by its clock."""
    ports = SandboxConfig(http_port=0, https_port=0, control_port=0)
    async with rigged() as rig:
        rig.org.clock = VirtualClock(rig.clock.now)
        async with serving(replace(ports, org=rig.org)) as ready:
            rig.world = replace(rig.world, clock=OrgClock(ready.org))
            yield Stand(rig, OrgControls(ready))


async def test_a_fault_is_planted_listed_and_lifted(stand: Stand) -> None:
    """What is in force is told as it was asked for, and each change is on record."""
    world, admin, box = stand.rig.world, stand.rig.admin, stand.box
    fault_id = await plant_fault(world, admin, box, LATE)
    other_id = await plant_fault(world, admin, box, FaultDraft("rate-limit"))
    [late, other] = await list_faults(world, admin, box)
    assert (late.id, late.draft, late.struck) == (fault_id, LATE, 0)
    await clear_faults(world, admin, box, fault_id)
    assert [each.id for each in await list_faults(world, admin, box)] == [other.id] == [other_id]
    await clear_faults(world, admin, box)
    assert not await list_faults(world, admin, box)
    assert "sandbox (plant delay)" in await stand.subjects()
    assert "sandbox (lift all faults)" in await stand.subjects()


async def test_a_planted_fault_strikes(stand: Stand) -> None:
    """It is the org's own: what it does shows in how often it struck."""
    world, admin, box = stand.rig.world, stand.rig.admin, stand.box
    await plant_fault(world, admin, box, FaultDraft("error-before-effect", "POST", status=503))
    assert [await stand.rig.authenticate("x"), await stand.rig.authenticate("x")] == [503, 401]
    assert [each.struck for each in await list_faults(world, admin, box)] == [1]


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        (FaultDraft("earthquake"), "kind"),
        (FaultDraft("delay", route="/api/v1/nowhere"), "route"),
        (FaultDraft("delay", method="BREW"), "method"),
        (FaultDraft("delay", probability=2.0), "probability"),
        (FaultDraft("html", status=99), "status"),
    ],
)
async def test_a_fault_that_cannot_be_names_its_field(
    stand: Stand, draft: FaultDraft, field: str
) -> None:
    """Whoever typed it learns what is wrong, and nothing is in force."""
    with pytest.raises(InvalidInput) as refused:
        await plant_fault(stand.rig.world, stand.rig.admin, stand.box, draft)
    assert [each.field for each in refused.value.problems] == [(field,)]
    assert not stand.box.list_faults()


async def test_a_fault_that_is_not_there_cannot_be_lifted(stand: Stand) -> None:
    """An id that nobody gave out lifts nothing."""
    await plant_fault(stand.rig.world, stand.rig.admin, stand.box, LATE)
    with pytest.raises(NotFound):
        await clear_faults(stand.rig.world, stand.rig.admin, stand.box, "flt99")
    assert stand.box.list_faults()


async def test_the_clock_jumps_and_who_is_logged_in_stays_so(stand: Stand) -> None:
    """Server and org show the same time after it, and good tokens last that much longer."""
    world, admin, box = stand.rig.world, stand.rig.admin, stand.box
    before = world.clock.now()
    async with world.store.reading() as tx:
        [token] = await tx.list(AccessToken)
    after = await advance_clock(world, admin, box, 7 * DAY_S)
    assert after == world.clock.now() == box.now() == stand.rig.org.now()
    assert after - before == timedelta(days=7)
    async with world.store.reading() as tx:
        [lasting] = await tx.list(AccessToken)
    assert lasting.expires_at - token.expires_at == timedelta(days=7)


async def test_what_lasts_a_while_ends_by_the_jump(stand: Stand) -> None:
    """Uptime jumps along, and goes on where the org's clock is set back."""
    org = stand.rig.org
    org.clock = VirtualClock(start=Start(stand.rig.clock.now()))
    clock = OrgClock(org)
    before_s = clock.uptime_s()
    stand.box.advance(DAY_S)
    after_s = clock.uptime_s()
    assert after_s - before_s >= DAY_S
    org.clock.set(org.now() - timedelta(days=3))
    assert clock.uptime_s() >= after_s


async def test_a_token_that_has_ended_stays_ended(stand: Stand) -> None:
    """No jump makes one good again."""
    world, admin, box = stand.rig.world, stand.rig.admin, stand.box
    async with world.store.writing() as tx:
        [token] = await tx.list(AccessToken)
        ended = replace(token, expires_at=world.clock.now())
        await tx.replace(ended)
    await advance_clock(world, admin, box, DAY_S)
    async with world.store.reading() as tx:
        assert await tx.list(AccessToken) == [ended]


@pytest.mark.parametrize("seconds", [0, -5, 367 * DAY_S])
async def test_the_clock_jumps_forward_and_a_year_at_most(stand: Stand, seconds: float) -> None:
    """Anything else is refused, and no time passes."""
    before = stand.box.now()
    with pytest.raises(InvalidInput, match="seconds"):
        await advance_clock(stand.rig.world, stand.rig.admin, stand.box, seconds)
    assert stand.box.now() == before


async def test_who_may_only_look_breaks_nothing(stand: Stand) -> None:
    """To plant, to lift and to let time pass take the right to change connections everywhere."""
    world, box, viewer = stand.rig.world, stand.box, stand.viewer()
    with pytest.raises(Forbidden):
        await plant_fault(world, viewer, box, LATE)
    with pytest.raises(Forbidden):
        await clear_faults(world, viewer, box)
    with pytest.raises(Forbidden):
        await advance_clock(world, viewer, box, DAY_S)
    assert not await list_faults(world, viewer, box)


async def test_the_page_of_the_org_takes_its_token(stand: Stand) -> None:
    """The address for people opens it; the plain one does not carry the token."""
    assert stand.box.status_url.startswith(f"{stand.box.control_url}/?token=")
    assert "token" not in stand.box.control_url + stand.box.org_url
    assert ("POST", "/api/v1/apps") in stand.box.routes
    assert "rate-limit" in stand.box.kinds
