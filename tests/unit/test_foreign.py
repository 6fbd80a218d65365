"""What takes the room at Okta: remainders of ours go, strangers are named and left alone."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from turn_kit import FOREIGN, LATER, NOW, OLD, POLICY, POSTED, decide, listed, turn

from keyturn.domain.errors import Refused
from keyturn.domain.foreign import (
    LIST_TRIES,
    OUTDATED,
    Consent,
    aged,
    blocked_by,
    came_back,
    heed,
    make_room,
)
from keyturn.domain.ids import CredentialId, SecretHash
from keyturn.domain.okta import Credential, CredentialKind, Status
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.sight import Maker, list_added
from keyturn.domain.steps import (
    LOG_LATE,
    UNCLAIMED,
    UNTOLD,
    Block,
    Do,
    Look,
    Seen,
    Sight,
    Wait,
    next_step,
)
from keyturn.domain.turn import SETTLED, Act, Phase, Reason, Turn

LEFT = Credential(CredentialId("ocsleft"), SecretHash("left"), Status.INACTIVE, NOW)
FULL = Seen(credentials=(listed(OLD), LEFT), superseded=frozenset({LEFT.hash}))
OKTAS = CredentialKind.API_SERVICE_SECRET
BACK = Credential(CredentialId("ocsback"), OLD.hash, Status.ACTIVE, NOW)


@pytest.mark.parametrize("of", [turn(Phase.PLANNED), turn(Phase.WRITTEN, posted=POSTED)])
def test_remainder_of_ours_is_cleared_away(of: Turn) -> None:
    """What an earlier turn left INACTIVE is deleted; what is not ours is left alone."""
    assert decide(of, FULL) == Do(Act.CLEAR, LEFT.id)
    assert isinstance(decide(of, replace(FULL, superseded=frozenset())), Block)


@pytest.mark.parametrize("of", [turn(Phase.PLANNED), turn(Phase.WRITTEN, posted=POSTED)])
def test_list_that_shows_what_was_deleted_is_read_again(of: Turn) -> None:
    """It may be old; a superseded one that stays ACTIVE blocks the turn and is left alone."""
    active = replace(FULL, credentials=(listed(OLD), replace(LEFT, status=Status.ACTIVE)))
    last = replace(of, doubts=LIST_TRIES - 1)
    told = [decide(of, active), decide(last, active)]
    assert told == [
        Wait(NOW + timedelta(seconds=after_s), OUTDATED, doubted=True) for after_s in (1, 60)
    ]
    blocked = decide(replace(of, doubts=LIST_TRIES), active)
    assert isinstance(blocked, Block)
    assert blocked.reason is Reason.FOREIGN_SECRET


def test_remainder_stays_while_there_is_room() -> None:
    """Nothing is deleted that is in nobody's way."""
    seen = replace(FULL, credentials=(LEFT,))
    assert decide(turn(Phase.PLANNED), seen) == Look(Sight.OLD_PROBE)


@pytest.mark.parametrize(
    ("days", "told"),
    [(-1, "today"), (0, "today"), (1, "1 day ago"), (2, "2 days ago"), (30, "30 days ago")],
)
def test_stranger_is_named_with_its_age(days: int, told: str) -> None:
    """Its owner knows it by its age better than by Okta's id."""
    now = NOW + timedelta(days=days)
    assert aged(FOREIGN, now) == f"ocsforeign (ACTIVE, made 2026-11-21, {told})"


def test_block_names_every_choice_with_its_command() -> None:
    """Serve it, remove it, retire it: each can be copied to a shell as it stands."""
    step = decide(turn(Phase.PLANNED), Seen(credentials=(listed(OLD), FOREIGN)))
    assert isinstance(step, Block)
    for command in (
        "`keyturn rotation adopt-existing r ocsforeign --value-stdin`",
        "`keyturn turn resume r`",
        "`keyturn rotation retire-existing r ocsforeign --made 2026-11-21`",
    ):
        assert command in step.detail


def test_old_value_under_another_id_blocks_the_retirement() -> None:
    """A leaked value that somebody added again is not called gone."""
    new = listed(replace(OLD, hash=SecretHash("new"), okta_id=CredentialId("ocsnew")))
    seen = Seen(credentials=(BACK, new), served=SecretHash("new"))
    step = decide(turn(Phase.OVERLAPPING), seen, LATER)
    assert isinstance(step, Block)
    assert step.reason is Reason.FOREIGN_SECRET
    assert "ocsback (ACTIVE, made 2026-11-21, 1 day ago): the old value come back" in step.detail
    off = replace(seen, credentials=(replace(BACK, status=Status.INACTIVE), new))
    assert isinstance(decide(turn(Phase.OVERLAPPING), off, LATER), Do)


@pytest.mark.parametrize(
    ("maker", "expected"),
    [
        (None, Look(Sight.MAKER)),
        (Maker.OURS, Do(Act.DISCARD, FOREIGN.id)),
        (Maker.UNTOLD, Wait(NOW + timedelta(seconds=1), UNTOLD, tried=True)),
    ],
)
def test_only_what_the_log_calls_ours_is_discarded(maker: Maker | None, expected: object) -> None:
    """The time at which a secret was made proves nothing: somebody else may have been as quick."""
    of = turn(Phase.WRITTEN, kind=OKTAS, new=None, posted=replace(POSTED, beside="ocsold"))
    step = decide(of, Seen(credentials=(listed(OLD), FOREIGN), maker=maker))
    assert step == expected


@pytest.mark.parametrize(("maker", "late"), [(Maker.OTHERS, False), (Maker.UNTOLD, True)])
def test_unproved_secret_blocks(maker: Maker, *, late: bool) -> None:
    """What others made, or the log does not tell of in time, waits for its owner's consent."""
    of = turn(Phase.WRITTEN, kind=OKTAS, new=None, posted=replace(POSTED, beside="ocsold"))
    seen = Seen(credentials=(listed(OLD), FOREIGN), maker=maker)
    step = next_step(of, seen, POLICY, NOW + LOG_LATE if late else NOW)
    assert isinstance(step, Block)
    assert step.reason is Reason.FOREIGN_SECRET


@pytest.mark.parametrize(
    ("maker", "beside", "why"),
    [
        (Maker.UNTOLD, (FOREIGN,), f"{UNCLAIMED} ocsforeign (ACTIVE, made 2026-11-21, today)."),
        (
            None,
            (FOREIGN, BACK),
            (
                f"{UNCLAIMED} ocsforeign (ACTIVE, made 2026-11-21, today), "
                "ocsback (ACTIVE, made 2026-11-21, today)."
            ),
        ),
        (Maker.OTHERS, (FOREIGN,), ""),
        (Maker.UNTOLD, (), ""),
    ],
)
def test_aborted_turn_ends_though_the_log_never_tells(
    maker: Maker | None, beside: tuple[Credential, ...], why: str
) -> None:
    """An abort leads out of every doubt, and what may be ours and is left is named."""
    of = turn(Phase.WRITTEN, kind=OKTAS, posted=replace(POSTED, beside="ocsold"), withdrawn_at=NOW)
    seen = Seen(credentials=(listed(OLD), *beside), maker=maker)
    assert decide(of, seen, NOW + LOG_LATE + SETTLED) == Do(Act.ROLL_BACK, why=why)


def test_what_readers_are_given_is_no_stranger_under_another_id() -> None:
    """Nobody is told to remove or retire it: before the new one is served, and after."""
    told = blocked_by(turn(Phase.PLANNED), (BACK, FOREIGN), NOW).detail
    assert told.startswith("Foreign: ocsforeign (")
    assert BACK.id not in told
    new = replace(BACK, id=CredentialId("ocselsewhere"), hash=SecretHash("new"))
    told = blocked_by(turn(Phase.OVERLAPPING), (BACK, new), NOW).detail
    assert told.startswith("Foreign: ocsback (")
    assert new.id not in told


@pytest.mark.parametrize("beside", [(listed(OLD), BACK), (BACK, listed(OLD))])
def test_second_one_of_what_readers_are_given_can_be_removed_alone(
    beside: tuple[Credential, ...],
) -> None:
    """Consent to serve or to retire it would be refused, so neither is offered."""
    told = blocked_by(turn(Phase.PLANNED), beside, NOW).detail
    assert told == (
        "Foreign: ocsback (ACTIVE, made 2026-11-21, today): the old value come back. "
        "Remove it at Okta, then: `keyturn turn resume r`."
    )


def test_what_comes_back_in_the_soak_may_work_on_or_go() -> None:
    """Its owner's consent is asked for once both overlap again."""
    new = listed(replace(OLD, hash=SecretHash("new"), okta_id=CredentialId("ocsnew")))
    of = turn(Phase.SOAKING)
    assert came_back(of, (BACK, new))
    assert not came_back(of, (replace(BACK, status=Status.INACTIVE), new))
    assert not came_back(of, (listed(OLD), new))
    assert not came_back(replace(of, old=None), (BACK, new))
    told = blocked_by(of, (BACK, new), LATER).detail
    assert "`keyturn turn reinstate r` lets it work on. Or remove it at Okta" in told
    assert "retire-existing" not in told


def test_consent_is_for_one_secret_of_one_day() -> None:
    """A day that differs shows that another secret was meant."""
    heed(Consent(FOREIGN.id, NOW.date()), FOREIGN)
    with pytest.raises(Refused) as refused:
        heed(Consent(FOREIGN.id, date(2026, 11, 20)), FOREIGN)
    assert refused.value.message == (
        "ocsforeign was made 2026-11-21, not 2026-11-20: nothing was changed. "
        "See which one you mean; its id and that day name it."
    )


def test_value_that_okta_shows_need_not_be_entered() -> None:
    """The command to adopt asks for the value only where nobody but the owner has it."""
    shown = replace(FOREIGN, value=Sensitive("shown"))
    step = decide(turn(Phase.PLANNED), Seen(credentials=(listed(OLD), shown)))
    assert isinstance(step, Block)
    assert "`keyturn rotation adopt-existing r ocsforeign` serves it." in step.detail


def test_nothing_is_cleared_away_unseen() -> None:
    """Without Okta's list there is no remainder of ours."""
    assert isinstance(make_room(turn(Phase.PLANNED), replace(FULL, credentials=None), NOW), Block)


def test_wait_for_the_log_is_told() -> None:
    """Whoever looks at the turn reads what it waits for."""
    of = turn(Phase.WRITTEN, kind=OKTAS, new=None, posted=replace(POSTED, beside="ocsold"))
    step = decide(of, Seen(credentials=(listed(OLD), FOREIGN), maker=Maker.UNTOLD))
    assert isinstance(step, Wait)
    assert step.why == UNTOLD


def test_old_one_is_never_taken_for_what_was_added() -> None:
    """It was there before, though an empty list of that moment did not show it."""
    of = turn(Phase.WRITTEN, kind=OKTAS, new=None, posted=POSTED)
    assert list_added(of, (listed(OLD), FOREIGN)) == [FOREIGN]
    assert list_added(replace(of, posted=None), (FOREIGN,)) == []
    assert list_added(replace(of, old=None), (listed(OLD),)) == [listed(OLD)]
    assert decide(of, Seen(credentials=(listed(OLD),)), LATER) == Do(Act.ISSUE)
    assert decide(of, Seen(credentials=(listed(OLD), FOREIGN)), LATER) == Look(Sight.MAKER)
