"""When a list of apps is believed, how a reading goes on, and what its end is."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from keyturn.domain import inventory as rules
from keyturn.domain import inventory_doubts as doubts
from keyturn.domain.ids import AppId, ClientId, ConnectionId, CredentialId, SecretHash
from keyturn.domain.inventory import AppPage, Inventory, ListedApp, SecretUses, ShownApp, Stage
from keyturn.domain.okta import AuthMethod, Credential, Status
from keyturn.domain.sensitive import Sensitive

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ID = ConnectionId("c-1")
LISTING = Inventory(ID, Stage.LISTING, NOW)


def shown(number: int, method: str = "client_secret_basic") -> ShownApp:
    """Return an app as Okta shows it."""
    app_id = f"0oa{number}"
    return ShownApp(
        AppId(app_id), ClientId(app_id), "app", Status.ACTIVE, method, "web", (), NOW - HOUR
    )


@pytest.mark.parametrize(
    ("listed", "others", "own", "own_listed", "missing", "doubted"),
    [
        (10, 0, "", True, False, ""),
        (10, 3, "", True, True, ""),
        (1, 0, "0oaOwn", True, True, ""),
        (0, 5, "", True, False, ""),
        (0, 0, "", True, False, "is empty."),
        (0, 5, "", True, True, "is empty, and it has listed some before"),
        (0, 0, "", True, True, "is empty, and it has listed some before"),
        (10, 0, "0oaOwn", False, False, "lacks the service app 0oaOwn"),
        (0, 0, "0oaOwn", False, True, "lacks the service app 0oaOwn"),
    ],
)
def test_a_list_is_believed_that_shows_the_own_app_and_is_not_empty(
    listed: int, others: int, own: str, *, own_listed: bool, missing: bool, doubted: str
) -> None:
    """What is doubted says why, and who has to do what; nothing is gone by it."""
    seen = replace(LISTING, listed=listed, others=others)
    why = doubts.doubt(seen, own=own, own_listed=own_listed, missing=missing)
    assert bool(why) is bool(doubted)
    assert doubted in why
    assert not why or "Nothing was marked as gone. Whoever administers the org" in why


def test_pages_are_counted_until_the_last() -> None:
    """Public clients may have kept client secrets; apps with keys have none to read."""
    page = AppPage((shown(1), shown(2, "none"), shown(3, "private_key_jwt")), 4, "after=3")
    going = rules.with_page(LISTING, page)
    assert (going.stage, going.cursor) == (Stage.LISTING, "after=3")
    ended = rules.with_page(going, replace(page, after=""))
    assert (ended.stage, ended.cursor) == (Stage.CHECKING, "")
    assert (ended.listed, ended.others, ended.wanted) == (6, 8, 4)


def test_a_new_reading_keeps_what_the_last_one_came_to() -> None:
    """Only the counts begin anew; until it is believed, what was known is known."""
    last = replace(
        LISTING,
        stage=Stage.FRESH,
        listed=9,
        read=9,
        calls=30,
        pending=("0oa1",),
        completed_at=NOW,
        uses_since=NOW,
        per_minute=25,
    )
    anew = rules.begun(ID, NOW + HOUR, last)
    assert (anew.stage, anew.begun_at, anew.due_at) == (Stage.LISTING, NOW + HOUR, NOW + HOUR)
    assert (anew.listed, anew.read, anew.calls, anew.pending) == (0, 0, 0, ())
    assert (anew.completed_at, anew.uses_since, anew.per_minute) == (NOW, NOW, 25)


def test_changes_since_a_reading_began_are_still_to_be_followed() -> None:
    """It took hours; what it has read first is as old."""
    done = rules.complete(replace(LISTING, stage=Stage.READING), NOW + HOUR)
    assert (done.completed_at, done.log_read_at) == (NOW + HOUR, NOW)
    assert done.due_at == NOW + HOUR


@pytest.mark.parametrize(
    ("stage", "changes", "left_s"),
    [
        (Stage.LISTING, {}, None),
        (Stage.CHECKING, {"per_minute": 25}, None),
        (Stage.READING, {"wanted": 100, "read": 49}, None),
        (Stage.READING, {"wanted": 100, "read": 49, "per_minute": 25}, 123),
        (Stage.FOLLOWING, {"pending": ("a", "b"), "per_minute": 25}, 10),
        (Stage.FRESH, {}, 0),
    ],
)
def test_how_long_it_takes_is_told_by_the_rate(
    stage: Stage, changes: dict[str, Any], left_s: int | None
) -> None:
    """Where the rate or the number is not known, nothing is said."""
    assert rules.seconds_left(replace(LISTING, stage=stage, **changes)) == left_s


@pytest.mark.parametrize(
    ("ago", "trusted"), [(timedelta(), True), (timedelta(days=7), True), (timedelta(days=8), False)]
)
def test_a_log_is_trusted_for_a_week(ago: timedelta, *, trusted: bool) -> None:
    """After so long it may have forgotten something."""
    assert rules.trusted_log(replace(LISTING, log_read_at=NOW - ago), NOW) is trusted
    assert not rules.trusted_log(LISTING, NOW)


def test_uses_are_known_from_the_last_gap_on() -> None:
    """Whoever calls a secret unused has to know that no use can have been missed."""
    looked = replace(LISTING, log_read_at=NOW)
    first = rules.with_uses(looked, SecretUses({}, NOW - 7 * HOUR), NOW - 7 * HOUR)
    assert (first.uses_since, first.uses_until) == (NOW - 7 * HOUR, NOW)
    later = replace(first, log_read_at=NOW + HOUR)
    whole = rules.with_uses(later, SecretUses({}, NOW), NOW)
    assert (whole.uses_since, whole.uses_until) == (NOW - 7 * HOUR, NOW + HOUR)
    gap = rules.with_uses(later, SecretUses({}, NOW + HOUR / 2), NOW)
    assert gap.uses_since == NOW + HOUR / 2


def test_of_a_secret_its_value_is_not_noted() -> None:
    """How long it is, is."""
    app = rules.listed_app(ID, shown(1), NOW)
    credential = Credential(
        CredentialId("ocs1"), SecretHash("h"), Status.ACTIVE, NOW, Sensitive("x" * 64)
    )
    kept = rules.listed_secret(app, credential, None)
    assert kept.length == 64
    assert "xxx" not in repr(kept)
    assert rules.listed_secret(app, replace(credential, value=None), None).length is None


@pytest.mark.parametrize("method", [*AuthMethod, "tls_client_auth"])
def test_an_app_without_client_secrets_has_nothing_left_to_read(method: str) -> None:
    """Also one that authenticates in a way that nobody here knows."""
    app = rules.listed_app(ID, shown(1, method), NOW)
    assert (app.read_at is None) is (method in rules.WITH_SECRETS)


def test_texts_of_lost_sight_name_the_app() -> None:
    """Who reads them knows where to look."""
    assert "0oa9" in doubts.left_out("0oa9")
    assert "0oa9" in doubts.own_unseen("0oa9")
    assert "okta.logs.read" in doubts.log_closed("Okta refused.")
    assert "okta.apps.read" in doubts.list_closed("Okta refused.")


def test_kinds_of_clients_are_told_apart() -> None:
    """A public client has no secret to keep, and one with keys needs none."""
    public: ListedApp = rules.listed_app(ID, shown(1, "none"), NOW)
    keyed = rules.listed_app(ID, shown(1, "private_key_jwt"), NOW)
    assert (public.public, public.uses_keys) == (True, False)
    assert (keyed.public, keyed.uses_keys) == (False, True)
