"""Nodes and edges of graphs: how large they are, and how they look."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from markupsafe import Markup

from keyturn.web.pictures.lettering import lines_of, shortened, width_of
from keyturn.web.pictures.svg import Content, el, link, number
from keyturn.web.pictures.tones import MARK, WORDS, Tone, mark, toned

Shape = Literal["box", "pill", "choice", "part"]
"""What a node is: anything, a start or an end, a choice, or something with an inside elsewhere."""

WIDEST: Final = 236.0
NARROWEST: Final = 96.0
TITLE, KIND, NOTE = 14.0, 11.0, 12.0
_LINES: Final = {TITLE: 19.0, KIND: 15.0, NOTE: 16.0}
_NOTE_LINES: Final = 3
_PAD_Y: Final = 10.0
_PAD_X: Final[Mapping[Shape, float]] = {"box": 14, "pill": 20, "choice": 22, "part": 20}
HEAD: Final = 7.0
"""How long the head of an arrow is."""


@dataclass(frozen=True)
class Node:
    """Something in a graph; ``kind`` says above its title what it is, ``note`` below how it does.

    ``href`` is where it leads, empty for nowhere.
    """

    id: str
    title: str
    kind: str = ""
    note: str = ""
    tone: Tone = ""
    href: str = ""
    shape: Shape = "box"

    @property
    def told(self) -> str:
        """Return all of it in one sentence."""
        named = f"{self.kind} {self.title}".strip()
        how = ": ".join(each for each in (WORDS[self.tone], self.note) if each)
        return f"{named}, {how}" if how else named


@dataclass(frozen=True)
class Look:
    """How an edge looks, and what is written at it."""

    label: str = ""
    tone: Tone = ""
    dashed: bool = False


@dataclass(frozen=True)
class Edge:
    """A way from one node to another, by their ids."""

    tail: str
    head: str
    label: str = ""
    tone: Tone = ""
    dashed: bool = False

    @property
    def look(self) -> Look:
        """Return how it looks."""
        return Look(self.label, self.tone, self.dashed)


@dataclass(frozen=True)
class Sized:
    """A node with its lines as they fit, and how large it is."""

    node: Node
    title: str
    kind: str
    notes: tuple[str, ...]
    width: float
    height: float


def sized(node: Node, widest: float = WIDEST) -> Sized:
    """Return a node with its size: as wide as its texts, within limits."""
    beside = 2 * _PAD_X[node.shape]
    room = widest - beside
    after_mark = room - (MARK + 8 if node.tone else 0)
    title = shortened(node.title, TITLE, room if node.kind else after_mark, bold=True)
    kind = shortened(node.kind, KIND, after_mark)
    notes = lines_of(node.note, NOTE, room, _NOTE_LINES) if node.note else ()
    first = (
        (width_of(kind, KIND) if kind else width_of(title, TITLE, bold=True)) + room - after_mark
    )
    inner = max(
        first, width_of(title, TITLE, bold=True), *(width_of(each, NOTE) for each in notes), 0
    )
    lines = (KIND if kind else None, TITLE, *(NOTE for _ in notes))
    height = sum(_LINES[each] for each in lines if each) + 2 * _PAD_Y
    return Sized(node, title, kind, notes, max(inner + beside, NARROWEST), height)


def draw_node(one: Sized, x: float, y: float, width: float) -> Markup:
    """Draw a node of this width with its upper left corner there."""
    node, pad = one.node, _PAD_X[one.node.shape]
    at, lines = y + _PAD_Y, list[Markup]()
    for text, size, name in (
        (one.kind, KIND, "pic-kind"),
        (one.title, TITLE, "pic-title"),
        *((each, NOTE, "pic-note") for each in one.notes),
    ):
        if text:
            at += _LINES[size]
            lines.append(el("text", text, x=x + pad, y=at - size * 0.3, class_=name))
    return link(
        node.href,
        node.told,
        *_outline(node.shape, x, y, width, one.height),
        mark(node.tone, x + width - pad - MARK + 4, y + _PAD_Y),
        *lines,
        class_=toned("pic-node", node.tone),
    )


def _outline(shape: Shape, x: float, y: float, width: float, height: float) -> tuple[Markup, ...]:
    box = {"x": x, "y": y, "width": width, "height": height}
    match shape:
        case "choice":
            tip, right, low = 10, x + width, y + height
            middle = y + height / 2
            points = (
                (x + tip, y),
                (right - tip, y),
                (right, middle),
                (right - tip, low),
                (x + tip, low),
                (x, middle),
            )
            return (el("polygon", points=points_of(points), class_="pic-box"),)
        case "part":
            sides = (x + 6, x + width - 6)
            lines = (f"M{number(side)} {number(y)}v{number(height)}" for side in sides)
            return (
                el("rect", **box, rx=4, class_="pic-box"),
                el("path", d="".join(lines), class_="pic-sides"),
            )
        case _:
            corner = min(height / 2, 24) if shape == "pill" else 8
            return (el("rect", **box, rx=corner, class_="pic-box"),)


Point = tuple[float, float]


@dataclass(frozen=True)
class Arrow:
    """The end of an edge: where its tip is, and which way it points.

    ``label`` is the middle of its label, which lies on the edge or, in a straight one, ``above``.
    """

    tip: Point
    towards: Point
    label: Point | None = None
    above: bool = False


def draw_edge(look: Look, way: str, arrow: Arrow) -> Markup:
    """Draw an edge along a way that ends right before the head of its arrow."""
    (x, y), (dx, dy) = arrow.tip, arrow.towards
    wide = HEAD * 0.6
    back, side = (x - dx * HEAD, y - dy * HEAD), (dy * wide, dx * wide)
    corners = (
        (x, y),
        (back[0] - side[0], back[1] - side[1]),
        (back[0] + side[0], back[1] + side[1]),
    )
    label: Content = None
    if look.label and arrow.label:
        text, (x, y) = shortened(look.label, KIND, WIDEST), arrow.label
        place, name = (y - 5, "pic-label") if arrow.above else (y + 4, "pic-label pic-on")
        label = el("text", text, x=x, y=place, text_anchor="middle", class_=name)
    return el(
        "g",
        el("path", d=way, class_="pic-line"),
        el("polygon", points=points_of(corners), class_="pic-head"),
        label,
        class_=toned("pic-edge pic-dashed" if look.dashed else "pic-edge", look.tone),
        aria_hidden="true",
    )


def points_of(corners: Iterable[Point]) -> str:
    """Write corners as SVG takes them."""
    return " ".join(f"{number(x)},{number(y)}" for x, y in corners)
