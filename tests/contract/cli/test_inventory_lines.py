"""What commands say of an inventory: how far it is, which apps there are, and how old all is."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from rich.console import Console

from keyturn.cli import inventory_lines as lines
from keyturn.cli import inventory_progress
from keyturn.cli.inventory_html import page
from keyturn.cli.inventory_progress import bars_on, draw, ended, told
from keyturn.domain.inventory import WHOLE, Stage
from keyturn.domain.inventory_totals import AgeBand
from keyturn.wire import inventory as wire

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
STATE = wire.InventoryState(
    connection_id="c-1",
    connection="okta",
    org="https://example.okta.com",
    through=None,
    stage="reading",
    begun_at=AT - DAY,
    apps=9500,
    unread=42,
    listed=10_000,
    others=12,
    wanted=9000,
    read=3000,
    refused=60,
    changed=0,
    calls=3050,
    per_minute=25,
    left_seconds=14_400,
    completed_at=None,
    known_until=None,
    uses_known_since=None,
    groups_read_at=None,
    groups_told="",
    due_at=AT,
    failure="",
    failing_since=None,
)
SECRET = wire.InventorySecret(
    id="ocs1",
    status="ACTIVE",
    created_at=AT - 400 * DAY,
    length=64,
    used_at=AT - DAY,
    known=True,
)
APP = wire.InventoryApp(
    connection="okta",
    app_id="0oa1",
    client_id="0oa1",
    label="=cmd()\x1b[2J<b>",
    status="ACTIVE",
    auth_method="client_secret_basic",
    application_type="web",
    grant_types=("authorization_code", "refresh_token"),
    groups=("Payments",),
    owner="payments",
    created_at=AT,
    listed_at=AT,
    read_at=AT,
    told="",
    public=False,
    uses_keys=False,
    managed=True,
    rotation=None,
    secrets=(SECRET, SECRET.model_copy(update={"status": "INACTIVE", "known": False})),
)
FOUND = wire.InventoryAppsAnswer(
    at=AT,
    apps=(APP, APP.model_copy(update={"secrets": (), "managed": False})),
    totals=wire.InventoryTotals(
        apps=2,
        managed=1,
        public=0,
        with_keys=0,
        unread=0,
        secrets=2,
        active=1,
        foreign=1,
        ages=dict.fromkeys(get_args(wire.AgeBand), 0) | {"365+": 1},
        oldest_at=AT - 400 * DAY,
    ),
    inventories=(STATE.model_copy(update={"failure": "The list is not whole."}),),
)


def state(**changes: Any) -> wire.InventoryState:  # noqa: ANN401  fields of a state
    """Return how an inventory stands."""
    return STATE.model_copy(update=changes)


def test_nothing_is_younger_than_new() -> None:
    """Where two clocks do not agree, an age is none rather than less than that."""
    before = AT - 900 * DAY
    assert lines.secrets_of(APP, before) == "2 (0 d, 0 d inactive foreign)"
    assert lines.secrets_of(APP, AT) == "2 (400 d, 400 d inactive foreign)"
    row = next(csv.DictReader(io.StringIO(lines.as_csv(FOUND.model_copy(update={"at": before})))))
    assert row["secret_age_days"] == "0"


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        ("listing", "listing: 10000 apps so far"),
        ("checking", "asking for apps that the list of 10000 lacks"),
        ("reading", "client secrets of 3000 of 9000 apps, 25 calls a minute, 4 hours left"),
        ("following", "7 apps have changed, 4 hours left"),
        ("fresh", "9500 apps known"),
    ],
)
def test_each_stage_says_how_far_it_is(stage: str, said: str) -> None:
    """What is counted is what there is to count, and how long it takes where that is known."""
    assert told(state(stage=stage, changed=7)) == said
    assert told(state(stage="following", changed=1, left_seconds=None)) == "1 app has changed"


def test_a_reading_ends_when_more_is_known_or_nothing_comes_of_it() -> None:
    """One that was fresh before is waited for until it has looked again."""
    fresh = state(stage="fresh", known_until=AT)
    assert not ended(fresh, fresh)
    assert ended(state(stage="fresh", known_until=AT + DAY), fresh)
    assert ended(fresh, None)
    assert not ended(state(), None)
    assert ended(state(failure="no"), None)
    assert not ended(state(stage="fresh", known_until=STATE.begun_at), None)


def test_a_bar_is_full_once_its_reading_has_ended() -> None:
    """Not by what was known before; in between it shows how many were asked for."""
    fresh = state(stage="fresh", known_until=AT)
    bars = bars_on(Console(quiet=True))
    bars.add_task("", total=None, name="")
    [task] = bars.tasks
    seen = []
    for each in (
        fresh,
        state(),
        state(read=8940),
        state(stage="following"),
        state(stage="fresh", known_until=AT + DAY),
    ):
        draw(bars, task, each, fresh)
        seen.append((task.completed, task.total, task.finished))
    assert seen == [
        (0, None, False),
        (3060, 9000, False),
        (9000, 9000, True),
        (0, None, False),
        (1, 1, True),
    ]


async def test_no_other_org_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor told of: one that is read meanwhile takes its own time."""
    monkeypatch.setattr(inventory_progress, "LOOK_EVERY_S", 0)
    done, other = state(stage="fresh", known_until=AT), state(connection_id="c-2")

    class Api:
        """A server that has read one of two orgs."""

        async def list_inventories(self) -> wire.InventoriesAnswer:
            """Tell how both stand."""
            return wire.InventoriesAnswer(inventories=(done, other))

    api: Any = Api()
    assert await inventory_progress.follow(api, [state()], {}, shown=False) == [done]


def test_lines_tell_totals_ages_and_apps() -> None:
    """No character of a label moves the cursor, and what may be out of date says so."""
    said = "\n".join(lines.lines(FOUND, limit=1))
    assert "2 apps: 1 kept by a rotation, 0 public, 0 with keys" in said
    assert "the oldest 400 days, 1 that no rotation knows" in said
    assert "365+  ████" in said
    assert "2 (400 d, 400 d inactive foreign)" in said
    assert "1 of 2" in said
    assert "may be out of date: The list is not whole." in said
    assert "\x1b" not in said


def test_csv_has_a_line_for_each_secret_and_no_formula() -> None:
    """A spreadsheet computes nothing that somebody has written in a label."""
    rows = list(csv.DictReader(io.StringIO(lines.as_csv(FOUND))))
    assert [row["secret_id"] for row in rows] == ["ocs1", "ocs1", ""]
    assert {row["label"][0] for row in rows} == {"'"}
    assert rows[0]["secret_age_days"] == "400"
    assert rows[2]["managed"] == "no"


def test_a_page_stands_alone_and_reads_no_text_as_markup() -> None:
    """It has the picture and the rows in it, and fetches nothing."""
    html = page(FOUND)
    assert "<b>" not in html
    assert "&lt;b&gt;" in html
    assert "<script" not in html
    assert "<link" not in html
    assert "1 secret: &gt; 365 days, over a year" in html


def test_states_tell_why_one_fails() -> None:
    """Who has to act reads it below the table."""
    said = "\n".join(lines.states([state(failure="Do this.", failing_since=AT), state()]))
    assert "okta fails since 2026-03-01 12:00:00 UTC: Do this." in said
    assert "never asked for" in "\n".join(lines.states([state(stage=None)]))
    assert "listing, 10000 so far  9500  42" in "\n".join(lines.states([state(stage="listing")]))
    assert "reading, 3000 of 9000  9500  42" in "\n".join(lines.states([state()]))
    assert "read by older" in "\n".join(lines.states([state(stage=None, through="older")]))


def test_a_full_reading_that_goes_on_is_told() -> None:
    """Whoever asks for one is not left to think that it has begun anew."""
    before = {STATE.connection_id: state()}
    assert [*lines.under_way([state()], before)] == [
        "okta: a full reading is under way, and goes on where it is."
    ]
    assert not [*lines.under_way([state(begun_at=AT)], before)]
    assert not [
        *lines.under_way([state(stage="fresh")], {STATE.connection_id: state(stage="fresh")})
    ]
    assert not [*lines.under_way([state()], {})]
    assert {*lines.WHOLE} == {*WHOLE}


def test_the_wire_knows_the_words_of_the_domain() -> None:
    """A stage or a band of ages that is new has a word."""
    assert {*get_args(wire.Stage)} == {*Stage}
    assert {*get_args(wire.AgeBand)} == {*AgeBand}
