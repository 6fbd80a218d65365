"""Rollouts and emergencies in the words, tones and bars of pages."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from keyturn.domain.rollout import ENDED, Kind, Rollout, Standing, State
from keyturn.services.rollouts import RolloutView
from keyturn.web.pictures.shares import Part, Row
from keyturn.web.pictures.tones import Tone

STATES: Final[Mapping[State, tuple[str, Tone]]] = MappingProxyType(
    {
        State.AWAITING: ("Awaits approval", "warn"),
        State.RUNNING: ("Running", "busy"),
        State.HALTED: ("Halted", "bad"),
        State.FINISHED: ("Finished", "good"),
        State.ABANDONED: ("Aborted", "idle"),
    }
)
STANDINGS: Final[Mapping[Standing, tuple[str, Tone]]] = MappingProxyType(
    {
        Standing.DONE: ("done", "good"),
        Standing.CLOSED: ("closed", "good"),
        Standing.TURNING: ("turning", "busy"),
        Standing.FAILED: ("failed", "bad"),
        Standing.INACTIVE: ("app deactivated", "warn"),
        Standing.SKIPPED: ("left out", "idle"),
        Standing.WAITING: ("waiting", ""),
    }
)
"""In the order in which bars show them."""
NOT_BEGUN: Final[tuple[str, Tone]] = ("not begun", "")
"""How a member stands that waited when its rollout was aborted."""
LEFT_OPEN: Final[tuple[str, Tone]] = ("NOT CLOSED by this", "bad")
"""How an app stands for which an emergency does nothing more, and that it has not closed."""


def state_of(one: Rollout) -> tuple[str, Tone]:
    """Return where a rollout in waves stands; who was left out makes it no plain success."""
    text, tone = STATES[one.state]
    return text, "idle" if one.state is State.FINISHED and one.told else tone


def word_of(standing: Standing, kind: Kind = Kind.WAVES, *, over: bool = False) -> tuple[str, Tone]:
    """Return how a member stands, in a word and a tone; in a rollout that is over nobody waits."""
    text, tone = _told(standing, kind, over=over)
    return text, tone or "idle"


def _told(standing: Standing, kind: Kind, *, over: bool = False) -> tuple[str, Tone]:
    if over and standing is Standing.WAITING:
        return NOT_BEGUN
    if kind is Kind.EMERGENCY and standing is Standing.FAILED:
        return "NOT CLOSED", "bad"
    if kind is Kind.EMERGENCY and standing is Standing.SKIPPED:
        return LEFT_OPEN
    return STANDINGS[standing]


def parts_of(
    counts: Mapping[Standing, int], kind: Kind = Kind.WAVES, *, over: bool = False
) -> Sequence[Part]:
    """Return how many stand how, as the parts of a bar."""
    return [
        Part(counts.get(each, 0), *_told(each, kind, over=over), faint=each is Standing.CLOSED)
        for each in STANDINGS
    ]


def rows_of(seen: RolloutView) -> Sequence[Row]:
    """Return the waves of a rollout as the rows of a picture."""
    return [
        _row(seen, number, text, seen.counts.get(number, {}))
        for number, text in enumerate(seen.rollout.waves, 1)
    ]


def sum_of(seen: RolloutView) -> Mapping[Standing, int]:
    """Return how many stand how, over all waves."""
    return {each: sum(wave.get(each, 0) for wave in seen.counts.values()) for each in STANDINGS}


def _row(seen: RolloutView, number: int, text: str, counts: Mapping[Standing, int]) -> Row:
    whole, tone = sum(counts.values()), _tone(seen, number, counts)
    told = f"{counts.get(Standing.DONE, 0):,} of {whole:,} turned"
    if tone == "warn":
        told = "awaits approval"
    parts = parts_of(counts, over=seen.rollout.state in ENDED)
    return Row(f"Wave {number}", parts, tone, told if whole else "empty", text)


def _tone(seen: RolloutView, number: int, counts: Mapping[Standing, int]) -> Tone:
    one, skipped = seen.rollout, counts.get(Standing.SKIPPED, 0)
    if counts.get(Standing.FAILED):
        return "bad"
    if sum(counts.values()) == counts.get(Standing.DONE, 0) + skipped:
        return "idle" if skipped else "good"
    if one.wave == number and one.state is State.AWAITING:
        return "warn"
    under_way = sum(counts.get(each, 0) for each in (Standing.TURNING, Standing.CLOSED))
    return "busy" if under_way or (one.wave == number and one.state is State.RUNNING) else "idle"
