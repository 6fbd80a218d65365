"""What failures are called: each has words, and they say who has to act."""

import pytest

from keyturn.domain.oauth.answers import Fault, NoTokens
from keyturn.domain.oauth.connection import Cause
from keyturn.domain.oauth.words import why_failed, why_lapsed


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault.CLIENT, "rejects the client's credential"),
        (Fault.GRANT, "the grant is no longer valid"),
        (Fault.SCOPE, "does not give this client a scope"),
        (Fault.REQUEST, "does not take such a request"),
        (Fault.AWAY, "gave no good answer"),
        (Fault.AMBIGUOUS, "does not say whether the client or the grant"),
        (Fault.DENIED, "was denied"),
        (Fault.PENDING, "Nobody has decided"),
        (Fault.SLOW_DOWN, "asked too often"),
        (Fault.NONCE, "another nonce"),
    ],
)
def test_every_fault_has_words_of_ours(fault: Fault, words: str) -> None:
    """They end with what the answer was, by its status and the error that is known."""
    told = why_failed(NoTokens(fault, 400, "invalid_grant"))
    assert words in told
    assert told.endswith(" (HTTP 400, invalid_grant)")


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (Cause.REFUSED, "the grant is no longer valid"),
        (Cause.LOST_ROTATION, "its answer never arrived"),
        (Cause.NO_REFRESH, "there is no refresh token"),
    ],
)
def test_every_end_of_a_grant_says_who_acts(cause: Cause, words: str) -> None:
    """That is who authorized it."""
    assert words in why_lapsed(cause)
    assert "authorizes the connection again" in why_lapsed(cause)


def test_nothing_that_can_fail_is_without_words() -> None:
    """A fault or a cause that is added has to be explained."""
    assert all(why_failed(NoTokens(each, 400)) for each in Fault)
    assert all(map(why_lapsed, Cause))
