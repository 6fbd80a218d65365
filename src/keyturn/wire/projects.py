"""Projects and their environments."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from keyturn.wire.base import Instant, Text, Whole, Wire, absent_if_empty

Position = Annotated[
    Annotated[Whole, Field(ge=1, le=1000)] | None, BeforeValidator(absent_if_empty)
]


class CreateProject(Wire):
    """A new project; without a slug one is made of its name."""

    project_name: Text
    slug: str | None = Field(default=None, max_length=64)


class CreateEnvironment(Wire):
    """A new environment, the last one unless a position is given."""

    name: Text
    slug: Text
    position: Position = None


class UpdateEnvironment(Wire):
    """What is to change of an environment."""

    name: Text | None = None
    slug: Text | None = None
    position: Position = None


class Environment(Wire):
    """A stage of a project."""

    id: str
    name: str
    slug: str
    position: int


class EnvironmentAnswer(Wire):
    """One environment."""

    message: str
    workspace: str
    environment: Environment


class Project(Wire):
    """A project."""

    id: str
    legacy_id: str = Field(validation_alias="_id", serialization_alias="_id")
    name: str
    slug: str
    org_id: str
    type: str = "secret-manager"
    created_at: Instant
    environments: tuple[Environment, ...]


class ProjectAnswer(Wire):
    """One project."""

    project: Project


class WorkspaceAnswer(Wire):
    """One project, by the name that older clients have for it."""

    workspace: Project


class WorkspacesAnswer(Wire):
    """Projects, by the name that older clients have for them."""

    workspaces: tuple[Project, ...]


class Checked(Wire):
    """The token is good."""

    message: str = "Authenticated"
