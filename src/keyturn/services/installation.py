"""Set up a new installation: the organization, the first project, and who may use them."""

from collections.abc import Sequence
from dataclasses import dataclass

from keyturn.domain.access import ADMIN
from keyturn.domain.errors import Refused
from keyturn.domain.identity import AuthMethod, Identity, TokenRules
from keyturn.domain.ids import OrganizationId, ProjectId
from keyturn.domain.project import ROOT, Environment, Organization, Project
from keyturn.domain.sensitive import Sensitive
from keyturn.services.identities import (
    member,
    new_access_token,
    new_client_secret,
    new_identity,
    universal_auth,
)
from keyturn.services.ports import World
from keyturn.services.projects import STAGES, new_environment, new_folder
from keyturn.services.root_key import opens

ADMIN_TTL_S = 3650 * 86_400


@dataclass(frozen=True)
class Installed:
    """What a new installation consists of; its two secrets are shown once and kept as hashes."""

    organization: Organization
    project: Project
    environments: Sequence[Environment]
    identity: Identity
    client_id: str
    client_secret: Sensitive
    admin_token: Sensitive


async def install(world: World) -> Installed:
    """Set up the organization, project "example" with dev, staging and prod, and two identities.

    The administrator reaches everything by a token; the machine identity reaches the project.
    Raises Refused where this has been done before.
    """
    organization = _organization(world)
    project = _project(world, organization)
    environments = [
        new_environment(world, project, slug=slug, name=name, rank=rank)
        for rank, (slug, name) in enumerate(STAGES, start=1)
    ]
    admin = new_identity(world, "administrator", organization.id)
    rules = TokenRules(ADMIN_TTL_S, ADMIN_TTL_S)
    token, admin_token = new_access_token(world, admin.id, AuthMethod.TOKEN, rules)
    machine = new_identity(world, "example-machine", organization.id)
    auth = universal_auth(world, machine)
    secret, client_secret = new_client_secret(world, machine.id)
    members = (member(world, admin, ADMIN, None), member(world, machine, ADMIN, project.id))
    async with world.store.writing() as tx:
        if await tx.list(Organization):
            raise Refused("This data directory is set up already; nothing was changed.")
        await tx.add(organization, project, *environments)
        await tx.add(*(new_folder(world, environment, ROOT) for environment in environments))
        await tx.add(admin, machine, *members, token, auth, secret)
    return Installed(
        organization, project, environments, machine, auth.client_id, client_secret, admin_token
    )


async def verify_installation(world: World) -> None:
    """Make sure that the installation is whole and that the root key is its own.

    Raises Refused with what to do; a wrong key is better found now than at the first reader.
    """
    async with world.store.reading() as tx:
        organizations = await tx.list(Organization)
    if not organizations:
        raise Refused(
            "The set-up was interrupted before it was complete: run `keyturn init` again."
        )
    if not opens(world.vault, organizations):
        raise Refused(
            "The root key is not the one that wraps this installation's data keys: restore that "
            "one, or set KEYTURN_ROOT_KEY_FILE or KEYTURN_ROOT_KEY to it."
        )


def _organization(world: World) -> Organization:
    new_id = OrganizationId(world.chance.uuid())
    key = world.vault.new_data_key(new_id)
    return Organization(new_id, "default", key, world.clock.now())


def _project(world: World, organization: Organization) -> Project:
    new_id = ProjectId(world.chance.uuid())
    key = world.vault.new_data_key(new_id)
    return Project(new_id, organization.id, "Example", "example", key, world.clock.now())
