"""What the use cases need of those who bring notices to people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from keyturn.domain.channel_kinds import ChannelKind
from keyturn.domain.errors import DestinationAway
from keyturn.domain.notice import Notice
from keyturn.domain.notice_words import Message
from keyturn.domain.sensitive import Sensitive


@dataclass(frozen=True)
class Letter:
    """What one channel brings at one time: a notice, several, or none where it is only tried.

    ``id`` is the same in every try to bring the same. ``at`` is the time of this try, ``links`` the
    page of each notice, or nothing. ``credential`` is what proves us, or the secret address.
    """

    id: str
    at: datetime
    message: Message
    notices: Sequence[Notice]
    links: Sequence[str]
    settings: Mapping[str, str]
    credential: Mapping[str, Sensitive] = field(repr=False)


class Notifier(Protocol):
    """Bring notices to people, through channels of every kind."""

    def check(
        self, kind: ChannelKind, settings: Mapping[str, str], credential: Mapping[str, Sensitive]
    ) -> None:
        """Raise InvalidInput or AddressRefused where these lead nowhere; nobody is asked."""
        ...

    async def deliver(self, kind: ChannelKind, letter: Letter) -> None:
        """Bring a letter.

        Raises DestinationAway where it has not arrived as far as is known, and AddressRefused.
        Neither carries anything that the receiver has said. Time limit: 15 seconds.
        """
        ...


class NoNotifier:
    """Nobody brings anything."""

    def check(
        self, kind: ChannelKind, settings: Mapping[str, str], credential: Mapping[str, Sensitive]
    ) -> None:
        """Take everything for a way."""

    async def deliver(self, kind: ChannelKind, letter: Letter) -> None:
        """Raise DestinationAway."""
        raise DestinationAway("Nobody here brings notices to people.")
