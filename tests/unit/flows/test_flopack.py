"""Exports of Okta Workflows become flows: names, secrets, aliases, reports, and refusals."""

from typing import Any

import pytest
from flopack_kit import (
    COMPOSE,
    HELLO,
    RETURN,
    PackFile,
    card,
    cards,
    chart,
    helper,
    imported,
    of,
    one,
    read,
)

from keyturn.domain.flows.catalogue import CARDS
from keyturn.domain.flows.flopack import PackRefused, import_pack
from keyturn.domain.flows.flopack.report import lines_of
from keyturn.domain.flows.flopack.table import ROWS

PEM = "PRIVATE KEY"
KEY = f"-----BEGIN {PEM}-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj\n-----END {PEM}-----"


@pytest.mark.parametrize("version", ["1.2.0", "1.3.0", "1.4.0", "1.5.0"])
def test_each_version_is_read(version: str) -> None:
    """An export of any of them becomes the same flow."""
    found = import_pack(PackFile(version).flow("f", "Say [Hello]", HELLO, "Greets.").text)
    (flow,) = found.flows
    assert (flow.name, flow.called, flow.whole, flow.cards) == ("say-hello", "Say [Hello]", True, 3)
    assert read(flow).description == "Greets."
    assert found.unmapped == {}


def test_a_card_that_nobody_knows_is_a_comment_with_what_it_would_give() -> None:
    """In its place, by its title; whoever needs its outputs refers to an assignment."""
    strange = card(
        "s",
        "@slack:post",
        [of("Channel", "ops")],
        [of("Message ID"), of("unused")],
        title="Post Message",
        pins={"Message ID": ["end.id"]},
    )
    flow = one(chart(helper(), strange, card("end", RETURN, [of("id")])))
    said, instead, end = cards(flow)
    assert said["with"]["text"] == "Not imported: Post Message (@slack:post)"
    assert instead["with"] == {"given": {"Channel": "ops"}, "message_id": None}
    assert end["with"] == {"id": "{{ post_message.message_id }}"}
    assert (flow.whole, flow.cards, flow.unmapped) == (False, 3, ("Post Message (@slack:post)",))


def test_a_value_from_nowhere_is_said_to_be_missing() -> None:
    """A reference leads to what somebody has to give."""
    data = chart(helper(), card("end", RETURN, [of("x")]))
    data["methods"][0]["pins"] = {"gone": {"end": [{"input": "end<x", "transform": None}]}}
    flow = one(data)
    first, end = cards(flow)
    assert first == {"id": "missing", "card": "flow.assign", "with": {"x": None}}
    assert end["with"] == {"x": "{{ missing.x }}"}
    assert flow.lost == ("x of control:return",)


@pytest.mark.parametrize(
    ("key", "data"),
    [("_text_", KEY), ("Authorization", "Basic dXNlcjpwYXNz"), ("clientSecret", "hunter2")],
)
def test_what_looks_like_a_key_is_a_secret_to_store(key: str, data: str) -> None:
    """It is in no file and no report, but for where it has to be kept."""
    address = COMPOSE if key == "_text_" else "object:construct"
    made = card("a", address, [of(key, data)], [of("output")], title="Make")
    found = imported(chart(helper(), made))
    (flow,) = found.flows
    (path,) = read(flow).secrets.values()
    assert [(each.path, each.card) for each in found.secrets] == [(path, "Make")]
    assert found.secrets[0].input == key.strip("_")
    told = flow.text + "\n".join(lines_of(found))
    assert not [line for line in data.splitlines() if line in told]


def test_keys_in_comments_and_names_are_left_out() -> None:
    """They are people's texts, to which no secret can be referred."""
    note = card("n", "control:comment", comments={"title": "", "markdown": f"use {KEY}"})
    file = PackFile().flow("f", "One", chart(helper(), note), KEY)
    (flow,) = import_pack(file.text).flows
    assert "PRIVATE KEY" not in flow.text
    assert "left out" in flow.text


def test_a_reference_in_a_text_of_the_export_is_a_text() -> None:
    """Nobody reads a secret of ours by writing its name into an export."""
    made = card("a", "object:construct", [of("x", "{{ secrets.key }}")], [of("output")])
    flow = one(chart(helper(), made))
    assert read(flow).secrets == {}
    assert cards(flow)[0]["with"] == {"text": "{{{{ secrets.key }}"}


def test_connections_become_aliases() -> None:
    """With what connects to what, and which flows need it."""
    ask = card(
        "r", "@httpfunctions:get", [of("URL", "https://x.example", group="Request")], config="c2"
    )
    file = PackFile().connection("c2", "CRM (prod)", "httpfunctions")
    found = import_pack(file.flow("f", "One", chart(helper(), ask)).text)
    assert [(each.alias, each.connector, each.called, each.flows) for each in found.aliases] == [
        ("crm-prod", "api", "CRM (prod)", ("one",))
    ]


def test_flows_of_one_name_are_told_apart() -> None:
    """Their names here are slugs, and each has its own."""
    file = PackFile().flow("a", "Same!", HELLO).flow("b", "same", HELLO).flow("c", "É", HELLO)
    assert [each.name for each in import_pack(file.text).flows] == ["same", "same-2", "flow"]


def test_cards_in_a_circle_leave_their_flow_out() -> None:
    """It is said why; the others come over."""
    circle = chart(helper(), card("a", RETURN), before=["start>a", "a>start"])
    found = imported(circle, other=HELLO)
    assert found.left_out == (("One", "its cards come before each other in a circle"),)
    assert [each.name for each in found.flows] == ["other"]


def test_pins_in_a_circle_follow_the_orderings() -> None:
    """A value of a card that runs later is missing."""
    first = card("a", "control:let", [of("x")], [of("x")], pins={"x": ["b.x"]})
    second = card("b", "control:let", [of("x")], [of("x")], pins={"x": ["a.x"]})
    flow = one(chart(helper(), first, second))
    assert flow.lost == ("x of control:let",)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "no JSON"),
        ("[]", "no .flopack"),
        ('{"type": "flopack"}', "version"),
        ('{"type": "flopack", "version": "2.0.0"}', "must be one of"),
        ('{"type": "flopack", "version": "1.5.0", "data": []}', "an object"),
        ('{"type": "flopack", "version": "1.5.0", "data": {"flos": 3}}', "an object"),
        ('{"a": NaN}', "number"),
        ('{"a": 1e999}', "number"),
        ('{"a": ' + "9" * 5000 + "}", "number"),
        ("[" * 100_000, "too deep"),
    ],
)
def test_what_is_no_export_is_refused(text: str, rule: str) -> None:
    """With a reason that quotes nothing of it."""
    with pytest.raises(PackRefused, match=rule):
        import_pack(text)


def test_the_table_names_cards_that_there_are() -> None:
    """With inputs and outputs that they have."""
    for row in ROWS.values():
        spec = CARDS[row.card]
        assert {*row.takes, *row.fixed} <= {each.name for each in spec.inputs}, row
        assert row.rest in {"", ".", *(each.name for each in spec.inputs)}, row
        if not spec.open:
            given = {way[0] for way in row.gives.values()}
            assert given <= {each.name for each in spec.outputs}, row


def test_the_report_counts() -> None:
    """Flows, cards, and how often what is not known."""
    strange = [card(f"s{n}", "@slack:post", title="Post") for n in range(2)]
    found = imported(chart(helper(), *strange), other=HELLO)
    told: Any = found.as_value
    assert (told["whole"], told["cards"], told["mapped"]) == (1, 6, 4)
    assert told["unmapped"] == {"Post (@slack:post)": 2}
    lines = [*lines_of(found)]
    assert lines[0] == "1 of 2 flows came over whole, 4 of 6 cards."
    assert "     2  Post (@slack:post)" in lines
