"""What is found in flows that can be read."""

from textwrap import indent

import pytest
from flow_files import WALK, example_flows

from keyturn.domain.flows.checking import Known, check, unchecked
from keyturn.domain.flows.findings import Finding, Severity
from keyturn.domain.flows.reading import read_flow

HEAD = """\
flow: some-flow
start: {kind: api_endpoint, query: {user: text}, body: {names: list}}
secrets: {key: /KEY}
cards:
"""
USED = '- {id: used, card: flow.comment, with: {text: "{{ secrets.key }}"}}\n'
LOOP = """\
- id: loop
  card: list.for_each
  as: name
  with: {list: "{{ start.body.names }}"}
  do:
  - {id: inner, card: list.find, with: {list: [1], where: true}}
"""
FORK = """\
- id: fork
  card: branch.if_else
  with: {when: true}
  then:
  - {id: left, card: list.find, with: {list: [1], where: true}}
  else:
"""
RIGHT = "  - {id: right, card: list.find, with: {list: [1], where: true}}\n"
TRIED = """\
- card: error.if_error
  try:
  - {id: left, card: list.find, with: {list: [1], where: true}}
  catch:
"""
END = "- {card: flow.return_raw, with: {body: done}}\n"


def found(cards: str, known: Known | None = None) -> list[Finding]:
    """Check cards in a flow."""
    return list(check(HEAD + USED + cards, known or Known()))


def one(cards: str, known: Known | None = None) -> str:
    """Check cards in which one thing is found, and return what."""
    (only,) = found(cards, known)
    return str(only)


def refers(to: str) -> str:
    """Return a card that refers to something, and does nothing else."""
    return f"- {{id: last, card: flow.comment, with: {{text: '{{{{ {to} }}}}'}}}}\n"


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    """A flow of many parts is without findings."""
    assert check(WALK) == ()


def test_examples_hold_no_keys() -> None:
    """No example has anything in it that looks like a key, but the token that one decodes."""
    for name in example_flows().keys() - {"jwt.decode"}:
        told = [str(each) for each in check(example_flows()[name])]
        assert [each for each in told if "looks like" in each] == [], name


def test_what_cannot_be_read_is_found() -> None:
    """The problems of a file are findings, with their lines."""
    told = check("flow: some-flow\nstart: {kind: helper}\ncards:\n- {card: flow.retrun}\n")
    assert [(each.line, each.severity) for each in told] == [(4, Severity.ERROR)]
    assert str(told[0]) == "cards[1].card: there is no card flow.retrun; is it flow.return?"


@pytest.mark.parametrize(
    ("before", "to", "rule"),
    [
        ("", "usedd.x", "there is no usedd; is it used?"),
        ("", "used.x", "{{ used }} has no x; it has nothing declared"),
        (LOOP, "loop.lst", "{{ loop }} has no lst; it has list, count; is it list?"),
        (LOOP, "loop.list.a", "{{ loop.list }} is of the kind list"),
        (LOOP, "loop.count[0]", "{{ loop.count }} is of the kind number"),
        (LOOP, "inner.item?", "inner lies in a lane that has ended, and is known there alone"),
        (LOOP, "name", "name is known only in the lane that it is made for"),
        ("", "index", "index is known only in the lane that it is made for"),
        ("", "later.item?", "later comes later"),
        ("", "last", "last comes later"),
        (FORK + RIGHT, "left.item", "left may not have run; write ? at its end"),
        (FORK + RIGHT, "right.item", "right may not have run; write ? at its end"),
        (TRIED + RIGHT, "left.item", "left may not have run; write ? at its end"),
        ("", "start.query.usr", "{{ start.query }} has no usr; it has user; is it user?"),
        ("", "start.headers.a", "{{ start.headers }} has no a; it has nothing declared"),
        ("", "start.inputs.a", "{{ start }} has no inputs; it has query, headers, body"),
        ("", "start.query.user.id", "{{ start.query.user }} is of the kind text"),
        ("", "secrets.kye", "{{ secrets }} has no kye; it has key; is it key?"),
        ("", "secrets", "say which secret"),
        ("", "run.ids", "{{ run }} has no ids; it has id, started_at"),
    ],
)
def test_references_that_lead_nowhere_are_found(before: str, to: str, rule: str) -> None:
    """Each is told with why, and with what may be meant."""
    after = "- {id: later, card: list.find, with: {list: [1], where: true}}\n"
    (only,) = found(before + refers(to) + after)
    assert rule in only.rule
    assert only.where.endswith(".with.text")
    assert (HEAD + USED + before + refers(to)).splitlines()[only.line - 1].startswith("- {id: last")


@pytest.mark.parametrize(
    ("before", "to"),
    [
        (FORK + RIGHT, "left.item?"),
        (FORK + indent(END, "  "), "left.item"),
        (TRIED + indent(END, "  "), "left.item"),
        (LOOP, "loop.list[0].a.b"),
        ("", "start.raw.body.x"),
        ("", 'start.raw.headers["x-trace"]'),
        ("", "start.method"),
        ("", "start.query.user"),
        ("- {id: some, card: flow.assign, with: {a: 1}}\n", "some.a"),
    ],
)
def test_references_that_lead_somewhere_are_left_alone(before: str, to: str) -> None:
    """What is bound, or may be and is referred to so, is no finding."""
    told = [each.rule for each in found(before + refers(to))]
    assert [rule for rule in told if "of the kind" not in rule] == []


def test_lanes_know_what_is_made_for_them() -> None:
    """Items and their number in a loop, the error and what was tried where it is caught."""
    loop = LOOP.replace("where: true", "where: {left: '{{ name }}', is: in, right: '{{ item }}'}")
    assert found(loop) == []
    caught = "  - {card: flow.comment, with: {text: '{{ error.message }}'}}\n"
    assert found(TRIED + caught) == []
    assert found(TRIED + caught.replace("error.message", "left.item?")) == []
    assert "may not have run" in one(TRIED + caught.replace("error.message", "left.item"))


def test_one_lane_does_not_know_another() -> None:
    """What lies in the lane beside it has not run."""
    beside = "  - {card: flow.comment, with: {text: '{{ left.item }}'}}\n"
    assert "left lies in another lane" in one(FORK + beside)


def test_inputs_of_each_item_know_the_lane() -> None:
    """What each item comes to is made of what the lane gave for it."""
    assert found(LOOP.replace("}\n  do", ", give: '{{ inner.found }}'}\n  do")) == []
    assert "index2" in one(LOOP.replace("}\n  do", ", give: '{{ index2 }}'}\n  do"))


def test_what_on_error_does_not_give_is_doubtful() -> None:
    """An output that a card lacks where it fails is told, unless it may be missing."""
    card = "- {id: call, card: flow.call, with: {flow: x}, on_error: {give: {result: null}}}\n"
    told = one(card + "- {card: flow.wait_for, with: {duration: '{{ call.status }}'}}\n")
    assert told.startswith("warning: cards[3].with.duration: {{ call.status }}: where call fails")
    assert found(card + "- {card: flow.wait_for, with: {duration: '{{ call.status? }}'}}\n") == []


def test_a_lane_that_failed_may_not_have_run_whole() -> None:
    """Where on_error lets the flow go on, what lies in the lane may be missing."""
    fork = FORK + indent(END, "  ") + "  on_error: {give: {result: false}}\n"
    assert "left may not have run" in one(fork + refers("left.item"))


def test_another_kind_is_found() -> None:
    """A number for a text cannot be, where both say what they are."""
    told = one(LOOP + refers("loop.count"))
    assert told.endswith("{{ loop.count }} is of the kind number, and text of the kind text")


@pytest.mark.parametrize(
    "end",
    [
        "- {card: flow.return}\n",
        END,
        "- {card: error.raise, with: {message: no}}\n",
        "- {card: error.return_error, with: {message: no}}\n",
        f"- card: branch.if_else\n  with: {{when: true}}\n  then:\n  {END}  else:\n  {END}",
    ],
)
def test_cards_that_are_never_reached_are_found(end: str) -> None:
    """The first card after one that ends the flow is told."""
    told = found(f"{end}- {{card: flow.return}}\n")
    assert [each.severity for each in told] == [Severity.WARNING]
    assert "is never reached" in told[0].rule


@pytest.mark.parametrize(
    "end",
    [
        "- {card: error.raise, with: {message: no}, on_error: {give: {}}}\n",
        f"- card: branch.if_else\n  with: {{when: true}}\n  then:\n  {END}",
        f"- card: list.for_each\n  with: {{list: []}}\n  do:\n  {END}",
        "- {card: error.return_error_if, with: {when: true, message: no}}\n",
    ],
)
def test_cards_that_are_reached_are_left_alone(end: str) -> None:
    """What may go on goes on."""
    assert found(f"{end}- {{card: flow.return}}\n") == []


def test_secrets_are_declared_and_used() -> None:
    """A secret that no card refers to is told."""
    (only,) = check(HEAD + refers("start.query.user"))
    assert str(only) == "warning: secrets.key: no card refers to it"
    assert only.line == 3


def test_a_name_that_hides_another_is_found() -> None:
    """An item called as a card is."""
    told = one(LOOP.replace("as: name", "as: used"))
    assert told == "warning: cards[2].as: used hides what is called so already"


@pytest.mark.parametrize(
    "card",
    [
        "- {card: flow.call, with: {flow: some-flow}}\n",
        "- {card: flow.call, with: {flow: other}, on_error: {run: some-flow}}\n",
    ],
)
def test_a_flow_that_runs_itself_is_found(card: str) -> None:
    """It would never come to an end."""
    assert "is the flow itself" in one(card)


def test_outputs_are_returned() -> None:
    """What is declared and not returned is told, and the other way round."""
    head = HEAD.replace("cards:", "outputs: {token: text}\ncards:")
    told = check(head + USED + "- {card: flow.return, with: {tokn: a}}\n")
    assert [str(each) for each in told] == [
        "warning: outputs.token: no flow.return gives it",
        "warning: cards[2].with.tokn: outputs declares no tokn; is it token?",
    ]


@pytest.mark.parametrize(
    ("start", "told"),
    [
        ("", 'start: needs either cron, as in "0 9 * * 1-5", or every, as in 45m'),
        (", every: 15 minutes", "start.every: must be 5 minutes to 100 years, such as 45m"),
        (", every: 45m, zone: Mars/X", "start.zone: must be a time zone of the IANA database"),
    ],
)
def test_a_schedule_is_told_by_what_the_file_calls_it(start: str, told: str) -> None:
    """And what is proposed is good."""
    text = "flow: a\nstart: {kind: schedule%s}\ncards: [{card: flow.comment, with: {text: a}}]\n"
    (only,) = check(text % start)
    assert str(only).startswith(told)
    assert check(text % ", every: 45m") == ()


def test_schedules_are_checked() -> None:
    """A schedule that nobody can follow is told in its line."""
    text = HEAD.replace("kind: api_endpoint, query: {user: text}, body: {names: list}", "{}")
    bad = text.replace("{{}}", "{kind: schedule, cron: 99 * * * *}")
    (only,) = check(bad + USED)
    assert (only.line, only.severity) == (2, Severity.ERROR)


POST = "- card: api.post\n  connection: some\n  with: {url: 'https://a.test', body: {}}\n"


CLEAR = "- card: table.clear\n  with: {table: devices}\n"


def test_writing_twice_is_doubtful() -> None:
    """A card is tried again on 429 alone, unless it writes once whatever happens."""
    assert found(POST + "  retry: {times: 2}\n") == []
    again = "  retry: {times: 2, statuses: [429, 503]}\n"
    assert "again, it may do it twice" in one(POST + again)
    assert found(CLEAR + again) == []
    keyed = POST.replace("body: {}", "body: {}, idempotency_key: '{{ run.id }}'")
    assert found(keyed + again) == []


def test_what_is_around_a_flow_is_looked_at() -> None:
    """Connections, secrets and helpers that are not there are told, with what is like them."""
    known = Known({"sone": "api"}, ["/KEYS"], ["others"])
    told = found(POST + "- {card: flow.call, with: {flow: other}}\n", known)
    assert [each.rule for each in told] == [
        "there is no secret /KEY that it may read; is it /KEYS?",
        "there is no connection some in its folder; is it sone?",
        "there is no flow other in its folder; is it others?",
    ]
    assert found(POST, Known({"some": "api"}, ["/KEY"], [])) == []


def test_a_connection_of_another_kind_is_found() -> None:
    """A card says on which connectors it runs."""
    card = "- {card: okta_devices.read, connection: some, with: {device: a}}\n"
    assert "this is one of api" in one(card, Known({"some": "api"}))


def test_findings_are_told_up_to_a_number() -> None:
    """Nobody reads thousands of them."""
    cards = "".join(refers("nobody").replace("last", f"last{number}") for number in range(500))
    assert len(found(cards)) == 200


def given(told: str) -> list[Finding]:
    """Check a card that is given this."""
    card = f"- {{id: made, card: flow.assign, with: {{{told}}}}}\n"
    return [each for each in found(card) if "made" not in each.rule]


@pytest.mark.parametrize(
    ("told", "where"),
    [
        ('password: "hunter2!"', "with.password"),
        ("a: {client_secret: ABC}", "with.a.client_secret"),
        ("headers: [{x-api-key: some}]", "with.headers[1].x-api-key"),
        ("clientSecret: abc", "with.clientSecret"),
        ('url: "https://a.test/?b=1&api_key=hunter2"', "with.url"),
        ('url: {a: "https://a.test/?access_token=a"}', "with.url.a"),
    ],
)
def test_what_is_called_as_secrets_are_is_doubted(told: str, where: str) -> None:
    """By its name, and by the names in an address; nothing of it is quoted."""
    (only,) = given(told)
    assert (only.where.removeprefix("cards[2]."), only.severity) == (where, Severity.WARNING)
    assert "secrets.name" in only.rule
    assert "hunter2" not in only.rule


@pytest.mark.parametrize(
    "told",
    [
        'password: "{{ secrets.key }}"',
        'password: ""',
        "secret: true",
        "url: https://a.test/?q=secret",
        'url: "https://a.test/?api_key="',
        "name: password",
    ],
)
def test_references_and_other_texts_are_not_doubted(told: str) -> None:
    """Nor what is no text, nor what merely talks of secrets."""
    assert given(told) == []


def test_a_text_that_is_put_together_is_doubted_too() -> None:
    """Where the value of a parameter stands in it."""
    url = "https://a.test/?api_key=TOLD&b={{ run.id }}"
    card = f"- {{id: last, card: text.compose, with: {{text: '{url}'}}}}\n"
    assert "is called as secrets are" in one(card.replace("TOLD", "abc"))
    assert found(card.replace("TOLD", "{{ secrets.key }}")) == []


AROUND = """\
- {id: row, card: table.read_row, with: {table: rows, row: a}}
- {id: last, card: flow.call, with: {flow: helper}}
"""


def test_what_a_flow_names_around_it_is_told() -> None:
    """Where nobody has looked; what is known to be there is looked for."""
    text = (HEAD + USED + AROUND).replace(
        "api_endpoint,", "api_endpoint, security: oauth2, oauth: {registration: org},"
    )
    flow = read_flow(text)
    assert [*unchecked(flow)] == [
        *("flows helper", "secrets /KEY", "tables rows", "client registrations org")
    ]
    known = Known({}, ["/KEY"], ["helper"], ["row"], ["orgs"])
    assert [*unchecked(flow, known)] == []
    assert [str(each) for each in check(text, known)] == [
        "start.oauth.registration: there is no client registration org in its folder; is it orgs?",
        "cards[2].with.table: there is no table rows in its folder; is it row?",
    ]
