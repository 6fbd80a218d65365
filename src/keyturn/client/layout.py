"""Projects and what they are made of, as typed calls: environments, folders, tags, imports."""

from collections.abc import Mapping

from keyturn.client.calls import Calls, part
from keyturn.client.tree import Label, Spot
from keyturn.wire.folders import (
    CreateFolder,
    DeletedFolderAnswer,
    DeleteFolder,
    Folder,
    FolderAnswer,
    FolderPlace,
    FoldersAnswer,
    UpdateFolder,
)
from keyturn.wire.imports import (
    CreateImport,
    ImportAnswer,
    ImportsAnswer,
    SecretImport,
    UpdateImport,
)
from keyturn.wire.projects import (
    CreateEnvironment,
    CreateProject,
    Environment,
    EnvironmentAnswer,
    Project,
    ProjectAnswer,
    UpdateEnvironment,
    WorkspacesAnswer,
)
from keyturn.wire.tags import CreateTag, Tag, TagAnswer, TagsAnswer, UpdateTag

FOLDERS = "/api/v2/folders"
IMPORTS = "/api/v2/secret-imports"
PROJECTS = "/api/v1/projects"


class LayoutCalls(Calls):
    """What the API can be asked about projects. Every call raises what `Calls` says."""

    async def list_projects(self) -> tuple[Project, ...]:
        """List the projects that the caller may read."""
        return (await self.call(WorkspacesAnswer, "GET", "/api/v1/workspace")).workspaces

    async def read_project(self, project: str) -> Project:
        """Read a project by its id or slug."""
        return (await self.call(ProjectAnswer, "GET", f"{PROJECTS}/{part(project)}")).project

    async def create_project(self, body: CreateProject) -> Project:
        """Create a project with the environments dev, staging and prod."""
        return (await self.call(ProjectAnswer, "POST", PROJECTS, body=body)).project

    async def create_environment(self, project: str, body: CreateEnvironment) -> Environment:
        """Create an environment with its root folder."""
        path = f"{PROJECTS}/{part(project)}/environments"
        return (await self.call(EnvironmentAnswer, "POST", path, body=body)).environment

    async def update_environment(
        self, project: str, environment_id: str, body: UpdateEnvironment
    ) -> Environment:
        """Change an environment; what the body does not name stays as it is."""
        path = f"{PROJECTS}/{part(project)}/environments/{part(environment_id)}"
        return (await self.call(EnvironmentAnswer, "PATCH", path, body=body)).environment

    async def delete_environment(self, project: str, environment_id: str) -> Environment:
        """Delete an environment with all its folders and secrets."""
        path = f"{PROJECTS}/{part(project)}/environments/{part(environment_id)}"
        return (await self.call(EnvironmentAnswer, "DELETE", path)).environment

    async def list_folders(self, project: str, environment: str) -> tuple[Folder, ...]:
        """List the folders of an environment, without the root."""
        query = _place(project, Spot(environment)) | {"path": "/", "recursive": "true"}
        return (await self.call(FoldersAnswer, "GET", FOLDERS, query=query)).folders

    async def create_folder(self, project: str, spot: Spot) -> Folder:
        """Create a folder, with those above it that are missing."""
        parent, _, name = spot.path.rpartition("/")
        asked = _place(project, spot) | {"path": parent or "/", "name": name}
        body = CreateFolder.model_validate(asked)
        return (await self.call(FolderAnswer, "POST", FOLDERS, body=body)).folder

    async def update_folder(self, project: str, spot: Spot, fields: Mapping[str, object]) -> Folder:
        """Rename, describe or move a folder."""
        parent, name = _named(spot)
        body = UpdateFolder.model_validate({**_place(project, spot), "path": parent, **fields})
        path = f"{FOLDERS}/{part(name)}"
        return (await self.call(FolderAnswer, "PATCH", path, body=body)).folder

    async def delete_folder(self, project: str, spot: Spot) -> Folder:
        """Delete a folder with all that is in it."""
        parent, name = _named(spot)
        asked = {**_place(project, spot), "path": parent, "forceDelete": True}
        body = DeleteFolder.model_validate(asked)
        path = f"{FOLDERS}/{part(name)}"
        return (await self.call(DeletedFolderAnswer, "DELETE", path, body=body)).folder

    async def list_tags(self, project: str) -> tuple[Tag, ...]:
        """List the tags of a project."""
        return (await self.call(TagsAnswer, "GET", f"{PROJECTS}/{part(project)}/tags")).tags

    async def create_tag(self, project: str, label: Label) -> Tag:
        """Create a tag."""
        body = CreateTag(slug=label.slug, name=label.name or None, color=label.color)
        path = f"{PROJECTS}/{part(project)}/tags"
        return (await self.call(TagAnswer, "POST", path, body=body)).tag

    async def update_tag(self, project: str, tag_id: str, fields: Mapping[str, object]) -> Tag:
        """Change a tag; what has it keeps it."""
        body = UpdateTag.model_validate(fields)
        path = f"{PROJECTS}/{part(project)}/tags/{part(tag_id)}"
        return (await self.call(TagAnswer, "PATCH", path, body=body)).tag

    async def delete_tag(self, project: str, tag_id: str) -> Tag:
        """Delete a tag; what had it has it no longer."""
        path = f"{PROJECTS}/{part(project)}/tags/{part(tag_id)}"
        return (await self.call(TagAnswer, "DELETE", path)).tag

    async def list_imports(self, project: str, spot: Spot) -> tuple[SecretImport, ...]:
        """List what a folder imports; the last prevails."""
        query = _place(project, spot) | {"path": spot.path}
        return (await self.call(ImportsAnswer, "GET", IMPORTS, query=query)).secret_imports

    async def create_import(self, project: str, spot: Spot, source: Spot) -> SecretImport:
        """Let a folder import another, which prevails over those imported before."""
        wanted = {"environment": source.environment, "path": source.path}
        asked: dict[str, object] = {**_place(project, spot), "path": spot.path, "import": wanted}
        body = CreateImport.model_validate(asked)
        return (await self.call(ImportAnswer, "POST", IMPORTS, body=body)).secret_import

    async def move_import(
        self, project: str, spot: Spot, import_id: str, position: int
    ) -> SecretImport:
        """Change the position of an import among those of a folder; the last prevails."""
        asked = {**_place(project, spot), "path": spot.path, "import": {"position": position}}
        body = UpdateImport.model_validate(asked)
        path = f"{IMPORTS}/{part(import_id)}"
        return (await self.call(ImportAnswer, "PATCH", path, body=body)).secret_import

    async def delete_import(self, project: str, spot: Spot, import_id: str) -> SecretImport:
        """Let a folder read from another no longer."""
        body = FolderPlace.model_validate(_place(project, spot) | {"path": spot.path})
        path = f"{IMPORTS}/{part(import_id)}"
        return (await self.call(ImportAnswer, "DELETE", path, body=body)).secret_import


def _named(spot: Spot) -> tuple[str, str]:
    """Return the path of the folder that holds one, and its name."""
    parent, _, name = spot.path.rstrip("/").rpartition("/")
    return parent or "/", name


def _place(project: str, spot: Spot) -> dict[str, str]:
    return {"projectId": project, "environment": spot.environment}
