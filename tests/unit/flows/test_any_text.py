"""Whatever a file holds, it is read, or refused with a line and a reason."""

from collections.abc import Callable
from contextlib import suppress
from cProfile import Profile
from functools import partial

import pytest
from flow_files import WALK, as_text, mutated
from hypothesis import given, settings
from hypothesis import strategies as st

from keyturn.domain.flows.checking import check
from keyturn.domain.flows.formatting import format_flow
from keyturn.domain.flows.reading import CARDS_MAX, FlowRefused, read_flow
from keyturn.domain.flows.spots import PROBLEMS_MAX, Problem
from keyturn.domain.flows.yaml_text import (
    DEPTH_MAX,
    KEY_MAX,
    NODES_MAX,
    TEXT_MAX,
    NoYaml,
    parse_yaml,
)

SNIPPETS = (
    *("&a ", "*a", "!!python/object:os.system ", "! ", "<<: ", "? ", "- ", ": ", "|\n", ">+\n"),
    *("{", "}", "[", "]", ",", "'", '"', "#", "%YAML 1.1\n", "---\n", "...\n", "\t", "\r", "\0"),
    *("\ufeff", "\u2028", "\ud800", "😀", "{{", "}}", "{{ a }}", "1" * 30, ".nan", "0x1", "\n\n"),
    *("cards:\n", "card: flow.call\n", "when: ", "on: [[1]]", "with:\n", "  ", "null", "true"),
)
HEAD = "flow: a\nstart: {kind: helper}\ncards:\n"
RETURN = "card: flow.return"


def judged(text: str) -> tuple[str, ...]:
    """Read, check and tidy a text; return why it is no flow."""
    with suppress(NoYaml):
        format_flow(text)
    problems = refusal(text)
    lines = len(text.splitlines()) + 1
    assert len(problems) <= PROBLEMS_MAX
    assert all(1 <= each.line <= lines and each.rule for each in (*problems, *check(text)))
    return tuple(each.rule for each in problems)


def refusal(text: str) -> tuple[Problem, ...]:
    """Return why a text is no flow; nothing for one that is."""
    try:
        read_flow(text)
    except FlowRefused as error:
        return error.problems
    return ()


@settings(max_examples=200, deadline=None)
@given(st.text() | st.lists(st.sampled_from(SNIPPETS) | st.text(max_size=5)).map("".join))
def test_any_text_is_refused_or_read(text: str) -> None:
    """Nothing but a refusal comes of it."""
    judged(text)


@st.composite
def torn(draw: st.DrawFn) -> str:
    """Cut pieces out of a flow's text, and put others in."""
    text = WALK
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(text)))
        end = draw(st.integers(begin, min(len(text), begin + 40)))
        text = text[:begin] + draw(st.sampled_from(SNIPPETS) | st.text(max_size=4)) + text[end:]
    return text


@pytest.mark.slow
@settings(max_examples=1000, deadline=None)
@given(torn())
def test_a_torn_flow_is_refused_or_read(text: str) -> None:
    """Whatever is cut out of a flow or put into it."""
    judged(text)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(mutated())
def test_a_changed_flow_is_refused_or_read(document: object) -> None:
    """Whatever stands in place of something else."""
    judged(as_text(document))


def _nested(depth: int) -> str:
    loop = "card: list.for_each, with: {list: []}, do: [{"
    return f"{HEAD}- {{{loop * depth}{RETURN}{'}]' * depth}}}"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("[" * 100_000, f"nothing lies deeper than {DEPTH_MAX}"),
        ("- " * 100_000, f"nothing lies deeper than {DEPTH_MAX}"),
        ("{a: " * 50_000, f"nothing lies deeper than {DEPTH_MAX}"),
        ("? " * 100_000, "a key is a text"),
        pytest.param(
            *("[" + "1," * NODES_MAX + "]", f"a flow holds at most {NODES_MAX:,} values"),
            marks=pytest.mark.slow,
        ),
        ("a" * (TEXT_MAX + 1), f"a flow is a text of at most {TEXT_MAX:,} characters"),
        (f"{'k' * (KEY_MAX + 1)}: 1", f"a key has at most {KEY_MAX} characters"),
        ("a: &x [*x]", "no anchors and aliases"),
        ("a: &x 1\nb: [*x, *x]", "no anchors and aliases"),
        ("a: !!python/object:os.system x", "no tags"),
        ("! a", "no tags"),
        ("<<: {flow: a}", "no merged keys"),
        ("%YAML 1.1\n---\nflow: a", "no directives"),
        ("flow: a\n--- \nflow: b", "a file holds one flow"),
        ("flow: a\nflow: b", "flow stands here twice"),
        ("# nothing", "the file is empty"),
        ("a: \x1b[31m", "the character U+001B may not stand in a file as it is"),
        ("a: 1\u2028b: 2", "the character U+2028 may not stand in a file as it is"),
        ("a: \ud800", "the character U+D800 may not stand in a file as it is"),
        ("a: 0123", "not every reader takes this for the same number"),
        ("a: 1234567890123456789", "a number is too long or too large"),
        ("a: 1e999", "a number is too long or too large"),
        (HEAD + f"- {{{RETURN}}}\n" * 2000, f"a flow has at most {CARDS_MAX:,} cards"),
        (_nested(17), "cards lie at most 15 deep inside each other"),
    ],
)
def test_what_is_too_much_is_refused(text: str, rule: str) -> None:
    """Each limit has its reason."""
    assert any(each.startswith(rule) for each in judged(text))


@pytest.mark.parametrize(
    ("text", "line"),
    [("a: 1\r\nb: 2\rc: \x7f", 3), ("a: 1\n\nb: [", 4), ("a: 1\nb: 2\na: 3", 3), ("\n\n- *a", 3)],
)
def test_a_refusal_has_its_line(text: str, line: int) -> None:
    """However lines end."""
    with pytest.raises(NoYaml) as refused:
        parse_yaml(text)
    assert refused.value.line == line


def test_so_many_problems_are_told_and_no_more() -> None:
    """Nobody reads on in a file that is wrong from top to bottom."""
    assert len(judged(HEAD + "- {card: nothing}\n" * 900)) == PROBLEMS_MAX


def calls(work: Callable[[], object]) -> int:
    """Return how many functions were called for some work."""
    counting = Profile()
    counting.runcall(work)
    return sum(each.callcount for each in counting.getstats())


@pytest.mark.parametrize("work", [read_flow, check, format_flow], ids=lambda each: each.__name__)
@pytest.mark.parametrize(
    "shape",
    [
        lambda n: f"{HEAD}- {{{RETURN}, with: {{a: [{'1,' * n}]}}}}\n",
        lambda n: f"{HEAD}- {{{RETURN}, with: {{{''.join(f'a{i}: 1, ' for i in range(n))}}}}}\n",
        lambda n: HEAD + f"- {{{RETURN}}}\n" * (n // 4),
        lambda n: f"{HEAD}- {{card: error.raise, with: {{message: '{'{{ run.id }} ' * n}'}}}}\n",
        lambda n: f"{HEAD}- {{card: error.raise, with: {{message: '{'{{{{' * n}'}}}}\n",
        lambda n: _nested(n // 100),
        lambda n: f"{HEAD}- {{card: error.raise, with: {{message: a}}}}\n" + "\n# a" * n,
        lambda n: (
            f"outputs: {{{'a: text, '.join(map(str, range(n)))}: text}}\n{HEAD}"
            f"- {{{RETURN}, with: {{{''.join(f'a{i}: 1, ' for i in range(n))}}}}}\n"
        ),
    ],
    ids=("items", "members", "cards", "references", "braces", "lanes", "comments", "unknown"),
)
def test_work_grows_as_the_text_does(
    shape: Callable[[int], str], work: Callable[[str], object]
) -> None:
    """Twice the text is twice the work, and not four times."""
    small, large = (calls(partial(work, shape(size))) for size in (600, 1200))
    assert large < 2.6 * small
