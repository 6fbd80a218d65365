"""Leak reports: their moves, what a hash is, and that nothing a reporter writes holds the value."""

from datetime import UTC, datetime
from itertools import product

import pytest

from keyturn.domain.errors import Refused
from keyturn.domain.ids import LeakId, OrganizationId, SecretHash
from keyturn.domain.leaks import (
    ENDED,
    HIDDEN,
    MEANING,
    MOVES,
    OF_VERSION,
    LeakReport,
    Order,
    Source,
    State,
    Which,
    hash_of_leaked,
    hidden,
    is_hash,
    moved,
    state_of,
)
from keyturn.domain.okta import CredentialKind, hash_of, secret_hash
from keyturn.domain.secret import State as Kept
from keyturn.domain.sensitive import Sensitive

NOW = datetime(2026, 1, 1, tzinfo=UTC)
JWK = Sensitive('{"kty": "EC", "crv": "P-256", "x": "x", "y": "y", "d": "d"}')


def report(state: State) -> LeakReport:
    """Return a report."""
    hash_, of = SecretHash("x" * 22), OrganizationId("o")
    return LeakReport(LeakId("l"), of, NOW, Source.WEBHOOK, "ci", hash_, "", "", state, closes=True)


@pytest.mark.parametrize(("state", "order"), [*product(State, Order)])
def test_a_report_moves_as_the_table_says(state: State, order: Order) -> None:
    """Another order is refused with those that are possible; what has ended is due no more."""
    if order not in MOVES[state]:
        with pytest.raises(Refused, match="nothing to"):
            moved(report(state), order, NOW)
        return
    after = moved(report(state), order, NOW, by="ada", why="looked")
    assert after.state is MOVES[state][order]
    if after.state in ENDED:
        told = after.ended_at, after.ended_by, after.ended_why, after.due_at, after.closes
        assert told == (NOW, "ada", "looked", None, False)
    else:
        assert (after.due_at, after.ended_at) == (NOW, None)


def test_what_is_found_says_where_a_report_stands() -> None:
    """A deleted secret needs nobody, any other one does, and none at all is not known."""
    assert state_of(None) is State.UNKNOWN
    for which in Which:
        assert state_of(which) is (State.CLOSED if which is Which.GONE else State.OPEN)
        assert MEANING[which]
    assert {*OF_VERSION} == {*Kept}


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("x" * 22, True),
        ("x-_A0" * 8 + "abc", True),
        ("", False),
        ("x" * 21, False),
        ("x" * 22 + "\n", False),
        ("=" * 22, False),
        ("x" * 64, False),
    ],
)
def test_a_hash_is_oktas_or_a_thumbprint(text: str, fits: bool) -> None:  # noqa: FBT001
    """Of the right length and alphabet, and nothing else."""
    assert is_hash(text) is fits


def test_a_whole_value_is_recognised_as_okta_does() -> None:
    """A client secret by its hash, a private key by its thumbprint, as it may begin."""
    plain = Sensitive("plain-value")
    assert hash_of_leaked(plain) == secret_hash(plain)
    assert hash_of_leaked(JWK) == hash_of(CredentialKind.CLIENT_KEY, JWK)
    for text in ("{odd", "[" * 10_000, "{" * 10_000, '{"kty": 1}'):
        assert hash_of_leaked(Sensitive(text)) == secret_hash(Sensitive(text))


def test_what_a_reporter_writes_does_not_repeat_the_value() -> None:
    """It is taken out wherever it stands."""
    told = hidden("https://x.example/?k=canary&again=canary", Sensitive("canary"))
    assert "canary" not in told
    assert told.startswith("https://x.example/?k=")


def test_what_follows_a_beginning_is_not_repeated_either() -> None:
    """The place and the note may have the whole value of which only the beginning was given."""
    told = hidden("KEY=can(ary-_x9~rest; see below", Sensitive("can(ary"))
    assert told == f"KEY={HIDDEN}; see below"


def test_a_text_that_repeats_several_values_repeats_none() -> None:
    """A beginning is hidden by as much of it as counts, too: what follows may be mistyped."""
    told = hidden("canary and crow", Sensitive("canary!"), Sensitive("can"), Sensitive("crow"))
    assert told == f"{HIDDEN} and {HIDDEN}"
