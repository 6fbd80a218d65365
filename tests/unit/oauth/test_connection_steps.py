"""What whoever wants a token does: use what is there, renew it, wait for others, or stop."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from keyturn.domain.ids import FolderId, OAuthConnectionId, RegistrationId
from keyturn.domain.oauth.connection import (
    MINTED,
    Cause,
    Connection,
    GrantType,
    State,
    Tokens,
    lapsed,
)
from keyturn.domain.oauth.provider import RequestType
from keyturn.domain.oauth.token_steps import Renew, Step, Stop, Use, Wait, next_step

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
TOLD = "It was refused."
NO_REFRESH = "Its tokens have ended, and it has no refresh token: authorize it again."
NEW = Connection(
    OAuthConnectionId("c"),
    RegistrationId("r"),
    FolderId("f"),
    "c",
    GrantType.CODE,
    ("x",),
    NOW,
    NOW,
)


def tokens(*, left_s: float | None, lasts_s: float = 3600.0, renewable: bool = True) -> Tokens:
    """Return the second token set, with so much of its life left; None is nobody knows how much."""
    ends = None if left_s is None else NOW + timedelta(seconds=left_s)
    issued = (ends or NOW) - timedelta(seconds=lasts_s)
    return Tokens(2, b"", "Bearer", renewable, issued, ends, version=1)


HELD = {
    "none": None,
    "fresh": tokens(left_s=61),
    "spent": tokens(left_s=60),
    "ended": tokens(left_s=0),
    "unknown": tokens(left_s=None),
}
READY = replace(NEW, state=State.READY, tokens=HELD["fresh"])

# For the states new, ready, troubled and lapsed, and then while somebody else renews:
# U use, R renew, S stop, W wait. "refused" is that a resource did not accept these very tokens.
TABLE = {
    "none": "SSSS W",
    "none refused": "SSSS W",
    "fresh": "UUUU U",
    "fresh refused": "SRRS W",
    "spent": "URRU U",
    "spent refused": "SRRS W",
    "ended": "SRRS W",
    "ended refused": "SRRS W",
    "unknown": "UUUU U",
    "unknown refused": "SRRS W",
}


@pytest.mark.parametrize(("row", "state", "held"), [*product(TABLE, State, [False, True])])
def test_every_case_has_its_step(row: str, state: State, *, held: bool) -> None:
    """Tokens are used while they last; spent ones are renewed first, but never by two at once."""
    kind, _, refused = row.partition(" ")
    letter = TABLE[row][-1] if held else TABLE[row][list(State).index(state)]
    until = NOW + SECOND if held else None
    connection = replace(NEW, state=state, tokens=HELD[kind], leased_until=until)
    step = next_step(connection, NOW, refused=2 if refused else None)
    wanted = {"U": Use(HELD[kind]), "R": Renew(RequestType.REFRESH), "W": Wait(NOW + SECOND)}
    assert isinstance(step, Stop) if letter == "S" else step == wanted[letter]


def test_only_the_tokens_that_were_refused_are_renewed() -> None:
    """Whoever comes with the number of an earlier set finds it renewed already."""
    assert next_step(READY, NOW, refused=1) == Use(READY.tokens)
    assert next_step(READY, NOW, refused=2) == Renew(RequestType.REFRESH)


@pytest.mark.parametrize(("old_s", "renewed"), [(0, False), (29.9, False), (30, True), (-60, True)])
def test_tokens_just_got_are_used_on_though_they_were_refused(
    old_s: float, *, renewed: bool
) -> None:
    """Others would be refused as well; what a wrong clock has got in the future is not so young."""
    issued_at = NOW - old_s * SECOND
    young = replace(READY, tokens=replace(HELD["fresh"], issued_at=issued_at))
    renewal = Renew(RequestType.REFRESH)
    assert next_step(young, NOW, refused=2) == (renewal if renewed else Use(young.tokens))
    assert next_step(young, NOW, refused=2, ahead=True) == renewal


@pytest.mark.parametrize("left_s", [0.0, 2.0])
def test_young_tokens_that_are_spent_are_renewed_as_ever(left_s: float) -> None:
    """What lasts ten seconds is not used for thirty."""
    short = replace(READY, tokens=tokens(left_s=left_s, lasts_s=10))
    assert next_step(short, NOW, refused=2) == Renew(RequestType.REFRESH)
    lapsing = replace(short, state=State.LAPSED)
    used = Use(short.tokens) if left_s else Stop("")
    assert next_step(lapsing, NOW, refused=2) == used


def test_a_lease_that_has_ended_holds_nobody_off() -> None:
    """At the very end of a lease the next one may begin: who had it is late, or dead."""
    over = replace(READY, tokens=HELD["ended"], leased_until=NOW)
    assert next_step(over, NOW) == Renew(RequestType.REFRESH)


def test_short_lived_tokens_are_spent_by_their_share() -> None:
    """The skew follows from how long tokens last, or these would be renewed on every use."""
    fresh, spent = tokens(left_s=3, lasts_s=10), tokens(left_s=2, lasts_s=10)
    assert next_step(replace(READY, tokens=fresh), NOW) == Use(fresh)
    assert next_step(replace(READY, tokens=spent), NOW) == Renew(RequestType.REFRESH)


@pytest.mark.parametrize(("grant", "request_type"), MINTED.items())
def test_minted_grants_need_nobody(grant: GrantType, request_type: RequestType) -> None:
    """Their first tokens, and all others, are asked for alike, refresh token or not."""
    new = replace(NEW, grant_type=grant)
    last = replace(new, state=State.READY, tokens=tokens(left_s=0, renewable=False))
    assert next_step(new, NOW) == next_step(last, NOW) == Renew(request_type)
    renewable = replace(last, tokens=HELD["ended"])
    assert next_step(renewable, NOW) == Renew(request_type)
    assert next_step(lapsed(new, Cause.REFUSED, TOLD, NOW), NOW) == Stop(TOLD)


def test_what_is_minted_has_a_request_of_its_own_name() -> None:
    """The grants that need nobody are those four, each asked for as what it is."""
    names = {grant.value: request_type.value for grant, request_type in MINTED.items()}
    assert names == {
        name: name for name in ("client_credentials", "jwt_bearer", "token_exchange", "password")
    }


@pytest.mark.parametrize("grant", [GrantType.CODE, GrantType.DEVICE, GrantType.REFRESH])
def test_what_nobody_has_authorized_says_so(grant: GrantType) -> None:
    """There is nothing to ask a server for."""
    told = "Nobody has authorized the connection yet."
    assert next_step(replace(NEW, grant_type=grant), NOW) == Stop(told)


def test_a_connection_without_tokens_uses_none() -> None:
    """What authorizes by itself is used at once, whatever else is known of it."""
    plain = replace(NEW, grant_type=GrantType.NONE, leased_until=NOW + SECOND)
    assert next_step(plain, NOW, refused=1) == Use(None)
    assert next_step(replace(plain, tokens=HELD["fresh"]), NOW) == Use(None)


def test_after_a_failure_the_server_is_left_alone() -> None:
    """Until then nobody asks again; tokens that have not ended are used meanwhile."""
    failed = replace(READY, state=State.TROUBLED, retry_at=NOW, told=TOLD, tokens=HELD["ended"])
    assert next_step(failed, NOW - SECOND / 2, refused=2) == Stop(TOLD, NOW)
    assert next_step(failed, NOW) == Renew(RequestType.REFRESH)
    still = replace(failed, tokens=HELD["spent"], retry_at=NOW + SECOND)
    assert next_step(still, NOW) == Use(HELD["spent"])
    assert next_step(still, NOW, refused=2) == Stop(TOLD, NOW + SECOND)


def test_tokens_without_a_refresh_token_end() -> None:
    """They are used to their very end, and then somebody has to authorize again."""
    last = replace(READY, tokens=tokens(left_s=1, renewable=False))
    assert next_step(last, NOW) == Use(last.tokens)
    assert next_step(last, NOW + SECOND) == Stop(NO_REFRESH)
    assert next_step(last, NOW, refused=2) == Stop(NO_REFRESH)
    forever = replace(READY, tokens=replace(tokens(left_s=None), renewable=False))
    assert next_step(forever, NOW) == Use(forever.tokens)


def test_a_lapsed_connection_says_why() -> None:
    """Nobody asks in vain, and its tokens are used while they last."""
    over = lapsed(READY, Cause.REFUSED, TOLD, NOW)
    assert next_step(over, NOW) == Use(READY.tokens)
    assert next_step(over, NOW + timedelta(seconds=61)) == Stop(TOLD)


@pytest.mark.parametrize(
    ("due_s", "ahead", "expected"),
    [
        (0, True, Renew(RequestType.REFRESH)),
        (-1, True, Renew(RequestType.REFRESH)),
        (1, True, Use(HELD["fresh"])),
        (None, True, Use(HELD["fresh"])),
        (0, False, Use(HELD["fresh"])),
    ],
)
def test_what_is_due_is_renewed_before_anybody_needs_it(
    due_s: int | None, expected: Step, *, ahead: bool
) -> None:
    """Who renews ahead does not wait until tokens are spent; who uses them does."""
    due_at = None if due_s is None else NOW + due_s * SECOND
    assert next_step(replace(READY, due_at=due_at), NOW, ahead=ahead) == expected


def test_renewing_ahead_keeps_to_what_holds_for_all() -> None:
    """A lease and a pause hold off whoever comes, and what cannot be renewed is left alone."""
    due = replace(READY, due_at=NOW)
    assert next_step(replace(due, leased_until=NOW + SECOND), NOW, ahead=True) == Wait(NOW + SECOND)
    paused = replace(due, retry_at=NOW + SECOND, told=TOLD)
    assert next_step(paused, NOW, ahead=True) == Stop(TOLD, NOW + SECOND)
    endless = replace(due, tokens=tokens(left_s=None, renewable=False))
    assert isinstance(next_step(endless, NOW, ahead=True), Stop)
    last = replace(due, tokens=tokens(left_s=61, renewable=False))
    assert isinstance(next_step(last, NOW, ahead=True), Stop)
