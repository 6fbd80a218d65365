"""What the clock on the wall says, zone by zone, and when that is.

Decides what becomes of a time of day that a day does not have, or has twice. The rules of the
zones are the IANA database's, which comes with the machine or with the package tzdata.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from keyturn.domain.errors import FieldProblem, InvalidInput

RULE = "must be a time zone of the IANA database, such as Europe/Berlin or UTC"


OF_THE_MACHINE = frozenset({"localtime", "posix", "posixrules", "right"})
"""What some machines have, each something else by these names: a database outlives its machine."""


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name. Raises InvalidInput."""
    problem = InvalidInput(FieldProblem(("schedule", "timeZone"), RULE))
    if name.partition("/")[0] in OF_THE_MACHINE:
        raise problem
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise problem from None


def wall_of(at: datetime, zone: ZoneInfo) -> datetime:
    """Return what the clock on the wall says at a moment, without a zone."""
    return at.astimezone(zone).replace(tzinfo=None, fold=0)


def instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return the moment at which the clock on the wall says this, in UTC.

    Where the day has that time twice it is the first; where it does not have it (the clocks went
    forward past it), it is the first moment that exists after it. PEP 495.
    """
    late = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if wall_of(late, zone) == wall:
        return late
    early = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return _jump(early, late, zone)


def instants(wall: datetime, zone: ZoneInfo) -> Sequence[datetime]:
    """Return the moments at which the clock on the wall says this, in UTC, the first one first.

    They are two where the clocks are put back over that time. PEP 495.
    """
    first = instant(wall, zone)
    again = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return (first, again) if again > first else (first,)


def _jump(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Find, to the second, the moment in between from which the later offset holds."""
    offset = after.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after
