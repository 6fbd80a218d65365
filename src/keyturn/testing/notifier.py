"""People in memory: what they were told, and what goes wrong on the way."""

from datetime import datetime

from keyturn.domain.errors import KeyturnError
from keyturn.domain.notice import Notice


class FakeNotifier:
    """Keep what is told (`services.ports.Notifier`); while ``away`` is set, it is raised instead.

    ``tried`` is every try, whether it arrived or not.
    """

    def __init__(self) -> None:
        self.anybody = True
        self.told: list[Notice] = []
        self.tried: list[Notice] = []
        self.away: KeyturnError | None = None

    async def deliver(self, notice: Notice, at: datetime) -> None:
        """Keep a notice, unless something is to go wrong."""
        self.tried.append(notice)
        if self.away:
            raise self.away
        self.told.append(notice)
