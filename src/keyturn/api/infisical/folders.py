"""Folders, under both generations of routes."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.api.infisical.spelling import folder_of
from keyturn.api.lenient import LenientRoute
from keyturn.services import folders
from keyturn.services.folders import FolderChange, FolderView
from keyturn.wire import folders as wire
from keyturn.wire.base import TEXT_MAX

router = APIRouter(tags=["Folders"], route_class=LenientRoute)

IdOrName = Annotated[str, Path(max_length=TEXT_MAX)]


@router.get("/api/v1/folders")
@router.get("/api/v2/folders", name="list_folders_v2")
async def list_folders(
    world: TheWorld, caller: TheCaller, query: Annotated[wire.ListFolders, Query()]
) -> wire.FoldersAnswer:
    """List the folders in a folder, or all below it; none where there is no such folder."""
    where, since = folder_of(query), query.last_secret_modified
    found = await folders.list_folders(
        world, caller, where, recursive=query.recursive is True, since=since
    )
    return wire.FoldersAnswer(folders=tuple(map(_shown, found)))


@router.post("/api/v1/folders")
@router.post("/api/v2/folders", name="create_folder_v2")
async def create_folder(
    world: TheWorld, caller: TheCaller, body: wire.CreateFolder
) -> wire.FolderAnswer:
    """Create a folder with the parents that are missing; one that is there stays as it is."""
    where, words = folder_of(body), body.description
    made = await folders.create_folder(world, caller, where, body.name, description=words)
    return wire.FolderAnswer(folder=_shown(made))


@router.get("/api/v1/folders/{folder}")
@router.get("/api/v2/folders/{folder}", name="read_folder_v2")
async def read_folder(world: TheWorld, caller: TheCaller, folder: IdOrName) -> wire.FolderAnswer:
    """Read a folder by its id."""
    return wire.FolderAnswer(folder=_shown(await folders.read_folder(world, caller, folder)))


@router.patch("/api/v1/folders/{folder}")
@router.patch("/api/v2/folders/{folder}", name="update_folder_v2")
async def update_folder(
    world: TheWorld, caller: TheCaller, folder: IdOrName, body: wire.UpdateFolder
) -> wire.FolderAnswer:
    """Rename, describe or move a folder with all that is in it, by its id or its name."""
    into = body.new_path and "/" + body.new_path.strip().lstrip("/")
    change = FolderChange(body.name, body.description, into or None)
    after = await folders.update_folder(world, caller, folder_of(body), folder, change)
    return wire.FolderAnswer(folder=_shown(after))


@router.delete("/api/v1/folders/{folder}")
@router.delete("/api/v2/folders/{folder}", name="delete_folder_v2")
async def delete_folder(
    request: Request,
    world: TheWorld,
    caller: TheCaller,
    folder: IdOrName,
    body: wire.DeleteFolder,
) -> wire.DeletedFolderAnswer:
    """Delete a folder with all that is in it, by its id or its name; not under a rotation.

    Unless ``forceDelete`` is true, a folder that is not empty stays; version 1 takes it for true
    where it is not said.
    """
    older, said = request.url.path.startswith("/api/v1/"), body.force_delete
    force = older if said is None else said
    gone = await folders.delete_folder(world, caller, folder_of(body), folder, force=force)
    shown = _shown(gone)
    return wire.DeletedFolderAnswer(folder=shown, folders=(shown,))


def _shown(seen: FolderView) -> wire.Folder:
    folder, environment = seen.place.folder, seen.place.environment
    return wire.Folder(
        id=folder.id,
        name=folder.name,
        created_at=folder.created_at,
        updated_at=folder.updated_at,
        env_id=environment.id,
        parent_id=seen.parent_id,
        description=folder.description,
        path=folder.path,
        relative_path=folder.path,
        project_id=seen.place.project.id,
        environment=wire.FolderEnvironment(
            env_id=environment.id, env_name=environment.name, env_slug=environment.slug
        ),
    )
