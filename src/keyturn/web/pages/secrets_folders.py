"""Folders made, renamed and deleted, and what a folder imports."""

from typing import Final

from starlette.responses import Response

from keyturn.domain.access import Verb
from keyturn.domain.errors import CallerError, NotFound
from keyturn.domain.project import ROOT
from keyturn.services import folders, imports
from keyturn.services.folders import FolderChange
from keyturn.services.projects import Where
from keyturn.web.faults import require_typed, told_of
from keyturn.web.pages.secrets import folder_page
from keyturn.web.problems import status_of
from keyturn.web.routing import action, page
from keyturn.web.spots import PAGE, Spot, spot_of
from keyturn.web.visiting import Visit


async def show_new(visit: Visit) -> Response:
    """Ask for a folder's name."""
    spot, _ = await spot_of(visit)
    return _form(visit, spot, new=True)


async def create(visit: Visit) -> Response:
    """Make a folder."""
    spot, _ = await spot_of(visit)
    name, words = visit.said("name"), visit.said("description") or None
    try:
        made = await folders.create_folder(
            visit.world, visit.caller, spot.where, name, description=words
        )
    except CallerError as error:
        return _form(visit, spot, error, new=True)
    return visit.redirect(spot.at(made.place.folder.path).href(), f"The folder {name} is there.")


async def show_edit(visit: Visit) -> Response:
    """Ask what a folder is to be called from now on."""
    spot, _ = await spot_of(visit)
    folder = (await _view(visit, spot)).place.folder
    return _form(visit, spot, name=folder.name, description=folder.description or "", new=False)


async def edit(visit: Visit) -> Response:
    """Rename or describe a folder."""
    spot, _ = await spot_of(visit)
    change = FolderChange(visit.said("name"), visit.said("description"))
    try:
        changed = await folders.update_folder(visit.world, visit.caller, *_named(spot), change)
    except CallerError as error:
        return _form(visit, spot, error, new=False)
    return visit.redirect(spot.at(changed.place.folder.path).href(), "The folder is changed.")


async def show_delete(visit: Visit) -> Response:
    """Say what goes with a folder, and ask whether to delete it."""
    spot, _ = await spot_of(visit)
    await _view(visit, spot)
    spot.require(Verb.DELETE_FOLDERS)
    return visit.render("secrets/folder_delete.html", spot=spot, error="")


async def delete(visit: Visit) -> Response:
    """Delete a folder with all that is in it, once its name is typed."""
    spot, _ = await spot_of(visit)
    where, name = _named(spot)
    try:
        require_typed(visit, name)
        await folders.delete_folder(visit.world, visit.caller, where, name)
    except CallerError as error:
        status, told = status_of(error), error.message
        return visit.render("secrets/folder_delete.html", status=status, spot=spot, error=told)
    gone = spot.at(where.path).href()
    return visit.redirect(gone, f"The folder {name} is deleted, with all that was in it.")


async def add_import(visit: Visit) -> Response:
    """Let the folder read from another one as well."""
    spot, _ = await spot_of(visit)
    environment, path = visit.said("source_env"), visit.said("source_path") or ROOT
    source = Where(spot.where.project, environment, path)
    try:
        await imports.create_import(visit.world, visit.caller, spot.where, source)
    except CallerError as error:
        return await folder_page(
            visit,
            status=status_of(error),
            import_error=error.message,
            source_env=environment,
            source_path=path,
        )
    return visit.redirect(spot.href(), f"The folder reads from {environment}{path} as well.")


async def move_import(visit: Visit) -> Response:
    """Let an import prevail over more of the others, or fewer."""
    spot, _ = await spot_of(visit)
    told = visit.said("position")
    position = int(told) if told.isascii() and told.isdigit() and len(told) < 7 else 1
    await imports.update_import(
        visit.world, visit.caller, spot.where, visit.given("import_id"), position=position
    )
    return visit.redirect(spot.href(), "The order of the imports is changed.")


async def remove_import(visit: Visit) -> Response:
    """Let the folder read from another one no longer."""
    spot, _ = await spot_of(visit)
    import_id = visit.given("import_id")
    gone = await imports.delete_import(visit.world, visit.caller, spot.where, import_id)
    source = f"{gone.source.environment.slug}{gone.source.folder.path}"
    return visit.redirect(spot.href(), f"The folder reads from {source} no longer.")


async def _view(visit: Visit, spot: Spot) -> folders.FolderView:
    """Return the folder as it stands. Raises NotFound, also for the root."""
    where, _ = _named(spot)
    for each in await folders.list_folders(visit.world, visit.caller, where):
        if each.place.folder.path == spot.path:
            return each
    raise NotFound("There is no folder there that could be changed.")


def _named(spot: Spot) -> tuple[Where, str]:
    """Return the folder that holds this one, and its name there."""
    parent, _, name = spot.path.rpartition("/")
    return spot.at(parent or ROOT).where, name


def _form(
    visit: Visit,
    spot: Spot,
    error: CallerError | None = None,
    *,
    new: bool,
    name: str = "",
    description: str = "",
) -> Response:
    spot.require(Verb.CREATE_FOLDERS if new else Verb.EDIT_FOLDERS)
    return visit.render(
        "secrets/folder_form.html",
        status=status_of(error) if error else 200,
        spot=spot,
        new=new,
        name=visit.said("name") or name,
        description=visit.said("description") or description,
        problems=told_of(error),
    )


ROUTES: Final = (
    page(f"{PAGE}/folders/new", show_new),
    action(f"{PAGE}/folders/new", create),
    page(f"{PAGE}/folders/edit", show_edit),
    action(f"{PAGE}/folders/edit", edit),
    page(f"{PAGE}/folders/delete", show_delete),
    action(f"{PAGE}/folders/delete", delete),
    action(f"{PAGE}/imports", add_import),
    action(f"{PAGE}/imports/{{import_id}}/move", move_import),
    action(f"{PAGE}/imports/{{import_id}}/remove", remove_import),
)
