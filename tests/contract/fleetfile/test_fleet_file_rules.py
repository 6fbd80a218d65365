"""Channels, roles and policy exceptions in fleet files, where they have ways of their own."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from fleet_file_kit import KEY, Died, DyingStore, apply, changed, plan
from inventory_kit import populate, read_whole
from rig import PLACE, Rig, rigged

from keyturn.domain.access import Grant, Holding, Role, Verb
from keyturn.domain.channels import Rhythm, Timing
from keyturn.domain.errors import InvalidInput
from keyturn.domain.fleetfile.items import Kind
from keyturn.domain.sensitive import Sensitive
from keyturn.services.channels import ChannelChange, list_channels, update_channel
from keyturn.services.compliance_policies import (
    ExceptionDraft,
    create_exception,
    create_policy,
    list_exceptions,
)
from keyturn.services.fleet_files import export_fleet
from keyturn.services.roles import RoleDraft, create_role, list_roles

MAIL = """
version: 1
channels:
  - name: people
    kind: email
    settings: {host: mail.test, from: a@b.test, to: " c@d.test ", user: keyturn}
    credential: {password: "env:PASSWORD"}
    timing: {digest: daily, digestAt: "07:30"}
    paused: true
"""
PASSWORD = {"credentials": {"env:PASSWORD": Sensitive("canary")}}
EXCEPTION = """
version: 1
policyExceptions:
  - {selector: app=0oa1 label=pay-*, kinds: [unused, too-old], reason: Why, expiresAt: 2026-03-01}
"""
ROLE = """
version: 1
roles:
  - slug: turner
    name: Turner
    grants:
      - {verbs: [secret-rotation:rotate-secrets, secret-rotation:read], connections: [okta]}
"""


async def test_a_channel_is_made_as_the_file_says(rig: Rig) -> None:
    """With its credential; whom it writes to changes without it, where it leads to only with it."""
    planned = await plan(rig, MAIL)
    assert planned.references == ["env:PASSWORD"]
    assert (await apply(rig, MAIL, **PASSWORD)).failed == []
    [channel] = await list_channels(rig.world, rig.admin)
    assert (channel.paused, channel.sealed is not None) == (True, True)
    assert channel.timing.rhythm is Rhythm.DAILY
    assert await changed(rig, MAIL) == []
    other = MAIL.replace("c@d.test", "e@f.test").replace("env:PASSWORD", "kept")
    assert (await plan(rig, other)).references == []
    assert (await apply(rig, other, credentials={})).failed == []
    [channel] = await list_channels(rig.world, rig.admin)
    assert channel.setting["to"] == "e@f.test"
    moved = other.replace("mail.test", "other.test")
    with pytest.raises(InvalidInput, match=r"channel people\.credential\.password: is needed"):
        await plan(rig, moved)
    moved = moved.replace("kept", "env:PASSWORD")
    assert (await apply(rig, moved, **PASSWORD)).failed == []
    assert await changed(rig, moved) == []


async def test_what_the_file_does_not_say_of_a_channel_stays(rig: Rig) -> None:
    """A timing that is said in part is put into the one that there is."""
    await apply(rig, MAIL, **PASSWORD)
    [channel] = await list_channels(rig.world, rig.admin)
    by_hand = ChannelChange(timing=Timing(Rhythm.HOURLY, "Europe/Berlin"), kinds=("turn.blocked",))
    await update_channel(rig.world, rig.admin, channel.id, by_hand)
    text = MAIL.replace('digestAt: "07:30"', 'digestAt: "09:00"').replace("true", "false")
    await apply(rig, text)
    [channel] = await list_channels(rig.world, rig.admin)
    assert (channel.paused, channel.kinds, channel.timing.zone) == (
        False,
        ("turn.blocked",),
        "Europe/Berlin",
    )
    assert await changed(rig, text) == []


async def test_a_channel_keeps_its_kind(rig: Rig) -> None:
    """Another kind is another channel, and somebody's decision."""
    await apply(rig, MAIL, **PASSWORD)
    text = "version: 1\nchannels: [{name: people, kind: slack}]"
    with pytest.raises(InvalidInput, match="kind: is 'email' and cannot be changed"):
        await plan(rig, text)


async def test_the_grants_of_a_role_are_about_connections_by_name(rig: Rig) -> None:
    """They are kept by id, also of one that is gone, which no file widens by mistake."""
    assert (await apply(rig, ROLE)).failed == []
    custom = [each for each in await list_roles(rig.world, rig.admin, None) if each.custom]
    verbs = frozenset({Verb.ROTATE, Verb.READ_ROTATIONS})
    assert custom[0].role.grants == (Grant(verbs, connections=(rig.connection.id,)),)
    gone = (Grant(verbs, connections=("4b6fd7a2-5d2a-4df7-9a3c-6c9f6cde4b0c",)),)
    await create_role(rig.world, rig.admin, "example", "left", RoleDraft(grants=gone))
    exported = await export_fleet(rig.world, rig.admin)
    assert await changed(rig, exported) == []
    more = exported.replace("slug: left", "slug: left\n    description: More")
    more = more.replace('    description: ""\n', "")
    assert await changed(rig, more) == ["update role example/left"]
    assert (await apply(rig, more)).failed == []
    [kept] = [v for v in await list_roles(rig.world, rig.admin, "example") if v.role.slug == "left"]
    assert kept.role.grants == gone


async def test_an_exception_is_known_by_what_it_excuses(rig: Rig) -> None:
    """Another reason or end makes it anew, in the name of whoever applies the file."""
    await apply(rig, EXCEPTION)
    same = EXCEPTION.replace("[unused, too-old]", "[too-old, unused]").replace(
        "app=0oa1 label=pay-*", '  app=0oa1  "label=pay-*"'
    )
    assert await changed(rig, EXCEPTION) == await changed(rig, same.replace('"', "")) == []
    later = EXCEPTION.replace("2026-03-01", "2026-04-01T12:30:00Z")
    assert await changed(rig, later) == [
        "update policy exception too-old, unused of every policy: app=0oa1 label=pay-*"
    ]
    deputy = replace(rig, admin=replace(rig.admin, name="deputy"))
    assert (await apply(deputy, later)).failed == []
    [view] = await list_exceptions(rig.world, rig.admin)
    assert view.exception.expires_at == datetime(2026, 4, 1, 12, 30, tzinfo=UTC)
    assert view.exception.approved_by == "deputy"
    assert await changed(rig, later) == []


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_crash_leaves_nothing_unexcused(moment: str) -> None:
    """The old exception goes once the new one is there; applied again there is one."""
    nth, died, later = 0, True, EXCEPTION.replace("2026-03-01", "2026-02-01")
    while died:
        nth, died = nth + 1, False
        async with rigged() as rig:
            await apply(rig, EXCEPTION)
            healthy = rig.world
            rig.world = replace(healthy, store=DyingStore(healthy.store, nth, moment))
            try:
                await apply(rig, later)
            except Died:
                died = True
            rig.world = healthy
            assert await list_exceptions(rig.world, rig.admin)
            assert (await apply(rig, later)).failed == []
            [view] = await list_exceptions(rig.world, rig.admin)
            assert f"{view.exception.expires_at:%F}" == "2026-02-01"
    assert nth > 2


async def test_exceptions_that_excuse_the_same_are_one(rig: Rig) -> None:
    """Until the last of them ends; they are changed and removed together."""
    now = rig.clock.now()
    for days in (10, 30, 20):
        draft = ExceptionDraft("app=0oa1", f"{days} days", now + timedelta(days=days))
        await create_exception(rig.world, rig.admin, draft)
    exported = await export_fleet(rig.world, rig.admin)
    assert exported.count("0oa1") == 1
    assert await changed(rig, exported) == []
    sooner = exported.replace("30 days", "sooner").replace("2026-01-31T", "2026-01-05T")
    assert (await apply(rig, sooner)).failed == []
    [view] = await list_exceptions(rig.world, rig.admin)
    assert view.exception.expires_at == now + timedelta(days=4)
    assert (await apply(rig, "version: 1\npolicyExceptions: []\nprune: true")).failed == []
    assert await list_exceptions(rig.world, rig.admin) == []


async def test_an_exception_that_has_expired_is_nothing_any_more(rig: Rig) -> None:
    """The file is not wrong for it: the plan tells it, and all else is done."""
    await apply(rig, EXCEPTION)
    assert await changed(rig, EXCEPTION) == []
    await rig.live(60 * 86_400)
    planned = await plan(rig, EXCEPTION)
    assert planned.changes == ()
    [note] = planned.notes
    assert note.endswith("label=pay-* (line 4) has expired.")
    assert "0oa1" not in await export_fleet(rig.world, rig.admin)


async def test_what_is_not_in_the_file_can_go(rig: Rig) -> None:
    """Channels, roles and exceptions too, those of a policy before it."""
    policy = await create_policy(rig.world, rig.admin, {"name": "old"})
    end = rig.clock.now() + timedelta(days=9)
    draft = ExceptionDraft("app=a", "because", end, policy_id=policy.id)
    await create_exception(rig.world, rig.admin, draft)
    grants = (Grant(frozenset({Verb.READ_SECRETS})),)
    await create_role(rig.world, rig.admin, PLACE.project, "old", RoleDraft(grants=grants))
    sent = "settings: {url: 'https://a.test'}, credential: {secret: stdin}"
    text = f"version: 1\nchannels: [{{name: old, kind: webhook, {sent}}}]"
    await apply(rig, text, credentials={"stdin": Sensitive(KEY)})
    none = "version: 1\nchannels: []\nroles: []\ncompliancePolicies: []\npolicyExceptions: []\n"
    assert await changed(rig, none) == []
    applied = await apply(rig, f"{none}prune: true")
    assert applied.failed == []
    assert [f"{each.item.kind} {each.item.name}" for each in applied.done] == [
        "role example/old",
        "channel old",
        "policy exception all findings of old: app=a",
        "compliance policy old",
    ]


async def test_exceptions_that_go_with_their_policy_are_shown(rig: Rig) -> None:
    """Where the file says nothing of exceptions; one of its own cannot be of what goes."""
    policy = await create_policy(rig.world, rig.admin, {"name": "old"})
    end = rig.clock.now() + timedelta(days=9)
    draft = ExceptionDraft("app=a", "because", end, policy_id=policy.id)
    await create_exception(rig.world, rig.admin, draft)
    text = "version: 1\nprune: true\ncompliancePolicies: []\n"
    [change] = (await plan(rig, text)).changes
    [field] = change.fields
    assert (field.name, field.before) == ("policyExceptions", ["app=a: because"])
    of_it = "policyExceptions: [{selector: app=b, policy: old, reason: x, expiresAt: 2026-03-01}]"
    with pytest.raises(InvalidInput, match=r"policy: old is not in the file.*\(line 4\)"):
        await plan(rig, text + of_it)
    first, last = (await plan(rig, text + "policyExceptions: []")).changes
    assert (first.item.kind, last.fields) == (Kind.EXCEPTION, ())  # each is told once
    applied = await apply(rig, text)
    assert (applied.failed, applied.left) == ([], [])
    assert await list_exceptions(rig.world, rig.admin) == []


async def test_a_selector_that_fits_nothing_is_told(rig: Rig) -> None:
    """Of a policy or an exception that is made or changed, once apps are known."""
    text = """
version: 1
compliancePolicies: [{name: lab, selector: environment=nope}, {name: all}]
policyExceptions: [{selector: app=nope, reason: because, expiresAt: 2026-03-01}]
"""
    assert (await plan(rig, text)).notes == []
    await read_whole(rig)
    notes = (await plan(rig, text)).notes
    assert notes[0].startswith("compliance policy lab (line 3): environment=nope fits none of the")
    assert "app=nope (line 4): app=nope fits none of the" in notes[1]
    assert len(notes) == 2
    await apply(rig, text)
    assert (await plan(rig, text)).notes == []


@pytest.mark.parametrize(
    ("excused", "why"),
    [
        ("app=b, reason: x, expiresAt: 2027-01-03", "366 days from now at most (line 3)"),
        ('"label=*", reason: x, expiresAt: 2026-03-01', "must say which apps, such as app=0oa1"),
        ('"auth=client_*", reason: x, expiresAt: 2026-03-01', "fits all 2 apps that have"),
    ],
)
async def test_an_exception_is_refused_as_by_hand(rig: Rig, excused: str, why: str) -> None:
    """For too long, or for everything; one that is there already stays."""
    populate(rig.org, 1)
    await read_whole(rig)
    text = f"version: 1\npolicyExceptions:\n  - {{selector: {excused}}}"
    with pytest.raises(InvalidInput) as found:
        await plan(rig, text)
    assert why in str(found.value)
    assert "(line 3)" in str(found.value)


async def test_an_exception_that_is_there_is_not_judged_again(rig: Rig) -> None:
    """A file that was right for a year is right still, whatever apps there are by now."""
    text = (
        "version: 1\npolicyExceptions: [{selector: label=app-*, reason: x, expiresAt: 2026-03-01}]"
    )
    await apply(rig, text)
    rig.org.deactivate_app(rig.app_id)
    populate(rig.org, 2)
    await read_whole(rig)
    assert await changed(rig, text) == []


async def test_whoever_applies_a_file_keeps_their_roles(rig: Rig) -> None:
    """They could do no more afterwards; somebody else is to take them."""
    text = "version: 1\nidentities:\n  - {name: administrator, role: no-access}"
    told = r"identity administrator.role: is what applies this file.*\(line 3\)"
    with pytest.raises(InvalidInput, match=told):
        await plan(rig, text)
    assert await changed(rig, text.replace("no-access", "admin")) == []
    await apply(rig, text.replace("role: no-access", "projects: {example: [viewer, admin]}"))
    fewer = text.replace("role: no-access", "projects: {example: [viewer]}")
    with pytest.raises(InvalidInput, match="roles: is what applies this file"):
        await plan(rig, fewer)
    deputy = replace(rig, admin=replace(rig.admin, id="deputy", name="deputy"))
    assert len(await changed(deputy, text)) == len(await changed(deputy, fewer)) == 1


async def test_nobody_changes_the_role_that_they_hold_by_a_file(rig: Rig) -> None:
    """A verb less, and whoever applies it could do no more; another's role is changed."""
    boss = "{slug: boss, name: Boss, grants: [{verbs: [role:read, role:edit]}]}"
    text = f"version: 1\nroles:\n  - {boss}"
    await apply(rig, text)
    fewer = text.replace(", role:edit", "")
    assert len(await changed(rig, fewer)) == 1
    holder = replace(rig.admin, holdings=(*rig.admin.holdings, Holding(Role("boss", "Boss", ()))))
    with pytest.raises(InvalidInput, match=r"role boss.grants: what applies this file.*\(line 3\)"):
        await plan(replace(rig, admin=holder), fewer)
