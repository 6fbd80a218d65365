"""Set up a new installation: the organization, the first project, and who may use them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from keyturn.domain.access import Identity
from keyturn.domain.errors import Refused, SealBroken
from keyturn.domain.ids import EnvironmentId, FolderId, OrganizationId, ProjectId
from keyturn.domain.project import ROOT, Environment, Folder, Organization, Project
from keyturn.domain.sensitive import Sensitive
from keyturn.services.identities import issued, new_identity, new_token
from keyturn.services.ports import World

STAGES = (("dev", "Development"), ("staging", "Staging"), ("prod", "Production"))
ADMIN_TTL = timedelta(days=3650)


@dataclass(frozen=True)
class Installed:
    """What a new installation consists of; its two secrets are shown once and kept as hashes."""

    organization: Organization
    project: Project
    environments: Sequence[Environment]
    identity: Identity
    client_secret: Sensitive
    admin_token: Sensitive


async def install(world: World) -> Installed:
    """Set up the organization, project "example" with dev, staging and prod, and two identities.

    The administrator reaches everything by a token; the machine identity reaches the project.
    Raises Refused where this has been done before.
    """
    organization = _organization(world)
    project = _project(world, organization)
    environments = [_environment(world, project, slug, name) for slug, name in STAGES]
    admin, _ = new_identity(world, "administrator", organization.id, None)
    admin_token = new_token(world, "admin")
    identity, client_secret = new_identity(world, "example-machine", organization.id, project.id)
    async with world.store.writing() as tx:
        if await tx.list(Organization):
            raise Refused("This data directory is set up already; nothing was changed.")
        await tx.add(organization, project, *environments)
        await tx.add(*(_root(world, environment) for environment in environments))
        await tx.add(admin, identity, issued(admin_token, admin, world.clock.now(), ADMIN_TTL))
    return Installed(organization, project, environments, identity, client_secret, admin_token)


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
    try:
        for each in organizations:
            world.vault.seal(each.data_key, each.id, "a check of the root key", Sensitive(""))
    except SealBroken as broken:
        raise Refused(
            "The root key is not the one that this installation was set up with: restore that one, "
            "or set KEYTURN_ROOT_KEY_FILE to where it is."
        ) from broken


def _organization(world: World) -> Organization:
    new_id = OrganizationId(world.chance.uuid())
    key = world.vault.new_data_key(new_id)
    return Organization(new_id, "default", key, world.clock.now())


def _project(world: World, organization: Organization) -> Project:
    new_id = ProjectId(world.chance.uuid())
    key = world.vault.new_data_key(new_id)
    return Project(new_id, organization.id, "Example", "example", key, world.clock.now())


def _environment(world: World, project: Project, slug: str, name: str) -> Environment:
    return Environment(EnvironmentId(world.chance.uuid()), project.id, name, slug)


def _root(world: World, environment: Environment) -> Folder:
    return Folder(FolderId(world.chance.uuid()), environment.id, ROOT)
