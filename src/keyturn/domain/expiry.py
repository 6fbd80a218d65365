"""When people are warned that something ends by which somebody gets in.

Decides on times alone: two weeks before the end, and again two days before it. Knows nothing of
what ends, nor of who is told.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

LEADS = (timedelta(days=14), timedelta(days=2))
"""So long before an end people are warned; of what never lasts that long they are not."""
AHEAD = max(LEADS)


@dataclass(frozen=True)
class Life:
    """From when until when something works."""

    began_at: datetime
    ends_at: datetime


def warned_since(life: Life, now: datetime) -> datetime | None:
    """Return since when people should have been warned of an end, by the nearest warning.

    None where there is nothing to warn of yet, or any more: whoever told them since then has.
    """
    warnings = (life.ends_at - lead for lead in LEADS)
    come = [at for at in warnings if life.began_at < at <= now < life.ends_at]
    return max(come, default=None)
