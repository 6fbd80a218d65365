"""Pictures take their colours from the style sheet alone: a page of ours allows nothing else."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files

import pytest
from picture_kit import classes, read

from keyturn.web.pictures.ages import Age, bins_by_share, draw_ages
from keyturn.web.pictures.budget import Budget, draw_budget
from keyturn.web.pictures.closing import draw_closing
from keyturn.web.pictures.graph import draw_graph
from keyturn.web.pictures.nested import Beside, Lane, Step, draw_nested
from keyturn.web.pictures.nodes import Edge, Look, Node
from keyturn.web.pictures.shares import Part, Row, draw_shares
from keyturn.web.pictures.slots import Slot, draw_slots
from keyturn.web.pictures.sparkline import Bar, draw_bars, draw_sparkline
from keyturn.web.pictures.tones import WORDS
from keyturn.web.pictures.trend import Point, draw_trend

HOOKS = frozenset({"pic-edge", "pic-mark", "pic-fluid", "pic-left", "pic-run"})
"""What is called by a class so that it can be found, and needs no rule."""
NOW = datetime(2026, 3, 12, tzinfo=UTC)


def gallery() -> Iterator[tuple[str, str]]:
    """Give one picture of each kind, with all that it may show."""
    nodes = [Node(f"n{tone}", tone, "kind", "note", tone, "/x") for tone in WORDS]
    part = Node("part", "part", shape="part")
    edge = Edge("ngood", "nbad", "label", "bad", dashed=True)
    yield "ages", draw_ages("a", bins_by_share([Age(9, 5), Age(1, None), Age(1, 9)], "/{}".format))
    yield "budget", draw_budget("b", Budget(9, 5, 1, "soon"), title="x")
    yield "graph", draw_graph("g", [*nodes, part], [edge], title="x")
    lane = Lane("sign", [Step(nodes[0])], again=True, tone="warn")
    beside = Beside(part, Look("runs", "bad", dashed=True))
    inner = Step(part, [lane])
    yield "nested", draw_nested("n", [Step(nodes[1], [Lane("x", [inner])], [beside])], title="x")
    yield "slots", draw_slots("t", [Slot("x", "ocs", "ACTIVE", NOW, NOW)], now=NOW)
    yield "line", draw_sparkline("s", [1, None, 2, 3], title="x", tone="busy")
    points = [Point(NOW, share, "x", "/x", tone) for share, tone in ((1, "warn"), (None, "good"))]
    yield "trend", draw_trend("z", points, title="x")
    parts = [Part(1, tone or "empty", tone, faint=tone == "good") for tone in WORDS]
    yield "shares", draw_shares("w", [Row("x", parts, tone, "x") for tone in WORDS], title="x")
    yield "closing", draw_closing("c", parts, [NOW], begun_at=NOW, until=NOW)
    yield "bars", draw_bars("r", [Bar(1, tone) for tone in WORDS], title="x")


EVERY = pytest.mark.parametrize("markup", [each for _, each in gallery()], ids=dict(gallery()))


@EVERY
def test_there_is_no_style_in_a_picture(markup: str) -> None:
    """No attribute and no element, no colour, and nothing that runs."""
    for one in read(markup).iter():
        assert one.tag not in ("style", "script", "foreignObject")
        told = {*one.attrib}
        assert not {each for each in told if each in ("style", "stroke") or each.startswith("on")}
        assert re.fullmatch(r"|url\(#[a-z-]+\)", one.get("fill", ""))


@EVERY
def test_the_style_sheet_knows_every_class(markup: str) -> None:
    """A class that nobody has a rule for is a mistake in one of the two."""
    sheet = (files("keyturn.web") / "assets" / "pictures.css").read_text()
    known = {*re.findall(r"\.(pic[a-z-]*)", sheet)}
    used = {name for one in read(markup).iter() for name in classes(one)}
    assert used - HOOKS <= known


@EVERY
def test_what_is_referred_to_is_there(markup: str) -> None:
    """Ids are the picture's own, each there once."""
    root = read(markup)
    ids = [each.get("id") for each in root.iter() if each.get("id")]
    assert len(ids) == len({*ids})
    for one in root.iter():
        for name in ("aria-labelledby", "aria-describedby"):
            assert one.get(name) in (None, *ids)
        if one.get("fill"):
            assert one.get("fill", "")[5:-1] in ids
