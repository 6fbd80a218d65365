"""What is put together once for all who look at apps is as it is, and nobody sees more for it."""

from dataclasses import replace

from web_fleet_kit import admin, read_inventory
from web_kit import WebHouse

from keyturn.domain.access import Grant, Holding, Role, Verb
from keyturn.services.compliance_policies import PolicyFields, create_policy
from keyturn.services.compliance_sights import FRESH_S, ComplianceSights
from keyturn.services.inventory import list_inventory, replace_owners


async def test_apps_are_put_together_again_once_something_has_moved(web: WebHouse) -> None:
    """Until then whoever looks gets the very same."""
    await read_inventory(web, "pay-ledger")
    sights, caller = ComplianceSights().apps, await admin(web)
    organization = caller.organization_id
    async with web.world.store.reading() as tx:
        first = await sights.look(tx, web.world, organization)
        assert await sights.look(tx, web.world, organization) is first
    await replace_owners(web.world, caller, [("pay-*", "Payments")])
    async with web.world.store.reading() as tx:
        again = await sights.look(tx, web.world, organization)
    assert [each.owner for each in again if each.app.label == "pay-ledger"] == ["Payments"]


async def test_compliance_is_judged_again_in_time(web: WebHouse) -> None:
    """At once where a policy is made, and otherwise after some seconds: ages grow."""
    await read_inventory(web, "pay-ledger", days=20)
    sights, caller = ComplianceSights(), await admin(web)
    _, none, _ = await sights.judged(web.world, caller.organization_id)
    assert not none.applied
    await create_policy(web.world, caller, PolicyFields(name="all", max_age_days=90))
    _, verdict, at = await sights.judged(web.world, caller.organization_id)
    assert verdict.applied
    web.house.clock.advance(FRESH_S - 1)
    assert (await sights.judged(web.world, caller.organization_id))[1] is verdict
    web.house.clock.advance(90 * 86_400)
    _, later, then = await sights.judged(web.world, caller.organization_id)
    assert then > at
    assert len(later.breaches) > len(verdict.breaches)


async def test_nobody_is_told_of_rotations_that_an_administrator_has_looked_at(
    web: WebHouse,
) -> None:
    """Who may see the inventory alone sees that an app is kept, and not by what."""
    await read_inventory(web, "pay-ledger")
    caller, sights = await admin(web), ComplianceSights().apps
    seen = await list_inventory(web.world, caller, sights=sights)
    assert "my-okta-rotation" in {each.subject.rotation for each in seen.apps}
    grant = Grant(frozenset({Verb.READ_INVENTORY, Verb.READ_CONNECTIONS}))
    held = Role("counter", "Counter", (grant,))
    counter = replace(caller, holdings=(Holding(held),))
    for shared in (sights, None):
        less = await list_inventory(web.world, counter, sights=shared)
        assert [each.app for each in less.apps] == [each.app for each in seen.apps]
        assert {each.subject.rotation for each in less.apps} == {""}
        assert {each.kept for each in less.apps} == {None}
        assert sum(each.managed for each in less.apps) == 1
