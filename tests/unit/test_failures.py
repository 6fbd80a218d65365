"""What follows a call that Okta did not serve."""

from datetime import timedelta

import pytest
from turn_kit import NOW, POSTED, turn

from keyturn.domain.errors import OktaAnswer, OktaRefused, OktaThrottled, OktaUnreachable
from keyturn.domain.failures import Block, Wait, after_failure, backoff
from keyturn.domain.turn import Phase, Reason


def refused(status: int, *causes: str, summary: str = "no") -> OktaRefused:
    """Make a refusal of Okta."""
    return OktaRefused("x", OktaAnswer(status, code="E0000001", summary=summary, causes=causes))


@pytest.mark.parametrize(
    ("phase", "error", "reason"),
    [
        (Phase.PLANNED, refused(401), Reason.ACCESS_REFUSED),
        (Phase.WRITTEN, refused(403), Reason.ACCESS_REFUSED),
        (Phase.WRITTEN, refused(404), Reason.APP_GONE),
        (Phase.WRITTEN, refused(400), Reason.CALL_REFUSED),
        (Phase.SOAKING, refused(400), Reason.OLD_SECRET_CHANGED),
    ],
)
def test_lasting_refusals_block(phase: Phase, error: OktaRefused, reason: Reason) -> None:
    """An answer that will be the same tomorrow blocks, and says who must act."""
    step = after_failure(turn(phase), error, NOW)
    assert isinstance(step, Block)
    assert step.reason is reason


def test_refusal_in_the_soak_is_told_by_its_kind() -> None:
    """Only a refused deletion means that the old secret is in use again; lost access does not."""
    step = after_failure(turn(Phase.SOAKING), refused(403), NOW)
    assert step == Block(Reason.ACCESS_REFUSED, "HTTP 403: no (E0000001).")


@pytest.mark.parametrize("phase", [Phase.WRITTEN, Phase.SOAKING])
def test_block_carries_oktas_own_words(phase: Phase) -> None:
    """Whoever must act is told what Okta answered."""
    step = after_failure(turn(phase), refused(400, summary="Bad request"), NOW)
    assert isinstance(step, Block)
    assert step.detail.startswith("HTTP 400: Bad request (E0000001)")


@pytest.mark.parametrize(
    "cause",
    [
        "You have reached the maximum number of client secrets per client.",
        "You've reached the maximum number of client secrets per client.",
    ],
)
def test_full_app_is_looked_at_again(cause: str) -> None:
    """Both wordings of "maximum" lead to another look, because the second may be ours."""
    step = after_failure(turn(Phase.WRITTEN, posted=POSTED), refused(400, cause), NOW)
    assert step == Wait(NOW + backoff(0), tried=True)


def test_secret_that_vanished_is_looked_at_again() -> None:
    """A 404 about the secret is no 404 about the app."""
    gone = refused(404, summary="Not found: Resource not found: x (OAuth2ClientSecretMediated)")
    assert isinstance(after_failure(turn(Phase.OVERLAPPING), gone, NOW), Wait)


def test_rate_limit_is_waited_out() -> None:
    """A turn comes back when the window does, not before."""
    error = OktaThrottled("x", OktaAnswer(429), retry_after_s=42)
    assert after_failure(turn(Phase.WRITTEN), error, NOW) == Wait(NOW + timedelta(seconds=42))


def test_silence_is_waited_out_with_growing_patience() -> None:
    """No answer never blocks a turn; the pauses grow to five minutes and stay there."""
    error = OktaUnreachable("x", "time-out", effect_possible=True)
    pauses = [after_failure(turn(Phase.WRITTEN, attempts=n), error, NOW) for n in range(10)]
    waits_s = [(p.until - NOW).total_seconds() for p in pauses if isinstance(p, Wait)]
    assert waits_s == [1, 2, 5, 10, 30, 60, 120, 300, 300, 300]


@pytest.mark.parametrize(
    ("code", "summary", "told"),
    [
        ("consent_required", "consent_required: None.", "HTTP 400: consent_required: None."),
        ("E0000001", "It is not valid.", "HTTP 400: It is not valid. (E0000001)"),
        ("", "It is not valid.", "HTTP 400: It is not valid."),
    ],
)
def test_a_code_is_told_once(code: str, summary: str, told: str) -> None:
    """OAuth's codes stand before what they mean, Okta's own behind."""
    assert str(OktaAnswer(400, code=code, summary=summary)) == told
