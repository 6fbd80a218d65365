"""A graph in layers: what leads to what, from left to right, or from top to bottom.

What closes a cycle is drawn against the others, dashed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from markupsafe import Markup

from keyturn.web.pictures.layers import Layered, layered
from keyturn.web.pictures.lettering import width_of
from keyturn.web.pictures.nodes import (
    HEAD,
    KIND,
    WIDEST,
    Arrow,
    Edge,
    Look,
    Node,
    Point,
    Sized,
    draw_edge,
    draw_node,
    sized,
)
from keyturn.web.pictures.places import placed
from keyturn.web.pictures.svg import Named, number, sheet

_MARGIN: Final = 16.0
_GAP: Final = 48.0
_LOOP: Final = 12.0


@dataclass(frozen=True)
class Spot:
    """Where a node or a bend lies: along the layers, and across them."""

    starts: float
    ends: float
    middle: float


@dataclass(frozen=True)
class Plan:
    """A graph with a spot for each node and bend: ``length`` runs along it, ``breadth`` across."""

    nodes: Sequence[Sized]
    spots: Sequence[Spot]
    graph: Layered
    length: float
    breadth: float
    down: bool

    def box(self, at: int) -> tuple[float, float, float, float]:
        """Return where a node is drawn: x, y, width and height."""
        one, spot = self.nodes[at], self.spots[at]
        if self.down:
            return spot.middle - one.width / 2, spot.starts, one.width, one.height
        return spot.starts, spot.middle - one.height / 2, spot.ends - spot.starts, one.height

    @property
    def size(self) -> tuple[float, float]:
        """Return its width and height."""
        return (self.breadth, self.length) if self.down else (self.length, self.breadth)


def draw_graph(
    picture_id: str,
    nodes: Sequence[Node],
    edges: Sequence[Edge],
    *,
    title: str,
    desc: str = "",
    down: bool = False,
) -> Markup:
    """Draw a graph, with ``down`` from top to bottom; its nodes are links where they lead to pages.

    Raises KeyError for an edge of a node that is not there.
    """
    plan = plan_graph(nodes, edges, down=down)
    ways = [_edge(plan, at, edge) for at, edge in enumerate(edges)]
    boxes = [plan.box(at) for at in range(len(nodes))]
    drawn = [
        draw_node(one, x, y, width) for one, (x, y, width, _) in zip(plan.nodes, boxes, strict=True)
    ]
    named = Named(
        picture_id, title, desc or f"{len(nodes)} nodes and {len(edges)} ways between them."
    )
    return sheet(named, plan.size, *ways, *drawn, linked=any(node.href for node in nodes))


def plan_graph(nodes: Sequence[Node], edges: Sequence[Edge], *, down: bool = False) -> Plan:
    """Find a place for everything in a graph. Raises KeyError for an edge of an unknown node."""
    known = {node.id: at for at, node in enumerate(nodes)}
    ends = [(known[edge.tail], known[edge.head]) for edge in edges]
    graph, measured = layered(len(nodes), ends), [sized(node) for node in nodes]
    across = [one.width if down else one.height for one in measured]
    across += [0.0] * (sum(map(len, graph.layers)) - len(nodes))
    middles = [_MARGIN + each for each in placed(graph, across, len(nodes))]
    spots: dict[int, Spot] = {}
    at = _MARGIN
    gaps = _gaps(graph, edges, down=down)
    for layer, gap in zip(graph.layers, gaps, strict=True):
        along = {node: _along(measured[node], down=down) for node in layer if node < len(nodes)}
        thick = max(along.values(), default=0.0)
        for node in layer:
            length = along[node] if down and node in along else thick
            spots[node] = Spot(at, at + length, middles[node])
        at += thick + gap
    everywhere = [spots[node] for node in range(len(spots))]
    ends_at = [spot.middle + size / 2 for spot, size in zip(everywhere, across, strict=True)]
    labels = [_label_width(edge) + _MARGIN for edge in edges if down]
    breadth = max([0.0, *ends_at, *labels]) + _MARGIN
    return Plan(measured, everywhere, graph, at - sum(gaps[-1:]) + _MARGIN, breadth, down)


def _label_width(edge: Edge) -> float:
    return min(width_of(edge.label, KIND), WIDEST)


def _along(one: Sized, *, down: bool) -> float:
    return one.height if down else one.width


def _gaps(graph: Layered, edges: Sequence[Edge], *, down: bool) -> list[float]:
    """Return the room after each layer: for the labels of the edges that begin there."""
    rank = {node: at for at, layer in enumerate(graph.layers) for node in layer}
    gaps = [_GAP] * len(graph.layers)
    for edge, chain in zip(edges, graph.chains, strict=True):
        if edge.label and len(chain) == 2 and not down:
            at = rank[chain[0]]
            gaps[at] = max(gaps[at], _label_width(edge) + 3 * HEAD + 8)
    return gaps


# --- edges ---------------------------------------------------------------------------------------


def _edge(plan: Plan, at: int, edge: Edge) -> Markup:
    """Draw an edge: curved between the layers, straight beside the nodes of a layer."""
    chain, turned = plan.graph.chains[at], at in plan.graph.turned
    if len(chain) == 1:
        return _loop(plan, chain[0], edge)
    spots = [plan.spots[node] for node in chain]
    ways = [
        (a.ends + HEAD * (turned and number == 0), a.middle, b.starts, b.middle)
        for number, (a, b) in enumerate(pairwise(spots))
    ]
    u1, v1, u2, v2 = ways[-1]
    ways[-1] = (u1, v1, u2 - HEAD * (not turned), v2)
    tip = (spots[0].ends, spots[0].middle) if turned else (spots[-1].starts, spots[-1].middle)
    label = _middle(spots, ways[0])
    look = replace(edge.look, dashed=edge.dashed or turned)
    towards = (-1.0, 0.0) if turned else (1.0, 0.0)
    if plan.down:
        half = _label_width(edge) / 2 + 4
        label = label[0], min(max(label[1], half), plan.breadth - half)
    flip = _flip if plan.down else _keep
    return draw_edge(look, _way(ways, flip), Arrow(flip(tip), flip(towards), flip(label)))


def _middle(spots: Sequence[Spot], way: tuple[float, float, float, float]) -> Point:
    """Return where the label of an edge is: in its middle bend, or between its nodes."""
    if len(spots) > 2:
        bend = spots[len(spots) // 2]
        return (bend.starts + bend.ends) / 2, bend.middle
    u1, v1, u2, v2 = way
    return (u1 + u2) / 2, (v1 + v2) / 2


def _way(ways: Sequence[tuple[float, float, float, float]], flip: Callable[[Point], Point]) -> str:
    told = ""
    for u1, v1, u2, v2 in ways:
        begin, end, half = (u1, v1), (u2, v2), (u1 + u2) / 2
        told += f"{'L' if told else 'M'}{_at(flip(begin))}"
        bend = f"C{_at(flip((half, v1)))} {_at(flip((half, v2)))} " if v1 != v2 else "L"
        told += f"{bend}{_at(flip(end))}"
    return told


def _loop(plan: Plan, node: int, edge: Edge) -> Markup:
    """Draw the way from a node to itself, above it."""
    x, y, width, _ = plan.box(node)
    right, left = x + width - 14, x + width - 34
    high = y - _LOOP
    way = f"M{_at((left, y))}C{_at((left, high))} {_at((right, high))} {_at((right, y - HEAD))}"
    return draw_edge(Look(tone=edge.tone, dashed=True), way, Arrow((right, y), (0.0, 1.0)))


def _at(point: Point) -> str:
    return f"{number(point[0])} {number(point[1])}"


def _keep(point: Point) -> Point:
    return point


def _flip(point: Point) -> Point:
    return point[1], point[0]
