"""People in memory: what they were told, and what goes wrong on the way."""

from collections.abc import Mapping

from keyturn.domain.channel_kinds import ChannelKind
from keyturn.domain.errors import KeyturnError
from keyturn.domain.notice import Notice
from keyturn.domain.sensitive import Sensitive
from keyturn.services.ports import Letter


class FakeNotifier:
    """Keep what is told (`services.ports.Notifier`); while ``away`` is set, it is raised instead.

    ``tried`` is every try, whether it arrived or not, and ``letters`` what did.
    """

    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self.tried: list[Letter] = []
        self.away: KeyturnError | None = None

    @property
    def told(self) -> list[Notice]:
        """Return the notices that have arrived, one after the other."""
        return [notice for letter in self.letters for notice in letter.notices]

    def check(
        self, kind: ChannelKind, settings: Mapping[str, str], credential: Mapping[str, Sensitive]
    ) -> None:
        """Take everything for a way."""

    async def deliver(self, kind: ChannelKind, letter: Letter) -> None:
        """Keep a letter, unless something is to go wrong."""
        self.tried.append(letter)
        if self.away:
            raise self.away
        self.letters.append(letter)
