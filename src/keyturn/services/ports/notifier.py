"""What the use cases need of those who tell people."""

from datetime import datetime
from typing import Protocol

from keyturn.domain.errors import DestinationAway
from keyturn.domain.notice import Notice


class Notifier(Protocol):
    """Tell people, in whatever way the operator has chosen."""

    @property
    def anybody(self) -> bool:
        """Whether there is anybody to tell; notices are only kept where nobody is."""
        ...

    async def deliver(self, notice: Notice, at: datetime) -> None:
        """Bring one notice; ``at`` is the time of this try, and the notice's id that of all tries.

        Raises DestinationAway where it has not arrived as far as is known, and AddressRefused.
        Neither carries anything that the receiver has said. Time limit: 15 seconds.
        """
        ...


class NoNotifier:
    """Nobody is told."""

    @property
    def anybody(self) -> bool:
        """Say that nobody is there."""
        return False

    async def deliver(self, notice: Notice, at: datetime) -> None:
        """Raise DestinationAway."""
        raise DestinationAway("Nobody is told of anything: set KEYTURN_NOTIFY_URL.")
