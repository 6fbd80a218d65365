"""What an export of Okta Workflows consists of, once it is read.

Knows nothing of our cards: what a card is called there stays as it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from keyturn.domain.flows.values import Kind, Value


class PackRefused(ValueError):
    """A file is no export that can be read; ``where`` in it, and why."""

    def __init__(self, where: str, rule: str) -> None:
        self.where, self.rule = where, rule
        super().__init__(f"{where}: {rule}" if where else rule)


class LeftOut(ValueError):
    """One flow of an export cannot be translated at all; the text says why."""


@dataclass(frozen=True)
class Field:
    """An input or output of a card.

    ``item_path`` leads into the item of a list that is looked at, where the value comes of it.
    ``source`` and ``path`` are of an output that stands for a part of another card's. ``chart`` is
    a flow that lies in it.
    """

    id: str
    group: str
    key: str
    kind: Kind
    date: bool
    data: Value
    index: float
    title: str
    item_path: tuple[str, ...] | None = None
    source: tuple[str, str] | None = None
    path: tuple[str, ...] = ()
    chart: "Chart | None" = None

    @property
    def name(self) -> str:
        """Return its key with its group before it."""
        return f"{self.group}.{self.key}" if self.group else self.key


@dataclass(frozen=True)
class Retry:
    """How often a card is tried again, and how long after."""

    times: int
    after_s: float


@dataclass(frozen=True)
class PackCard:
    """A card; ``address`` is its family and name, with @ before the family of a connector.

    ``catch`` is the flow that runs where it fails, ``on_error`` the id of one, ``starts`` says that
    it waits for something to happen.
    """

    uuid: str
    address: str
    title: str
    inputs: tuple[Field, ...] = ()
    outputs: tuple[Field, ...] = ()
    branches: Mapping[str, Value] = field(default_factory=dict)
    joins: Mapping[str, str] = field(default_factory=dict)
    config: str = ""
    comment: str = ""
    retry: Retry | None = None
    on_error: str = ""
    catch: "Chart | None" = None
    starts: bool = False


@dataclass(frozen=True)
class Pin:
    """An output that is pinned to an input; ``convert`` is what becomes of it on the way."""

    card: str
    output: str
    convert: str = ""


@dataclass(frozen=True)
class Chart:
    """Cards with what comes before what; ``pins`` by the card and the input that they lead to."""

    cards: tuple[PackCard, ...]
    edges: tuple[tuple[str, str], ...]
    pins: Mapping[tuple[str, str], tuple[Pin, ...]]


@dataclass(frozen=True)
class PackFlow:
    """A flow of an export."""

    id: str
    name: str
    description: str
    chart: Chart
    cron: dict[str, Value]
    scheduled: bool
    security: str


@dataclass(frozen=True)
class Connection:
    """A connection of an export, which never has what is secret in it."""

    id: str
    name: str
    module: str


@dataclass(frozen=True)
class Table:
    """A table of an export, without rows."""

    name: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Pack:
    """An export; ``left_out`` are flows that cannot be read, and why."""

    version: str
    flows: tuple[PackFlow, ...]
    connections: tuple[Connection, ...]
    tables: Mapping[str, Table]
    left_out: tuple[tuple[str, str], ...]
