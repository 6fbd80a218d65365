"""An export becomes flows with a report of what is left to do.

Decides names, and which flows come over at all: each that does passes every check that a file of
ours has to pass, or is left out and said to be.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

from keyturn.domain.flows.checking import check
from keyturn.domain.flows.findings import Severity
from keyturn.domain.flows.flopack import looping, steering
from keyturn.domain.flows.flopack.desk import Desk
from keyturn.domain.flows.flopack.pack import read_pack
from keyturn.domain.flows.flopack.report import Alias, Imported, ImportedFlow, SecretNeeded
from keyturn.domain.flows.flopack.secrets import told
from keyturn.domain.flows.flopack.shapes import Connection, LeftOut, Pack, PackFlow
from keyturn.domain.flows.flopack.sources import slug
from keyturn.domain.flows.flopack.starts import bind_event, find_start, inner_of, write_start
from keyturn.domain.flows.flopack.table import CONNECTORS
from keyturn.domain.flows.flopack.valued import BRACE, MISSING, Sheet, Written
from keyturn.domain.flows.formatting import format_flow
from keyturn.domain.flows.reading import CARDS_MAX
from keyturn.domain.flows.spec import StartKind
from keyturn.domain.flows.values import Value
from keyturn.domain.flows.yaml_text import NoYaml

SPECIAL: Final = {**steering.SPECIAL, **looping.SPECIAL}
DESCRIPTION_MAX: Final = 2000
_ESCAPED: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def import_pack(text: str) -> Imported:
    """Translate an export. Raises PackRefused for what is none."""
    pack = read_pack(text)
    return _Importer(pack).run()


class _Importer:
    """Translate one export, with names that hold for all of its flows."""

    def __init__(self, pack: Pack) -> None:
        self.pack: Final = pack
        self.names: Final[dict[str, str]] = {}
        for flow in pack.flows:
            self.names[flow.id] = slug(told(flow.name), {*self.names.values()}, "flow")
        self.returns: Final = {each.id: _returned(each) for each in pack.flows}
        self.connections: Final = {each.id: each for each in pack.connections}
        self.aliases: Final[dict[tuple[str, str], str]] = {}
        self.users: Final[dict[str, dict[str, None]]] = {}
        self.needed: Final[list[SecretNeeded]] = []

    def run(self) -> Imported:
        flows, left_out = list[ImportedFlow](), [*self.pack.left_out]
        for flow in self.pack.flows:
            try:
                flows.append(self.flow(flow))
            except LeftOut as why:
                left_out.append((told(flow.name), str(why)))
        return Imported(
            tuple(flows),
            tuple((told(name), why) for name, why in left_out),
            tuple(self._aliases()),
            tuple(self.needed),
            {told(each.name): tuple(map(told, each.columns)) for each in self.pack.tables.values()},
        )

    def flow(self, flow: PackFlow) -> ImportedFlow:
        """Translate one flow. Raises LeftOut."""
        sheet = Sheet(
            name=self.names[flow.id],
            helpers=self.names,
            returns=self.returns,
            connections=lambda key, connector: self.alias(key, connector, flow),
            tables={key: told(each.name) for key, each in self.pack.tables.items()},
        )
        desk = Desk(sheet, SPECIAL)
        start = self._write(desk, flow)
        text = _text(sheet, flow, start, desk.out)
        self.needed.extend(sheet.needed)
        return ImportedFlow(
            sheet.name,
            told(flow.name),
            text,
            sheet.cards,
            tuple(sheet.unmapped),
            tuple(sheet.lost),
            tuple(sheet.notes),
        )

    def _write(self, desk: Desk, flow: PackFlow) -> Written:
        chart, first = flow.chart, find_start(flow.chart)
        desk.learn(chart)
        start = write_start(desk, flow, first)
        desk.sheet.cards += first is not None
        inner = inner_of(chart) if start["kind"] == StartKind.EVENT.value else None
        if inner and first:
            chart, first = inner, find_start(inner)
            desk.learn(chart)
        if first and start["kind"] == StartKind.EVENT.value:
            bind_event(desk, first)
        desk.chart(chart, skip=first.uuid if first else "")
        return start

    def alias(self, key: str, connector: str, flow: PackFlow) -> str:
        """Return the alias of a connection, by its id in the export."""
        known = self.connections.get(key, Connection(key, connector, connector))
        if connector == "api":
            connector = CONNECTORS.get(known.module, "api")
        place = (known.id, connector)
        if place not in self.aliases:
            taken = {*self.aliases.values()}
            self.aliases[place] = slug(told(known.name), taken, connector)
        alias = self.aliases[place]
        self.users.setdefault(alias, {})[self.names[flow.id]] = None
        return alias

    def _aliases(self) -> Iterator[Alias]:
        for (key, connector), alias in self.aliases.items():
            known = self.connections.get(key)
            called = told(known.name) if known else "(none in the export)"
            yield Alias(alias, connector, called, tuple(self.users[alias]))


def _returned(flow: PackFlow) -> tuple[str, ...]:
    """Return the names of what a flow returns."""
    returns = (card for card in flow.chart.cards if card.address == steering.RETURN)
    return tuple(dict.fromkeys(each.key for card in returns for each in card.inputs))


def _text(sheet: Sheet, flow: PackFlow, start: Written, cards: list[Value]) -> str:
    """Return the file of a flow. Raises LeftOut where it would pass no check."""
    first: list[Value] = []
    if sheet.missing:
        first.append({"id": MISSING, "card": "flow.assign", "with": dict(sheet.missing)})
    if sheet.has_brace:
        first.append({"id": BRACE, "card": "flow.assign", "with": {"open": "{"}})
    document: Written = {"version": 1, "flow": sheet.name}
    described = told(flow.description)[:DESCRIPTION_MAX]
    document |= {"description": described} if described else {}
    document["start"] = start
    document |= {"secrets": dict(sheet.secrets)} if sheet.secrets else {}
    outputs: Mapping[str, Value] = {name: kind.value for name, kind in sheet.outputs.items()}
    document |= {"outputs": dict(outputs)} if outputs else {}
    document["cards"] = [*first, *cards]
    if sheet.cards > CARDS_MAX:
        raise LeftOut(f"has more than {CARDS_MAX:,} cards")
    written = json.dumps(document, ensure_ascii=False)
    try:
        text = format_flow(_ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", written))
    except NoYaml as error:
        raise LeftOut(f"cannot be written: {error.rule}") from None
    errors = [each for each in check(text) if each.severity is Severity.ERROR]
    if errors:
        raise LeftOut(f"would not pass the check: {errors[0].where}: {errors[0].rule}")
    return text
