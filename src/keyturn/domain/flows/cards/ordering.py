"""Cards that compare the items of lists: order, sameness, figures."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeAlias

from keyturn.domain.flows.cards.computing import (
    Example,
    Given,
    compared,
    computes,
    made_number,
    number_in,
    require_light,
    text,
    written,
)
from keyturn.domain.flows.cards.listing import GIVES_LIST, LIST
from keyturn.domain.flows.cards.paths import follow, path_of
from keyturn.domain.flows.cards.text import RESULT
from keyturn.domain.flows.failures import wrong_input
from keyturn.domain.flows.spec import CardSpec, Input, Output
from keyturn.domain.flows.values import Kind, Value, kind_of

Identity: TypeAlias = tuple[Kind, object]

_ORDERED: Final[tuple[set[Kind], ...]] = (set(), {Kind.NUMBER}, {Kind.TEXT})
_ORDERED_JSON: Final = json.JSONEncoder(sort_keys=True)
_BY: Final = Input(
    "by",
    Kind.ANY,
    "The path in each item that counts, as in `object.get`; null is the item itself.",
    required=False,
)
_GIVES_NUMBER: Final = (Output("number", Kind.NUMBER, "The number; null of an empty list."),)
_OTHER: Final = Input("other", Kind.LIST, "The other list.")


def identity(value: Value) -> Identity:
    """Return what is equal for values that are the same, and can be looked up."""
    if isinstance(value, dict | list):
        return kind_of(value), _ORDERED_JSON.encode(value)
    return kind_of(value), value


def _keyed(given: Given) -> list[tuple[Value, Value]]:
    """Return what counts of each item, and the item. Raises CardFailure for too much of it."""
    held = compared(given, "list")
    if given.get("by") is None:
        return [(item, item) for item in held]
    path = path_of(given, "by")
    return [(follow(item, path)[1], item) for item in held]


def _average(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers)


def _identities(given: Given, name: str) -> set[Identity]:
    return {identity(each) for each in compared(given, name)}


def _remove_duplicates(given: Given) -> Given:
    first: dict[Identity, Value] = {}
    for key, item in _keyed(given):
        first.setdefault(identity(key), item)
    return {"list": [*first.values()]}


def _sort(given: Given) -> Given:
    keyed = _keyed(given)
    present = [(key, item) for key, item in keyed if key is not None]
    if {kind_of(key) for key, _ in present} not in _ORDERED:
        raise wrong_input("list", "must have numbers only or texts only to be sorted by")
    down = text(given, "order") == "descending"
    present.sort(key=lambda pair: pair[0], reverse=down)  # type: ignore[arg-type,return-value]  # of one kind
    return {"list": [item for _, item in present] + [item for key, item in keyed if key is None]}


def _includes(given: Given) -> Given:
    held = compared(given, "list")
    require_light(given["item"], "item")
    wanted = identity(given["item"])
    index = next((at for at, each in enumerate(held) if identity(each) == wanted), None)
    return {"result": index is not None, "index": index}


def _difference(given: Given) -> Given:
    other = _identities(given, "other")
    return {"list": [item for key, item in _keyed(given) if identity(key) not in other]}


def _intersection(given: Given) -> Given:
    other = _identities(given, "other")
    return {"list": [item for key, item in _keyed(given) if identity(key) in other]}


def _group_by(given: Given) -> Given:
    groups: dict[str, list[Value]] = {}
    for key, item in _keyed(given):
        groups.setdefault(written(key), []).append(item)
    return {"groups": {**groups}}


def _figure(
    name: str, doc: str, compute: Callable[[list[float]], float], comes_to: float
) -> CardSpec:
    def run(given: Given) -> Given:
        numbers = [number_in(key, "list") for key, _ in _keyed(given)]
        return {"number": made_number(compute(numbers)) if numbers else None}

    numbers: list[Value] = [{"n": 2}, {"n": 3}, {"n": 7}]
    shown: Example = ({"list": numbers, "by": "n"}, {"number": comes_to})
    return computes(name, doc, run, LIST, _BY, outputs=_GIVES_NUMBER, example=shown)


CARDS: Final = (
    computes(
        "list.remove_duplicates",
        "Return a list in which nothing comes twice; the first one stays.",
        _remove_duplicates,
        LIST,
        _BY,
        outputs=GIVES_LIST,
        example=({"list": [1, 2, 1, "1"]}, {"list": [1, 2, "1"]}),
    ),
    computes(
        "list.sort",
        "Sort a list by numbers or by texts; what is null or missing comes last, and what is the "
        "same stays in its order.",
        _sort,
        LIST,
        _BY,
        Input(
            "order",
            Kind.TEXT,
            "Which way; texts by their Unicode numbers, capitals first.",
            required=False,
            default="ascending",
            options=("ascending", "descending"),
        ),
        outputs=GIVES_LIST,
        example=(
            {"list": [{"login": "grace"}, {"login": "ada"}], "by": "login"},
            {"list": [{"login": "ada"}, {"login": "grace"}]},
        ),
    ),
    computes(
        "list.includes",
        "Say whether an item stands in a list, and where first.",
        _includes,
        LIST,
        Input("item", Kind.ANY, "The item."),
        outputs=(RESULT, Output("index", Kind.NUMBER, "The place, from 0; null for none.")),
        example=({"list": ["a", "b"], "item": "b"}, {"result": True, "index": 1}),
    ),
    computes(
        "list.difference",
        "Return the items of a list that another has not.",
        _difference,
        LIST,
        _OTHER,
        outputs=GIVES_LIST,
        example=({"list": ["a", "b", "c"], "other": ["b"]}, {"list": ["a", "c"]}),
    ),
    computes(
        "list.intersection",
        "Return the items of a list that another has as well.",
        _intersection,
        LIST,
        _OTHER,
        outputs=GIVES_LIST,
        example=({"list": ["a", "b", "c"], "other": ["b", "x"]}, {"list": ["b"]}),
    ),
    computes(
        "list.group_by",
        "Sort the items of a list into lists, by what lies at a path of each.",
        _group_by,
        LIST,
        replace(_BY, required=True, doc="The path in each item, as in `object.get`."),
        outputs=(Output("groups", Kind.OBJECT, "Lists, by what lies there as a text."),),
        example=(
            {"list": [{"id": 1, "on": True}, {"id": 2, "on": False}], "by": "on"},
            {"groups": {"true": [{"id": 1, "on": True}], "false": [{"id": 2, "on": False}]}},
        ),
    ),
    _figure("list.sum", "Add the numbers of a list.", sum, 12),
    _figure("list.average", "Return the average of a list's numbers.", _average, 4),
    _figure("list.minimum", "Return the smallest number of a list.", min, 2),
    _figure("list.maximum", "Return the largest number of a list.", max, 7),
)
