"""How the command line asks for schedules, and how it shows them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
from api_kit import House, open_house
from click.testing import CliRunner

from keyturn.cli.main import cli
from keyturn.cli.rotation import lines_of
from keyturn.cli.rotation_schedule import (
    ScheduleWords,
    preview_lines,
    schedule_fields,
    schedule_words,
)
from keyturn.wire.rotations import Rotation
from keyturn.wire.schedules import PlannedTurn, PreviewAnswer

DUE, START = datetime(2026, 7, 4, 0, 30, tzinfo=UTC), datetime(2026, 7, 4, 2, 0, tzinfo=UTC)
NOTHING: ScheduleWords = {
    "every": None,
    "cron": None,
    "at": None,
    "time_zone": None,
    "window": (),
    "blackout": (),
    "calendar": None,
    "stagger": None,
    "quarantine_after": None,
}


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """Set up an installation in memory."""
    async with open_house() as it:
        yield it


async def shown(house: House, **order: object) -> str:
    """Create a rotation and show it as `keyturn rotation show` does."""
    made = await house.rotate_by_order(**order)
    return "\n".join(lines_of(Rotation.model_validate(made)))


def answer(zone: str, *dates: PlannedTurn, why: str = "") -> PreviewAnswer:
    """Return a preview."""
    return PreviewAnswer(
        time_zone=zone, state="missed" if why else "scheduled", why=why, dates=dates
    )


def test_only_what_was_given_is_sent(tmp_path: Path) -> None:
    """Options that were left out change nothing; an empty text takes a setting away."""
    assert schedule_fields(NOTHING) == {}
    file = tmp_path / "a.ics"
    file.write_text("BEGIN:VCALENDAR")
    words = NOTHING | {"every": "", "window": ("",), "blackout": ("2026-12-24",), "calendar": file}
    assert schedule_fields(words) == {
        "every": "",
        "windows": [],
        "blackouts": ["2026-12-24"],
        "calendar": "BEGIN:VCALENDAR",
    }


def test_plan_says_when() -> None:
    """The three ways to say when are told in a plan."""
    at = datetime(1900, 1, 1, 2, 30)  # noqa: DTZ001  as click gives a time of day
    cron: ScheduleWords = {**NOTHING, "cron": "0 3 * * *", "time_zone": "Asia/Tokyo"}
    every: ScheduleWords = {**NOTHING, "every": "6mo", "at": "04:00"}
    told = [schedule_words(words, interval=7, rotate_at=at) for words in (NOTHING, cron, every)]
    assert told == [
        "Every 7 days at 02:30 UTC",
        "By cron 0 3 * * * (Asia/Tokyo)",
        "Every 6mo at 04:00 UTC",
    ]


def test_dates_are_shown_in_the_person_s_zone_beside_utc() -> None:
    """A start later than what is due says so; the zone that is asked for wins."""
    date = PlannedTurn(due_at=DUE, starts_at=START)
    header, row = preview_lines(answer("Europe/Berlin", date), None)
    assert header.split() == ["Europe/Berlin", "UTC"]
    told = "1  Sat 2026-07-04 04:00:00 CEST  2026-07-04 02:00:00  due Sat 2026-07-04 02:30"
    assert row.strip() == told
    assert "11:00:00 JST" in preview_lines(answer("Europe/Berlin", date), "Asia/Tokyo")[1]


def test_no_dates_say_why() -> None:
    """Without dates the reason is all there is; with them it comes first."""
    assert preview_lines(answer("UTC", why="It passed."), None) == ["missed: It passed."]
    assert "only when somebody asks" in preview_lines(answer("UTC"), None)[0]


def test_unknown_zone_is_refused() -> None:
    """A zone to show dates in that does not exist is a wrong use of the option."""
    date = PlannedTurn(due_at=DUE, starts_at=START)
    with pytest.raises(click.UsageError, match="no time zone Mars"):
        preview_lines(answer("UTC", date), "Mars")


async def test_schedule_is_shown_in_words(house: House) -> None:
    """Infisical's interval stays as it was shown; ours has a line for each thing set."""
    assert "schedule     every 30 days at 00:00 UTC\nstate        scheduled" in await shown(house)


async def test_everything_set_is_shown(house: House) -> None:
    """Windows, blackouts, stagger, and since when a turn that waits is due."""
    ours = {
        "every": "1mo",
        "at": "02:30",
        "timeZone": "Asia/Tokyo",
        "windows": ["Sa 02:00-04:00"],
        "blackouts": [f"2027-01-0{day}" for day in range(1, 6)],
        "staggerSeconds": 60,
    }
    told = await shown(house, schedule=ours)
    assert "every 1mo at 02:30 Asia/Tokyo" in told
    assert "windows      Sa 02:00-04:00 (Asia/Tokyo)" in told
    assert "blackouts    5: 2027-01-01, 2027-01-02, 2027-01-03, …" in told
    assert "stagger      over 60 s" in told
    assert "state        scheduled, due 2026-03-31 17:30:00 UTC" in told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["preview", "my-app", "--every", "1d"], "not both"),
        (["update", "my-app"], "at least one thing"),
        (["preview", "--stagger", "-1"], "--stagger: "),
        (["preview", "--interval", "0"], "--interval: "),
        (["preview", "my-app", "--interval", "0"], "not both"),
    ],
)
def test_wrong_use_is_told_before_anything_is_asked(words: list[str], told: str) -> None:
    """What does not fit together is refused here, with exit code 2."""
    result = CliRunner().invoke(cli, ["rotation", *words])
    assert result.exit_code == 2
    assert told in result.stderr
