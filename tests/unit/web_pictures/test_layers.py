"""Graphs come in layers: edges lead one way, nodes lie apart, a tree has no crossings."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.web.pictures.layers import layered
from keyturn.web.pictures.places import placed, settled

GRAPHS = st.integers(1, 14).flatmap(
    lambda count: st.tuples(
        st.just(count),
        st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), max_size=30),
    )
)


@given(GRAPHS)
def test_every_edge_leads_to_the_next_layer(graph: tuple[int, list[tuple[int, int]]]) -> None:
    """Bend by bend, also where cycles are; each node and bend is in one layer, once."""
    count, edges = graph
    found = layered(count, edges)
    rank = {node: at for at, layer in enumerate(found.layers) for node in layer}
    assert sorted(rank) == sorted(node for layer in found.layers for node in layer)
    assert {*range(count)} <= {*rank}
    for at, ((tail, head), chain) in enumerate(zip(edges, found.chains, strict=True)):
        ends = (head, tail) if at in found.turned else (tail, head)
        assert (chain[0], chain[-1]) == ends
        assert all(rank[b] - rank[a] == 1 for a, b in pairwise(chain))


@given(GRAPHS)
def test_nodes_lie_apart_in_their_order(graph: tuple[int, list[tuple[int, int]]]) -> None:
    """By their sizes and room for an edge at least, from nought on."""
    count, edges = graph
    found = layered(count, edges)
    total = sum(map(len, found.layers))
    sizes = [30.0 + 7 * (node % 3) if node < count else 0.0 for node in range(total)]
    middles = placed(found, sizes, count)
    for layer in found.layers:
        for a, b in pairwise(layer):
            assert middles[b] - middles[a] >= (sizes[a] + sizes[b]) / 2 + 9.999
    assert min(m - s / 2 for m, s in zip(middles, sizes, strict=True)) == pytest.approx(0)


@pytest.mark.parametrize(
    ("edges", "turned"),
    [
        ([(0, 1), (1, 2)], set()),
        ([(0, 1), (1, 2), (2, 0)], {2}),
        ([(0, 0), (0, 1)], {0}),
        ([(0, 1), (1, 0), (2, 1)], {0}),
    ],
)
def test_only_what_closes_a_cycle_is_turned(edges: list[tuple[int, int]], turned: set[int]) -> None:
    """Seen from where the graph begins."""
    assert layered(3, edges).turned == turned


def test_a_tree_has_no_crossings() -> None:
    """Children lie in the order of their parents, whatever order they came in."""
    edges = [(0, 2), (0, 1), (1, 5), (2, 3), (1, 4), (2, 6)]
    assert layered(7, edges).layers == [[0], [2, 1], [3, 6, 5, 4]]


def test_crossings_are_sorted_out() -> None:
    """Where two edges cross in the order in which they came, and need not, they do not."""
    assert layered(4, [(0, 3), (0, 2), (1, 3)]).layers == [[0, 1], [2, 3]]


def test_where_a_graph_begins_lies_near_what_it_leads_to() -> None:
    """A second beginning is not far from its only successor."""
    found = layered(5, [(0, 1), (1, 2), (2, 3), (4, 3)])
    assert found.layers[2] == [2, 4]


@pytest.mark.parametrize(
    ("wanted", "apart", "places"),
    [
        ([(0, 1), (50, 1)], [10], [0, 50]),
        ([(20, 1), (20, 1)], [10], [15, 25]),
        ([(20, 3), (20, 1)], [8], [18, 26]),
        ([(9, 1), (0, 1), (30, 1)], [10, 10], [-0.5, 9.5, 30]),
    ],
)
def test_places_are_as_near_as_can_be(
    wanted: list[tuple[float, float]], apart: list[float], places: list[float]
) -> None:
    """Those that are too near are moved together, the heavier ones less."""
    assert settled(wanted, apart) == pytest.approx(places)
