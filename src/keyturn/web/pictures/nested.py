"""Steps one below the other, some of which hold others: lanes side by side in a frame around them.

What comes next is always below, and what only some come to lies further right, so that the first
column tells the main way in a small window, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from markupsafe import Markup

from keyturn.web.pictures.lettering import lines_of, width_of
from keyturn.web.pictures.nodes import (
    HEAD,
    KIND,
    Arrow,
    Look,
    Node,
    Point,
    Sized,
    draw_edge,
    draw_node,
    sized,
)
from keyturn.web.pictures.svg import Named, el, number, sheet
from keyturn.web.pictures.tones import Tone, toned

_MARGIN: Final = 6.0
_RAIL: Final = 24.0
"""How far from its left side the way comes into a step, and leaves it."""
_GAP: Final = 24.0
_INSET: Final = 14.0
_APART: Final = 18.0
_BESIDE: Final = 64.0
_AGAIN: Final = 16.0
_SIGN: Final = 220.0
"""How wide the sign of a lane may be."""
_SIGN_LINE: Final = 15.0
_SIGN_PAD: Final = 8.0
_BEND: Final = 6.0
PLAIN: Final = Look()


@dataclass(frozen=True)
class Beside:
    """Something that a step leads to besides the next one, and how its way there looks."""

    node: Node
    look: Look


@dataclass(frozen=True)
class Lane:
    """Steps inside a step; ``sign`` says when they are taken, ``again`` that this is repeated."""

    sign: str
    steps: Sequence["Step"] = ()
    again: bool = False
    tone: Tone = ""


@dataclass(frozen=True)
class Step:
    """A step with the lanes that it holds, and what lies beside it."""

    node: Node
    lanes: Sequence[Lane] = ()
    beside: Sequence[Beside] = ()

    @property
    def linked(self) -> bool:
        """Say whether a link is in it."""
        inner = (step.linked for lane in self.lanes for step in lane.steps)
        return bool(self.node.href) or any(b.node.href for b in self.beside) or any(inner)


def draw_nested(picture_id: str, steps: Sequence[Step], *, title: str, desc: str = "") -> Markup:
    """Draw steps from top to bottom."""
    page = _Page()
    right, bottom = page.steps(steps, _MARGIN, _MARGIN)
    return sheet(
        Named(picture_id, title, desc),
        (right + _MARGIN, bottom + _MARGIN),
        *page.frames,
        *page.ways,
        *page.nodes,
        linked=any(step.linked for step in steps),
    )


@dataclass
class _Page:
    """What is drawn so far: frames lie below everything, nodes on top and in their order."""

    frames: list[Markup] = field(default_factory=list)
    ways: list[Markup] = field(default_factory=list)
    nodes: list[Markup] = field(default_factory=list)
    depth: int = 0

    def steps(self, steps: Sequence[Step], x: float, y: float) -> Point:
        """Draw steps below each other from there; return where they end to the right and below."""
        measured = [sized(step.node) for step in steps]
        width, right = max((each.width for each in measured), default=0.0), x
        for place, (step, one) in enumerate(zip(steps, measured, strict=True)):
            if place:
                self.way([(x + _RAIL, y), (x + _RAIL, y + _GAP)])
                y += _GAP
            end, y = self.step(step, one, (x, y), width)
            right = max(right, end)
        return right, y

    def step(self, step: Step, one: Sized, at: Point, width: float) -> Point:
        """Draw a step with all that it holds."""
        x, y = at
        frame = len(self.frames)
        self.nodes.append(draw_node(one, x, y, width))
        right, bottom = self.beside(step.beside, (x + width, y), one.height)
        if not step.lanes:
            return right, bottom
        self.depth += 1
        end, low = self.lanes(step.lanes, (x, y + one.height), bottom + _GAP)
        self.depth -= 1
        right, bottom = max(right, end) + _INSET, low + _INSET
        name = "pic-frame pic-odd" if self.depth % 2 else "pic-frame"
        self.frames.insert(
            frame, el("rect", x=x, y=y, width=right - x, height=bottom - y, rx=10, class_=name)
        )
        return right, bottom

    def beside(self, found: Sequence[Beside], at: Point, height: float) -> Point:
        """Draw what lies beside a step that ends there to the right."""
        (x, y), right, low = at, at[0], at[1] + height
        for each in found:
            one = sized(each.node)
            gap = max(_BESIDE, width_of(each.look.label, KIND) + 2 * _APART)
            middle = y + min(one.height, height) / 2
            self.way([(x, middle), (x + gap, middle)], each.look)
            self.nodes.append(draw_node(one, x + gap, y, one.width))
            right, y = max(right, x + gap + one.width), y + one.height + _APART
            low = max(low, y - _APART)
        return right, low

    def lanes(self, lanes: Sequence[Lane], fork: Point, y: float) -> Point:
        """Draw lanes side by side, and the ways to them from where the step ends."""
        x, bottom = fork[0] + _INSET, y
        right = x
        for lane in lanes:
            start, turn = (fork[0] + _RAIL, fork[1]), x + _RAIL
            look = Look(tone=lane.tone, dashed=bool(lane.tone))
            bend = y - _GAP + _BEND
            self.way([start, (start[0], bend), (turn, bend), (turn, y)], look)
            right, low = self.lane(lane, x, y)
            x, bottom = right + _APART, max(bottom, low)
        return right, bottom

    def lane(self, lane: Lane, x: float, y: float) -> Point:
        """Draw the sign of a lane, and its steps below."""
        texts = lines_of(lane.sign, KIND, _SIGN, 2, bold=True)
        wide = max((width_of(each, KIND, bold=True) for each in texts), default=0.0) + 2 * _SIGN_PAD
        wide, low = max(wide, 2 * _RAIL), y + _SIGN_LINE * len(texts) + _SIGN_PAD
        self.nodes.append(
            el(
                "g",
                el("rect", x=x, y=y, width=wide, height=low - y, rx=6, class_="pic-sign-box"),
                *(
                    el("text", each, x=x + _SIGN_PAD, y=y + _SIGN_LINE * (at + 1))
                    for at, each in enumerate(texts)
                ),
                class_=toned("pic-lane", lane.tone),
            )
        )
        if not lane.steps:
            return x + wide, low
        inner = x + _AGAIN if lane.again else x
        rail = inner + _RAIL
        self.way([(rail, low), (rail, low + _GAP)])
        right, bottom = self.steps(lane.steps, inner, low + _GAP)
        if lane.again:
            back, under = x + _AGAIN / 2, bottom + _AGAIN * 0.75
            points = [(rail, bottom), (rail, under), (back, under), (back, low)]
            self.way(points, Look(dashed=True))
            bottom = under
        return max(right, x + wide), bottom

    def way(self, points: Sequence[Point], look: Look = PLAIN) -> None:
        """Draw a way with square bends, and the head of its arrow."""
        (x1, y1), (x2, y2) = points[-2:]
        length = abs(x2 - x1) + abs(y2 - y1)
        towards = (x2 - x1) / length, (y2 - y1) / length
        drawn = [*points[:-1], (x2 - towards[0] * HEAD, y2 - towards[1] * HEAD)]
        middle = (x1 + x2 - HEAD) / 2, (y1 + y2) / 2
        self.ways.append(
            draw_edge(look, _path(drawn), Arrow((x2, y2), towards, middle, above=True))
        )


def _path(points: Sequence[Point]) -> str:
    return "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points)
