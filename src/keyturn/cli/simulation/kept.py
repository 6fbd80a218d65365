"""What is kept of one app under a rotation, and of those who read what is served of it.

Decides nothing of what is right; `ledger` fills it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from keyturn.cli.simulation.kinds import PROPS, Props
from keyturn.domain.okta import CredentialKind, Rules
from keyturn.domain.rotation import Rotation, SecretsMapping
from keyturn.domain.secret import Version
from keyturn.domain.turn import Word

OF_A_LOOK_S = 120.0
"""How long a policy that was changed may still be followed by who looked before."""


@dataclass
class Promise:
    """An emergency that was to leave the consumers of an app time; ``but`` are turns not of it."""

    asked_s: float
    within_s: float
    but: set[str]


@dataclass
class Kept:
    """One app under a rotation, as the product promises it to its readers."""

    rotation_id: str
    app_id: str
    secret_id: str
    versions: dict[str, Version] = field(default_factory=dict)
    current: Version | None = None
    promoted_s: float = 0.0
    promoted_at: datetime | None = None
    served: set[str] = field(default_factory=set)
    orders: list[tuple[float, Rotation]] = field(default_factory=list)
    retired_s: dict[str, float] = field(default_factory=dict)
    words: dict[str, Word] = field(default_factory=dict)
    props: Props = PROPS[CredentialKind.CLIENT_SECRET]
    brought: Callable[[], str] | None = None
    """Tells the value that its destination holds, where it has one."""
    registration_id: str = ""
    """The client registration that uses it, where there is one."""
    proved: set[str] = field(default_factory=set)
    """Hashes of what Okta has accepted from that registration."""
    retired_by: dict[str, str] = field(default_factory=dict)
    """By which turn of ours a credential was deactivated."""
    changed_s: float = 0.0
    """When its app was last changed at Okta, by whomever."""
    promises: list[Promise] = field(default_factory=list)
    """What was said of consumers' time, until somebody said otherwise."""

    @property
    def rules(self) -> Rules:
        """Return what the product promises of the kind that is turned."""
        return self.props.rules

    @property
    def names(self) -> SecretsMapping:
        """Return the names by which readers find what is served."""
        return self.orders[-1][1].mapping

    def retired_for(self, hash_: str) -> Word | None:
        """Return what somebody had said to the turn that deactivated a credential."""
        return self.words.get(self.retired_by.get(hash_, ""))

    def orders_lately(self, now_s: float) -> Sequence[Rotation]:
        """Return the standing orders that somebody may still be following."""
        ended = [at for at, _ in self.orders[1:]] + [float("inf")]
        return [
            rotation
            for (_, rotation), until in zip(self.orders, ended, strict=True)
            if until >= now_s - OF_A_LOOK_S
        ]


@dataclass
class Reader:
    """Which version a consumer holds of one secret, and how many answers in a row it has lost."""

    name: str
    identity_id: str
    version: int = 0
    read_s: float = 0.0
    lost: int = 0
