"""People of an Okta org: who they are here, and the roles that their groups there give them.

Roles that groups gave are the groups' to take away. Those that somebody here gave by hand stay, and
let nobody in by themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from keyturn.domain.access import Role
from keyturn.domain.identity import AccessToken, AuthMethod, Identity, Membership
from keyturn.domain.ids import OrganizationId, ProjectId
from keyturn.domain.okta_login import Claimed, GroupRole, LogInRules, OktaPerson
from keyturn.domain.project import Project
from keyturn.services.identities import find_role, member, new_identity
from keyturn.services.ports import Reading, World, Writing
from keyturn.services.records import must


@dataclass(frozen=True)
class _Given:
    """A role that a group gives, and where."""

    role: Role
    project_id: ProjectId | None
    group: str


async def find_person(tx: Reading, rules: LogInRules, claimed: Claimed) -> OktaPerson | None:
    """Find whom an ID token is about among those who were here before."""
    return await tx.find(OktaPerson, issuer=rules.issuer, subject=claimed.subject)


async def admit(
    tx: Writing,
    world: World,
    organization_id: OrganizationId,
    rules: LogInRules,
    claimed: Claimed,
) -> Identity | None:
    """Return who somebody is here, with the roles of their groups as they are now.

    None where no group gives any: they lose what groups gave before, and their log-ins end. Who
    comes for the first time becomes a person of the organization.
    """
    person = await find_person(tx, rules, claimed)
    given = await _roles(tx, organization_id, rules.given(claimed.groups))
    if not given:
        await _shut_out(tx, person)
        return None
    if person:
        identity = await must(tx.find(Identity, id=person.identity_id))
    else:
        identity = new_identity(world, claimed.name, organization_id, person=True)
        now = world.clock.now()
        await tx.add(identity, OktaPerson(identity.id, rules.issuer, claimed.subject, now))
    await _replace_roles(tx, world, identity, given)
    return identity


async def _roles(
    tx: Reading, organization_id: OrganizationId, wanted: Sequence[GroupRole]
) -> Sequence[_Given]:
    """Return the roles that are there: what the operator wrote may be of none, or of none yet."""
    found = [await _role(tx, organization_id, each) for each in wanted]
    return [each for each in found if each]


async def _role(tx: Reading, organization_id: OrganizationId, wanted: GroupRole) -> _Given | None:
    project_id = None
    if wanted.project:
        project = await tx.find(Project, organization_id=organization_id, slug=wanted.project)
        if project is None:
            return None
        project_id = project.id
    role = await find_role(tx, wanted.role, project_id)
    return _Given(role, project_id, wanted.group) if role else None


async def _replace_roles(
    tx: Writing, world: World, identity: Identity, given: Sequence[_Given]
) -> None:
    """Have the roles of groups be these; one that is held by hand is not given a second time."""
    held = await tx.list(Membership, identity_id=identity.id)
    by_hand = {(each.role, each.project_id) for each in held if each.group is None}
    by_place = {(each.role.slug, each.project_id): each for each in given}
    wanted = {place: each for place, each in by_place.items() if place not in by_hand}
    for each in held:
        place = (each.role, each.project_id)
        if each.group is None:
            continue
        if place in wanted and wanted[place].group == each.group:
            del wanted[place]
        else:
            await tx.remove(each)
    new = ((member(world, identity, n.role, n.project_id), n.group) for n in wanted.values())
    await tx.add(*(replace(made, group=group) for made, group in new))


async def _shut_out(tx: Writing, person: OktaPerson | None) -> None:
    if person is None:
        return
    held = await tx.list(Membership, identity_id=person.identity_id)
    await tx.remove(*(each for each in held if each.group is not None))
    tokens = await tx.list(AccessToken, identity_id=person.identity_id)
    await tx.remove(*(each for each in tokens if each.method is AuthMethod.OIDC_PERSON))
