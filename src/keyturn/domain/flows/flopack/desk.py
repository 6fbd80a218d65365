"""The cards of one flow are written: by the table, and by those that know more than it does.

Decides what stands for a card that nobody knows: a comment, and an assignment with the names of
what others take of it, so that whoever writes the card finds where it belongs.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, TypeAlias

from keyturn.domain.flows.catalogue import CARDS
from keyturn.domain.flows.flopack.ordering import EXPAND, Step, arrange
from keyturn.domain.flows.flopack.secrets import told
from keyturn.domain.flows.flopack.shapes import Chart, Field, PackCard
from keyturn.domain.flows.flopack.sources import Names, Source, word
from keyturn.domain.flows.flopack.table import ROWS, TITLES, Row
from keyturn.domain.flows.flopack.valued import NOT_COUNTED, Sheet, Unfit, Unmapped, Values, Written
from keyturn.domain.flows.reading import RETRY_AFTER_S, RETRY_TIMES, asks_somebody, is_needed
from keyturn.domain.flows.spec import CardSpec, Input
from keyturn.domain.flows.values import Kind, Value

Special: TypeAlias = "Callable[[Desk, Step], None]"
HIDDEN: Final = frozenset({"control:noop", "control:join", EXPAND})
"""Cards that nobody sees in Okta's console."""


class Desk(Values):
    """Write cards one after the other; those of a lane are written into a list of its own."""

    def __init__(self, sheet: Sheet, special: Mapping[str, "Special"]) -> None:
        super().__init__(sheet)
        self.special = special
        """Who writes cards that the table does not know, by their addresses."""
        self.joining: tuple[Step, str] | None = None
        """The card that branched last, and our card for it."""

    # --- cards ------------------------------------------------------------------------------------

    def chart(self, chart: Chart, skip: str = "") -> None:
        """Write the cards of a chart but one."""
        self.learn(chart)
        self.steps(each for each in arrange(chart) if each.card.uuid != skip)

    def steps(self, steps: Iterable[Step]) -> None:
        """Write cards."""
        for step in steps:
            self.step(step)

    def step(self, step: Step) -> None:
        """Write a card, or say in its place that nobody knows it."""
        sheet, card = self.sheet, step.card
        before = len(self.out), len(sheet.unmapped), len(sheet.lost), sheet.cards
        try:
            self.special.get(known_as(card, self.special), Desk.by_table)(self, step)
        except Unmapped as why:
            written, unmapped, lost, sheet.cards = before
            del self.out[written:], sheet.unmapped[unmapped:], sheet.lost[lost:]
            self._instead(step, str(why))
        sheet.cards += card.address not in HIDDEN

    def lane(self, write: Callable[[], None]) -> list[Value]:
        """Return the cards that something writes; what they give is doubtful after them."""
        before, outer, joining = set(self.sources), self.out, self.joining
        self.out, self.joining = [], None
        try:
            write()
            lane = self.out
        finally:
            self.out, self.joining = outer, joining
        for key in self.sources.keys() - before:
            self.sources[key] = self.sources[key].doubtful()
        return lane

    def say(self, text: str) -> None:
        """Write a comment."""
        if text:
            self.out.append({"card": "flow.comment", "with": {"text": self.plain(told(text))}})

    def note(self, text: str) -> None:
        """Say in the report what means something else here."""
        self.sheet.notes[text] = None

    def _instead(self, step: Step, why: str) -> None:
        """Write what stands for a card that nobody knows: a comment, and what it would give."""
        card, self.joining = step.card, None
        for one in (card, *inner_cards(card)):
            self.sheet.unmapped.append(f"{told(one.title)} ({told(one.address)})")
        self.sheet.cards += sum(1 for _ in inner_cards(card))
        self.say(f"Not imported: {card.title} ({card.address}){f': {why}' if why else ''}")
        given: Written = {}
        for each in card.inputs:
            if each.group not in NOT_COUNTED and self._is_given(card, each):
                with suppress(Unfit):
                    given[each.name[:100]] = self.value(card, each, Kind.ANY)
        gives: Written = {}
        wanted = [each for each in card.outputs if (card.uuid, each.id) in self.used]
        for each in wanted:
            gives[word(each.key, gives.keys() | {"given"}, "output")] = None
        kept: Written = {"given": given} if given else {}
        if kept or gives:
            identity = self.put("flow.assign", {**kept, **gives}, card.title)
            for each, name in zip(wanted, gives, strict=True):
                self.sources[card.uuid, each.id] = Source((identity, name), sure=True)
        for label, lane in step.lanes:
            self.say(f"What follows ran where {card.title} chose {str(label)[:40]}; say when.")
            inner = self.lane(partial(self.steps, lane))
            never: Value = {"left": False, "is": "true"}
            self.put("branch.if_else", {"when": never}, then=inner)

    # --- the table --------------------------------------------------------------------------------

    def by_table(self, step: Step) -> None:
        """Write a card as the table has it. Raises Unmapped."""
        card = step.card
        address = known_as(card, ROWS)
        row = ROWS.get(address)
        if row is None or row.card not in CARDS:
            raise Unmapped
        spec = CARDS[row.card]
        given = self._inputs(card, row, spec)
        for wanted in spec.inputs:
            if is_needed(wanted) and wanted.name not in given:
                raise Unmapped(f"nothing is known to be its {wanted.name}")
        if address == "control:return":
            self._declare(card)
        identity = self.put(row.card, given, self.called(card), **self.more(card, spec))
        self.gives(card, row, spec, identity)
        if row.note:
            self.note(f"{card.title}: {row.note}")

    def called(self, card: PackCard) -> str:
        """Return what a card is called: as people called its only output, or else its title."""
        shown = [each for each in card.outputs if each.group != "context"]
        titled = shown[0].title if len(shown) == 1 and shown[0].key else ""
        return titled or card.title

    def more(self, card: PackCard, spec: CardSpec) -> Written:
        """Return what a card has besides its inputs: its connection, and when it is tried again."""
        more: Written = {}
        if spec.connectors:
            connector = spec.connectors[0] if len(spec.connectors) == 1 else "api"
            if card.config or not spec.connection_optional:
                more["connection"] = self.sheet.connections(card.config, connector)
        if card.retry and asks_somebody(spec):
            after = min(card.retry.after_s, RETRY_AFTER_S)
            more["retry"] = {"times": min(card.retry.times, RETRY_TIMES), "after_s": max(0, after)}
        handler = self.sheet.helpers.get(card.on_error, self.sheet.name)
        if handler != self.sheet.name:
            more["on_error"] = {"run": handler}
        return more

    def gives(self, card: PackCard, row: Row, spec: CardSpec, identity: str) -> None:
        """Note where the outputs of a card are found from now on."""
        kinds = {each.name: each.kind for each in spec.outputs}
        for each in card.outputs:
            way = row.gives.get(each.name) or row.gives.get("*")
            if row.rest == "." and spec.name == "flow.assign":
                way = (each.key,)
            if way and each.group != "context":
                kind = kinds.get(way[0], Kind.ANY) if len(way) == 1 else Kind.ANY
                self.sources[card.uuid, each.id] = Source(
                    (identity, *way), kind, names=self._names(row.names, each)
                )

    def _names(self, names: Names, output: Field) -> Names:
        return names if output.kind in (Kind.OBJECT, Kind.LIST) else {}

    def _declare(self, card: PackCard) -> None:
        for each in card.inputs:
            known = self.sheet.outputs.setdefault(each.key, each.kind)
            if known is not each.kind:
                self.sheet.outputs[each.key] = Kind.ANY

    def _inputs(self, card: PackCard, row: Row, spec: CardSpec) -> Written:
        given: Written = dict(row.fixed)
        taken: set[str] = set()
        for ours, keys in row.takes.items():
            wanted = spec.input(ours)
            found = self.find(card, keys)
            if wanted is None or found is None or not self._is_worth(card, found, wanted):
                continue
            taken.add(found.id)
            with suppress(Unfit):
                given[ours] = self._input(card, found, wanted)
            if ours not in given and is_needed(wanted):
                given[ours] = self.stand_in(card, found)
        if row.rest:
            others = [each for each in self.listed(card) if each.id not in taken]
            given |= self._rest(card, row, spec, others)
        return given

    def _rest(self, card: PackCard, row: Row, spec: CardSpec, others: list[Field]) -> Written:
        wanted = spec.input(row.rest)
        if row.rest == ".":
            return self.members(card, others, deep=spec.name == "object.construct")
        if wanted and wanted.kind is Kind.LIST:
            items: list[Value] = [self.some(card, each, Kind.ANY) for each in others]
            return {row.rest: items}
        return {row.rest: self.members(card, others, deep=False)}

    def members(self, card: PackCard, fields: Sequence[Field], *, deep: bool) -> Written:
        """Return inputs as an object; a point in a name leads into another where ``deep``."""
        built: Written = {}
        for each in fields:
            self._set(built, each.key.split(".") if deep else [each.key], card, each)
        return built

    def _set(self, built: Written, path: list[str], card: PackCard, each: Field) -> None:
        inner = built
        for step in path[:-1]:
            there = inner.setdefault(step, {})
            if not isinstance(there, dict):
                return
            inner = there
        inner[path[-1][:150]] = self.some(card, each, Kind.ANY)

    def _is_worth(self, card: PackCard, found: Field, wanted: Input) -> bool:
        """Say whether an input has to stand in the file."""
        if is_needed(wanted) or (card.uuid, found.id) in self.pins:
            return True
        return found.data not in (None, "", [], {}, wanted.default)

    def _is_given(self, card: PackCard, each: Field) -> bool:
        return (card.uuid, each.id) in self.pins or each.data not in (None, "", [], {}, 0)

    def _input(self, card: PackCard, found: Field, wanted: Input) -> Value:
        if wanted.secret and (card.uuid, found.id) not in self.pins:
            return self.secret(card.title, found.key)
        value = self.value(card, found, wanted.kind, template=wanted.template)
        if found.key == "stash" and isinstance(value, str):
            return self.sheet.tables.get(value, value)
        if wanted.options and (card.uuid, found.id) not in self.pins:
            return _option(value, wanted)
        return value


def known_as(card: PackCard, known: Collection[str]) -> str:
    """Return a card's address, or one that is known for a card of its family and title."""
    if card.address in known:
        return card.address
    return TITLES.get((card.address.partition(":")[0], card.title), card.address)


def inner_cards(card: PackCard) -> Iterator[PackCard]:
    """Give the cards of all flows that lie in a card."""
    charts = [each.chart for each in card.inputs] + [card.catch]
    for chart in filter(None, charts):
        for each in chart.cards:
            if each.address not in HIDDEN:
                yield each
                yield from inner_cards(each)


def _option(value: Value, wanted: Input) -> Value:
    known = {each.lower(): each for each in wanted.options}
    if not isinstance(value, str) or value.lower() not in known:
        raise Unmapped(f"{wanted.name} is none of {', '.join(wanted.options)}")
    return known[value.lower()]
