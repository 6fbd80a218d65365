"""Dates as texts of other forms than ISO 8601.

Decides what the letters of a format stand for; they are those that Okta's date cards take. What is
no letter stands for itself, and so does what is in brackets: `ddd, DD MMM YYYY HH:mm:ss [GMT]`.
Names are English.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from keyturn.domain.flows.failures import CardFailure, Failure, wrong_input
from keyturn.domain.zones import instant

FORMAT_MAX: Final = 100
DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def epoch_s(at: datetime) -> int:
    """Return whole seconds since 1970."""
    return (at - _EPOCH) // timedelta(seconds=1)


def from_epoch(seconds: float) -> datetime:
    """Return the moment so many seconds after 1970. Raises OverflowError."""
    return _EPOCH + timedelta(seconds=seconds)


def _offset(at: datetime, colon: str) -> str:
    minutes = round((at.utcoffset() or timedelta()) / timedelta(minutes=1))
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02}{colon}{abs(minutes) % 60:02}"


@dataclass(frozen=True)
class _Token:
    """What a run of letters stands for; ``read`` is what it takes in a text, none to refuse it."""

    render: Callable[[datetime], str]
    read: str = ""
    part: str = ""


def _one_of(names: tuple[str, ...], length: int | None = None) -> str:
    return "|".join(name[:length] for name in names)


TOKENS: Final[Mapping[str, _Token]] = {
    "YYYY": _Token(lambda at: f"{at.year:04}", "[0-9]{4}", "year"),
    "MMMM": _Token(lambda at: MONTHS[at.month - 1], _one_of(MONTHS), "month_name"),
    "MMM": _Token(lambda at: MONTHS[at.month - 1][:3], _one_of(MONTHS, 3), "month_name"),
    "MM": _Token(lambda at: f"{at.month:02}", "[0-9]{2}", "month"),
    "M": _Token(lambda at: f"{at.month}", "[0-9]{1,2}", "month"),
    "DD": _Token(lambda at: f"{at.day:02}", "[0-9]{2}", "day"),
    "D": _Token(lambda at: f"{at.day}", "[0-9]{1,2}", "day"),
    "dddd": _Token(lambda at: DAYS[at.weekday()], _one_of(DAYS), "day_name"),
    "ddd": _Token(lambda at: DAYS[at.weekday()][:3], _one_of(DAYS, 3), "day_name"),
    "HH": _Token(lambda at: f"{at.hour:02}", "[0-9]{2}", "hour"),
    "H": _Token(lambda at: f"{at.hour}", "[0-9]{1,2}", "hour"),
    "hh": _Token(lambda at: f"{at.hour % 12 or 12:02}", "[0-9]{2}", "hour12"),
    "h": _Token(lambda at: f"{at.hour % 12 or 12}", "[0-9]{1,2}", "hour12"),
    "A": _Token(lambda at: "AM" if at.hour < 12 else "PM", "AM|PM", "half"),
    "a": _Token(lambda at: "am" if at.hour < 12 else "pm", "am|pm", "half"),
    "mm": _Token(lambda at: f"{at.minute:02}", "[0-9]{2}", "minute"),
    "m": _Token(lambda at: f"{at.minute}", "[0-9]{1,2}", "minute"),
    "ss": _Token(lambda at: f"{at.second:02}", "[0-9]{2}", "second"),
    "s": _Token(lambda at: f"{at.second}", "[0-9]{1,2}", "second"),
    "SSS": _Token(lambda at: f"{at.microsecond // 1000:03}", "[0-9]{3}", "thousandth"),
    "Z": _Token(lambda at: _offset(at, ":"), "Z|[-+][0-9]{2}:[0-9]{2}", "offset"),
    "ZZ": _Token(lambda at: _offset(at, ""), "Z|[-+][0-9]{4}", "offset"),
    "X": _Token(lambda at: f"{epoch_s(at)}"),
    "T": _Token(lambda at: "T", "T"),
}
_PIECE: Final = re.compile(r"\[([^\[\]]*)\]|([A-Za-z])\2*|[^A-Za-z\[\]]")


def render_date(at: datetime, form: str) -> str:
    """Write a date in a format. Raises CardFailure for what is none."""
    pieces = _pieces(form)
    return "".join(piece if isinstance(piece, str) else piece.render(at) for piece in pieces)


def _pieces(form: str) -> Iterator[str | _Token]:
    """Give what a format consists of: texts as they are, and what letters stand for."""
    if len(form) > FORMAT_MAX:
        raise wrong_input("format", f"must be at most {FORMAT_MAX} characters")
    end = 0
    for found in _PIECE.finditer(form):
        if found.start() != end:
            break
        end = found.end()
        yield _meaning(found)
    if end != len(form):
        raise wrong_input("format", "has a bracket that is not closed, or not opened")


def _meaning(found: re.Match[str]) -> str | _Token:
    if found[1] is not None:
        return found[1]
    if found[2] is None:
        return found[0]
    if found[0] in TOKENS:
        return TOKENS[found[0]]
    told = f"{found[0][:8]} stands for nothing; there are {', '.join(TOKENS)}, and [text]"
    raise wrong_input("format", told)


# --- reading --------------------------------------------------------------------------------------


def parse_date(text: str, form: str, zone: tzinfo) -> datetime:
    """Read a date that is written in a format; one without an offset is of the zone.

    Raises CardFailure for what is no format, and for a text of another form; ValueError and
    OverflowError for a date that there is not.
    """
    seen: dict[str, str] = {}
    pattern = "".join(_taking(piece, seen) for piece in _pieces(form))
    found = re.fullmatch(pattern, text, re.ASCII)
    if found is None:
        raise CardFailure(Failure.PARSE, "text must be a date in the form that format tells")
    return _moment(found.groupdict(), zone)


def _taking(piece: str | _Token, seen: dict[str, str]) -> str:
    """Return the pattern of a piece; each part of a date stands there once."""
    if isinstance(piece, str):
        return re.escape(piece)
    if not piece.part:
        if not piece.read:
            raise wrong_input("format", "has a part that is only written, and not read")
        return piece.read
    if piece.part in seen:
        raise wrong_input("format", f"tells the {piece.part.replace('_', ' ')} twice")
    seen[piece.part] = piece.read
    return f"(?P<{piece.part}>{piece.read})"


def _moment(parts: Mapping[str, str], zone: tzinfo) -> datetime:
    wall = datetime(  # noqa: DTZ001  # what a clock on the wall says
        int(parts.get("year", "1970")),
        _month(parts),
        int(parts.get("day", "1")),
        _hour(parts),
        int(parts.get("minute", "0")),
        int(parts.get("second", "0")),
        int(parts.get("thousandth", "0")) * 1000,
    )
    offset = parts.get("offset")
    if offset:
        return wall.replace(tzinfo=_fixed(offset))
    return moment_at(wall, zone)


def moment_at(wall: datetime, zone: tzinfo) -> datetime:
    """Return when a clock on the wall of a zone says this, with the zone's offset then."""
    if isinstance(zone, ZoneInfo):
        return instant(wall, zone).astimezone(zone)
    return wall.replace(tzinfo=zone)


def _month(parts: Mapping[str, str]) -> int:
    if "month_name" in parts:
        return [name[:3] for name in MONTHS].index(parts["month_name"][:3]) + 1
    return int(parts.get("month", "1"))


def _hour(parts: Mapping[str, str]) -> int:
    if "hour12" not in parts:
        return int(parts.get("hour", "0"))
    hour, late = int(parts["hour12"]), parts.get("half", "").lower() == "pm"
    if not 1 <= hour <= 12:
        raise ValueError("an hour of half a day is from 1 to 12")
    return hour % 12 + (12 if late else 0)


def _fixed(offset: str) -> tzinfo:
    if offset == "Z":
        return UTC
    digits = offset[1:].replace(":", "")
    away = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-away if offset[0] == "-" else away)
