"""Labels for the secrets of a project.

What has a tag keeps it under its new name; a tag that is deleted is gone from what had it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from keyturn.domain import names
from keyturn.domain.access import Caller, Target, Verb
from keyturn.domain.errors import FieldProblem, InvalidInput, NotFound
from keyturn.domain.ids import ProjectId, TagId
from keyturn.domain.project import Project, Tag
from keyturn.services import gate
from keyturn.services.ports import Reading, World
from keyturn.services.projects import anywhere_in, resolve_project

COLOR_MAX = 64


@dataclass(frozen=True)
class TagDraft:
    """A tag to be; None leaves as it is what a tag has already."""

    slug: str | None = None
    name: str | None = None
    color: str | None = None


async def list_tags(world: World, caller: Caller, project: str) -> Sequence[Tag]:
    """List the tags of a project. Raises Forbidden, NotFound."""
    project_id = await _pass(world, caller, Verb.READ_PROJECT, project)
    async with world.store.reading() as tx:
        return await tx.list(Tag, project_id=project_id)


async def read_tag(
    world: World, caller: Caller, project: str, *, tag_id: str = "", slug: str = ""
) -> Tag:
    """Read a tag by its id or its slug. Raises Forbidden, NotFound."""
    project_id = await _pass(world, caller, Verb.READ_PROJECT, project)
    where = {"slug": slug} if slug else {"id": tag_id}
    async with world.store.reading() as tx:
        found = await tx.find(Tag, project_id=project_id, **where)
    if found is None:
        raise NotFound(f"There is no tag {slug or tag_id} in project {project}.")
    return found


async def create_tag(world: World, caller: Caller, project: str, draft: TagDraft) -> Tag:
    """Create a tag. Raises Forbidden, NotFound, InvalidInput, Taken."""
    slug = names.slug("slug", draft.slug or "")
    name = names.title(("name",), slug if draft.name is None else draft.name)
    project_id = await _pass(world, caller, Verb.CREATE_SECRETS, project)
    now, new_id = world.clock.now(), TagId(world.chance.uuid())
    tag = Tag(new_id, project_id, slug, name, _color(draft.color or ""), now, now)
    async with world.store.writing() as tx:
        await tx.add(tag)
    return tag


async def update_tag(
    world: World, caller: Caller, project: str, tag_id: str, draft: TagDraft
) -> Tag:
    """Change a tag. Raises Forbidden, NotFound, InvalidInput, Taken."""
    project_id = await _pass(world, caller, Verb.EDIT_PROJECT, project)
    async with world.store.writing() as tx:
        tag = await _read(tx, project_id, tag_id)
        changed = replace(
            tag,
            slug=tag.slug if draft.slug is None else names.slug("slug", draft.slug),
            name=tag.name if draft.name is None else names.title(("name",), draft.name),
            color=tag.color if draft.color is None else _color(draft.color),
            updated_at=world.clock.now(),
        )
        await tx.replace(changed)
    return changed


async def delete_tag(world: World, caller: Caller, project: str, tag_id: str) -> Tag:
    """Delete a tag. Raises Forbidden, NotFound."""
    project_id = await _pass(world, caller, Verb.EDIT_PROJECT, project)
    async with world.store.writing() as tx:
        tag = await _read(tx, project_id, tag_id)
        await tx.remove(tag)
    return tag


async def require_tags(tx: Reading, project: Project, tag_ids: Sequence[str]) -> tuple[str, ...]:
    """Return the ids of tags, each once. Raises NotFound for one that the project has not."""
    wanted = tuple(dict.fromkeys(tag_ids))
    found = await tx.list(Tag, project_id=project.id, id=frozenset(wanted)) if wanted else ()
    if len(found) < len(wanted):
        raise NotFound(f"Project {project.slug} does not have all of these tags.")
    return wanted


async def _pass(world: World, caller: Caller, verb: Verb, project: str) -> ProjectId:
    project_id = await resolve_project(world, project)
    edits = verb is Verb.EDIT_PROJECT
    target = Target(project_id) if edits else anywhere_in(project_id)
    await gate.require(world, caller, verb, target, subject=f"tags of project {project}")
    async with world.store.reading() as tx:
        if await tx.find(Project, id=project_id) is None:
            raise NotFound(f"There is no project {project}.")
    return project_id


async def _read(tx: Reading, project_id: ProjectId, tag_id: str) -> Tag:
    found = await tx.find(Tag, id=tag_id, project_id=project_id)
    if found is None:
        raise NotFound(f"There is no tag with the id {tag_id}.")
    return found


def _color(text: str) -> str:
    if len(text.strip()) > COLOR_MAX:
        raise InvalidInput(FieldProblem(("color",), f"must be at most {COLOR_MAX} characters"))
    return text.strip()
