"""Negative controls: a product with one guard broken makes exactly that guard's invariant fail."""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import broken_products as broken
import pytest

from keyturn.cli.simulation import invariants, invariants_of_record
from keyturn.cli.simulation.calls import Sent
from keyturn.cli.simulation.consumers import Habit
from keyturn.cli.simulation.events import Commit, Disclosure, Effect, Login
from keyturn.cli.simulation.kept import Reader
from keyturn.cli.simulation.kinds import PROPS
from keyturn.cli.simulation.one_turn import Scene, try_turn
from keyturn.cli.simulation.parts import Client
from keyturn.cli.simulation.processes import Work
from keyturn.cli.simulation.rim import Strike
from keyturn.cli.simulation.stage import Sabotage, Stage
from keyturn.domain.audit import Attempt, linked
from keyturn.domain.okta import CredentialKind
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Held, Phase, Trigger, Turn, Word
from keyturn.sandbox import Fault
from keyturn.sandbox.journal import Entry

SOON_S = 4000.0
MOMENTS_S = 240.0
"""Time for what is frozen to thaw, and a third of an overlap."""
TOKENS = "/oauth2/{asId}/v1/token"
DELETES = "/api/v1/apps/{appId}/credentials/secrets/{secretId}"


def slow(stage: Stage) -> None:
    """Let new secrets take four minutes to be known everywhere at Okta."""
    stage.org.change_settings(propagation_s=250.0)


def foreign(stage: Stage) -> None:
    """Let somebody add a client secret."""
    stage.org.create_secret(stage.casts[0].app_id)


def idle(stage: Stage) -> None:
    """Let somebody add a client secret that is not used."""
    stage.org.create_secret(stage.casts[0].app_id, status="INACTIVE")


def free(stage: Stage) -> None:
    """Let the org have the smallest rate limits."""
    stage.org.change_settings(profile="free")


def nothing(stage: Stage) -> None:
    """Leave the world as it is."""


CONTROLS: dict[str, tuple[Any, Callable[[Stage], None], set[str]]] = {
    "serves what Okta has not accepted": (
        broken.trusts_every_secret,
        slow,
        {"served_secret_is_accepted"},
    ),
    "sends another value than it stored": (
        broken.sends_another_value,
        nothing,
        {"made_by_us_is_known_to_us"},
    ),
    "removes foreign secrets, unrecorded": (
        broken.removes_foreign_secrets,
        foreign,
        {"foreign_is_left_alone", "change_is_on_record"},
    ),
    "retires before the gate": (
        broken.retires_early,
        nothing,
        {"nothing_is_retired_before_its_gate"},
    ),
    "keeps no record": (
        broken.keeps_no_record,
        nothing,
        {"change_is_on_record", "disclosure_is_on_record"},
    ),
    "writes values down": (broken.talks, nothing, {"no_secret_in_clear"}),
    "never comes back to a turn": (broken.never_wakes, nothing, {"every_turn_ends"}),
}


def refuse(stage: Stage) -> None:
    """Let no destination take anything."""
    stage.destinations.locked = True


@pytest.mark.parametrize(
    ("sabotage", "prepare"),
    [(broken.sees_no_destinations, refuse), (broken.brings_nothing, nothing)],
)
def test_a_product_that_waits_for_no_destination_is_found_out(
    sabotage: Sabotage, prepare: Callable[[Stage], None]
) -> None:
    """It retires what a destination still has, be it that it never asks or that it never goes."""
    broken_one = Scene(sabotage=sabotage, prepare=prepare, delivered=True, lasts_s=SOON_S)
    assert try_turn({}, broken_one).broken == {"nothing_is_retired_before_it_is_delivered"}


def test_a_destination_that_takes_nothing_holds_the_turn() -> None:
    """The old one is not touched, and the turn says that it waits."""
    held = try_turn({}, Scene(prepare=refuse, delivered=True, lasts_s=SOON_S))
    assert held.broken == {"every_turn_ends"}
    assert held.living == ["ACTIVE", "ACTIVE"]


USED = Client(leeway_s=0)
UNPROVED = {"nothing_is_retired_before_it_is_proved"}
FIRST: list[Sensitive] = []


def away(stage: Stage) -> None:
    """Let no connection get a token until the old client secret is retired."""
    stage.org.add_fault(Fault("error-before-effect", "POST", TOKENS, count=8, status=503))


def remember(stage: Stage) -> None:
    """Keep the client secret that is there before the turn."""
    FIRST[:] = [Sensitive(stage.ledger.app(stage.casts[0].app_id).live_secrets[0].value)]


NEGLECTS: dict[str, tuple[Sabotage, Callable[[Stage], None], set[str]]] = {
    "sees no clients": (broken.sees_no_clients, away, UNPROVED),
    "proves nothing": (broken.proves_nothing, away, UNPROVED),
    "goes on with the first": (
        broken.goes_on_with(FIRST),
        remember,
        {*UNPROVED, "no_connection_is_refused", "every_turn_ends"},
    ),
    "forgets what came": (
        broken.forgets_refresh_tokens,
        nothing,
        {"a_grant_lapses_only_when_it_is_over"},
    ),
    "gives up": (broken.gives_up_asking, nothing, {"every_grant_gives_a_token"}),
}


@pytest.mark.parametrize("name", NEGLECTS)
def test_a_product_that_neglects_its_connections_is_found_out(name: str) -> None:
    """It retires unproved, asks with what is gone, loses what came, or gives nothing."""
    sabotage, prepare, expected = NEGLECTS[name]
    scene = Scene(client=USED, sabotage=sabotage, prepare=prepare, lasts_s=SOON_S)
    assert try_turn({}, scene).broken == expected


def test_servers_that_are_away_break_nothing() -> None:
    """The product as it is has proved the new one by then, and gives a token later."""
    assert not try_turn({}, Scene(client=USED, prepare=away)).broken


@pytest.mark.parametrize("leeway_s", [None, 0, 30])
@pytest.mark.parametrize("mints", [True, False])
def test_connections_live_through_a_turn(*, mints: bool, leeway_s: int | None) -> None:
    """At either server, whether refresh tokens rotate or not, and each gives a token."""
    tried = try_turn({}, Scene(client=Client(2, mints, leeway_s)))
    assert (tried.violations, tried.living) == ([], ["ACTIVE"])
    assert tried.events["connections that give a token"] == 2 + mints
    assert tried.events["connections lapsed"] == 0


@pytest.mark.parametrize("name", CONTROLS)
def test_a_broken_guard_fails_its_invariant_and_no_other(name: str) -> None:
    """The judge names what is broken."""
    sabotage, prepare, expected = CONTROLS[name]
    tried = try_turn({}, Scene(sabotage=sabotage, prepare=prepare, lasts_s=SOON_S))
    assert tried.broken == expected


MORE: dict[str, tuple[Any, Callable[[Stage], None], str]] = {
    "destroys what it serves": (
        broken.destroys_what_is_served,
        nothing,
        "known_secret_stays_active",
    ),
    "adds one value twice": (broken.adds_twice, nothing, "made_by_us_is_known_to_us"),
    "calls on after a 429": (broken.hammers_okta, free, "full_bucket_is_left_alone"),
    "makes mistakes": (broken.makes_mistakes, nothing, "no_unforeseen_error"),
}


@pytest.mark.parametrize("name", MORE)
def test_a_product_that_breaks_more_is_found_out_too(name: str) -> None:
    """What cannot be broken alone is still named."""
    sabotage, prepare, expected = MORE[name]
    tried = try_turn({}, Scene(sabotage=sabotage, prepare=prepare, lasts_s=MOMENTS_S))
    assert expected in tried.broken


@pytest.mark.parametrize("change", ["add", "deactivate", "delete"])
def test_a_zombie_without_a_sense_of_time_is_found_out(change: str) -> None:
    """Frozen between intent and call, who does not ask the clock sends what is no longer its to."""
    timeless, sound = Scene(sabotage=broken.ignores_time, lasts_s=SOON_S), Scene(lasts_s=SOON_S)
    found = [
        try_turn({at: Strike.FREEZE}, timeless).broken
        for at in try_turn({}, timeless).before(change)
    ]
    assert {"who_may_have_lost_a_turn_sends_nothing"} in found
    assert not any(
        try_turn({at: Strike.FREEZE}, sound).broken for at in try_turn({}, sound).before(change)
    )


@pytest.mark.parametrize("left_s", [0, 90, 600])
def test_an_emergency_leaves_consumers_the_time_it_was_told_to(left_s: int) -> None:
    """It closes the app all the same, by whatever worker; who forgets their time is found out."""
    closing = Scene(left_s=left_s, habit=Habit.ONCE)
    tried = try_turn({}, closing)
    assert (tried.violations, tried.living) == ([], ["ACTIVE"])
    hasty = try_turn({}, replace(closing, sabotage=broken.leaves_nobody_time))
    assert hasty.broken == ({"nobody_is_cut_off_before_the_deadline"} if left_s else set())


REPAIRS = {
    "removes": (broken.repairs_what_is_foreign, "foreign_is_left_alone"),
    "activates": (broken.activates_whatever_it_finds, "only_what_is_needed_is_activated"),
}


@pytest.mark.parametrize("name", REPAIRS)
def test_a_repair_of_what_is_foreign_is_found_out(name: str) -> None:
    """Who compares with Okta and changes a foreign secret there, unasked, is named."""
    sabotage, expected = REPAIRS[name]
    tried = try_turn({}, Scene(sabotage=sabotage, prepare=idle, compared_s=120.0))
    assert tried.broken == {expected, "change_is_on_record"}
    assert not try_turn({}, Scene(prepare=idle, compared_s=120.0)).broken


HURRIED = Scene(kind=CredentialKind.API_SERVICE_SECRET, emergency=True)
"""A turn that makes many calls within a minute."""


def test_workers_that_share_no_window_are_found_out() -> None:
    """Calls that nobody has taken out of what all workers share are counted, and told."""
    assert try_turn({}, replace(HURRIED, sabotage=broken.shares_no_window)).broken == {
        "calls_stay_within_what_was_shared_out"
    }
    assert not try_turn({}, HURRIED).broken


def failing(stage: Stage) -> None:
    """Let a gateway spoil five answers to one call: none of them tells of the rate."""
    stage.org.add_fault(Fault("error-after-effect", "DELETE", DELETES, count=5, status=503))


def test_failures_that_tell_nothing_of_a_window_hide_nobody_who_shares_none() -> None:
    """Nobody could take those calls; whoever takes none of the others is found out all the same."""
    assert try_turn({}, Scene(prepare=failing)).violations == []
    selfish = replace(HURRIED, sabotage=broken.shares_no_window, prepare=failing)
    assert try_turn({}, selfish).broken == {"calls_stay_within_what_was_shared_out"}


KINDS = pytest.mark.parametrize("kind", PROPS)


@KINDS
def test_every_kind_turns_and_is_used(kind: CredentialKind) -> None:
    """Who reads the new one is accepted with it, and Okta holds nothing else."""
    tried = try_turn({}, Scene(kind=kind))
    assert tried.violations == []
    assert (set(tried.ends), tried.living) == ({"finished"}, ["ACTIVE"])
    used = "log-ins of ours" if kind.rules.of_connection else "logins"
    assert tried.events[used] > tried.events[f"{used} refused"] == 0


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("retires before the gate", "nothing_is_retired_before_its_gate"),
        ("keeps no record", "change_is_on_record"),
        ("writes values down", "no_secret_in_clear"),
    ],
)
@KINDS
def test_the_judge_sees_every_kind(kind: CredentialKind, name: str, expected: str) -> None:
    """A broken guard is found out whatever is turned."""
    scene = Scene(kind=kind, sabotage=CONTROLS[name][0], lasts_s=SOON_S)
    assert expected in try_turn({}, scene).broken


@KINDS
def test_what_is_served_and_ended_by_us_is_found(kind: CredentialKind) -> None:
    """The org's own record of each kind tells that readers are given what is not accepted."""
    seen: list[str] = []

    def prepare(stage: Stage) -> None:
        cast, ledger = stage.casts[0], stage.ledger
        served = ledger.app(cast.app_id).live_secrets[0]
        cast.props.add(stage.org, cast.app_id, Random(1))
        cast.props.deactivate(stage.org, cast.app_id, served.id)
        seen.extend(invariants.served_secret_is_accepted(ledger, cast.kept))

    try_turn({}, Scene(kind=kind, prepare=prepare, lasts_s=60.0))
    assert len(seen) == 1


@pytest.mark.parametrize("kind", [kind for kind in PROPS if not kind.rules.are_keys])
def test_what_we_added_and_forgot_is_found(kind: CredentialKind) -> None:
    """A secret of ours that no turn is looking for belongs in the store."""
    seen: list[str] = []

    def prepare(stage: Stage) -> None:
        cast, ledger = stage.casts[0], stage.ledger
        stage.org.create_secret(cast.app_id, by=ledger.principal)
        seen.extend(invariants.made_by_us_is_known_to_us(ledger, cast.kept))

    try_turn({}, Scene(kind=kind, prepare=prepare, lasts_s=60.0))
    assert len(seen) == 1


@pytest.mark.parametrize(("named", "retired", "found"), [(1, 1, 0), (1, 0, 1), (0, 1, 1)])
def test_what_we_added_and_forgot_may_go_by_its_owners_word(
    named: int, retired: int, found: int
) -> None:
    """A lost value of Okta's choice is accounted for by a turn that retires what its owner named.

    A word without a turn does not do, nor a turn without a word.
    """
    told = _told_of_lost(CredentialKind.API_SERVICE_SECRET, named=named, retired=retired)
    assert len(told) == found


def test_no_word_excuses_what_we_chose_and_forgot() -> None:
    """A value of our own is found by its hash, whoever wants it gone."""
    assert len(_told_of_lost(CredentialKind.CLIENT_SECRET, named=1, retired=1)) == 1


def _told_of_lost(kind: CredentialKind, *, named: int, retired: int) -> list[str]:
    seen: list[str] = []

    def prepare(stage: Stage) -> None:
        cast, ledger, now = stage.casts[0], stage.ledger, stage.clock.now()
        lost = stage.org.create_secret(cast.app_id, by=ledger.principal)
        ledger.consented |= {lost.id} if named else set()
        old = Held(lost.hash, lost.id if retired else "another", None)  # type: ignore[arg-type]
        ids = ("a", cast.kept.rotation_id, cast.app_id)
        ledger.note_turn(
            Turn(*ids, Trigger.CONSENT, Phase.OVERLAPPING, now, now, now, old)  # type: ignore[arg-type]
        )
        seen.extend(invariants.made_by_us_is_known_to_us(ledger, cast.kept))

    try_turn({}, Scene(kind=kind, prepare=prepare, lasts_s=60.0))
    return seen


def test_a_zombie_that_ignores_the_fence_is_found_out() -> None:
    """Who writes under an epoch that has passed is named."""
    found = set[str]()
    for at in try_turn({}).before("add"):
        scene = Scene(sabotage=broken.ignores_the_fence(), lasts_s=MOMENTS_S)
        found |= try_turn({at: Strike.FREEZE}, scene).broken
    assert "who_lost_a_turn_writes_nothing" in found


def test_two_open_turns_of_an_app_are_found() -> None:
    """The store refuses them; the judge does not rely on that."""
    seen: list[str] = []

    def prepare(stage: Stage) -> None:
        kept, now = stage.casts[0].kept, stage.clock.now()
        turn = Turn(
            "a", kept.rotation_id, kept.app_id, Trigger.MANUAL, Phase.PLANNED, now, now, now
        )  # type: ignore[arg-type]  # short ids
        for each in (turn, replace(turn, id="b")):  # type: ignore[arg-type]
            stage.ledger.note_turn(each)
        seen.extend(invariants.one_turn_at_a_time(stage.ledger, kept))

    try_turn({}, Scene(prepare=prepare, lasts_s=60.0))
    assert len(seen) == 1


@pytest.mark.parametrize(("version", "found"), [(1, 1), (2, 0), (3, 0)])
def test_a_step_back_of_a_reader_is_found(version: int, found: int) -> None:
    """Who was given version 2 is never given version 1."""
    seen: list[str] = []

    def prepare(stage: Stage) -> None:
        reader, kept = Reader("somebody", "id", version=2), stage.casts[0].kept
        disclosure = Disclosure(reader, kept, version, "", ())
        seen.extend(invariants.versions_ascend(stage.ledger, disclosure))

    try_turn({}, Scene(prepare=prepare, lasts_s=60.0))
    assert len(seen) == found


def test_a_broken_chain_is_found() -> None:
    """An audit entry that was changed does not follow from the one before it."""
    seen: list[str] = []

    def prepare(stage: Stage) -> None:
        entry = linked(Attempt(stage.clock.now(), "a", "b", "c", allowed=True), None)
        forged = replace(entry, attempt=replace(entry.attempt, actor="somebody else"))
        for each in (entry, forged):
            commit = Commit(None, (), (each,), None, {})
            seen.extend(invariants_of_record.audit_chain_holds(stage.ledger, commit))

    try_turn({}, Scene(prepare=prepare, lasts_s=60.0))
    assert len(seen) == 1


@pytest.mark.parametrize(("age_s", "found"), [(10.0, 1), (299.0, 1), (301.0, 0)])
def test_a_refusal_within_the_floor_is_found(age_s: float, found: int) -> None:
    """Who keeps a secret for less than the shortest overlap is never refused."""
    seen: list[str] = []

    def prepare(stage: Stage) -> None:
        login = Login("somebody", stage.casts[0].kept, 1, age_s, accepted=False)
        seen.extend(invariants.login_within_the_floor_succeeds(stage.ledger, login))

    try_turn({}, Scene(prepare=prepare, lasts_s=60.0))
    assert len(seen) == found


@pytest.mark.parametrize("served", [True, False])
def test_who_is_cut_off_before_the_deadline_held_what_was_ended(*, served: bool) -> None:
    """Nobody holds what Okta never accepted, so that a turn may take it back at any time."""
    seen: list[str] = []

    def prepare(stage: Stage) -> None:
        (cast,), ledger, now = stage.casts, stage.ledger, stage.clock.now()
        kept, (old,) = cast.kept, ledger.app(cast.app_id).live_secrets
        new = stage.org.create_secret(cast.app_id, by=ledger.principal)
        ended = old if served else new
        assert kept.current
        kept.current = replace(kept.current, number=2, hash="another's")
        ledger.readers[cast.app_id].append(Reader("somebody", "id", version=1))
        ledger.promise(kept, within_s=600.0)
        kept.retired_s[ended.hash] = ledger.now_s()
        ids = ("a", kept.rotation_id, cast.app_id)
        turn = Turn(*ids, Trigger.MANUAL, Phase.OVERLAPPING, now, now, now, word=Word.AT_ONCE)  # type: ignore[arg-type]
        ledger.note_turn(turn)
        path = f"/api/v1/apps/{cast.app_id}/credentials/secrets/{ended.id}/lifecycle/deactivate"
        sent = Sent("POST", path, Work("turn", "worker1", 1, turn_id="a"), ledger.now_s())
        entry = Entry(now, "POST", "", path, 200, ledger.principal, None, None, "ok", None)
        effect = Effect(sent, entry)
        seen.extend(invariants.nobody_is_cut_off_before_the_deadline(ledger, effect))

    try_turn({}, Scene(prepare=prepare, lasts_s=60.0))
    assert len(seen) == served
