"""Drift: changes that somebody else makes at Okta are found, told, and mended where ours."""

from dataclasses import replace
from typing import Any

import pytest
from meanwhile_kit import Altered
from rig import SECRETS, Rig

from keyturn.domain.drift import Kind, Repair
from keyturn.domain.errors import NoFooting, NotFound, OktaAnswer, OktaRefused, Refused
from keyturn.domain.rotation import Rotation, SecretsMapping
from keyturn.domain.turn import Phase
from keyturn.sandbox import AppDraft, Fault
from keyturn.services.drift import (
    UNREACHED,
    FindingView,
    compare_now,
    list_findings,
    repair_finding,
)
from keyturn.services.policies import PolicyChange
from keyturn.services.ports import Footing, OktaOrg
from keyturn.services.rotations import view
from keyturn.services.turns import rotate

DAY = 86_400


async def kept(rig: Rig, **policy: Any) -> str:  # noqa: ANN401  fields of PolicyChange
    """Create a rotation, let its first comparison pass, and return its id."""
    rotation = (await rig.rotation(policy=PolicyChange(**policy))).rotation
    await rig.live(DAY)
    rig.calls()
    return rotation.id


async def findings(rig: Rig) -> list[FindingView]:
    """Return what is open."""
    return list(await list_findings(rig.world, rig.admin, project="example"))


def served_id(rig: Rig) -> str:
    """Return Okta's id of the app's first living secret."""
    okta_id: str = rig.living()[0]["id"]
    return okta_id


async def test_quiet_comparison_costs_one_call(rig: Rig) -> None:
    """Nothing touched, nothing looked at: the System Log alone is asked."""
    await kept(rig)
    await rig.live(DAY)
    assert [c["route"] for c in rig.calls()] == ["/api/v1/logs"]


async def test_own_changes_are_not_taken_for_somebody_elses(rig: Rig) -> None:
    """A turn's own calls are known by Okta's request ids, and cost no second look."""
    rotation_id = await kept(rig)
    await rotate(rig.world, rig.admin, rotation_id)
    await rig.run(rotation_id)
    rig.calls()
    await rig.live(DAY)
    assert [c["route"] for c in rig.calls()] == ["/api/v1/logs"]
    assert await findings(rig) == []


async def test_foreign_secret_is_found_and_left_alone(rig: Rig) -> None:
    """It is named with its id and who added it; no repair touches it."""
    await kept(rig, repair=True)
    foreign = rig.org.create_secret(rig.app_id)
    await rig.live(DAY)
    (found,) = await findings(rig)
    assert (found.finding.kind, found.finding.subject) == (Kind.SECRET_ADDED, foreign.id)
    assert found.repair is Repair.BY_HAND
    assert " Last changed by " in found.finding.detail
    with pytest.raises(Refused, match="consent"):
        await repair_finding(rig.world, rig.admin, found.finding.id)
    assert len(rig.living()) == 2


async def test_finding_tells_of_the_latest_change_that_is_not_ours(rig: Rig) -> None:
    """Neither a turn's own calls just before nor what others did earlier is told instead."""
    rotation_id = await kept(rig)
    passing = rig.org.create_secret(rig.app_id)
    rig.org.deactivate_secret(rig.app_id, passing.id)
    rig.org.delete_secret(rig.app_id, passing.id)
    await rotate(rig.world, rig.admin, rotation_id)
    await rig.run(rotation_id)
    rig.clock.advance(120)
    made_at = rig.clock.now()
    rig.org.create_secret(rig.app_id)
    await rig.live(DAY)
    (found,) = await findings(rig)
    assert f"{made_at:%Y-%m-%d %H:%M} UTC" in found.finding.detail
    assert "lifecycle.create" in found.finding.detail


async def test_finding_blames_nobody_for_a_turns_own_calls(rig: Rig) -> None:
    """Where the log tells of our own changes only, nobody is named."""
    rotation_id = await kept(rig)
    await rotate(rig.world, rig.admin, rotation_id)
    await rig.run(rotation_id)
    rig.org.store_app(replace(rig.org.read_app(rig.app_id), status="INACTIVE"))
    async with rig.world.store.writing() as tx:
        rotation = await tx.find(Rotation, id=rotation_id)
        assert rotation
        await tx.replace(replace(rotation, checked_at=None))
    await rig.live(DAY)
    (found,) = await findings(rig)
    assert (found.finding.kind, found.finding.detail) == (Kind.APP_DEACTIVATED, "")


async def test_finding_closes_when_the_drift_is_gone(rig: Rig) -> None:
    """What somebody undid is not told any more."""
    await kept(rig)
    foreign = rig.org.create_secret(rig.app_id)
    await rig.live(DAY)
    assert len(await findings(rig)) == 1
    rig.org.deactivate_secret(rig.app_id, foreign.id)
    rig.org.delete_secret(rig.app_id, foreign.id)
    await rig.live(DAY)
    assert await findings(rig) == []


async def test_same_drift_is_found_once(rig: Rig) -> None:
    """A second look adds nothing."""
    await kept(rig)
    rig.org.create_secret(rig.app_id)
    await rig.live(3 * DAY)
    assert len(await findings(rig)) == 1


async def deactivate_served(rig: Rig) -> None:
    """Deactivate the served secret, as somebody at the console can once there is another."""
    served = served_id(rig)
    rig.org.create_secret(rig.app_id)
    rig.org.deactivate_secret(rig.app_id, served)


async def test_deactivated_served_secret_is_activated_by_hand(rig: Rig) -> None:
    """The finding proposes it, and somebody's word does it."""
    await kept(rig)
    await deactivate_served(rig)
    await rig.live(DAY)
    deactivated = next(f for f in await findings(rig) if f.finding.kind is Kind.SECRET_DEACTIVATED)
    left = await repair_finding(rig.world, rig.admin, deactivated.finding.id)
    assert [one.finding.kind for one in left] == [Kind.SECRET_ADDED]
    assert rig.living()[0]["status"] == "ACTIVE"


async def test_repair_that_finds_an_empty_list_leaves_the_finding(rig: Rig) -> None:
    """A list may be empty for want of a role: readers are refused still, and that stays told."""
    await kept(rig)
    await deactivate_served(rig)
    await rig.live(DAY)
    before = await findings(rig)
    deactivated = next(f for f in before if f.finding.kind is Kind.SECRET_DEACTIVATED)
    rig.org.add_fault(Fault("empty-list", "GET", SECRETS, count=1))
    with pytest.raises(Refused, match="nothing was changed: look again"):
        await repair_finding(rig.world, rig.admin, deactivated.finding.id)
    assert await findings(rig) == before
    await repair_finding(rig.world, rig.admin, deactivated.finding.id)
    assert rig.living()[0]["status"] == "ACTIVE"


async def test_nothing_is_mended_by_a_process_whose_clock_is_off(rig: Rig) -> None:
    """Neither by somebody's word nor by the policy, whoever asks for the comparison."""
    await kept(rig, repair=True)
    await deactivate_served(rig)
    rig.world.vitals.footing = Footing.CLOCK_OFF
    await compare_now(rig.world, rig.admin, rig.connection.id)
    found = next(f for f in await findings(rig) if f.repair is Repair.ACTIVATE)
    with pytest.raises(NoFooting):
        await repair_finding(rig.world, rig.admin, found.finding.id)
    assert rig.living()[0]["status"] == "INACTIVE"
    rig.world.vitals.footing = Footing.FIRM
    await compare_now(rig.world, rig.admin, rig.connection.id)
    assert rig.living()[0]["status"] == "ACTIVE"


async def test_policy_mends_by_itself(rig: Rig) -> None:
    """With the policy to repair, the served secret works again without anybody's word.

    The finding stays until Okta was seen to have it so.
    """
    await kept(rig, repair=True)
    await deactivate_served(rig)
    await rig.live(DAY)
    assert rig.living()[0]["status"] == "ACTIVE"
    assert len(await findings(rig)) == 2
    await rig.live(DAY)
    assert [f.finding.kind for f in await findings(rig)] == [Kind.SECRET_ADDED]


async def test_removed_served_secret_is_replaced(rig: Rig) -> None:
    """Readers are given a new secret that works where theirs was removed."""
    rotation_id = await kept(rig, repair=True)
    served = served_id(rig)
    other = rig.org.create_secret(rig.app_id)
    rig.org.deactivate_secret(rig.app_id, served)
    rig.org.delete_secret(rig.app_id, served)
    await rig.live(2 * DAY)
    turn = (await view(rig.world, rotation_id)).turn
    assert turn
    assert turn.trigger == "drift"
    assert turn.phase is not Phase.BLOCKED
    assert await rig.served_hash() in {s["hash"] for s in rig.living() if s["id"] != other.id}


@pytest.mark.parametrize(
    ("change", "kind"),
    [("deactivate", Kind.APP_DEACTIVATED), ("delete", Kind.APP_GONE)],
)
async def test_unfit_app_is_told(rig: Rig, change: str, kind: Kind) -> None:
    """Somebody who ends the app is answered by a finding, not by a failed turn weeks later."""
    await kept(rig)
    rig.org.deactivate_app(rig.app_id)
    if change == "delete":
        rig.org.delete_app(rig.app_id)
    await rig.live(DAY)
    assert [f.finding.kind for f in await findings(rig)] == [kind]


async def test_all_are_looked_at_where_the_log_is_refused(rig: Rig) -> None:
    """Without the log every app is in doubt, and drift is found all the same."""
    await kept(rig)
    rig.org.create_secret(rig.app_id)
    rig.org.add_fault(Fault("error-before-effect", route="/api/v1/logs", status=403))
    await rig.live(DAY)
    assert [f.finding.kind for f in await findings(rig)] == [Kind.SECRET_ADDED]


async def test_comparison_that_okta_cuts_short_goes_on_later(rig: Rig) -> None:
    """What could not be looked at stays wanted."""
    await kept(rig)
    rig.org.create_secret(rig.app_id)
    rig.org.add_fault(Fault("rate-limit", route=SECRETS, count=1))
    await rig.live(DAY)
    assert await findings(rig) == []
    await rig.live(600)
    assert [f.finding.kind for f in await findings(rig)] == [Kind.SECRET_ADDED]


async def test_running_turn_is_left_to_itself(rig: Rig) -> None:
    """Two secrets during a turn are no drift."""
    rotation_id = await kept(rig, overlap_s=10 * DAY, backstop_s=20 * DAY)
    await rotate(rig.world, rig.admin, rotation_id)
    await rig.live(3 * DAY)
    assert await findings(rig) == []


async def test_unknown_and_closed_findings_are_refused(rig: Rig) -> None:
    """Nothing is repaired twice, and nothing that never was."""
    await kept(rig)
    await deactivate_served(rig)
    await rig.live(DAY)
    found = next(f for f in await findings(rig) if f.repair is Repair.ACTIVATE)
    await repair_finding(rig.world, rig.admin, found.finding.id)
    with pytest.raises(Refused, match="closed"):
        await repair_finding(rig.world, rig.admin, found.finding.id)
    with pytest.raises(NotFound):
        await repair_finding(rig.world, rig.admin, "no such finding")


APP = "/api/v1/apps/{appId}"


async def two_kept(rig: Rig) -> set[str]:
    """Create two rotations and add a foreign secret to the app of each; return their names."""
    other = rig.org.create_app(AppDraft("other"))
    mapping = SecretsMapping("OTHER_ID", "OTHER_SECRET")
    await rig.rotation(name="other", parameter=other.id, mapping=mapping)
    await kept(rig)
    for app_id in (rig.app_id, other.id):
        rig.org.create_secret(app_id)
    return {"my-okta-rotation", "other"}


async def test_app_that_okta_refuses_keeps_no_other_waiting(rig: Rig) -> None:
    """One app out of Keyturn's reach hides nothing of the others, and is looked at again soon."""
    both = await two_kept(rig)
    rig.org.add_fault(Fault("error-before-effect", "GET", APP, status=403, count=1))
    await rig.live(DAY)
    assert len(await findings(rig)) == 1
    await rig.live(600)
    assert {found.rotation.name for found in await findings(rig)} == both


@pytest.mark.parametrize(
    "fault",
    [Fault("error-before-effect", "GET", APP, status=401), Fault("rate-limit", "GET", APP)],
    ids=["token unknown", "no room"],
)
async def test_what_is_refused_for_all_apps_is_asked_once(rig: Rig, fault: Fault) -> None:
    """Where Okta does not know the token, or has no room for calls, no other app is tried."""
    await two_kept(rig)
    asked = list[str]()

    def count(org: OktaOrg) -> None:
        find_app = org.find_app

        async def counted(app_id: str, *kind: Any) -> Any:  # noqa: ANN401  as `find_app` has it
            asked.append(app_id)
            return await find_app(app_id, *kind)

        vars(org)["find_app"] = counted

    rig.org.add_fault(fault)
    with pytest.raises(OktaRefused):
        await compare_now(
            replace(rig.world, okta=Altered(rig.world.okta, count)), rig.admin, rig.connection.id
        )
    assert len(asked) == 1


async def many_kept(rig: Rig, count: int) -> None:
    """Create rotations, each of an app of its own, and let their first comparison pass."""
    for each in range(1, count):
        app = rig.org.create_app(AppDraft(f"app {each}"))
        mapping = SecretsMapping(f"ID_{each}", f"SECRET_{each}")
        await rig.rotation(name=f"rotation-{each}", parameter=app.id, mapping=mapping)
    await kept(rig)


async def test_apps_that_are_all_refused_are_not_asked_for_one_by_one(rig: Rig) -> None:
    """Three tell that Keyturn's access is lost: a big org's limit is not spent on the others."""
    await many_kept(rig, 8)
    for route in ("/api/v1/logs", APP):
        rig.org.add_fault(Fault("error-before-effect", "GET", route, status=403))
    await rig.live(DAY)
    rig.calls()
    await rig.live(600)
    assert [c["route"] for c in rig.calls()].count(APP) == UNREACHED == 3
    rig.org.remove_fault(None)
    await rig.live(600)
    assert [c["route"] for c in rig.calls()].count(APP) == 8


async def test_some_apps_that_are_refused_keep_no_other_waiting_for_long(rig: Rig) -> None:
    """Every round begins after the three refused last; once one has answered, all are asked."""
    await many_kept(rig, 8)
    rig.org.create_secret(rig.app_id)
    asked, rounds = list[str](), list[int]()

    def refuse_others(org: OktaOrg) -> None:
        find_app = org.find_app

        async def found(app_id: str, *kind: Any) -> Any:  # noqa: ANN401  as `find_app` has it
            asked.append(app_id)
            if app_id == rig.app_id:
                return await find_app(app_id, *kind)
            raise OktaRefused("read an app", OktaAnswer(403))

        vars(org)["find_app"] = found

    rig.world = replace(rig.world, okta=Altered(rig.world.okta, refuse_others))
    rig.org.add_fault(Fault("error-before-effect", "GET", "/api/v1/logs", status=403))
    await rig.live(DAY)
    for _ in range(9):
        asked.clear()
        await rig.live(300)
        rounds.append(len(asked))
    assert set(rounds) == {3, 8}
    assert all(8 in rounds[begin : begin + 3] for begin in range(7))
    assert [f.finding.kind for f in await findings(rig)] == [Kind.SECRET_ADDED]


async def test_finding_outlasts_a_deactivation_of_the_app(rig: Rig) -> None:
    """Nothing is seen of a deactivated app's secrets, so nothing of them is told to be gone."""
    await kept(rig)
    rig.org.create_secret(rig.app_id)
    await rig.live(DAY)
    (added,) = await findings(rig)
    rig.org.deactivate_app(rig.app_id)
    await rig.live(DAY)
    assert {f.finding.kind for f in await findings(rig)} == {
        Kind.SECRET_ADDED,
        Kind.APP_DEACTIVATED,
    }
    rig.org.activate_app(rig.app_id)
    await rig.live(DAY)
    assert [f.finding for f in await findings(rig)] == [added.finding]


def forget_request_ids(org: OktaOrg) -> None:
    """Have the log tell of changes without the request that made them."""
    list_changes = org.list_changes

    async def told(**since: Any) -> Any:  # noqa: ANN401  as `list_changes` has it
        return tuple(replace(one, request_id="") for one in await list_changes(**since) or ())

    vars(org)["list_changes"] = told


async def test_change_without_a_request_id_is_taken_for_somebody_elses(rig: Rig) -> None:
    """It is not ours for lack of an id, as steps of turns are that have called nobody."""
    rotation_id = await kept(rig)
    await rotate(rig.world, rig.admin, rotation_id)
    await rig.run(rotation_id)
    await rig.live(DAY)
    rig.org.create_secret(rig.app_id)
    rig.world = replace(rig.world, okta=Altered(rig.world.okta, forget_request_ids))
    await rig.live(DAY)
    assert [f.finding.kind for f in await findings(rig)] == [Kind.SECRET_ADDED]
