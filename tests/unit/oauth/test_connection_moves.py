"""What becomes of a connection when it is claimed, renewed, authorized, refused or in doubt."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from keyturn.domain.ids import FolderId, OAuthConnectionId, RegistrationId
from keyturn.domain.oauth.answers import Fault, NoTokens
from keyturn.domain.oauth.claims import NOBODY, Subject
from keyturn.domain.oauth.connection import (
    MOVES,
    Act,
    Cause,
    Connection,
    GrantType,
    Intent,
    State,
    Tokens,
    authorized,
    cause_of,
    claimed,
    failed,
    given_anew,
    given_back,
    lapsed,
    renewed,
    resting,
    used,
)
from keyturn.domain.oauth.lights import Light
from keyturn.domain.oauth.provider import RequestType

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
BEFORE = NOW - timedelta(hours=2)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
LEASE = timedelta(seconds=30)
SPENT = b"hash of a refresh token"
TOLD = "It was refused."
OLD = Tokens(1, b"1", "Bearer", True, BEFORE, BEFORE + HOUR, version=1)  # noqa: FBT003  # its place
FRESH = Tokens(2, b"2", "Bearer", True, NOW, NOW + HOUR, version=1)  # noqa: FBT003  # its place
READY = Connection(
    OAuthConnectionId("c"),
    RegistrationId("r"),
    FolderId("f"),
    "c",
    GrantType.CODE,
    ("x", "y"),
    BEFORE,
    BEFORE,
    state=State.READY,
    tokens=OLD,
    granted=("x",),
    subject="somebody",
    authorized_at=BEFORE,
    used_at=NOW,
    renewed_at=BEFORE,
    sealed_key=b"key",
)
TAKEN = claimed(READY, SPENT, NOW, LEASE)
BAD = replace(
    TAKEN,
    state=State.TROUBLED,
    attempts=3,
    retry_at=NOW,
    cause=Cause.REFUSED,
    troubled_at=BEFORE,
    told=TOLD,
)
REFUSED = NoTokens(Fault.REQUEST, 400)
UNCLEAR = NoTokens(Fault.AWAY, 503, effect_possible=True)
ENDED = NoTokens(Fault.GRANT, 400, "invalid_grant")


@pytest.mark.parametrize("state", State)
def test_every_state_knows_every_act(state: State) -> None:
    """Only a failure leads to different states: it does not bring a lapsed grant back."""
    moves = MOVES[state]
    assert set(moves) == set(Act)
    assert moves[Act.AUTHORIZE] is moves[Act.RENEW] is State.READY
    assert moves[Act.LAPSE] is State.LAPSED
    assert moves[Act.FAIL] is (State.LAPSED if state is State.LAPSED else State.TROUBLED)


@pytest.mark.parametrize("state", State)
def test_what_happens_moves_the_state(state: State) -> None:
    """Each function is one act of the table."""
    here = replace(READY, state=state)
    assert authorized(here, FRESH, (), NOBODY, 0).state is MOVES[state][Act.AUTHORIZE]
    assert renewed(here, FRESH, (), 0).state is MOVES[state][Act.RENEW]
    assert failed(here, REFUSED, TOLD, NOW).state is MOVES[state][Act.FAIL]
    assert lapsed(here, Cause.REFUSED, TOLD, NOW).state is MOVES[state][Act.LAPSE]
    assert claimed(here, SPENT, NOW, LEASE).state is given_back(here, NOW).state is state


# --- the claim and its intent ---------------------------------------------------------------------


def test_a_claim_writes_down_what_is_about_to_be_sent() -> None:
    """It holds others off until its lease ends, comes due again then, and has its own epoch."""
    after = claimed(READY, SPENT, NOW, LEASE)
    assert after == replace(
        READY,
        intent=Intent(SPENT, NOW, doubted=False),
        leased_until=NOW + LEASE,
        due_at=NOW + LEASE,
        epoch=1,
    )
    assert claimed(TAKEN, SPENT, NOW, LEASE).epoch == 2


@pytest.mark.parametrize(
    ("found", "doubted"),
    [
        (None, False),
        (Intent(SPENT, BEFORE), True),
        (Intent(SPENT, BEFORE, doubted=True), True),
        (Intent(b"another", BEFORE), False),
        (Intent(b"another", BEFORE, doubted=True), True),
    ],
)
def test_an_intent_that_is_found_casts_doubt_on_its_refresh_token(
    found: Intent | None, *, doubted: bool
) -> None:
    """After a crash the same token is tried once more, and known to be in doubt."""
    after = claimed(replace(READY, intent=found), SPENT, NOW, LEASE)
    assert after.intent == Intent(SPENT, NOW, doubted)


@pytest.mark.parametrize(
    ("before", "why", "left"),
    [
        (Intent(SPENT, NOW), UNCLEAR, Intent(SPENT, NOW)),
        (Intent(SPENT, NOW, doubted=True), UNCLEAR, Intent(SPENT, NOW, doubted=True)),
        (Intent(SPENT, NOW), REFUSED, None),
        (Intent(SPENT, NOW, doubted=True), REFUSED, Intent(SPENT, NOW, doubted=True)),
        (None, UNCLEAR, None),
        (None, REFUSED, None),
    ],
)
def test_an_intent_is_left_only_where_there_may_have_been_an_effect(
    before: Intent | None, why: NoTokens, left: Intent | None
) -> None:
    """A clear refusal spends nothing; a doubt that was there before it stays."""
    assert failed(replace(TAKEN, intent=before), why, TOLD, NOW).intent == left
    if not why.effect_possible:
        assert given_back(replace(TAKEN, intent=before), NOW).intent == left


@pytest.mark.parametrize(
    ("intent", "cause"),
    [
        (None, Cause.REFUSED),
        (Intent(SPENT, NOW), Cause.REFUSED),
        (Intent(SPENT, NOW, doubted=True), Cause.LOST_ROTATION),
    ],
)
def test_a_refresh_token_in_doubt_was_lost_and_not_refused(
    intent: Intent | None, cause: Cause
) -> None:
    """Whoever has to authorize again is told whether anybody took the grant away."""
    assert cause_of(replace(TAKEN, intent=intent), ENDED) is cause


@pytest.mark.parametrize("fault", [each for each in Fault if each is not Fault.GRANT])
def test_no_other_failure_ends_a_grant(fault: Fault) -> None:
    """Neither a rejected client nor a server that is away takes anything from anybody."""
    doubted = claimed(TAKEN, SPENT, NOW, LEASE)
    assert cause_of(doubted, NoTokens(fault, 400)) is None


# --- new tokens -----------------------------------------------------------------------------------


def test_new_tokens_leave_no_trouble_behind() -> None:
    """Whatever was wrong is over, and the hold is given back under the same epoch."""
    after = renewed(BAD, FRESH, ("x", "z"), 0)
    assert after == replace(
        READY,
        tokens=FRESH,
        granted=("x", "z"),
        renewed_at=NOW,
        due_at=FRESH.issued_at + HOUR - timedelta(seconds=60),
        epoch=1,
        look_at=NOW,
    )


def test_what_goes_on_as_was_told_is_not_looked_at_again() -> None:
    """A renewal of what is known to be healthy costs nobody a look; whatever else happens does."""
    well = replace(TAKEN, light=Light.HEALTHY)
    assert renewed(well, FRESH, well.granted, 0).look_at is None
    assert renewed(well, FRESH, ("another",), 0).look_at == NOW
    assert renewed(replace(well, light=Light.BROKEN), FRESH, well.granted, 0).look_at == NOW
    assert authorized(well, FRESH, well.granted, NOBODY, 0).look_at == NOW


def test_renewed_tokens_are_renewed_again_in_the_same_way() -> None:
    """Where there is a refresh token, the old or a new one, it is what the next renewal takes."""
    assert READY.renewal is RequestType.REFRESH
    assert renewed(TAKEN, FRESH, (), 0).renewal is RequestType.REFRESH
    minted = replace(READY, grant_type=GrantType.CLIENT_CREDENTIALS, tokens=None)
    assert minted.renewal is minted.minted is RequestType.CLIENT_CREDENTIALS
    assert READY.minted is None
    assert replace(READY, tokens=replace(OLD, renewable=False)).renewal is None
    assert replace(READY, tokens=None).renewal is None


def test_a_new_grant_shuts_out_who_renews_the_old_one() -> None:
    """Its epoch is the next, and it says who granted what, and when."""
    after = authorized(BAD, FRESH, ("y",), Subject("s2", "somebody else"), 0)
    assert after == replace(
        renewed(BAD, FRESH, ("y",), 0),
        subject="somebody else",
        subject_id="s2",
        authorized_at=NOW,
        epoch=2,
    )


def test_who_is_not_told_may_be_anybody() -> None:
    """Without an ID token the name that is shown stays, and nobody is known again by an id."""
    known = replace(BAD, subject_id="s1")
    after = authorized(known, FRESH, ("y",), NOBODY, 0)
    assert (after.subject, after.subject_id) == ("somebody", "")


def test_what_is_given_anew_begins_again() -> None:
    """Nothing is left of what failed, it is due now, and who holds it comes too late."""
    ended = lapsed(BAD, Cause.REFUSED, TOLD, NOW)
    at = NOW + HOUR
    begun = replace(READY, due_at=at, look_at=at, epoch=2)
    assert given_anew(ended, at) == given_anew(BAD, at) == begun
    first = given_anew(replace(BAD, tokens=None), at)
    assert first == replace(begun, state=State.NEW, tokens=None)


@pytest.mark.parametrize(
    ("used_at", "before", "lasts", "luck", "due"),
    [
        (NOW, OLD, HOUR, 0, HOUR - timedelta(seconds=60)),
        (NOW, OLD, HOUR, 1, HOUR - timedelta(seconds=120)),
        (BEFORE, OLD, HOUR, 0, HOUR - timedelta(seconds=60)),
        (None, None, HOUR, 0, HOUR - timedelta(seconds=60)),
        (None, OLD, HOUR, 0, DAY),
        (None, OLD, HOUR, 0.5, DAY - HOUR / 2),
        (BEFORE - LEASE, OLD, HOUR, 1, DAY - HOUR),
        (None, OLD, 7 * DAY, 0, DAY),
        (NOW, OLD, 7 * DAY, 0, DAY),
        (NOW, OLD, None, 0, DAY),
        (NOW, OLD, None, 1, DAY - HOUR),
    ],
)
def test_tokens_are_renewed_before_they_end_or_once_a_day(
    used_at: datetime | None,
    before: Tokens | None,
    lasts: timedelta | None,
    luck: float,
    due: timedelta,
) -> None:
    """What was not used since it was renewed is only kept alive, and so is what tells no end."""
    connection = replace(READY, tokens=before, used_at=used_at)
    new = replace(FRESH, expires_at=None if lasts is None else NOW + lasts)
    assert renewed(connection, new, (), luck).due_at == NOW + due


def test_tokens_that_cannot_be_renewed_are_looked_at_when_they_end() -> None:
    """Somebody is told then; what has no end is tried once a day, and what is minted is renewed."""
    last = replace(FRESH, renewable=False)
    assert renewed(READY, last, (), 1).due_at == NOW + HOUR
    assert renewed(READY, replace(last, expires_at=None), (), 1).due_at == NOW + 23 * HOUR
    minted = replace(READY, grant_type=GrantType.CLIENT_CREDENTIALS)
    assert renewed(minted, last, (), 0).due_at == NOW + HOUR - timedelta(seconds=60)


def test_the_first_tokens_tell_nothing_of_their_use() -> None:
    """Number 0 was brought here to be exchanged; who never used it may use what came of it."""
    brought = replace(READY, tokens=replace(OLD, number=0), used_at=None)
    assert renewed(brought, FRESH, (), 0).due_at == NOW + HOUR - timedelta(seconds=60)


def test_what_is_used_again_is_renewed_before_it_ends() -> None:
    """It was kept alive once a day until then; what is due earlier stays so."""
    idle = replace(READY, tokens=FRESH, used_at=None, due_at=NOW + DAY)
    again = used(idle, NOW, 1)
    assert again == replace(idle, used_at=NOW, due_at=NOW + HOUR - timedelta(seconds=120))
    assert used(replace(idle, due_at=NOW), BEFORE, 0) == replace(idle, used_at=BEFORE, due_at=NOW)


@pytest.mark.parametrize(
    "connection",
    [
        replace(READY, tokens=None, due_at=NOW + DAY),
        replace(READY, tokens=replace(FRESH, expires_at=None), due_at=NOW + DAY),
        replace(READY, tokens=FRESH, due_at=None),
        replace(READY, tokens=replace(FRESH, renewable=False), due_at=NOW + HOUR),
        replace(READY, tokens=FRESH, due_at=NOW + DAY, retry_at=NOW + DAY),
        replace(READY, tokens=FRESH, due_at=NOW + DAY, leased_until=NOW + DAY),
    ],
)
def test_use_brings_nothing_forward_that_could_not_be_done(connection: Connection) -> None:
    """What cannot be renewed, rests or is under way is not looked at over and over."""
    assert used(connection, NOW, 0) == replace(connection, used_at=NOW)


# --- no tokens ------------------------------------------------------------------------------------


def test_a_failure_takes_nothing_away() -> None:
    """Tokens and grant stay; it is given back, and tried again after a pause."""
    at = NOW + timedelta(seconds=30)
    assert failed(TAKEN, REFUSED, TOLD, NOW) == replace(
        READY,
        state=State.TROUBLED,
        due_at=at,
        retry_at=at,
        attempts=1,
        troubled_at=NOW,
        told=TOLD,
        epoch=1,
        look_at=NOW,
    )


def test_failures_in_a_row_are_tried_again_ever_more_slowly() -> None:
    """The pause grows, the server may ask for a longer one, and trouble is as old as the first."""
    again = failed(BAD, REFUSED, "Again.", NOW)
    assert (again.attempts, again.told, again.troubled_at) == (4, "Again.", BEFORE)
    assert again.due_at == again.retry_at == NOW + timedelta(minutes=15)
    asked = failed(TAKEN, replace(UNCLEAR, retry_after_s=77.0), TOLD, NOW)
    assert asked.retry_at == NOW + timedelta(seconds=77)


@pytest.mark.parametrize(("since", "troubled_at"), [(None, NOW), (BEFORE, BEFORE)])
def test_what_is_not_its_own_matter_leaves_it_as_it_was(
    since: datetime | None, troubled_at: datetime
) -> None:
    """Where the client's secret was rejected, no connection counts a failure of its own."""
    held = replace(TAKEN, troubled_at=since)
    back = given_back(held, NOW)
    assert back == replace(READY, due_at=NOW, troubled_at=troubled_at, epoch=1)


@pytest.mark.parametrize("until", [NOW + HOUR, None])
def test_with_a_rejected_client_it_rests(until: datetime | None) -> None:
    """It is neither renewed nor asked for until the secret is tried again, and says why."""
    assert resting(READY, until, TOLD) == replace(READY, due_at=until, retry_at=until, told=TOLD)


def test_a_grant_that_has_ended_keeps_its_tokens() -> None:
    """They are used while they last; nothing is asked by itself any more."""
    assert lapsed(TAKEN, Cause.LOST_ROTATION, TOLD, NOW) == replace(
        READY,
        state=State.LAPSED,
        cause=Cause.LOST_ROTATION,
        troubled_at=NOW,
        told=TOLD,
        epoch=1,
        look_at=NOW,
    )
    after = lapsed(replace(BAD, due_at=NOW), Cause.REFUSED, "Ended.", NOW)
    assert (after.retry_at, after.due_at, after.told) == (None, None, "Ended.")
    assert after.troubled_at == BEFORE
