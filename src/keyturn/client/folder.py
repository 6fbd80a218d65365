"""What a folder gives at one moment, as names with values.

Decides which of several secrets of one name prevails; knows no environment variables.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from keyturn.wire.secrets import Secret, SecretsAnswer


@dataclass(frozen=True)
class Folder:
    """Names with values that were current together; ``tag`` names this copy of them.

    ``secrets`` are whose values these are: where each lies, and in which version it is.
    """

    values: Mapping[str, str] = field(repr=False)
    tag: str
    secrets: Mapping[str, Secret] = field(default_factory=dict, repr=False, compare=False)


def folder_of(answer: SecretsAnswer, tag: str) -> Folder:
    """Return what an answer gives; its own secrets prevail over imports, a later one over earlier.

    Of two secrets of one name in folders below each other, the one nearer to the top prevails; of
    two that are equally near, the one whose path comes first.
    """
    prevailing: dict[str, Secret] = {}
    for imported in answer.imports:
        prevailing |= _named(imported.secrets)
    prevailing |= _named(sorted(answer.secrets, key=_nearness, reverse=True))
    return folder_with(prevailing.values(), tag)


def folder_with(secrets: Iterable[Secret], tag: str) -> Folder:
    """Return a folder that gives these secrets, no two of one name."""
    named = dict(sorted(_named(secrets).items()))
    return Folder({name: one.secret_value for name, one in named.items()}, tag, named)


def _named(secrets: Iterable[Secret]) -> dict[str, Secret]:
    return {one.secret_key: one for one in secrets}


def _nearness(secret: Secret) -> tuple[int, str]:
    path = secret.secret_path.strip("/")
    return (path.count("/") + bool(path), path)
