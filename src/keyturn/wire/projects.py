"""Projects and their environments."""

from keyturn.wire.base import Wire


class Environment(Wire):
    """A stage of a project."""

    id: str
    name: str
    slug: str


class Project(Wire):
    """A project."""

    id: str
    name: str
    slug: str
    org_id: str
    environments: tuple[Environment, ...]


class ProjectAnswer(Wire):
    """One project."""

    project: Project
