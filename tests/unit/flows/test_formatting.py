"""A flow's file in its canonical form says what it said, comments included."""

from dataclasses import replace
from typing import Any

import pytest
import yaml
from flow_files import WALK, as_text, flow_documents, mutated
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from keyturn.domain.flows.definition import Card
from keyturn.domain.flows.formatting import format_flow
from keyturn.domain.flows.reading import read_flow
from keyturn.domain.flows.yaml_text import NoYaml, parse_commented, parse_yaml

UNTIDY = """\
# About the file.

cards: # all
# first
- card: flow.comment # c
  # the id
  id: a
  with: {text: "a

    b"} # w

- # dash
  card: flow.wait_for
  with: # in
    unit: hours
    duration: 1.0e3 # long
  on_error: {give: {a: [1, # one
   2], }} # g

- {card: flow.return, with: {on: yes, a: "no", 'x: y': [[1], {c: d}]}} # end
flow:   some-flow
start: {kind: helper}
# The end.
"""
TIDY = """\
# About the file.

flow: some-flow
start: {kind: helper}
cards:  # all
# first
# the id
- id: a
  card: flow.comment  # c
  with:  # w
    text: |-
      a
      b

# dash
- card: flow.wait_for
  with:  # in
    duration: 1000.0  # long
    unit: hours
  on_error:  # g
    give:
      a:
      - 1  # one
      - 2

# end
- card: flow.return
  with:
    "on": "yes"
    a: "no"
    "x: y":
    - [1]
    - {c: d}
# The end.
"""


def without_lines(card: Card) -> Card:
    """Return a card as it is wherever it stands."""
    lanes = {name: tuple(map(without_lines, lane)) for name, lane in card.lanes.items()}
    cases = tuple((when, tuple(map(without_lines, lane))) for when, lane in card.cases)
    return replace(card, line=0, lanes=lanes, cases=cases)


def test_an_untidy_file_is_tidied() -> None:
    """Order, space and quotes are those of every file; comments stay where they belong."""
    assert format_flow(UNTIDY) == TIDY


@pytest.mark.parametrize("text", [WALK, TIDY])
def test_a_tidy_file_is_left_alone(text: str) -> None:
    """What is canonical stays as it is."""
    assert format_flow(text) == text


@pytest.mark.parametrize(
    ("value", "written"),
    [
        *((word, f'"{word}"') for word in ("yes", "No", "ON", "off", "y", "null", "true", "~")),
        *((text, f'"{text}"') for text in ("1", "0x1", "1:30", "1e3", "2026-11-21", ".5", "-", "")),
        *((text, f'"{text}"') for text in ("a: b", "# a", "- a", "a ", "*a", "{{ a }}", "<<", "=")),
        *((text, text) for text in ("a", "a b", "GET", "/okta/KEY", "a-b.c", "it's", "é", "a, b")),
        *((1e16, "1.0e+16"), (1e-7, "1.0e-07"), (0.5, "0.5"), (3, "3"), (None, "null")),
        *((True, "true"), ("\0\u2028", '"\\u0000\\u2028"'), ([], "[]"), ({}, "{}")),
        *(
            (["a?"], '["a?"]'),
            ("a?", "a?"),
            (["a, b"], '["a, b"]'),
            ({"a": "b"}, "{a: b}"),
            ("a\nb", "|-\n  a\n  b"),
        ),
        *(("a\n \nb", '"a\\n \\nb"'), ("a\n\nb", "|-\n  a\n\n  b")),
        *(("a\n", "|\n  a"), ("a\n\n", '"a\\n\\n"'), (" a\nb", '" a\\nb"'), ("\n", '"\\n"')),
    ],
)
def test_how_values_are_written(value: object, written: str) -> None:
    """Texts are quoted where a reader would take them for something else, and only there."""
    text = format_flow(as_text({"description": value}))
    assert text == f"description: {written}\n"
    assert parse_yaml(text).plain == {"description": value} == yaml.safe_load(text)


def test_a_card_takes_a_line_for_each_part() -> None:
    """However short it is: cards begin alike."""
    text = "cards: [{card: flow.return, id: a}]"
    assert format_flow(text) == "cards:\n- id: a\n  card: flow.return\n"


def test_a_comment_in_an_item_stands_before_it() -> None:
    """Where the part that it precedes comes first, so that the item may take one line."""
    text = "cards:\n- card: branch.continue_if\n  with:\n    when:\n      all:\n"
    item = "      - is: empty\n        # left\n        left: 1\n"
    tidy = "      # left\n      - {left: 1, is: empty}\n"
    assert format_flow(text + item) == text + tidy == format_flow(text + tidy)


def test_a_text_that_grows_too_long_is_refused() -> None:
    """What is written can be read: it is no longer than a file may be."""
    with pytest.raises(NoYaml, match="longer"):
        format_flow("{a: " * 50 + "[" + "[b, [c]]," * 4_500 + "]" + "}" * 50)


@settings(max_examples=60, deadline=None)
@given(flow_documents())
def test_a_flow_stays_the_same(document: dict[str, Any]) -> None:
    """The flow that is read is that which was read before, lines aside."""
    before = read_flow(as_text(document))
    after = read_flow(format_flow(as_text(document)))
    tidy = [replace(each, cards=tuple(map(without_lines, each.cards))) for each in (before, after)]
    assert tidy[0] == tidy[1]


@st.composite
def commented(draw: st.DrawFn) -> str:
    """Write what may be a flow in some style, and put comments and blank lines into it."""
    document = draw(mutated())
    text = yaml.safe_dump(
        document,
        default_flow_style=draw(st.sampled_from((True, False, None))),
        sort_keys=False,
        allow_unicode=True,
        width=draw(st.sampled_from((20, 80, 1000))),
    )
    lines = text.splitlines()
    for number in draw(st.lists(st.integers(0, len(lines) - 1), max_size=6)):
        more = draw(st.sampled_from((" # {}", "\n# {}", "\n   # {}", "\n", "\n\n# {}\n")))
        lines[number] += more.format(f"c{number}")
    return "\n".join(lines) + draw(st.sampled_from(("", "\n", "\n# foot", "\n\n# foot\n")))


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(commented())
def test_whatever_is_written_says_the_same(text: str) -> None:
    """Values and comments are those of before, and written again they are written the same."""
    try:
        node, comments = parse_commented(text)
    except NoYaml:
        reject()
    tidy = format_flow(text)
    after, kept = parse_commented(tidy)
    assert after.plain == node.plain
    assert sorted(each.text for each in kept) == sorted(each.text for each in comments)
    assert format_flow(tidy) == tidy
    assert yaml.safe_load(tidy) == after.plain
