"""What truly became of grants: what the org has issued for them, and what of it the store has kept.

Decides nothing of what is right; `invariants` reads it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from keyturn.cli.simulation.calls import SENT, Sent
from keyturn.domain.oauth.connection import Connection, State
from keyturn.sandbox.state.tokens import RefreshToken, TokenBook

IN_USE = (State.READY, State.TROUBLED)


@dataclass
class Issue:
    """The newest refresh token of a family: whether its answer arrived, and whether it is kept."""

    value: str
    sent: Sent | None
    told: bool = False
    stored: bool = False


class Grants:
    """Connections as they were committed last, and the families of refresh tokens behind them."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self.connections: dict[str, Connection] = {}
        self._now_s = now_s
        self._since_s: dict[str, float] = {}
        self._family_of: dict[str, str] = {}
        self._families: dict[str, str] = {}
        self._issues: dict[str, Issue] = {}
        self._ended: set[str] = set()
        self._lost: set[str] = set()
        self._harmed_until_s: dict[str | None, float] = {}

    def in_use(self, registration_id: str, since_s: float) -> Sequence[Connection]:
        """Return the connections of a registration that have been in use for as long."""
        return [
            each
            for each in self.connections.values()
            if each.registration_id == registration_id
            and each.state in IN_USE
            and self._since_s[each.id] < since_s
        ]

    def over(self, connection_id: str) -> bool:
        """Say whether the org has ended a grant, or an answer with its next token was lost."""
        family = self._family_of.get(connection_id, "")
        issue = self._issues.get(family)
        unheard = issue is not None and not (issue.told or issue.stored)
        return unheard or family in self._ended | self._lost

    # --- what the org does ----------------------------------------------------------------------

    def note_issued(self, family: str, value: str) -> None:
        """Take note of a refresh token, which may be one that is there already."""
        if value not in self._families:
            self._families[value] = family
            self._issues[family] = Issue(value, SENT.get())

    def note_ended(self, family: str) -> None:
        """Take note that somebody has ended a grant; one that is used twice ends by itself."""
        self._ended.add(family)

    # --- what becomes of answers ----------------------------------------------------------------

    def note_told(self, sent: Sent) -> None:
        """Take note that an answer has arrived; with one who stood still meanwhile it is lost."""
        for issue in self._issues.values():
            issue.told |= issue.sent is sent
        process = sent.work.process if sent.work else None
        harmed = (self._harmed_until_s.get(each, 0.0) for each in (None, process))
        if max(harmed) >= sent.at_s:
            self.note_spoiled(sent)

    def note_spoiled(self, sent: Sent) -> None:
        """Take note that an answer does not tell what it should."""
        self._lose(lambda issue: issue.sent is sent)

    def note_harm(self, process: str | None, for_s: float) -> None:
        """Take note of what keeps a process from storing what it is told; None is all of them."""
        self._harmed_until_s[process] = self._now_s() + for_s
        self._lose(lambda issue: process in (None, _process(issue)))

    def _lose(self, fits: Callable[[Issue], bool]) -> None:
        waiting = [(family, issue) for family, issue in self._issues.items() if not issue.stored]
        self._lost |= {family for family, issue in waiting if fits(issue)}

    # --- what the store keeps -------------------------------------------------------------------

    def note_connection(self, connection: Connection, refresh: str) -> None:
        """Take note of a connection as it was committed, with its refresh token."""
        before = self.connections.get(connection.id)
        if before is None or before.state not in IN_USE:
            self._since_s[connection.id] = self._now_s()
        self.connections[connection.id] = connection
        family = self._families.get(refresh)
        if family is None:
            return
        self._family_of[connection.id] = family
        if self._issues[family].value == refresh:
            self._issues[family].stored = True
            self._lost.discard(family)

    def note_restored(self) -> None:
        """Take note that the store holds only what it held earlier."""
        self._lost |= {*self._family_of.values()}
        self.connections.clear()


def _process(issue: Issue) -> str:
    work = issue.sent.work if issue.sent else None
    return work.process if work else ""


class HeardTokens(TokenBook):
    """The org's book of tokens, read aloud as it is written."""

    def __init__(self, now: Callable[[], datetime], grants: Grants) -> None:
        super().__init__(now)
        self._grants = grants

    def store_refresh(self, token: RefreshToken) -> None:
        """Keep a refresh token."""
        super().store_refresh(token)
        self._grants.note_issued(token.family, token.value)

    def revoke(self, value: str) -> bool:
        """Revoke a token."""
        token = self._refresh.get(value)
        if token:
            self._grants.note_ended(token.family)
        return super().revoke(value)
