"""References from one secret's value to another's.

``${NAME}`` is a secret of the same folder, ``${env.folder.sub.NAME}`` one of the same project by
its environment and folders. Decides what is a reference and what a text becomes; knows nothing of
how secrets are looked up or who may read them. What leads nowhere stays as it is written, and so
does what leads in a circle, too deep, or to a text without measure.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from keyturn.domain import names

DEPTH_MAX = 10
SOURCES_MAX = 500
TEXT_MAX = 1_048_576
"""How many characters one text may take in, all that its references refer to included."""

_REFERENCE = re.compile(r"\$\{([^${}\s:/]{1,1024})\}")


@dataclass(frozen=True, order=True)
class Source:
    """A secret of the project by where it lies."""

    environment: str
    path: str
    name: str


def refers(text: str) -> bool:
    """Say whether a text holds what may be a reference."""
    return bool(sources(text, Source("", "/", "")))


def sources(text: str, at: Source) -> frozenset[Source]:
    """Return what a secret's text refers to; ``at`` is the secret itself."""
    found = (_source(inner, at) for inner in _REFERENCE.findall(text))
    return frozenset(source for source in found if source)


def expanded(text: str, at: Source, known: Mapping[Source, str]) -> str:
    """Return a secret's text with the known texts in the place of its references."""
    return _Expansion(known).of(text, (at,))


def _source(inner: str, at: Source) -> Source | None:
    environment, *folders = inner.split(".")
    if not folders:
        return Source(at.environment, at.path, inner)
    name = folders.pop()
    path = "/" + "/".join(folders)
    if not all((name, *folders)) or not names.is_slug(environment) or not names.is_path(path):
        return None
    return Source(environment, path, name)


class _Expansion:
    """One text in the making, and how much it may still take in."""

    def __init__(self, known: Mapping[Source, str]) -> None:
        self._known = known
        self._left = TEXT_MAX

    def of(self, text: str, above: tuple[Source, ...]) -> str:
        """Return a text, reached through those above it, with its references replaced."""
        return _REFERENCE.sub(lambda found: self._put(found, above), text)

    def _put(self, found: re.Match[str], above: tuple[Source, ...]) -> str:
        source = _source(found[1], above[-1])
        text = self._known.get(source) if source else None
        if source is None or text is None or source in above or len(above) > DEPTH_MAX:
            return found[0]
        if len(text) >= self._left:
            return found[0]
        self._left -= len(text) + 1
        return self.of(text, (*above, source))
