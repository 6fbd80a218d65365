"""What flows cost is known and bounded: memory, the time of one card, the size of a file."""

import json
import tracemalloc
from collections.abc import Callable

import pytest
from card_kit import computed, refusal

from keyturn.domain.flows.cards.computing import ITEMS_MAX, LOOKED_BYTES, READ_MAX
from keyturn.domain.flows.cards.csv_text import CELLS_MAX, COLUMNS_MAX
from keyturn.domain.flows.checking import check, examine
from keyturn.domain.flows.reading import INPUTS_MAX
from keyturn.domain.flows.spotting import find_keys
from keyturn.domain.flows.values import Value, size_of

HEAD = "flow: a\nstart: {kind: helper}\ncards:\n"
SHAPES: dict[str, Callable[[], Value]] = {
    "numbers": lambda: [*range(1000, 40_000)],
    "fractions": lambda: [n / 7 for n in range(20_000)],
    "texts": lambda: [f"user{n}" for n in range(20_000)],
    "a text": lambda: "x" * 10**6,
    "a text of others": lambda: "é😀" * 10**5,
    "records": lambda: json.loads(
        json.dumps([{"id": f"u{n}", "profile": {"login": f"l{n}"}, "n": [n]} for n in range(3000)])
    ),
    "an object": lambda: {f"k{n}": n + 1000 for n in range(20_000)},
    "lists": lambda: [[n + 1000] for n in range(20_000)],
}


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_a_value_counts_for_the_memory_that_it_takes(shape: str) -> None:
    """Within a half of what CPython says that it took."""
    SHAPES[shape]()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        value = SHAPES[shape]()
        took = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert took / 1.5 <= size_of(value) <= took * 1.5


MANY: list[Value] = [0] * (ITEMS_MAX + 1)
HEAVY: list[Value] = [["x" * 1000] * 1000] * (LOOKED_BYTES // 10**6 + 1)


@pytest.mark.parametrize(
    ("card", "given"),
    [
        ("list.range", {"start": 0, "end": ITEMS_MAX + 1}),
        ("text.split", {"text": "," * ITEMS_MAX, "separator": ","}),
        ("list.sort", {"list": MANY}),
        ("list.pluck", {"list": MANY, "path": "a"}),
        ("list.remove_duplicates", {"list": HEAVY}),
        ("list.includes", {"list": HEAVY, "item": 1}),
        ("list.intersection", {"list": [], "other": HEAVY}),
        ("object.keys", {"object": dict.fromkeys(map(str, range(ITEMS_MAX + 1)))}),
        ("json.stringify", {"value": HEAVY}),
        ("json.parse", {"text": "1" * (READ_MAX + 1)}),
        ("csv.parse", {"text": "1" * (READ_MAX + 1)}),
        ("url.encode", {"text": "1" * (READ_MAX + 1)}),
        ("url.decode", {"text": "1" * (READ_MAX + 1)}),
        (
            "csv.stringify",
            {"list": [{}] * (CELLS_MAX // 1000 + 1), "columns": [*map(str, range(COLUMNS_MAX))]},
        ),
    ],
)
def test_no_card_takes_or_makes_so_much(card: str, given: dict[str, Value]) -> None:
    """What would keep others waiting is refused before it is begun."""
    assert refusal(card, **given).startswith("invalid_input: ")


def test_a_card_takes_and_makes_as_much_as_it_may() -> None:
    """The last number of items is one that can be worked with."""
    held = computed("list.range", start=0, end=ITEMS_MAX)["list"]
    assert computed("list.reverse", list=held)["list"]


def test_a_flow_has_so_many_inputs() -> None:
    """However they are spread over its cards."""
    card = f"- {{card: flow.assign, with: {{{', '.join(f'k{n}: 1' for n in range(500))}}}}}\n"
    assert not [each for each in check(HEAD + card * 4) if "inputs" in each.rule]
    (found,) = check(HEAD + card * 5)
    assert found.rule == f"all cards are given at most {INPUTS_MAX:,} inputs"
    assert (found.where, found.line) == ("cards[5].with", 8)


def test_a_flow_is_read_once_where_it_is_checked() -> None:
    """Whoever has looked at a text has its flow."""
    found, flow = examine(HEAD + "- {card: flow.return}\n")
    assert (found, flow and flow.name) == ((), "a")
    assert examine(HEAD)[1] is None


def test_keys_in_one_long_line_are_found_in_it() -> None:
    """The line of each is looked up, and not counted anew from the start."""
    key = "Zm9vYmFy0QxW7rT2kLp9VbN4sHd6JgAe"
    (found,) = find_keys("a: 1\n" + f"{key} " * 4000 + "\n")
    assert found.line == 2
