"""In what the kinds of credentials differ: the table of facts, and the steps that heed it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from keyturn.domain.drift import Kind, compare
from keyturn.domain.errors import OktaAnswer, OktaRefused, Refused
from keyturn.domain.ids import (
    AppId,
    ClientId,
    CredentialId,
    RotationId,
    SecretHash,
    TurnId,
    VersionNo,
)
from keyturn.domain.okta import (
    RULES,
    App,
    AuthMethod,
    Credential,
    CredentialKind,
    Probe,
    Status,
    hash_of,
    secret_hash,
    thumbprint,
)
from keyturn.domain.rotation import IssueFirst, decide_onboarding
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.sight import Maker
from keyturn.domain.steps import (
    LATE,
    UNANSWERED,
    Block,
    Do,
    Look,
    Seen,
    Sight,
    Step,
    Wait,
    after_failure,
    next_step,
)
from keyturn.domain.turn import (
    SETTLED,
    Act,
    Held,
    Phase,
    Policy,
    Posted,
    Reason,
    Trigger,
    Turn,
    moved,
)

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
POLICY = Policy(overlap_s=300, soak_s=3600)
OLD = Held(SecretHash("old"), CredentialId("ocsold"), VersionNo(1))
POSTED = Posted(NOW + timedelta(seconds=10), "ocsold")
API, KEY = CredentialKind.API_SERVICE_SECRET, CredentialKind.CLIENT_KEY
PRESENT = Credential(CredentialId("ocsold"), SecretHash("old"), Status.ACTIVE, NOW)
RFC7638 = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJ"
    "ECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2Qvzq"
    "Y368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM"
    "4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    "e": "AQAB",
    "alg": "RS256",
    "kid": "2011-04-29",
}
"""The example of RFC 7638, section 3.1."""


def turn(phase: Phase, kind: CredentialKind, **changes: Any) -> Turn:  # noqa: ANN401  its fields
    """Make a turn of a kind in a phase."""
    plain = Turn(
        TurnId("t"), RotationId("r"), AppId("0oa1"), Trigger.MANUAL, phase, NOW, NOW, NOW, OLD
    )
    return replace(plain, kind=kind, **changes)


def decide(of: Turn, *listed: Credential, now: datetime = NOW) -> Step:
    """Ask for the next step after a look at the list, where the log calls what is new ours."""
    return next_step(of, Seen(credentials=listed, maker=Maker.OURS), POLICY, now)


def strange(made_at: datetime, name: str = "ocsnew") -> Credential:
    """Make a secret that was not there before."""
    return Credential(CredentialId(name), SecretHash(name), Status.ACTIVE, made_at)


def test_every_kind_has_its_rules() -> None:
    """No kind is without facts, and each has a way to be used."""
    assert set(RULES) == set(CredentialKind)
    assert all(kind.rules.methods for kind in CredentialKind)


def test_thumbprint_known_answer() -> None:
    """The thumbprint is that of the RFC's own example, whatever else the key says."""
    assert thumbprint(RFC7638) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    assert hash_of(KEY, Sensitive(json.dumps(RFC7638 | {"d": "x"}))) == thumbprint(RFC7638)
    assert hash_of(API, Sensitive("abc")) == secret_hash(Sensitive("abc"))


@pytest.mark.parametrize("text", ["[]", '"x"', '{"kty": "oct", "k": "x"}', '{"kty": "RSA"}', "x"])
def test_what_is_no_key_has_no_thumbprint(text: str) -> None:
    """Anything but an RSA or EC key in JSON is refused."""
    with pytest.raises(ValueError):  # noqa: PT011  a JSON error is one
        hash_of(KEY, Sensitive(text))


class TestOktasValue:
    """Where Okta chooses the value and shows it once."""

    def test_looks_before_it_is_issued(self) -> None:
        """What is there before is known before Okta is asked."""
        step = next_step(turn(Phase.WRITTEN, API), Seen(), POLICY, NOW)
        assert step == Look(Sight.CREDENTIALS)
        assert decide(turn(Phase.WRITTEN, API), PRESENT) == Do(Act.ISSUE)

    def test_lost_one_is_discarded(self) -> None:
        """The one that is new since Okta was asked is ours, and its value is lost."""
        posted = turn(Phase.WRITTEN, API, posted=POSTED)
        assert decide(posted, PRESENT, strange(NOW)) == Do(Act.DISCARD, CredentialId("ocsnew"))
        assert decide(posted, PRESENT) == Do(Act.ISSUE)

    def test_where_there_is_room_for_two_it_is_not_asked_for_twice_in_a_minute(self) -> None:
        """A first call that is still on its way would add one that nobody has asked for."""
        assert decide(turn(Phase.WRITTEN, API)) == Do(Act.ISSUE)
        posted, settled = turn(Phase.WRITTEN, API, posted=POSTED), POSTED.last_at + SETTLED
        assert decide(posted, now=settled - timedelta(seconds=1)) == Wait(settled, UNANSWERED)
        assert decide(posted, now=settled) == Do(Act.ISSUE)

    @pytest.mark.parametrize("off", [timedelta(days=-1), timedelta(0), timedelta(days=1)])
    def test_whose_it_is_the_log_says_and_no_clock(self, off: timedelta) -> None:
        """A clock that is off, ours or Okta's, makes nobody else's secret ours, nor ours theirs."""
        posted, found = turn(Phase.WRITTEN, API, posted=POSTED), strange(NOW + off)
        assert decide(posted, PRESENT, found) == Do(Act.DISCARD, CredentialId("ocsnew"))
        others = Seen(credentials=(PRESENT, found), maker=Maker.OTHERS)
        step = next_step(posted, others, POLICY, NOW)
        assert isinstance(step, Block)
        assert step.reason is Reason.FOREIGN_SECRET

    def test_two_new_ones_are_nobodys_to_choose_from(self) -> None:
        """Where two could be ours, neither is touched."""
        posted = turn(Phase.WRITTEN, API, posted=POSTED)
        step = decide(posted, strange(NOW), strange(NOW, "ocsother"))
        assert isinstance(step, Block)

    def test_without_a_note_nothing_is_discarded(self) -> None:
        """What is there before Okta was ever asked takes the room, and blocks."""
        step = decide(turn(Phase.WRITTEN, API), PRESENT, strange(NOW))
        assert isinstance(step, Block)

    def test_a_strangers_blocks_where_there_is_room_too(self) -> None:
        """Nothing is added beside somebody else's, even if ours of old is gone."""
        seen = Seen(credentials=(strange(NOW),), maker=Maker.OTHERS)
        step = next_step(turn(Phase.WRITTEN, API, posted=POSTED), seen, POLICY, NOW)
        assert isinstance(step, Block)
        assert step.reason is Reason.FOREIGN_SECRET
        assert step.detail.startswith("Foreign: ocsnew (ACTIVE, made 2026-11-21, today).")

    def test_aborted_turn_ends_once_nothing_can_arrive(self) -> None:
        """A lost one is discarded first; a late one is waited for."""
        aborted = turn(Phase.WRITTEN, API, posted=POSTED, withdrawn_at=NOW)
        assert decide(aborted, PRESENT, strange(NOW)) == Do(Act.DISCARD, CredentialId("ocsnew"))
        assert decide(aborted, PRESENT) == Wait(NOW + SETTLED, LATE)
        assert decide(aborted, PRESENT, now=NOW + SETTLED) == Do(Act.ROLL_BACK)

    def test_tries_are_counted_over_a_discard(self) -> None:
        """An org whose answers are always lost is asked ever more rarely."""
        after = moved(turn(Phase.WRITTEN, API, posted=POSTED, attempts=3), Act.DISCARD, NOW)
        assert (after.phase, after.attempts) == (Phase.WRITTEN, 3)


def test_keys_have_room_for_fifty() -> None:
    """Other keys of the app are no hindrance, until Okta's limit is reached."""
    fifty = [strange(NOW, f"pks{n}") for n in range(50)]
    planned = turn(Phase.PLANNED, KEY)
    assert decide(planned, *fifty[:49]) == Look(Sight.OLD_PROBE)
    assert isinstance(decide(planned, *fifty), Block)


@pytest.mark.parametrize(
    ("kind", "method", "fit"),
    [
        (CredentialKind.CLIENT_SECRET, AuthMethod.PRIVATE_KEY_JWT, False),
        (CredentialKind.CLIENT_SECRET, AuthMethod.CLIENT_SECRET_JWT, True),
        (KEY, AuthMethod.CLIENT_SECRET_BASIC, False),
        (KEY, AuthMethod.PRIVATE_KEY_JWT, True),
        (KEY, AuthMethod.NONE, False),
    ],
)
def test_app_must_use_what_is_turned(
    kind: CredentialKind, method: AuthMethod, *, fit: bool
) -> None:
    """An app that authenticates otherwise blocks a turn, and is refused a rotation."""
    app = App(AppId("0oa1"), ClientId("0oa1"), "app", Status.ACTIVE, method)
    seen = Seen(credentials=(), app=app, old_probe=Probe.REJECTED)
    step = next_step(turn(Phase.PLANNED, kind), seen, POLICY, NOW)
    assert (step == Do(Act.WRITE)) == fit
    if fit:
        plan = decide_onboarding(app, (), adopt_existing=True, retire_existing=None, kind=kind)
        assert plan == IssueFirst(None)
        return
    with pytest.raises(Refused, match=kind.rules.noun):
        decide_onboarding(app, (), adopt_existing=True, retire_existing=None, kind=kind)


@pytest.mark.parametrize(
    ("phase", "code", "reason"),
    [
        (Phase.WRITTEN, "E0000006", Reason.KEY_CHANGE_REFUSED),
        (Phase.OVERLAPPING, "E0000006", Reason.KEY_CHANGE_REFUSED),
        (Phase.PLANNED, "E0000006", Reason.ACCESS_REFUSED),
        (Phase.WRITTEN, "insufficient_scope", Reason.ACCESS_REFUSED),
    ],
)
def test_role_that_does_not_reach_keys_is_told_apart(
    phase: Phase, code: str, reason: Reason
) -> None:
    """A missing role at a change of keys is the super administrator's matter; a scope is not."""
    error = OktaRefused("add a client key", OktaAnswer(403, code=code, summary="no"))
    step = after_failure(turn(phase, KEY), error, NOW)
    assert isinstance(step, Block)
    assert step.reason is reason
    secret = after_failure(turn(phase, CredentialKind.CLIENT_SECRET), error, NOW)
    assert isinstance(secret, Block)
    assert secret.reason is Reason.ACCESS_REFUSED


def test_key_that_is_there_already_is_looked_at() -> None:
    """Okta's refusal of a second key of the same name leads to a look: the first may be ours."""
    cause = "All keys in the 'jwks' must have a unique `kid`."
    error = OktaRefused("add a client key", OktaAnswer(400, summary="no", causes=(cause,)))
    assert isinstance(after_failure(turn(Phase.WRITTEN, KEY), error, NOW), Wait)


def test_other_keys_are_no_drift() -> None:
    """Somebody else's key beside ours is told of no more than it blocks; ours is missed."""
    app = App(AppId("0oa1"), ClientId("0oa1"), "app", Status.ACTIVE, AuthMethod.PRIVATE_KEY_JWT)
    ours, other = frozenset({OLD.hash}), strange(NOW, "pksother")
    assert compare(app, app.id, (PRESENT, other), OLD, ours, kind=KEY) == ()
    (missed,) = compare(app, app.id, (other,), OLD, ours, kind=KEY)
    assert missed.kind is Kind.SECRET_REMOVED
    assert missed.detail.startswith("Client key")
