"""What every kind of credential promises, judged by the sandbox: the same tests for each."""

from contextlib import suppress
from dataclasses import replace
from typing import Literal

import pytest
from kinds_kit import Stand, settled, stand
from rig import Rig

from keyturn.domain.errors import TurnFailed
from keyturn.domain.okta import CredentialKind
from keyturn.domain.turn import Phase
from keyturn.sandbox import Fault
from keyturn.services.rotations import view
from keyturn.testing import CrashingStore, CrashPlan

KINDS = pytest.mark.parametrize("kind", CredentialKind)
KINDS_AT_LENGTH = pytest.mark.parametrize(
    "kind",
    [
        pytest.param(k, marks=[] if k is CredentialKind.CLIENT_SECRET else pytest.mark.slow)
        for k in CredentialKind
    ],
)
ASIDE = (Phase.PLANNED, Phase.ROLLED_BACK, Phase.BLOCKED)
FAULTS = [
    "drop-before-effect",
    "drop-after-effect",
    "error-before-effect",
    "error-after-effect",
    "rate-limit",
    "html",
    "truncate",
    "cut",
    "wrong-clock",
]
CALLS = ["list", "add", "deactivate", "delete", "introspect"]
STRUCK = [*((fault, call) for fault in FAULTS for call in CALLS), ("stale-read", "list")]


class Died(BaseException):
    """What stands for SIGKILL inside one process."""


def die() -> None:
    """Die."""
    raise Died


async def whole(made: Stand) -> bool:
    """Say whether Okta has one credential of ours, ACTIVE, accepted, and in use."""
    (only,) = made.living()
    served = await made.served()
    same = only.hash == await made.served_hash()
    return same and only.status == "ACTIVE" and await made.accepted(served)


async def turn_wholly(made: Stand) -> None:
    """Start a turn and let time pass to its end."""
    await made.begin()
    await made.finish()


@KINDS
async def test_quiet_turn_costs_five_management_calls(rig: Rig, kind: CredentialKind) -> None:
    """List, add, list, deactivate, delete, whatever is turned."""
    made = await settled(rig, kind)
    old = made.living()[0]
    await made.begin()
    assert (await made.finish()).phase is Phase.FINISHED
    assert made.management() == [
        ("GET", 200),
        ("POST", 201),
        ("GET", 200),
        ("POST", 200),
        ("DELETE", 204),
    ]
    assert await whole(made)
    assert made.living() != [old]


@KINDS
async def test_old_and_new_work_during_the_overlap(rig: Rig, kind: CredentialKind) -> None:
    """Whoever still uses the old one is served by Okta until the overlap is over."""
    made = await settled(rig, kind)
    old = await made.served()
    await made.begin()
    assert await made.served_hash() != made.living()[0].hash
    rig.clock.advance(299)
    await rig.tick()
    assert await made.accepted(old)
    assert await made.accepted(await made.served())
    rig.clock.advance(1)
    await rig.tick()
    assert not await made.accepted(old)
    assert await made.accepted(await made.served())


def fault_at(made: Stand, call: str, kind: str) -> Fault:
    """Return a fault that strikes one call of a turn twice."""
    all_, one = made.routes.all, made.routes.one
    where = {
        "list": ("GET", all_),
        "add": ("POST", all_),
        "deactivate": ("POST", f"{one}/lifecycle/deactivate"),
        "delete": ("DELETE", one),
        "introspect": ("POST", "/oauth2/v1/introspect"),
    }[call]
    seconds = 30.0 if kind in ("wrong-clock", "stale-read") else 0.0
    return Fault(kind, *where, count=2, seconds=seconds)  # type: ignore[arg-type]  # a literal


@pytest.mark.parametrize(("fault", "call"), STRUCK)
@KINDS_AT_LENGTH
async def test_any_single_fault_leaves_the_turn_whole(
    rig: Rig, kind: CredentialKind, fault: str, call: str
) -> None:
    """Whatever call goes wrong however, the turn ends, and Okta holds nothing unknown."""
    made = await settled(rig, kind)
    rig.org.add_fault(fault_at(made, call, fault))
    with suppress(TurnFailed):
        await made.begin()
    assert await made.accepted(await made.served())
    assert (await made.finish()).phase is Phase.FINISHED
    assert await whole(made)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("phase", [p for p in Phase if p not in ASIDE])
@KINDS_AT_LENGTH
async def test_death_at_any_commit_leaves_the_turn_whole(
    rig: Rig, kind: CredentialKind, phase: Phase, moment: Literal["before", "after"]
) -> None:
    """Whenever the process dies, what is in use works on, and the turn ends."""
    made = await settled(rig, kind)
    healthy, before = rig.world, made.additions()
    rig.world = replace(healthy, store=CrashingStore(healthy.store, CrashPlan(phase, moment), die))
    with pytest.raises(Died):
        await turn_wholly(made)
    rig.world = healthy
    assert await made.accepted(await made.served())
    assert (await made.finish()).phase is Phase.FINISHED
    assert await whole(made)
    lost = kind is CredentialKind.API_SERVICE_SECRET and (phase, moment) == (
        Phase.ISSUED,
        "before",
    )
    assert made.additions() - before == (2 if lost else 1)


@pytest.mark.parametrize("kind", [k for k in CredentialKind if not k.rules.are_keys])
async def test_what_is_never_accepted_is_taken_back(rig: Rig, kind: CredentialKind) -> None:
    """A secret that Okta does not accept is never in use, and does not stay."""
    made = await settled(rig, kind)
    served = await made.served_hash()
    rig.org.change_settings(propagation_s=10**6)
    with pytest.raises(TurnFailed):
        await made.begin()
    assert (await made.finish()).phase is Phase.ROLLED_BACK
    assert [one.hash for one in made.living()] == [served]


@KINDS
async def test_no_value_leaves_by_another_door(rig: Rig, kind: CredentialKind) -> None:
    """Neither the record of the turn nor the audit log knows the value."""
    made = await settled(rig, kind)
    await made.begin()
    value = (await made.served()).reveal()
    part = value[-40:-2]
    seen = await view(rig.world, made.rotation_id)
    async with rig.world.store.reading() as tx:
        told = repr((seen, await tx.list_audit()))
    assert part not in told


async def test_a_stand_can_be_seen_to_fail(rig: Rig) -> None:
    """The judge finds a value that Okta does not accept (a check of the check)."""
    made = await stand(rig, CredentialKind.CLIENT_SECRET)
    await made.create()
    rig.org.create_secret(made.app_id)
    rig.org.deactivate_secret(made.app_id, made.living()[0].id)
    assert not await made.accepted(await made.served())
