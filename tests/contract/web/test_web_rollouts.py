"""Rollouts in the browser: planned, begun, looked at, approved, continued and aborted."""

from dataclasses import replace

from rotation_pages_kit import following, somebody
from route_kit import CHANNEL
from web_fleet_kit import HOSTILE
from web_kit import WebHouse, visitor_of
from web_rollout_kit import (
    NEW,
    break_adding,
    carry,
    members,
    mend,
    planned,
    several,
    started,
    the_rollout,
)

from keyturn.domain.carrying import GONE
from keyturn.domain.notice import Notice
from keyturn.domain.rollout import Rollout, Standing, State
from keyturn.domain.rotation import Rotation
from keyturn.services.logins import authenticate
from keyturn.services.orders import pause_turn
from keyturn.services.rollout_plans import WHILE_PAUSED
from keyturn.services.rollouts import read_rollout
from keyturn.services.turns import rotate
from keyturn.web.rollouts_told import rows_of, state_of

LIST = "/rollouts"
BEGIN = "Turn these 3 client secrets"


async def halted(web: WebHouse, **typed: str) -> str:
    """Begin a rollout whose first wave fails, and return the address of its page."""
    await several(web)
    page = await started(web, **typed)
    break_adding(web)
    await carry(web, lambda rollout: rollout.state is State.HALTED)
    return page.path


async def test_the_plan_is_seen_before_anything_begins(web: WebHouse) -> None:
    """Who turns in which wave and why, the calls, and a hash; what was typed is kept."""
    await several(web)
    empty = await web.visitor.open(LIST)
    assert "There has been no rollout yet" in empty.text
    form = await web.visitor.follow(empty, "Plan the first rollout")
    assert form.path == NEW
    assert "whose org is a Preview org" in form.text
    plan = await planned(web)
    assert "Nothing has begun" in plan.text
    assert "the next 1 by name" in plan.text
    assert "none of the waves before took it" in plan.text
    assert "keyturn rollout start spring --wave 1 --wave rest" in plan.text
    changed = await web.visitor.press(plan, "Change it")
    assert (changed.value("name"), changed.value("waves")) == ("spring", "1\nrest")
    assert "There has been no rollout yet" in (await web.visitor.open(LIST)).text


async def test_a_plan_says_what_to_look_at_first(web: WebHouse) -> None:
    """As where a turn was paused, which leaves its rotation out."""
    await several(web)
    assert "Look at" not in (await planned(web)).text
    async with web.world.store.reading() as tx:
        rotation = (await tx.list(Rotation))[0]
    admin = await authenticate(web.world, web.house.installed.admin_token)
    await rotate(web.world, admin, rotation.id)
    await pause_turn(web.world, admin, rotation.id)
    plan = await planned(web)
    assert "Look at 1 rotation first" in plan.text
    assert f":{rotation.name} : {WHILE_PAUSED}" in plan.text
    named = f"example/dev/:{rotation.name}"
    assert [href for href, told in plan.links if told == named] == [f"/rotations/{rotation.id}"] * 2


async def test_a_plan_warns_of_a_blackout(web: WebHouse) -> None:
    """A rollout turns by hand, so that the rotation's calendar does not hold it up."""
    await several(web)
    async with web.world.store.writing() as tx:
        first, second, *_ = await tx.list(Rotation)
        for one, days in ((first, "2026-03-01/2026-03-02"), (second, "2026-03-02")):
            await tx.replace(replace(one, schedule=replace(one.schedule, blackouts=days)))
    plan = await planned(web)
    assert "Look at 1 rotation first" in plan.text
    told = "A blackout keeps its schedule from turning it until 2026-03-03 00:00 UTC"
    assert f":{first.name} : {told}: a rollout turns it all the same." in plan.text


async def test_a_plan_tells_when_its_last_wave_begins_and_when_all_has_finished(
    web: WebHouse,
) -> None:
    """Those are far apart where a wave goes on before the turns of the one before are over."""
    await several(web)
    plan = await planned(web, go_on_at="overlapping")
    assert "Last wave begins after about 7 s Finished after about 10 min 20 s" in plan.text
    assert "it is the last" in plan.text
    assert "Last wave begins after about no time" in (await planned(web, waves="rest")).text


async def test_a_rollout_is_begun_and_followed_to_its_end(web: WebHouse) -> None:
    """What was shown is what begins; its page tells how far it is, wave by wave."""
    await several(web)
    page = await started(web)
    assert "The rollout has begun." in page.text
    assert page.path == f"{LIST}/{(await the_rollout(web)).id}"
    assert "Wave 1 of 2 is under way." in page.text
    await carry(web)
    done = await web.visitor.open(page.path)
    assert "All have turned." in done.text
    assert "1 of 1 turned" in done.text
    assert "keyturn rollout show spring --follow" in done.text
    assert {each.standing for each in await members(web)} == {Standing.DONE}
    assert "Finished" in (await web.visitor.open(LIST)).text


async def test_another_plan_than_was_shown_does_not_begin(web: WebHouse) -> None:
    """The new one is shown instead, and says that nothing has begun."""
    await several(web)
    plan = await planned(web)
    again = await web.visitor.press(plan, BEGIN, plan_hash="0" * 64)
    assert again.status == 400
    assert "The plan has changed since it was shown" in again.text
    assert BEGIN in [each.text for form in again.forms for each in form.buttons]
    async with web.world.store.reading() as tx:
        assert await tx.list_newest(Rollout, limit=1) == []


async def test_what_does_not_fit_is_told_at_its_field(web: WebHouse) -> None:
    """And everything typed is kept, hostile text as text."""
    await several(web)
    form = await web.visitor.open(NEW)
    for fields, told in (
        ({"name": "Not A Slug"}, "The name must"),
        ({"name": "x", "selector": "nonsense"}, "The selector must be terms"),
        ({"name": "x", "waves": "many"}, "The waves must be"),
        ({"name": "x", "selector": "label=none"}, "fits no rotation"),
        ({"name": HOSTILE, "reason": HOSTILE, "selector": HOSTILE, "waves": HOSTILE}, "must be"),
    ):
        page = await web.visitor.press(form, "Show the plan", **fields)
        assert page.status == 422, fields
        assert told in page.text
        assert "<script>" not in page.html.replace('<script src="', "")
        assert all(page.value(name) == value for name, value in fields.items())


async def test_a_halt_is_loud_and_says_what_to_do(web: WebHouse) -> None:
    """Who failed and why, on its page, and where the overview and the notice lead there."""
    channel = {name: each for name, each in CHANNEL.items() if name != "projectId"}
    body = channel | {"kinds": ["rollout.halted"]}
    assert (await web.house.http.post("/api/v1/channels", json=body)).status_code == 200
    path = await halted(web)
    async with web.world.store.reading() as tx:
        (notice,) = await tx.list_newest(Notice, limit=1)
    assert notice.page == path
    page = await web.visitor.open(path)
    assert "Halted in wave 1" in page.text
    assert "What to do" in page.text
    assert "Okta refuses Keyturn's own access" in page.text
    overview = await web.visitor.open("/")
    assert any(href == path and told.endswith("spring") for href, told in overview.links)
    listed = await web.visitor.open(LIST)
    assert "Halted" in listed.text
    failed = await web.visitor.follow(page, "Failed 1")
    assert "app-0" in failed.text
    assert "app-1" not in failed.text


async def test_a_halted_rollout_continues_without_who_is_left_out(web: WebHouse) -> None:
    """Whoever failed gets another turn, or is skipped by a tick; the rest follow."""
    path = await halted(web)
    mend(web)
    page = await web.visitor.open(path)
    asked = await web.visitor.follow(page, "Continue")
    assert "keyturn rollout continue spring --skip NO" in asked.text
    gone_on = await web.visitor.press(asked, "Continue", skip="1")
    assert "It goes on. Left out: 1." in gone_on.text
    assert "It goes on. Left out: 1. Who" not in gone_on.text
    await carry(web)
    first, *others = await members(web)
    assert first.standing is Standing.SKIPPED
    assert {each.standing for each in others} == {Standing.DONE}
    done = await web.visitor.open(path)
    assert "Turned: 2 of 3; left out: 1." in done.text
    assert "Turned 2 of 3; left out: 1" in done.text
    caller = await authenticate(web.world, web.house.installed.admin_token)
    seen = await read_rollout(web.world, caller, first.rollout_id)
    assert (state_of(seen.rollout)[1], [row.tone for row in rows_of(seen)]) == (
        "idle",
        ["idle", "good"],
    )
    assert "0 of 1 turned" in done.text
    assert (f"/rotations/{first.rotation_id}", first.name) in done.links
    assert "Rotations that were left out: 1." in (await web.visitor.open(LIST)).text
    over = await web.visitor.open(f"{path}/continue")
    assert "It has not halted" in over.text
    assert "Continue" not in [each.text for form in over.forms for each in form.buttons]


async def test_who_is_not_left_out_gets_another_turn(web: WebHouse) -> None:
    """The page says so by what was chosen."""
    path = await halted(web, waves="rest")
    mend(web)
    asked = await web.visitor.open(f"{path}/continue")
    gone_on = await web.visitor.press(asked, "Continue", skip="1")
    assert "It goes on. Left out: 1. Who else failed gets another." in gone_on.text


async def test_what_failed_leads_to_where_it_is_mended(web: WebHouse) -> None:
    """Where it is told: on the page, and where it is continued; nothing is told as a command."""
    path = await halted(web)
    member = (await members(web))[0]
    told = "Ask: `keyturn rotation adopt-existing pay ocs-1 --project x` serves it."
    async with web.world.store.writing() as tx:
        await tx.replace(replace(member, told=told))
        await tx.replace(replace(await the_rollout(web), told=f"Wave 1: app-0. {told}"))
    adopt = (f"/rotations/{member.rotation_id}/adopt?secret=ocs-1", "Adopt")
    page = await web.visitor.open(path)
    assert page.links.count(adopt) == 2  # in the notice, and of the one that failed
    asked = await web.visitor.open(f"{path}/continue")
    assert adopt in asked.links
    assert "`" not in page.text + asked.text
    assert adopt not in (await (await somebody(web, "viewer")).open(path)).links


async def test_a_rotation_that_is_gone_has_no_page(web: WebHouse) -> None:
    """Whoever was left out for another reason has."""
    await several(web)
    page = await started(web)
    one, other, _ = await members(web)
    async with web.world.store.writing() as tx:
        await tx.replace(replace(one, standing=Standing.SKIPPED, told=GONE))
        await tx.replace(replace(other, standing=Standing.SKIPPED, told="Left out by Ada."))
    seen = await web.visitor.open(page.path, standing="skipped")
    assert one.name in seen.text
    assert one.name not in [told for _, told in seen.links]
    assert (f"/rotations/{other.rotation_id}", other.name) in seen.links


async def test_an_error_at_a_field_shows_no_backticks(web: WebHouse) -> None:
    """Neither there, nor above all, where it leads to the field."""
    await several(web)
    form = await web.visitor.open(NEW)
    page = await web.visitor.press(form, "Show the plan", name="x", waves="many")
    assert page.text.count("The waves must be preview , rest ,") == 2
    assert "`" not in page.text


async def test_an_abort_says_what_stays(web: WebHouse) -> None:
    """How many keep their client secret, and how many turns go on."""
    await several(web)
    page = await started(web)
    asked = await web.visitor.follow(page, "Abort")
    assert "3 that wait are not turned" in asked.text
    assert "No turn is under way." in asked.text
    ended = await web.visitor.press(asked, "Abort the rollout", abort_turns="on")
    assert "Nothing more is started." in ended.text
    assert "Aborted by ada@example.com." in ended.text
    assert "Not begun 3" in ended.text
    assert "Waiting" not in ended.text
    assert "not begun" in ended.html[ended.html.index("<tbody>") :]
    again = await web.visitor.open(f"{page.path}/abort")
    assert "It has ended." in again.text


async def test_a_wave_is_approved_by_a_second_person(web: WebHouse) -> None:
    """Whoever started it is told so and has no button; forged, it is refused."""
    await several(web)
    second = await somebody(web, "rotator")
    page = await started(web, approvals="on")
    assert "waits for a second person. You have started it, so that somebody else" in page.text
    assert "Approve wave 1" not in page.text
    own = await web.visitor.open(f"{page.path}/approve")
    assert "You have started it" in own.text
    assert not [form for form in own.forms if form.action.endswith("/approve")]
    asked = await second.follow(await second.open(page.path), "Approve wave 1")
    assert "One client secret turns in it. " in asked.text
    assert "You have started it" not in asked.text
    stale = await second.press(asked, "Approve wave 1", plan_hash="0" * 64)
    assert stale.status == 400
    assert "goes by another plan" in stale.text
    done = await second.press(stale, "Approve wave 1")
    assert "Wave 1 may go, for a day." in done.text
    assert "Wave 1 was approved by rotator@example.com" in done.text
    assert "Wave 1 of 2 is approved, and begins in a moment." in done.text
    approved = (await web.visitor.open(page.path)).text
    assert "waits for a second person" not in approved
    assert "You have started it" not in approved
    await carry(web, lambda rollout: rollout.state is State.RUNNING)


async def test_whoever_approves_sees_whom_it_is_about(web: WebHouse) -> None:
    """The rotations of that wave, and of which something should be looked at first."""
    await several(web)
    second = await somebody(web, "rotator")
    page = await started(web, approvals="on", waves="2\nrest")
    one, other, later = await members(web)
    admin = await authenticate(web.world, web.house.installed.admin_token)
    for each in (one, later):
        await rotate(web.world, admin, each.rotation_id)
        await pause_turn(web.world, admin, each.rotation_id)
    asked = await second.open(f"{page.path}/approve")
    assert "Look at 1 rotation first" in asked.text
    assert f"{one.name} : {WHILE_PAUSED}" in asked.text
    for each in (one, other):
        assert (f"/rotations/{each.rotation_id}", each.name) in asked.links
    assert later.name not in asked.text


async def test_a_token_that_somebody_was_given_approves_nothing(web: WebHouse) -> None:
    """Whoever has logged in by it sees no button, and is told how a person does."""
    await several(web)
    page = await started(web, approvals="on")
    machine = visitor_of(web.world)
    log_in = await machine.open("/log-in")
    token = web.house.installed.admin_token.reveal()
    await machine.press(log_in, "Log in with the token", token=token)
    assert "Approve wave 1" not in (await machine.open(page.path)).text
    asked = await machine.open(f"{page.path}/approve")
    assert "You have logged in by an access token." in asked.text
    assert not [form for form in asked.forms if form.action.endswith("/approve")]


async def test_an_approval_of_ones_own_is_refused(web: WebHouse) -> None:
    """A form that was forged says who may instead, and opens nothing."""
    await several(web)
    page = await started(web, approvals="on")
    rollout = await the_rollout(web)
    abort = await web.visitor.open(f"{page.path}/abort")
    form, _ = abort.form_with("Abort the rollout")
    form.action = f"{page.path}/approve"
    form.names |= {"wave", "plan_hash"}
    refused = await web.visitor.press(
        abort, "Abort the rollout", wave="1", plan_hash=rollout.plan_hash
    )
    assert refused.status == 400
    assert "for a second person to approve" in refused.text
    assert (await the_rollout(web)).state is State.AWAITING


async def test_a_viewer_sees_all_and_may_do_nothing(web: WebHouse) -> None:
    """No button leads anywhere, and the forms name the permission that they take."""
    path = await halted(web)
    viewer = await somebody(web, "viewer")
    page = await viewer.open(path)
    assert "Halted in wave 1" in page.text
    assert not {"Continue", "Abort"} & {told for _, told in page.links}
    assert "New rollout" not in (await viewer.open(LIST)).text
    for form in (NEW, f"{path}/continue", f"{path}/abort", f"{path}/approve"):
        refused = await viewer.open(form)
        assert refused.status == 403
        assert "rollouts:" in refused.text


async def test_the_page_follows_what_happens(web: WebHouse) -> None:
    """A stream sends the part anew once a wave goes on."""
    await several(web)
    page = await started(web)
    async with following(web, f"{page.path}/live") as stream:
        assert "Wave 1 of 2 is under way" in str(await stream.part())
        await carry(web, lambda rollout: rollout.wave == 2)
        assert "Wave 2 of 2 is under way" in str(await stream.part())


async def test_members_are_paged(web: WebHouse) -> None:
    """What an address says of a page that is not there leads to an empty one, not to an error."""
    await several(web)
    page = await started(web)
    beyond = await web.visitor.open(page.path, start="50", standing="waiting")
    assert "Nobody stands so." in beyond.text
    odd = await web.visitor.open(page.path, start="-1", standing="odd")
    assert "example/dev/:app-0" in odd.text
    missing = await web.visitor.open(f"{LIST}/none")
    assert missing.status == 404
