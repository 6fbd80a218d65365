"""Emergencies from the plan to the proof, over the sandbox's org."""

import pytest
from emergency_kit import (
    active,
    apps,
    begun,
    carry,
    deactivations,
    draft,
    planned,
    rest,
    served,
    standings,
    the_emergency,
    work,
)
from inventory_kit import populate, read_whole
from rig import PLACE, SECRETS, Rig
from rollout_kit import add_rotation, add_rotations

from keyturn.domain.access import Caller
from keyturn.domain.audit import AuditFilter
from keyturn.domain.emergency import STANDS_STILL
from keyturn.domain.errors import Forbidden, InvalidInput, NotFound, Refused
from keyturn.domain.ids import OrganizationId
from keyturn.domain.rollout import Standing, State
from keyturn.domain.turn import Phase, Turn, Word
from keyturn.sandbox.faults import Fault
from keyturn.sandbox.state.directory import AppDraft
from keyturn.services import emergencies, emergency_files
from keyturn.services.audit import list_entries
from keyturn.services.emergencies_under_way import carry_emergencies
from keyturn.services.emergency_evidence import report_emergency
from keyturn.services.emergency_plans import plan_emergency
from keyturn.services.orders import pause_turn, resume_turn
from keyturn.services.rotations import view
from keyturn.services.secrets import read_secret
from keyturn.services.turns import rotate

NOBODY = Caller("nobody", "Nobody", OrganizationId("none"), ())


async def test_the_most_exposed_is_closed_first(rig: Rig) -> None:
    """What is said to be public comes before what has many users, that before the others."""
    plain, used, public = await add_rotations(rig, 3)
    await read_secret(rig.world, rig.admin, PLACE, "app-0001-secret")
    leaked = (await view(rig.world, public)).rotation.app_id
    before = rig.org.journal.last
    plan = await planned(rig, leaked=[leaked])
    assert rig.org.journal.last == before
    order = [each.candidate.rotation_id for each in plan.members]
    assert order == [public, used, plain]
    assert plan.members[0].exposure.why[0] == "said to be public"
    assert plan.members[1].without_time == ["reader administrator"]
    assert (plan.calls, plan.lasts_s) == (6, 60)
    await begun(rig, leaked=[leaked])
    await carry(rig)
    assert deactivations(rig) == [each.app_id for each in await apps(rig)]
    assert [each.rotation_id for each in await apps(rig)] == order


async def test_every_app_is_closed_and_tidied_up_after_that(rig: Rig) -> None:
    """Okta refuses what was served; what is served now works; the old ones are deleted last."""
    made = await add_rotations(rig, 5)
    old = {each: await served(rig, each) for each in made}
    await begun(rig)
    ended = await carry(rig, closed=True)
    for each in await apps(rig):
        assert active(rig, each.app_id) == {await served(rig, each.rotation_id)}
        assert old[each.rotation_id] not in active(rig, each.app_id)
        assert each.closed_at
    assert (ended.state, await standings(rig)) == (State.RUNNING, {Standing.CLOSED})
    ended = await carry(rig)
    assert (ended.state, await standings(rig)) == (State.FINISHED, {Standing.DONE})
    for each in await apps(rig):
        kept = [one for one in rig.org.apps[each.app_id].secrets if not one.deleted_at]
        assert len(kept) == 1
    calls = [f"{each['method']} {each['route']}" for each in rig.calls()]
    last = max(n for n, each in enumerate(calls) if each.endswith("/deactivate"))
    assert min(n for n, each in enumerate(calls) if each.startswith("DELETE")) > last


async def test_an_app_is_closed_by_two_calls_of_the_management_api(rig: Rig) -> None:
    """Nothing is listed; the deletion comes when all are closed."""
    await add_rotations(rig, 3)
    rig.calls()
    await begun(rig)
    await carry(rig, closed=True)
    management = [each for each in rig.calls() if str(each["route"]).startswith("/api/v1/apps")]
    assert [each["method"] for each in management[:6]] == ["POST"] * 6
    assert {each["method"] for each in management[6:]} <= {"DELETE"}


async def test_the_proof_is_oktas_own_word(rig: Rig) -> None:
    """For each app: the deactivation and the refusal after it, by Okta's request ids."""
    await add_rotations(rig, 2)
    seen = await begun(rig)
    await carry(rig)
    report = await report_emergency(rig.world, rig.admin, seen.rollout.id)
    told = emergency_files.document(report, rig.clock.now())
    for each in told.apps:
        assert each.deactivated
        assert each.refused
        assert (each.deactivated.told, each.refused.told) == ("HTTP 200", "HTTP 401")
        assert len({each.deactivated.request_id, each.refused.request_id, ""}) == 3
        assert each.refused.at >= each.deactivated.at
    page = emergency_files.markdown(told)
    assert all(each.refused and each.refused.request_id in page for each in told.apps)
    assert "leaked" in page


async def test_consumers_have_the_time_that_they_are_left(rig: Rig) -> None:
    """Whoever fetches again in time is never refused; the app is closed as soon as all have."""
    [rotation_id] = await add_rotations(rig, 1)
    read = await read_secret(rig.world, rig.admin, PLACE, "app-0000-secret")
    app_id = (await view(rig.world, rotation_id)).rotation.app_id
    old = await served(rig, rotation_id)
    await begun(rig, within_s=600)
    await rest(rig, 120)
    assert old in active(rig, app_id)
    again = await read_secret(rig.world, rig.admin, PLACE, "app-0000-secret")
    assert again.value.reveal() != read.value.reveal()
    await rest(rig, 60)  # an answer may be lost on the way: the next read shows that it was not
    await read_secret(rig.world, rig.admin, PLACE, "app-0000-secret")
    await rest(rig, 30)
    assert active(rig, app_id) == {await served(rig, rotation_id)}
    [member] = await apps(rig)
    assert member.told == ""


async def test_time_has_an_end_and_who_had_none_is_named(rig: Rig) -> None:
    """Who has not fetched by then is refused, and is on record."""
    [rotation_id] = await add_rotations(rig, 1)
    await read_secret(rig.world, rig.admin, PLACE, "app-0000-secret")
    app_id = (await view(rig.world, rotation_id)).rotation.app_id
    began = rig.clock.now()
    await begun(rig, within_s=300)
    await carry(rig, closed=True)
    assert active(rig, app_id) == {await served(rig, rotation_id)}
    [member] = await apps(rig)
    assert member.closed_at
    assert 300 <= (member.closed_at - began).total_seconds() < 330
    assert member.told == "Not known to have had the new one by then: reader administrator."


async def test_time_begins_when_there_is_something_to_fetch(rig: Rig) -> None:
    """However long Okta takes to accept the new secret, it is served before the time runs."""
    [rotation_id] = await add_rotations(rig, 1)
    await read_secret(rig.world, rig.admin, PLACE, "app-0000-secret")
    app_id = (await view(rig.world, rotation_id)).rotation.app_id
    old = await served(rig, rotation_id)
    rig.org.change_settings(propagation_s=250)
    await begun(rig, within_s=200)
    while await served(rig, rotation_id) == old:
        await rest(rig, 1)
    await rest(rig, 195)
    assert old in active(rig, app_id)
    await rest(rig, 15)
    assert active(rig, app_id) == {await served(rig, rotation_id)}


async def test_what_stands_in_the_way_of_one_keeps_no_other_waiting(rig: Rig) -> None:
    """An app that Okta has deactivated accepts nothing; activated again, it is tried again."""
    first, second = await add_rotations(rig, 2)
    app_id = (await view(rig.world, first)).rotation.app_id
    rig.org.deactivate_app(app_id)
    seen = await begun(rig)
    await rest(rig, 1200)
    told = {each.rotation_id: each for each in await apps(rig)}
    assert told[second].standing is Standing.DONE
    assert told[first].standing is Standing.INACTIVE
    assert told[first].told.startswith("Okta accepts nothing of the app while it is deactivated")
    assert (await emergencies.read_emergency(rig.world, rig.admin, seen.rollout.id)).open == 0
    assert (await the_emergency(rig)).state is State.RUNNING
    rig.org.activate_app(app_id)
    view_of = await emergencies.retry_emergency(rig.world, rig.admin, seen.rollout.id)
    assert view_of.open == 1
    ended = await carry(rig)
    assert (ended.state, await standings(rig)) == (State.FINISHED, {Standing.DONE})
    with pytest.raises(Refused):
        await emergencies.retry_emergency(rig.world, rig.admin, seen.rollout.id)


async def test_both_secrets_of_a_turn_under_way_are_closed(rig: Rig) -> None:
    """Either may have leaked: the one that it has served, and the one that it replaces."""
    [rotation_id] = await add_rotations(rig, 1)
    app_id = (await view(rig.world, rotation_id)).rotation.app_id
    first = await served(rig, rotation_id)
    await rotate(rig.world, rig.admin, rotation_id)
    second = await served(rig, rotation_id)
    assert active(rig, app_id) == {first, second}
    await begun(rig)
    ended = await carry(rig)
    assert ended.state is State.FINISHED
    assert active(rig, app_id) == {await served(rig, rotation_id)}
    assert not {first, second} & active(rig, app_id)


async def test_who_holds_the_one_before_has_time_as_well(rig: Rig) -> None:
    """The turn under way leaves it to its readers as long as the emergency leaves anybody."""
    [rotation_id] = await add_rotations(rig, 1)
    await read_secret(rig.world, rig.admin, PLACE, "app-0000-secret")
    app_id = (await view(rig.world, rotation_id)).rotation.app_id
    first = await served(rig, rotation_id)
    await rotate(rig.world, rig.admin, rotation_id)
    second = await served(rig, rotation_id)
    await begun(rig, within_s=200)
    await rest(rig, 190)
    assert active(rig, app_id) == {first, second}
    await rest(rig, 30)
    assert first not in active(rig, app_id)
    assert second in active(rig, app_id)
    assert (await carry(rig)).state is State.FINISHED
    assert active(rig, app_id) == {await served(rig, rotation_id)}


async def test_an_emergency_that_waits_for_people_is_looked_at_less_often(rig: Rig) -> None:
    """Every five seconds it is carried on while something moves, every minute after that."""
    first, _ = await add_rotations(rig, 2)
    rig.org.deactivate_app((await view(rig.world, first)).rotation.app_id)
    await begun(rig)
    await work(rig)
    paces = [await pace(rig)]
    await rest(rig, 1200)
    assert [*paces, await pace(rig)] == [5, 60]


async def pace(rig: Rig) -> float:
    """Look at the emergency when that is due; return in how many seconds it is due again."""
    for _ in range(2):
        due_at = (await the_emergency(rig)).due_at
        assert due_at
        seconds = (due_at - rig.clock.now()).total_seconds()
        rig.clock.advance(max(0, seconds))
        await carry_emergencies(rig.world)
    return seconds


async def test_a_paused_turn_is_left_to_who_paused_it(rig: Rig) -> None:
    """It is said what lets the emergency go on; then it does by itself."""
    [rotation_id] = await add_rotations(rig, 1)
    await rotate(rig.world, rig.admin, rotation_id)
    await pause_turn(rig.world, rig.admin, rotation_id)
    await begun(rig)
    await rest(rig, 60)
    [member] = await apps(rig)
    assert (member.standing, member.told) == (Standing.FAILED, STANDS_STILL)
    await resume_turn(rig.world, rig.admin, rotation_id)
    assert (await carry(rig)).state is State.FINISHED


async def test_refresh_tokens_are_revoked_where_that_is_asked_for(rig: Rig) -> None:
    """After the closing, once for each app, and it is on record before."""
    await add_rotations(rig, 2)
    await begun(rig, revoke=True)
    rig.calls()
    ended = await carry(rig)
    calls = rig.calls()
    revoked = [each for each in calls if each["route"] == "/api/v1/apps/{appId}/tokens"]
    last = max(n for n, each in enumerate(calls) if str(each["route"]).endswith("/deactivate"))
    assert {each["method"] for each in revoked} == {"DELETE"}
    assert len(revoked) == 2
    assert calls.index(revoked[0]) > last
    assert all(each.revoked_at for each in await apps(rig))
    assert ended.state is State.FINISHED
    entries = await list_entries(rig.world, rig.admin, AuditFilter(), limit=1000)
    assert sum(each.attempt.verb == "revoke refresh tokens" for each in entries) == 2


async def test_nothing_is_revoked_where_nobody_asked_for_it(rig: Rig) -> None:
    """Refresh tokens stay as they are."""
    await add_rotations(rig, 1)
    await begun(rig)
    rig.calls()
    await carry(rig)
    assert not [each for each in rig.calls() if str(each["route"]).endswith("/tokens")]


async def test_an_aborted_emergency_begins_no_further_app(rig: Rig) -> None:
    """Those that were begun are closed and deleted all the same."""
    await add_rotations(rig, 6)
    rig.clock.advance(120)
    seen = await begun(rig)
    await work(rig)
    begun_ones = {each.app_id for each in await apps(rig) if each.begun_at}
    assert 0 < len(begun_ones) < 6
    await emergencies.abort_emergency(rig.world, rig.admin, seen.rollout.id)
    ended = await carry(rig)
    assert ended.state is State.ABANDONED
    assert {*deactivations(rig)} == begun_ones
    async with rig.world.store.reading() as tx:
        assert not await tx.list(Turn, ended_at=None)
    with pytest.raises(Refused):
        await emergencies.abort_emergency(rig.world, rig.admin, seen.rollout.id)


async def test_a_plan_about_others_is_refused(rig: Rig) -> None:
    """What was not shown is not begun; that uses order it anew is no other plan."""
    first, _ = await add_rotations(rig, 2)
    leaked = [(await view(rig.world, first)).rotation.client_id]
    plan = await planned(rig)
    await read_secret(rig.world, rig.admin, PLACE, "app-0001-secret")
    assert (await planned(rig)).plan_hash == plan.plan_hash
    for other in ({"within_s": 60}, {"revoke": True}, {"reason": "other"}, {"leaked": leaked}):
        assert (await planned(rig, **other)).plan_hash != plan.plan_hash
    await add_rotation(rig, "new", populate(rig.org, 1, "new")[0])
    with pytest.raises(Refused):
        await emergencies.begin_emergency(rig.world, rig.admin, draft(), plan.plan_hash)
    assert not await emergencies.list_emergencies(rig.world, rig.admin)


@pytest.mark.parametrize(
    "wanted",
    [
        {"reason": " "},
        {"within_s": -1},
        {"within_s": 100_000},
        {"every": False},
        {"every": True, "apps": ["x"]},
        {"selector": "*"},
        {"selector": "rotation=none-*"},
        {"apps": ["nobody-knows"]},
    ],
)
async def test_what_does_not_say_which_apps_is_refused(rig: Rig, wanted: dict[str, object]) -> None:
    """Everything has to be meant; an app that nobody knows may be a slip of the pen."""
    await add_rotations(rig, 1)
    with pytest.raises(InvalidInput):
        await planned(rig, **wanted)


async def test_apps_that_no_rotation_keeps_are_named(rig: Rig) -> None:
    """The inventory knows them; what to do with them is said."""
    rotation_id = await add_rotation(rig, "pay-0", populate(rig.org, 1, "pay-{}")[0])
    other = rig.org.create_app(AppDraft("pay-other")).id
    await read_whole(rig)
    plan = await planned(rig, selector="label=pay-*")
    assert [each.candidate.rotation_id for each in plan.members] == [rotation_id]
    assert [each.app_id for each in plan.unmanaged] == [other]
    with pytest.raises(InvalidInput, match="keyturn rotation create"):
        await planned(rig, apps=[other])


async def test_an_app_that_could_not_be_read_is_named(rig: Rig) -> None:
    """Which client secrets it has is not known: it may be open, and nothing here closes it."""
    await add_rotation(rig, "pay-0", populate(rig.org, 1, "pay-{}")[0])
    other = rig.org.create_app(AppDraft("pay-other")).id
    rig.org.add_fault(Fault("error-before-effect", route=SECRETS, status=403))
    await read_whole(rig)
    assert other in {each.app_id for each in (await planned(rig, every=True)).unmanaged}


async def test_only_who_may_turn_them_may_close_them(rig: Rig) -> None:
    """Nobody else learns of the plan or of emergencies."""
    await add_rotations(rig, 1)
    seen = await begun(rig)
    with pytest.raises(Forbidden):
        await plan_emergency(rig.world, NOBODY, draft())
    with pytest.raises(Forbidden):
        await emergencies.read_emergency(rig.world, NOBODY, seen.rollout.id)
    with pytest.raises(NotFound):
        await emergencies.read_emergency(rig.world, rig.admin, "none")
    by_name = await emergencies.read_emergency(rig.world, rig.admin, seen.rollout.name)
    assert by_name.rollout.id == seen.rollout.id


async def test_a_start_is_on_record_with_who_began_the_emergency(rig: Rig) -> None:
    """The audit log has an entry for each rotation before its turn is started."""
    [rotation_id] = await add_rotations(rig, 1)
    await begun(rig)
    await work(rig)
    entries = [
        each.attempt for each in await list_entries(rig.world, rig.admin, AuditFilter(), limit=1000)
    ]
    started = [each for each in entries if "(emergency 2" in each.subject]
    assert [each.actor for each in started] == [rig.admin.id]
    turn = (await view(rig.world, rotation_id)).turn
    assert turn
    assert (turn.phase, turn.word) == (Phase.SOAKING, Word.AT_ONCE)
