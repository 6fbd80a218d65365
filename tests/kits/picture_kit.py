"""What the tests of pictures share: pictures read back as elements, and where all of it lies."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from xml.etree import ElementTree as ET

from keyturn.web.pictures.lettering import width_of
from keyturn.web.pictures.tones import MARK

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onload='alert(1)",
    "</title></svg><b>",
    "&amp;&#x3c;&",
    "]]><!--",
    "{{ 7 * 7 }}{% raw %}",
    "line\nbreak\ttab\x00nul\x1besc",
    "\u202eright to left\u202c\ufeff",
    "ж漢字😀é",
    "x" * 5000,
    " ",
)
"""Texts that are no good for markup, or for a layout."""

SIZES = {"pic-title": 14.0, "pic-kind": 11.0, "pic-note": 12.0}


@dataclass(frozen=True)
class Box:
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float

    def holds(self, x: float, y: float, slack: float = 0.5) -> bool:
        """Say whether a point lies in it."""
        right, low = self.x + self.width + slack, self.y + self.height + slack
        return self.x - slack <= x <= right and self.y - slack <= y <= low

    def overlaps(self, other: "Box") -> bool:
        """Say whether two have more in common than their sides."""
        beside = self.x + self.width <= other.x or other.x + other.width <= self.x
        return not (beside or self.y + self.height <= other.y or other.y + other.height <= self.y)


def read(markup: str) -> ET.Element:
    """Read a picture, which has to be well-formed."""
    return ET.fromstring(f"<div>{markup}</div>")  # noqa: S314  our own picture, of our own texts


def classes(one: ET.Element) -> set[str]:
    """Return the classes of an element."""
    return set(one.get("class", "").split())


def by_class(root: ET.Element, name: str) -> list[ET.Element]:
    """Return the elements of a class, in the order of the file."""
    return [each for each in root.iter() if name in classes(each)]


def texts(root: ET.Element) -> list[str]:
    """Return what is written in a picture."""
    return [each.text or "" for each in root.iter("text")]


def titles(root: ET.Element) -> list[str]:
    """Return what is said of the parts of a picture; the first is what it is called."""
    return [each.text or "" for each in root.iter("title")]


def box_of(one: ET.Element) -> Box:
    """Return where a rectangle or a polygon lies."""
    if one.tag == "rect":
        return Box(*(float(one.get(name, "0")) for name in ("x", "y", "width", "height")))
    points = [tuple(map(float, each.split(","))) for each in one.get("points", "").split()]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return Box(min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))


def node_boxes(root: ET.Element) -> list[Box]:
    """Return where the nodes of a graph lie."""
    return [box_of(each) for each in by_class(root, "pic-box")]


def overlapping(boxes: list[Box]) -> list[tuple[Box, Box]]:
    """Return the pairs of boxes that overlap."""
    return [(a, b) for a, b in combinations(boxes, 2) if a.overlaps(b)]


def outside(root: ET.Element) -> list[str]:
    """Return what of a picture with a size of its own lies beyond its edges, as far as it tells."""
    (sheet,) = by_class(root, "pic-sheet")
    _, _, width, height = map(float, sheet.get("viewBox", "").split())
    page = Box(0, 0, width, height)
    return [f"{name} {x} {y}" for name, x, y in _points(sheet) if not page.holds(x, y)]


def _points(sheet: ET.Element) -> Iterator[tuple[str, float, float]]:
    for one in sheet.iter():
        if one.tag in ("rect", "polygon"):
            box = box_of(one)
            yield one.tag, box.x, box.y
            yield one.tag, box.x + box.width, box.y + box.height
        elif one.tag == "text":
            yield from _ends(one)
        elif one.tag == "path" and "pic-line" in classes(one):
            numbers = [*map(float, re.findall(r"-?[\d.]+", one.get("d", "")))]
            if "V" not in one.get("d", ""):
                yield from (("path", *at) for at in zip(numbers[::2], numbers[1::2], strict=True))


def _ends(one: ET.Element) -> Iterator[tuple[str, float, float]]:
    x, y, text = float(one.get("x", "0")), float(one.get("y", "0")), one.text or ""
    wide = text_width(one)
    left = x - wide / 2 if one.get("text-anchor") == "middle" else x
    yield f"text {text}", left, y
    yield f"text {text}", left + wide, y


def label_box(one: ET.Element) -> Box:
    """Return where a text lies that is centred at a place of its own."""
    x, y, wide = float(one.get("x", "0")), float(one.get("y", "0")), text_width(one)
    return Box(x - wide / 2, y - 8, wide, 9)


def text_width(one: ET.Element) -> float:
    """Return about how wide a text is as the style sheet has it."""
    size = next((SIZES[each] for each in classes(one) if each in SIZES), 11.0)
    return width_of(one.text or "", size, bold="pic-title" in classes(one))


def spilt(root: ET.Element) -> list[str]:
    """Return the texts of nodes that leave their boxes, or run into a mark."""
    return [text for node in by_class(root, "pic-node") for text in _spilt(node)]


def _spilt(node: ET.Element) -> Iterator[str]:
    (box,) = map(box_of, by_class(node, "pic-box"))
    marks = [_mark_box(each) for each in by_class(node, "pic-mark")]
    for one in node.iter("text"):
        x, y, wide = float(one.get("x", "0")), float(one.get("y", "0")), text_width(one)
        written = Box(x, y - 8, wide, 9)
        if not box.holds(x + wide, y) or any(each.overlaps(written) for each in marks):
            yield one.text or ""


def _mark_box(one: ET.Element) -> Box:
    x, y = map(float, re.findall(r"-?[\d.]+", one.get("transform", "")))
    return Box(x, y, MARK, MARK)


def shares(root: ET.Element) -> list[float]:
    """Return all shares of the width that a fluid picture names, and where its rectangles end."""
    found = []
    for one in root.iter():
        places = {
            name: float(one.get(name, "")[:-1])
            for name in ("x", "x1", "x2", "width")
            if one.get(name, "").endswith("%")
        }
        found += places.values()
        if one.tag == "rect" and "x" in places:
            found.append(places["x"] + places["width"])
    return found


def lows(root: ET.Element) -> list[float]:
    """Return how far down a fluid picture reaches, part by part."""
    ends = [
        float(one.get("y", "0")) + float(one.get("height", "0"))
        for one in root.iter()
        if one.tag in ("rect", "text")
    ]
    return ends + [float(one.get("y2", "0")) for one in root.iter("line")]
