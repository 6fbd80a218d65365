"""Somebody proves once more who they are; and people log in all the while a secret turns."""

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import pytest
from okta_login_kit import CALLBACK, NAME, Desk

from keyturn.domain.access import Caller
from keyturn.domain.errors import Refused
from keyturn.domain.oauth.registration import ClientRegistration
from keyturn.domain.turn import Phase
from keyturn.sandbox.state.claims import GroupsClaim
from keyturn.services.credentials import Credential
from keyturn.services.logins import authenticate
from keyturn.services.okta_logins import OTHER, Entered
from keyturn.services.registrations import RegistrationChange, update_registration
from keyturn.services.rotations import view
from keyturn.services.turns import rotate

ADA, BOB = "ada@example.com", "bob@example.com"


async def caller(desk: Desk, entered: Entered) -> Caller:
    """Return who is logged in."""
    return await authenticate(desk.world, entered.logged_in.access_token)


async def test_somebody_proves_who_they_are_again(desk: Desk) -> None:
    """Okta is told to ask anew, and what comes of it is a new token of the same person."""
    ada = desk.person(ADA, "Admins")
    before = await desk.log_in(ada)
    desk.rig.clock.advance(3600)
    begun = await desk.begin(await caller(desk, before))
    asked = dict(parse_qsl(urlsplit(begun.address.reveal()).query))
    assert (asked["prompt"], asked["max_age"]) == ("login", "0")
    after = await desk.complete(begun, await desk.visit(begun, ada))
    assert (after.again, after.identity) == (True, before.identity)
    assert after.logged_in.access_token.reveal() != before.logged_in.access_token.reveal()
    assert [allowed for _, _, allowed, _ in await desk.record()] == [True, True]


@pytest.mark.parametrize(
    "told",
    [
        lambda now: now - 61,
        lambda now: now - 3600,
        lambda _: 0,
        lambda _: None,
        lambda _: "now",
        lambda _: True,
    ],
)
async def test_what_okta_remembers_is_no_proof(desk: Desk, told: Callable[[float], object]) -> None:
    """Somebody who proved themselves before the question has not answered it (``auth_time``)."""
    ada = desk.person(ADA, "Admins")
    one = await caller(desk, await desk.log_in(ada))
    desk.rig.clock.advance(3600)
    desk.way.forge_claims(auth_time=told(desk.rig.clock.now().timestamp()))
    with pytest.raises(Refused, match="its auth_time does not fit"):
        await desk.log_in(ada, again=one)
    await desk.log_in(ada)  # a plain log-in asks for no such thing


async def test_somebody_else_is_no_proof(desk: Desk) -> None:
    """Neither another person of Okta's, nor a newcomer, who is not even made."""
    one = await caller(desk, await desk.log_in(desk.person(ADA, "Admins")))
    bob = desk.person(BOB, "Admins")
    for _ in range(2):
        with pytest.raises(Refused) as refused:
            await desk.log_in(bob, again=one)
        assert refused.value.message == OTHER
        await desk.log_in(bob)


async def test_who_does_not_log_in_with_okta_proves_nothing_there(desk: Desk) -> None:
    """A machine, or a person with a password, is nobody at Okta."""
    ada = desk.person(ADA, "Admins")
    await desk.log_in(ada)
    with pytest.raises(Refused) as refused:
        await desk.log_in(ada, again=desk.rig.admin)
    assert refused.value.message == OTHER


async def test_people_log_in_while_the_secret_turns(desk: Desk) -> None:
    """The client secret of our own log-in turns as any other, and nobody is kept out meanwhile."""
    rig, ada = desk.rig, desk.person(ADA, "Admins")
    rotation = (await rig.rotation()).rotation
    app = rig.org.change_redirect_uris(rig.app_id, (CALLBACK,))
    rig.org.store_app(replace(app, groups_claim=GroupsClaim()))
    async with desk.world.store.reading() as tx:
        (registration,) = await tx.list(ClientRegistration)
    change = RegistrationChange(credential=Credential(rotation=rotation.name))
    await update_registration(desk.world, rig.admin, registration.id, change)
    assert NAME.endswith(registration.name)
    before = await rig.served_hash()
    begun = await desk.begin()  # a log-in that is under way when the secret turns
    told = await desk.visit(begun, ada)
    await rotate(desk.world, rig.admin, rotation.id)
    await desk.complete(begun, told)
    phases = set()
    while (turn := (await view(desk.world, rotation.id)).turn) and turn.running:
        phases.add(turn.phase)
        await desk.log_in(ada)
        rig.clock.advance(120)
        await rig.tick()
    assert turn
    assert turn.phase is Phase.FINISHED
    assert {Phase.OVERLAPPING, Phase.SOAKING} <= phases
    assert await rig.served_hash() != before
    await desk.log_in(ada)
