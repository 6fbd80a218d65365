"""Folders as clients make, list and delete them."""

from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator, Field

from keyturn.wire.base import PATH_MAX, Flag, Instant, Text, Wire, absent_if_empty
from keyturn.wire.secrets import EnvironmentName


class FolderPlace(EnvironmentName):
    """A folder that holds the folders in question, in any of the spellings that clients use."""

    path: str | None = Field(default=None, max_length=PATH_MAX)
    directory: str | None = Field(default=None, max_length=PATH_MAX)
    secret_path: str | None = Field(default=None, max_length=PATH_MAX)

    @property
    def spelled_path(self) -> str:
        """Return the first of the spellings that is not empty, with its slash; else the root."""
        spelled = (self.path, self.directory, self.secret_path)
        return "/" + next(filter(None, spelled), "").strip().lstrip("/")


class ListFolders(FolderPlace):
    """A query for the folders in a folder."""

    recursive: Flag = None
    last_secret_modified: Annotated[AwareDatetime | None, BeforeValidator(absent_if_empty)] = None


class CreateFolder(FolderPlace):
    """A new folder."""

    name: str
    description: str | None = None


class UpdateFolder(FolderPlace):
    """What is to change of a folder; ``newPath`` is the folder that it is to be moved to."""

    name: Text | None = None
    description: str | None = None
    new_path: str | None = Field(default=None, max_length=PATH_MAX)


class DeleteFolder(FolderPlace):
    """A folder to be deleted; ``forceDelete`` takes all that is in it with it."""

    force_delete: Flag = None


class FolderEnvironment(Wire):
    """The environment of a folder."""

    env_id: str
    env_name: str
    env_slug: str


class Folder(Wire):
    """A folder with every field that some client insists on."""

    id: str
    name: str
    version: int = 1
    created_at: Instant
    updated_at: Instant
    env_id: str
    parent_id: str | None
    is_reserved: bool = False
    description: str | None
    path: str
    relative_path: str
    project_id: str
    environment: FolderEnvironment


class FolderAnswer(Wire):
    """One folder."""

    folder: Folder


class FoldersAnswer(Wire):
    """Folders."""

    folders: tuple[Folder, ...]


class DeletedFolderAnswer(FolderAnswer):
    """The folder that was deleted, under both of the names by which clients look for it."""

    folders: tuple[Folder, ...]
