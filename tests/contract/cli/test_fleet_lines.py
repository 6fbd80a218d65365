"""What commands say of a fleet, and of the apps that could belong to it."""

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from keyturn.cli import fleet
from keyturn.cli.connection import budget_rows
from keyturn.cli.okta_apps import secrets_of
from keyturn.domain.attention import About, Kind, Severity
from keyturn.domain.fleet import Band
from keyturn.domain.outlook import State
from keyturn.wire import fleet as wire
from keyturn.wire.apps import App, AppSecret
from keyturn.wire.budgets import Budget
from keyturn.wire.schedules import State as WireState

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ORG = ["main", "https://org.example.com", "refused", "2026-03-01", "12:00:00", "UTC"]
CONCERN = wire.Concern(
    severity="urgent",
    kind="drifted",
    about="rotation",
    id="r-1",
    name="web",
    place="example/dev/",
    told="Somebody has removed it.\x1b[2J",
    since=AT,
    rotations=1,
)
ACCESS = wire.OktaAccess(
    id="c-1",
    name="main",
    instance_url="https://org.example.com",
    state="refused",
    told="Okta refuses it.\x1b[2J",
    at=AT,
)
SEEN = wire.FleetAnswer(
    at=AT,
    rotations=3,
    states=dict.fromkeys(get_args(WireState), 0) | {"scheduled": 2, "blocked": 1},
    bands=dict.fromkeys(get_args(wire.Band), 0) | {"0-25": 3},
    oldest_seconds=40 * 86_400,
    median_seconds=3600,
    due_next=(),
    attention=(CONCERN,),
    access=(ACCESS,),
    budgets=(),
)


def test_a_fleet_is_told_in_lines() -> None:
    """Counts without zeros, ages, and what needs somebody with its id; no text moves the cursor."""
    lines = [*fleet.lines_of(SEEN)]
    assert lines[:2] == [
        "3 rotations: scheduled 2, blocked 1",
        "ages in % of the interval: 0-25 3; oldest 40 d, median 1 h",
    ]
    told = "urgent  drifted  rotation web in example/dev/  since 2026-03-01 12:00:00 UTC  r-1"
    assert told in lines
    assert "    Somebody has removed it.\\x1b[2J" in lines
    (told,) = [line for line in lines if line.startswith("main ")]
    assert told.split() == [*ORG, "Okta", "refuses", "it.\\x1b[2J"]


def test_a_fleet_that_is_well_says_none() -> None:
    """Nothing that needs somebody is a line as well, and an app or org has no place."""
    empty = dict.fromkeys(get_args(wire.Band), 0)
    none = {"attention": (), "rotations": 0, "states": {}, "bands": empty}
    lines = [*fleet.lines_of(SEEN.model_copy(update=none))]
    assert lines[:3] == ["0 rotations", "", "needs somebody"]
    assert lines[3] == "none"
    bare = CONCERN.model_copy(update={"place": "", "since": None})
    lines = [*fleet.lines_of(SEEN.model_copy(update={"attention": (bare,)}))]
    assert "urgent  drifted  rotation web  r-1" in lines


def test_buckets_of_single_apps_are_one_line() -> None:
    """The one with least left is told; principals of the management API have a line each."""
    rates = [
        ("SSWS 0123456789", "api/v1/apps", 45),
        ("0oaKeyturn", "api/v1/apps", 44),
        *((f"0oa{n}", "oauth2/v1/introspect", 90 - n) for n in range(3)),
        ("0oaKeyturn", "oauth2/v1/token", 99),
    ]
    found = [
        Budget(
            org="https://org.example.com",
            principal=principal,
            bucket=bucket,
            limit=100,
            remaining=left,
            reserve=4,
            resets_at=AT,
        )
        for principal, bucket, left in rates
    ]
    lines = [line.split()[1:-4] for line in budget_rows(found)[1:]]
    assert [" ".join(words) for words in lines] == [
        "SSWS 01234567 api/v1/apps 45 of 100",
        "0oaKeyturn api/v1/apps 44 of 100",
        "3 apps, least oauth2/v1/introspect 88 of 100",
        "0oaKeyturn oauth2/v1/token 99 of 100",
    ]


def test_words_of_the_domain_are_those_of_the_wire_and_of_the_options() -> None:
    """A state that is added somewhere is added everywhere."""
    assert get_args(wire.Band) == tuple(Band) == fleet.BANDS
    assert get_args(WireState) == tuple(State) == fleet.STATES
    assert get_args(wire.Severity) == tuple(Severity)
    assert set(get_args(wire.Concerned)) == {*Kind}
    assert set(get_args(wire.Subject)) == {*About}


def app(*days: int, foreign: int = 0, **changes: object) -> App:
    """Return an app with client secrets that are so many days old."""
    secrets = [
        AppSecret(id="ocs", status="ACTIVE", created_at=AT - each * DAY, known=not foreign)
        for each in days
    ]
    plain = {"secrets": secrets, "foreign": foreign, "unread": False, "crowded": False}
    return App.model_construct(**plain | changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (app(3), "1 (3 d)"),
        (app(-1), "1 (0 d)"),  # two clocks that do not agree
        (app(), "0"),
        (
            app(3, 400, foreign=1, crowded=True),
            "2 (3 d, 400 d), 1 not of a rotation: no room to turn",
        ),
        (app(secrets=None), "none"),
        (app(secrets=None, unread=True), "not read"),
    ],
)
def test_secrets_of_an_app_are_told_in_a_cell(one: App, told: str) -> None:
    """How many, how old, and what is in the way."""
    assert secrets_of(one, AT) == told
