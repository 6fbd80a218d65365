"""What a folder gives at one moment, as names with values; knows no environment variables."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter

from keyturn.formats.prevailing import Named, prevailing
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
    """Return what an answer gives: of several secrets of one name, the one that prevails."""
    imports = [_named(each.secrets) for each in answer.imports]
    return folder_with(prevailing(imports, _named(answer.secrets)).values(), tag)


def folder_with(secrets: Iterable[Secret], tag: str) -> Folder:
    """Return a folder that gives these secrets, no two of one name."""
    named = {one.secret_key: one for one in sorted(secrets, key=attrgetter("secret_key"))}
    return Folder({name: one.secret_value for name, one in named.items()}, tag, named)


def _named(secrets: Iterable[Secret]) -> Iterable[Named[Secret]]:
    return [Named(one.secret_key, one.secret_path, one) for one in secrets]
