"""Whether the root key fits, and the data keys wrapped by another one.

Decides that all data keys are rewrapped or none. Knows neither key nor where one is kept; who asks
has both in hand, so there is nobody to refuse.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

from keyturn.domain.audit import Attempt
from keyturn.domain.errors import SealBroken
from keyturn.domain.ids import OrganizationId
from keyturn.domain.project import Organization, Project
from keyturn.domain.sensitive import Sensitive
from keyturn.services.ports import Reading, Store, Vault, World
from keyturn.services.records import must

OPERATOR = "operator"
"""Who acts on the machine itself, by the keys that lie there."""


async def fits(store: Store, vault: Vault) -> bool:
    """Say whether a vault opens the data keys of an installation; one without any fits all."""
    async with store.reading() as tx:
        return opens(vault, await tx.list(Organization))


def opens(vault: Vault, organizations: Iterable[Organization]) -> bool:
    """Say whether a vault opens the data keys of organizations."""
    try:
        for each in organizations:
            vault.seal(each.data_key, each.id, "a check of the root key", Sensitive(""))
    except SealBroken:
        return False
    return True


async def new_data_key(world: World, tx: Reading, scope: str, of: OrganizationId) -> bytes:
    """Return a new data key, once the root key is known to be the one in force.

    Another one may be in force since this process has looked: a data key that it wrapped then could
    never be opened again. Raises RootKeyUnknown.
    """
    organization = await must(tx.find(Organization, id=of))
    world.vault.seal(organization.data_key, of, "a check of the root key", Sensitive(""))
    return world.vault.new_data_key(scope)


async def count_data_keys(world: World) -> int:
    """Count what `rewrap_data_keys` would rewrap."""
    async with world.store.reading() as tx:
        return len(await tx.list(Organization)) + len(await tx.list(Project))


async def rewrap_data_keys(world: World, rewrapped: Callable[[bytes, str], bytes]) -> int:
    """Rewrap every data key in one transaction, which has its audit entry; return how many.

    ``rewrapped`` takes a wrapped data key and its scope. Raises SealBroken, changing nothing.
    """
    async with world.store.writing() as tx:
        organizations, projects = await tx.list(Organization), await tx.list(Project)
        count = len(organizations) + len(projects)
        told = f"{count} data keys rewrapped"
        now = world.clock.now()
        entry = Attempt(now, OPERATOR, "root-key:rotate", "root key", allowed=True, detail=told)
        await tx.append_audit(entry)
        for organization in organizations:
            key = rewrapped(organization.data_key, organization.id)
            await tx.replace(replace(organization, data_key=key))
        for project in projects:
            await tx.replace(replace(project, data_key=rewrapped(project.data_key, project.id)))
    return count
