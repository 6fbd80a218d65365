"""Whatever an export holds, it is refused with a reason or becomes flows that pass every check."""

import json
from typing import Any

from flopack_kit import PackFile, Told, card, chart, condition, helper, of
from hypothesis import given, settings
from hypothesis import strategies as st

from keyturn.domain.flows.checking import check
from keyturn.domain.flows.findings import Severity
from keyturn.domain.flows.flopack import PackRefused, import_pack
from keyturn.domain.flows.flopack.importing import SPECIAL
from keyturn.domain.flows.flopack.report import lines_of
from keyturn.domain.flows.flopack.table import EVENTS, ROWS
from keyturn.domain.flows.reading import read_flow

BRACES = ["{{ secrets.a }}", "{{{", "}}}", "{{{{x}}}}"]
ODD = [*BRACES, "\ud800", "\x00", "yes", "'", "a.b.0", '"', "#"]
TEXTS = st.sampled_from(["", "a", "one two", "7", *ODD])
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS
VALUES = LEAVES | st.lists(LEAVES, max_size=2) | st.dictionaries(TEXTS, LEAVES, max_size=2)
STARTS = ["control:callable", "http:accept", *(f"@okta:{each}" for each in EVENTS)]
ADDRESSES = st.sampled_from(["@slack:post", *STARTS, *ROWS, *SPECIAL])
UUIDS = st.sampled_from([f"c{number}" for number in range(5)])
OPERANDS = ["left-operand", "operator", "right-operand"]
PLAIN = ["list", "flo", "object", "output", "item", "string", "key", "start", "scale", "a b"]
KEYS = st.sampled_from([*OPERANDS, *PLAIN, "_text_", "URL", "stash", "memo", "password", "error"])
TYPES = st.sampled_from(["string", "number", "boolean", "object", "Date", "flo", None])
GROUPS = st.sampled_from([None, "context", "parameters", "Request", "if", "Fields", "raw"])
PARTS = st.sampled_from([{}, {"path": ["ID"], "srcMethodId": "c1", "srcOutputId": "c1>item"}])
SMALL = PackFile().connection("c", "Org", "okta").table("t", "T", "a")


@st.composite
def fields(draw: st.DrawFn) -> Told:
    """Draw an input or output."""
    told = of(draw(KEYS), draw(VALUES), draw(TYPES), group=draw(GROUPS), many=draw(st.booleans()))
    told["metadata"] |= draw(PARTS)
    if draw(st.booleans()):
        told["value"]["proxy"] = {"dynamic": True, "path": draw(TEXTS)}
    return told


@st.composite
def made(draw: st.DrawFn, uuid: str, depth: int) -> Told:
    """Draw a card with any pins and branches, and flows in it."""
    ins, outs = draw(st.lists(fields(), max_size=3)), draw(st.lists(fields(), max_size=2))
    more: Told = {"branches": draw(st.dictionaries(UUIDS, st.booleans(), max_size=2))}
    if depth and draw(st.booleans()):
        ins.append(of("flo", draw(charts(depth - 1)), "flo", group=draw(GROUPS)))
        handler = {"type": "handler", "flo": draw(charts(depth - 1)), "retry": draw(VALUES)}
        more["error"] = draw(st.sampled_from([{}, handler]))
    if draw(st.booleans()):
        ins += condition(draw(VALUES), draw(st.sampled_from(["==", ">", "%", "in", "is empty"])))
    webhook = draw(st.booleans())
    told = card(uuid, draw(ADDRESSES), ins, outs, webhook=webhook, config="c", **more)
    for output in told["node"]["model"]["outputs"]["data"]:
        to = draw(st.dictionaries(UUIDS, KEYS, max_size=2))
        told["pins"][output] = {each: [{"input": f"{each}<{key}"}] for each, key in to.items()}
    return told


@st.composite
def charts(draw: st.DrawFn, depth: int = 1) -> Told:
    """Draw cards in any order."""
    cards = [draw(made(f"c{number}", depth)) for number in range(draw(st.integers(0, 5)))]
    pairs = draw(st.lists(st.tuples(UUIDS, UUIDS), max_size=6))
    security = draw(st.sampled_from([None, "open", "high"]))
    told = chart(*cards, scheduled=draw(st.booleans()), security_level=security)
    return told | {"orderings": {str(number): [*pair] for number, pair in enumerate(pairs)}}


def judge(text: str) -> None:
    """Import a text, and check what came of it."""
    try:
        found = import_pack(text)
    except PackRefused:
        return
    assert [why for _, why in found.left_out if not why or "check" in why] == []
    for flow in found.flows:
        assert read_flow(flow.text).name == flow.name
        assert [str(each) for each in check(flow.text) if each.severity is Severity.ERROR] == []
        assert len(flow.unmapped) <= flow.cards
    assert json.dumps(found.as_value)
    assert [*lines_of(found)]


@settings(max_examples=20, deadline=None)
@given(st.lists(charts(), max_size=2))
def test_any_cards_pinned_in_any_way(drawn: list[Told]) -> None:
    """Circles, branches into nowhere, kinds that do not fit, and flows in flows."""
    file = PackFile(configs=SMALL.configs, tables=SMALL.tables)
    for number, each in enumerate(drawn):
        file.flow(f"f{number}", f"Flow {number}", each)
    judge(file.text)


def whole() -> Any:  # noqa: ANN401
    """Return an export with some of everything."""
    inner = chart(
        helper(of("a"), pins={"a": ["x.x"]}), card("x", "control:let", [of("x")], [of("x")])
    )
    loop = card("l", "list:each", [of("list", [], many=True), of("flo", "f", "flo")], [of("y")])
    tried = card("t", "control:tryCatch", [of("flo", inner, "flo")], [of("x")], title="If Error")
    file = PackFile().connection("c", "Org", "okta").table("t", "T", "a")
    return json.loads(file.flow("f", "One", chart(helper(of("a")), loop, tried)).text)


def places(told: object, at: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """List the ways to all values in a document."""
    inner = (
        told.items()
        if isinstance(told, dict)
        else enumerate(told)
        if isinstance(told, list)
        else ()
    )
    return [at, *(way for key, each in inner for way in places(each, (*at, key)))]


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_a_member_of_another_kind_or_none(data: st.DataObject) -> None:
    """Each member may be missing, or be anything."""
    told = whole()
    way = data.draw(st.sampled_from([each for each in places(told) if each]))
    parent: Any = told
    for step in way[:-1]:
        parent = parent[step]
    if data.draw(st.booleans()):
        del parent[way[-1]]
    else:
        parent[way[-1]] = data.draw(VALUES)
    judge(json.dumps(told))


def test_many_and_deep() -> None:
    """Too many cards, or flows too deep in each other, leave their flow out and nothing else."""
    many = chart(*(card(f"c{number}", "control:comment") for number in range(1001)))
    deep = chart(helper())
    for _ in range(20):
        deep = chart(helper(), card("t", "control:tryCatch", [of("flo", deep, "flo")], [of("x")]))
    file = (
        PackFile()
        .flow("a", "Many", many)
        .flow("b", "Deep", deep)
        .flow("c", "Fine", chart(helper()))
    )
    found = import_pack(file.text)
    assert [name for name, _ in found.left_out] == ["Many", "Deep"]
    assert [each.name for each in found.flows] == ["fine"]


def test_what_grows_is_bounded() -> None:
    """A thousand cards that all come before each other are ordered in one go."""
    uuids = [f"c{number}" for number in range(300)]
    before = [f"{a}>{b}" for at, a in enumerate(uuids) for b in uuids[at + 1 :]]
    data = chart(
        *(card(each, "control:let", [of("x", 1, "number")]) for each in uuids), before=before
    )
    (flow,) = import_pack(PackFile().flow("f", "Wide", data).text).flows
    assert flow.cards == len(uuids)
