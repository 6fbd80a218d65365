"""The rotations of a fleet together: how old what they serve is, how they stand, what comes next.

Decides by records, and by how each stands already. Knows nothing of who may see what.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from statistics import median
from typing import Protocol

from keyturn.domain.connection import OktaConnection
from keyturn.domain.outlook import Outlook, State
from keyturn.domain.project import Place
from keyturn.domain.rotation import Rotation
from keyturn.domain.schedule import interval_of
from keyturn.domain.turn import Turn


class Member(Protocol):
    """A rotation with what is around it, and since when there is what it serves."""

    @property
    def rotation(self) -> Rotation:
        """Return the record."""
        ...

    @property
    def place(self) -> Place:
        """Return where it is."""
        ...

    @property
    def connection(self) -> OktaConnection:
        """Return what it speaks to Okta through."""
        ...

    @property
    def turn(self) -> Turn | None:
        """Return its open or last turn."""
        ...

    @property
    def outlook(self) -> Outlook:
        """Return how its schedule stands."""
        ...

    @property
    def issued_at(self) -> datetime | None:
        """Return since when there is what readers are given."""
        ...


# --- ages -----------------------------------------------------------------------------------------


class Band(StrEnum):
    """How much of the time that its schedule gives it a secret has been there, in hundredths."""

    FIRST = "0-25"
    SECOND = "25-50"
    THIRD = "50-75"
    LAST = "75-100"
    OVERDUE = "overdue"
    ENDLESS = "none"
    """Turns start only when somebody asks: nothing limits it."""
    UNSERVED = "unserved"
    """Readers are given nothing yet."""


@dataclass(frozen=True)
class Ages:
    """How many secrets are in each band, and how old the oldest and the middle one are."""

    bands: Mapping[Band, int]
    oldest_s: float | None
    median_s: float | None


_QUARTERS = (Band.FIRST, Band.SECOND, Band.THIRD, Band.LAST)


def ages_of(members: Iterable[Member], now: datetime) -> Ages:
    """Tell how old what a fleet serves is."""
    fleet = [*members]
    found = Counter(band_of(each, now) for each in fleet)
    ages_s = [age.total_seconds() for each in fleet if (age := age_of(each, now)) is not None]
    bands = {band: found[band] for band in Band}
    return Ages(bands, max(ages_s, default=None), median(ages_s) if ages_s else None)


def age_of(member: Member, now: datetime) -> timedelta | None:
    """Tell how old what readers are given is, or None where that is nothing yet."""
    return max(timedelta(), now - member.issued_at) if member.issued_at else None


def band_of(member: Member, now: datetime) -> Band:
    """Tell in which band the age of what readers are given lies."""
    age, allowed = age_of(member, now), interval_of(member.rotation.schedule)
    if age is None:
        return Band.UNSERVED
    if allowed is None:
        return Band.ENDLESS
    edges = enumerate(_QUARTERS, 1)
    return next((band for nth, band in edges if age <= nth * allowed / 4), Band.OVERDUE)


# --- what comes next ------------------------------------------------------------------------------


def counts_of(members: Iterable[Member]) -> Mapping[State, int]:
    """Count a fleet by how each stands; no state is left out."""
    found = Counter(each.outlook.state for each in members)
    return {state: found[state] for state in State}


def next_at(member: Member) -> datetime:
    """Return when the next turn starts; those that none is planned for come last."""
    return member.rotation.next_rotation_at or datetime.max.replace(tzinfo=UTC)
