"""Flows are read from their files.

Decides everything that can be said of a flow from its file alone, and says all that is wrong at
once, each with its line. What passes can be run; whether its connections, secrets and helpers are
there, `services.flows` knows.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final

from keyturn.domain.flows.bearers import problems_of
from keyturn.domain.flows.catalogue import CARDS
from keyturn.domain.flows.definition import (
    HALT,
    RETRIED,
    Card,
    Flow,
    FlowLimits,
    OnError,
    Retry,
    Start,
)
from keyturn.domain.flows.events import EVENTS_MAX, TYPE, TYPE_MAX, Own
from keyturn.domain.flows.expressions import HEAD, Expression, Reference
from keyturn.domain.flows.inputs import InputJudge
from keyturn.domain.flows.spec import (
    LONGEST_S,
    CardSpec,
    History,
    Input,
    Security,
    Source,
    StartKind,
    When,
)
from keyturn.domain.flows.spots import Enough, Problem, Spot
from keyturn.domain.flows.yaml_text import Node, NoYaml, parse_yaml

NAME: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
NAME_MAX: Final = 64
CARDS_MAX: Final = 1000
INPUTS_MAX: Final = 2000
"""How many inputs all cards of a flow are given in a file."""
LANES_DEEP: Final = 15
OUR_WORDS: Final = frozenset({"start", "run", "secrets", "item", "index", "total", "error"})
NUMBERED: Final = re.compile(r"card_[0-9]+")
"""How cards are called that have no id."""
TIMEOUT_S: Final = 0.1
"""The shortest time that a card can be given."""
RETRY_TIMES: Final = 5
RETRY_AFTER_S: Final = 3600.0
RETRY_DEFAULT_S: Final = 300.0

FLOW_KEYS: Final = (
    "version",
    "flow",
    "description",
    "start",
    "secrets",
    "outputs",
    "limits",
    "history",
    "on_error",
    "cards",
)
CARD_KEYS: Final = (
    "id",
    "card",
    "note",
    "connection",
    "as",
    "with",
    "timeout_s",
    "retry",
    "on_error",
    "cases",
)
START_KEYS: Final[Mapping[StartKind, tuple[str, ...]]] = {
    StartKind.ENDPOINT: ("security", "methods", "query", "headers", "body", "oauth"),
    StartKind.SCHEDULE: ("cron", "every", "zone"),
    StartKind.EVENT: ("source", "events"),
    StartKind.HELPER: ("inputs",),
    StartKind.DELEGATED: ("inputs",),
}
GROUPS: Final = ("query", "headers", "body", "inputs")

RETRY_KEYS: Final = ("times", "after_s", "statuses")
LIMIT_KEYS: Final = ("answer_s", "steps", "memory_mb", "per_s", "cpu_s")
LIMIT_LEAST: Final = 0.001
CASE_KEYS: Final = ("when", "then")
CONDITION_KEYS: Final = ("left", "is", "right", "all", "any", "not")
METHODS: Final = ("GET", "POST")


class FlowRefused(ValueError):
    """A text is no flow, for these reasons."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("; ".join(map(str, problems)))


def read_flow(text: str) -> Flow:
    """Read a flow. Raises FlowRefused with everything that is wrong with it."""
    try:
        node = parse_yaml(text)
    except NoYaml as error:
        raise FlowRefused((Problem(error.line, "", error.rule),)) from None
    return read_node(node)


def read_node(node: Node) -> Flow:
    """Read a flow from its text as it was parsed. Raises FlowRefused."""
    reader, flow = Reader(), None
    with suppress(Enough):
        flow = reader.flow(Spot(node))
    if reader.problems or flow is None:
        raise FlowRefused(tuple(sorted(reader.problems, key=lambda each: each.line)))
    return flow


def is_needed(one: Input) -> bool:
    """Say whether a card cannot do without an input in the file."""
    return one.required and one.default is None


def names_items(spec: CardSpec) -> bool:
    """Say whether a card looks at items, so that its file can say what they are called."""
    each = any(one.when is When.EACH for one in spec.inputs)
    return each or any("item" in lane.binds for lane in spec.lanes)


def asks_somebody(spec: CardSpec) -> bool:
    """Say whether a card asks somebody, who may be late, and may be asked again."""
    return not (spec.run or spec.steer)


@dataclass
class Reader(InputJudge):
    """Read one file, and keep what is wrong with it."""

    ids: set[str] = field(default_factory=set)
    count: int = 0
    given: int = 0

    def flow(self, spot: Spot) -> Flow | None:
        """Read a whole flow; None where it is no mapping."""
        parts = self.mapping(spot, FLOW_KEYS)
        for name in ("flow", "start", "cards"):
            if name not in parts:
                self.wrong(spot, f"{name} must be there")
        if parts.keys() < {"flow", "start", "cards"}:
            return None
        version = parts["version"].node.of if "version" in parts else 1
        if isinstance(version, bool) or version != 1:
            self.wrong(parts["version"], "must be 1, the only version of the format")
        return Flow(
            name=self.name(parts.get("flow")),
            start=self.start(parts["start"]) if "start" in parts else Start(StartKind.HELPER),
            cards=self.cards(parts["cards"], 0) if "cards" in parts else (),
            description=self.text(parts.get("description")),
            secrets=self.texts(parts.get("secrets"), HEAD),
            outputs=self.kinds(parts.get("outputs")),
            on_error=self.on_error(parts.get("on_error"), whole=True),
            limits=self.limits(parts.get("limits")),
            history=self.one_of(parts.get("history"), History.FULL),
        )

    # --- its parts --------------------------------------------------------------------------------

    def name(self, spot: Spot | None) -> str:
        """Read a flow's name."""
        name = self.text(spot)
        if spot and not (NAME.fullmatch(name) and len(name) <= NAME_MAX):
            self.wrong(spot, f"must be a slug of at most {NAME_MAX} characters, as in issue-token")
        return name

    def start(self, spot: Spot) -> Start:
        """Read what a flow starts by."""
        parts = spot.members()
        kind = self.one_of(parts.get("kind"), StartKind.HELPER)
        if "kind" not in parts:
            self.wrong(spot, f"kind must be one of {', '.join(StartKind)}")
        self.mapping(spot, ("kind", *START_KEYS[kind]))
        fields = {name: self.kinds(parts[name]) for name in GROUPS if name in parts}
        settings = {
            name: each.node.plain
            for name, each in parts.items()
            if name not in (*GROUPS, "kind", "security")
        }
        for name in ("cron", "every", "zone"):
            self.text(parts.get(name))
        for each in self.listed(parts["methods"], "methods") if "methods" in parts else ():
            if each.node.of not in METHODS:
                self.wrong(each, f"must be one of {', '.join(METHODS)}")
        security = self.one_of(parts.get("security"), Security.CLIENT_TOKEN)
        if kind is StartKind.ENDPOINT:
            self.endpoint(spot, security)
        if kind is StartKind.EVENT:
            self.event(spot)
        return Start(kind, fields, security, settings)

    def endpoint(self, spot: Spot, security: Security) -> None:
        """Read what is particular to an endpoint: what it asks of tokens, and its headers."""
        parts = spot.members()
        oauth = parts.get("oauth")
        if security is Security.OAUTH:
            for rule in problems_of(oauth.node.plain if oauth else None):
                self.wrong(oauth or spot, rule)
        elif oauth:
            self.wrong(oauth, f"is for security: {Security.OAUTH}")
        headers = parts["headers"].members() if "headers" in parts else {}
        for name, each in headers.items():
            if any("A" <= char <= "Z" for char in name):
                self.wrong(each, "names of headers are in lower case")

    def event(self, spot: Spot) -> None:
        """Read whose events start a flow, and of which types."""
        parts = spot.members()
        for name in ("source", "events"):
            if name not in parts:
                self.wrong(spot, f"{name} must be there")
        source = self.one_of(parts.get("source"), Source.OKTA)
        named = self.listed(parts["events"], "types of events") if "events" in parts else []
        if len(named) > EVENTS_MAX:
            self.wrong(parts["events"], f"must be at most {EVENTS_MAX}")
        for each in named:
            told = self.text(each)
            if source is Source.KEYTURN and told not in {*Own}:
                self.wrong(each, f"must be one of {', '.join(Own)}")
            elif not (TYPE.fullmatch(told) and len(told) <= TYPE_MAX):
                self.wrong(each, "must be the type of an event, as in user.lifecycle.deactivate")

    def limits(self, spot: Spot | None) -> FlowLimits:
        """Read what a flow allows itself."""
        parts = self.mapping(spot, LIMIT_KEYS) if spot else {}
        numbers = {
            name: self.number(each, least=LIMIT_LEAST)
            for name, each in parts.items()
            if name != "steps"
        }
        steps, memory_mb = parts.get("steps"), numbers.get("memory_mb")
        return FlowLimits(
            answer_s=numbers.get("answer_s"),
            steps=int(self.number(steps, least=1, whole=True)) if steps else None,
            memory_bytes=int(memory_mb * 1024 * 1024) if memory_mb else None,
            per_s=numbers.get("per_s"),
            cpu_s=numbers.get("cpu_s"),
        )

    def cards(self, spot: Spot, depth: int) -> tuple[Card, ...]:
        """Read cards that run one after the other."""
        if not isinstance(spot.node.of, list):
            self.wrong(spot, "must be a list of cards")
        if depth > LANES_DEEP:
            self.wrong(spot, f"cards lie at most {LANES_DEEP} deep inside each other")
            return ()
        read = (self.card(each, depth) for each in spot.items())
        return tuple(card for card in read if card)

    def card(self, spot: Spot, depth: int) -> Card | None:
        """Read one card; None where nobody knows what it is."""
        self.count += 1
        if self.count > CARDS_MAX:
            if self.count == CARDS_MAX + 1:
                self.wrong(spot, f"a flow has at most {CARDS_MAX:,} cards")
            return None
        parts = spot.members()
        if "card" not in parts:
            self.wrong(spot, "must be a mapping that names a card, as in card: flow.return")
            return None
        name = self.text(parts["card"])
        spec = CARDS.get(name)
        if spec is None:
            self.wrong(parts["card"], _unknown(name))
            return None
        return self.known_card(spot, spec, depth)

    def known_card(self, spot: Spot, spec: CardSpec, depth: int) -> Card:
        """Read a card that is declared like this."""
        lanes = {lane.name: lane.required for lane in spec.lanes}
        parts = self.mapping(spot, (*CARD_KEYS, *lanes))
        for lane, required in lanes.items():
            if required and lane not in parts:
                self.wrong(spot, f"{spec.name} needs the cards {lane}")
        return Card(
            id=self.id(parts.get("id"), spot),
            spec=spec,
            inputs=self.inputs(parts.get("with"), spec, spot),
            lanes={each: self.cards(parts[each], depth + 1) for each in lanes if each in parts},
            cases=self.cases(parts.get("cases"), spec, spot, depth),
            connection=self.connection(parts.get("connection"), spec, spot),
            item=self.item(parts.get("as"), spec),
            timeout_s=self.timeout(parts.get("timeout_s"), spec),
            retry=self.retry(parts.get("retry"), spec),
            on_error=self.on_error(parts.get("on_error")),
            note=self.text(parts.get("note")),
            line=spot.node.line,
        )

    def id(self, spot: Spot | None, card: Spot) -> str:
        """Read a card's id; one that has none is called by its number."""
        if spot is None:
            return f"card_{self.count}"
        told = self.text(spot)
        ours = told in OUR_WORDS or NUMBERED.fullmatch(told)
        if ours or not HEAD.fullmatch(told) or len(told) > NAME_MAX:
            self.wrong(spot, "must be a word of a-z, 0-9 and _, and none of Keyturn's own names")
        elif told in self.ids:
            self.wrong(card, f"there is a card {told} before it")
        self.ids.add(told)
        return told

    def item(self, spot: Spot | None, spec: CardSpec) -> str:
        """Read what the cards of a list's lane call its item."""
        if spot is None:
            return "item"
        told = self.text(spot)
        if not names_items(spec):
            self.wrong(spot, f"{spec.name} looks at no items")
        elif told in OUR_WORDS - {"item"} or not HEAD.fullmatch(told) or len(told) > NAME_MAX:
            self.wrong(spot, "must be a word of a-z, 0-9 and _, and none of Keyturn's own names")
        return told

    def inputs(self, spot: Spot | None, spec: CardSpec, card: Spot) -> Mapping[str, Expression]:
        """Read what a card is given."""
        given = self.mapping(spot, None) if spot else {}
        self.given += len(given)
        if self.given > INPUTS_MAX:
            if self.given - len(given) <= INPUTS_MAX:
                self.wrong(spot or card, f"all cards are given at most {INPUTS_MAX:,} inputs")
            return {}
        for wanted in spec.inputs:
            if is_needed(wanted) and wanted.name not in given:
                self.wrong(card, f"{spec.name} needs the input {wanted.name}")
        read: dict[str, Expression] = {}
        for name, each in given.items():
            declared = spec.input(name)
            if declared is None and not spec.open:
                told = ", ".join(one.name for one in spec.inputs) or "none"
                self.wrong(each, f"{spec.name} has no such input; it takes {told}")
            read[name] = self.input(each, declared)
        return read

    def cases(
        self, spot: Spot | None, spec: CardSpec, card: Spot, depth: int
    ) -> tuple[tuple[Expression, tuple[Card, ...]], ...]:
        """Read pairs of a condition and cards."""
        if spot is None or not spec.cases:
            if spec.cases is not (spot is not None):
                told = "needs cases" if spec.cases else "has no cases"
                self.wrong(card, f"{spec.name} {told}")
            return ()
        read = []
        for each in self.listed(spot, "cases"):
            parts = self.mapping(each, CASE_KEYS)
            if all(name in parts for name in CASE_KEYS):
                when = self.expression(parts["when"])
                if not isinstance(when, Reference):
                    self.condition(parts["when"])
                read.append((when, self.cards(parts["then"], depth + 1)))
            else:
                self.wrong(each, "must be {when: a condition, then: cards}")
        return tuple(read)

    def connection(self, spot: Spot | None, spec: CardSpec, card: Spot) -> str:
        """Read the alias of the connection that a card runs on."""
        if spec.connectors and spot is None and not spec.connection_optional:
            self.wrong(card, f"{spec.name} needs a connection, by its alias")
        if spot and not spec.connectors:
            self.wrong(spot, f"{spec.name} runs on no connection")
        alias = self.text(spot)
        if spot and not alias:
            self.wrong(spot, "must be the alias of a connection")
        return alias

    def timeout(self, spot: Spot | None, spec: CardSpec) -> float | None:
        """Read how long a card may take that waits for somebody."""
        if spot and not asks_somebody(spec):
            rule = "what it and the cards in it take counts for the limits of the run"
            self.wrong(spot, f"{spec.name} asks nobody, and has no time of its own: {rule}")
        return self.number(spot, least=TIMEOUT_S, most=LONGEST_S) if spot else None

    def retry(self, spot: Spot | None, spec: CardSpec) -> Retry | None:
        """Read when a card is tried again."""
        if spot is None:
            return None
        if not asks_somebody(spec):
            self.wrong(spot, f"{spec.name} asks nobody: it is not tried again")
        parts = self.mapping(spot, RETRY_KEYS)
        times, after, told = (parts.get(name) for name in RETRY_KEYS)
        statuses = self.listed(told, "statuses") if told else ()
        return Retry(
            times=int(self.number(times, least=1, most=RETRY_TIMES, whole=True)) if times else 1,
            after_s=self.number(after, least=0, most=RETRY_AFTER_S) if after else RETRY_DEFAULT_S,
            statuses=frozenset(map(self.status, statuses)) if told else RETRIED,
        )

    def status(self, spot: Spot) -> int:
        """Read a status of HTTP."""
        return int(self.number(spot, least=100, most=599, whole=True))

    def on_error(self, spot: Spot | None, *, whole: bool = False) -> OnError:
        """Read what happens where a card fails."""
        if spot is None or spot.node.of == "halt":
            return HALT
        parts = self.mapping(spot, ("run",) if whole else ("give", "run"))
        if len(parts) != 1:
            one = "{run: a flow}" if whole else "halt, {give: outputs} or {run: a flow}"
            self.wrong(spot, f"must be {one}")
        give = self.expression(parts["give"]) if "give" in parts else None
        return OnError(give, self.name(parts.get("run")))


def _unknown(name: str) -> str:
    near = get_close_matches(name[:60], CARDS, 1)
    return f"there is no card {name[:60]}" + (f"; is it {near[0]}?" if near else "")
