"""What the import of secrets would change in a folder, and the change itself."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from keyturn.client.api import BATCH, KeyturnApi, Place
from keyturn.client.tree import Item, Label
from keyturn.wire.secrets import (
    BATCH_MAX,
    BatchAnswer,
    ChangedSecret,
    CreateSecrets,
    NewMetadata,
    NewSecret,
    Secret,
    UpdateSecrets,
)


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


def items_of(values: Mapping[str, str]) -> tuple[Item, ...]:
    """Return names with values as secrets of which nothing more is known."""
    return tuple(Item(name, value) for name, value in values.items())


def plan_import(found: Iterable[Secret], wanted: Iterable[Item]) -> ImportPlan:
    """Compare what is wanted with what is there, unexpanded."""
    there = {one.secret_key: one for one in found}
    sorts: dict[str, list[str]] = {"new": [], "changed": [], "same": [], "rotated": []}
    for item in sorted(wanted, key=_name):
        sorts[_sort(there.get(item.name), item)].append(item.name)
    return ImportPlan(**{sort: tuple(names) for sort, names in sorts.items()})


async def write_import(
    api: KeyturnApi,
    place: Place,
    items: Sequence[Item],
    *,
    overwrite: bool,
    tag_ids: Mapping[str, str] | None = None,
) -> None:
    """Store secrets, in as few requests as may carry them; each is written whole or not at all.

    ``tag_ids`` are those of the project by their slugs. Without ``overwrite``, what has come to be
    there meanwhile is refused. Raises ClientError.
    """
    for at in range(0, len(items), BATCH_MAX):
        fields = [_fields(item, tag_ids or {}) for item in items[at : at + BATCH_MAX]]
        if overwrite:
            changed = tuple(map(ChangedSecret.model_validate, fields))
            asked = place.query() | {"secrets": changed, "mode": "upsert"}
            await api.call(BatchAnswer, "PATCH", BATCH, body=UpdateSecrets.model_validate(asked))
        else:
            new = tuple(map(NewSecret.model_validate, fields))
            body = CreateSecrets.model_validate(place.query() | {"secrets": new})
            await api.call(BatchAnswer, "POST", BATCH, body=body)


def _fields(item: Item, tag_ids: Mapping[str, str]) -> dict[str, object]:
    """Return what is to be written of a secret; what is not known of it is left out."""
    labels, metadata = item.labels, item.metadata
    fields: dict[str, object | None] = {
        "secretKey": item.name,
        "secretValue": item.value,
        "secretComment": item.comment,
        "skipMultilineEncoding": item.skip_multiline_encoding,
        "tagIds": None if labels is None else [tag_ids[each.slug] for each in labels],
        "secretMetadata": None
        if metadata is None
        else [NewMetadata(key=key, value=value) for key, value in metadata],
    }
    return {name: field for name, field in fields.items() if field is not None}


def _sort(there: Secret | None, item: Item) -> str:
    if there is None:
        return "new"
    if there.is_rotated_secret:
        return "rotated"
    return "same" if _wanted(item) == _found(item, there) else "changed"


def _wanted(item: Item) -> Item:
    """Return an item as it can be compared: tags by their slugs alone."""
    labels = item.labels
    return item if labels is None else replace(item, labels=_sorted(each.slug for each in labels))


def _found(item: Item, there: Secret) -> Item:
    """Return what is there, as far as it is known of the item."""
    metadata = tuple((each.key, each.value) for each in there.secret_metadata)
    return Item(
        there.secret_key,
        there.secret_value,
        comment=None if item.comment is None else there.secret_comment,
        labels=None if item.labels is None else _sorted(each.slug for each in there.tags),
        metadata=None if item.metadata is None else metadata,
        skip_multiline_encoding=None
        if item.skip_multiline_encoding is None
        else there.skip_multiline_encoding,
    )


def _sorted(slugs: Iterable[str]) -> tuple[Label, ...]:
    return tuple(map(Label, sorted(slugs)))


def _name(item: Item) -> str:
    return item.name
