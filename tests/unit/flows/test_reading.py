"""What is wrong with a flow's file is told, all at once, each with its place."""

import pytest
from flow_files import WALK

from keyturn.domain.flows.reading import FlowRefused, read_flow

HEAD = "flow: some-flow\nstart: {kind: helper}\n"
WAIT = "id: a, card: flow.wait_for, with: {duration: 1}"
CALL = "card: api.get, connection: some, with: {url: 'https://a.test'}"


def problems(text: str) -> list[str]:
    """Return what is wrong with a file."""
    with pytest.raises(FlowRefused) as refused:
        read_flow(text)
    return [str(each) for each in refused.value.problems]


def of_card(card: str) -> list[str]:
    """Return what is wrong with a card, without its line."""
    told = problems(f"{HEAD}cards: [{{{card}}}]\n")
    return [each.removeprefix("line 3: cards[1]") for each in told]


def test_a_flow_is_read() -> None:
    """With the cards inside others, in the order of the file."""
    flow = read_flow(WALK)
    assert [card.id for card in flow.every_card] == ["each", "card_2", "many", "more", "card_5"]
    assert [card.line for card in flow.every_card] == [12, 17, 19, 24, 31]


def test_everything_wrong_is_told_at_once() -> None:
    """In the order of the lines."""
    told = problems("flow: Some\nversion: 2\nstart: {kind: never}\ncards: 1\nmore: 1\n")
    assert [each.partition(": ")[0] for each in told] == [f"line {n}" for n in range(1, 6)]
    assert problems("[1]")[0] == "line 1: must be a mapping of names"
    assert problems("flow: a") == ["line 1: start must be there", "line 1: cards must be there"]


@pytest.mark.parametrize(
    ("part", "rule"),
    [
        ("version: true", "version: must be 1"),
        ("version: '1'", "version: must be 1"),
        ("description: 1", "description: must be a text"),
        ("secrets: {Key: /A}", "secrets.Key: must be called by a word"),
        ("secrets: {key: 1}", "secrets.key: must be a text"),
        ("outputs: {a: words}", "outputs.a: must be one of text, number"),
        ("limits: {steps: 1.5}", "limits.steps: must be a whole number from 1"),
        ("limits: {steps: 0}", "limits.steps: must be a whole number from 1"),
        ("limits: {answer_s: 0}", "limits.answer_s: must be a number from 0.001"),
        ("limits: {per_s: true}", "limits.per_s: must be a number from 0.001"),
        ("limits: {more: 1}", "limits.more: is nothing that stands here"),
        ("history: some", "history: must be one of full, none"),
        ("on_error: {give: {}}", "on_error.give: is nothing that stands here"),
        ("on_error: stop", "on_error: must be a mapping"),
        ("on_error: {run: Not A Flow}", "on_error.run: must be a slug"),
    ],
)
def test_parts_of_a_flow_are_checked(part: str, rule: str) -> None:
    """Each has its rule."""
    assert any(rule in each for each in problems(f"{HEAD}cards: []\n{part}\n"))


@pytest.mark.parametrize(
    ("start", "rule"),
    [
        ("{}", "kind must be one of api_endpoint"),
        ("{kind: helper, cron: a}", "cron: is nothing that stands here"),
        ("{kind: schedule, cron: 1}", "cron: must be a text"),
        ("{kind: api_endpoint, methods: [PUT]}", "methods[1]: must be one of GET, POST"),
        ("{kind: api_endpoint, methods: GET}", "methods: must be a list of methods"),
        ("{kind: api_endpoint, security: none}", "security: must be one of public"),
    ],
)
def test_what_a_flow_starts_by_is_checked(start: str, rule: str) -> None:
    """Each kind has settings of its own."""
    assert any(rule in each for each in problems(f"flow: a\nstart: {start}\ncards: []\n"))


@pytest.mark.parametrize(
    ("card", "rule"),
    [
        ("id: a", ": must be a mapping that names a card, as in card: flow.return"),
        ("card: flow.wait", ".card: there is no card flow.wait; is it flow.wait_for?"),
        ("id: card_1, card: flow.return", ".id: must be a word of a-z"),
        ("id: start, card: flow.return", ".id: must be a word of a-z"),
        (f"id: {'a' * 65}, card: flow.return", ".id: must be a word of a-z"),
        ("card: flow.return, as: one", ".as: flow.return looks at no items"),
        ("card: flow.wait_for", ": flow.wait_for needs the input duration"),
        (f"{WAIT}, connection: a", ".connection: flow.wait_for runs on no connection"),
        (f"{WAIT}, retry: {{}}", ".retry: flow.wait_for asks nobody"),
        (f"{CALL}, timeout_s: 601", ".timeout_s: must be a number from 0.1 to 600"),
        (f"{WAIT}, timeout_s: 1", ".timeout_s: flow.wait_for asks nobody, and has no time of its"),
        (
            "card: list.range, with: {end: 3}, timeout_s: 1",
            ".timeout_s: list.range asks nobody, and has no time of its own",
        ),
        (f"{WAIT}, cases: []", ": flow.wait_for has no cases"),
        (f"{WAIT}, on_error: {{give: 1, run: a}}", ".on_error: must be halt"),
        (f"{CALL}, retry: {{times: 6}}", ".retry.times: must be a whole number from 1 to 5"),
        (
            f"{CALL}, retry: {{statuses: [[1]]}}",
            ".retry.statuses[1]: must be a whole number from 100",
        ),
        (f"{CALL}, retry: {{statuses: []}}", ".retry.statuses: must be a list of statuses"),
        (CALL.replace("some", "''"), ".connection: must be the alias of a connection"),
        ("card: list.for_each, with: {list: []}", ": list.for_each needs the cards do"),
        (
            "card: flow.call, with: {flow: '{{ start.inputs.n }}'}",
            ".with.flow: must be written out",
        ),
        ("card: branch.if_else_if", ": branch.if_else_if needs cases"),
        ("card: branch.if_else_if, cases: []", ".cases: must be a list of cases"),
        ("card: branch.if_else_if, cases: [{when: true, x: 1}]", ".cases[1]: must be {when"),
        ("card: branch.if_else_if, cases: [{when: 1, then: []}]", ".cases[1].when: must be {left"),
    ],
)
def test_cards_are_checked(card: str, rule: str) -> None:
    """Each part has its rule."""
    assert any(each.startswith(rule) for each in of_card(card))


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ("duration: one", "duration: must be of the kind number"),
        ("duration: {a: '{{ start }}'}", "duration: must be of the kind number"),
        ("duration: null", "duration: must be of the kind number"),
        ("duration: '{{ a'", "duration: a text with references in it is put together by"),
        ("duration: '{{ A }}'", "duration: {{ A }} is no reference"),
        ("duration: 1, unit: years", "unit: must be one of seconds"),
        ("duration: 1, more: 1", "more: flow.wait_for has no such input; it takes duration, unit"),
    ],
)
def test_inputs_are_checked(given: str, rule: str) -> None:
    """Kinds, options and references, where they stand in the file."""
    assert of_card(f"card: flow.wait_for, with: {{{given}}}")[0].startswith(f".with.{rule}")


def test_a_secret_is_a_reference() -> None:
    """A key never stands in a file, nor in an object there."""
    for key in ("abc", "{a: '{{ secrets.key }}'}", "null"):
        card = f"card: jwt.sign, with: {{payload: {{}}, algorithm: HS256, key: {key}}}"
        assert any("must be a reference to a secret" in each for each in of_card(card))


@pytest.mark.parametrize(
    ("condition", "rule"),
    [
        ("some", ": must be {left, is, right}"),
        ("{left: 1}", ": must be {left, is, right}"),
        ("{left: 1, is: big}", ".is: with a left alone must be one of empty"),
        ("{left: 1, is: empty, right: 1}", ".is: between a left and a right must be one of equal"),
        ("{all: []}", ".all: must be a list of conditions"),
        ("{any: [{left: 1, is: x}]}", ".any[1].is: with a left alone"),
        ("{not: {all: [1]}}", ".not.all[1]: must be {left, is, right}"),
    ],
)
def test_conditions_are_checked(condition: str, rule: str) -> None:
    """Their form is that of one, however deep."""
    (told,) = of_card(f"card: branch.continue_if, with: {{when: {condition}}}")
    assert told.startswith(f".with.when{rule}")


def test_ids_are_told_apart() -> None:
    """No two cards have one id, wherever they lie."""
    told = problems(f"{HEAD}cards:\n- {{{WAIT}}}\n- {{{WAIT}}}\n")
    assert told == ["line 5: cards[2]: there is a card a before it"]
