"""A client secret is turned under a hundred connections, and no refresh fails; judged by Okta.

The org in a box counts every client that did not authenticate. The order in which people do it by
hand, as a control, is counted by the same means and fails.
"""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx2
import pytest
from connections_kit import registered, stored
from org_kit import at_its_org, authorize, refresh, register
from rig import Rig

from keyturn.adapters.oauth import HttpAuthorizationServers
from keyturn.domain.oauth.connection import GrantType, State
from keyturn.domain.oauth.registration import Standing
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Phase
from keyturn.services.authorizing import begin_authorization
from keyturn.services.grants import ConnectionDraft
from keyturn.services.oauth_connections import create_connection
from keyturn.services.registrations import Credential, RegistrationChange, update_registration
from keyturn.services.rotations import view
from keyturn.services.turns import rotate

MANY = 100


@pytest.fixture
async def org(rig: Rig) -> AsyncIterator[Rig]:
    """Have the rig's authorization server be that of its org."""
    async with at_its_org(rig) as it:
        yield it


def refused_clients(rig: Rig) -> int:
    """Return how often the org did not accept a client, by its own log."""
    return sum(
        event.reason == "invalid_client" or "client" in str(event.debug.get("error", ""))
        for event in rig.org.system_log.events()
        if event.result == "FAILURE"
    )


@pytest.mark.slow
async def test_a_hundred_connections_live_through_a_turn(org: Rig) -> None:
    """Ten refreshes every twenty seconds, from before the turn to after its end: none fails."""
    rotation = (await org.rotation()).rotation
    registration = await register(org, Credential(rotation=rotation.name))
    every = [await authorize(org, registration, f"c{number}") for number in range(MANY)]
    org.clock.advance(30)
    await rotate(org.world, org.admin, rotation.id)
    results, number = list[bool](), 0
    while (turn := (await view(org.world, rotation.id)).turn) and turn.running:
        for one in every[number % MANY : number % MANY + 10]:
            results.append(await refresh(org, one))
        number += 10
        org.clock.advance(20)
        await org.tick()
    assert turn
    assert turn.phase is Phase.FINISHED
    org.clock.advance(30)
    results += [await refresh(org, one) for one in every]
    assert (len(results) > 10 * MANY, all(results)) == (True, True)
    assert refused_clients(org) == 0
    assert [secret["status"] for secret in org.living()] == ["ACTIVE"]
    assert {(await stored(org, one)).state for one in every} == {State.READY}


async def test_the_turn_waits_for_what_has_not_proved_the_new_secret(org: Rig) -> None:
    """While the client's server cannot be asked, nothing is retired; then the turn goes on."""
    rotation = (await org.rotation()).rotation
    registration = await register(org, Credential(rotation=rotation.name))
    one = await authorize(org, registration, "c")
    away = replace(org.world, servers=HttpAuthorizationServers(org.clock, org.world.chance, _gone))
    there, org.world = org.world, away
    await rotate(org.world, org.admin, rotation.id)
    await org.live(3600)
    turn = (await view(org.world, rotation.id)).turn
    assert turn
    assert turn.phase is Phase.PROMOTED
    assert len([s for s in org.living() if s["status"] == "ACTIVE"]) == 2
    org.world = there
    assert (await org.run(rotation.id)).phase is Phase.FINISHED
    assert await refresh(org, one)


async def test_by_hand_and_in_the_wrong_order_refreshes_fail(org: Rig) -> None:
    """Old secret off first, the consumer told later: refreshes fail meanwhile, and are counted."""
    app = org.org.read_app(org.app_id)
    old = app.live_secrets[0]
    own = Credential(app.client_id, Sensitive(old.value))
    registration = await register(org, own)
    every = [await authorize(org, registration, f"c{number}") for number in range(5)]
    new = org.org.create_secret(app.id, None, by="somebody")
    org.org.deactivate_secret(app.id, old.id)
    org.clock.advance(30)
    failed = [not await refresh(org, one) for one in every]
    assert all(failed)
    assert refused_clients(org) > 0
    assert (await registered(org)).standing is Standing.REJECTED
    change = RegistrationChange(credential=Credential(app.client_id, Sensitive(new.value)))
    await update_registration(org.world, org.admin, registration, change)
    org.clock.advance(60)
    assert all([await refresh(org, one) for one in every])


def _gone(_: object) -> httpx2.AsyncBaseTransport:
    """Lead nowhere."""

    def refuse(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("nobody is there", request=request)

    return httpx2.MockTransport(refuse)


async def test_scopes_that_the_app_lacks_are_told_before_anybody_is_asked(org: Rig) -> None:
    """Okta would leave them out without a word; once granted there, nothing is missing."""
    own = Credential(org.org.read_app(org.app_id).client_id, Sensitive(first_secret(org)))
    registration = await register(org, own)
    scopes = ("openid", "offline_access", "okta.users.read", "okta.groups.read")
    draft = ConnectionDraft("c", registration, GrantType.CODE, scopes=scopes)
    one = (await create_connection(org.world, org.admin, draft)).connection

    async def ungranted() -> tuple[str, ...]:
        back = org.org.read_app(org.app_id).redirect_uris[0]
        begun = await begin_authorization(org.world, org.admin, one.id, redirect_uri=back)
        return begun.ungranted

    assert await ungranted() == ("okta.users.read", "okta.groups.read")
    app = org.org.read_app(org.app_id)
    org.org.store_app(replace(app, grants=org.org.make_grants(("okta.users.read",), "admin")))
    assert await ungranted() == ("okta.groups.read",)


def first_secret(rig: Rig) -> str:
    """Return the app's first client secret."""
    return str(rig.org.read_app(rig.app_id).live_secrets[0].value)
