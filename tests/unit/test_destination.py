"""What a destination covers, how its state moves, and when it is tried again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from keyturn.domain.destination import (
    MOVES,
    RETRY_AFTER_MAX,
    SWEEP,
    TRIES_MAX,
    Act,
    Destination,
    State,
    blocked,
    claimable,
    claimed,
    confirmed,
    failed,
    flat,
    misnamed,
    paired,
    pause_after,
    paused,
    renewed,
    resumed,
    woken,
)
from keyturn.domain.destination_kinds import (
    KINDS,
    Kind,
    checked_credential,
    checked_settings,
    parse_kind,
)
from keyturn.domain.errors import DestinationAway, InvalidInput, OursError
from keyturn.domain.ids import DestinationId, FolderId
from keyturn.domain.sensitive import Sensitive

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LEASE = NOW + timedelta(seconds=60)
PLAIN = Destination(
    DestinationId("d"), FolderId("f"), "d", Kind.GITHUB, ("repository", "o/r"), NOW, NOW, due_at=NOW
)
HELD = claimed(PLAIN, LEASE)
AWAY = DestinationAway("It is away.")
KEY = "whsec_" + "A" * 32


def test_every_state_knows_every_act_but_those_that_make_no_sense() -> None:
    """A paused destination is only woken, paused or resumed; no other one is resumed."""
    assert set(MOVES) == set(State)
    assert set(MOVES[State.PAUSED]) == {Act.WAKE, Act.PAUSE, Act.RESUME}
    assert all(set(MOVES[s]) == set(Act) - {Act.RESUME} for s in set(State) - {State.PAUSED})


def test_a_claim_holds_others_off_until_its_lease_ends() -> None:
    """Every claim has its own epoch, and comes due again by itself."""
    held = claimed(PLAIN, LEASE)
    assert held == replace(PLAIN, epoch=1, due_at=LEASE, leased_until=LEASE)
    assert claimed(held, LEASE).epoch == 2
    assert not claimable(held, NOW)
    assert claimable(held, LEASE)
    assert not claimable(paused(PLAIN), NOW)


def test_what_is_confirmed_is_looked_at_again_in_a_while() -> None:
    """With nothing due it rests until the next sweep, and its failures are forgotten."""
    after = confirmed(replace(HELD, attempts=3, told="x"), NOW)
    assert (after.state, after.due_at) == (State.CONFIRMED, NOW + SWEEP)
    assert (after.leased_until, after.attempts, after.told) == (None, 0, "")


def test_who_is_woken_while_held_is_looked_at_again_at_once() -> None:
    """A change that comes while a worker has it in hand is not lost with that worker's result."""
    meanwhile = woken(HELD, NOW)
    assert meanwhile.leased_until == LEASE
    assert renewed(meanwhile, LEASE + timedelta(seconds=9)).due_at == NOW
    after = confirmed(meanwhile, NOW)
    assert (after.state, after.due_at, after.leased_until) == (State.WAITING, NOW, None)
    assert blocked(meanwhile, "no").due_at == NOW


def test_a_renewed_hold_comes_due_at_its_new_end() -> None:
    """The lease and the moment at which others take over move together."""
    later = LEASE + timedelta(seconds=9)
    after = renewed(HELD, later)
    assert (after.due_at, after.leased_until) == (later, later)


def test_failures_are_tried_again_ever_more_slowly_and_not_for_ever() -> None:
    """Each try waits longer, up to a quarter of an hour; after days somebody has to look."""
    after = failed(replace(HELD, attempts=1), AWAY, NOW)
    assert (after.state, after.due_at) == (State.WAITING, NOW + timedelta(seconds=5))
    assert (after.attempts, after.told, after.leased_until) == (2, "It is away.", None)
    last = failed(replace(HELD, attempts=TRIES_MAX - 1), AWAY, NOW)
    assert (last.state, last.due_at) == (State.BLOCKED, None)
    assert (last.attempts, last.leased_until) == (TRIES_MAX, None)
    assert "keyturn destination deliver" in last.told
    asked = failed(HELD, DestinationAway("It is away.", retry_after_s=30.0), NOW)
    assert asked.due_at == NOW + timedelta(seconds=30)


@pytest.mark.parametrize(
    ("attempts", "asked", "waits_s"),
    [(1, None, 2), (6, None, 900), (99, None, 900), (1, 30.0, 30), (6, 30.0, 900), (1, 1e9, 3600)],
)
def test_the_pause_is_the_longer_of_ours_and_theirs(
    attempts: int, asked: float | None, waits_s: int
) -> None:
    """What a destination asks for is heeded, up to an hour."""
    assert pause_after(attempts, asked) == timedelta(seconds=waits_s)
    assert timedelta(seconds=3600) == RETRY_AFTER_MAX


def test_a_refusal_stops_until_something_changes() -> None:
    """It is not tried again by itself; a change of what is served tries it once."""
    after = blocked(HELD, "no")
    assert (after.state, after.due_at, after.told) == (State.BLOCKED, None, "no")
    assert after.leased_until is None
    assert woken(after, NOW).due_at == NOW


def test_a_paused_one_sleeps_and_its_worker_is_fenced() -> None:
    """Nothing wakes it but resuming; the epoch moves so that a worker writes nothing down."""
    still = paused(replace(HELD, told="x", attempts=3))
    assert (still.due_at, still.epoch, still.told) == (None, HELD.epoch + 1, "")
    assert woken(still, NOW).due_at is None
    again = resumed(still, NOW)
    assert (again.state, again.due_at, again.attempts) == (State.WAITING, NOW, 0)
    assert resumed(PLAIN, LEASE) == PLAIN


def test_a_turn_waits_for_what_is_required_and_not_paused() -> None:
    """Nobody waits for a destination that is optional, or that somebody has paused."""
    assert PLAIN.holds
    assert not replace(PLAIN, required=False).holds
    assert not paused(PLAIN).holds


def test_an_impossible_move_is_a_defect() -> None:
    """What is paused is confirmed by nobody."""
    with pytest.raises(OursError, match="paused has no fail"):
        failed(paused(PLAIN), AWAY, NOW)


def test_names_there_are_mapped_or_prefixed() -> None:
    """A mapping goes before the prefix, and what is named alone is covered alone."""
    one = replace(PLAIN, prefix="APP_", mapping=("A", "B"), only=("A", "C"))
    assert [one.target(name) for name in "AC"] == ["B", "APP_C"]
    assert misnamed(one, ("A", "C")) == {}
    assert [one.covers(name) for name in "ABC"] == [True, False, True]
    assert PLAIN.covers("A")


def test_settings_are_kept_in_the_order_of_their_names() -> None:
    """What is stored of them does not depend on how they were given, and nothing gets lost."""
    assert flat({"b": "2", "a": "1"}) == ("a", "1", "b", "2")
    assert paired(("a", "1", "b", "2")) == {"a": "1", "b": "2"}
    with pytest.raises(ValueError, match="zip"):
        paired(("a", "1", "b"))


@pytest.mark.parametrize(("prefix", "names"), [("GITHUB_", ["A"]), ("", ["1A"]), ("", ["A-B"])])
def test_a_name_that_cannot_be_one_there_is_refused(prefix: str, names: list[str]) -> None:
    """GitHub's rules for names of secrets hold for every name that would be used."""
    told = misnamed(replace(PLAIN, prefix=prefix), names)
    assert told[names[0]].endswith(": give the destination a mapping or a prefix for it.")


def test_two_secrets_of_one_name_there_are_refused() -> None:
    """One would overwrite the other, for ever."""
    told = misnamed(replace(PLAIN, mapping=("A", "B")), ("A", "B", "C"))
    assert set(told) == {"A", "B"}
    assert "Two secrets would be called B" in told["A"]


def test_aws_brings_one_document_only_where_it_is_named() -> None:
    """Without the name of a secret there, each of ours is one of its own."""
    aws = replace(PLAIN, kind=Kind.AWS, settings=("region", "eu-central-1"))
    assert not aws.in_one
    assert replace(aws, settings=(*aws.settings, "secret", "app")).in_one
    assert not PLAIN.in_one
    assert replace(PLAIN, kind=Kind.FILE, settings=("path", "x")).in_one


@pytest.mark.parametrize(
    ("kind", "settings", "field"),
    [
        (Kind.AWS, {}, "settings.region"),
        (Kind.AWS, {"region": "evil.example.com"}, "settings.region"),
        (Kind.GITHUB, {"repository": "o/../r"}, "settings.repository"),
        (Kind.VAULT, {"url": "https://v", "path": "../sys"}, "settings.path"),
        (Kind.FILE, {"path": "/etc/passwd"}, "settings.path"),
        (Kind.VAULT, {"url": "https://v?x=", "path": "a"}, "settings.url"),
        (Kind.FILE, {"path": "a", "format": "yaml"}, "settings.format"),
        (Kind.WEBHOOK, {"url": "https://h", "extra": "x"}, "settings.extra"),
    ],
)
def test_a_setting_that_does_not_fit_is_named(
    kind: Kind, settings: dict[str, str], field: str
) -> None:
    """Settings are known by name, and each has its rule."""
    with pytest.raises(InvalidInput) as told:
        checked_settings(kind, settings)
    assert ".".join(told.value.problems[0].field) == field


@pytest.mark.parametrize(
    ("kind", "credential"),
    [
        (Kind.WEBHOOK, {"secret": "whsec_canary"}),
        (Kind.WEBHOOK, {"secret": "whsec_" + "A" * 12}),
        (Kind.GITHUB, {"token": "can ary"}),
        (Kind.GITHUB, {"token": "canaryé"}),
        (Kind.GITHUB, {}),
        (Kind.FILE, {"token": "canary"}),
    ],
)
def test_a_credential_that_does_not_fit_is_not_repeated(
    kind: Kind, credential: dict[str, str]
) -> None:
    """The error names the part, and shows nothing of it."""
    with pytest.raises(InvalidInput) as told:
        checked_credential(kind, {name: Sensitive(value) for name, value in credential.items()})
    assert "credential." in told.value.message
    assert "ary" not in told.value.message


def test_every_kind_has_its_rules() -> None:
    """A kind is known by name, and there is no kind without rules."""
    assert set(KINDS) == set(Kind)
    assert parse_kind("file") is Kind.FILE
    assert checked_credential(Kind.WEBHOOK, {"secret": Sensitive(KEY)})["secret"] == Sensitive(KEY)
    with pytest.raises(InvalidInput, match="must be one of"):
        parse_kind("ftp")
