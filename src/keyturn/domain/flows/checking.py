"""What is wrong with a flow, or doubtful, that only the whole of it tells.

Decides everything that can be said without running it: of its file, and where somebody says what
there is around it (`Known`), of that as well.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

from keyturn.domain.errors import InvalidInput
from keyturn.domain.flows.bearers import rules_of
from keyturn.domain.flows.definition import RETRIED, Card, Flow
from keyturn.domain.flows.expressions import Constant
from keyturn.domain.flows.findings import Finding, Found, guess, listing, warning
from keyturn.domain.flows.literals import called_secrets
from keyturn.domain.flows.reaching import Reach
from keyturn.domain.flows.reading import FlowRefused, read_node
from keyturn.domain.flows.spec import Effect, Security, StartKind
from keyturn.domain.flows.spots import Path
from keyturn.domain.flows.spotting import find_keys
from keyturn.domain.flows.timing import schedule_of
from keyturn.domain.flows.yaml_text import TEXT_MAX, Node, NoYaml, parse_yaml

FOUND_MAX: Final = 200
"""After how many findings nobody looks for more."""
RETURN: Final = "flow.return"
ASYNC: Final = "flow.call_async"
TABLES: Final = "table"
"""The family of the cards that use tables."""
REPEATABLE: Final = "idempotency_key"
"""The input with which a card that writes can be asked for twice."""


@dataclass(frozen=True)
class Known:
    """What there is around a flow; None where nobody has looked.

    ``connections`` are the connectors of connections by their aliases and names, ``secrets`` the
    paths that can be read, ``helpers``, ``tables`` and ``registrations`` the names of the flows,
    tables and client registrations in the same folder.
    """

    connections: Mapping[str, str] | None = None
    secrets: Collection[str] | None = None
    helpers: Collection[str] | None = None
    tables: Collection[str] | None = None
    registrations: Collection[str] | None = None


NOTHING_KNOWN: Final = Known()


def check(text: str, known: Known = NOTHING_KNOWN) -> tuple[Finding, ...]:
    """Return all that is found in the text of a flow, in the order of its lines."""
    return examine(text, known)[0]


def examine(text: str, known: Known = NOTHING_KNOWN) -> tuple[tuple[Finding, ...], Flow | None]:
    """Read a flow once; return all that is found in it, and the flow if it can be read."""
    read = read_text(text)
    return read.findings(known), read.flow


@dataclass(frozen=True)
class ReadText:
    """A text that was read once, to be held against whatever is known later.

    ``wrong`` is what is wrong with it as a text; ``flow`` is there if it could be read.
    """

    wrong: tuple[Finding, ...]
    node: Node | None = None
    flow: Flow | None = None

    def findings(self, known: Known = NOTHING_KNOWN) -> tuple[Finding, ...]:
        """Return all that is found in it, in the order of its lines."""
        found = self.wrong
        if self.flow and self.node:
            more = islice(_found(self.flow, known), FOUND_MAX)
            found += tuple(each.at(_line(self.node, each.path)) for each in more)
        return tuple(sorted(found, key=lambda each: each.line))


def read_text(text: str) -> ReadText:
    """Read the text of a flow, which nothing is known of yet."""
    wrong = tuple(find_keys(text[:TEXT_MAX]))
    try:
        node = parse_yaml(text)
        return ReadText(wrong, node, read_node(node))
    except NoYaml as error:
        return ReadText((*wrong, Finding(error.line, "", error.rule)))
    except FlowRefused as error:
        told = (Finding(each.line, each.where, each.rule) for each in error.problems)
        return ReadText((*wrong, *told))


def _line(node: Node, path: Path) -> int:
    """Return the line of the node that a path leads to, or of the last one on the way."""
    for step in path:
        match node.of, step:
            case dict() as members, str() if step in members:
                node = members[step]
            case list() as items, int():
                node = items[step - 1]
            case _:
                break
    return node.line


def _found(flow: Flow, known: Known) -> Iterator[Found]:
    reach = Reach(flow)
    reach.check()
    yield from reach.found
    yield from _secrets(flow, reach.secrets, known)
    yield from _outputs(flow)
    yield from _schedule(flow)
    yield from _registration(flow, known)
    yield from _helper(flow, flow.on_error.run, ("on_error", "run"), known)
    for card, path in placed(flow.cards, ("cards",)):
        yield from _retry(card, path)
        yield from _connection(card, path, known)
        yield from _table(card, path, known)
        yield from called_secrets(card, path)
        yield from _helper(flow, card.on_error.run, (*path, "on_error", "run"), known)
        named = card.inputs.get("flow")
        declared = card.spec.input("flow")
        if declared and declared.written and isinstance(named, Constant):
            name, at = str(named.value), (*path, "with", "flow")
            yield from _helper(flow, name, at, known, later=card.spec.name == ASYNC)


def placed(cards: Collection[Card], path: Path) -> Iterator[tuple[Card, Path]]:
    """Give each card with the path to it, those inside others included."""
    for number, card in enumerate(cards, 1):
        here = (*path, number)
        yield card, here
        for name, lane in card.lanes.items():
            yield from placed(lane, (*here, name))
        for case, (_, lane) in enumerate(card.cases, 1):
            yield from placed(lane, (*here, "cases", case, "then"))


def _secrets(flow: Flow, used: Collection[str], known: Known) -> Iterator[Found]:
    for name, secret in flow.secrets.items():
        path = ("secrets", name)
        if name not in used:
            yield warning(path, "no card refers to it")
        if known.secrets is not None and secret not in known.secrets:
            rule = f"there is no secret {secret} that it may read"
            yield Found(path, rule + guess(secret, known.secrets))


def _outputs(flow: Flow) -> Iterator[Found]:
    returns = [(card, path) for card, path in placed(flow.cards, ("cards",)) if _returns(card)]
    given = {name for card, _ in returns for name in card.inputs}
    for name in flow.outputs:
        if name not in given:
            yield warning(("outputs", name), f"no {RETURN} gives it")
    for card, path in returns if flow.outputs else ():
        for name in card.inputs:
            if name not in flow.outputs:
                rule = f"outputs declares no {name}{guess(name, flow.outputs)}"
                yield warning((*path, "with", name), rule)


def _returns(card: Card) -> bool:
    return card.spec.name == RETURN


def _schedule(flow: Flow) -> Iterator[Found]:
    try:
        schedule_of(flow.start)
    except InvalidInput as error:
        for each in error.problems:
            yield Found(("start", *(name for name in each.field if name != "start")), each.rule)


def _helper(
    flow: Flow, name: str, path: Path, known: Known, *, later: bool = False
) -> Iterator[Found]:
    """Find what is wrong with a flow that another runs, where it names one."""
    if name == flow.name:
        rule = "is the flow itself: it would run inside itself without end"
        yield warning(path, "starts the flow itself anew") if later else Found(path, rule)
    elif name and known.helpers is not None and name not in known.helpers:
        yield Found(path, f"there is no flow {name} in its folder{guess(name, known.helpers)}")


def _retry(card: Card, path: Path) -> Iterator[Found]:
    once = card.spec.effect is Effect.WRITE and not card.spec.repeatable
    if card.retry is None or not once or REPEATABLE in card.inputs:
        return
    others = sorted(card.retry.statuses - RETRIED)
    if others:
        told = ", ".join(map(str, others))
        rule = f"{card.spec.name} may have done its work although it was answered {told}"
        yield warning((*path, "retry", "statuses"), f"{rule}: again, it may do it twice")


def _connection(card: Card, path: Path, known: Known) -> Iterator[Found]:
    if not card.connection or known.connections is None:
        return
    connector, at = known.connections.get(card.connection), (*path, "connection")
    if connector is None:
        rule = f"there is no connection {card.connection} in its folder"
        yield Found(at, rule + guess(card.connection, known.connections))
    elif connector not in card.spec.connectors:
        told = " or ".join(card.spec.connectors)
        yield Found(at, f"{card.spec.name} runs on one of {told}; this is one of {connector}")


def _table(card: Card, path: Path, known: Known) -> Iterator[Found]:
    for name in tables_of(card):
        if known.tables is not None and name not in known.tables:
            rule = f"there is no table {name} in its folder{guess(name, known.tables)}"
            yield Found((*path, "with", "table"), rule)


def tables_of(card: Card) -> Iterator[str]:
    """Give the table that a card names, where it stands in the file."""
    named = card.inputs.get("table")
    if card.spec.family == TABLES and isinstance(named, Constant):
        yield str(named.value)


def _registration(flow: Flow, known: Known) -> Iterator[Found]:
    for name in registrations_of(flow):
        if known.registrations is not None and name not in known.registrations:
            rule = f"there is no client registration {name} in its folder"
            path = ("start", "oauth", "registration")
            yield Found(path, rule + guess(name, known.registrations))


def registrations_of(flow: Flow) -> Iterator[str]:
    """Give the client registration by which a flow's endpoint asks about tokens."""
    if flow.start.kind is StartKind.ENDPOINT and flow.start.security is Security.OAUTH:
        name = rules_of(flow.start).registration
        yield from (name,) if name else ()


def unchecked(flow: Flow, known: Known = NOTHING_KNOWN) -> Iterator[str]:
    """Give what a flow names around it where nobody has looked, kind by kind, for people."""
    tables = {name for card in flow.every_card for name in tables_of(card)}
    kinds = (
        ("connections", flow.connections, known.connections),
        ("flows", flow.helpers - {flow.name}, known.helpers),
        ("secrets", {*flow.secrets.values()}, known.secrets),
        ("tables", tables, known.tables),
        ("client registrations", {*registrations_of(flow)}, known.registrations),
    )
    for kind, names, there in kinds:
        if names and there is None:
            yield f"{kind} {listing(sorted(names))}"
