"""Imports of folders, under both generations of routes."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.api.infisical.spelling import folder_of
from keyturn.api.lenient import LenientRoute
from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.services import imports
from keyturn.services.imports import ImportView
from keyturn.services.projects import Where
from keyturn.wire import imports as wire
from keyturn.wire.base import TEXT_MAX
from keyturn.wire.folders import FolderEnvironment, FolderPlace

router = APIRouter(tags=["Imports"], route_class=LenientRoute)

ImportId = Annotated[str, Path(max_length=TEXT_MAX)]


@router.get("/api/v1/secret-imports")
@router.get("/api/v2/secret-imports", name="list_imports_v2")
async def list_imports(
    world: TheWorld, caller: TheCaller, query: Annotated[FolderPlace, Query()]
) -> wire.ImportsAnswer:
    """List what a folder imports; the last prevails."""
    found = await imports.list_imports(world, caller, folder_of(query))
    return wire.ImportsAnswer(message="Listed.", secret_imports=tuple(map(_shown, found)))


@router.post("/api/v1/secret-imports")
@router.post("/api/v2/secret-imports", name="create_import_v2")
async def create_import(
    world: TheWorld, caller: TheCaller, body: wire.CreateImport
) -> wire.ImportAnswer:
    """Import another folder of the project, which prevails over those imported before."""
    where = folder_of(body)
    made = await imports.create_import(world, caller, where, _source(where, body.source))
    return wire.ImportAnswer(message="The folder is imported.", secret_import=_shown(made))


@router.get("/api/v1/secret-imports/{import_id}")
@router.get("/api/v2/secret-imports/{import_id}", name="read_import_v2")
async def read_import(world: TheWorld, caller: TheCaller, import_id: ImportId) -> wire.ImportAnswer:
    """Read one import."""
    found = await imports.read_import(world, caller, import_id)
    return wire.ImportAnswer(message="Read.", secret_import=_shown(found))


@router.patch("/api/v1/secret-imports/{import_id}")
@router.patch("/api/v2/secret-imports/{import_id}", name="update_import_v2")
async def update_import(
    world: TheWorld, caller: TheCaller, import_id: ImportId, body: wire.UpdateImport
) -> wire.ImportAnswer:
    """Lead an import to another folder, or change its position."""
    where, change = folder_of(body), body.change
    if (change.environment is None) != (change.path is None):
        rule = "goes together with the environment"
        raise InvalidInput(FieldProblem(("import", "path"), rule))
    source = None
    if change.environment is not None and change.path is not None:
        to = wire.ImportSource(environment=change.environment, path=change.path)
        source = _source(where, to)
    after = await imports.update_import(
        world, caller, where, import_id, source=source, position=change.position
    )
    return wire.ImportAnswer(message="The import is changed.", secret_import=_shown(after))


@router.delete("/api/v1/secret-imports/{import_id}")
@router.delete("/api/v2/secret-imports/{import_id}", name="delete_import_v2")
async def delete_import(
    world: TheWorld, caller: TheCaller, import_id: ImportId, body: FolderPlace
) -> wire.ImportAnswer:
    """Import a folder no longer; nothing in it changes."""
    gone = await imports.delete_import(world, caller, folder_of(body), import_id)
    return wire.ImportAnswer(message="The import is deleted.", secret_import=_shown(gone))


def _source(where: Where, asked: wire.ImportSource) -> Where:
    return Where(where.project, asked.environment, "/" + asked.path.strip().lstrip("/"))


def _shown(seen: ImportView) -> wire.SecretImport:
    stored, source, environment = seen.stored, seen.source, seen.place.environment
    return wire.SecretImport(
        id=stored.id,
        import_path=source.folder.path,
        import_env=wire.ImportEnvironment(
            id=source.environment.id, name=source.environment.name, slug=source.environment.slug
        ),
        position=stored.rank,
        folder_id=stored.folder_id,
        created_at=stored.created_at,
        updated_at=stored.updated_at,
        project_id=seen.place.project.id,
        secret_path=seen.place.folder.path,
        environment=FolderEnvironment(
            env_id=environment.id, env_name=environment.name, env_slug=environment.slug
        ),
    )
