"""What a card is: its name, what it takes, what it gives, and what it does to the world.

Decides how cards are declared. The JSON Schema, the checks, the documentation and the run all read
these declarations, so that they cannot tell different things.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

from keyturn.domain.flows.failures import Failure
from keyturn.domain.flows.values import Kind, Value

if TYPE_CHECKING:
    from keyturn.domain.flows.walk import Going, Here

Pure: TypeAlias = Callable[[Mapping[str, Value]], Mapping[str, Value]]
"""Compute the outputs of a card from its inputs, which fit their kinds. Raises CardFailure."""

Steer: TypeAlias = Callable[["Here"], "Going"]
"""Decide which cards run, and what the card gives then."""

FUNCTION_S: Final = 90.0
"""How long a card may take that asks nobody outside, as Okta's function cards may."""
CONNECTOR_S: Final = 30.0
"""How long a card may take that asks a service, as Okta's connector cards may."""
LONGEST_S: Final = 600.0


class Effect(StrEnum):
    """What a card does to the world."""

    NONE = "none"
    """It computes; done again, it comes to the same."""
    CONTROL = "control"
    """It decides which cards run."""
    READ = "read"
    """It asks; to ask again does no harm."""
    WRITE = "write"
    """It changes something; it is asked for once, whatever happens."""


class When(StrEnum):
    """When an input gets its value."""

    BEFORE = "before"
    """Before the card runs."""
    EACH = "each"
    """For each item of a list, with ``item`` and ``index``."""


@dataclass(frozen=True)
class Input:
    """Something that a card takes; ``options`` are the only texts that it may be.

    ``template`` says that its text may be put together with references. ``condition`` says that it
    is one (`conditions`). ``secret`` says that it has to be a reference, and no text in the file,
    ``written`` that it has to be a text in the file, and no reference.
    """

    name: str
    kind: Kind
    doc: str
    required: bool = True
    default: Value = None
    options: tuple[str, ...] = ()
    when: When = When.BEFORE
    template: bool = False
    condition: bool = False
    secret: bool = False
    written: bool = False


@dataclass(frozen=True)
class Output:
    """Something that a card gives; ``secret`` hides it in the history whatever it comes from."""

    name: str
    kind: Kind
    doc: str
    secret: bool = False


@dataclass(frozen=True)
class Lane:
    """Cards inside a card; ``binds`` are the names that only they know."""

    name: str
    doc: str
    required: bool = True
    binds: tuple[str, ...] = ()


@dataclass(frozen=True)
class CardSpec:
    """A card as it is declared.

    ``run`` computes and ``steer`` steers; a card with neither is done by `services`. ``cases`` says
    that it has pairs of a condition and cards. ``open`` says that it takes inputs of any name
    besides those declared, of any kind. ``mirrors`` says that it moves values and makes none, so
    that what is hidden in its inputs is hidden in its outputs and nothing else is. ``connectors``
    are the kinds of connections that it runs on, none where it needs none. ``scopes`` are what its
    connection has to be granted. ``repeatable`` says of a card that writes that its outcome is
    never in doubt: what it changes is Keyturn's own, and is committed with its answer. ``example``
    is a mapping as it stands in a file, with the outputs
    that it comes to in ``gives`` where it computes.
    """

    name: str
    doc: str
    inputs: tuple[Input, ...] = ()
    outputs: tuple[Output, ...] = ()
    effect: Effect = Effect.NONE
    run: Pure | None = None
    steer: Steer | None = None
    cases: bool = False
    lanes: tuple[Lane, ...] = ()
    open: bool = False
    mirrors: bool = False
    connectors: tuple[str, ...] = ()
    connection_optional: bool = False
    scopes: tuple[str, ...] = ()
    repeatable: bool = False
    timeout_s: float = FUNCTION_S
    failures: tuple[Failure, ...] = ()
    example: Mapping[str, Value] = field(default_factory=dict)
    gives: Mapping[str, Value] = field(default_factory=dict)

    @property
    def family(self) -> str:
        """Return the first part of its name."""
        return self.name.partition(".")[0]

    def input(self, name: str) -> Input | None:
        """Return the declared input of a name, or None."""
        return next((each for each in self.inputs if each.name == name), None)


class StartKind(StrEnum):
    """By what a flow starts."""

    ENDPOINT = "api_endpoint"
    SCHEDULE = "schedule"
    EVENT = "event"
    HELPER = "helper"
    DELEGATED = "delegated"


class Source(StrEnum):
    """Whose events start a flow."""

    OKTA = "okta"
    KEYTURN = "keyturn"


class Security(StrEnum):
    """Who may invoke an endpoint."""

    PUBLIC = "public"
    CLIENT_TOKEN = "client_token"
    OAUTH = "oauth2"


class History(StrEnum):
    """What is kept of a run."""

    FULL = "full"
    """Each card, with what it took and gave."""
    NONE = "none"
    """Nothing: a run that is killed is gone."""
