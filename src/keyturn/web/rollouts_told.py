"""Rollouts and emergencies in the words, tones and bars of pages."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from keyturn.domain.rollout import Kind, Standing, State
from keyturn.services.rollouts import RolloutView
from keyturn.web.pictures.shares import Part, Row
from keyturn.web.pictures.tones import Tone

STATES: Final[Mapping[State, tuple[str, Tone]]] = MappingProxyType(
    {
        State.AWAITING: ("Awaits approval", "warn"),
        State.RUNNING: ("Running", "busy"),
        State.HALTED: ("Halted", "bad"),
        State.FINISHED: ("Finished", "good"),
        State.ABANDONED: ("Abandoned", "idle"),
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
OVER: Final = (Standing.DONE, Standing.SKIPPED)


def word_of(standing: Standing, kind: Kind = Kind.WAVES) -> tuple[str, Tone]:
    """Return how a member stands, in a word and a tone."""
    if kind is Kind.EMERGENCY and standing is Standing.FAILED:
        return "NOT CLOSED", "bad"
    text, tone = STANDINGS[standing]
    return text, tone or "idle"


def parts_of(counts: Mapping[Standing, int], kind: Kind = Kind.WAVES) -> Sequence[Part]:
    """Return how many stand how, as the parts of a bar."""
    return [
        Part(counts.get(each, 0), word_of(each, kind)[0], tone, faint=each is Standing.CLOSED)
        for each, (_, tone) in STANDINGS.items()
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
    whole, over = sum(counts.values()), sum(counts.get(each, 0) for each in OVER)
    told, tone = f"{over:,} of {whole:,}", _tone(seen, number, whole - over, counts)
    if tone == "warn":
        told = "awaits approval"
    return Row(f"Wave {number}", parts_of(counts), tone, told if whole else "empty", text)


def _tone(seen: RolloutView, number: int, left: int, counts: Mapping[Standing, int]) -> Tone:
    one = seen.rollout
    if counts.get(Standing.FAILED):
        return "bad"
    if not left:
        return "good"
    if one.wave == number and one.state is State.AWAITING:
        return "warn"
    under_way = sum(counts.get(each, 0) for each in (Standing.TURNING, Standing.CLOSED))
    return "busy" if under_way or (one.wave == number and one.state is State.RUNNING) else "idle"
