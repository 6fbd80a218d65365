"""Every durable write and every call of a turn is struck in every way, singly and in pairs."""

import os
from collections import Counter
from itertools import islice

import pytest

from keyturn.cli.simulation.one_turn import OneTurn, Scene, Script, singles, try_turn
from keyturn.cli.simulation.parts import Client
from keyturn.cli.simulation.rim import Strike
from keyturn.services.duties import Doing

EMERGENCY = Scene(emergency=True)
CLOSING = Scene(left_s=90)
DELIVERED = Scene(delivered=True)
CONNECTED = Scene(client=Client(leeway_s=0))
QUIET = {
    "a turn": try_turn({}),
    "in an emergency": try_turn({}, EMERGENCY),
    "in one that leaves consumers time": try_turn({}, CLOSING),
    "with a destination": try_turn({}, DELIVERED),
    "with connections": try_turn({}, CONNECTED),
}
"""Nothing strikes here: the boundaries are counted."""
BOUNDARIES, HURRIED, TIMED, BROUGHT, USED = (tried.boundaries for tried in QUIET.values())
SINGLES = [*singles(BOUNDARIES)]
WRITES = {
    "a turn": {"order turn", "claim", "turn", "read"},
    "in an emergency": {"order turn"},
    "in one that leaves consumers time": {Doing.EMERGENCIES, Doing.COMPARING},
    "with a destination": {Doing.DELIVERING},
    "with connections": {Doing.PROVING, Doing.RENEWING, Doing.HEALTH, "token"},
}
WAYS = 5
"""So many strikes there are at each boundary."""
SHARES = 16
IN_HAND = range(SHARES) if os.environ.get("KEYTURN_EVERY_PAIR") else (0, 5, 10, 15)
"""All pairs take some minutes on two cores; a quarter of them is tried each time."""


def assert_legal(script: Script, tried: OneTurn) -> None:
    """The invariants held, the turn ended, and the app has the one secret that is served."""
    assert tried.violations == [], f"{script}: {[str(each) for each in tried.violations]}"
    assert set(tried.ends) <= {"finished", "rolled_back"}, script
    assert tried.over, script
    assert tried.living == ["ACTIVE"], script


@pytest.mark.parametrize("scene", QUIET)
def test_every_call_and_every_durable_write_is_a_boundary(scene: str) -> None:
    """Those of the turn, and what else is written beside it: claims, reads, what workers do."""
    tried = QUIET[scene]
    pairs = zip(tried.boundaries, tried.kinds, strict=True)
    commits = Counter(kind for boundary, kind in pairs if boundary == "commit")
    calls = tried.boundaries.count("call")
    told = ", ".join(f"{each} by {kind}" for kind, each in commits.items())
    print(f"{scene}: {calls} calls and {commits.total()} commits: {told}")  # noqa: T201  pytest -rP
    assert calls >= 8
    assert commits.keys() >= WRITES[scene]


def in_turn(boundaries: list[str], *fast: int) -> list[object]:
    """Return every strike at every boundary, slow but for some of the five at each.

    Which those are changes from one boundary to the next, so that each way to strike is tried
    along the whole turn.
    """
    return [
        pytest.param(at, strike, marks=[] if (way + at) % WAYS in fast else [pytest.mark.slow])
        for way, (at, strike) in enumerate(singles(boundaries))
    ]


@pytest.mark.parametrize(("at", "strike"), in_turn(BOUNDARIES, 0, 2))
def test_one_strike_at_every_boundary(at: int, strike: Strike) -> None:
    """Died before or after, failed, answer lost, late, frozen: the turn comes to its end."""
    assert_legal({at: strike}, try_turn({at: strike}))


@pytest.mark.parametrize(("at", "strike"), in_turn(HURRIED, 1))
def test_one_strike_in_an_emergency(at: int, strike: Strike) -> None:
    """Nothing is waited for, so that what is late arrives when the old one is long gone."""
    assert_legal({at: strike}, try_turn({at: strike}, EMERGENCY))


@pytest.mark.slow
@pytest.mark.parametrize(("at", "strike"), [*singles(TIMED)])
def test_one_strike_where_consumers_are_left_time(at: int, strike: Strike) -> None:
    """An emergency ends as it was begun whoever dies over it; nobody is cut off before time."""
    assert_legal({at: strike}, try_turn({at: strike}, CLOSING))


@pytest.mark.slow
@pytest.mark.parametrize(("at", "strike"), [*singles(BROUGHT)])
def test_one_strike_with_a_destination(at: int, strike: Strike) -> None:
    """The turn waits for what is brought elsewhere, whoever dies over it."""
    assert_legal({at: strike}, try_turn({at: strike}, DELIVERED))


@pytest.mark.slow
@pytest.mark.parametrize(("at", "strike"), [*singles(USED)])
def test_one_strike_with_connections(at: int, strike: Strike) -> None:
    """The turn waits for what uses the client secret, and each call of that is struck as well."""
    assert_legal({at: strike}, try_turn({at: strike}, CONNECTED))


@pytest.mark.slow
@pytest.mark.parametrize("share", IN_HAND)
def test_two_strikes_at_every_pair_of_boundaries(share: int) -> None:
    """What recovers from one strike is struck again at every boundary that follows."""
    for at, strike in islice(SINGLES, share, None, SHARES):
        for second in singles(try_turn({at: strike}).boundaries, after=at):
            script = dict([(at, strike), second])
            assert_legal(script, try_turn(script))
