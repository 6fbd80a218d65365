"""Tags of a project, by both of the names that clients have for projects."""

from typing import Annotated

from fastapi import APIRouter, Path

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.api.lenient import LenientRoute
from keyturn.domain import project as domain
from keyturn.services import tags
from keyturn.services.tags import TagDraft
from keyturn.wire import tags as wire
from keyturn.wire.base import TEXT_MAX

router = APIRouter(tags=["Tags"], route_class=LenientRoute)

Named = Annotated[str, Path(max_length=TEXT_MAX)]


@router.get("/api/v1/projects/{project}/tags")
@router.get("/api/v1/workspace/{project}/tags", name="list_workspace_tags")
async def list_tags(world: TheWorld, caller: TheCaller, project: Named) -> wire.TagsAnswer:
    """List the tags of a project."""
    found = await tags.list_tags(world, caller, project)
    return wire.TagsAnswer(tags=tuple(map(_shown, found)))


@router.get("/api/v1/projects/{project}/tags/{tag_id}")
@router.get("/api/v1/workspace/{project}/tags/{tag_id}", name="read_workspace_tag")
async def read_tag(
    world: TheWorld, caller: TheCaller, project: Named, tag_id: Named
) -> wire.TagAnswer:
    """Read a tag by its id."""
    return wire.TagAnswer(tag=_shown(await tags.read_tag(world, caller, project, tag_id=tag_id)))


@router.get("/api/v1/projects/{project}/tags/slug/{slug}")
@router.get("/api/v1/workspace/{project}/tags/slug/{slug}", name="read_workspace_tag_by_slug")
async def read_tag_by_slug(
    world: TheWorld, caller: TheCaller, project: Named, slug: Named
) -> wire.TagAnswer:
    """Read a tag by its slug."""
    return wire.TagAnswer(tag=_shown(await tags.read_tag(world, caller, project, slug=slug)))


@router.post("/api/v1/projects/{project}/tags")
@router.post("/api/v1/workspace/{project}/tags", name="create_workspace_tag")
async def create_tag(
    world: TheWorld, caller: TheCaller, project: Named, body: wire.CreateTag
) -> wire.TagAnswer:
    """Create a tag."""
    draft = TagDraft(body.slug, body.name, body.color)
    return wire.TagAnswer(tag=_shown(await tags.create_tag(world, caller, project, draft)))


@router.patch("/api/v1/projects/{project}/tags/{tag_id}")
@router.patch("/api/v1/workspace/{project}/tags/{tag_id}", name="update_workspace_tag")
async def update_tag(
    world: TheWorld, caller: TheCaller, project: Named, tag_id: Named, body: wire.UpdateTag
) -> wire.TagAnswer:
    """Change a tag; what has it keeps it."""
    draft = TagDraft(body.slug, body.name, body.color)
    return wire.TagAnswer(tag=_shown(await tags.update_tag(world, caller, project, tag_id, draft)))


@router.delete("/api/v1/projects/{project}/tags/{tag_id}")
@router.delete("/api/v1/workspace/{project}/tags/{tag_id}", name="delete_workspace_tag")
async def delete_tag(
    world: TheWorld, caller: TheCaller, project: Named, tag_id: Named
) -> wire.TagAnswer:
    """Delete a tag; what had it has it no longer."""
    return wire.TagAnswer(tag=_shown(await tags.delete_tag(world, caller, project, tag_id)))


def _shown(tag: domain.Tag) -> wire.Tag:
    return wire.Tag(
        id=tag.id,
        slug=tag.slug,
        name=tag.name,
        color=tag.color,
        project_id=tag.project_id,
        created_at=tag.created_at,
        updated_at=tag.updated_at,
    )
