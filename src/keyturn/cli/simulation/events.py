"""What happens in a simulated world, as the invariants are told of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from keyturn.cli.simulation.calls import Sent
from keyturn.cli.simulation.kept import Kept, Reader
from keyturn.cli.simulation.processes import Work
from keyturn.domain.audit import AuditEntry
from keyturn.domain.ids import TurnId
from keyturn.domain.turn import Turn
from keyturn.sandbox.journal import Entry
from keyturn.services.ports import Record


@dataclass(frozen=True)
class Commit:
    """One transaction that became durable: by whom, and what it changed."""

    work: Work | None
    changed: Sequence[Record]
    audit: Sequence[AuditEntry]
    before: AuditEntry | None
    epochs: Mapping[TurnId, int]
    """The epoch of each changed turn before."""
    claims: bool = False
    was: Mapping[TurnId, Turn | None] = field(default_factory=dict)
    """Each changed turn as it was before, None for a new one."""

    @property
    def turns(self) -> Sequence[tuple[Turn, Turn | None]]:
        """Return the turns that it changed, each with what it was before."""
        turns = [each for each in self.changed if isinstance(each, Turn)]
        return [(turn, self.was.get(turn.id)) for turn in turns]


@dataclass(frozen=True)
class Effect:
    """One call of ours that Okta has dealt with."""

    sent: Sent
    entry: Entry
    told_full_until_s: float = 0.0
    """Until when the caller had been told that the bucket is used up."""


@dataclass(frozen=True)
class Login:
    """One attempt of a consumer to authenticate with a version that it read some time ago."""

    who: str
    kept: Kept
    version: int
    age_s: float
    accepted: bool


@dataclass(frozen=True)
class Disclosure:
    """One read that was answered: by whom, what, and the audit entries that it left."""

    reader: Reader
    kept: Kept
    version: int
    value: str
    audit: Sequence[AuditEntry]
    name: str = ""
    """Of the secret that was asked for."""
