"""A graph is drawn so that all of it is seen, can be read, and is reached by the keyboard."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup
from picture_kit import (
    HOSTILE,
    by_class,
    label_box,
    node_boxes,
    outside,
    overlapping,
    read,
    spilt,
    texts,
    titles,
)

from keyturn.web.pictures.graph import draw_graph
from keyturn.web.pictures.nodes import Edge, Node, Shape
from keyturn.web.pictures.outline import draw_outline
from keyturn.web.pictures.tones import WORDS, Tone

SHAPES: tuple[Shape, ...] = ("box", "pill", "choice", "part")
Draw = Callable[[list[Node], list[Edge]], Markup]


def right(nodes: list[Node], edges: list[Edge]) -> Markup:
    """Draw a graph from left to right."""
    return draw_graph("g", nodes, edges, title="Graph")


def down(nodes: list[Node], edges: list[Edge]) -> Markup:
    """Draw a graph from top to bottom."""
    return draw_graph("g", nodes, edges, title="Graph", down=True)


def outline(nodes: list[Node], edges: list[Edge]) -> Markup:
    """Draw a graph as an outline."""
    return draw_outline("g", nodes, edges, title="Graph")


EVERY = pytest.mark.parametrize("draw", [right, down, outline])


def some(count: int, ends: list[tuple[int, int]]) -> tuple[list[Node], list[Edge]]:
    """Return a graph of nodes of all shapes, tones and sizes."""
    tones = [*WORDS]
    nodes = [
        Node(
            f"n{at}",
            f"node {at} " + "wide " * (at % 5),
            "kind" if at % 3 else "",
            "what is to be said of it, " * (at % 4),
            tones[at % len(tones)],
            f"/nodes/{at}" if at % 2 else "",
            SHAPES[at % 4],
        )
        for at in range(count)
    ]
    label = "where it holds"
    edges = [Edge(f"n{a}", f"n{b}", label if (a + b) % 3 == 0 else "") for a, b in ends]
    return nodes, edges


@EVERY
@given(data=st.data())
def test_any_graph_is_drawn_whole(draw: Draw, data: st.DataObject) -> None:
    """No node lies on another, no text leaves its node, nothing leaves the picture."""
    count = data.draw(st.integers(1, 12))
    ends = data.draw(st.lists(st.tuples(*[st.integers(0, count - 1)] * 2), max_size=20))
    root = read(draw(*some(count, ends)))
    assert not overlapping(node_boxes(root))
    assert not spilt(root)
    assert not outside(root)


@given(data=st.data())
def test_labels_lie_on_no_node(data: st.DataObject) -> None:
    """Those of long edges beside the nodes that they pass, the others between the layers."""
    count = data.draw(st.integers(1, 9))
    ends = data.draw(st.lists(st.tuples(*[st.integers(0, count - 1)] * 2), max_size=14))
    root = read(right(*some(count, ends)))
    boxes = node_boxes(root)
    for each in by_class(root, "pic-label"):
        label = label_box(each)
        assert not [box for box in boxes if box.overlaps(label)]


@EVERY
def test_the_same_graph_is_drawn_the_same(draw: Draw) -> None:
    """To the last letter, so that a live part of a page is not sent again for nothing."""
    graph = some(12, [(0, each) for each in range(1, 9)] + [(3, 9), (9, 10), (10, 3)])
    assert draw(*graph) == draw(*graph)


@EVERY
def test_each_node_that_leads_somewhere_is_a_link(draw: Draw) -> None:
    """In the order of the nodes of a chain, by their addresses; the others are none."""
    nodes, edges = some(6, [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)])
    root = read(draw(nodes, edges))
    assert [each.get("href") for each in root.iter("a")] == ["/nodes/1", "/nodes/3", "/nodes/5"]
    assert len(by_class(root, "pic-node")) == 6


@EVERY
def test_a_node_says_all_of_itself(draw: Draw) -> None:
    """Its title tells kind, name, tone and note, also where the picture has no room for it."""
    note = "It will fail at its next refresh: its client secret is INACTIVE, or deleted. " * 3
    node = Node("a", "people", "connection", note.strip(), "bad", "/connections/1")
    assert f"connection people, in trouble: {note.strip()}" in titles(read(draw([node], [])))


@EVERY
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_texts(draw: Draw, text: str) -> None:
    """In a title, kind, note or label they make no element, and no mess."""
    nodes = [Node("a", text, text, text, "warn", "/a"), Node("b", text, href="/b")]
    root = read(draw(nodes, [Edge("a", "b", text)]))
    kinds = {each.tag for each in root.iter()}
    assert kinds <= {"div", "svg", "title", "desc", "g", "a", "rect", "path", "polygon", "text"}
    assert not spilt(root)
    assert not overlapping(node_boxes(root))


@EVERY
def test_an_edge_of_an_unknown_node_is_a_mistake(draw: Draw) -> None:
    """Of whoever made the graph."""
    with pytest.raises(KeyError):
        draw([Node("a", "a")], [Edge("a", "b")])


@EVERY
def test_a_graph_of_nothing_is_empty(draw: Draw) -> None:
    """And no mistake."""
    assert not by_class(read(draw([], [])), "pic-node")


@pytest.mark.parametrize("tone", [each for each in WORDS if each])
def test_a_tone_is_seen_without_its_colour(tone: Tone) -> None:
    """It has a mark of its own shape, and a word."""
    root = read(right([Node("a", "people", tone=tone)], []))
    others = [read(right([Node("a", "people", tone=each)], [])) for each in WORDS if each != tone]
    signs = [[path.get("d") for path in by_class(each, "pic-sign")] for each in (root, *others)]
    assert signs[0]
    assert signs[0] not in signs[1:]
    assert f"people, {WORDS[tone]}" in titles(root)


def test_what_closes_a_cycle_is_dashed() -> None:
    """It alone, and so is what leads to itself."""
    nodes, _ = some(3, [])
    edges = [Edge("n0", "n1"), Edge("n1", "n2"), Edge("n2", "n0"), Edge("n1", "n1")]
    ways = by_class(read(right(nodes, edges)), "pic-edge")
    assert ["pic-dashed" in each.get("class", "") for each in ways] == [False, False, True, True]


def test_labels_are_written_at_their_edges() -> None:
    """Shortened where they are long."""
    nodes, _ = some(2, [])
    written = texts(read(right(nodes, [Edge("n0", "n1", "runs it " * 20)])))
    assert any(each.startswith("runs it runs it") and each.endswith("…") for each in written)


@pytest.mark.parametrize(("draw", "wide"), [(right, True), (down, False)])
def test_a_chain_runs_the_way_that_is_asked_for(draw: Draw, *, wide: bool) -> None:
    """From left to right, or from top to bottom."""
    boxes = node_boxes(read(draw(*some(5, [(0, 1), (1, 2), (2, 3), (3, 4)]))))
    places = [box.x if wide else box.y for box in boxes]
    assert places == sorted(places)
    assert len({*places}) == 5


def test_an_outline_shows_what_several_lead_to_with_each() -> None:
    """And what comes after that once, further right."""
    nodes = [Node(each, each) for each in "abcd"]
    edges = [Edge("a", "b"), Edge("a", "c"), Edge("b", "d", "by"), Edge("c", "d"), Edge("d", "a")]
    root = read(outline(nodes, edges))
    named = [each.text for each in by_class(root, "pic-title")]
    assert named == ["a", "b", "d", "a", "c", "d"]
    lefts = [box.x for box in node_boxes(root)]
    assert lefts == [4, 24, 44, 64, 24, 44]
