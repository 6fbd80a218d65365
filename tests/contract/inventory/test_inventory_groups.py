"""Selectors by group: which apps an org's groups have is read, kept, and never guessed."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from emergency_kit import planned as emergency
from inventory_kit import begin, by_service_app, keep, listed, populate, read_whole, the_inventory
from rig import Rig
from rollout_kit import add_rotations
from rollout_kit import planned as rollout

from keyturn.domain.errors import InvalidInput, Refused
from keyturn.domain.selector import parse_selector
from keyturn.sandbox import Fault
from keyturn.services.compliance import FindingFilter, list_findings
from keyturn.services.compliance_policies import create_policy
from keyturn.services.connections import delete_okta_connection
from keyturn.services.inventory import list_inventory

PAYMENTS, PEOPLE = "Everyone-Payments", "People"
APPS = "/api/v1/groups/{groupId}/apps"


def reading(rig: Rig, *groups: str) -> Rig:
    """Have inventories read these groups."""
    limits = replace(rig.world.limits, inventory_groups=groups)
    rig.world = replace(rig.world, limits=limits)
    return rig


def assign(rig: Rig, name: str, app_ids: Sequence[str]) -> str:
    """Make a group that these apps are assigned to; return its id."""
    group = rig.org.groups.create({"name": name})
    for app_id in app_ids:
        rig.org.groups.assign(group.id, rig.org.read_app(app_id))
    return group.id


async def fits(rig: Rig, selector: str) -> list[str]:
    """Return the labels of the apps that a selector picks."""
    found = await list_inventory(rig.world, rig.admin, parse_selector(selector))
    return sorted(each.app.label for each in found.apps)


async def test_a_selector_picks_the_apps_of_a_group(rig: Rig) -> None:
    """By the group's name or a part of it, also of several groups; case does not matter."""
    apps = populate(rig.org, 4, "app-{}")
    assign(rig, PAYMENTS, apps[:2])
    assign(rig, PEOPLE, apps[1:3])
    await read_whole(reading(rig, PAYMENTS, PEOPLE))
    assert await fits(rig, f"group={PAYMENTS}") == ["app-0", "app-1"]
    assert await fits(rig, "group=everyone-*") == ["app-0", "app-1"]
    assert await fits(rig, f"group={PAYMENTS} group={PEOPLE}") == ["app-0", "app-1", "app-2"]
    assert (await listed(rig.world))[apps[1]].groups == (PAYMENTS, PEOPLE)
    assert (await the_inventory(rig.world)).groups_read_at == rig.clock.now()


async def test_a_group_costs_a_call_and_one_for_every_page(rig: Rig) -> None:
    """One to find it, one for each 200 apps, at every look at the log, and nothing an app."""
    assign(rig, PAYMENTS, populate(rig.org, 201))
    await read_whole(reading(rig, PAYMENTS))
    rig.calls()
    await begin(rig)
    await keep(rig)
    routes = [each["route"] for each in rig.calls() if "/groups" in str(each["route"])]
    assert routes == ["/api/v1/groups", APPS, APPS]
    assert len(await fits(rig, f"group={PAYMENTS}")) == 201


async def test_what_changes_at_okta_is_known_at_the_next_look(rig: Rig) -> None:
    """An app that is assigned, one that is not any more, and a group that is gone."""
    apps = populate(rig.org, 2, "app-{}")
    group_id = assign(rig, PAYMENTS, apps[:1])
    await read_whole(reading(rig, PAYMENTS))
    rig.org.groups.assign(group_id, rig.org.read_app(apps[1]))
    rig.org.groups.unassign(group_id, rig.org.read_app(apps[0]))
    await begin(rig)
    await keep(rig)
    assert await fits(rig, f"group={PAYMENTS}") == ["app-1"]
    rig.org.groups.delete(group_id)
    await begin(rig)
    kept = await keep(rig)
    assert await fits(rig, f"group={PAYMENTS}") == []
    assert kept.groups_told == f"Okta has no group {PAYMENTS}."


async def test_a_group_that_nobody_names_any_more_is_forgotten(rig: Rig) -> None:
    """At the next look; what an app is listed with beside it stays."""
    [app] = populate(rig.org, 1, "app-{}")
    assign(rig, PAYMENTS, [app])
    assign(rig, PEOPLE, [app])
    await read_whole(reading(rig, PAYMENTS, PEOPLE))
    await read_whole(reading(rig, PEOPLE))
    assert (await listed(rig.world))[app].groups == (PEOPLE,)


async def test_the_last_group_is_forgotten_too(rig: Rig) -> None:
    """Also where none is named any more, so that no group is read."""
    [app] = populate(rig.org, 1, "app-{}")
    assign(rig, PAYMENTS, [app])
    await read_whole(reading(rig, PAYMENTS))
    await read_whole(reading(rig))
    assert (await listed(rig.world))[app].groups == ()


async def test_groups_stay_known_while_all_is_read_again(rig: Rig) -> None:
    """A full reading writes apps anew, and nobody loses what is known of them meanwhile."""
    [app] = populate(rig.org, 1, "app-{}")
    assign(rig, PAYMENTS, [app])
    await read_whole(reading(rig, PAYMENTS))
    rig.org.add_fault(Fault("error-before-effect", "GET", "/api/v1/groups", count=100))
    await begin(rig, whole=True)
    assert (await keep(rig)).failure
    assert await fits(rig, f"group={PAYMENTS}") == ["app-0"]


async def test_access_that_may_not_see_groups_says_so(rig: Rig) -> None:
    """The inventory goes on without them, says which scope is missing, and keeps what is known."""
    await delete_okta_connection(rig.world, rig.admin, rig.connection.id)
    await by_service_app(rig)
    kept = await read_whole(reading(rig, PAYMENTS))
    assert kept.failure == ""
    assert kept.groups_read_at is None
    assert kept.groups_told.endswith("Let the connection read groups (okta.groups.read).")


async def test_a_group_of_which_nothing_is_read_is_refused(rig: Rig) -> None:
    """Wherever somebody names one: it would fit nothing, and nobody would notice."""
    await add_rotations(rig, 1)
    reading(rig, PAYMENTS)
    wanted = parse_selector("group=Others")
    for asked in (
        list_inventory(rig.world, rig.admin, wanted),
        list_findings(rig.world, rig.admin, FindingFilter(selector=wanted)),
        create_policy(rig.world, rig.admin, {"name": "p", "selector": "group=Others"}),
        rollout(rig, selector="group=Others"),
        rollout(rig, "group=Others", "rest"),
        emergency(rig, selector="group=Others"),
    ):
        with pytest.raises(InvalidInput, match="KEYTURN_INVENTORY_GROUPS"):
            await asked


async def test_an_emergency_of_a_group_takes_all_of_its_apps(rig: Rig) -> None:
    """Those, and no other; one that no rotation keeps is named."""
    await add_rotations(rig, 3)
    by_label = {app.label: app.id for app in rig.org.apps.values()}
    [alone] = populate(rig.org, 1, "alone")
    assign(rig, PAYMENTS, [by_label["app-0000"], by_label["app-0002"], alone])
    await read_whole(reading(rig, PAYMENTS))
    plan = await emergency(rig, selector=f"group={PAYMENTS}")
    names = [each.candidate.subject.label for each in plan.members]
    assert sorted(names) == ["app-0000", "app-0002"]
    assert [each.label for each in plan.unmanaged] == ["alone"]
    assert len((await rollout(rig, selector=f"group={PAYMENTS}")).members) == 2


async def test_nothing_is_closed_by_groups_that_were_not_read(rig: Rig) -> None:
    """Half of a group would be taken for the whole: it is refused until they have been read."""
    await add_rotations(rig, 1)
    reading(rig, PAYMENTS)
    for asked in (emergency, rollout):
        with pytest.raises(Refused, match="Have its inventory read"):
            await asked(rig, selector=f"group={PAYMENTS}")


async def test_a_group_that_is_named_later_is_not_known_by_the_others(rig: Rig) -> None:
    """Only what was read of it says which apps it has; the others can be picked meanwhile."""
    await add_rotations(rig, 2)
    by_label = {app.label: app.id for app in rig.org.apps.values()}
    assign(rig, PEOPLE, [by_label["app-0000"]])
    assign(rig, PAYMENTS, [by_label["app-0001"]])
    await read_whole(reading(rig, PEOPLE))
    reading(rig, PEOPLE, PAYMENTS)
    for wanted in (f"group={PAYMENTS}", "group=*", f"group={PEOPLE} group={PAYMENTS}"):
        with pytest.raises(Refused, match="not known yet"):
            await emergency(rig, selector=wanted)
    assert len((await emergency(rig, selector=f"group={PEOPLE}")).members) == 1
    await begin(rig)
    await keep(rig)
    assert len((await emergency(rig, selector="group=*")).members) == 2
    await read_whole(reading(rig, PEOPLE))
    with pytest.raises(Refused, match="not known yet"):
        await emergency(reading(rig, PEOPLE, PAYMENTS), selector=f"group={PAYMENTS}")


async def test_a_reading_goes_on_with_the_group_that_it_had_come_to(rig: Rig) -> None:
    """What was read of others is not asked again after an outage."""
    apps = populate(rig.org, 2, "app-{}")
    assign(rig, PAYMENTS, apps[:1])
    assign(rig, PEOPLE, apps[1:])
    reading(rig, PAYMENTS, PEOPLE)
    rig.org.add_fault(Fault("error-before-effect", "GET", APPS, skip=1, count=1))
    await begin(rig)
    assert (await keep(rig)).groups == (PEOPLE,)
    rig.calls()
    rig.clock.advance(301)
    kept = await keep(rig)
    assert sum(each["route"] == "/api/v1/groups" for each in rig.calls()) == 1
    assert kept.groups == ()
    assert await fits(rig, f"group={PEOPLE}") == ["app-1"]
