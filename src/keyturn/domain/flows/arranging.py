"""In which order the parts of a flow stand in its file, and where its comments belong.

Decides by the names of parts alone, so that a file that is no good flow yet can be arranged, too.
"""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from keyturn.domain.flows import reading
from keyturn.domain.flows.catalogue import CARDS
from keyturn.domain.flows.spec import CardSpec, StartKind
from keyturn.domain.flows.yaml_text import Comment, Leaf, Node

_LINE: Final = re.compile(r"(?:\r\n|\r|\n)")


@dataclass(eq=False)
class Piece:
    """A value as it will be written.

    ``before`` are the comments on lines of their own before it, and the blank lines between them;
    ``beside`` is the one behind it, and ``spaced`` says that a blank line stands before them all.
    """

    of: "dict[str, Piece] | list[Piece] | Leaf"
    node: Node
    before: list[str] = field(default_factory=list)
    beside: str = ""
    spaced: bool = False

    @property
    def inner(self) -> "Sequence[Piece]":
        """Return the pieces right inside it."""
        if isinstance(self.of, dict):
            return [*self.of.values()]
        return self.of if isinstance(self.of, list) else ()

    @property
    def every(self) -> "Iterator[Piece]":
        """Give it and all that lies in it, in the order of the file."""
        left = [self]
        while left:
            piece = left.pop()
            yield piece
            left += reversed(piece.inner)


def pieces_of(text: str, node: Node, comments: Sequence[Comment]) -> tuple[Piece, list[str]]:
    """Return a file's parts as they stand there, with their comments, and those after them all."""
    whole = _piece(node)
    page = _Page(text, [*whole.every])
    after: list[str] = []
    for comment in comments:
        beside = None if comment.alone else page.beside(comment)
        if beside and not beside.beside:
            beside.beside = comment.text
            continue
        piece = beside or page.after(comment)
        lines = after if piece is None else piece.before
        spaced = beside is None and page.is_blank(comment.line - 1)
        if piece and not lines:
            piece.spaced = spaced
        elif spaced:
            lines.append("")
        lines.append(comment.text)
    for piece in page.pieces:
        if not page.is_spaced(piece):
            continue
        if piece.before:
            piece.before.append("")
        else:
            piece.spaced = True
    return whole, after


def _piece(node: Node) -> Piece:
    if isinstance(node.of, dict):
        return Piece({name: _piece(each) for name, each in node.of.items()}, node)
    if isinstance(node.of, list):
        return Piece([_piece(each) for each in node.of], node)
    return Piece(node.of, node)


class _Page:
    """Find what stands where in a text; lines count from 1."""

    def __init__(self, text: str, pieces: list[Piece]) -> None:
        self._text = text
        self._starts = [0, *(found.end() for found in _LINE.finditer(text))]
        self._begins = [piece.node.begins for piece in pieces]
        self._begun = defaultdict[int, list[Piece]](list)
        self._ended = defaultdict[int, list[Piece]](list)
        self.pieces = pieces
        for piece in pieces:
            self._begun[self.line(piece.node.begins)].append(piece)
            last = piece.node.ends - 1
            if not isinstance(piece.of, dict | list) or text[last : last + 1] in ("]", "}"):
                self._ended[self.line(last)].append(piece)

    def line(self, at: int) -> int:
        """Return the line that a place lies in."""
        return bisect_right(self._starts, at)

    def is_spaced(self, piece: Piece) -> bool:
        """Say whether a piece begins a line, and the one above is blank."""
        line = self.line(piece.node.begins)
        return self._begun[line][0] is piece and self.is_blank(line - 1)

    def is_blank(self, line: int) -> bool:
        """Say whether nothing stands in a line."""
        return line > 0 and not self._text[self._starts[line - 1] : self._starts[line]].strip()

    def beside(self, comment: Comment) -> Piece | None:
        """Return what a comment stands behind: the outermost that ends there, or the innermost."""
        ended = [each for each in self._ended[comment.line] if each.node.ends <= comment.at]
        begun = [each for each in self._begun[comment.line] if each.node.begins < comment.at]
        if ended:
            return min(ended, key=lambda each: each.node.begins)
        return begun[-1] if begun else None

    def after(self, comment: Comment) -> Piece | None:
        """Return the outermost that begins after a comment."""
        number = bisect_right(self._begins, comment.at)
        return self.pieces[number] if number < len(self.pieces) else None


# --- order ----------------------------------------------------------------------------------------

Arrange: TypeAlias = Callable[[Piece], None]


def arrange(whole: Piece) -> None:
    """Bring the parts of a flow into their order, in place."""
    inner: Mapping[str, Arrange] = {
        "start": _start,
        "limits": _names(reading.LIMIT_KEYS),
        "on_error": _ON_ERROR,
        "cards": _each(_card),
    }
    _order(whole, reading.FLOW_KEYS, inner)
    for piece in reversed([*whole.every]):
        for item in piece.inner if isinstance(piece.of, list) else ():
            _hoist(item)


def _hoist(item: Piece) -> None:
    """Let the comments before the first part of an item stand before the item, and its dash."""
    for first in item.inner[:1]:
        item.before += first.before
        first.before = []


def _order(piece: Piece, names: Sequence[str], inner: Mapping[str, Arrange] | None = None) -> None:
    if not isinstance(piece.of, dict):
        return
    of = piece.of
    piece.of = {name: of[name] for name in (*(each for each in names if each in of), *of)}
    for name, arranged in (inner or {}).items():
        if name in of:
            arranged(of[name])


def _names(names: Sequence[str]) -> Arrange:
    return lambda piece: _order(piece, names)


def _each(arranged: Arrange) -> Arrange:
    def every(piece: Piece) -> None:
        for each in piece.of if isinstance(piece.of, list) else ():
            arranged(each)

    return every


def _text(piece: Piece, name: str) -> str:
    found = piece.of.get(name) if isinstance(piece.of, dict) else None
    return found.of if found and isinstance(found.of, str) else ""


def _start(piece: Piece) -> None:
    kind = _text(piece, "kind")
    keys = reading.START_KEYS[StartKind(kind)] if kind in [*StartKind] else ()
    _order(piece, ("kind", *keys))


def _condition(piece: Piece) -> None:
    inner = {"all": _each(_condition), "any": _each(_condition), "not": _condition}
    _order(piece, reading.CONDITION_KEYS, inner)


def _case(piece: Piece) -> None:
    _order(piece, reading.CASE_KEYS, {"when": _condition, "then": _each(_card)})


def _card(piece: Piece) -> None:
    spec = CARDS.get(_text(piece, "card"))
    inner: dict[str, Arrange] = {
        "retry": _names(reading.RETRY_KEYS),
        "on_error": _ON_ERROR,
        "cases": _each(_case),
    }
    lanes = [lane.name for lane in spec.lanes] if spec else []
    inner |= dict.fromkeys(lanes, _each(_card))
    if spec:
        inner["with"] = _inputs(spec)
    _order(piece, (*reading.CARD_KEYS, *lanes), inner)


def _inputs(spec: CardSpec) -> Arrange:
    conditions = {one.name: _condition for one in spec.inputs if one.condition}
    names = [one.name for one in spec.inputs]
    return lambda piece: _order(piece, names, conditions)


_ON_ERROR: Final = _names(("give", "run"))
