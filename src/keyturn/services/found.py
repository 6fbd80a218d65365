"""Secrets as they are looked up: where each lies, and the version that a reader gets."""

from collections.abc import Sequence
from dataclasses import dataclass

from keyturn.domain.project import Folder, Place, Project, SecretImport, Tag
from keyturn.domain.references import Source
from keyturn.domain.secret import Secret, State, Version
from keyturn.services.ports import Reading


@dataclass(frozen=True)
class Found:
    """A secret where it lies, with one version of it; nothing of it is open yet."""

    place: Place
    secret: Secret
    version: Version
    tags: Sequence[Tag] = ()

    @property
    def source(self) -> Source:
        """Return how references name it."""
        return Source(self.place.environment.slug, self.place.folder.path, self.secret.name)


async def list_found(tx: Reading, places: Sequence[Place]) -> Sequence[Found]:
    """List the secrets of folders of one project with the versions that are served."""
    homes = {place.folder.id: place for place in places}
    secrets = await tx.list(Secret, folder_id=frozenset(homes))
    ids = frozenset(secret.id for secret in secrets)
    current = await tx.list(Version, secret_id=ids, state=State.CURRENT) if ids else ()
    versions = {version.secret_id: version for version in current}
    tags = await tags_of(tx, places[0].project, secrets)
    return [
        Found(
            homes[each.folder_id],
            each,
            versions[each.id],
            [tags[t] for t in each.tag_ids if t in tags],
        )
        for each in secrets
        if each.id in versions
    ]


async def find_found(
    tx: Reading, place: Place, name: str, number: int | None = None
) -> Found | None:
    """Find one secret of a folder with its current version, or a numbered one that still works."""
    secret = await tx.find(Secret, folder_id=place.folder.id, name=name)
    version = await find_served(tx, secret, number) if secret else None
    return await with_tags(tx, place, secret, version) if secret and version else None


async def with_tags(tx: Reading, place: Place, secret: Secret, version: Version) -> Found:
    """Return a secret with the tags that it has."""
    tags = await tags_of(tx, place.project, [secret])
    return Found(place, secret, version, [tags[each] for each in secret.tag_ids if each in tags])


async def find_served(tx: Reading, secret: Secret, number: int | None) -> Version | None:
    """Find the current version of a secret, or a numbered one that still works."""
    if number is None:
        return await tx.find(Version, secret_id=secret.id, state=State.CURRENT)
    found = await tx.find(Version, secret_id=secret.id, number=number)
    readable = (State.CURRENT, State.PREVIOUS)
    return found if found and found.state in readable else None


async def tags_of(tx: Reading, project: Project, secrets: Sequence[Secret]) -> dict[str, Tag]:
    """Return by id the tags that some secrets have; those that are gone are not among them."""
    wanted = frozenset[str]().union(*(secret.tag_ids for secret in secrets))
    found = await tx.list(Tag, project_id=project.id, id=wanted) if wanted else ()
    return {tag.id: tag for tag in found}


async def is_plain(tx: Reading, place: Place, served: Sequence[tuple[Secret, Version]]) -> bool:
    """Say whether it takes nothing else to answer with these secrets of a folder.

    It imports nothing, and no secret refers to another or has a tag.
    """
    if any(secret.tag_ids or version.refers for secret, version in served):
        return False
    return not await tx.list(SecretImport, folder_id=place.folder.id)


async def list_below(tx: Reading, place: Place) -> Sequence[Place]:
    """List the folders below a folder, but those of Keyturn's own."""
    every = await tx.list(Folder, environment_id=place.environment.id)
    below = [each for each in every if each.is_below(place.folder.path) and not each.hidden]
    return [Place(place.project, place.environment, each) for each in below]
