"""Negative controls of words, records, ends and schedules: what is broken is named."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import broken_products as broken
import httpx2
import pytest
from judge_kit import commit, make_turn, recording, rewriting, told

from keyturn.cli.simulation import (
    invariants,
    invariants_of_ends,
    invariants_of_orders,
    invariants_of_record,
    invariants_of_schedule,
    watch,
)
from keyturn.cli.simulation.calls import Sent
from keyturn.cli.simulation.events import Commit, Disclosure, Effect, Login
from keyturn.cli.simulation.kept import Reader
from keyturn.cli.simulation.one_turn import Scene, try_turn
from keyturn.cli.simulation.processes import Work
from keyturn.cli.simulation.simulation import simulate
from keyturn.cli.simulation.stage import START, Sabotage, Stage
from keyturn.domain.ids import CredentialId, SecretHash
from keyturn.domain.rotation import Rotation
from keyturn.domain.schedule import Schedule
from keyturn.domain.secret import State
from keyturn.domain.turn import Blocked, Held, Overlap, Phase, Reason, Trigger, Turn, Word
from keyturn.sandbox.journal import Entry
from keyturn.services.duties import Doing
from keyturn.testing import run_virtually

SOON_S = 4000.0


def hasty(turn: Turn) -> Turn:
    """Say that somebody wants the turn to finish."""
    return replace(turn, word=Word.FINISH) if turn.phase is Phase.OVERLAPPING else turn


async def _tell_the_url(send: Any, request: httpx2.Request) -> httpx2.Response:  # noqa: ANN401
    if broken.adds(request):
        url = request.url.copy_with(query=b"by=" + request.content.split(b'"')[3])
        request = httpx2.Request("POST", url, headers=request.headers, content=request.content)
    return await send(request)


async def _keep_all(send: Any, request: httpx2.Request) -> httpx2.Response:  # noqa: ANN401
    if request.method == "DELETE" and "/credentials/" in request.url.path:
        return httpx2.Response(204)
    return await send(request)


CONTROLS: dict[str, tuple[Sabotage, set[str]]] = {
    "says what nobody has said": (
        rewriting(Turn, hasty),
        {"no_turn_heeds_what_nobody_has_said"},
    ),
    "tells values in URLs": (broken.bent_way(_tell_the_url), {"no_secret_in_clear"}),
    "records reads of something else": (
        recording(lambda told: replace(told, subject="something")),
        {"disclosure_is_on_record", "change_is_on_record"},
    ),
    **{
        f"records no {verb}": (
            recording(lambda told, verb=verb: None if told.verb.startswith(verb) else told),  # type: ignore[misc]
            {"change_is_on_record"},
        )
        for verb in ("add", "deactivate", "delete")
    },
    "deletes nothing": (broken.bent_way(_keep_all), {"what_is_finished_is_gone"}),
}


@pytest.mark.parametrize("name", CONTROLS)
def test_a_broken_guard_fails_its_invariant_and_no_other(name: str) -> None:
    """The judge names what is broken."""
    sabotage, expected = CONTROLS[name]
    assert try_turn({}, Scene(sabotage=sabotage, lasts_s=SOON_S)).broken == expected


APP, ANOTHER = "the app", "another"


@pytest.mark.parametrize(
    ("word", "what", "about", "found"),
    [
        (Word.AT_ONCE, "order emergency", APP, False),
        (Word.AT_ONCE, "order emergency", ANOTHER, True),
        (Word.AT_ONCE, Doing.STARTING, "", True),
        (Word.AT_ONCE, Doing.EMERGENCIES, "", True),
        (Word.AT_ONCE, "order turn", APP, True),
        (Word.FINISH, "order finish now", APP, False),
        (Word.FINISH, "order turn", APP, True),
        (Word.REINSTATE, "turn", "", True),
        (Word.REINSTATE, "order reinstate", APP, False),
        (Word.ABORT, "turn", "", True),
        (Word.GIVE_WAY, "order repair", APP, False),
    ],
)
def test_a_word_is_somebodys(word: Word, what: str, about: str, *, found: bool) -> None:
    """A turn is told something by an order of that name that is about its app, and by no other."""

    def act(stage: Stage) -> Any:  # noqa: ANN401
        turn = make_turn(stage)
        named = {APP: turn.app_id}.get(about, about)
        heard = commit(turn, replace(turn, word=word), what, named)
        return invariants_of_orders.no_turn_heeds_what_nobody_has_said(stage.ledger, heard)

    assert len(told(act)) == found


@pytest.mark.parametrize("who", [Doing.STARTING, "order turn", "order repair"])
@pytest.mark.parametrize("overlap", Overlap)
def test_the_next_turn_ends_what_waits_for_it_and_nothing_else(overlap: Overlap, who: str) -> None:
    """Whoever begins one says to a turn that it may finish only where that waits for it."""

    def act(stage: Stage) -> Any:  # noqa: ANN401
        kept, turn = stage.casts[0].kept, make_turn(stage)
        _, order = kept.orders[-1]
        kept.orders[:] = [(0.0, replace(order, policy=replace(order.policy, overlap=overlap)))]
        heard = commit(turn, replace(turn, word=Word.FINISH), who)
        return [*invariants_of_orders.no_turn_heeds_what_nobody_has_said(stage.ledger, heard)]

    assert len(told(act)) == (overlap is not Overlap.UNTIL_NEXT)


def test_an_emergency_excuses_only_what_it_retired() -> None:
    """Who is refused with what no emergency has ended is refused by a fault of ours."""

    def act(stage: Stage) -> Any:  # noqa: ANN401
        kept = stage.casts[0].kept
        kept.words["an emergency"] = Word.AT_ONCE
        login = Login("somebody", kept, 1, 1.0, accepted=False)
        found = [*invariants.login_within_the_floor_succeeds(stage.ledger, login)]
        (version,) = [each for each in kept.versions.values() if each.number == 1]
        kept.retired_by[version.hash or ""] = "an emergency"
        return [*found, *invariants.login_within_the_floor_succeeds(stage.ledger, login)]

    assert len(told(act)) == 1


@pytest.mark.parametrize(("value", "found"), [("", 1), ("another", 1), (None, 0)])
def test_a_client_id_that_is_not_the_apps_is_found(value: str | None, found: int) -> None:
    """Who is given a secret has to be given the name to log in with."""

    def act(stage: Stage) -> Any:  # noqa: ANN401
        app = stage.casts[0]
        read = app.client_id if value is None else value
        disclosure = Disclosure(Reader("somebody", "id"), app.kept, 1, read, ())
        return invariants_of_record.client_id_is_the_apps(stage.ledger, disclosure)

    assert len(told(act)) == found


@pytest.mark.parametrize(("change", "found"), [({"epoch": 1}, 1), ({"attempts": 1}, 0)])
def test_who_goes_on_with_a_paused_turn_is_found(change: dict[str, int], found: int) -> None:
    """Nobody claims it; what else is noted of it does no harm."""

    def act(stage: Stage) -> Any:  # noqa: ANN401
        turn = make_turn(stage, paused_at=stage.clock.now())
        heard = commit(turn, replace(turn, **change))  # type: ignore[arg-type]
        return invariants_of_orders.a_paused_turn_stands_still(stage.ledger, heard)

    assert len(told(act)) == found


@pytest.mark.parametrize(("later_s", "found"), [(-1.0, 0), (1.0, 1)])
def test_a_call_for_a_paused_turn_is_found(later_s: float, found: int) -> None:
    """What was on its way is let go; what was begun after the pause is not."""

    def act(stage: Stage) -> Any:  # noqa: ANN401
        turn, now_s = make_turn(stage, paused_at=stage.clock.now()), stage.ledger.now_s()
        stage.ledger.note_turn(turn)
        work = Work("turn", "worker1", 1, begun_s=now_s + later_s, turn_id=turn.id)
        sent = Sent("GET", "/api/v1/apps/a", work, now_s)
        return invariants_of_orders.a_paused_turn_asks_okta_nothing(stage.ledger, sent)

    assert len(told(act)) == found


@pytest.mark.parametrize(
    ("after", "found"), [({"word": None}, 1), ({"word": None, "reinstated": 1}, 0), ({}, 0)]
)
def test_an_order_to_reinstate_that_is_forgotten_is_found(
    after: dict[str, Any], found: int
) -> None:
    """It is heeded, or it stands."""

    def act(stage: Stage) -> Any:  # noqa: ANN401
        turn = make_turn(stage, phase=Phase.SOAKING, word=Word.REINSTATE)
        heard = commit(turn, replace(turn, **after))
        return invariants_of_orders.what_is_to_come_back_comes_back(stage.ledger, heard)

    assert len(told(act)) == found


@pytest.mark.parametrize(
    ("soaked_s", "word", "found"), [(599.0, None, 1), (600.0, None, 0), (1.0, Word.AT_ONCE, 0)]
)
def test_what_is_deleted_before_it_has_soaked_is_found(
    soaked_s: float, word: Word | None, found: int
) -> None:
    """It could have been reinstated until then, and somebody's word alone is sooner."""

    def act(stage: Stage) -> Any:  # noqa: ANN401
        kept, ledger = stage.casts[0].kept, stage.ledger
        (old,) = ledger.app(kept.app_id).live_secrets
        ledger.note_turn(make_turn(stage, word=word))
        kept.retired_s[old.hash], kept.retired_by[old.hash] = ledger.now_s() - soaked_s, "a"
        path = f"/api/v1/apps/{kept.app_id}/credentials/secrets/{old.id}"
        sent = Sent("DELETE", path, Work("turn", "worker1", 1, turn_id="a"), ledger.now_s())
        entry = Entry(stage.clock.now(), "DELETE", "", path, 204, "", None, None, "ok", None)
        effect = Effect(sent, entry)
        return invariants_of_orders.nothing_is_deleted_before_it_has_soaked(ledger, effect)

    assert len(told(act)) == found


def test_a_value_that_is_destroyed_while_it_works_is_found() -> None:
    """Nobody could ever serve it again."""

    def act(stage: Stage) -> Any:  # noqa: ANN401
        kept = stage.casts[0].kept
        assert kept.current
        gone = replace(kept.current, state=State.DESTROYED, sealed=None)
        kept.versions[gone.id] = gone
        heard = Commit(None, (gone,), (), None, {})
        return invariants_of_ends.nothing_is_destroyed_that_works(stage.ledger, heard)

    assert len(told(act)) == 1


@pytest.mark.parametrize(
    "reason", [Reason.NEW_SECRET_LOST, Reason.APP_INACTIVE, Reason.FOREIGN_SECRET]
)
@pytest.mark.parametrize("true", [True, False])
def test_a_turn_that_is_blocked_for_nothing_is_found(reason: Reason, *, true: bool) -> None:
    """What a turn says of Okta is held against the org's own record."""

    def act(stage: Stage) -> Any:  # noqa: ANN401
        app, ledger, org = stage.casts[0], stage.ledger, stage.org
        new = Held("another's" if true else app.kept.current.hash, None, 1)  # type: ignore[arg-type, union-attr]
        if true and reason is Reason.FOREIGN_SECRET:
            org.create_secret(app.app_id)
        if true and reason is Reason.APP_INACTIVE:
            org.deactivate_app(app.app_id)
        turn = make_turn(stage, new=new)
        stopped = replace(turn, phase=Phase.BLOCKED, blocked=Blocked(reason, "", turn.phase))
        app.kept.changed_s = -invariants.LOOK_S
        return invariants_of_ends.what_blocks_a_turn_is_so(ledger, commit(turn, stopped))

    assert len(told(act)) == (not true)


@pytest.mark.parametrize(("made_by", "found"), [("owner", 0), ("keyturn", 1)])
def test_what_its_owner_has_removed_an_old_list_may_show(made_by: str, found: int) -> None:
    """Nobody can tell that it is gone; what Keyturn has deleted itself it knows."""

    def act(stage: Stage) -> Any:  # noqa: ANN401
        app, org = stage.casts[0], stage.org
        gone = org.create_secret(app.app_id)
        org.deactivate_secret(app.app_id, gone.id)
        org.delete_secret(app.app_id, gone.id)
        if made_by == "keyturn":
            assert app.kept.current
            app.kept.versions["gone"] = replace(
                app.kept.current, hash=gone.hash, state=State.DESTROYED, sealed=None
            )
        turn = make_turn(stage, new=None)
        stopped = replace(
            turn, phase=Phase.BLOCKED, blocked=Blocked(Reason.FOREIGN_SECRET, "", turn.phase)
        )
        app.kept.changed_s = -invariants.LOOK_S
        return invariants_of_ends.what_blocks_a_turn_is_so(stage.ledger, commit(turn, stopped))

    assert len(told(act)) == found


@pytest.mark.parametrize(("okta_id", "found"), [("ocsbefore", 0), (None, 1)])
def test_old_value_that_came_back_blocks_a_turn_rightly(okta_id: str | None, found: int) -> None:
    """Under another id than the turn's it was added by a call that the turn does not know of."""

    def act(stage: Stage) -> Any:  # noqa: ANN401
        app = stage.casts[0]
        there = stage.ledger.app(app.app_id).live_secrets[0]
        old = Held(SecretHash(there.hash), CredentialId(okta_id or there.id), 1)
        turn = make_turn(stage, old=old, new=None)
        why = Blocked(Reason.FOREIGN_SECRET, "", turn.phase)
        app.kept.changed_s = -invariants.LOOK_S
        stopped = replace(turn, phase=Phase.BLOCKED, blocked=why)
        return invariants_of_ends.what_blocks_a_turn_is_so(stage.ledger, commit(turn, stopped))

    assert len(told(act)) == found


@pytest.mark.parametrize(("known", "found"), [(True, 1), (False, 0)])
def test_what_is_left_over_is_found(found: int, *, known: bool) -> None:
    """In the end nothing of ours is there that nobody is given; what is foreign may be."""

    def act(stage: Stage) -> Any:  # noqa: ANN401
        kept, ledger = stage.casts[0].kept, stage.ledger
        left = stage.org.create_secret(kept.app_id, by=ledger.principal)
        assert kept.current
        if known:
            kept.versions["another"] = replace(kept.current, hash=left.hash)  # type: ignore[arg-type]
        return invariants_of_ends.nothing_of_ours_is_left_over(ledger, kept)

    assert len(told(act)) == found


NIGHT = datetime(2026, 3, 29, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "due_at", "found"),
    [
        (time(4, 30), NIGHT + timedelta(hours=2, minutes=30), 0),
        (time(4, 30), NIGHT + timedelta(hours=3, minutes=30), 1),
        (time(2, 30), NIGHT + timedelta(hours=1), 0),
    ],
)
def test_a_daily_turn_that_is_due_by_winter_time_in_summer_is_found(
    at: time, due_at: datetime, found: int
) -> None:
    """Its time of day is that of its zone; what the clocks leave out comes right after."""

    def act(stage: Stage) -> Any:  # noqa: ANN401
        (rotation,) = stage.store.backup().list(Rotation)
        daily = Schedule(1, at, at=at, zone="Europe/Berlin")
        changed = replace(rotation, schedule=daily, due_at=due_at)
        heard = Commit(None, (changed,), (), None, {})
        return invariants_of_schedule.a_daily_turn_is_due_at_its_time_of_day(stage.ledger, heard)

    assert len(told(act)) == found


def unplanned(turn: Turn) -> Turn | None:
    """Leave out what the schedule begins."""
    return None if turn.trigger is Trigger.SCHEDULED else turn


def _idle(tx: Any) -> Any:  # noqa: ANN401
    async def list_due_rotations(now: Any, **more: Any) -> list[Rotation]:  # noqa: ANN401
        return []

    return broken.Bent(tx, list_due_rotations=list_due_rotations)


LAZY = {
    "starts nothing": (broken.bent_store(_idle, reads=True), "what_is_due_has_begun"),
    "begins nothing": (rewriting(Turn, unplanned, "add"), "what_comes_due_begins"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LAZY)
def test_a_product_that_forgets_its_schedule_is_found_out(name: str) -> None:
    """What is due is not started, or is put off with no turn to show for it."""
    sabotage, expected = LAZY[name]
    assert expected in {each.invariant for each in simulate(4, sabotage=sabotage).violations}


def test_a_turn_before_its_time_is_found() -> None:
    """The schedule does not run ahead of itself."""

    def act(stage: Stage) -> Any:  # noqa: ANN401
        heard = commit(None, make_turn(stage, trigger=Trigger.SCHEDULED))
        return invariants_of_schedule.nothing_starts_before_it_is_due(stage.ledger, heard)

    assert len(told(act)) == 1


def _break_down(world: Any) -> Any:  # noqa: ANN401
    raise LookupError("of the simulation's own")


def test_a_world_that_fails_of_itself_tells_its_seed() -> None:
    """Whichever of many it is, and in whatever process."""
    outcome = simulate(4, sabotage=Sabotage(world=_break_down))
    assert outcome.seed == 4
    assert "the_simulation_itself_works" in {each.invariant for each in outcome.violations}


def test_a_world_that_goes_round_in_circles_tells_its_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a violation, not a run that never ends."""
    monkeypatch.setattr(watch, "MOST_LOOKS", 50)
    outcome = simulate(4)
    assert (outcome.seed, [each.invariant for each in outcome.violations]) == (4, ["time_passes"])


def test_steps_without_end_at_one_moment_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever never waits for time to pass is stopped; whoever does may go on for ever."""

    async def go_on(seconds: float) -> None:
        for _ in range(1000):
            await asyncio.sleep(seconds)

    monkeypatch.setattr(watch, "MOST_LOOKS", 500)
    run_virtually(watch.WatchedClock(START), go_on(1.0))
    with pytest.raises(watch.StoodStill):
        run_virtually(watch.WatchedClock(START), go_on(0.0))
