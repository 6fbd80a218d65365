"""Cards that put lists together, take them apart, and find what stands where."""

from collections.abc import Iterator
from itertools import chain, islice
from typing import Final

from keyturn.domain.flows.cards.computing import (
    ITEMS_MAX,
    Given,
    computes,
    items,
    items_in,
    joined,
    moves,
    require_count,
    require_light,
    text,
    truth,
    whole,
)
from keyturn.domain.flows.cards.objects import DEFAULT, IF_MISSING, reached
from keyturn.domain.flows.cards.paths import PATH
from keyturn.domain.flows.failures import CardFailure, Failure, wrong_input
from keyturn.domain.flows.spec import Input, Output
from keyturn.domain.flows.values import Kind, Masked, Value

FLAT_MAX: Final = 10
LIST: Final = Input("list", Kind.LIST, "The list.")
GIVES_LIST: Final = (Output("list", Kind.LIST, "The new list."),)
_INDEX: Final = Input("index", Kind.NUMBER, "The place, from 0; below 0 from the end.")
_ITEM_OUT: Final = (
    Output("item", Kind.ANY, "What stands there, or the default."),
    Output("found", Kind.BOOLEAN, "Whether something stands there."),
)


def _construct(given: Given) -> Given:
    return {"list": [*items(given, "items")]}


def _at(given: Given) -> Given:
    return _item(given, whole(given, "index"))


def _first(given: Given) -> Given:
    return _item(given, 0)


def _last(given: Given) -> Given:
    return _item(given, -1)


def _item(given: Given, index: int) -> Given:
    held = items(given, "list")
    if -len(held) <= index < len(held):
        return {"item": held[index], "found": True}
    if text(given, "if_missing") == "fail":
        raise CardFailure(Failure.MISSING, "There is nothing at this place of the list.")
    return {"item": given.get("default"), "found": False}


def _length(given: Given) -> Given:
    return {"length": len(items(given, "list"))}


def _join(given: Given) -> Given:
    return {"text": joined(items(given, "list"), text(given, "separator"))}


def _concatenate(given: Given) -> Given:
    lists = [items_in(each, "lists") for each in items(given, "lists")]
    require_count(sum(map(len, lists)))
    return {"list": [*chain.from_iterable(lists)]}


def _push(given: Given) -> Given:
    return {"list": [*items(given, "list"), given.get("item")]}


def _insert(given: Given) -> Given:
    held, index = items(given, "list"), _place(given, beside=True)
    return {"list": [*held[:index], given.get("item"), *held[index:]]}


def _replace(given: Given) -> Given:
    held, index = items(given, "list"), _place(given)
    return {"list": [*held[:index], given.get("item"), *held[index + 1 :]]}


def _remove(given: Given) -> Given:
    held, index = items(given, "list"), _place(given)
    return {"list": held[:index] + held[index + 1 :], "item": held[index]}


def _place(given: Given, *, beside: bool = False) -> int:
    """Return a place that the list has, or the one beside the last."""
    length, index = len(items(given, "list")), whole(given, "index")
    if not -length <= index < length + beside:
        raise wrong_input("index", "must be a place that the list has")
    return index + length if index < 0 else index


def _slice(given: Given) -> Given:
    rest = items(given, "list")[whole(given, "start") :]
    if given.get("length") is None:
        return {"list": rest}
    return {"list": rest[: whole(given, "length", least=0)]}


def _reverse(given: Given) -> Given:
    return {"list": items(given, "list")[::-1]}


def _flatten(given: Given) -> Given:
    require_light(given["list"], "list")
    depth = whole(given, "depth", least=1, most=FLAT_MAX)
    flat = [*islice(_flat(items(given, "list"), depth), ITEMS_MAX + 1)]
    require_count(len(flat))
    return {"list": flat}


def _flat(held: list[Value], depth: int) -> Iterator[Value]:
    for each in held:
        if isinstance(each, Masked):
            raise wrong_input("list", "is hidden in part")
        if depth and isinstance(each, list):
            yield from _flat(each, depth - 1)
        else:
            yield each


def _range(given: Given) -> Given:
    step = whole(given, "step")
    if step == 0:
        raise wrong_input("step", "must not be zero")
    numbers = range(whole(given, "start"), whole(given, "end"), step)
    require_count(len(numbers))
    return {"list": [*numbers]}


def _pluck(given: Given) -> Given:
    path = given.get("path")
    skips = truth(given, "skip_missing")
    found = [reached(given, each, path) for each in items(given, "list")]
    return {"list": [value for there, value in found if there or not skips]}


def _chunk(given: Given) -> Given:
    held, size = items(given, "list"), whole(given, "size", least=1)
    return {"list": [held[start : start + size] for start in range(0, len(held), size)]}


CARDS: Final = (
    moves(
        computes(
            "list.construct",
            "Make a list.",
            _construct,
            Input("items", Kind.LIST, "What stands in it."),
            outputs=GIVES_LIST,
            example=({"items": ["a", 1, None]}, {"list": ["a", 1, None]}),
        )
    ),
    moves(
        computes(
            "list.at",
            "Return what stands at a place of a list.",
            _at,
            LIST,
            _INDEX,
            DEFAULT,
            IF_MISSING,
            outputs=_ITEM_OUT,
            example=({"list": ["a", "b"], "index": -1}, {"item": "b", "found": True}),
            failures=(Failure.MISSING,),
        )
    ),
    moves(
        computes(
            "list.first",
            "Return the first item of a list.",
            _first,
            LIST,
            DEFAULT,
            IF_MISSING,
            outputs=_ITEM_OUT,
            example=({"list": ["a", "b"]}, {"item": "a", "found": True}),
            failures=(Failure.MISSING,),
        )
    ),
    moves(
        computes(
            "list.last",
            "Return the last item of a list.",
            _last,
            LIST,
            DEFAULT,
            IF_MISSING,
            outputs=_ITEM_OUT,
            example=({"list": [], "default": "none"}, {"item": "none", "found": False}),
            failures=(Failure.MISSING,),
        )
    ),
    computes(
        "list.length",
        "Count the items of a list.",
        _length,
        LIST,
        outputs=(Output("length", Kind.NUMBER, "How many it has."),),
        example=({"list": ["a", "b"]}, {"length": 2}),
    ),
    computes(
        "list.join",
        "Write the items of a list as one text.",
        _join,
        Input("list", Kind.LIST, "The list; null is no text, an object or a list is its JSON."),
        Input("separator", Kind.TEXT, "What stands between them.", required=False, default=", "),
        outputs=(Output("text", Kind.TEXT, "The text."),),
        example=(
            {"list": ["okta.users.read", "openid"], "separator": " "},
            {"text": "okta.users.read openid"},
        ),
    ),
    moves(
        computes(
            "list.concatenate",
            "Make one list of several.",
            _concatenate,
            Input("lists", Kind.LIST, "The lists."),
            outputs=GIVES_LIST,
            example=({"lists": [[1, 2], [3]]}, {"list": [1, 2, 3]}),
        )
    ),
    moves(
        computes(
            "list.push",
            "Add an item to the end of a list.",
            _push,
            LIST,
            Input("item", Kind.ANY, "The item."),
            outputs=GIVES_LIST,
            example=({"list": [1, 2], "item": 3}, {"list": [1, 2, 3]}),
        )
    ),
    moves(
        computes(
            "list.insert",
            "Add an item before a place of a list.",
            _insert,
            LIST,
            Input("index", Kind.NUMBER, "The place, from 0 to the length; below 0 from the end."),
            Input("item", Kind.ANY, "The item."),
            outputs=GIVES_LIST,
            example=({"list": [1, 3], "index": 1, "item": 2}, {"list": [1, 2, 3]}),
        )
    ),
    moves(
        computes(
            "list.replace",
            "Put another item in a place of a list.",
            _replace,
            LIST,
            _INDEX,
            Input("item", Kind.ANY, "The item."),
            outputs=GIVES_LIST,
            example=({"list": [1, 3], "index": 1, "item": 2}, {"list": [1, 2]}),
        )
    ),
    moves(
        computes(
            "list.remove",
            "Take an item out of a list.",
            _remove,
            LIST,
            _INDEX,
            outputs=(*GIVES_LIST, Output("item", Kind.ANY, "What stood there.")),
            example=({"list": ["a", "b"], "index": 0}, {"list": ["b"], "item": "a"}),
        )
    ),
    moves(
        computes(
            "list.slice",
            "Return a part of a list.",
            _slice,
            LIST,
            Input("start", Kind.NUMBER, "From which place on, from 0; below 0 from the end."),
            Input("length", Kind.NUMBER, "How many items; null is the rest.", required=False),
            outputs=GIVES_LIST,
            example=({"list": ["a", "b", "c", "d"], "start": 1, "length": 2}, {"list": ["b", "c"]}),
        )
    ),
    moves(
        computes(
            "list.reverse",
            "Return a list from its end to its start.",
            _reverse,
            LIST,
            outputs=GIVES_LIST,
            example=({"list": [1, 2, 3]}, {"list": [3, 2, 1]}),
        )
    ),
    moves(
        computes(
            "list.flatten",
            "Put the items of the lists in a list into the list itself.",
            _flatten,
            LIST,
            Input(
                "depth",
                Kind.NUMBER,
                f"How deep, 1 to {FLAT_MAX}.",
                required=False,
                default=1,
            ),
            outputs=GIVES_LIST,
            example=({"list": [1, [2, [3]]]}, {"list": [1, 2, [3]]}),
        )
    ),
    computes(
        "list.range",
        "List whole numbers.",
        _range,
        Input("start", Kind.NUMBER, "The first one.", required=False, default=0),
        Input("end", Kind.NUMBER, "Where it ends; this number itself is left out."),
        Input("step", Kind.NUMBER, "From each to the next.", required=False, default=1),
        outputs=(Output("list", Kind.LIST, "The numbers."),),
        example=({"start": 1, "end": 8, "step": 2}, {"list": [1, 3, 5, 7]}),
    ),
    moves(
        computes(
            "list.pluck",
            "Return what lies at a path of each item of a list.",
            _pluck,
            LIST,
            PATH,
            DEFAULT,
            IF_MISSING,
            Input(
                "skip_missing",
                Kind.BOOLEAN,
                "Whether items that have none are left out.",
                required=False,
                default=False,
            ),
            outputs=(Output("list", Kind.LIST, "What lies there, in the order of the items."),),
            example=(
                {"list": [{"id": "00u1"}, {"id": "00u2"}], "path": "id"},
                {"list": ["00u1", "00u2"]},
            ),
            failures=(Failure.MISSING,),
        )
    ),
    moves(
        computes(
            "list.chunk",
            "Cut a list into lists of so many items.",
            _chunk,
            LIST,
            Input("size", Kind.NUMBER, "How many items each has; the last may have fewer."),
            outputs=(Output("list", Kind.LIST, "The lists."),),
            example=({"list": [1, 2, 3], "size": 2}, {"list": [[1, 2], [3]]}),
        )
    ),
)
