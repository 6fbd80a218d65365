"""Who is signed in: one-time session tokens, and the sessions of browsers.

Knows neither passwords nor pages; a session ends when it is closed or two hours old.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from keyturn.sandbox.state.chance import Mint

SESSION_LIFETIME = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Session:
    """One browser's session: whose it is, and since when."""

    user_id: str
    opened_at: datetime

    def over(self, now: datetime) -> bool:
        """Tell whether the session is too old."""
        return now >= self.opened_at + SESSION_LIFETIME


class Sessions:
    """Keeps session tokens until they are used, and browser sessions until they are over."""

    def __init__(self, mint: Mint) -> None:
        self._mint = mint
        self._tokens: dict[str, str] = {}
        self._open: dict[str, Session] = {}

    def issue(self, user_id: str) -> str:
        """Return a new session token of a person who has proved who they are."""
        token = "20111" + self._mint.issue_token(30)
        self._tokens[token] = user_id
        return token

    def use(self, token: str) -> str | None:
        """Return the id of the person whose session token this is; it works once."""
        return self._tokens.pop(token, None)

    def open(self, user_id: str, now: datetime) -> str:
        """Begin a browser session and return the value of its cookie."""
        sid = "102" + self._mint.issue_token(20)
        self._open[sid] = Session(user_id, now)
        return sid

    def find(self, sid: str, now: datetime) -> Session | None:
        """Return a browser's session that is still open, or None."""
        session = self._open.get(sid)
        return None if session is None or session.over(now) else session

    def close(self, sid: str) -> None:
        """End a browser's session; nothing happens when there is none."""
        self._open.pop(sid, None)
