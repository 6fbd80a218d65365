"""What many apps of an inventory come to: how many of each sort, and how old their secrets are.

Decides by records alone.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from keyturn.domain.inventory import ListedApp, ListedSecret
from keyturn.domain.okta import Status


class AgeBand(StrEnum):
    """How many days ago a client secret was made."""

    MONTH = "0-30"
    QUARTER = "30-90"
    HALF = "90-180"
    YEAR = "180-365"
    OLDER = "365+"


_UP_TO: Sequence[tuple[AgeBand, timedelta]] = (
    (AgeBand.MONTH, timedelta(days=30)),
    (AgeBand.QUARTER, timedelta(days=90)),
    (AgeBand.HALF, timedelta(days=180)),
    (AgeBand.YEAR, timedelta(days=365)),
)


class Counted(Protocol):
    """An app with what there is to count of it."""

    @property
    def app(self) -> ListedApp:
        """Return the app."""
        ...

    @property
    def listed_secrets(self) -> Sequence[ListedSecret]:
        """Return its client secrets."""
        ...

    @property
    def foreign(self) -> int:
        """Count its client secrets that no rotation knows."""
        ...

    @property
    def managed(self) -> bool:
        """Say whether a rotation keeps it."""
        ...


@dataclass(frozen=True)
class Narrowing:
    """How apps have to be, besides what a selector says; what is None or False asks nothing.

    ``managed`` is whether a rotation keeps them, ``foreign`` that no rotation knows some of their
    client secrets, ``age`` how old one of those is that Okta accepts, and ``status`` Okta's word
    for the app.
    """

    managed: bool | None = None
    foreign: bool = False
    age: AgeBand | None = None
    status: Status | None = None

    def fits(self, one: Counted, now: datetime) -> bool:
        """Say whether an app is as it has to be."""
        return (
            self.managed in (None, one.managed)
            and (one.foreign > 0 or not self.foreign)
            and self.status in (None, one.app.status)
            and (self.age is None or self.age in {band_of(at, now) for at in _made(one)})
        )


ANY_WAY = Narrowing()
"""Nothing is asked of apps."""


@dataclass(frozen=True)
class Totals:
    """How many there are: of apps in all, of some sorts of them, and of client secrets.

    ``unread`` apps are those whose client secrets are not known. ``ages`` counts the client secrets
    that Okta accepts, by how old they are; ``oldest_at`` is when the oldest of them was made.
    """

    apps: int
    managed: int
    public: int
    with_keys: int
    unread: int
    secrets: int
    active: int
    foreign: int
    ages: Mapping[AgeBand, int]
    oldest_at: datetime | None


def band_of(made_at: datetime, now: datetime) -> AgeBand:
    """Tell how old a client secret is."""
    age = now - made_at
    return next((band for band, most in _UP_TO if age < most), AgeBand.OLDER)


def _made(one: Counted) -> Iterable[datetime]:
    """Give when the client secrets of an app were made that Okta accepts."""
    return (each.created_at for each in one.listed_secrets if each.status is Status.ACTIVE)


def totals_of(apps: Iterable[Counted], now: datetime) -> Totals:
    """Count apps and their client secrets."""
    every = [*apps]
    made = [at for each in every for at in _made(each)]
    ages = Counter(band_of(at, now) for at in made)
    return Totals(
        apps=len(every),
        managed=sum(each.managed for each in every),
        public=sum(each.app.public for each in every),
        with_keys=sum(each.app.uses_keys for each in every),
        unread=sum(each.app.unread for each in every),
        secrets=sum(len(each.listed_secrets) for each in every),
        active=len(made),
        foreign=sum(each.foreign for each in every),
        ages={band: ages[band] for band in AgeBand},
        oldest_at=min(made, default=None),
    )
