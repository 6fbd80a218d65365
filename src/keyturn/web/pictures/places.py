"""Where the nodes of layers lie: in the order of their layer, apart, and near their neighbours."""

from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from typing import Final

from keyturn.web.pictures.layers import Layered, Neighbours, neighbours

_SWEEPS: Final = 24
_APART: Final = 20.0
_NEAR: Final = 10.0
"""Bends need less room beside them."""
_STRAIGHT: Final = 8.0
"""How much more a long edge wants to be straight than others do."""
_STAY: Final = 0.01


def placed(graph: Layered, sizes: Sequence[float], nodes: int) -> list[float]:
    """Return the middles of nodes and bends across their layers, from 0 on.

    ``sizes`` are those of so many ``nodes``, and of the bends after them.
    """
    beside, middles = neighbours(len(sizes), graph.chains), [0.0] * len(sizes)
    apart = [_apart(layer, sizes, nodes) for layer in graph.layers]
    for sweep in range(_SWEEPS):
        forth = sweep % 2 == 0
        order = range(len(graph.layers))
        for at in order if forth else reversed(order):
            towards = _towards(beside, forth=forth, both=sweep >= _SWEEPS // 2)
            layer = graph.layers[at]
            wanted = [_wanted(node, towards, middles, nodes) for node in layer]
            for node, middle in zip(layer, settled(wanted, apart[at]), strict=True):
                middles[node] = middle
    low = min((m - s / 2 for m, s in zip(middles, sizes, strict=True)), default=0.0)
    return [middle - low for middle in middles]


def _towards(beside: Neighbours, *, forth: bool, both: bool) -> Sequence[Sequence[Sequence[int]]]:
    if both:
        return (beside.before, beside.after)
    return (beside.before,) if forth else (beside.after,)


def _apart(layer: Sequence[int], sizes: Sequence[float], nodes: int) -> list[float]:
    return [
        (sizes[a] + sizes[b]) / 2 + (_APART if max(a, b) < nodes else _NEAR)
        for a, b in pairwise(layer)
    ]


def _wanted(
    node: int, towards: Sequence[Sequence[Sequence[int]]], middles: Sequence[float], nodes: int
) -> tuple[float, float]:
    """Return where a node wants to lie, and how much."""
    pulls = [
        (middles[each], _STRAIGHT if node >= nodes and each >= nodes else 1.0)
        for side in towards
        for each in side[node]
    ]
    pulls = pulls or [(middles[node], _STAY)]
    weight = sum(each for _, each in pulls)
    return sum(at * each for at, each in pulls) / weight, weight


def settled(wanted: Iterable[tuple[float, float]], apart: Sequence[float]) -> list[float]:
    """Return places that are so far apart and, by least squares, as near as can be to those wanted.

    ``wanted`` are places with their weights. Those that would come too near each other are moved
    together (isotonic regression by pooling adjacent violators).
    """
    offsets = [*accumulate(apart, initial=0.0)]
    pools: list[tuple[float, float, int]] = []
    for (at, weight), offset in zip(wanted, offsets, strict=False):
        pool = (at - offset, weight, 1)
        while pools and pools[-1][0] > pool[0]:
            middle, heavy, many = pools.pop()
            both = heavy + pool[1]
            pool = ((middle * heavy + pool[0] * pool[1]) / both, both, many + pool[2])
        pools.append(pool)
    settled = [middle for middle, _, many in pools for _ in range(many)]
    return [middle + offset for middle, offset in zip(settled, offsets, strict=False)]
