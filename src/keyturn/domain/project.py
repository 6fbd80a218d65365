"""Where secrets live: organization, project, environment, folder."""

from dataclasses import dataclass
from datetime import datetime

from keyturn.domain.ids import EnvironmentId, FolderId, OrganizationId, ProjectId

ROOT = "/"


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
    """A stage of a project, such as dev."""

    id: EnvironmentId
    project_id: ProjectId
    name: str
    slug: str


@dataclass(frozen=True)
class Folder:
    """A place in an environment that holds secrets; ``path`` is absolute."""

    id: FolderId
    environment_id: EnvironmentId
    path: str


@dataclass(frozen=True)
class Place:
    """A folder with all that it lies in."""

    project: Project
    environment: Environment
    folder: Folder

    def __str__(self) -> str:
        return f"{self.project.slug}/{self.environment.slug}{self.folder.path}"
