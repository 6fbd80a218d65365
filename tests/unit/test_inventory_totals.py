"""What many apps come to."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from keyturn.domain.ids import AppId, ClientId, ConnectionId, CredentialId, SecretHash
from keyturn.domain.inventory import ListedApp, ListedSecret
from keyturn.domain.inventory_totals import AgeBand, Narrowing, band_of, totals_of
from keyturn.domain.okta import Status

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ID, APP = ConnectionId("c-1"), AppId("0oa1")


@dataclass(frozen=True)
class One:
    """An app to count."""

    app: ListedApp
    listed_secrets: tuple[ListedSecret, ...] = ()
    foreign: int = 0
    managed: bool = False


def app(method: str = "client_secret_basic", *, read: bool = True, told: str = "") -> ListedApp:
    """Return an app."""
    read_at = NOW if read else None
    client, status = ClientId("0oa1"), Status.ACTIVE
    return ListedApp(
        ID, APP, client, "app", status, method, "web", (), NOW, NOW, read_at=read_at, told=told
    )


def secret(days: int, status: Status = Status.ACTIVE) -> ListedSecret:
    """Return a client secret that was made so many days ago."""
    made_at = NOW - timedelta(days=days)
    return ListedSecret(ID, APP, CredentialId("ocs1"), SecretHash("h"), status, made_at)


@pytest.mark.parametrize(
    ("days", "band"),
    [
        (0, "0-30"),
        (29, "0-30"),
        (30, "30-90"),
        (90, "90-180"),
        (364, "180-365"),
        (365, "365+"),
        (9999, "365+"),
    ],
)
def test_ages_fall_into_bands(days: int, band: str) -> None:
    """Each band begins with its first day."""
    assert band_of(NOW - timedelta(days=days), NOW) == band


def test_everything_is_counted_once() -> None:
    """Ages are those of client secrets that Okta accepts."""
    totals = totals_of(
        [
            One(app(), (secret(400), secret(500, Status.INACTIVE)), foreign=1, managed=True),
            One(app("none"), (secret(1),)),
            One(app("private_key_jwt")),
            One(app(read=False)),
            One(app(told="403")),
        ],
        NOW,
    )
    assert (totals.apps, totals.managed, totals.public, totals.with_keys) == (5, 1, 1, 1)
    assert (totals.unread, totals.secrets, totals.active, totals.foreign) == (2, 3, 2, 1)
    assert totals.ages == dict.fromkeys(AgeBand, 0) | {AgeBand.MONTH: 1, AgeBand.OLDER: 1}
    assert totals.oldest_at == NOW - timedelta(days=400)


def test_nothing_comes_to_nothing() -> None:
    """Every band is there."""
    totals = totals_of([], NOW)
    assert (totals.apps, totals.oldest_at, {*totals.ages}) == (0, None, {*AgeBand})


@pytest.mark.parametrize(
    ("narrowing", "fits"),
    [
        (Narrowing(), True),
        (Narrowing(managed=True), True),
        (Narrowing(managed=False), False),
        (Narrowing(foreign=True), True),
        (Narrowing(age=AgeBand.MONTH), True),
        (Narrowing(age=AgeBand.OLDER), False),
        (Narrowing(status=Status.ACTIVE), True),
        (Narrowing(status=Status.INACTIVE), False),
        (Narrowing(managed=True, foreign=True, age=AgeBand.QUARTER), False),
    ],
)
def test_apps_are_narrowed_by_each_thing_that_is_asked(narrowing: Narrowing, *, fits: bool) -> None:
    """How old a client secret is counts where Okta accepts it."""
    secrets = (secret(5), secret(900, Status.INACTIVE))
    assert narrowing.fits(One(app(), secrets, foreign=1, managed=True), NOW) is fits
    assert not Narrowing(foreign=True).fits(One(app(), secrets), NOW)
