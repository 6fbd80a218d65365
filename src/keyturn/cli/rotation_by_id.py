"""A rotation by its id alone: so a message can name one, in whatever project it is."""

from http import HTTPStatus
from typing import TYPE_CHECKING, get_args
from uuid import UUID

if TYPE_CHECKING:
    from keyturn.client import KeyturnApi
    from keyturn.wire.rotations import Rotation


async def find_by_id(api: "KeyturnApi", which: str) -> "Rotation | None":
    """Find a rotation of any type in any project; None for what is no id, or nobody's.

    Raises ApiError for one that the caller may not see.
    """
    from keyturn.client import ApiError
    from keyturn.client.turns import EVERY_ROTATION
    from keyturn.wire.rotations import RotationType

    if not _is_id(which):
        return None
    for kind in get_args(RotationType):
        try:
            return await api.rotation("GET", f"{EVERY_ROTATION}/{kind}/{which}")
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
    return None


def _is_id(which: str) -> bool:
    try:
        return str(UUID(which)) == which
    except ValueError:
        return False
