"""Write named secrets.

What is written is served at once, all of a request or nothing of it. What a rotation keeps is not
written by hand: neither its value nor its name.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from keyturn.domain import names
from keyturn.domain.access import Caller, Target, Verb
from keyturn.domain.errors import NotFound, Refused, Taken
from keyturn.domain.ids import ProjectId, VersionNo
from keyturn.domain.project import Place
from keyturn.domain.references import refers
from keyturn.domain.secret import Copy, Secret, State, Version
from keyturn.domain.sensitive import Sensitive
from keyturn.services import gate
from keyturn.services.found import Found, find_found, with_tags
from keyturn.services.outbox import wake_destinations
from keyturn.services.ports import Reading, World, Writing
from keyturn.services.projects import Where, read_place, resolve_project, target_of
from keyturn.services.receipts import Said, note_reads
from keyturn.services.removal import remove_secret
from keyturn.services.sealing import open_version
from keyturn.services.secrets import (
    ReadSecret,
    new_secret,
    new_version,
    next_number,
    promote,
)
from keyturn.services.tags import require_tags


class Absent(StrEnum):
    """What to do with a change of a secret that is not there."""

    FAIL = "failOnNotFound"
    IGNORE = "ignore"
    CREATE = "upsert"


@dataclass(frozen=True)
class SecretChange:
    """What to write of a secret; None leaves it as it is.

    ``metadata`` is keys and values by turns.
    """

    value: Sensitive | None = None
    name: str | None = None
    comment: str | None = None
    metadata: tuple[str, ...] | None = None
    tag_ids: tuple[str, ...] | None = None
    skip_multiline_encoding: bool | None = None


NOTHING = SecretChange()


@dataclass(frozen=True)
class Edit:
    """A change of one secret, by where it lies and what it is called.

    ``base`` is the time of the change that this one goes by: if another came since, it is refused.
    """

    where: Where
    name: str
    change: SecretChange = NOTHING
    base: datetime | None = None


@dataclass(frozen=True)
class Written:
    """A secret as it was written; ``shown`` says whether the writer may see its value."""

    read: ReadSecret
    shown: bool


async def create_secret(
    world: World, caller: Caller, where: Where, name: str, value: Sensitive, *, comment: str = ""
) -> ReadSecret:
    """Store a new secret and serve it at once. Raises InvalidInput, Forbidden, NotFound, Taken."""
    edit = Edit(where, name, SecretChange(value, comment=comment))
    return (await create_secrets(world, caller, [edit]))[0].read


async def create_secrets(world: World, caller: Caller, edits: Sequence[Edit]) -> Sequence[Written]:
    """Store new secrets, all or none. Raises InvalidInput, Forbidden, NotFound, Taken."""
    clean = [await _clean(world, edit) for edit in edits]
    for edit in clean:
        await _pass(world, caller, Verb.CREATE_SECRETS, edit, edit.name)
    async with world.store.writing() as tx:
        made = [await _create(tx, world, await _place(tx, edit), edit) for edit in clean]
    return [_as_given(found, edit.change) for found, edit in zip(made, clean, strict=True)]


async def update_secret(
    world: World, caller: Caller, where: Where, name: str, change: SecretChange
) -> ReadSecret:
    """Change one secret; see `update_secrets`."""
    return (await update_secrets(world, caller, [Edit(where, name, change)]))[0].read


async def update_secrets(
    world: World,
    caller: Caller,
    edits: Sequence[Edit],
    absent: Absent = Absent.FAIL,
    *,
    shown: bool = True,
) -> Sequence[Written]:
    """Change secrets, all or none: a new value is the next version, and readers see no gap.

    Unless they are to be ``shown``, no value that was there before is read. Raises InvalidInput,
    Forbidden, NotFound, Taken, also for one that was changed since its ``base``, and Refused for a
    new value or name of what a rotation keeps.
    """
    clean = [await _clean(world, edit) for edit in edits]
    for edit in clean:
        told = f"{edit.name} to {edit.change.name}" if edit.change.name else edit.name
        await _pass(world, caller, Verb.EDIT_SECRETS, edit, told)
        if absent is Absent.CREATE:
            await _pass(world, caller, Verb.CREATE_SECRETS, edit, told)
    async with world.store.writing() as tx:
        tried = [(await _update(tx, world, edit, absent), edit) for edit in clean]
    written = [(found, edit) for found, edit in tried if found]
    if not shown:
        return [Written(_read(found, Sensitive("")), shown=False) for found, _ in written]
    return [await _seen(world, caller, found, edit.change) for found, edit in written]


async def delete_secrets(world: World, caller: Caller, edits: Sequence[Edit]) -> Sequence[Written]:
    """Delete secrets with all their versions, all or none; their values are not shown again.

    Raises Forbidden, NotFound, and Refused for what a rotation keeps.
    """
    clean = [await _clean(world, edit) for edit in edits]
    for edit in clean:
        await _pass(world, caller, Verb.DELETE_SECRETS, edit, edit.name)
    async with world.store.writing() as tx:
        gone = [await _delete(tx, edit) for edit in clean]
    return [Written(_read(found, Sensitive("")), shown=False) for found in gone]


async def _clean(world: World, edit: Edit) -> Edit:
    """Return an edit as it is meant, its project by id: the one that the gate decides on."""
    name = names.secret_name(("secretName",), edit.name)
    to = edit.change.name
    to = names.secret_name(("newSecretName",), to) if to else None
    where = replace(edit.where, project=await resolve_project(world, edit.where.project))
    change = replace(edit.change, name=None if to == name else to)
    return replace(edit, where=where, name=name, change=change)


async def _pass(world: World, caller: Caller, verb: Verb, edit: Edit, told: str) -> None:
    where = edit.where
    target = Target(ProjectId(where.project), where.environment, names.secret_path(where.path))
    await gate.require(world, caller, verb, target, subject=f"secret {where}:{told}")


async def _place(tx: Reading, edit: Edit) -> Place:
    return await read_place(tx, ProjectId(edit.where.project), edit.where)


async def _create(tx: Writing, world: World, place: Place, edit: Edit) -> Found:
    if await tx.find(Secret, folder_id=place.folder.id, name=edit.name):
        raise Taken(f"There is a secret {edit.name} in {place} already.")
    change, value = edit.change, edit.change.value or Sensitive("")
    secret = new_secret(world, place, edit.change.name or edit.name)
    secret = await _described(tx, place, secret, change)
    version = _version(world, place, secret, VersionNo(1), value).become(State.CURRENT)
    await tx.add(secret, version)
    await wake_destinations(tx, place.folder.id, version.created_at)
    return await with_tags(tx, place, secret, version)


async def _update(tx: Writing, world: World, edit: Edit, absent: Absent) -> Found | None:
    place, change = await _place(tx, edit), edit.change
    found = await find_found(tx, place, edit.name)
    if found is None and absent is Absent.CREATE:
        return await _create(tx, world, place, edit)
    if found is None and absent is Absent.IGNORE:
        return None
    if found is None:
        raise NotFound(f"There is no secret {edit.name} in {place}.")
    await _require_free(tx, place, edit, found.secret)
    secret = replace(found.secret, name=change.name or edit.name, updated_at=world.clock.now())
    secret = await _described(tx, place, secret, change)
    await tx.replace(secret)
    await wake_destinations(tx, place.folder.id, secret.updated_at)
    version = found.version
    if change.value:
        number = await next_number(tx, secret.id)
        version = _version(world, place, secret, number, change.value)
        await tx.add(version)
        version = await promote(tx, version)
    return await with_tags(tx, place, secret, version)


async def _require_free(tx: Reading, place: Place, edit: Edit, secret: Secret) -> None:
    """Make sure that nothing is in the way of a change. Raises Refused, Taken."""
    change = edit.change
    if secret.rotation_id and (change.value or change.name):
        raise Refused(
            f"Secret {edit.name} is kept by a rotation; neither its value nor its name can be "
            "changed by hand."
        )
    if edit.base and edit.base != secret.updated_at:
        raise Taken(
            f"{edit.name} has been saved since you began: copy what you have typed, load the page "
            "again, and bring it in there."
        )
    if change.name and await tx.find(Secret, folder_id=place.folder.id, name=change.name):
        raise Taken(f"There is a secret {change.name} in {place} already.")


async def _delete(tx: Writing, edit: Edit) -> Found:
    place = await _place(tx, edit)
    secret = await tx.find(Secret, folder_id=place.folder.id, name=edit.name)
    if secret is None:
        raise NotFound(f"There is no secret {edit.name} in {place}.")
    if secret.rotation_id:
        raise Refused(
            f"Secret {edit.name} is kept by a rotation: delete the rotation, and its secrets with "
            "it where they are not needed any more."
        )
    versions = await tx.list(Version, secret_id=secret.id)
    found = await with_tags(tx, place, secret, versions[-1])
    await remove_secret(tx, secret)
    return found


async def _described(tx: Reading, place: Place, secret: Secret, change: SecretChange) -> Secret:
    """Return a secret with all of a change but its value and its name."""
    tags, skips = change.tag_ids, change.skip_multiline_encoding
    return replace(
        secret,
        comment=secret.comment if change.comment is None else change.comment,
        metadata=secret.metadata if change.metadata is None else change.metadata,
        tag_ids=secret.tag_ids if tags is None else await require_tags(tx, place.project, tags),
        skip_multiline_encoding=secret.skip_multiline_encoding if skips is None else skips,
    )


def _version(
    world: World, place: Place, secret: Secret, number: VersionNo, value: Sensitive
) -> Version:
    version = new_version(world, place.project, secret.id, number, value)
    return replace(version, refers=refers(value.reveal()))


async def _seen(world: World, caller: Caller, found: Found, change: SecretChange) -> Written:
    """Show a writer the value that they gave, or the one that is there if they may read it."""
    if change.value:
        return _as_given(found, change)
    target = target_of(found.place)
    if not gate.may(caller, Verb.READ_SECRETS, target):
        return Written(_read(found, Sensitive("")), shown=False)
    subject = f"secret {found.place}:{found.secret.name}"
    await gate.require(world, caller, Verb.READ_SECRETS, target, subject=subject)
    said = Said(Copy.UNSAID, world.clock.now())
    await note_reads(world, caller, [(found.secret, found.version)], said)
    value = open_version(world, found.place.project, found.version)
    return Written(_read(found, value), shown=True)


def _as_given(found: Found, change: SecretChange) -> Written:
    return Written(_read(found, change.value or Sensitive("")), shown=True)


def _read(found: Found, value: Sensitive) -> ReadSecret:
    return ReadSecret(found.place, found.secret, found.version, value, found.tags)
