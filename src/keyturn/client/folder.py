"""What a folder gives at one moment, as names with values.

Decides which of several secrets of one name prevails; knows no environment variables.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from keyturn.wire.secrets import Secret, SecretsAnswer


@dataclass(frozen=True)
class Folder:
    """Names with values that were current together; ``tag`` names this copy of them."""

    values: Mapping[str, str] = field(repr=False)
    tag: str


def folder_of(answer: SecretsAnswer, tag: str) -> Folder:
    """Return what an answer gives; its own secrets prevail over imports, a later one over earlier.

    Of two secrets of one name in folders below each other, the one nearer to the top prevails; of
    two that are equally near, the one whose path comes first.
    """
    values: dict[str, str] = {}
    for imported in answer.imports:
        values |= _values(imported.secrets)
    values |= _values(sorted(answer.secrets, key=_nearness, reverse=True))
    return Folder(dict(sorted(values.items())), tag)


def _values(secrets: Iterable[Secret]) -> dict[str, str]:
    return {one.secret_key: one.secret_value for one in secrets}


def _nearness(secret: Secret) -> tuple[int, str]:
    path = secret.secret_path.strip("/")
    return (path.count("/") + bool(path), path)
