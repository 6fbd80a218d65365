"""Files of flows: good ones, ones with anything wrong in them, and those of the examples."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from keyturn.domain import flows
from keyturn.domain.flows.catalogue import CARDS
from keyturn.domain.flows.conditions import ONE, TWO
from keyturn.domain.flows.events import Own
from keyturn.domain.flows.reading import START_KEYS, asks_somebody, names_items
from keyturn.domain.flows.spec import CardSpec, Input, StartKind
from keyturn.domain.flows.values import Kind

WALK = """\
version: 1
flow: issue-token
description: Trade a client assertion for an access token.
start:
  kind: api_endpoint
  security: client_token
  query: {user: text}
  body: {count: number, names: list}
secrets: {key: /okta/SIGNING_KEY}
outputs: {token: text}
cards:
- id: each
  card: list.for_each
  as: name
  with: {list: "{{ start.body.names }}", give: "{{ name }}"}
  do:
  - card: flow.comment
    with: {text: Each name}
- id: many
  card: branch.if_else
  with:
    when: {left: "{{ each.count }}", is: greater than, right: 3}
  then:
  - id: more
    card: flow.call
    with:
      flow: other
      inputs: {key: "{{ secrets.key }}", user: "{{ start.query.user }}"}
    on_error:
      give: {result: null}
- card: flow.return
  with: {token: "{{ more.result? }}"}
"""
"""A flow in canonical form in which nothing is wrong."""

ODD_TEXTS = (
    *("", "a", "x-y", "GET", "text", "halt", "item", "card_1", "secrets", "1", "0x1", "true"),
    *("{{ start.body.a }}", "{{ a", "{{{{", " {{ item }} ", "a {{ b.c? }} d", "{{a}}{{b}}"),
    *("on", "No", "~", "null", "<<", "=", "1e3", "1:30", "2026-11-21", "é–…", "😀", "a, b"),
    *("two\nlines", "end\n", "\n", " x\ny", "a\n\n", "# no", "a # b", "- a", "a: b", "b ", "'\"\\"),
    *("\0", "\x7f", "\x85", "\u2028", "\ufeff", "\t", "\r\n", "x" * 150),
)
TEXTS = st.sampled_from(ODD_TEXTS) | st.text(max_size=12)
SCALARS = st.none() | st.booleans() | st.integers(-999, 999) | st.floats(-9e9, 9e9) | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
REFERENCES = st.sampled_from(("{{ start.body.a }}", "{{ secrets.key }}", "{{ item.id? }}"))
CONSTANTS: Mapping[Kind, st.SearchStrategy[Any]] = {
    Kind.TEXT: st.sampled_from(("", "a", "two\nlines", "on")),
    Kind.NUMBER: st.integers(0, 99) | st.sampled_from((0.5, 1e16, 1e-7)),
    Kind.BOOLEAN: st.booleans(),
    Kind.OBJECT: st.dictionaries(st.sampled_from("abc"), st.integers(0, 9), max_size=2),
    Kind.LIST: st.lists(st.integers(0, 9), max_size=2),
    Kind.ANY: st.sampled_from((1, "a", [1], {"b": "{{ start }}"}, {"c": [None, {"d": 0.5}]})),
}
OPERANDS = st.integers(0, 3) | REFERENCES
CONDITIONS = st.recursive(
    st.booleans()
    | REFERENCES
    | st.fixed_dictionaries({"left": OPERANDS, "is": st.sampled_from(tuple(ONE))})
    | st.fixed_dictionaries(
        {"left": OPERANDS, "is": st.sampled_from(tuple(TWO)), "right": OPERANDS}
    ),
    lambda inner: (
        st.fixed_dictionaries({"all": st.lists(inner, min_size=1, max_size=2)})
        | st.fixed_dictionaries({"not": inner})
    ),
    max_leaves=3,
)
KINDS = st.dictionaries(st.sampled_from("abc"), st.sampled_from([*map(str, Kind)]), max_size=2)
ON_ERRORS = st.sampled_from(("halt", {"give": {"a": "{{ error.message }}"}}, {"run": "other"}))
FLOW_PARTS: Mapping[str, st.SearchStrategy[Any]] = {
    "version": st.just(1),
    "description": CONSTANTS[Kind.TEXT],
    "secrets": st.just({"key": "/KEY"}),
    "outputs": KINDS,
    "limits": st.just({"answer_s": 1.5, "steps": 10, "memory_mb": 1, "per_s": 0.5}),
    "history": st.sampled_from(("full", "none")),
    "on_error": st.sampled_from(("halt", {"run": "other"})),
}
START_PARTS: Mapping[str, st.SearchStrategy[Any]] = {
    "security": st.sampled_from(("public", "client_token", "oauth2")),
    "methods": st.just(["GET", "POST"]),
    "cron": st.just("0 * * * *"),
    "every": st.just("15 minutes"),
    "zone": st.just("Europe/Berlin"),
}
SOME_EVENTS = (
    {"source": "okta", "events": ["user.lifecycle.deactivate", "group.user_membership.add"]},
    {"source": "keyturn", "events": ["keyturn.turn.finished", "keyturn.connection.lapsed"]},
)

EVENTS = (
    {"source": "okta", "events": ["user.lifecycle.deactivate", "group.user_membership.add"]},
    {"source": "keyturn", "events": [*map(str, Own)]},
)


@st.composite
def flow_documents(draw: st.DrawFn) -> dict[str, Any]:
    """Make a flow in which nothing is wrong that its own file tells."""
    kind = draw(st.sampled_from(StartKind))
    start = draw(_some({key: START_PARTS.get(key, KINDS) for key in START_KEYS[kind]}))
    if kind is StartKind.EVENT:
        start = draw(st.sampled_from(EVENTS))
    if start.get("security") == "oauth2":
        start["oauth"] = {"issuer": "https://idp.test", "audience": ["us"], "scope": "a b"}
    else:
        start.pop("oauth", None)
    if kind is StartKind.EVENT:
        start = dict(draw(st.sampled_from(SOME_EVENTS)))
    flow = {"flow": "some-flow", "start": start | {"kind": kind.value}, "cards": _cards(draw, 0)}
    _tell_apart(flow["cards"], 1)
    return draw(st.permutations([*(flow | draw(_some(FLOW_PARTS))).items()]).map(dict))


def _some(parts: Mapping[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=dict(parts))


ASKING = {"timeout_s": st.just(20), "retry": st.just({"times": 2, "statuses": [503]})}


def _cards(draw: st.DrawFn, depth: int) -> list[Any]:
    names = st.sampled_from(sorted(CARDS))
    chosen = draw(st.lists(names, max_size=3 if depth < 2 else 0))
    return [_card(draw, CARDS[name], depth) for name in chosen]


def _card(draw: st.DrawFn, spec: CardSpec, depth: int) -> dict[str, Any]:
    needed = {one.name: _given(one) for one in spec.inputs if one.required}
    others = {one.name: _given(one) for one in spec.inputs if not one.required}
    others |= {"more": CONSTANTS[Kind.ANY]} if spec.open else {}
    card = {"card": spec.name, "with": draw(st.fixed_dictionaries(needed, optional=others))}
    parts = {
        "note": CONSTANTS[Kind.TEXT],
        "on_error": ON_ERRORS,
        "id": st.just("told apart below"),
        **({"as": st.just("one")} if names_items(spec) else {}),
        **(ASKING if asks_somebody(spec) else {}),
    }
    card |= {"connection": "some"} if spec.connectors else {}
    card |= {lane.name: _cards(draw, depth + 1) for lane in spec.lanes}
    if spec.cases:
        card["cases"] = [{"when": draw(CONDITIONS), "then": _cards(draw, depth + 1)}]
    return card | draw(_some(parts))


def _given(one: Input) -> st.SearchStrategy[Any]:
    if one.secret:
        return REFERENCES
    if one.condition:
        return CONDITIONS
    if one.written:
        return CONSTANTS[one.kind]
    if one.options:
        return st.sampled_from(one.options) | REFERENCES
    return CONSTANTS[one.kind] | REFERENCES


def _tell_apart(cards: list[Any], count: int) -> int:
    """Give each card that has an id one of its own; return the next number."""
    for card in cards:
        if "id" in card:
            card["id"] = f"step{count}"
        lanes = [lane.name for lane in CARDS[card["card"]].lanes]
        inner = [card[name] for name in lanes] + [case["then"] for case in card.get("cases", [])]
        count += 1
        for lane in inner:
            count = _tell_apart(lane, count)
    return count


@st.composite
def mutated(draw: st.DrawFn) -> Any:  # noqa: ANN401  JSON
    """Make a flow and change one to three things in it."""
    whole = [json.loads(json.dumps(draw(flow_documents())))]
    for _ in range(draw(st.integers(1, 3))):
        holder, key = draw(st.sampled_from(list(_places(whole))))
        change = draw(st.sampled_from(("other value", "gone", "twin", "other name")))
        if change == "other value" or isinstance(holder, list):
            holder[key] = draw(VALUES)
            continue
        value = holder[key] if change == "twin" else holder.pop(key)
        if change != "gone":
            holder[draw(TEXTS)] = value
    return whole[0]


def _places(value: Any) -> Iterator[tuple[Any, Any]]:  # noqa: ANN401  JSON
    members = value.items() if isinstance(value, dict) else enumerate(value)
    for key, each in members:
        yield value, key
        if isinstance(each, dict | list):
            yield from _places(each)


def as_text(document: Any) -> str:  # noqa: ANN401  JSON
    """Write a flow as JSON in which all is escaped that YAML does not take as it is."""
    return "".join(map(_escaped, json.dumps(document, ensure_ascii=False)))


def _escaped(char: str) -> str:
    plain = char.isprintable() and not "\ud7ff" < char < "\ue000" and char != "\ufeff"
    return char if plain or ord(char) > 0xFFFF else f"\\u{ord(char):04x}"


TEMPLATES = sorted(Path(flows.__file__).with_name("templates").glob("*.yaml"))


def example_flows() -> dict[str, str]:
    """Return the examples of all cards, each in a flow of its own, by the names of the cards."""
    return {name: _in_a_flow(spec.example) for name, spec in CARDS.items() if spec.example}


def _in_a_flow(example: Mapping[str, Any]) -> str:
    if "cards" in example:
        return as_text(example)
    return as_text({"flow": "example", "start": {"kind": "helper"}, "cards": [dict(example)]})
