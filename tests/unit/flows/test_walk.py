"""The walk: which card comes next, with what, and how a flow ends."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from keyturn.domain.flows.failures import CardFailure, Failure
from keyturn.domain.flows.reading import read_flow
from keyturn.domain.flows.values import MASK, Bound, Value, hidden, seen
from keyturn.domain.flows.walk import (
    Allowance,
    Ask,
    Breathe,
    Compute,
    End,
    Load,
    Open,
    Reply,
    Sent,
    Sleep,
    Walk,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HEAD = "flow: test\nstart: {kind: helper}\n"
Tell = Callable[[Ask], Sent]


def nothing(ask: Ask) -> Sent:
    """Answer what needs no answer, and have computed what is to be."""
    if isinstance(ask, Compute):
        return ask.work()
    assert isinstance(ask, Breathe | Sleep | Reply), ask
    return None


def walked(
    cards: str, given: Value = None, tell: Tell = nothing, allowance: Allowance | None = None
) -> tuple[End, Walk]:
    """Walk a flow of these cards to its end."""
    walk = Walk(allowance or Allowance(), lambda: NOW)
    course = walk.course(read_flow(HEAD + cards), seen(given or {}), run=seen({"id": "r"}))
    try:
        ask = next(course)
        while True:
            try:
                sent = tell(ask)
            except CardFailure as failure:
                ask = course.throw(failure)
            else:
                ask = course.send(sent)
    except StopIteration as stop:
        return stop.value, walk


def returned(cards: str, given: Value = None, tell: Tell = nothing) -> Any:  # noqa: ANN401
    """Walk a flow and return what it returned."""
    end, _ = walked(cards, given, tell)
    assert end.failure is None, end.failure
    return end.response.body.value


def failed(cards: str, **more: Any) -> CardFailure:  # noqa: ANN401
    """Walk a flow that halts, and return why."""
    end, _ = walked(cards, **more)
    assert end.failure
    return end.failure


RETURN = "- {card: flow.return, with: {x: '{{ %s }}'}}\n"


def test_a_flow_without_a_return_answers_an_empty_object() -> None:
    """What ends by itself has returned nothing."""
    end, _ = walked("cards:\n- {card: flow.comment, with: {text: hello}}\n")
    assert (end.response.status, end.response.body.value, end.failure) == (200, {}, None)


@pytest.mark.parametrize(("count", "lane"), [(3, "more"), (1, "fewer")])
def test_a_branch_runs_one_lane(count: int, lane: str) -> None:
    """The condition decides; the other lane's cards do not run."""
    cards = """cards:
- id: many
  card: branch.if_else
  with: {when: {left: "{{ start.count }}", is: greater than, right: 2}}
  then:
  - {card: flow.return, with: {lane: more}}
  else:
  - {card: flow.return, with: {lane: fewer}}
"""
    assert returned(cards, {"count": count}) == {"lane": lane}


@pytest.mark.parametrize(("count", "case"), [(1, 1), (2, 2), (9, None)])
def test_the_first_case_that_holds_runs(count: int, case: int | None) -> None:
    """Cases are looked at in order, and the else lane is for none."""
    cards = """cards:
- id: which
  card: branch.if_else_if
  cases:
  - {when: {left: "{{ start.count }}", is: equal to, right: 1}, then: []}
  - {when: {left: "{{ start.count }}", is: less than, right: 5}, then: []}
  else: []
""" + RETURN.replace("%s", "which.case")
    assert returned(cards, {"count": count}) == {"x": case}


def test_continue_if_ends_the_flow_without_a_failure() -> None:
    """What comes after it does not run where its condition does not hold."""
    cards = """cards:
- {card: branch.continue_if, with: {when: "{{ start.go }}", message: stopped}}
- {card: flow.return, with: {went: on}}
"""
    assert returned(cards, {"go": True}) == {"went": "on"}
    assert returned(cards, {"go": False}) == {"message": "stopped"}


def test_if_error_runs_its_catch_lane_with_the_error() -> None:
    """A failure in the first lane is told to the second, by kind and card."""
    cards = """cards:
- id: tried
  card: error.if_error
  try:
  - {id: bad, card: error.raise, with: {message: "no {{ start.what }}"}}
  catch:
  - card: flow.return
    with: {kind: "{{ error.kind }}", told: "{{ error.message }}", card: "{{ error.card }}"}
"""
    found = returned(cards, {"what": "luck"})
    assert found == {"kind": "user_error", "told": "no luck", "card": "bad"}


def test_what_is_not_caught_halts_the_flow() -> None:
    """The end tells the card and the kind; the step tells the error."""
    end, walk = walked("cards:\n- {id: bad, card: error.raise, with: {message: no}}\n")
    assert end.failure
    assert (end.failure.kind, end.failure.card) == (Failure.USER, "bad")
    assert [step.error for step in walk.steps] == [end.failure.as_value]


def test_a_card_may_give_values_where_it_fails() -> None:
    """The flow goes on with what on_error gives, in which the error can be told."""
    cards = """cards:
- {id: bad, card: error.raise, with: {message: no}, on_error: {give: {kind: "{{ error.kind }}"}}}
""" + RETURN.replace("%s", "bad.kind")
    assert returned(cards) == {"x": "user_error"}


def test_for_each_runs_its_lane_in_order_and_gives_a_list() -> None:
    """Each item has its number, and what it comes to is in its place."""
    cards = """cards:
- id: each
  card: list.for_each
  as: name
  with: {list: "{{ start.names }}", give: "{{ said.text }}"}
  do:
  - {id: said, card: text.compose, with: {text: "{{ index }} {{ name }}"}}
""" + RETURN.replace("%s", "each.list")
    assert returned(cards, {"names": ["a", "b"]}) == {"x": ["0 a", "1 b"]}


def test_for_each_may_leave_failures_aside() -> None:
    """Every item runs; those that failed are listed with why."""
    cards = """cards:
- id: each
  card: list.for_each_ignoring_errors
  with: {list: "{{ start.flags }}", give: "{{ index }}"}
  do:
  - card: branch.if_else
    with: {when: "{{ item }}"}
    then:
    - {card: error.raise, with: {message: bad}}
- card: flow.return
  with: {list: "{{ each.list }}", failed: "{{ each.failed }}", at: "{{ each.errors[0].index }}"}
"""
    found = returned(cards, {"flags": [False, True, False]})
    assert found == {"list": [0, 2], "failed": 1, "at": 1}


def test_lists_are_filtered_searched_and_reduced_by_conditions_alone() -> None:
    """No code is written for it: a condition, or what each item comes to."""
    cards = """cards:
- {id: big, card: list.filter,
   with: {list: "{{ start.n }}", where: {left: "{{ item }}", is: greater than, right: 1}}}
- {id: two, card: list.find,
   with: {list: "{{ start.n }}", where: {left: "{{ item }}", is: equal to, right: 2}}}
- {id: last, card: list.reduce, with: {list: "{{ start.n }}", give: "{{ item }}"}}
- card: flow.return
  with: {big: "{{ big.list }}", at: "{{ two.index }}", last: "{{ last.total }}"}
"""
    assert returned(cards, {"n": [1, 2, 3]}) == {"big": [2, 3], "at": 1, "last": 3}


def test_a_flow_answers_before_it_goes_on() -> None:
    """Close answers; what comes after it runs all the same."""
    replies: list[int] = []

    def tell(ask: Ask) -> Sent:
        if isinstance(ask, Reply):
            replies.append(ask.response.status)
        return None

    cards = """cards:
- {card: flow.close, with: {status: 202, body: later}}
- {card: flow.return, with: {done: true}}
"""
    assert returned(cards, tell=tell) == {"done": True}
    assert replies == [202]


def test_a_helper_runs_inside_and_gives_what_it_returns() -> None:
    """It is given inputs of its own and sees nothing of the flow that calls it."""
    helper = read_flow(
        "flow: helper\nstart: {kind: helper}\ncards:\n"
        '- {card: flow.return, with: {got: "{{ start.inputs.a }}", seen: "{{ before? }}"}}\n'
    )
    cards = """cards:
- {id: before, card: flow.comment, with: {text: x}}
- {id: called, card: flow.call, with: {flow: helper, inputs: {a: 1}}}
""" + RETURN.replace("%s", "called.result")

    def tell(ask: Ask) -> Sent:
        return helper if isinstance(ask, Load) else nothing(ask)

    assert returned(cards, tell=tell) == {"x": {"got": 1, "seen": None}}


def test_flows_that_call_each_other_for_ever_end() -> None:
    """Depth is bounded, and no card catches it."""
    text = "flow: self\nstart: {kind: helper}\ncards:\n- {card: flow.call, with: {flow: self}}\n"
    caught = "cards:\n- card: error.if_error\n  try:\n  - {card: flow.call, with: {flow: self}}\n"

    def tell(ask: Ask) -> Sent:
        return read_flow(text) if isinstance(ask, Load) else nothing(ask)

    assert failed(caught, tell=tell).kind is Failure.LIMIT


@pytest.mark.parametrize(
    "allowance", [Allowance(steps=50), Allowance(memory_bytes=2000)], ids=["steps", "memory"]
)
def test_a_run_takes_no_more_than_it_may(allowance: Allowance) -> None:
    """Cards and bytes are counted; what goes beyond halts the run, caught by nothing."""
    cards = """cards:
- card: error.if_error
  try:
  - id: each
    card: list.map
    with: {list: "{{ start.list }}", give: a text of some length for every item of the list}
"""
    failure = failed(cards, given={"list": [*range(100)]}, allowance=allowance)
    assert failure.kind is Failure.LIMIT


def test_what_a_loop_held_is_given_up() -> None:
    """A long list is no reason to run out of memory where each item takes little."""
    cards = """cards:
- card: list.for_each
  with: {list: "{{ start.list }}"}
  do:
  - {id: said, card: text.compose, with: {text: "{{ start.text }}"}}
"""
    given: Value = {"list": [*range(300)], "text": "x" * 1000}
    end, _ = walked(cards, given, allowance=Allowance(memory_bytes=20_000))
    assert end.failure is None


def secrets(ask: Ask) -> Sent:
    """Answer with the values of secrets."""
    if isinstance(ask, Open):
        values: Mapping[str, Value] = dict.fromkeys(ask.names, "swordfish")
        return Bound(dict(values), dict.fromkeys(values, MASK))
    return nothing(ask)


def test_what_comes_of_a_secret_is_masked_in_the_history() -> None:
    """Each card that takes it, and what it computes of it, shows nothing; the flow has it."""
    cards = """secrets: {key: KEY}
cards:
- {id: joined, card: text.compose, with: {text: "key={{ secrets.key }}"}}
- {id: made, card: object.construct, with: {a: "{{ joined.text }}", b: plain}}
- {card: flow.return, with: {x: "{{ made.object }}"}}
"""
    end, walk = walked(cards, tell=secrets)
    assert end.response.body.value == {"x": {"a": "key=swordfish", "b": "plain"}}
    assert "swordfish" not in repr([(step.inputs, step.outputs) for step in walk.steps])
    assert "plain" in repr(walk.steps[1].outputs)


def test_a_message_of_a_secret_is_masked() -> None:
    """A failure says no more than people may see."""
    cards = """secrets: {key: KEY}
cards:
- {card: error.raise, with: {message: "bad {{ secrets.key }}"}}
"""
    assert failed(cards, tell=secrets).message == "bad (masked)"


def test_a_hidden_value_stays_hidden_along_a_path() -> None:
    """A member of what is hidden is hidden."""
    walk = Walk(Allowance(), lambda: NOW)
    flow = read_flow(HEAD + "cards:\n" + RETURN.replace("%s", "start.a.b"))
    course = walk.course(flow, hidden({"a": {"b": "deep"}}), run=seen({}))
    with pytest.raises(StopIteration) as stop:
        next(course)
    assert stop.value.value.response.body == Bound({"x": "deep"}, {"x": MASK})


def test_a_reference_to_nothing_fails_and_an_optional_one_is_null() -> None:
    """The failure names the reference."""
    assert (
        failed("cards:\n" + RETURN.replace("%s", "start.a")).message == "There is no {{ start.a }}."
    )
    assert returned("cards:\n" + RETURN.replace("%s", "start.a?")) == {"x": None}


def test_a_long_course_breathes() -> None:
    """Whoever runs it gets to look around, however long no card asks for anything."""
    breaths: list[Ask] = []

    def tell(ask: Ask) -> Sent:
        breaths.append(ask)
        return nothing(ask)

    cards = "cards:\n- {card: list.map, with: {list: '{{ start.list }}', give: x}}\n"
    walked(cards, {"list": [*range(1000)]}, tell)
    assert len(breaths) == 5


def test_what_a_card_computes_of_much_is_computed_apart() -> None:
    """Whoever runs the course may do it beside everybody else; what comes is the same."""
    apart: list[Ask] = []

    def tell(ask: Ask) -> Sent:
        apart.extend([ask] if isinstance(ask, Compute) else [])
        return nothing(ask)

    cards = "cards:\n- {id: up, card: text.to_upper, with: {text: '{{ start.text }}'}}\n"
    cards += RETURN.replace("%s", "up.text")
    assert returned(cards, {"text": "a" * 100_000}, tell) == {"x": "A" * 100_000}
    assert len(apart) == 1


def test_inputs_that_nobody_could_hold_halt_the_run() -> None:
    """A small file cannot make a value in which one part stands a billion times."""
    again = "".join(
        f"- {{id: c{n}, card: list.construct, with: {{items: ['{{{{ c{n - 1}.list }}}}', "
        f"'{{{{ c{n - 1}.list }}}}']}}}}\n"
        for n in range(1, 40)
    )
    cards = "cards:\n- {id: c0, card: list.construct, with: {items: [aaaaaaaaaa]}}\n" + again
    assert failed(cards).kind is Failure.LIMIT


def test_a_condition_of_data_is_bounded() -> None:
    """However often its parts stand in it."""
    nested: Value = True
    for _ in range(60):
        nested = {"all": [nested, nested]}
    cards = "cards:\n- {card: branch.continue_if, with: {when: '{{ start.when }}'}}\n"
    assert failed(cards, given={"when": nested}).kind in {Failure.INPUT, Failure.LIMIT}


def test_many_items_weigh_no_more_than_they_do_at_once() -> None:
    """What a lane held is given up exactly: neither more nor less."""
    cards = """cards:
- card: list.filter
  with: {list: "{{ start.list }}", where: {left: "{{ item }}", is: not empty}}
- {id: sum, card: list.reduce, with: {list: "{{ start.list }}", give: "{{ item }}"}}
"""
    end, walk = walked(cards, {"list": ["x" * 100] * 50}, allowance=Allowance(memory_bytes=20_000))
    assert end.failure is None
    assert 0 < walk.bytes < 20_000


def test_where_nothing_is_kept_no_step_is_noted() -> None:
    """However long such a run is, its steps take nothing."""
    for noted, count in ((True, 2), (False, 0)):
        walk = Walk(Allowance(), lambda: NOW, noted=noted)
        cards = "cards:\n" + "- {card: flow.comment, with: {text: x}}\n" * 2
        assert [*walk.course(read_flow(HEAD + cards), seen({}), run=seen({}))] == []
        assert len(walk.steps) == count
