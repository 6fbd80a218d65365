"""In which order the cards of an export run, and which lie in lanes.

An export has its cards in the order in which somebody made them, with pairs that say what comes
before what; a card that branches names the first card of each lane, and a join follows the lanes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Final, TypeAlias

from keyturn.domain.flows.flopack.shapes import Chart, LeftOut, PackCard
from keyturn.domain.flows.reading import LANES_DEEP
from keyturn.domain.flows.values import Value

EXPAND: Final = "object:expand"
"""What stands for the parts of another card's output, and is no card that anybody sees."""
Edges: TypeAlias = "set[tuple[int, int]]"


@dataclass(frozen=True)
class Step:
    """A card with the lanes that lie in it, by what its branches are called."""

    card: PackCard
    lanes: "tuple[tuple[Value, tuple[Step, ...]], ...]" = ()

    @property
    def inside(self) -> frozenset[str]:
        """Return the uuids of all cards in its lanes, however deep."""
        steps = [each for _, lane in self.lanes for each in lane]
        return frozenset(each.card.uuid for each in steps).union(*(each.inside for each in steps))


def arrange(chart: Chart) -> tuple[Step, ...]:
    """Return the cards of a chart as they run. Raises LeftOut where they run in a circle."""
    cards = [card for card in chart.cards if card.address != EXPAND]
    numbers = {card.uuid: number for number, card in enumerate(cards)}
    hard = _edges(numbers, chart.edges)
    heads = {
        numbers[card.uuid]: [(numbers[uuid], label) for uuid, label in card.branches.items()]
        for card in cards
        if card.branches and all(uuid in numbers for uuid in card.branches)
    }
    hard |= {(number, head) for number, lanes in heads.items() for head, _ in lanes}
    pinned = ((pin.card, to) for (to, _), pins in chart.pins.items() for pin in pins)
    order = _sorted(len(cards), hard | _edges(numbers, pinned)) or _sorted(len(cards), hard)
    if order is None:
        raise LeftOut("its cards come before each other in a circle")
    after = _after(order, hard)
    return _Nest(cards, heads, after).steps(order, 0)


def _edges(numbers: Mapping[str, int], pairs: Iterable[tuple[str, str]]) -> Edges:
    known = ((numbers.get(before), numbers.get(to)) for before, to in pairs)
    return {(a, b) for a, b in known if a is not None and b is not None and a != b}


def _sorted(count: int, edges: Edges) -> list[int] | None:
    """Return numbers in an order that keeps the edges, the smallest first; None for a circle."""
    following: list[list[int]] = [[] for _ in range(count)]
    waits = [0] * count
    for before, to in edges:
        following[before].append(to)
        waits[to] += 1
    ready = [number for number in range(count) if not waits[number]]
    order: list[int] = []
    while ready:
        order.append(heappop(ready))
        for to in following[order[-1]]:
            waits[to] -= 1
            if not waits[to]:
                heappush(ready, to)
    return order if len(order) == count else None


def _after(order: Sequence[int], edges: Edges) -> list[int]:
    """Return for each card itself and all that come after it, as bits."""
    following: dict[int, list[int]] = {}
    for before, to in edges:
        following.setdefault(before, []).append(to)
    after = [1 << number for number in range(len(order))]
    for number in reversed(order):
        for to in following.get(number, ()):
            after[number] |= after[to]
    return after


@dataclass(frozen=True)
class _Nest:
    cards: Sequence[PackCard]
    heads: Mapping[int, Sequence[tuple[int, Value]]]
    after: Sequence[int]

    def steps(self, order: Sequence[int], depth: int) -> tuple[Step, ...]:
        if depth > LANES_DEEP:
            raise LeftOut(f"lanes lie more than {LANES_DEEP} deep inside each other")
        steps, taken = list[Step](), 0
        for number in order:
            if taken >> number & 1:
                continue
            lanes = []
            for head, label in self.heads.get(number, ()):
                own = self._own(number, head) & ~taken
                lanes.append((label, self.steps([n for n in order if own >> n & 1], depth + 1)))
                taken |= own
            steps.append(Step(self.cards[number], tuple(lanes)))
        return tuple(steps)

    def _own(self, number: int, head: int) -> int:
        """Return what comes after one head of a card and after none of the others, as bits."""
        own, heads = self.after[head], self.heads[number]
        for other, _ in heads:
            if other != head:
                own &= ~self.after[other]
        if len(heads) == 1:
            for after, card in enumerate(self.cards):
                if own >> after & 1 and card.address == "control:join":
                    own &= ~self.after[after]
        return own
