"""Named secrets and their numbered versions.

Storing is not serving: a version is stored as ``pending`` and readers get it only once it is
``current``. Decides which change of state is legal; knows nothing of sealing or of Okta.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from keyturn.domain.errors import OursError
from keyturn.domain.ids import (
    CredentialId,
    FolderId,
    IdentityId,
    RotationId,
    SecretHash,
    SecretId,
    VersionNo,
)


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
    """A name in a folder; ``rotation_id`` is set where a rotation keeps it.

    ``metadata`` is keys and values by turns. ``tag_ids`` may name tags that are gone.
    """

    id: SecretId
    folder_id: FolderId
    name: str
    created_at: datetime
    updated_at: datetime
    comment: str = ""
    rotation_id: RotationId | None = None
    metadata: tuple[str, ...] = ()
    tag_ids: tuple[str, ...] = ()
    skip_multiline_encoding: bool = False

    @property
    def metadata_pairs(self) -> tuple[tuple[str, str], ...]:
        """Return the metadata as keys with their values."""
        return tuple(zip(self.metadata[::2], self.metadata[1::2], strict=True))


@dataclass(frozen=True)
class Version:
    """One immutable version of a secret's value; ``sealed`` is None once it is destroyed.

    ``hash`` and ``okta_id`` say which client secret at Okta the value is, where it is one.
    ``refers`` says that the value holds a reference to another secret. ``made_at`` is when Okta got
    the value, where that was not by us, or by an earlier version.
    """

    id: str
    secret_id: SecretId
    number: VersionNo
    state: State
    sealed: bytes | None
    created_at: datetime
    hash: SecretHash | None = None
    okta_id: CredentialId | None = None
    refers: bool = False
    made_at: datetime | None = None

    @property
    def issued_at(self) -> datetime:
        """Return since when there is the value, at Okta or here."""
        return self.made_at or self.created_at

    def become(self, state: State) -> "Version":
        """Return the version in its next state; a destroyed one has lost its value.

        Raises IllegalState where the table does not lead there; repeating a step is no error.
        """
        if state is self.state:
            return self
        if state not in NEXT_STATES[self.state]:
            raise IllegalState(f"Version {self.number} is {self.state}; it cannot become {state}.")
        return replace(self, state=state, sealed=None if state is State.DESTROYED else self.sealed)


@dataclass(frozen=True)
class Receipt:
    """Which version of a secret an identity holds, by what it was given.

    ``given`` is what it was given last, about ``read_at``; ``version`` is what it holds at least:
    the answer that carried a newer one may have been lost on the way. ``first`` is what it was
    given first. ``applied`` is the latest version that it said it uses, since ``applied_at``.
    """

    secret_id: SecretId
    identity_id: IdentityId
    version: VersionNo
    given: VersionNo
    read_at: datetime
    first: VersionNo
    applied: VersionNo | None = None
    applied_at: datetime | None = None


RECEIPT_AGE = timedelta(minutes=1)
"""Reads that follow each other more closely may be tries of one read, and are noted as one."""


class Copy(StrEnum):
    """What a reader tells of the copy that it holds (``If-None-Match``, RFC 9110, 13.1.2)."""

    UNSAID = "unsaid"
    THIS = "this"
    """It is what would be answered."""
    ANOTHER = "another"
    """It is something else: an answer with this one has not arrived yet."""
    WITHHELD = "withheld"
    """Whatever it is, the answer carries no value: nothing is held by this read."""


def after_read(
    last: Receipt,
    given: VersionNo,
    at: datetime,
    copy: Copy = Copy.UNSAID,
    *,
    asked_at: datetime | None = None,
) -> Receipt:
    """Return the receipt after another read; the same one where the read tells nothing more.

    A newer version counts as held once its reader says so. Of one that does not say what it holds,
    once it has asked again and was given the version a second time, a minute or more after the
    first: whoever lost the first answer asks again before long. ``asked_at`` is when it asked,
    where that was before ``at``: one question that is looked up twice is one, and so are questions
    that waited together. A reader that asks for an earlier version by its number holds the newer
    one all the same.
    """
    if given < last.given:
        return last
    proved = copy is Copy.THIS and last.version < given
    if not proved and given > last.given:
        return replace(last, given=given, read_at=at)
    if copy is Copy.ANOTHER and last.version < given:
        return replace(last, read_at=at)
    if not proved and (asked_at or at) < last.read_at + RECEIPT_AGE:
        return last
    return replace(last, version=given, given=given, read_at=at)


def after_acknowledgement(last: Receipt, version: VersionNo, at: datetime) -> Receipt:
    """Return the receipt after its reader said that it uses a version that it was given.

    Words may overtake each other on the way: an earlier version than the last takes nothing back.
    """
    if last.applied is not None and version <= last.applied:
        return last
    held = max(last.version, version)
    return replace(last, version=held, applied=version, applied_at=at)
