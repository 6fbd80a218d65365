"""Cards about dates: clocks that change, months that are short, texts that are odd."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from card_kit import computed, refusal
from hypothesis import given
from hypothesis import strategies as st

from keyturn.domain.flows.cards.date_format import TOKENS
from keyturn.domain.flows.failures import CardFailure
from keyturn.domain.flows.values import Value

ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]
MOMENTS = st.datetimes(datetime(1900, 1, 2), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
BERLIN = "Europe/Berlin"
OUT_OF_RANGE = "invalid_input: there is no such date from 0001 to 9999"


@pytest.mark.parametrize(
    ("date", "amount", "unit", "zone", "comes_to"),
    [
        # The clocks go forward: 02:30 is not there, 24 hours are not a day.
        ("2026-03-28T02:30:00+01:00", 1, "days", BERLIN, "2026-03-29T03:00:00+02:00"),
        ("2026-03-28T12:00:00+01:00", 24, "hours", BERLIN, "2026-03-29T13:00:00+02:00"),
        ("2026-03-28T12:00:00+01:00", 1, "days", BERLIN, "2026-03-29T12:00:00+02:00"),
        # They go back: 02:30 is there twice, and the first is meant.
        ("2026-10-24T02:30:00+02:00", 1, "days", BERLIN, "2026-10-25T02:30:00+02:00"),
        ("2026-10-25T02:30:00+02:00", 60, "minutes", BERLIN, "2026-10-25T02:30:00+01:00"),
        ("2026-01-31T09:00:00Z", 1, "months", None, "2026-02-28T09:00:00Z"),
        ("2024-02-29T09:00:00Z", 1, "years", None, "2025-02-28T09:00:00Z"),
        ("2026-01-15T09:00:00Z", -13, "months", None, "2024-12-15T09:00:00Z"),
        ("2026-11-21T09:00:00-03:30", 2, "weeks", None, "2026-12-05T09:00:00-03:30"),
        ("2026-11-21T09:00:00Z", 0.5, "hours", None, "2026-11-21T09:30:00Z"),
    ],
)
def test_time_is_added(
    date: str, amount: float, unit: str, zone: str | None, comes_to: str
) -> None:
    """Hours pass; days, months and years are by the clock on the wall."""
    added = computed("date.add", date=date, amount=amount, unit=unit, zone=zone)
    assert added == {"date": comes_to}


@given(MOMENTS, st.integers(-5000, 5000), st.sampled_from(ZONES))
def test_days_later_the_clock_says_the_same(at: datetime, days: int, zone: str) -> None:
    """A number of days later it is the same time on the wall, or the first one after it."""
    before = at.astimezone(ZoneInfo(zone))
    added = computed("date.add", date=at.isoformat(), amount=days, unit="days", zone=zone)
    after = datetime.fromisoformat(str(added["date"]))
    late = after.replace(tzinfo=None) - before.replace(tzinfo=None) - timedelta(days=days)
    assert timedelta() <= late <= timedelta(hours=1)


@given(MOMENTS, st.sampled_from(ZONES), st.sampled_from(["hour", "day", "week", "month", "year"]))
def test_a_unit_began_before_and_not_long_ago(at: datetime, zone: str, unit: str) -> None:
    """What a date's unit began with is not after it, and has the same beginning itself."""
    began = computed("date.start_of", date=at.isoformat(), unit=unit, zone=zone)
    assert datetime.fromisoformat(str(began["date"])) <= at
    assert computed("date.start_of", **began, unit=unit, zone=zone) == began


@given(MOMENTS.map(lambda at: at.replace(microsecond=0)), st.sampled_from(ZONES))
def test_epoch_and_zones_keep_the_moment(at: datetime, zone: str) -> None:
    """A date in another zone, or made of its seconds, is the same moment."""
    moved = computed("date.to_zone", date=at.isoformat(), zone=zone)
    seconds = computed("date.to_epoch", **moved)
    assert computed("date.from_epoch", **seconds) == {"date": f"{at:%Y-%m-%dT%H:%M:%S}Z"}


@pytest.mark.parametrize(
    ("text", "form", "zone", "comes_to"),
    [
        ("2026-11-21", None, "UTC", "2026-11-21T00:00:00Z"),
        ("2026-11-21 09:30", None, BERLIN, "2026-11-21T09:30:00+01:00"),
        ("2026-11-21T09:30:00+05:45", None, BERLIN, "2026-11-21T09:30:00+05:45"),
        ("2026-03-29 02:30", "YYYY-MM-DD HH:mm", BERLIN, "2026-03-29T03:00:00+02:00"),
        (
            "Sat, 21 Nov 2026 09:30:00 GMT",
            "ddd, DD MMM YYYY HH:mm:ss [GMT]",
            None,
            "2026-11-21T09:30:00Z",
        ),
        ("12 AM 1.2.2026", "hh A D.M.YYYY", None, "2026-02-01T00:00:00Z"),
        (
            "2026-11-21T09:30:00.250Z",
            "YYYY-MM-DDTHH:mm:ss.SSSZ",
            None,
            "2026-11-21T09:30:00.250000Z",
        ),
        ("2026-11-21-0330", "YYYY-MM-DDZZ", None, "2026-11-21T00:00:00-03:30"),
    ],
)
def test_dates_are_read(text: str, form: str | None, zone: str | None, comes_to: str) -> None:
    """A date without an offset is of the zone that is given."""
    assert computed("date.parse", text=text, format=form, zone=zone) == {"date": comes_to}


@pytest.mark.parametrize(
    ("card", "given", "told"),
    [
        ("parse", {"text": "yesterday"}, "parse_error: text must be a date in ISO 8601"),
        ("parse", {"text": "1" * 5000}, "parse_error: text must be a date in ISO 8601"),
        ("parse", {"text": "x", "format": "YYYY"}, "parse_error: text must be a date in the form"),
        ("parse", {"text": "2026-02-30", "format": "YYYY-MM-DD"}, OUT_OF_RANGE),
        ("parse", {"text": "13 am", "format": "h a"}, OUT_OF_RANGE),
        ("parse", {"text": "1", "format": "X"}, "invalid_input: format: has a part that is only"),
        ("parse", {"text": "11", "format": "MMM"}, "parse_error"),
        ("parse", {"text": "1 1", "format": "D DD"}, "invalid_input: format: tells the day twice"),
        ("parse", {"text": "2026-01-01", "zone": "Mars/Olympus"}, "invalid_input: zone: must be"),
        ("parse", {"text": "2026-01-01", "zone": "../../etc"}, "invalid_input: zone: must be"),
        (
            "format",
            {"date": "2026-01-01", "format": "YYYY"},
            "invalid_input: date: must be in ISO 8601 with its",
        ),
        ("add", {"amount": 10**18, "unit": "years"}, OUT_OF_RANGE),
        ("add", {"amount": 10**18, "unit": "seconds"}, OUT_OF_RANGE),
        ("add", {"amount": 0.5, "unit": "days"}, "invalid_input: amount: must be a whole number"),
        ("from_epoch", {"number": 10**18}, OUT_OF_RANGE),
    ],
)
def test_dates_are_refused(card: str, given: dict[str, Value], told: str) -> None:
    """What is no date, no zone and no format is said to be none, and nothing is quoted."""
    given = {"date": "2026-11-21T09:30:00Z"} | given
    assert refusal(f"date.{card}", **given).startswith(told)


@pytest.mark.parametrize("form", ["YYY", "[open", "close]", "[[a]]", "ö Q", "D" * 101, "dd"])
def test_a_format_that_is_none_is_refused(form: str) -> None:
    """A letter that stands for nothing, and a bracket on its own, are mistakes."""
    told = refusal("date.format", date="2026-11-21T09:30:00Z", format=form)
    assert told.startswith("invalid_input: format: ")


READ = st.lists(st.sampled_from([name for name, each in TOKENS.items() if each.read]), max_size=9)


@given(READ.map("-".join), st.text("0123456789-:apmTZSatNov", max_size=40))
def test_any_format_reads_any_text_or_refuses_it(form: str, text: str) -> None:
    """Any letters and any text end in a date or in a failure, soon."""
    with suppress(CardFailure):
        assert computed("date.parse", text=text, format=form)["date"]


@given(MOMENTS.map(lambda at: at.replace(microsecond=0)), st.sampled_from(ZONES))
def test_what_is_written_is_read_again(at: datetime, zone: str) -> None:
    """A date that is written with its offset is read as the same moment."""
    form = "dddd D MMMM YYYY, h:mm:ss a ZZ"
    written = computed("date.format", date=at.isoformat(), format=form, zone=zone)
    read = computed("date.parse", **written, format=form)
    again = datetime.fromisoformat(str(read["date"]))
    assert abs(again - at) < timedelta(minutes=1)  # offsets before 1960 may have seconds


def test_parts_are_of_the_zone_that_is_asked_for() -> None:
    """It is Saturday in Auckland while it is Friday in UTC."""
    parts = computed("date.parts", date="2026-11-20T23:00:00Z", zone="Pacific/Auckland")
    assert (parts["weekday"], parts["day"], parts["hour"]) == ("Saturday", 21, 12)
