"""What stands in a file where secrets are called by their names.

Decides by names alone, so that it can only doubt: what is surely a key, `spotting` knows by its
form. Never quotes what it finds.
"""

from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias

from keyturn.domain.flows.definition import Card
from keyturn.domain.flows.expressions import Constant, Expression, Items, Members, Template
from keyturn.domain.flows.findings import Found, warning
from keyturn.domain.flows.spots import Path
from keyturn.domain.flows.spotting import has_secret_parameter, is_called_secret
from keyturn.domain.flows.values import Value

RULE: Final = (
    "is called as secrets are, and stands in the file: if it is one, keep it as a secret, and "
    "write {{ secrets.name }}"
)
_Given: TypeAlias = "Expression | Value"


def called_secrets(card: Card, path: Path) -> Iterator[Found]:
    """Find the texts among what a card is given that are secrets by their names."""
    for name, given in card.inputs.items():
        for at, part in _parts(given, (*path, "with", name)):
            if _is_called(at, part):
                yield warning(at, RULE)


def _is_called(at: Path, part: _Given) -> bool:
    if isinstance(part, Template):
        return any(has_secret_parameter(each) for each in part.parts if isinstance(each, str))
    if not isinstance(part, str) or not part.strip():
        return False
    name = next(step for step in reversed(at) if isinstance(step, str))
    return is_called_secret(name) or has_secret_parameter(part)


def _parts(given: _Given, path: Path) -> Iterator[tuple[Path, _Given]]:
    """Give all that stands for an input, with the ways to it."""
    value = given.value if isinstance(given, Constant) else given
    inner: Iterable[tuple[str | int, _Given]] = ()
    if isinstance(value, Members | dict):
        inner = (value.of if isinstance(value, Members) else value).items()
    elif isinstance(value, Items | list):
        inner = enumerate(value.of if isinstance(value, Items) else value, 1)
    else:
        yield path, value
    for step, each in inner:
        yield from _parts(each, (*path, step))
