"""How the demonstration judges and counts, and how it looks."""

from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from keyturn.cli.rehearsal.judge import History, TrueSecret, find_fault, measure_overlaps_s
from keyturn.cli.rehearsal.live import live
from keyturn.cli.rehearsal.show import showing
from keyturn.cli.rehearsal.tally import Counted, Tally
from keyturn.sandbox.state.records import hash_secret

START = datetime(2026, 1, 1, tzinfo=UTC)


def secret(value: str, status: str, made_s: float, stopped_s: float | None = None) -> TrueSecret:
    """Make the org's record of a secret, by seconds after the start."""
    made_at = START + timedelta(seconds=made_s)
    stopped_at = None if stopped_s is None else START + timedelta(seconds=stopped_s)
    return TrueSecret(
        hash=hash_secret(value),
        status=status,
        created_at=made_at,
        activated_at=made_at,
        deactivated_at=stopped_at,
    )


def history(*secrets: TrueSecret) -> History:
    """Make a history of ten seconds."""
    return History(secrets, START + timedelta(seconds=10))


OLD, NEW = secret("old", "DELETED", 0, 5), secret("new", "ACTIVE", 2)


def test_the_overlap_is_the_time_in_which_both_were_active() -> None:
    """From the making of the next to the stop of this one, or to now."""
    assert measure_overlaps_s(history(OLD, NEW)) == [3.0]
    assert measure_overlaps_s(history(secret("old", "ACTIVE", 0), NEW)) == [8.0]
    assert measure_overlaps_s(history(OLD)) == []


def test_one_active_secret_that_is_served_is_a_good_end() -> None:
    """The end is good only if the one secret left is the one that readers get."""
    assert find_fault(history(OLD, NEW), "new") is None


@pytest.mark.parametrize(
    ("left", "served"),
    [
        ([NEW], "old"),
        ([secret("old", "ACTIVE", 0), NEW], "new"),
        ([secret("old", "INACTIVE", 0, 5), NEW], "new"),
        ([secret("new", "INACTIVE", 0, 5)], "new"),
        ([OLD], "old"),
    ],
    ids=["another served", "two active", "one not deleted", "none active", "none left"],
)
def test_any_other_end_is_a_fault(left: list[TrueSecret], served: str) -> None:
    """Another secret served, a secret too many, or none that works, is told."""
    assert find_fault(history(*left), served)


async def test_a_request_that_gets_no_answer_has_failed() -> None:
    """A connection that is refused is counted, and counted as failed."""
    tally = Tally()
    async with httpx2.AsyncClient(transport=Counted(tally, "keyturn")) as http:
        with pytest.raises(httpx2.ConnectError):
            await http.get("http://127.0.0.1:9/")
    assert (tally.made["keyturn"], tally.failed["keyturn"]) == (1, 1)


def test_json_is_shown_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever asks for JSON gets no other line."""
    with showing(Tally(), as_json=True) as show:
        show.say("hello")
        show.begin_turn(1, 9)
        show.reach(Tally(), 1, "issued")
    assert capsys.readouterr().out == ""


def test_lines_tell_each_phase_with_the_figures(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a terminal, each phase is a line with what the consumer did."""
    tally = Tally()
    tally.count("refresh", ok=False)
    with showing(tally, as_json=False) as show:
        show.begin_turn(1, 9)
        show.reach(tally, 1, "issued")
    line = capsys.readouterr().out
    assert line.startswith("turn 1: issued")
    assert "1 requests, 1 failed" in line


def test_a_terminal_shows_turns_and_figures(capsys: pytest.CaptureFixture[str]) -> None:
    """The live view holds the turn, its last phase and the consumer's figures."""
    tally = Tally()
    with live(tally) as show:
        show.begin_turn(1, 9)
        show.reach(tally, 1, "overlapping")
    shown = capsys.readouterr().out
    assert "turn 1" in shown
    assert "overlapping" in shown
    assert "0 requests, 0 failed" in shown
