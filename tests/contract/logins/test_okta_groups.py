"""What groups at Okta give, and take away: at each log-in anew."""

from dataclasses import replace

import pytest
from okta_login_kit import Desk, desk_at
from rig import ORG_URL, Rig

from keyturn.domain.access import VIEWER
from keyturn.domain.errors import Refused, Unauthenticated
from keyturn.domain.identity import Identity, Membership
from keyturn.domain.okta_login import parse_groups
from keyturn.domain.project import Project
from keyturn.sandbox.faults import Fault
from keyturn.sandbox.state.claims import GroupsClaim, ServerClaim
from keyturn.services.identities import member
from keyturn.services.logins import authenticate
from keyturn.services.memberships import Asked, change_member

ADA = "ada@example.com"
DEFAULT = f"{ORG_URL}/oauth2/default"
BY_ADMINS = ("admin", False, "Admins")
BY_SHOP = {("developer", True, "Shop"), ("auditor", False, "Shop")}


async def test_who_leaves_a_group_loses_what_it_gave(desk: Desk) -> None:
    """At the next log-in; what another group gives stays as it was, and what is new comes."""
    ada = desk.person(ADA, "Admins", "Shop")
    first = await desk.log_in(ada)
    async with desk.world.store.reading() as tx:
        before = await tx.list(Membership, identity_id=first.identity.id)
    desk.leave(ada, "Admins")
    second = await desk.log_in(ada)
    assert await desk.roles(second.identity) == BY_SHOP
    async with desk.world.store.reading() as tx:
        after = await tx.list(Membership, identity_id=first.identity.id)
    assert [*after] == [each for each in before if each.group == "Shop"]
    for entered in (first, second):  # what was held before counts in no session any more
        caller = await authenticate(desk.world, entered.logged_in.access_token)
        assert {each.role.slug for each in caller.holdings} == {"developer", "auditor"}
    desk.join(ada, "Admins")
    assert BY_ADMINS in await desk.roles((await desk.log_in(ada)).identity)


async def test_who_is_in_no_group_does_not_come_in(desk: Desk) -> None:
    """They are told so, and nobody new is made of them."""
    with pytest.raises(Refused) as refused:
        await desk.log_in(desk.person(ADA, "Friends", "admins", "Admin"))
    assert refused.value.message == (
        f"You are logged in at Okta as {ADA}, but none of your groups there gives you a role here "
        "(Okta told of 3 groups): ask your administrator."
    )
    async with desk.world.store.reading() as tx:
        assert not [each for each in await tx.list(Identity) if each.person]
    ((actor, subject, allowed, detail),) = await desk.record()
    assert (actor, allowed, detail) == ("nobody", False, refused.value.message)
    assert subject.startswith(f"person {ADA} from ")


async def test_where_okta_tells_of_no_group(desk: Desk) -> None:
    """That is said, as it may be the app that lacks its groups claim."""
    desk.org.store_app(replace(desk.org.read_app(desk.app.id), groups_claim=None))
    with pytest.raises(Refused, match="Okta told of no groups"):
        await desk.log_in(desk.person(ADA, "Admins"))


async def test_who_has_left_every_group_is_out(desk: Desk) -> None:
    """With the attempt to come in again, what groups gave is gone, and so are log-ins before."""
    ada = desk.person(ADA, "Admins", "Shop")
    first = await desk.log_in(ada)
    await give(desk, first.identity, None)
    desk.leave(ada, "Admins")
    desk.leave(ada, "Shop")
    with pytest.raises(Refused, match="none of your groups"):
        await desk.log_in(ada)
    assert await desk.roles(first.identity) == {("viewer", False, None)}
    with pytest.raises(Unauthenticated):
        await authenticate(desk.world, first.logged_in.access_token)


async def give(desk: Desk, identity: Identity, project: Project | None) -> None:
    """Give somebody a role by hand."""
    role = member(desk.world, identity, VIEWER, project.id if project else None)
    async with desk.world.store.writing() as tx:
        await tx.add(role)


async def test_what_was_given_by_hand_stays(desk: Desk) -> None:
    """Whatever groups give; and where a group gives the same, it is not held twice."""
    ada = desk.person(ADA, "Admins")
    entered = await desk.log_in(ada)
    await give(desk, entered.identity, None)
    desk.rules(groups=parse_groups("Admins=viewer"))
    await desk.log_in(ada)
    assert await desk.roles(entered.identity) == {("viewer", False, None)}
    desk.rules(groups=parse_groups("Admins=auditor"))
    await desk.log_in(ada)
    assert await desk.roles(entered.identity) == {
        ("viewer", False, None),
        ("auditor", False, "Admins"),
    }


async def test_two_groups_that_give_the_same(desk: Desk) -> None:
    """Give it once, and it stays as long as somebody is in one of them."""
    desk.rules(groups=parse_groups("Admins=admin, Owners=admin"))
    ada = desk.person(ADA, "Admins", "Owners")
    entered = await desk.log_in(ada)
    assert len(await desk.roles(entered.identity)) == 1
    desk.leave(ada, "Owners")
    await desk.log_in(ada)
    assert await desk.roles(entered.identity) == {BY_ADMINS}


async def test_what_was_taken_by_hand_comes_back(desk: Desk) -> None:
    """Nobody here takes for long what a group gives: they leave the group."""
    ada = desk.person(ADA, "Shop")
    entered = await desk.log_in(ada)
    asked = Asked("example", entered.identity.id)
    await change_member(desk.world, desk.rig.admin, asked, ["viewer"])
    await desk.log_in(ada)
    assert await desk.roles(entered.identity) == {*BY_SHOP, ("viewer", True, None)}


async def test_roles_and_projects_that_are_not_there(desk: Desk) -> None:
    """Are given to nobody, and let nobody in."""
    with pytest.raises(Refused, match="none of your groups"):
        await desk.log_in(desk.person(ADA, "Ghosts"))


@pytest.mark.parametrize("groups", ["Admins", {"Admins": 1}, [7, None], None])
async def test_a_claim_that_is_no_list_of_groups(desk: Desk, groups: object) -> None:
    """Gives nothing to anybody."""
    desk.way.forge_claims(groups=[groups] if groups is None else groups)
    with pytest.raises(Refused, match="Okta told of no groups"):
        await desk.log_in(desk.person(ADA, "Admins"))


# --- custom authorization servers -----------------------------------------------------------------


def claims(rig: Rig, *, always: bool) -> None:
    """Have the org's default server tell of groups."""
    rig.org.servers.store_claim("default", ServerClaim("", GroupsClaim(), always=always))


@pytest.mark.parametrize("always", [True, False])
async def test_a_custom_server(rig: Rig, *, always: bool) -> None:
    """Tells in the ID token, or else at userinfo (Okta's alwaysIncludeInToken)."""
    claims(rig, always=always)
    async with desk_at(rig, DEFAULT) as desk:
        entered = await desk.log_in(desk.person(ADA, "Admins"))
        assert await desk.roles(entered.identity) == {BY_ADMINS}
        asked = [request["route"] for request in desk.rig.calls()]
    assert ("/oauth2/{asId}/v1/userinfo" in asked) is not always


@pytest.mark.parametrize(
    "forged",
    [
        {"sub": "somebody-else", "groups": ["Admins"]},
        {"groups": ["Admins"]},
        {"error": "server_error"},
    ],
)
async def test_userinfo_of_somebody_else(rig: Rig, forged: dict[str, object]) -> None:
    """Gives nothing: it has to be about whom the ID token is about (OpenID Connect Core, 5.3.4)."""
    claims(rig, always=False)
    async with desk_at(rig, DEFAULT) as desk:
        desk.way.tamper("/userinfo", lambda _: forged)
        with pytest.raises(Refused, match="Okta told of no groups"):
            await desk.log_in(desk.person(ADA, "Admins"))


async def test_userinfo_that_does_not_answer(rig: Rig) -> None:
    """Gives nothing either."""
    claims(rig, always=False)
    async with desk_at(rig, DEFAULT) as desk:
        begun = await desk.begin()
        told = await desk.visit(begun, desk.person(ADA, "Admins"))
        route = "/oauth2/{asId}/v1/userinfo"
        desk.org.add_fault(Fault("error-before-effect", "GET", route))
        with pytest.raises(Refused, match="Okta told of no groups"):
            await desk.complete(begun, told)
