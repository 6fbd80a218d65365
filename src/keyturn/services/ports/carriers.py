"""What the use cases need of those who bring secrets to other stores."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from keyturn.domain.destination_kinds import Kind
from keyturn.domain.errors import InvalidInput
from keyturn.domain.ids import VersionNo
from keyturn.domain.sensitive import Sensitive


@dataclass(frozen=True)
class Item:
    """One secret as it is to be called at the destination, and the value that it is to have."""

    name: str
    value: Sensitive
    version: VersionNo


@dataclass(frozen=True)
class Errand:
    """What is to be brought in one write, and by what authority.

    ``id`` is the same for every try of the same versions; ``at`` is the time of this one.
    ``still_held`` raises Fenced where somebody else may have the destination in hand by now: it is
    called right before each write.
    """

    id: str
    place: str
    at: datetime
    settings: Mapping[str, str]
    credential: Mapping[str, Sensitive]
    items: tuple[Item, ...]
    still_held: Callable[[], None]


class Carriers(Protocol):
    """Bring secrets to other stores, each kind in its own way."""

    def check(self, kind: Kind, settings: Mapping[str, str]) -> None:
        """Raise InvalidInput or AddressRefused where these settings lead nowhere; calls nobody."""
        ...

    async def deliver(self, kind: Kind, errand: Errand) -> str:
        """Write all of the items and return what the destination shows of them, once it has them.

        What it can show is read back and compared. Bringing the same again changes nothing. What
        is not among the items is left as it is, but in a file. Raises DestinationRefused where
        somebody has to act, DestinationAway where trying again may help, AddressRefused, and
        Fenced. No message carries a value, or anything that the destination has said. Time limit:
        15 seconds from `Errand.still_held` to the end of the write that follows.
        """
        ...


class NoCarriers:
    """Nothing is brought anywhere."""

    def check(self, kind: Kind, settings: Mapping[str, str]) -> None:
        """Raise InvalidInput."""
        raise InvalidInput

    async def deliver(self, kind: Kind, errand: Errand) -> str:
        """Raise InvalidInput."""
        raise InvalidInput
