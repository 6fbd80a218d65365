"""A directed graph in layers, so that its edges lead one way and cross seldom.

After Sugiyama, Tagawa and Toda (1981): edges that close a cycle are turned, nodes lie as far from
where the graph begins as its longest path, an edge across layers gets a bend in each of them, and
each layer is sorted by where its neighbours lie. Nodes are numbers here; so are bends, after them.
"""

from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

_SWEEPS: Final = 8

Edges = Sequence[tuple[int, int]]
Layers = list[list[int]]


@dataclass(frozen=True)
class Layered:
    """Layers with their nodes and bends in order.

    ``chains`` are the ways of the edges, along the layers; those in ``turned`` lead against them.
    """

    layers: Layers
    chains: Sequence[Sequence[int]]
    turned: frozenset[int]


@dataclass(frozen=True)
class Neighbours:
    """Who lies next to whom in the layer before, and in the layer after."""

    before: Sequence[Sequence[int]]
    after: Sequence[Sequence[int]]


def layered(count: int, edges: Edges) -> Layered:
    """Arrange nodes, numbered from 0, in layers; always the same way for the same graph."""
    turned = _turned(count, edges)
    along = [(b, a) if at in turned else (a, b) for at, (a, b) in enumerate(edges)]
    ranks = _ranks(count, [(a, b) for a, b in along if a != b])
    chains = [_chain(a, b, ranks) for a, b in along]
    beside = neighbours(len(ranks), chains)
    return Layered(_sorted(_first_order(ranks, beside), beside), chains, turned)


def neighbours(count: int, chains: Iterable[Sequence[int]]) -> Neighbours:
    """Return who lies next to whom along the ways of the edges."""
    found = Neighbours([[] for _ in range(count)], [[] for _ in range(count)])
    for chain in chains:
        for a, b in pairwise(chain):
            found.after[a].append(b)  # type: ignore[attr-defined]
            found.before[b].append(a)  # type: ignore[attr-defined]
    return found


# --- layers --------------------------------------------------------------------------------------


def _turned(count: int, edges: Edges) -> frozenset[int]:
    """Find the edges that close a cycle, walking from where the graph begins."""
    leaving: list[list[int]] = [[] for _ in range(count)]
    entered = {b for a, b in edges if a != b}
    for at, (a, _) in enumerate(edges):
        leaving[a].append(at)
    found, seen, path = set[int](), set[int](), set[int]()
    for root in sorted(range(count), key=entered.__contains__):
        for node, at in _walk(root, edges, leaving, seen, path):
            if node in path:
                found.add(at)
    return frozenset(found)


def _walk(
    root: int, edges: Edges, leaving: Sequence[Sequence[int]], seen: set[int], path: set[int]
) -> Iterator[tuple[int, int]]:
    """Go through what is not seen yet, deep first; give each edge's head before it is entered."""
    if root in seen:
        return
    seen.add(root)
    path.add(root)
    left = [(root, iter(leaving[root]))]
    while left:
        node, rest = left[-1]
        at = next(rest, None)
        if at is None:
            left.pop()
            path.discard(node)
            continue
        head = edges[at][1]
        yield head, at
        if head not in seen:
            seen.add(head)
            path.add(head)
            left.append((head, iter(leaving[head])))


def _ranks(count: int, edges: Edges) -> list[int]:
    """Return the layer of each node: the longest path to it, or right before what it leads to."""
    leaving: list[list[int]] = [[] for _ in range(count)]
    waits = [0] * count
    for a, b in edges:
        leaving[a].append(b)
        waits[b] += 1
    ready = [node for node in range(count) if not waits[node]]
    roots, ranks = [*ready], [0] * count
    for node in ready:  # it grows
        for head in leaving[node]:
            ranks[head] = max(ranks[head], ranks[node] + 1)
            waits[head] -= 1
            ready += [head] * (not waits[head])
    for root in roots:
        ranks[root] = min((ranks[head] - 1 for head in leaving[root]), default=0)
    return ranks


def _chain(a: int, b: int, ranks: list[int]) -> list[int]:
    """Return the way of an edge; its bends are added to the nodes."""
    if a == b:
        return [a]
    bends = range(len(ranks), len(ranks) + ranks[b] - ranks[a] - 1)
    ranks += range(ranks[a] + 1, ranks[b])
    return [a, *bends, b]


# --- order ---------------------------------------------------------------------------------------


def _first_order(ranks: Sequence[int], beside: Neighbours) -> Layers:
    """Sort layers by when a walk comes by: a tree has no crossing then."""
    layers: Layers = [[] for _ in range(max(ranks, default=-1) + 1)]
    seen = set[int]()
    for root in sorted(range(len(ranks)), key=lambda node: bool(beside.before[node])):
        left = [root]
        while left:
            node = left.pop()
            if node not in seen:
                seen.add(node)
                layers[ranks[node]].append(node)
                left += reversed(beside.after[node])
    return layers


def _sorted(layers: Layers, beside: Neighbours) -> Layers:
    """Sort layers by their neighbours, forth and back, and keep the order that crosses least."""
    best, fewest = layers, _crossings(layers, beside)
    for sweep in range(_SWEEPS):
        if not fewest:
            break
        forth = sweep % 2 == 0
        towards = beside.before if forth else beside.after
        order = layers if forth else layers[::-1]
        swept = order[:1]
        for loose in order[1:]:
            swept.append(_by_neighbours(swept[-1], loose, towards))
        layers = swept if forth else swept[::-1]
        crossings = _crossings(layers, beside)
        if crossings < fewest:
            best, fewest = layers, crossings
    return best


def _by_neighbours(
    fixed: Sequence[int], loose: Sequence[int], towards: Sequence[Sequence[int]]
) -> list[int]:
    places = {node: place for place, node in enumerate(fixed)}

    def middle(at: tuple[int, int]) -> float:
        place, node = at
        found = [places[each] for each in towards[node]]
        return sum(found) / len(found) if found else place

    return [node for _, node in sorted(enumerate(loose), key=middle)]


def _crossings(layers: Layers, beside: Neighbours) -> int:
    total = 0
    for upper, lower in pairwise(layers):
        places = {node: place for place, node in enumerate(lower)}
        passed: list[int] = []
        for node in upper:
            heads = sorted(places[each] for each in beside.after[node])
            total += sum(len(passed) - bisect_right(passed, head) for head in heads)
            for head in heads:
                insort(passed, head)
    return total
