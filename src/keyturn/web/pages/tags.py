"""The tags of a project: made, renamed and deleted. Secrets are given them on their own pages."""

import shlex
from collections.abc import Mapping
from typing import Final

from starlette.responses import Response

from keyturn.domain.access import Target, Verb
from keyturn.domain.errors import CallerError
from keyturn.domain.project import Tag
from keyturn.services import tags
from keyturn.services.projects import Whole, anywhere_in
from keyturn.services.tags import TagDraft
from keyturn.web.faults import told_of
from keyturn.web.problems import status_of
from keyturn.web.routing import action, page
from keyturn.web.visiting import Visit

HERE: Final = "/settings/tags"
ONE: Final = f"{HERE}/{{tag_id}}"
TYPED: Final = ("slug", "name", "color")


async def show(visit: Visit) -> Response:
    """List the tags of a project."""
    return await _shown(visit)


async def create(visit: Visit) -> Response:
    """Make a tag."""
    whole, _ = await visit.projects()
    draft = TagDraft(visit.said("slug"), visit.said("name") or None, visit.said("color"))
    try:
        made = await tags.create_tag(visit.world, visit.caller, whole.project.slug, draft)
    except CallerError as error:
        return await _shown(visit, error)
    return visit.redirect(_here(whole), f"The tag {made.slug} is there now.")


async def show_edit(visit: Visit) -> Response:
    """Ask what a tag is to be called from now on."""
    whole, tag = await _found(visit)
    return _form(visit, whole, tag, {name: getattr(tag, name) for name in TYPED})


async def edit(visit: Visit) -> Response:
    """Rename a tag; what has it keeps it."""
    whole, tag = await _found(visit)
    typed = {name: visit.said(name) for name in TYPED}
    draft, project = TagDraft(**typed), whole.project.slug
    try:
        after = await tags.update_tag(visit.world, visit.caller, project, tag.id, draft)
    except CallerError as error:
        return _form(visit, whole, tag, typed, error)
    return visit.redirect(_here(whole), f"The tag {after.slug} is changed.")


def _form(
    visit: Visit,
    whole: Whole,
    tag: Tag,
    typed: Mapping[str, str],
    error: CallerError | None = None,
) -> Response:
    visit.require(whole.project.name, Target(whole.project.id), Verb.EDIT_PROJECT)
    return visit.render(
        "settings/tag.html",
        status=status_of(error) if error else 200,
        whole=whole,
        tag=tag,
        typed=typed,
        problems=told_of(error),
        here=_here(whole),
    )


async def confirm_deletion(visit: Visit) -> Response:
    """Say what goes with a tag, and ask."""
    whole, tag = await _found(visit)
    visit.require(whole.project.name, Target(whole.project.id), Verb.EDIT_PROJECT)
    return visit.render("settings/tag_delete.html", whole=whole, tag=tag, here=_here(whole))


async def delete(visit: Visit) -> Response:
    """Delete a tag; what had it stays."""
    whole, tag = await _found(visit)
    await tags.delete_tag(visit.world, visit.caller, whole.project.slug, tag.id)
    return visit.redirect(_here(whole), f"The tag {tag.slug} is deleted.")


async def _found(visit: Visit) -> tuple[Whole, Tag]:
    """Return a tag and its project. Raises NotFound, Forbidden."""
    whole, _ = await visit.projects()
    project, tag_id = whole.project.slug, visit.given("tag_id")
    return whole, await tags.read_tag(visit.world, visit.caller, project, tag_id=tag_id)


async def _shown(visit: Visit, error: CallerError | None = None) -> Response:
    whole, projects = await visit.projects()
    project = whole.project
    return visit.render(
        "settings/tags.html",
        status=status_of(error) if error else 200,
        problems=told_of(error),
        whole=whole,
        projects=[(each.project.slug, each.project.name) for each in projects],
        tags=sorted(
            await tags.list_tags(visit.world, visit.caller, project.slug),
            key=lambda each: each.slug,
        ),
        edits=visit.may(Verb.EDIT_PROJECT, Target(project.id)),
        creates=visit.may(Verb.CREATE_SECRETS, anywhere_in(project.id)),
        typed={name: visit.said(name) for name in TYPED},
        command=shlex.join(["keyturn", "tag", "list", "--project", project.slug]),
    )


def _here(whole: Whole) -> str:
    return f"{HERE}?project={whole.project.slug}"


ROUTES: Final = (
    page(HERE, show),
    action(HERE, create),
    page(f"{ONE}/edit", show_edit),
    action(f"{ONE}/edit", edit),
    page(f"{ONE}/delete", confirm_deletion),
    action(f"{ONE}/delete", delete),
)
