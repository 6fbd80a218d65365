"""What the import of names with values would change in a folder."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from keyturn.client.api import KeyturnApi, Place
from keyturn.wire.secrets import BATCH_MAX, Secret


@dataclass(frozen=True)
class ImportPlan:
    """The names of an import by what they are to the folder; never a value.

    ``rotated`` are kept by a rotation and are not written by hand.
    """

    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    same: tuple[str, ...] = ()
    rotated: tuple[str, ...] = ()

    def to_write(self, *, overwrite: bool) -> tuple[str, ...]:
        """Return the names that are to be written."""
        return self.new + self.changed if overwrite else self.new


def plan_import(found: Iterable[Secret], wanted: Mapping[str, str]) -> ImportPlan:
    """Compare what is wanted with what is there, unexpanded."""
    there = {one.secret_key: one for one in found}
    sorts: dict[str, list[str]] = {"new": [], "changed": [], "same": [], "rotated": []}
    for name, value in sorted(wanted.items()):
        sorts[_sort(there.get(name), value)].append(name)
    return ImportPlan(**{sort: tuple(names) for sort, names in sorts.items()})


async def write_import(
    api: KeyturnApi, place: Place, values: Mapping[str, str], *, overwrite: bool
) -> None:
    """Store values, in as few requests as may carry them; each is written whole or not at all.

    Without ``overwrite``, what has come to be there meanwhile is refused. Raises ClientError.
    """
    write = api.set_secrets if overwrite else api.create_secrets
    pairs = list(values.items())
    for at in range(0, len(pairs), BATCH_MAX):
        await write(place, dict(pairs[at : at + BATCH_MAX]))


def _sort(there: Secret | None, value: str) -> str:
    if there is None:
        return "new"
    if there.is_rotated_secret:
        return "rotated"
    return "same" if there.secret_value == value else "changed"
