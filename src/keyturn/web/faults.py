"""An error as a form tells it: at the field that it is about, in a sentence."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from keyturn.domain.errors import InvalidInput, KeyturnError, Refused, Taken
from keyturn.web.visiting import Visit

SAME: Final[Mapping[str, str]] = MappingProxyType({})
CALLED: Final[Mapping[str, str]] = MappingProxyType({"within": "time for consumers"})
"""What a label says of a field whose name says less."""


def told_of(
    error: KeyturnError | None, fields: Mapping[str, str] = SAME, *, unique: str = ""
) -> Sequence[tuple[str, str]]:
    """Return what an error says as pairs of a form's field, or nothing, and a sentence.

    ``fields`` says what a form calls a field that the rules call otherwise, and ``unique`` which of
    its fields nothing else may have the same in.
    """
    if error is None:
        return ()
    if not isinstance(error, InvalidInput):
        return [(unique if isinstance(error, Taken) else "", error.message)]
    return [_told(each.field[-1], each.rule, fields) for each in error.problems]


def _told(name: str, rule: str, fields: Mapping[str, str]) -> tuple[str, str]:
    field = fields.get(name, name)
    called = CALLED.get(field, field.replace("_", " "))
    told = f"The {called} {rule}" if rule.startswith("must ") else rule
    return field, told if told.endswith(".") else f"{told}."


def require_typed(visit: Visit, name: str) -> None:
    """Raise Refused where a form that asks for a name to confirm by does not say it."""
    if visit.said("confirm") != name:
        raise Refused("This is not its name, so nothing was deleted.")
