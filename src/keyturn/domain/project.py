"""Where secrets live: organization, project, environment, folder."""

from dataclasses import dataclass
from datetime import datetime

from keyturn.domain.ids import (
    EnvironmentId,
    FolderId,
    ImportId,
    OrganizationId,
    ProjectId,
    TagId,
)

ROOT = "/"
ROOT_NAME = "root"


@dataclass(frozen=True)
class Organization:
    """The tenant; its connections are sealed with its own data key."""

    id: OrganizationId
    name: str
    data_key: bytes
    created_at: datetime


@dataclass(frozen=True)
class Project:
    """A tenant of work; its secrets are sealed with its own data key, kept wrapped."""

    id: ProjectId
    organization_id: OrganizationId
    name: str
    slug: str
    data_key: bytes
    created_at: datetime


@dataclass(frozen=True)
class Environment:
    """A stage of a project, such as dev; people see them in the order of ``rank``."""

    id: EnvironmentId
    project_id: ProjectId
    name: str
    slug: str
    rank: int = 1


@dataclass(frozen=True)
class Folder:
    """A place in an environment that holds secrets; ``path`` is absolute."""

    id: FolderId
    environment_id: EnvironmentId
    path: str
    created_at: datetime
    updated_at: datetime
    description: str | None = None

    @property
    def name(self) -> str:
        """Return the last part of the path."""
        return self.path.rpartition("/")[2] or ROOT_NAME

    @property
    def parent(self) -> str | None:
        """Return the path of the folder that holds this one; the root has none."""
        return None if self.path == ROOT else self.path.rpartition("/")[0] or ROOT

    @property
    def hidden(self) -> bool:
        """Say whether this is a folder of Keyturn's own, which no caller can name."""
        return "/." in self.path

    def is_below(self, path: str) -> bool:
        """Say whether this folder lies somewhere inside the one at a path."""
        return self.path != path and self.path.startswith(path.rstrip("/") + "/")


def child_path(parent: str, name: str) -> str:
    """Return the path of a folder in another."""
    return f"{parent.rstrip('/')}/{name}"


def ancestors(path: str) -> tuple[str, ...]:
    """Return the paths of all folders that a path leads through, the root first, itself last."""
    parts = path.strip("/").split("/") if path != ROOT else []
    return (ROOT, *("/" + "/".join(parts[:count]) for count in range(1, len(parts) + 1)))


@dataclass(frozen=True)
class SecretImport:
    """A folder that another one reads from as well; of two, the one of higher rank prevails."""

    id: ImportId
    folder_id: FolderId
    source_id: FolderId
    rank: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class Tag:
    """A label for secrets of a project."""

    id: TagId
    project_id: ProjectId
    slug: str
    name: str
    color: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class Place:
    """A folder with all that it lies in."""

    project: Project
    environment: Environment
    folder: Folder

    def __str__(self) -> str:
        return f"{self.project.slug}/{self.environment.slug}{self.folder.path}"
