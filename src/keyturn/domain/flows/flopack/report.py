"""What came of an export: flows, and what is left for people to do.

Decides how it is told. Nothing of it has a value of the export in it, only names.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from keyturn.domain.flows.values import Value


@dataclass(frozen=True)
class ImportedFlow:
    """A flow that was translated; ``called`` is its name in the export.

    ``cards`` counts those that people see there, ``unmapped`` are those of them that nobody knows,
    ``lost`` the values that could not be led to where they belong, ``notes`` what means something
    else here.
    """

    name: str
    called: str
    text: str
    cards: int
    unmapped: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Say whether nothing is missing in it."""
        return not (self.unmapped or self.lost)


@dataclass(frozen=True)
class Alias:
    """A connection that the flows name and somebody has to make."""

    alias: str
    connector: str
    called: str
    flows: tuple[str, ...]


@dataclass(frozen=True)
class SecretNeeded:
    """A secret that somebody has to store: what stood in the export looked like a key."""

    path: str
    flow: str
    card: str
    input: str


@dataclass(frozen=True)
class Imported:
    """What came of one export."""

    flows: tuple[ImportedFlow, ...]
    left_out: tuple[tuple[str, str], ...]
    aliases: tuple[Alias, ...]
    secrets: tuple[SecretNeeded, ...]
    tables: Mapping[str, tuple[str, ...]]
    """The columns of tables by their names."""

    @property
    def unmapped(self) -> Mapping[str, int]:
        """Return how often which card is unknown, most often first."""
        return dict(Counter(each for flow in self.flows for each in flow.unmapped).most_common())

    @property
    def as_value(self) -> dict[str, Value]:
        """Return the report as JSON has it, without the flows' texts."""
        cards = sum(flow.cards for flow in self.flows)
        unmapped = sum(len(flow.unmapped) for flow in self.flows)
        return {
            "flows": [_told(flow) for flow in self.flows],
            "whole": sum(flow.whole for flow in self.flows),
            "cards": cards,
            "mapped": cards - unmapped,
            "unmapped": dict(self.unmapped),
            "left_out": [{"flow": name, "why": why} for name, why in self.left_out],
            "aliases": [
                {
                    "alias": each.alias,
                    "connector": each.connector,
                    "called": each.called,
                    "flows": [*each.flows],
                }
                for each in self.aliases
            ],
            "secrets": [
                {"path": each.path, "flow": each.flow, "card": each.card, "input": each.input}
                for each in self.secrets
            ],
            "tables": {name: [*columns] for name, columns in self.tables.items()},
        }


def _told(flow: ImportedFlow) -> dict[str, Value]:
    return {
        "name": flow.name,
        "called": flow.called,
        "whole": flow.whole,
        "cards": flow.cards,
        "unmapped": [*flow.unmapped],
        "lost": [*flow.lost],
        "notes": [*flow.notes],
    }


def lines_of(imported: Imported) -> Iterator[str]:
    """Give the report as people read it."""
    told = imported.as_value
    yield (
        f"{told['whole']} of {len(imported.flows)} flows came over whole, "
        f"{told['mapped']} of {told['cards']} cards."
    )
    for flow in imported.flows:
        yield f"{'whole ' if flow.whole else 'partly'}  {flow.name}  ({flow.called})"
        yield from (f"        not imported: {each}" for each in flow.unmapped)
        yield from (f"        to be given: {each}" for each in flow.lost)
        yield from (f"        to look at: {each}" for each in flow.notes)
    for name, why in imported.left_out:
        yield f"left out  {name}: {why}"
    yield from _section("Cards that are not known", _counts(imported))
    yield from _section("Secrets to store", _secrets(imported))
    yield from _section("Tables to make", _tables(imported))


def _counts(imported: Imported) -> Iterator[str]:
    for name, count in imported.unmapped.items():
        yield f"{count:4}  {name}"


def _secrets(imported: Imported) -> Iterator[str]:
    for each in imported.secrets:
        yield f"{each.path}  (of {each.card}, {each.input}, in {each.flow})"


def _tables(imported: Imported) -> Iterator[str]:
    for name, columns in imported.tables.items():
        yield f"{name}: {', '.join(columns)}"


def _section(title: str, lines: Iterator[str]) -> Iterator[str]:
    told = [*lines]
    if told:
        yield ""
        yield f"{title}:"
        yield from (f"  {line}" for line in told)
