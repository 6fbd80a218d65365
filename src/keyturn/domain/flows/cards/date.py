"""Cards about dates: moments in ISO 8601 with their offset, as in `2026-11-21T09:30:00+01:00`.

Decides what a day, a month and a year are: by the clock on the wall of a zone, so that a day may
have 23 or 25 hours. What a day does not have or has twice, `domain.zones` decides.
"""

from calendar import monthrange
from collections.abc import Callable, Mapping
from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from keyturn.domain.errors import InvalidInput
from keyturn.domain.flows.cards.computing import Given, computes, made_number, number, text, whole
from keyturn.domain.flows.cards.date_format import (
    DAYS,
    TOKENS,
    epoch_s,
    from_epoch,
    moment_at,
    parse_date,
    render_date,
)
from keyturn.domain.flows.failures import CardFailure, Failure, wrong_input
from keyturn.domain.flows.spec import Input, Output, Pure
from keyturn.domain.flows.values import Kind
from keyturn.domain.zones import RULE, zone_of

LENGTH_MAX: Final = 64
LETTERS: Final = ", ".join(TOKENS)
FIXED: Final[Mapping[str, timedelta]] = {
    "seconds": timedelta(seconds=1),
    "minutes": timedelta(minutes=1),
    "hours": timedelta(hours=1),
    "days": timedelta(days=1),
    "weeks": timedelta(weeks=1),
}
MONTHS_IN: Final[Mapping[str, int]] = {"months": 1, "years": 12}
_ABSOLUTE: Final = frozenset({"seconds", "minutes", "hours"})
_DAYS_BACK: Final[Mapping[str, Callable[[datetime], int]]] = {
    "day": lambda at: 0,
    "week": lambda at: at.weekday(),
    "month": lambda at: at.day - 1,
    "year": lambda at: at.timetuple().tm_yday - 1,
}

_DATE: Final = Input("date", Kind.TEXT, "The date, in ISO 8601 with its offset.")
_AMOUNT: Final = Input("amount", Kind.NUMBER, "How many of the unit; below 0 the other way.")
_UNIT: Final = Input("unit", Kind.TEXT, "The unit.", options=(*FIXED, *MONTHS_IN))
_OWN_ZONE: Final = Input(
    "zone",
    Kind.TEXT,
    "The IANA name of the zone whose clock counts; without it the date's own offset.",
    required=False,
)
_IN_UTC: Final = Input(
    "zone",
    Kind.TEXT,
    "The IANA name of the zone that it is of where it says none, and is told in.",
    required=False,
    default="UTC",
)
_GIVES_DATE: Final = (Output("date", Kind.TEXT, "The date, in ISO 8601 with its offset."),)


def iso(at: datetime) -> str:
    """Return a date as cards give it: with its offset, and `Z` for UTC."""
    told = at.isoformat()
    return told.removesuffix("+00:00") + "Z" if told.endswith("+00:00") else told


def _read(told: str) -> datetime:
    """Read a date in ISO 8601, with an offset or without. Raises ValueError."""
    if len(told) > LENGTH_MAX:
        raise ValueError("too long for a date")
    return datetime.fromisoformat(told)


def _moment(given: Given, name: str = "date") -> datetime:
    try:
        at = _read(text(given, name))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise wrong_input(name, "must be in ISO 8601 with its offset: 2026-11-21T09:30:00+01:00")
    return at


def _zone(given: Given) -> ZoneInfo:
    try:
        return zone_of(text(given, "zone"))
    except InvalidInput:
        raise wrong_input("zone", RULE) from None


def _shown(given: Given) -> datetime:
    """Return the date by the clock of the zone that is given, or by its own."""
    at = _moment(given)
    return at if given.get("zone") is None else at.astimezone(_zone(given))


def _bounded(compute: Pure) -> Pure:
    """Compute with the dates that there are."""

    def run(given: Given) -> Given:
        try:
            return compute(given)
        except (ValueError, OverflowError):
            raise CardFailure(Failure.INPUT, "there is no such date from 0001 to 9999") from None

    return run


def _parse(given: Given) -> Given:
    told, zone = text(given, "text").strip(), _zone(given)
    if given.get("format") is not None:
        return {"date": iso(parse_date(told, text(given, "format"), zone))}
    try:
        at = _read(told)
    except ValueError:
        raise CardFailure(Failure.PARSE, "text must be a date in ISO 8601") from None
    return {"date": iso(at if at.tzinfo else moment_at(at, zone))}


def _format(given: Given) -> Given:
    return {"text": render_date(_shown(given), text(given, "format"))}


def _add(given: Given) -> Given:
    return {"date": iso(_later(given, 1))}


def _subtract(given: Given) -> Given:
    return {"date": iso(_later(given, -1))}


def _later(given: Given, sign: int) -> datetime:
    at, unit = _shown(given), text(given, "unit")
    zone = at.tzinfo or UTC
    if unit in _ABSOLUTE:
        return (at.astimezone(UTC) + sign * number(given, "amount") * FIXED[unit]).astimezone(zone)
    count, wall = sign * whole(given, "amount"), at.replace(tzinfo=None, fold=0)
    if unit in FIXED:
        return moment_at(wall + count * FIXED[unit], zone)
    return moment_at(_months_later(wall, count * MONTHS_IN[unit]), zone)


def _months_later(wall: datetime, count: int) -> datetime:
    """Return the same day of another month, or its last one."""
    year, month = divmod(wall.year * 12 + wall.month - 1 + count, 12)
    if not MINYEAR <= year <= MAXYEAR:
        raise OverflowError
    return wall.replace(
        year=year, month=month + 1, day=min(wall.day, monthrange(year, month + 1)[1])
    )


def _difference(given: Given) -> Given:
    between = _moment(given, "to") - _moment(given, "from")
    return {"number": made_number(between / FIXED[text(given, "unit")])}


def _to_zone(given: Given) -> Given:
    return {"date": iso(_shown(given))}


def _start_of(given: Given) -> Given:
    at, unit = _shown(given), text(given, "unit")
    if unit in _DAYS_BACK:
        wall = at.replace(tzinfo=None, fold=0, hour=0, minute=0, second=0, microsecond=0)
        day = wall - timedelta(days=_DAYS_BACK[unit](at))
        return {"date": iso(moment_at(day, at.tzinfo or UTC))}
    minutes = at.minute if unit == "hour" else 0
    passed = timedelta(minutes=minutes, seconds=at.second, microseconds=at.microsecond)
    return {"date": iso((at.astimezone(UTC) - passed).astimezone(at.tzinfo))}


def _parts(given: Given) -> Given:
    at = _shown(given)
    return {
        "year": at.year,
        "month": at.month,
        "day": at.day,
        "hour": at.hour,
        "minute": at.minute,
        "second": at.second,
        "weekday": DAYS[at.weekday()],
        "week": at.isocalendar().week,
        "day_of_year": at.timetuple().tm_yday,
    }


def _compare(given: Given) -> Given:
    date, other = _moment(given), _moment(given, "other")
    return {"before": date < other, "equal": date == other, "after": date > other}


def _from_epoch(given: Given) -> Given:
    seconds = number(given, "number") / (1000 if text(given, "unit") == "milliseconds" else 1)
    return {"date": iso(from_epoch(seconds).astimezone(_zone(given)))}


def _to_epoch(given: Given) -> Given:
    at = _moment(given)
    if text(given, "unit") == "milliseconds":
        return {"number": epoch_s(at) * 1000 + at.microsecond // 1000}
    return {"number": epoch_s(at)}


_EPOCH_UNIT: Final = Input(
    "unit",
    Kind.TEXT,
    "In what they are counted.",
    required=False,
    default="seconds",
    options=("seconds", "milliseconds"),
)

CARDS: Final = (
    computes(
        "date.parse",
        "Read a date from a text.",
        _bounded(_parse),
        Input("text", Kind.TEXT, "The text."),
        Input(
            "format",
            Kind.TEXT,
            "How it is written, by the letters of `date.format`; null is ISO 8601.",
            required=False,
        ),
        _IN_UTC,
        outputs=_GIVES_DATE,
        example=(
            {"text": "11/21/2026 9:30 pm", "format": "MM/DD/YYYY h:mm a", "zone": "Europe/Berlin"},
            {"date": "2026-11-21T21:30:00+01:00"},
        ),
        failures=(Failure.PARSE,),
    ),
    computes(
        "date.format",
        "Write a date as a text.",
        _bounded(_format),
        _DATE,
        Input("format", Kind.TEXT, f"How it is written: {LETTERS}, and [text] as it is."),
        _OWN_ZONE,
        outputs=(Output("text", Kind.TEXT, "The date."),),
        example=(
            {
                "date": "2026-11-21T20:30:00Z",
                "format": "dddd, D MMMM YYYY [at] HH:mm",
                "zone": "Europe/Berlin",
            },
            {"text": "Saturday, 21 November 2026 at 21:30"},
        ),
    ),
    computes(
        "date.add",
        "Return a later date: seconds to hours as they pass, days and more by the clock on the "
        "wall; a month that is too short gives its last day.",
        _bounded(_add),
        _DATE,
        _AMOUNT,
        _UNIT,
        _OWN_ZONE,
        outputs=_GIVES_DATE,
        example=(
            {
                "date": "2026-10-24T09:00:00+02:00",
                "amount": 1,
                "unit": "days",
                "zone": "Europe/Berlin",
            },
            {"date": "2026-10-25T09:00:00+01:00"},
        ),
    ),
    computes(
        "date.subtract",
        "Return an earlier date, as `date.add` returns a later one.",
        _bounded(_subtract),
        _DATE,
        _AMOUNT,
        _UNIT,
        _OWN_ZONE,
        outputs=_GIVES_DATE,
        example=(
            {"date": "2026-03-31T12:00:00Z", "amount": 1, "unit": "months"},
            {"date": "2026-02-28T12:00:00Z"},
        ),
    ),
    computes(
        "date.difference",
        "Return how much time lies between two dates; a day is 24 hours here.",
        _bounded(_difference),
        Input("from", Kind.TEXT, "The earlier date, in ISO 8601 with its offset."),
        Input("to", Kind.TEXT, "The later date; an earlier one gives a number below 0."),
        Input("unit", Kind.TEXT, "In what.", options=(*FIXED,)),
        outputs=(Output("number", Kind.NUMBER, "How many, with decimals where it is not whole."),),
        example=(
            {"from": "2026-11-21T09:00:00Z", "to": "2026-11-22T21:00:00Z", "unit": "days"},
            {"number": 1.5},
        ),
    ),
    computes(
        "date.to_zone",
        "Return the same moment by the clock of another zone.",
        _bounded(_to_zone),
        _DATE,
        Input("zone", Kind.TEXT, "The IANA name of the zone."),
        outputs=_GIVES_DATE,
        example=(
            {"date": "2026-11-21T09:30:00Z", "zone": "Asia/Kathmandu"},
            {"date": "2026-11-21T15:15:00+05:45"},
        ),
    ),
    computes(
        "date.start_of",
        "Return when the minute, hour, day, week, month or year of a date began; weeks begin on "
        "Monday.",
        _bounded(_start_of),
        _DATE,
        Input("unit", Kind.TEXT, "The unit.", options=("minute", "hour", *_DAYS_BACK)),
        _OWN_ZONE,
        outputs=_GIVES_DATE,
        example=(
            {"date": "2026-11-21T09:30:00+01:00", "unit": "week"},
            {"date": "2026-11-16T00:00:00+01:00"},
        ),
    ),
    computes(
        "date.parts",
        "Return the year, the month and so on of a date.",
        _bounded(_parts),
        _DATE,
        _OWN_ZONE,
        outputs=(
            Output("year", Kind.NUMBER, "The year."),
            Output("month", Kind.NUMBER, "The month, 1 to 12."),
            Output("day", Kind.NUMBER, "The day of the month, from 1."),
            Output("hour", Kind.NUMBER, "The hour, 0 to 23."),
            Output("minute", Kind.NUMBER, "The minute."),
            Output("second", Kind.NUMBER, "The second, whole."),
            Output("weekday", Kind.TEXT, "The day of the week, in English."),
            Output("week", Kind.NUMBER, "The week by ISO 8601, 1 to 53."),
            Output("day_of_year", Kind.NUMBER, "The day of the year, from 1."),
        ),
        example=(
            {"date": "2026-11-21T09:30:00+01:00"},
            {
                "year": 2026,
                "month": 11,
                "day": 21,
                "hour": 9,
                "minute": 30,
                "second": 0,
                "weekday": "Saturday",
                "week": 47,
                "day_of_year": 325,
            },
        ),
    ),
    computes(
        "date.compare",
        "Compare two dates as moments, whatever their offsets.",
        _bounded(_compare),
        _DATE,
        Input("other", Kind.TEXT, "The other date, in ISO 8601 with its offset."),
        outputs=(
            Output("before", Kind.BOOLEAN, "Whether the date is before the other."),
            Output("equal", Kind.BOOLEAN, "Whether they are the same moment."),
            Output("after", Kind.BOOLEAN, "Whether it is after the other."),
        ),
        example=(
            {"date": "2026-11-21T09:30:00Z", "other": "2026-11-21T10:30:00+01:00"},
            {"before": False, "equal": True, "after": False},
        ),
    ),
    computes(
        "date.from_epoch",
        "Return the date so long after the start of 1970 (Unix time).",
        _bounded(_from_epoch),
        Input("number", Kind.NUMBER, "How many seconds or milliseconds."),
        _EPOCH_UNIT,
        _IN_UTC,
        outputs=_GIVES_DATE,
        example=({"number": 1795253400}, {"date": "2026-11-21T09:30:00Z"}),
    ),
    computes(
        "date.to_epoch",
        "Return how long after the start of 1970 a date is (Unix time).",
        _bounded(_to_epoch),
        _DATE,
        _EPOCH_UNIT,
        outputs=(Output("number", Kind.NUMBER, "How many, whole ones that have passed."),),
        example=({"date": "2026-11-21T10:30:00+01:00"}, {"number": 1795253400}),
    ),
)
