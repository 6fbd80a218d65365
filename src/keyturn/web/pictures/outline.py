"""A graph as an outline, for windows that are too small to see it in layers.

What something leads to is below it and further right. What several lead to is shown with each of
them, and what it leads to itself with the first.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from markupsafe import Markup

from keyturn.web.pictures.nodes import (
    HEAD,
    Arrow,
    Edge,
    Node,
    Point,
    Shape,
    Sized,
    draw_edge,
    draw_node,
    sized,
)
from keyturn.web.pictures.svg import Named, number, sheet

_MARGIN: Final = 4.0
_INDENT: Final = 20.0
_GAP: Final = 10.0


def draw_outline(
    picture_id: str,
    nodes: Sequence[Node],
    edges: Sequence[Edge],
    *,
    title: str,
    desc: str = "",
) -> Markup:
    """Draw a graph as an outline. Raises KeyError for an edge of a node that is not there."""
    at, right = _MARGIN, _MARGIN
    drawn, ways, lows = list[Markup](), list[Markup](), list[float]()
    for one, depth, edge in _rows(nodes, edges):
        x = _MARGIN + depth * _INDENT
        drawn.append(draw_node(one, x, at, one.width))
        if edge:
            ways.append(_way(edge, (x, at + one.height / 2), lows[depth - 1]))
        lows[depth:] = [at + one.height]
        right, at = max(right, x + one.width), at + one.height + _GAP
    named = Named(picture_id, title, desc)
    linked = any(node.href for node in nodes)
    return sheet(named, (right + _MARGIN, at - _GAP + _MARGIN), *ways, *drawn, linked=linked)


def _rows(nodes: Sequence[Node], edges: Sequence[Edge]) -> Iterator[tuple[Sized, int, Edge | None]]:
    """Give the nodes in their order, with how deep they lie and the edge by which."""
    known = {node.id: node for node in nodes}
    leaving: dict[str, list[Edge]] = {node.id: [] for node in nodes}
    for edge in edges:
        leaving[edge.tail].append(edge)
    entered = {known[edge.head].id for edge in edges if edge.head != edge.tail}
    seen = set[str]()
    for root in sorted(nodes, key=lambda node: node.id in entered):
        left: list[tuple[str, int, Edge | None]] = [(root.id, 0, None)] * (root.id not in seen)
        while left:
            name, depth, by = left.pop()
            label = by.label if by else ""
            node = known[name]
            shape: Shape = "box" if node.shape == "pill" else node.shape
            shown = replace(node, kind=f"{label} {node.kind}".strip(), shape=shape)
            yield sized(shown), depth, by
            if name not in seen:
                seen.add(name)
                left += [(each.head, depth + 1, each) for each in reversed(leaving[name])]


def _way(edge: Edge, to: Point, low: float) -> Markup:
    """Draw the way down from what ends at ``low``, and to the side."""
    x, y = to
    bar = x - _INDENT / 2
    way = f"M{number(bar)} {number(low)}V{number(y)}H{number(x - HEAD)}"
    return draw_edge(replace(edge.look, label=""), way, Arrow((x, y), (1.0, 0.0)))
