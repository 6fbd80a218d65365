"""What a project serves is listed without values, alike by every store."""

from dataclasses import replace

from storage_kit import ENVIRONMENT, FOLDER, NOW, PROJECT, SECRET, VERSION, add_all

from keyturn.domain.changes import Served
from keyturn.domain.ids import EnvironmentId, FolderId, ProjectId, SecretId, VersionNo
from keyturn.domain.secret import State
from keyturn.services.ports import Store


async def listed(store: Store, project_id: str = PROJECT.id) -> list[Served]:
    """Return what a project serves."""
    async with store.reading() as tx:
        return sorted(await tx.list_served(project_id), key=lambda one: one.name)


async def test_current_versions_alone_are_served(store: Store) -> None:
    """A secret is listed once, by its current version; one without is not."""
    await add_all(store)
    current = replace(VERSION, id="v-2", number=VersionNo(2), state=State.CURRENT)
    previous = replace(VERSION, state=State.PREVIOUS)
    bare = replace(SECRET, id=SecretId("s-2"), name="BARE", rotation_id=None)
    pending = replace(VERSION, id="v-3", secret_id=bare.id, state=State.PENDING)
    async with store.writing() as tx:
        await tx.replace(previous)
        await tx.add(current, bare, pending)
    assert await listed(store) == [
        Served(ENVIRONMENT.slug, FOLDER.path, SECRET.name, "v-2", SECRET.updated_at)
    ]


async def test_other_projects_are_not_listed(store: Store) -> None:
    """Each project has its own, wherever its folders have the same paths."""
    await add_all(store)
    project = replace(PROJECT, id=ProjectId("p-2"), slug="other")
    environment = replace(ENVIRONMENT, id=EnvironmentId("e-2"), project_id=project.id)
    folder = replace(FOLDER, id=FolderId("f-2"), environment_id=environment.id)
    secret = replace(
        SECRET, id=SecretId("s-2"), folder_id=folder.id, rotation_id=None, updated_at=NOW
    )
    version = replace(VERSION, id="v-2", secret_id=secret.id, state=State.CURRENT)
    async with store.writing() as tx:
        await tx.replace(replace(VERSION, state=State.CURRENT))
        await tx.add(project, environment, folder, secret, version)
    assert [each.version_id for each in await listed(store)] == [VERSION.id]
    assert [each.version_id for each in await listed(store, project.id)] == ["v-2"]
