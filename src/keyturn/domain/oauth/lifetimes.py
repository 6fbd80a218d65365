"""How long tokens are used, and when they are refreshed.

Decides on seconds alone. A token is renewed a while before it ends; that while follows from how
long it lasts, or short-lived ones would be renewed on every use.
"""

from datetime import datetime, timedelta

SKEW_MAX_S = 60.0
SKEW_SHARE = 0.2
BACKOFF_S = (30, 60, 300, 900)
"""How long a server is left in peace after each failed refresh; the last is for all that follow."""
KEEP_ALIVE = timedelta(hours=24)
"""How often tokens are refreshed that nobody uses: many servers end refresh tokens left idle."""
COOL_DOWN = timedelta(seconds=30)
"""How young a token is used on though its resource refused it.

A resource that refuses a token just got will refuse the next one as well, and somebody's loop must
not become refreshes.
"""
RETRY_AFTER_MAX = timedelta(hours=1)
"""However long a server asks to be left alone."""


def skew(lifetime: timedelta) -> timedelta:
    """Return how long before its end a token counts as spent: a fifth of its life, or a minute."""
    return timedelta(seconds=min(SKEW_MAX_S, lifetime.total_seconds() * SKEW_SHARE))


def renew_at(issued_at: datetime, expires_at: datetime, luck: float) -> datetime:
    """Return when a token is renewed though nobody asked; ``luck`` from 0 to 1 spreads many out.

    It is before anybody's use would have to wait for it.
    """
    margin = skew(expires_at - issued_at)
    return expires_at - margin * (1 + luck)


def pause_after(attempts: int, retry_after_s: float | None = None) -> timedelta:
    """Return how long to leave a server alone after so many failures in a row, at least one."""
    own = timedelta(seconds=BACKOFF_S[min(attempts, len(BACKOFF_S)) - 1])
    if retry_after_s is None:
        return own
    return max(own, timedelta(seconds=min(RETRY_AFTER_MAX.total_seconds(), retry_after_s)))
