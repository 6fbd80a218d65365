"""Identities by HTTP: made, changed, given roles and taken away, and never above the caller."""

import pytest
from api_kit import House
from identity_kit import (
    IDENTITIES,
    TOKEN_AUTH,
    UNIVERSAL,
    Held,
    ask,
    at,
    bearer,
    holding,
    log_in,
    newcomer,
    refused,
    token_of,
    use,
)

from keyturn.domain.identity import Membership
from keyturn.domain.roles import CustomRole, RoleGrant
from keyturn.domain.secret import Receipt

FORBIDDEN = (403, "PermissionDenied")
REFUSED = (400, "BadRequest")
NOT_FOUND = (404, "NotFound")


def members(house: House, identity_id: str = "") -> str:
    """Return where the identities of the project are."""
    project = house.installed.project.id
    return f"/api/v1/projects/{project}/identity-memberships/{identity_id}".rstrip("/")


async def manager(house: House) -> Held:
    """Make a role that may manage identities and nothing else, and return it held everywhere."""
    now = house.clock.now()
    async with house.world.store.writing() as tx:
        await tx.add(CustomRole("r-1", None, "manager", "Manager", "", now, now))
        await tx.add(RoleGrant("r-1", 1, ("identity:read", "identity:edit")))
    return ("manager", None)


async def test_an_identity_is_made_found_changed_and_deleted(house: House) -> None:
    """Each answer shows the identity, as Infisical's clients and ours look for it."""
    made = await ask(house, "POST", IDENTITIES, {"name": " ci ", "role": "viewer"})
    identity_id = at(made, "identity", "id")
    assert at(made, "identity", "identity") == {"id": identity_id, "name": "ci", "authMethods": []}
    assert at(made, "identity", "role") == "viewer"
    one = f"{IDENTITIES}/{identity_id}"
    assert await ask(house, "GET", one) == made
    changed = await ask(house, "PATCH", one, {"name": "cd", "role": "no-access"})
    assert [at(changed, "identity", name) for name in ("name", "role", "roles")] == [
        "cd",
        "no-access",
        [],
    ]
    listed = await ask(house, "GET", IDENTITIES)
    assert [each["name"] for each in at(listed, "identities")] == [
        "administrator",
        "example-machine",
        "cd",
    ]
    assert at(listed, "totalCount") == 3
    assert await ask(house, "DELETE", one) == changed
    assert await refused(house, "GET", one) == NOT_FOUND


async def test_a_change_leaves_out_what_stays(house: House) -> None:
    """A new name leaves the role, and a new role leaves the name."""
    made = await ask(house, "POST", IDENTITIES, {"name": "ci", "role": "viewer"})
    one = f"{IDENTITIES}/{at(made, 'identity', 'id')}"
    assert at(await ask(house, "PATCH", one, {"name": "cd"}), "identity", "role") == "viewer"
    assert at(await ask(house, "PATCH", one, {"role": "auditor"}), "identity", "name") == "cd"


@pytest.mark.parametrize(
    "body", [{"name": ""}, {"name": "x" * 65}, {"name": "a\nb"}, {"name": "a", "role": "nonsense"}]
)
async def test_an_identity_that_cannot_be_is_refused(house: House, body: dict[str, str]) -> None:
    """The field that does not fit is named, and nothing is made."""
    assert await refused(house, "POST", IDENTITIES, body) == (422, "ValidationFailure")
    assert at(await ask(house, "GET", IDENTITIES), "totalCount") == 2


async def test_an_identity_goes_with_all_that_proves_it(house: House) -> None:
    """Its tokens and client secrets are good for nothing at once, and its receipts go."""
    await house.rotate_by_order()
    token = await token_of(house)
    await house.http.get(
        "/api/v3/secrets/raw/OKTA_CLIENT_SECRET", params=house.place, headers=bearer(token)
    )
    await ask(house, "DELETE", f"{IDENTITIES}/{house.installed.identity.id}")
    assert await use(house, token) == 401
    assert (await log_in(house)).status_code == 401
    async with house.world.store.reading() as tx:
        assert await tx.list(Receipt) == []


async def test_somebody_is_left_to_administer(house: House) -> None:
    """Neither a role nor an identity can be taken away that is the last of its kind."""
    listed = at(await ask(house, "GET", IDENTITIES), "identities")
    admin = f"{IDENTITIES}/{listed[0]['id']}"
    assert await refused(house, "PATCH", admin, {"role": "viewer"}) == REFUSED
    assert await refused(house, "DELETE", admin) == REFUSED
    await newcomer(house, ("admin", None))
    assert at(await ask(house, "PATCH", admin, {"role": "auditor"}), "identity", "role")


async def test_roles_in_a_project_are_given_changed_and_taken(house: House) -> None:
    """What an identity holds there is what the answers say, and what it can do."""
    identity_id, token = await newcomer(house)
    assert await use(house, token) == 403
    one, roles = members(house, identity_id), {"roles": [{"role": "viewer"}, {"role": "rotator"}]}
    added = at(await ask(house, "POST", one, roles), "identityMembership")
    assert [each["role"] for each in added["roles"]] == ["viewer", "rotator"]
    assert await use(house, token) == 200
    assert await refused(house, "POST", one, {"role": "viewer"}) == REFUSED
    changed = await ask(house, "PATCH", one, {"roles": [{"role": "rotator"}, {"role": "auditor"}]})
    assert [each["role"] for each in at(changed, "roles")] == ["rotator", "auditor"]
    assert at(await ask(house, "GET", one), "identityMembership", "identityId") == identity_id
    listed = at(await ask(house, "GET", members(house)), "identityMemberships")
    assert [each["identity"]["name"] for each in listed] == ["example-machine", "newcomer"]
    await ask(house, "DELETE", one)
    assert await use(house, token) == 403
    for method in ("GET", "DELETE"):
        assert await refused(house, method, one) == NOT_FOUND


TEMPORARY = {"role": "viewer", "isTemporary": True, "temporaryRange": "1h"}


@pytest.mark.parametrize("body", [{}, {"roles": []}, {"role": "nonsense"}, {"roles": [TEMPORARY]}])
async def test_a_membership_names_roles_that_exist(house: House, body: dict[str, object]) -> None:
    """No role, one that nobody knows, or one for a time alone, is the caller's mistake."""
    identity_id, _ = await newcomer(house)
    answer = await refused(house, "POST", members(house, identity_id), body)
    assert answer == (422, "ValidationFailure")


async def test_only_an_identity_that_is_there_gets_roles(house: House) -> None:
    """An unknown one is not found, nor is a membership that there is not."""
    role = {"role": "viewer"}
    assert await refused(house, "POST", members(house, "nobody"), role) == NOT_FOUND
    identity_id, _ = await newcomer(house)
    assert await refused(house, "PATCH", members(house, identity_id), role) == NOT_FOUND


async def test_an_admin_of_a_project_gives_what_a_project_has(house: House) -> None:
    """Its roles in it are theirs to give; identities themselves are the organization's."""
    here = house.installed.project.id
    identity_id, _ = await newcomer(house)
    async with holding(house, ("admin", here)) as near:
        await ask(near, "POST", members(house, identity_id), {"role": "admin"})
        for method, path in (
            ("POST", IDENTITIES),
            ("GET", IDENTITIES),
            ("DELETE", f"{IDENTITIES}/{identity_id}"),
            ("POST", f"{UNIVERSAL}/{identity_id}"),
            ("POST", f"{TOKEN_AUTH}/identities/{identity_id}/tokens"),
        ):
            assert await refused(near, method, path, {"name": "x"}) == FORBIDDEN


async def test_nobody_gives_away_more_than_they_hold(house: House) -> None:
    """Who manages identities and nothing else can give no role, nor act as who holds more."""
    identity_id, _ = await newcomer(house)
    admin = at(await ask(house, "GET", IDENTITIES), "identities", 0, "id")
    async with holding(house, await manager(house)) as near:
        for method, path, body in (
            ("POST", members(house, identity_id), {"role": "viewer"}),
            ("POST", IDENTITIES, {"name": "x", "role": "viewer"}),
            ("PATCH", f"{IDENTITIES}/{identity_id}", {"role": "viewer"}),
            ("POST", f"{UNIVERSAL}/{admin}", {}),
            ("POST", f"{UNIVERSAL}/{admin}/client-secrets", {}),
            ("POST", f"{TOKEN_AUTH}/identities/{admin}/tokens", {}),
        ):
            assert await refused(near, method, path, body) == FORBIDDEN
        await ask(near, "POST", f"{TOKEN_AUTH}/identities/{identity_id}/tokens", {})
        await ask(near, "POST", IDENTITIES, {"name": "x", "role": "manager"})


async def test_a_refusal_to_give_is_on_record(house: House) -> None:
    """The log says who tried to give what, and why not."""
    identity_id, _ = await newcomer(house)
    async with holding(house, await manager(house)) as near:
        await refused(near, "POST", members(house, identity_id), {"role": "viewer"})
    async with house.world.store.reading() as tx:
        last = (await tx.list_audit())[-1].attempt
        assert await tx.list(Membership, identity_id=identity_id) == []
    assert (last.allowed, last.verb) == (False, "identity:edit")
    assert "viewer" in last.subject
    assert "more than the caller holds" in last.detail
