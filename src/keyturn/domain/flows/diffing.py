"""What differs between two flows in what they do, however their files are written.

Decides which cards are the same: those of one id, or without ids those of one name, in the order
in which they stand in the same lane. Shows what stands in a file in short, and nothing of it that
looks like a secret.
"""

import json
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Final, TypeAlias

from keyturn.domain.flows.definition import Card, Flow, OnError
from keyturn.domain.flows.expressions import (
    OPEN,
    WRITTEN_OPEN,
    Constant,
    Expression,
    Items,
    Members,
    Reference,
    Template,
)
from keyturn.domain.flows.reading import NUMBERED
from keyturn.domain.flows.spotting import looks_secret
from keyturn.domain.flows.values import MASK, Value, text_of

SHOWN_MAX: Final = 60


class How(StrEnum):
    """How something differs."""

    ADDED = "added"
    REMOVED = "removed"
    MOVED = "moved"
    CHANGED = "changed"


@dataclass(frozen=True)
class Change:
    """One difference: where, by the names of cards and inputs, and from what to what.

    ``before`` and ``after`` are as people may see them, empty where there is nothing.
    """

    how: How
    where: str
    before: str = ""
    after: str = ""

    def __str__(self) -> str:
        if self.how is How.CHANGED:
            return f"{self.how} {self.where}: {self.before} -> {self.after}"
        told = self.before or self.after
        return f"{self.how} {self.where}{f': {told}' if told else ''}"


Key: TypeAlias = tuple[str | int, ...]
"""What tells a card from all others, in both flows."""
Facts: TypeAlias = Mapping[str, str]
"""What is said of something, as it is written, by what it is about."""


@dataclass(frozen=True)
class Placed:
    """A card, what it is called in a difference, and the lane that it lies in."""

    card: Card
    name: str
    lane: Key
    number: int


def diff_flows(before: Flow, after: Flow) -> tuple[Change, ...]:
    """Return what differs between two flows; cards in the order of the second, then those gone."""
    old, new = dict(_placed(before.cards, ())), dict(_placed(after.cards, ()))
    moved = _moved(old, new)
    changes = [*_compared("", _facts(before), _facts(after))]
    for key, card in new.items():
        if key not in old:
            changes.append(Change(How.ADDED, card.name, after=card.card.spec.name))
            continue
        if key in moved:
            was, now = (f"place {one.number}{_of(one)}" for one in (old[key], card))
            changes.append(Change(How.MOVED, card.name, after=f"{was} -> {now}"))
        changes += _compared(card.name, _facts_of(old[key].card), _facts_of(card.card))
    gone = [one for key, one in old.items() if key not in new]
    changes += [Change(How.REMOVED, one.name, before=one.card.spec.name) for one in gone]
    return tuple(changes)


# --- which cards are the same ---------------------------------------------------------------------


def _placed(cards: Sequence[Card], lane: Key) -> Iterator[tuple[Key, Placed]]:
    """Give all cards with what tells them apart; one without an id is the nth of its name."""
    counts: dict[str, int] = {}
    for number, card in enumerate(cards, 1):
        name, key = f"card {card.id}", Key((card.id,))
        if NUMBERED.fullmatch(card.id):
            nth = counts[card.spec.name] = counts.get(card.spec.name, 0) + 1
            name, key = f"card {card.spec.name}[{nth}]", (*lane, card.spec.name, nth)
            name += _in_lane(lane)
        yield key, Placed(card, name, lane, number)
        for lane_name, inner in card.lanes.items():
            yield from _placed(inner, (*key, lane_name))
        for case, (_, inner) in enumerate(card.cases, 1):
            yield from _placed(inner, (*key, "case", case))


def _in_lane(lane: Key) -> str:
    return f" in {' '.join(map(str, lane))}" if lane else ""


def _of(one: Placed) -> str:
    return _in_lane(one.lane)


def _moved(old: Mapping[Key, Placed], new: Mapping[Key, Placed]) -> set[Key]:
    """Return which cards are in another lane, or in another order among those that are in both.

    As few as can be: those that stay are the longest row that is in the same order in both.
    """
    moved = {key for key in new if key in old and old[key].lane != new[key].lane}
    lanes: dict[Key, list[Key]] = {}
    for key, one in new.items():
        if key in old and key not in moved:
            lanes.setdefault(one.lane, []).append(key)
    for keys in lanes.values():
        stay = _longest_rise([old[key].number for key in keys])
        moved |= {key for number, key in enumerate(keys) if number not in stay}
    return moved


def _longest_rise(numbers: Sequence[int]) -> set[int]:
    """Return at which places the numbers stand that make the longest row of rising ones."""
    tails: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for place, number in enumerate(numbers):
        length = bisect_left(tails, number)
        tails[length : length + 1] = [number]
        ends[length : length + 1] = [place]
        before.append(ends[length - 1] if length else -1)
    row, place = set[int](), ends[-1] if ends else -1
    while place >= 0:
        row.add(place)
        place = before[place]
    return row


# --- what is said of them -------------------------------------------------------------------------


def _compared(where: str, before: Facts, after: Facts) -> Iterator[Change]:
    for name in dict.fromkeys((*before, *after)):
        at = f"{where}.{name}" if where else name
        if name not in before:
            yield Change(How.ADDED, at, after=_short(after[name]))
        elif name not in after:
            yield Change(How.REMOVED, at, before=_short(before[name]))
        elif before[name] != after[name]:
            yield Change(How.CHANGED, at, _short(before[name]), _short(after[name]))


def _facts(flow: Flow) -> Facts:
    told = {"flow": flow.name, "start.kind": flow.start.kind, "history": flow.history}
    told |= {"description": flow.description, "start.security": flow.start.security}
    told |= {f"secrets.{name}": path for name, path in flow.secrets.items()}
    told |= {f"outputs.{name}": kind for name, kind in flow.outputs.items()}
    for each in fields(flow.limits):
        limit = getattr(flow.limits, each.name)
        told |= {} if limit is None else {f"limits.{each.name}": text_of(limit)}
    for group, kinds in flow.start.fields.items():
        told |= {f"start.{group}.{name}": kind for name, kind in kinds.items()}
    told |= {f"start.{name}": text_of(value) for name, value in flow.start.settings.items()}
    return {name: str(value) for name, value in (told | _on_error(flow.on_error)).items() if value}


def _facts_of(card: Card) -> Facts:
    told = {"card": card.spec.name, "note": card.note, "connection": card.connection}
    told |= {"as": "" if card.item == "item" else card.item}
    told |= {} if card.timeout_s is None else {"timeout_s": text_of(card.timeout_s)}
    if card.retry:
        statuses = ", ".join(map(str, sorted(card.retry.statuses)))
        told["retry"] = f"{card.retry.times} times after {card.retry.after_s:g} s on {statuses}"
    for number, (when, _) in enumerate(card.cases, 1):
        told[f"cases[{number}].when"] = written(when)
    told |= _on_error(card.on_error)
    inputs = {name: text for one in card.inputs for name, text in _input(one, card.inputs[one])}
    return {name: text for name, text in told.items() if text} | inputs


def _on_error(on_error: OnError) -> dict[str, str]:
    if on_error.give is not None:
        return {"on_error": f"give {written(on_error.give)}"}
    return {"on_error": f"run {on_error.run}"} if on_error.run else {}


def _input(name: str, expression: Expression) -> Iterator[tuple[str, str]]:
    """Give what is said of an input, of each member for itself where it is an object."""
    match expression:
        case Members(of) if of:
            for member, each in of.items():
                yield from _input(f"{name}.{member}", each)
        case Constant(dict(of)) if of:
            for member, value in of.items():
                yield from _input(f"{name}.{member}", Constant(value))
        case _:
            yield f"with.{name}", written(expression)


def written(expression: Expression) -> str:
    """Return an expression as one reads it, in one line, members in the order of their names."""
    match expression:
        case Constant(value):
            return _json(value)
        case Reference():
            return str(expression)
        case Template(parts):
            texts = (p.replace(OPEN, WRITTEN_OPEN) if isinstance(p, str) else str(p) for p in parts)
            return _json("".join(texts))
        case Members(of):
            members = (f"{_json(name)}: {written(each)}" for name, each in sorted(of.items()))
            return f"{{{', '.join(members)}}}"
        case Items(of):
            return f"[{', '.join(map(written, of))}]"


def _json(value: Value) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _short(text: str) -> str:
    if looks_secret(text):
        return MASK
    return text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}... ({len(text)} characters)"
