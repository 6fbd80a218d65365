"""What each kind of card of an export of Okta Workflows comes to, and that it does the same."""

from datetime import UTC, datetime
from typing import Any

import pytest
from flopack_kit import (
    COMPOSE,
    HELLO,
    RETURN,
    PackFile,
    Told,
    card,
    cards,
    chart,
    condition,
    helper,
    of,
    one,
    read,
    start,
)

from keyturn.domain.flows.flopack import ImportedFlow, import_pack
from keyturn.domain.flows.flopack.desk import HIDDEN
from keyturn.domain.flows.values import seen
from keyturn.domain.flows.walk import Allowance, End, Walk


def test_pins_become_references_and_braces_stay_braces() -> None:
    """A place in a text leads to what is pinned there; a brace beside it is only a brace."""
    flow = one(HELLO)
    brace, greeting, end = cards(flow)
    assert brace["with"] == {"open": "{"}
    assert greeting["id"] == "greeting"
    assert greeting["with"]["text"] == (
        "Hello {{ start.inputs.name? }}, {{ brace.open }}{{ start.inputs.name? }}}!"
    )
    assert end["with"] == {"greeting": "{{ greeting.text }}"}
    assert start(flow) == {"kind": "helper", "inputs": {"name": "text"}}


def test_a_part_of_an_output_is_a_longer_reference() -> None:
    """What Okta shows as fields of an object is the way to them."""
    expand = card(
        "x",
        "object:expand",
        [of("object", {}, "object")],
        [of("value", None, group="G", path=["id"], srcMethodId="ask", srcOutputId="ask>Body")],
        pins={"value": ["end.id"]},
    )
    ask = card(
        "ask",
        "@okta:hTTPRequest",
        [of("requestType", "GET", group="parameters"), of("Relative URL", "/x", group="Request")],
        [of("Body", {}, "object", group="Response")],
        config="c1",
        pins={"Body": ["x.object"]},
        error={"type": "finish", "retry": 2, "delay": [60000, 180000]},
    )
    flow = one(chart(helper(), ask, expand, card("end", RETURN, [of("id")])))
    asked, end = cards(flow)
    assert end["with"] == {"id": "{{ " + asked["id"] + ".body.id? }}"}
    assert asked["connection"] == "our-org"
    assert asked["retry"] == {"times": 2, "after_s": 60}
    assert flow.cards == 3


def test_a_call_that_streams_is_said_to() -> None:
    """What its helper flow is called in an export, nobody has seen: a comment names the card."""
    kind = of("requestType", "GET (Streaming)", group="parameters")
    asked = [kind, of("Relative URL", "/x", group="Request")]
    flow = one(chart(helper(), card("ask", "@okta:hTTPRequest", asked, config="c1")))
    comment = cards(flow)[0]
    assert comment["card"] == "flow.comment"
    assert "okta.stream_pages" in comment["with"]["text"]


def branching(*, kind: str = "string") -> Told:
    """Return a flow that branches and joins, with a card after that."""
    return chart(
        helper(of("n", 0, "number"), pins={"n": ["if.left-operand"]}),
        card(
            "if",
            "control:if",
            condition("", ">", "3", "number"),
            [of("result", None, "boolean")],
            title="If/Else",
            branches={"yes": True, "no": False},
        ),
        card("yes", "control:noop"),
        card("no", "control:noop"),
        card("a", COMPOSE, [of("_text_", "many")], [of("output")], pins={"output": ["j.word"]}),
        card("b", COMPOSE, [of("_text_", "few")], [of("output")], pins={"output": ["j.word"]}),
        card(
            "j",
            "control:join",
            [of("word", kind=kind)],
            [of("word", kind=kind)],
            joins={"j<word": [{"output": "j>word"}]},
            pins={"word": ["end.word"]},
        ),
        card("end", RETURN, [of("word")]),
        before=["start>if", "yes>a", "a>j", "yes>j", "no>b", "b>j", "no>j", "j>end"],
    )


def test_branches_become_lanes_and_what_is_joined_is_chosen() -> None:
    """The lanes hold what runs there alone; a text that is compared with a number is one."""
    flow = one(branching())
    decide, chosen, end = cards(flow)
    assert decide["with"]["when"] == {
        "left": "{{ start.inputs.n? }}",
        "is": "greater than",
        "right": 3,
    }
    assert [each["with"]["text"] for each in (*decide["then"], *decide["else"])] == ["many", "few"]
    assert chosen["card"] == "branch.assign_if"
    assert chosen["with"]["then"] == "{{ " + decide["then"][0]["id"] + ".text? }}"
    assert end["with"] == {"word": "{{ " + chosen["id"] + ".value }}"}
    assert flow.cards == 5
    assert {"control:noop", "control:join"} <= HIDDEN


@pytest.mark.parametrize(("left", "given"), [("7", "7"), (None, "{{ "), ("x", "{{ ")])
def test_a_remainder_is_taken_of_numbers_only(left: object, given: str) -> None:
    """What stands there and is none is referred to as missing, so that the flow can be saved."""
    flow = one(chart(helper(), card("if", "control:continueIf", condition(left, "%", "2"))))
    modulo = next(each for each in cards(flow) if each["card"] == "number.modulo")
    assert str(modulo["with"]["a"]).startswith(given)
    assert modulo["with"]["b"] == 2


def trying() -> Told:
    """Return a flow that tries something, with a value for each way."""
    inner = chart(
        card("in", "control:callable", [], [of("w1", group="context")], pins={"w1": ["say.what"]}),
        card("say", COMPOSE, [of("_text_", "{{{what}}}"), of("what")], [of("output")],
             pins={"output": ["out.said"]}),
        card("out", RETURN, [of("said")]),
    )  # fmt: skip
    caught = chart(
        card("ein", "control:callable", [], [of("error", None, {"message": {}}, group="context")],
             pins={"error": ["x.object"]}),
        card("x", "object:expand", [of("object", {}, "object")],
             [of("value", None, path=["message"], srcMethodId="ein", srcOutputId="ein>error")],
             pins={"value": ["eout.said"]}),
        card("eout", RETURN, [of("said")]),
    )  # fmt: skip
    return chart(
        helper(of("what"), pins={"what": ["try.w1"]}),
        card(
            "try",
            "control:tryCatch",
            [of("flo", inner, "flo"), of("w1", None, group="context")],
            [of("said")],
            title="If Error",
            error={"type": "handler", "flo": caught},
            pins={"said": ["end.said"]},
        ),
        card("end", RETURN, [of("said")]),
    )


def test_what_is_tried_lies_in_a_lane_and_what_failed_after_it() -> None:
    """Values of both ways come out; the error is that of our card."""
    tried, failed, chosen, _ = cards(one(trying()))
    assert [each["card"] for each in tried["try"]] == ["text.compose", "flow.assign"]
    assert tried["try"][0]["with"]["text"] == "{{ start.inputs.what? }}"
    assert failed["with"]["when"]["left"] == "{{ " + tried["id"] + ".failed }}"
    assert failed["then"][0]["with"] == {"said": "{{ " + tried["id"] + ".error.message? }}"}
    assert chosen["card"] == "branch.assign_if"


def test_cases_become_cases() -> None:
    """Each group of If/ElseIf has a condition and a flow of its own."""

    def lane(name: str, text: str) -> Told:
        return chart(
            card(f"{name}0", "control:callable"),
            card(f"{name}1", COMPOSE, [of("_text_", text)], [of("output")],
                 pins={"output": [f"{name}2.word"]}),
            card(f"{name}2", RETURN, [of("word")]),
        )  # fmt: skip

    groups = [
        *({**each, "group": "if", "id": f"i{each['key']}"} for each in condition("", "is empty")),
        of("flo", lane("p", "none"), "flo", group="if", id_="p"),
        of("flo", lane("q", "some"), "flo", group="else", id_="q"),
    ]
    branch = card("b", "control:branch", groups, [of("word")], title="If/ElseIf",
                  pins={"word": ["end.word"]})  # fmt: skip
    flow = one(chart(helper(), branch, card("end", RETURN, [of("word")])))
    decide, chosen, _ = cards(flow)
    assert decide["cases"][0]["when"] == {"left": "", "is": "empty"}
    assert [each["card"] for each in decide["else"]] == ["text.compose", "flow.assign"]
    assert chosen["with"]["when"] == {"left": "{{ if_else_if.case }}", "is": "equal to", "right": 1}


def test_a_loop_calls_the_other_flow_for_each_item() -> None:
    """By its name here, with what the export takes of each item."""
    loop = card(
        "loop",
        "list:asyncEach",
        [
            of("list", ["x"], many=True),
            of("flo", "other", "flo"),
            of("concurrency", 1, "number"),
            of("User ID", proxy={"dynamic": True, "path": "user.id"}),
            of("fixed", "same"),
        ],
        title="For Each - Ignore Errors",
    )
    other = chart(helper(of("User ID"), of("fixed")))
    (each,) = cards(one(chart(helper(), loop), other=other))
    assert each["card"] == "list.for_each_ignoring_errors"
    assert each["do"][0]["with"] == {
        "flow": "other",
        "inputs": {"User ID": "{{ item.user.id? }}", "fixed": "same"},
    }


def test_a_schedule_becomes_cron() -> None:
    """In its time zone; one of another form is said to be missing."""
    cron = {"seconds": "00", "minutes": "30", "hours": "9", "dayOfTheMonth": "*", "month": "*",
            "dayOfTheWeek": "*", "timeZone": "Europe/Paris"}  # fmt: skip
    begin = card("s", "control:callable", [], [of("execution_time", None, group="context")])
    flow = one(chart(begin, scheduled=True, cron=cron))
    assert start(flow) == {"kind": "schedule", "cron": "30 9 * * *", "zone": "Europe/Paris"}
    odd = one(chart(begin, scheduled=True, cron={**cron, "hours": "sometimes"}))
    assert (start(odd)["kind"], odd.whole) == ("helper", False)


def test_an_endpoint_keeps_its_fields_and_its_level() -> None:
    """Names of headers are in lower case; OAuth asks by a registration that has to be made."""
    outs = [
        of("User", group="query"),
        of("X-One", group="headers"),
        of("n", 0, "number", group="body"),
    ]
    begin = card("a", "http:accept", [], outs, title="API Endpoint", pins={"User": ["end.user"]})
    end = card("end", RETURN, [of("user")])
    told = {each: start(one(chart(begin, end, security_level=each))) for each in ("open", "high")}
    assert told["open"] == {
        "kind": "api_endpoint",
        "security": "public",
        "query": {"User": "text"},
        "headers": {"x-one": "text"},
        "body": {"n": "number"},
    }
    assert told["high"]["oauth"] == {"registration": "okta-org"}


def test_an_event_starts_by_its_name_and_looks_for_its_targets() -> None:
    """The cards for each event run at once, as there is one run for each."""
    outs = [of("Okta User", None, {"ID": {}}, group="Output"), of("UUID", None, group="Output")]
    inner = chart(
        card("in", "control:callable", [], outs,
             pins={"Okta User": ["x.object"], "UUID": ["say.u"]}),
        card("x", "object:expand", [of("object", {}, "object")],
             [of("value", None, path=["ID"], srcMethodId="in", srcOutputId="in>Okta User")],
             pins={"value": ["say.i"]}),
        card("say", COMPOSE, [of("_text_", "{{{i}}} {{{u}}}"), of("i"), of("u")], [of("output")]),
    )  # fmt: skip
    flow = one(
        chart(
            card(
                "ev", "@okta:userDeactivated", [], [of("collection", [], many=True)], webhook=True
            ),
            card("each", "list:asyncEach", [of("list", [], many=True), of("flo", inner, "flo")]),
        )
    )
    assert start(flow) == {
        "kind": "event",
        "source": "okta",
        "events": ["user.lifecycle.deactivate"],
    }
    found, said = cards(flow)
    assert found["with"]["where"]["right"] == "User"
    assert said["with"]["text"] == "{{ okta_user.item.id? }} {{ start.event.uuid? }}"


def test_a_table_is_searched_and_what_is_no_equality_filtered() -> None:
    """By its name, with the rows' values where ours has them."""
    where = {"expr": [
        {"lhs": "Name", "op": "=", "join": "AND", "rhs": "una"},
        {"lhs": "Age", "op": ">", "join": "AND", "rhs": 3},
    ]}  # fmt: skip
    search = card(
        "s",
        "@stash:searchRows2",
        [
            of("stash", "t1", group="parameters"),
            of("Where Expression", where, "object", group="Filter"),
        ],
        [of("Rows", [], "object", many=True, group="Result")],
        title="Search Rows",
        pins={"Rows": ["end.rows"]},
    )
    file = PackFile().table("t1", "People", "Name", "Age")
    file.flow("f", "One", chart(helper(), search, card("end", RETURN, [of("rows", [], many=True)])))
    found = import_pack(file.text)
    searched, kept, end = cards(found.flows[0])
    assert searched["with"] == {"table": "People", "where": {"Name": "una"}}
    assert kept["with"]["where"]["all"][0]["left"] == "{{ item.values.Age? }}"
    assert end["with"] == {"rows": "{{ " + kept["id"] + ".list }}"}
    assert found.tables == {"People": ("Name", "Age")}


def walked(flow: ImportedFlow, **given: Any) -> Any:  # noqa: ANN401  # JSON in and out
    """Walk a flow whose cards only compute; return what it returns."""
    walk = Walk(Allowance(), lambda: datetime(2026, 1, 1, tzinfo=UTC))
    course = walk.course(read(flow), seen({"inputs": given}), run=seen({"id": "r"}))
    try:
        while True:
            next(course)
    except StopIteration as stop:
        end: End = stop.value
    assert end.failure is None, end.failure
    return end.response.body.value


def test_what_was_imported_does_the_same() -> None:
    """Texts are put together, and lanes chosen, as Okta would."""
    assert walked(one(HELLO), name="Ada") == {"greeting": "Hello Ada, {Ada}!"}
    assert [walked(one(branching()), n=n) for n in (3, 4)] == [{"word": "few"}, {"word": "many"}]
    assert walked(one(trying()), what="done") == {"said": "done"}


def test_what_failed_is_caught_as_there() -> None:
    """The value of the error's way comes out, with its message."""
    failing = trying()
    tried = failing["methods"][1]["node"]["model"]["inputs"]["data"]["try<flo"]["value"]["data"]
    tried["methods"].insert(1, card("bad", "json:parse", [of("string", "no")], [of("output")]))
    tried["orderings"] = {"1": ["in", "bad"], "2": ["bad", "say"], "3": ["say", "out"]}
    assert "text" in str(walked(one(failing), what="done")["said"])
