"""Named secrets and their numbered versions.

Storing is not serving: a version is stored as ``pending`` and readers get it only once it is
``current``. Decides which change of state is legal; knows nothing of sealing or of Okta.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from keyturn.domain.errors import OursError
from keyturn.domain.ids import FolderId, OktaSecretId, RotationId, SecretHash, SecretId, VersionNo


class State(StrEnum):
    """Where a version stands."""

    PENDING = "pending"
    CURRENT = "current"
    PREVIOUS = "previous"
    RETIRED = "retired"
    DESTROYED = "destroyed"


NEXT_STATES: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        State.PENDING: frozenset({State.CURRENT, State.DESTROYED}),
        State.CURRENT: frozenset({State.PREVIOUS, State.DESTROYED}),
        State.PREVIOUS: frozenset({State.RETIRED, State.DESTROYED}),
        State.RETIRED: frozenset({State.PREVIOUS, State.DESTROYED}),
        State.DESTROYED: frozenset(),
    }
)


class IllegalState(OursError):
    """A version cannot go from its state to that one."""


@dataclass(frozen=True)
class Secret:
    """A name in a folder; ``rotation_id`` is set where a rotation keeps it."""

    id: SecretId
    folder_id: FolderId
    name: str
    created_at: datetime
    updated_at: datetime
    comment: str = ""
    rotation_id: RotationId | None = None


@dataclass(frozen=True)
class Version:
    """One immutable version of a secret's value; ``sealed`` is None once it is destroyed.

    ``hash`` and ``okta_id`` say which client secret at Okta the value is, where it is one.
    """

    id: str
    secret_id: SecretId
    number: VersionNo
    state: State
    sealed: bytes | None
    created_at: datetime
    hash: SecretHash | None = None
    okta_id: OktaSecretId | None = None

    def become(self, state: State) -> "Version":
        """Return the version in its next state; a destroyed one has lost its value.

        Raises IllegalState where the table does not lead there; repeating a step is no error.
        """
        if state is self.state:
            return self
        if state not in NEXT_STATES[self.state]:
            raise IllegalState(f"Version {self.number} is {self.state}; it cannot become {state}.")
        return replace(self, state=state, sealed=None if state is State.DESTROYED else self.sealed)
