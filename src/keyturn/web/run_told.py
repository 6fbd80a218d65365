"""A run as people read it: card by card, with what each took and gave as far as it may be seen."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from markupsafe import Markup

from keyturn.domain.flows.definition import Card, Flow
from keyturn.domain.flows.reading import NUMBERED
from keyturn.domain.flows.values import Value
from keyturn.services.run_history import INSIDE, RunView
from keyturn.web.flow_told import seconds
from keyturn.web.pictures.flow_graph import START, Mark, draw_flow

STEPS_MAX: Final = 200
"""How many cards of a run are told one by one: the newest."""
VALUE_MAX: Final = 2_000
"""How many characters of a value are shown."""
ANSWERS: Final = frozenset(
    {"flow.return", "flow.return_raw", "flow.close", "error.return_error", "error.raise"}
)
"""The cards by which a flow answers."""
PICTURE: Final = "run"
_STEP: Final = re.compile(r"\.([a-z_]+)(?:\[(\d+)\])?\.(\d+)")
"""A lane, of which of its items or cases, and the number of a card in it."""


@dataclass(frozen=True)
class Told:
    """One card of a run: ``state`` is done, failed or current; texts are JSON, cut where long."""

    number: int
    title: str
    kind: str
    position: str
    state: str
    word: str
    began_at: datetime
    inputs: str
    outputs: str
    error: str
    inside: bool
    """Whether it is of another flow, which this one ran."""
    replays: str
    """The id of a card from which the run can be run again, empty for any other."""


def steps_of(found: RunView) -> Sequence[Told]:
    """Return the newest cards of a run, the oldest first."""
    cards = _cards(found)
    first = max(0, len(found.steps) - STEPS_MAX)
    return [
        _told(number, step, cards, live=found.run.ended_at is None)
        for number, step in enumerate(found.steps[first:], first + 1)
    ]


def draw_run(found: RunView) -> Markup | None:
    """Draw the flow of a run with how each card went; None where it cannot be read."""
    if found.view.problem:
        return None
    flow, live = found.view.flow, found.run.ended_at is None
    own: dict[str, list[dict[str, Any]]] = {}
    for step in found.steps:
        if INSIDE not in step["position"]:
            own.setdefault(step["card_id"], []).append(step)
    marks = {card_id: _mark(steps, live=live) for card_id, steps in own.items()}
    known = {card.id for card in flow.every_card}
    waits = {_way_of(each): Mark("busy", "sleeps") for each in found.waits if INSIDE not in each}
    title = f"What the run of {flow.name} did"
    shown = {START: Mark("good", "it has begun")} | waits
    shown |= {each: mark for each, mark in marks.items() if each in known}
    return draw_flow(PICTURE, flow, marks=shown, title=title)


def _way_of(position: str) -> str:
    """Return the way in the file to a card that stands at a position of a run."""
    first, *lanes = _STEP.findall(f".cards.{position}")
    told = [f"cards[{first[2]}]"]
    for lane, case, number in lanes:
        told.append(f"cases[{case}].then[{number}]" if lane == "case" else f"{lane}[{number}]")
    return ".".join(told)


def answer_of(found: RunView) -> str:
    """Return what a run answered, masked as its history is; empty where it did not."""
    gave = [
        step["outputs"]
        for step in found.steps
        if step["card"] in ANSWERS and INSIDE not in step["position"] and step["ended_at"]
    ]
    return pretty(gave[-1]) if gave and gave[-1] not in (None, {}) else ""


def pretty(value: Value) -> str:
    """Return a value as JSON, cut where it is long; halves of characters are replaced."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    text = text.encode(errors="replace").decode()
    if len(text) <= VALUE_MAX:
        return text
    return f"{text[:VALUE_MAX]}\n… ({len(text):,} characters: the command below prints all)"


def _cards(found: RunView) -> Mapping[str, Card]:
    flow: Flow | None = None if found.view.problem else found.view.flow
    return {card.id: card for card in flow.every_card} if flow else {}


def _told(number: int, step: Mapping[str, Any], cards: Mapping[str, Card], *, live: bool) -> Told:
    inside = INSIDE in step["position"]
    began_at = datetime.fromisoformat(step["began_at"])
    state, word = _state(step, live=live)
    card_id, own = step["card_id"], not inside and step["position"].isdigit()
    return Told(
        number=number,
        title=_title(card_id, step["card"], None if inside else cards.get(card_id)),
        kind=step["card"],
        position=step["position"],
        state=state,
        word=word,
        began_at=began_at,
        inputs=_shown(step["inputs"]),
        outputs="" if step["error"] else _shown(step["outputs"]),
        error=_error(step["error"]),
        inside=inside,
        replays=card_id if own else "",
    )


def _title(card_id: str, kind: str, card: Card | None) -> str:
    """Return what a card is called, as in the picture."""
    if not NUMBERED.fullmatch(card_id):
        return card_id
    return (card.note if card else "") or kind.partition(".")[2].replace("_", " ").capitalize()


def _state(step: Mapping[str, Any], *, live: bool) -> tuple[str, str]:
    if step["error"]:
        return "failed", "failed"
    if step["ended_at"]:
        return "done", f"took {_took(step)}"
    return ("current", "waits for an answer") if live else ("done", "answered after the end")


def _took(step: Mapping[str, Any]) -> str:
    began, ended = (datetime.fromisoformat(step[name]) for name in ("began_at", "ended_at"))
    return seconds(max(0.0, (ended - began).total_seconds()))


def _error(error: Value) -> str:
    if not isinstance(error, dict):
        return str(error) if error else ""
    told = f"{error.get('kind', '')}: {error.get('message', '')}"
    return told[:VALUE_MAX].encode(errors="replace").decode()


def _shown(value: Value) -> str:
    return "" if value in (None, {}) else pretty(value)


def _mark(steps: Sequence[Mapping[str, Any]], *, live: bool) -> Mark:
    last = steps[-1]
    state, word = _state(last, live=live)
    times = f"ran {len(steps)} times" if len(steps) > 1 else word
    failed = _failures(steps)
    if state == "failed":
        return Mark("bad", _error(last["error"]))
    if state == "current":
        return Mark("busy", word)
    return Mark("warn", f"{times}, failed {failed}") if failed else Mark("good", times)


def _failures(steps: Iterable[Mapping[str, Any]]) -> int:
    return sum(bool(each["error"]) for each in steps)
