"""A flow is drawn as it runs: its cards, their lanes, what they lead to, and what is wrong."""

from importlib.resources import files

import pytest
from picture_kit import (
    HOSTILE,
    by_class,
    node_boxes,
    outside,
    overlapping,
    read,
    spilt,
    texts,
    titles,
)

from keyturn.domain.flows.checking import Known, check
from keyturn.domain.flows.reading import read_flow
from keyturn.web.pictures.flow_graph import START, Mark, draw_flow, marks_of, steps_of
from keyturn.web.pictures.nested import Lane, Step, draw_nested
from keyturn.web.pictures.nodes import Node

TEMPLATES = sorted(
    each.name
    for each in (files("keyturn.domain.flows") / "templates").iterdir()
    if each.name.endswith(".yaml")
)
PROVISION = """
version: 1
flow: provision
start: {kind: event, source: okta, events: [user.lifecycle.create]}
on_error: {run: tell-somebody}
cards:
- id: user
  card: okta.custom_api_action
  connection: okta
  retry: {times: 3}
  on_error: {run: clean-up}
  with: {path: /api/v1/users/me, method: GET}
- id: which
  card: branch.if_else_if
  cases:
  - when: {left: "{{ user.body.type }}", is: equal to, right: employee}
    then:
    - id: loop
      card: list.for_each
      with: {list: "{{ user.body.groups }}"}
      as: group
      do:
      - card: flow.call
        with: {flow: add-to-group, inputs: {group: "{{ group }}"}}
      - card: branch.if_else
        with:
          when:
            all:
            - any:
              - {left: "{{ group.x }}", is: contains, right: a}
              - {left: "{{ group.y? }}", is: empty}
            - not: {left: "{{ group.z }}", is: "true"}
        then:
        - card: flow.call_async
          with: {flow: review}
  - when: {left: "{{ user.body.type }}", is: in, right: [a, b]}
    then:
    - card: flow.wait_for
      with: {duration: 1, unit: days}
  else:
  - card: error.raise
    with: {message: "{{ user.body.type }} is no type"}
- card: error.if_error
  try:
  - card: okta.custom_api_action
    connection: okta
    with: {path: /api/v1/x, method: DELETE}
  catch:
  - card: flow.comment
    note: never mind
    with: {text: nothing}
"""


TWICE = """
version: 1
flow: twice
start: {kind: helper}
cards:
- card: flow.call
  on_error: {run: clean-up}
  with: {flow: other}
- card: flow.call
  with: {flow: other}
"""


def template(name: str) -> str:
    """Return the text of a flow that we ship."""
    return (files("keyturn.domain.flows") / "templates" / name).read_text()


def drawn(source: str = PROVISION) -> str:
    """Draw a flow with links everywhere."""
    flow = read_flow(source)
    return draw_flow("f", flow, href="#{}".format, flow_href="/flows/{}".format)


@pytest.mark.parametrize("source", [PROVISION, TWICE, *map(template, TEMPLATES)])
def test_a_flow_is_drawn_whole(source: str) -> None:
    """Every card is there once, on no other, with its texts inside; nothing leaves the picture."""
    root, flow = read(drawn(source)), read_flow(source)
    kinds = [each.text for each in by_class(root, "pic-kind")]
    assert sorted(kind for kind in kinds if kind not in ("start", "flow")) == sorted(
        card.spec.name for card in flow.every_card
    )
    assert not overlapping(node_boxes(root))
    assert not spilt(root)
    assert not outside(root)


def test_the_keyboard_goes_through_the_cards_as_they_run() -> None:
    """Lane after lane, each card by the way to it."""
    hrefs = [each.get("href") for each in read(drawn()).iter("a")]
    assert hrefs == [
        "#start",
        "/flows/tell-somebody",
        "#cards[1]",
        "/flows/clean-up",
        "#cards[2]",
        "#cards[2].cases[1].then[1]",
        "#cards[2].cases[1].then[1].do[1]",
        "/flows/add-to-group",
        "#cards[2].cases[1].then[1].do[2]",
        "#cards[2].cases[1].then[1].do[2].then[1]",
        "/flows/review",
        "#cards[2].cases[2].then[1]",
        "#cards[2].else[1]",
        "#cards[3]",
        "#cards[3].try[1]",
        "#cards[3].catch[1]",
    ]


def test_lanes_say_when_they_run() -> None:
    """In words: conditions put together, items of lists, and where nothing runs."""
    found = steps_of(read_flow(PROVISION))
    which, tried = found[2], found[3]
    assert [lane.sign for lane in which.lanes] == [
        'if user.body.type is equal to "employee"',
        "else if user.body.type is in 2 values",
        "otherwise",
    ]
    assert [lane.sign for lane in tried.lanes] == ["try", "if a card fails"]
    (loop,) = which.lanes[0].steps
    (each,) = loop.lanes
    assert (each.sign, each.again) == ("↻ for each group of user.body.groups", True)
    assert [lane.sign for lane in each.steps[1].lanes] == [
        'if (group.x contains "a" or group.y is empty) and not group.z is true',
        "otherwise: goes on",
    ]


def test_what_a_card_needs_is_told() -> None:
    """Its connection and its retries, its message, how long it waits."""
    nodes = {step.node.kind: step.node for step in steps_of(read_flow(PROVISION))}
    assert nodes["okta.custom_api_action"].note == "on okta; tried again up to 3 times"
    told = titles(read(drawn()))
    assert "flow.wait_for Wait for, 1 days" in told
    assert "error.raise Raise, {{ user.body.type }} is no type" in told
    assert "flow.comment never mind" in told


def test_ways_of_errors_are_dashed() -> None:
    """To the flow that runs for a card or the whole, and to the lane that catches."""
    ways = by_class(read(drawn()), "pic-edge")
    named = [
        [each.text for each in way.iter("text")]
        for way in ways
        if {"pic-dashed", "pic-bad"} <= {*way.get("class", "").split()}
    ]
    assert named == [["if it fails"], ["if it fails"]]
    assert len([way for way in ways if "pic-dashed" in way.get("class", "")]) == 4


@pytest.mark.parametrize(
    ("start", "title", "note"),
    [
        ("{kind: helper, inputs: {a: text, b: text}}", "Another flow", "given a, b"),
        ("{kind: helper}", "Another flow", ""),
        ("{kind: delegated}", "Somebody, by hand", ""),
        (
            '{kind: schedule, cron: "30 6 * * *", zone: UTC}',
            "A schedule",
            "30 6 * * * UTC",
        ),
        ("{kind: api_endpoint}", "A request", "opened by a client token"),
        (
            "{kind: api_endpoint, security: public}",
            "A request",
            "open to anybody",
        ),
        (
            "{kind: event, source: keyturn, events: [keyturn.turn.finished]}",
            "An event of Keyturn",
            "keyturn.turn.finished",
        ),
    ],
)
def test_the_start_says_what_starts_it(start: str, title: str, note: str) -> None:
    """And what opens it, when it is due, what it listens to or what it is given."""
    cards = "cards: [{card: flow.comment, with: {text: x}}]"
    node = steps_of(read_flow(f"version: 1\nflow: x\nstart: {start}\n{cards}\n"))[0].node
    assert (node.title, node.note) == (title, note)


@pytest.mark.parametrize(
    ("last", "ends"),
    [("flow.return, with: {a: 1}", False), ("flow.comment, with: {text: x}", True)],
)
def test_the_end_is_drawn_where_no_card_says_it(last: str, *, ends: bool) -> None:
    """A card that returns is the end itself."""
    source = f"version: 1\nflow: x\nstart: {{kind: helper}}\ncards: [{{card: {last}}}]\n"
    assert (steps_of(read_flow(source))[-1].node.title == "End") is ends


def test_findings_are_marked_at_their_cards() -> None:
    """The first is told, with how many more; what is outside all cards is at the start."""
    known = Known(connections={}, helpers=["tell-somebody", "add-to-group"])
    marks = marks_of(check(PROVISION, known))
    assert {way: mark.tone for way, mark in marks.items()} == {
        "cards[1]": "bad",
        "cards[2].cases[1].then[1].do[2].then[1]": "bad",
        "cards[3].try[1]": "bad",
    }
    assert marks["cards[1]"].text.endswith("(and 1 more)")
    root = read(draw_flow("f", read_flow(PROVISION), marks=marks))
    assert len(by_class(root, "pic-mark")) == 3
    outside_ = marks_of(
        check(PROVISION.replace("cards:\n- id: user", "secrets: {a: /b}\ncards:\n- id: user", 1))
    )
    assert outside_[START] == Mark("warn", "no card refers to it")


def test_a_condition_is_marked_at_the_card_that_has_it() -> None:
    """Not at a card inside."""
    source = PROVISION.replace("{{ user.body.type }}", "{{ nobody.type }}", 1)
    assert "cards[2]" in marks_of(check(source))


def test_a_run_is_marked_by_the_ids_of_its_cards() -> None:
    """As its steps name them."""
    marks = {"user": Mark("good", "took 80 ms"), "loop": Mark("bad", "404")}
    told = titles(read(draw_flow("f", read_flow(PROVISION), marks=marks)))
    assert "okta.custom_api_action user, good: took 80 ms" in told
    assert "list.for_each loop, in trouble: 404" in told


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_texts(text: str) -> None:
    """In a card, a sign or a mark, they make no element, and no mess."""
    inner = Step(Node("b", text, text, text, "bad", shape="choice"), [Lane(text, again=True)])
    root = read(draw_nested("f", [Step(Node("a", text), [Lane(text, [inner])])], title=text))
    assert not {each.tag for each in root.iter()} & {"script", "img", "b"}
    assert not overlapping(node_boxes(root))
    assert not spilt(root)
    assert not outside(root)


def test_the_same_flow_is_drawn_the_same() -> None:
    """To the last letter."""
    assert drawn() == drawn()


def test_a_flow_describes_itself() -> None:
    """Its name, what starts it and how long it is."""
    root = read(drawn())
    assert titles(root)[0] == "Flow provision"
    told = "An event of Okta starts it, user.lifecycle.create. Then 11 cards."
    assert root.findtext(".//desc") == told
    assert "flow" in texts(root)
