"""Rotations as they stand, each with its newest turn and the age of what it serves.

One statement for all of them: one look a rotation would cost more than all that is done with it.
"""

from functools import cache
from typing import Final, cast

from sqlalchemy import ColumnElement, Select, Table, bindparam, func, select

from keyturn.adapters.storage.columns import columns_of
from keyturn.adapters.storage.shapes import Values
from keyturn.adapters.storage.tables import POSITION, TABLES
from keyturn.domain.ids import ProjectId, RotationId
from keyturn.domain.project import Environment, Folder
from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import Secret, State, Version
from keyturn.domain.turn import Turn

_rotation, _turn = TABLES[Rotation], TABLES[Turn]
_secret, _version = TABLES[Secret], TABLES[Version]
_folder, _environment = TABLES[Folder], TABLES[Environment]
_later: Final = _turn.alias("later")
_newest: Final = (
    select(func.max(_later.c[POSITION]))
    .where(_later.c.rotation_id == _rotation.c.id)
    .scalar_subquery()
)
_mapped: Final = (_secret.c.rotation_id == _rotation.c.id) & (
    _secret.c.name == _rotation.c.mapping_client_secret
)
_served: Final = (_version.c.secret_id == _secret.c.id) & (_version.c.state == State.CURRENT)


def look_at_rotations(
    project_id: ProjectId | None, rotation_id: RotationId | None
) -> tuple[Select[tuple[object, ...]], Values]:
    """Return the statement that reads rotations, all or some, and its values."""
    asked = {"project_id": project_id, "rotation_id": rotation_id}
    values = {name: value for name, value in asked.items() if value is not None}
    return _look(frozenset(values)), values


@cache
def _look(asked: frozenset[str]) -> Select[tuple[object, ...]]:
    """Put the statement together; its columns are named as the fields of `RotationSight` are."""
    every = (
        select(
            *_named("rotation", Rotation, _rotation),
            *_named("turn", Turn, _turn),
            func.coalesce(_version.c.made_at, _version.c.created_at).label("issued_at"),
        )
        .select_from(_rotation)
        .outerjoin(_turn, _turn.c[POSITION] == _newest)
        .outerjoin(_secret, _mapped)
        .outerjoin(_version, _served)
        .order_by(_rotation.c[POSITION])
    )
    if "project_id" in asked:
        every = (
            every.join(_folder, _rotation.c.folder_id == _folder.c.id)
            .join(_environment, _folder.c.environment_id == _environment.c.id)
            .where(_environment.c.project_id == bindparam("project_id"))
        )
    if "rotation_id" in asked:
        every = every.where(_rotation.c.id == bindparam("rotation_id"))
    return cast("Select[tuple[object, ...]]", every)


def _named(prefix: str, kind: type, table: Table) -> list[ColumnElement[object]]:
    return [table.c[each.name].label(f"{prefix}_{each.name}") for each in columns_of(kind)]
