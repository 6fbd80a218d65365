"""What becomes of tokens of which nobody knows whether they are still good."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from keyturn.domain.ids import FolderId, OAuthConnectionId, RegistrationId
from keyturn.domain.oauth.connection import (
    Cause,
    Connection,
    GrantType,
    Intent,
    State,
    Tokens,
    in_doubt,
    lapsed,
    released,
    tellable,
    tried,
)

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
BEFORE = NOW - timedelta(hours=2)
DAY = timedelta(days=1)
TOLD = "It has ended."
LASTING = Tokens(1, b"1", "Bearer", renewable=False, issued_at=BEFORE, expires_at=None, version=1)
RENEWABLE = replace(LASTING, renewable=True)
READY = Connection(
    OAuthConnectionId("c"),
    RegistrationId("r"),
    FolderId("f"),
    "c",
    GrantType.CODE,
    ("x",),
    BEFORE,
    BEFORE,
    state=State.READY,
    tokens=LASTING,
)
WAITING = replace(READY, state=State.TROUBLED, retry_at=NOW + DAY, due_at=NOW + DAY)


def test_a_refresh_token_from_a_backup_is_doubted() -> None:
    """It may have been used up since it was got; nothing else of the connection changes."""
    kept = replace(READY, tokens=RENEWABLE)
    assert in_doubt(kept) == replace(kept, intent=Intent(b"", BEFORE, doubted=True))


@pytest.mark.parametrize("tokens", [None, LASTING])
def test_without_a_refresh_token_there_is_nothing_to_doubt(tokens: Tokens | None) -> None:
    """An access token is as good after a restore as before."""
    kept = replace(READY, tokens=tokens)
    assert in_doubt(kept) == kept


def test_whoever_waits_is_tried_again_at_once() -> None:
    """The secret that was rejected is accepted by now, so there is nothing to wait for."""
    assert released(WAITING, NOW) == replace(WAITING, due_at=NOW, retry_at=None)


@pytest.mark.parametrize("left", [READY, replace(WAITING, state=State.LAPSED)])
def test_who_does_not_wait_is_left_alone(left: Connection) -> None:
    """A connection in order goes on as it was, and a grant that ended needs somebody."""
    assert released(left, NOW) == left


@pytest.mark.parametrize("state", [State.READY, State.TROUBLED])
def test_tokens_without_end_and_renewal_are_told_by_trying(state: State) -> None:
    """Nothing else would tell that they are good no longer."""
    assert tellable(replace(READY, state=state))


@pytest.mark.parametrize(
    "other",
    [
        replace(READY, state=State.NEW),
        replace(READY, state=State.LAPSED),
        replace(READY, tokens=None),
        replace(READY, tokens=RENEWABLE),
        replace(READY, tokens=replace(LASTING, expires_at=NOW)),
        replace(READY, tokens=replace(RENEWABLE, expires_at=NOW)),
    ],
    ids=["new", "lapsed", "no tokens", "renewable", "ends", "ends and is renewable"],
)
def test_what_tells_its_end_is_not_tried(other: Connection) -> None:
    """A clock, a renewal or its state says enough."""
    assert not tellable(other)


def test_a_token_that_is_refused_has_ended() -> None:
    """401 is the end of the grant, since nothing can renew it."""
    assert tried(READY, 401, TOLD, NOW) == lapsed(READY, Cause.NO_REFRESH, TOLD, NOW)


@pytest.mark.parametrize("status", [0, 200, 403, 404, 429, 503])
def test_any_other_answer_tells_nothing(status: int) -> None:
    """The token is tried again a day later."""
    assert tried(READY, status, TOLD, NOW) == replace(READY, due_at=NOW + DAY)
