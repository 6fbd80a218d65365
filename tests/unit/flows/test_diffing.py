"""What differs between two flows is told by what they do."""

import pytest
from flow_files import WALK, as_text, flow_documents
from hypothesis import given, settings

from keyturn.domain.flows.diffing import Change, How, diff_flows
from keyturn.domain.flows.formatting import format_flow
from keyturn.domain.flows.reading import read_flow

KEY = "9f86d081884c7d659a2feaa0c55ad015"
HEAD = "flow: some-flow\nstart: {kind: helper}\ncards:\n"


def between(before: str, after: str) -> list[str]:
    """Return what differs between the texts of two flows."""
    return [*map(str, diff_flows(read_flow(before), read_flow(after)))]


def waits(*names: str) -> str:
    """Return a flow of cards of these names, or without one."""
    told = (f"id: {name}, " if name != "-" else "" for name in names)
    cards = (f"- {{{name}card: flow.wait_for, with: {{duration: 1}}}}\n" for name in told)
    return HEAD + "".join(cards)


@settings(max_examples=40, deadline=None)
@given(flow_documents())
def test_how_a_file_is_written_is_no_difference(document: dict[str, object]) -> None:
    """Order of names, quotes and comments change nothing."""
    text = as_text(document)
    assert between(text, f"# A comment.\n{format_flow(text)}") == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("issue-token\n", "issue\n", "changed flow: issue-token -> issue"),
        ("client_token", "public", "changed start.security: client_token -> public"),
        ("count: number, ", "", "removed start.body.count: number"),
        ("/okta/SIGNING_KEY", "/KEY", "changed secrets.key: /okta/SIGNING_KEY -> /KEY"),
        ("outputs:", "limits: {steps: 9}\noutputs:", "added limits.steps: 9"),
        ("outputs:", "history: none\noutputs:", "changed history: full -> none"),
        ("right: 3", "right: 4", "changed card many.with.when.right: 3 -> 4"),
        ("as: name\n", "as: name\n  note: a\n", "added card each.note: a"),
        ("flow: other", "flow: more", 'changed card more.with.flow: "other" -> "more"'),
        ("{result: null}", "{result: 1}", 'changed card more.on_error: give {"result": null} -> '),
        ("Each name", "One", "in each do.with.text: "),
    ],
)
def test_each_difference_is_told(old: str, new: str, told: str) -> None:
    """Where it is, from what, and to what."""
    found = between(WALK, WALK.replace(old, new, 1))
    assert told in found[0]
    assert between(WALK, WALK) == []


def test_cards_come_and_go() -> None:
    """A card that one flow alone has is told with its name."""
    assert between(waits("a"), waits("a", "b")) == ["added card b: flow.wait_for"]
    assert between(waits("a", "b"), waits("b")) == ["removed card a: flow.wait_for"]


def test_a_name_can_be_another_card() -> None:
    """The card of an id is another, and has other inputs."""
    found = between(waits("a"), HEAD + "- {id: a, card: flow.comment, with: {text: b}}\n")
    assert found[0] == "changed card a.card: flow.wait_for -> flow.comment"
    assert len(found) == 3


def test_as_few_cards_as_can_be_are_moved() -> None:
    """One that goes to the end is moved, and those that move up are not."""
    found = between(waits("a", "b", "c", "d"), waits("b", "c", "d", "a"))
    assert found == ["moved card a: place 1 -> place 4"]


def test_a_card_that_changes_its_lane_is_moved() -> None:
    """The lane is told."""
    lane = (
        HEAD + "- {id: x, card: error.if_error, try: [{id: a, card: flow.call, with: {flow: b}}]}\n"
    )
    flat = (
        HEAD
        + "- {id: a, card: flow.call, with: {flow: b}}\n- {id: x, card: error.if_error, try: []}\n"
    )
    assert between(flat, lane) == ["moved card a: place 1 -> place 1 in x try"]


def test_cards_without_an_id_are_told_apart_by_their_number() -> None:
    """The second of its name is still the second where another card comes before it."""
    found = between(waits("-", "-"), waits("new", "-", "-").replace("1}}\n", "1}}\n", 1))
    assert found == ["added card new: flow.wait_for"]
    more = waits("-", "-").replace("duration: 1}}\n- ", "duration: 2}}\n- ")
    assert between(waits("-", "-"), more) == [
        "changed card flow.wait_for[1].with.duration: 1 -> 2",
    ]


def test_no_secret_is_shown() -> None:
    """What looks like a key is masked, and what is long is cut."""
    (told,) = between(WALK, WALK.replace("Each name", KEY))
    assert KEY not in told
    assert "-> (masked)" in told
    (told,) = between(WALK, WALK.replace("Each name", "ab" * 100))
    assert told.endswith("(202 characters)")


def test_a_change_can_be_read() -> None:
    """It has what programs need."""
    before, after = read_flow(waits("a")), read_flow(waits("a", "b"))
    assert diff_flows(before, after) == (Change(How.ADDED, "card b", after="flow.wait_for"),)
