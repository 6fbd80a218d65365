"""Folders with what they lie in, by one statement."""

from typing import Final, TypeVar

from sqlalchemy import RowMapping, Select, select

from keyturn.adapters.storage.columns import record_of
from keyturn.adapters.storage.tables import TABLES
from keyturn.domain.ids import FolderId
from keyturn.domain.project import Environment, Folder, Place, Project

T = TypeVar("T")

_folder, _environment, _project = TABLES[Folder], TABLES[Environment], TABLES[Project]
_EVERY: Final = (
    select(_folder, _environment, _project)
    .join_from(_folder, _environment, _folder.c.environment_id == _environment.c.id)
    .join(_project, _environment.c.project_id == _project.c.id)
)


def look_for_place(folder_id: FolderId) -> Select[tuple[object, ...]]:
    """Return the statement that finds a folder, its environment and its project."""
    return _EVERY.where(_folder.c.id == folder_id)


def place_of(row: RowMapping) -> Place:
    """Return the place that a row of it tells."""
    return Place(_part(Project, row), _part(Environment, row), _part(Folder, row))


def _part(kind: type[T], row: RowMapping) -> T:
    return record_of(kind, {column.name: row[column] for column in TABLES[kind].c})
