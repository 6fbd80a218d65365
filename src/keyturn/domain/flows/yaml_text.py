"""YAML as flows are written in: a subset that means one thing to every reader.

Decides what is taken: mappings, lists, texts, numbers, true, false and null, as YAML 1.2 reads
them. No directives, anchors, aliases, tags or merged keys, no key twice, nothing deeper than
`DEPTH_MAX`. JSON is such YAML as well.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Protocol, TypeAlias

import yaml

from keyturn.domain.flows.values import Value

TEXT_MAX: Final = 256 * 1024
DEPTH_MAX: Final = 60
NODES_MAX: Final = 20_000
KEY_MAX: Final = 160
DIGITS_MAX: Final = 18
_TRUTHS: Final = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NOTHING: Final = frozenset({"", "~", "null", "Null", "NULL"})
_WHOLE: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_NUMBER: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_IN_JSON: Final = re.compile(
    r"[-+]?0[0-9]+|0x[0-9a-fA-F]+|0o[0-7]+|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
"""Numbers to YAML 1.2, and something else to YAML 1.1 or to JSON."""
_UNSEEN: Final = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
"""What YAML does not take as it is, or what one version of it takes for the end of a line."""
_ENDS_LINE: Final = re.compile(r"\r\n|\r|\n")
_COMMENT: Final = re.compile(r"#[^\r\n]*")
_BYTE_ORDER: Final = "\ufeff"
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Mark(Protocol):
    """Where something begins or ends, whichever parser says so."""

    @property
    def index(self) -> int: ...


class NoYaml(ValueError):
    """A text is none that flows are written in; ``line`` counts from 1."""

    def __init__(self, rule: str, line: int) -> None:
        self.rule = rule
        self.line = line
        super().__init__(f"line {line}: {rule}")


@dataclass(frozen=True)
class Node:
    """A value with the line that it begins in, counted from 1.

    It stands in the text from ``begins``, where its key begins if it has one, up to ``ends``.
    """

    of: "Branches | Leaf"
    line: int
    begins: int = 0
    ends: int = 0

    @property
    def plain(self) -> Value:
        """Return the value alone."""
        match self.of:
            case dict():
                return {name: node.plain for name, node in self.of.items()}
            case list():
                return [node.plain for node in self.of]
            case leaf:
                return leaf


Branches: TypeAlias = "dict[str, Node] | list[Node]"
Leaf: TypeAlias = bool | int | float | str | None


@dataclass(frozen=True)
class Comment:
    """A comment as it is written, with its #, and where; ``alone`` on its line or after a value."""

    text: str
    at: int
    line: int
    alone: bool


def parse_yaml(text: str, *, text_max: int = TEXT_MAX, nodes_max: int = NODES_MAX) -> Node:
    """Parse one document. Raises NoYaml, which quotes nothing of it but a key."""
    return _compose(text, text_max, nodes_max).whole


def parse_commented(text: str) -> tuple[Node, tuple[Comment, ...]]:
    """Parse one document, with its comments in their order. Raises NoYaml."""
    composer = _compose(text)
    return composer.whole, tuple(_comments(text.removeprefix(_BYTE_ORDER), composer.scalars))


def ends_of_lines(text: str) -> list[int]:
    """Return where the lines of a text end, behind their last characters."""
    return [found.end() for found in _ENDS_LINE.finditer(text)]


def line_at(text: str, at: int) -> int:
    """Return the number of the line, from 1, that a place in a text lies in."""
    return sum(1 for _ in _ENDS_LINE.finditer(text, 0, at)) + 1


def _compose(text: str, text_max: int = TEXT_MAX, nodes_max: int = NODES_MAX) -> "_Composer":
    if len(text) > text_max:
        raise NoYaml(f"a flow is a text of at most {text_max:,} characters", 1)
    text = text.removeprefix(_BYTE_ORDER)
    unseen = _UNSEEN.search(text)
    if unseen:
        told = f"the character U+{ord(unseen.group()):04X} may not stand in a file as it is"
        raise NoYaml(told, line_at(text, unseen.start()))
    try:
        return _Composer(text, nodes_max)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        told = getattr(error, "problem", None) or "no YAML"
        raise NoYaml(str(told), mark.line + 1 if mark else 1) from None


class _Composer:
    """Put nodes together from what the parser meets, without recursion."""

    def __init__(self, text: str, nodes_max: int = NODES_MAX) -> None:
        self._most = nodes_max
        self._open: list[tuple[Branches, int, int]] = []
        self._keys: list[tuple[str, int] | None] = []
        self._done: list[Node] = []
        self._count = 0
        self.scalars: list[tuple[int, int, bool]] = []
        """From where to where texts and numbers stand, and whether they are blocks of lines."""
        for event in yaml.parse(text, Loader=_LOADER):
            self._take(event)
        if not self._done:
            raise NoYaml("the file is empty: it holds one flow", 1)

    @property
    def whole(self) -> Node:
        """Return the value that the document is."""
        return self._done[0]

    def _take(self, event: yaml.Event) -> None:
        line = event.start_mark.line + 1 if event.start_mark else 1
        self._refuse(event, line)
        match event:
            case yaml.ScalarEvent():
                self._scalar(event, line)
            case yaml.MappingStartEvent():
                self._begin({}, line, _index(event.start_mark))
            case yaml.SequenceStartEvent():
                self._begin([], line, _index(event.start_mark))
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                branches, line, begins = self._open.pop()
                self._keys.pop()
                self._put(Node(branches, line, begins, _index(event.end_mark)))

    def _refuse(self, event: yaml.Event, line: int) -> None:
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise NoYaml("no anchors and aliases: a flow says everything where it is meant", line)
        if getattr(event, "tag", None) is not None:
            raise NoYaml("no tags: a flow holds texts, numbers, lists and mappings", line)
        if isinstance(event, yaml.DocumentStartEvent):
            if event.version or event.tags:
                raise NoYaml("no directives: a flow is YAML 1.2 that needs none", line)
            if self._done:
                raise NoYaml("a file holds one flow", line)

    def _begin(self, branches: "Branches", line: int, begins: int) -> None:
        if self._open and self._expects_key():
            raise NoYaml("a key is a text", line)
        if len(self._open) == DEPTH_MAX:
            raise NoYaml(f"nothing lies deeper than {DEPTH_MAX}", line)
        self._open.append((branches, line, begins))
        self._keys.append(None)

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> None:
        begins, ends = _index(event.start_mark), _index(event.end_mark)
        self.scalars.append((begins, ends, event.style in ("|", ">")))
        plain = not event.style  # None, or with the parser in C an empty text
        if self._open and self._expects_key():
            self._key(event.value, line, begins, plain=plain)
        else:
            of = _leaf(event.value, line) if plain else event.value
            self._put(Node(of, line, begins, ends))

    def _expects_key(self) -> bool:
        return isinstance(self._open[-1][0], dict) and self._keys[-1] is None

    def _key(self, name: str, line: int, begins: int, *, plain: bool) -> None:
        if plain and name == "<<":
            raise NoYaml("no merged keys: a flow says everything where it is meant", line)
        if len(name) > KEY_MAX:
            raise NoYaml(f"a key has at most {KEY_MAX} characters", line)
        if name in self._open[-1][0]:
            raise NoYaml(f"{name[:60]} stands here twice", line)
        self._keys[-1] = name, begins

    def _put(self, node: Node) -> None:
        self._count += 1
        if self._count > self._most:
            raise NoYaml(f"a flow holds at most {self._most:,} values", node.line)
        if not self._open:
            self._done.append(node)
            return
        branches, key = self._open[-1][0], self._keys[-1]
        if isinstance(branches, list):
            branches.append(node)
        elif key is not None:
            branches[key[0]] = Node(node.of, node.line, key[1], node.ends)
            self._keys[-1] = None


def _index(mark: _Mark | None) -> int:
    return mark.index if mark else 0


def _comments(text: str, scalars: list[tuple[int, int, bool]]) -> Iterator[Comment]:
    """Give what follows a # outside of all values; one may follow the sign of a block of lines."""
    ends = [m.start() for m in _ENDS_LINE.finditer(text)]
    line = 0
    for begin, end in _between(text, scalars):
        for found in _COMMENT.finditer(text, begin, end):
            at = found.start()
            while line < len(ends) and ends[line] < at:
                line += 1
            before = text[ends[line - 1] if line else 0 : at]
            yield Comment(found.group().rstrip(), at, line + 1, not before.strip())


def _between(text: str, scalars: list[tuple[int, int, bool]]) -> Iterator[tuple[int, int]]:
    edges = [(0, 0, False), *scalars, (len(text), len(text), False)]
    for (_, end, _), (begin, _, block) in pairwise(edges):
        newline = _ENDS_LINE.search(text, begin) if block else None
        yield end, newline.start() if newline else begin


def _leaf(text: str, line: int) -> Leaf:
    """Return what a plain scalar is by YAML 1.2's core schema, numbers as JSON knows them."""
    if text in _NOTHING:
        return None
    if text in _TRUTHS:
        return _TRUTHS[text]
    if _NOT_IN_JSON.fullmatch(text):
        raise NoYaml("not every reader takes this for the same number: write it in quotes", line)
    return _number(text, line) if _NUMBER.fullmatch(text) else text


def _number(text: str, line: int) -> int | float:
    whole = _WHOLE.fullmatch(text)
    if len(text) <= (DIGITS_MAX if whole else 3 * DIGITS_MAX):
        number = int(text) if whole else float(text)
        if math.isfinite(number):
            return number
    raise NoYaml("a number is too long or too large: write it in quotes", line)
