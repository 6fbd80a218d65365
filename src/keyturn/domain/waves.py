"""Waves: which rotation of a rollout turns in which of them, and why there.

Decides by what is known of each rotation alone; each is in one wave. Knows no clock and no store.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from urllib.parse import urlsplit

from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.domain.ids import AppId, RotationId
from keyturn.domain.selector import Subject, parse_selector

PREVIEW, REST = "preview", "rest"
PREVIEW_HOSTS = ".oktapreview.com"
WAVES_MAX = 50
CALLS_A_TURN = 5
"""List, add, list again at the gate, deactivate, delete; probes are not management calls."""

_COUNT = re.compile(r"([1-9]\d{0,5})(%?)")
_RULE = (
    f"must be `{PREVIEW}`, `{REST}`, a share like 10%, a number like 50, or a selector like label=x"
)


@dataclass(frozen=True)
class Candidate:
    """A rotation that a rollout is to turn.

    ``subject`` is what selectors pick it by, ``org`` the address of its org. ``lasts_s`` is how
    long its turn waits in overlap and soak before the next wave may begin, ``ends_s`` before it has
    finished. ``until_next`` is whether its overlap lasts until the turn after this one.
    """

    rotation_id: RotationId
    app_id: AppId
    subject: Subject
    org: str
    lasts_s: int = 0
    ends_s: int = 0
    until_next: bool = False

    @property
    def preview(self) -> bool:
        """Say whether its org is one for trying things out (Okta's Preview cells)."""
        return (urlsplit(self.org).hostname or "").endswith(PREVIEW_HOSTS)

    @property
    def pair(self) -> tuple[str, str, str]:
        """Return what those in Preview orgs and in Production have alike that belong together."""
        of = self.subject
        return of.project, of.path, of.rotation

    @property
    def name(self) -> str:
        """Return the rotation's name with its place."""
        of = self.subject
        return f"{of.project}/{of.environment}{of.path}:{of.rotation}"


@dataclass(frozen=True)
class Placed:
    """A candidate in its wave; ``behind`` is the number of the one that has to be good before."""

    candidate: Candidate
    number: int
    wave: int
    why: str
    behind: int = 0


@dataclass(frozen=True)
class Cut:
    """Candidates in waves; ``waves`` is how each wave was cut, with what was left over as one."""

    waves: tuple[str, ...]
    members: tuple[Placed, ...]


@dataclass(frozen=True)
class Estimate:
    """What a wave asks of Okta, and how long it takes at the rate that is known.

    After ``lasts_s`` the next may begin, after ``ends_s`` every turn of it has finished.
    """

    calls: int
    lasts_s: int
    ends_s: int


def require_waves(texts: Iterable[str]) -> tuple[str, ...]:
    """Return waves as they are kept; none are one of all. Raises InvalidInput."""
    waves = tuple(_required(text.strip()) for text in texts) or (REST,)
    if len(waves) > WAVES_MAX:
        raise InvalidInput(FieldProblem(("waves",), f"must be at most {WAVES_MAX}"))
    return waves


def cut(candidates: Iterable[Candidate], waves: Sequence[str]) -> Cut:
    """Put each candidate in the first wave that takes it, in the order of their names.

    A share is of all, rounded up. A rotation in Production waits for one of the same name and path
    in a Preview org, and is in no wave before that one's.
    """
    ordered = sorted(candidates, key=lambda each: (each.name, each.rotation_id))
    left, taken = ordered, dict[RotationId, Placed]()
    cuts = list(waves)
    for wave, text in enumerate((*waves, REST), 1):
        chosen = _chosen(text, left, len(ordered))
        if chosen and wave > len(waves):
            cuts.append(REST)
        taken |= {each.rotation_id: Placed(each, 0, wave, _why(text)) for each in chosen}
        left = [each for each in left if each.rotation_id not in taken]
    return Cut(tuple(cuts), _numbered(taken, _gates(ordered)))


def untried(
    wanted: Sequence[Candidate], every: Iterable[Candidate]
) -> Mapping[RotationId, Sequence[str]]:
    """Name, of those in Production, whom in a Preview org they do not wait for: it is not wanted.

    ``every`` is what there is, wanted or not.
    """
    among = {each.rotation_id for each in wanted}
    absent = _paired(each for each in every if each.preview and each.rotation_id not in among)
    return {
        each.rotation_id: sorted(one.name for one in absent[each.pair])
        for each in wanted
        if not each.preview and each.pair in absent
    }


def estimate(members: Iterable[Placed], calls_per_min: Mapping[str, int]) -> Mapping[int, Estimate]:
    """Tell for each wave how many calls it is and how long it takes; orgs are turned side by side.

    ``calls_per_min`` is what each org, by its address, lets Keyturn call in a minute.
    """
    waves: dict[int, list[Candidate]] = {}
    for each in members:
        waves.setdefault(each.wave, []).append(each.candidate)
    return {wave: _estimated(every, calls_per_min) for wave, every in sorted(waves.items())}


def _estimated(every: Sequence[Candidate], calls_per_min: Mapping[str, int]) -> Estimate:
    by_org: dict[str, int] = {}
    for each in every:
        by_org[each.org] = by_org.get(each.org, 0) + CALLS_A_TURN
    calling = max(-(-calls * 60 // calls_per_min[org]) for org, calls in by_org.items())
    lasts_s = calling + max(each.lasts_s for each in every)
    ends_s = calling + max(each.ends_s for each in every)
    return Estimate(sum(by_org.values()), lasts_s, ends_s)


def _required(text: str) -> str:
    count = _COUNT.fullmatch(text)
    if text in {PREVIEW, REST} or (count and (not count[2] or int(count[1]) <= 100)):
        return text
    if "=" not in text:
        raise InvalidInput(FieldProblem(("waves",), _RULE))
    return str(parse_selector(text, "waves"))


def _chosen(text: str, left: Sequence[Candidate], total: int) -> Sequence[Candidate]:
    if text == REST:
        return left
    if text == PREVIEW:
        return [each for each in left if each.preview]
    if count := _COUNT.fullmatch(text):
        size = int(count[1])
        return left[: -(-total * size // 100) if count[2] else size]
    fits = parse_selector(text).fits
    return [each for each in left if fits(each.subject)]


def _why(text: str) -> str:
    count = _COUNT.fullmatch(text)
    if count:
        return f"the next {text} of all by name" if count[2] else f"the next {text} by name"
    known = {PREVIEW: "its org is a Preview org", REST: "none of the waves before took it"}
    return known.get(text, f"fits {text}")


def _gates(ordered: Iterable[Candidate]) -> Mapping[RotationId, Candidate]:
    """Return who has to be good before whom: Preview orgs before Production, one by one."""
    gates: dict[RotationId, Candidate] = {}
    for group in _paired(ordered).values():
        tried = [each for each in group if each.preview]
        gates |= {later.rotation_id: earlier for earlier, later in pairwise(tried)}
        if tried:
            gates |= {each.rotation_id: tried[-1] for each in group if not each.preview}
    return gates


def _paired(candidates: Iterable[Candidate]) -> Mapping[tuple[str, str, str], list[Candidate]]:
    pairs: dict[tuple[str, str, str], list[Candidate]] = {}
    for each in candidates:
        pairs.setdefault(each.pair, []).append(each)
    return pairs


def _numbered(
    taken: Mapping[RotationId, Placed], gates: Mapping[RotationId, Candidate]
) -> tuple[Placed, ...]:
    """Give numbers by wave and name; who waits for another comes behind it, in no earlier wave."""
    placed = dict(taken)
    for later, gate in gates.items():  # a gate has been moved before what waits for it
        wave = placed[gate.rotation_id].wave
        if placed[later].wave < wave:
            why = f"{placed[later].why}, but waits for {gate.name}"
            placed[later] = replace(placed[later], wave=wave, why=why)
    ranks = {each: rank for rank, each in enumerate(placed)}
    ordered = sorted(
        placed.values(),
        key=lambda one: (
            one.wave,
            _depth(one.candidate, gates),
            one.candidate.name,
            ranks[one.candidate.rotation_id],
        ),
    )
    numbers = {one.candidate.rotation_id: number for number, one in enumerate(ordered, 1)}
    behind = {later: numbers[gate.rotation_id] for later, gate in gates.items()}
    return tuple(
        replace(one, number=number, behind=behind.get(one.candidate.rotation_id, 0))
        for number, one in enumerate(ordered, 1)
    )


def _depth(candidate: Candidate, gates: Mapping[RotationId, Candidate]) -> int:
    """Count how many have to be good before it."""
    depth, gate = 0, gates.get(candidate.rotation_id)
    while gate:
        depth, gate = depth + 1, gates.get(gate.rotation_id)
    return depth
