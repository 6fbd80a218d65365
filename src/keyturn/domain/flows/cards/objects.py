"""Cards about objects: names with values."""

from typing import Final

from keyturn.domain.flows.cards.computing import (
    Given,
    Object,
    computes,
    items,
    members,
    members_in,
    moves,
    names,
    require_count,
    require_light,
    text,
    truth,
)
from keyturn.domain.flows.cards.paths import (
    PATH,
    follow,
    missing,
    path_in,
    path_of,
    removed,
    replaced,
)
from keyturn.domain.flows.cards.text import RESULT
from keyturn.domain.flows.failures import Failure, wrong_input
from keyturn.domain.flows.spec import Input, Output
from keyturn.domain.flows.values import Kind, Masked, Value

_OBJECT: Final = Input("object", Kind.OBJECT, "The object.")
_NAMES: Final = Input("names", Kind.LIST, "The names, texts.")
GIVES_OBJECT: Final = (Output("object", Kind.OBJECT, "The new object."),)
DEFAULT: Final = Input("default", Kind.ANY, "What is given where there is none.", required=False)
IF_MISSING: Final = Input(
    "if_missing",
    Kind.TEXT,
    "What happens where there is none: the default is given, or the card fails.",
    required=False,
    default="default",
    options=("default", "fail"),
)
PAIR: Final = ("key", "value")


def _construct(given: Given) -> Given:
    return {"object": dict(given)}


def reached(given: Given, value: Value, path: Value) -> tuple[bool, Value]:
    """Return what is at a path, by what the inputs say of what is missing."""
    there, found = follow(value, path_in(path))
    if not there and text(given, "if_missing") == "fail":
        raise missing()
    return there, found if there else given.get("default")


def _get(given: Given) -> Given:
    found, value = reached(given, _root(given), given.get("path"))
    return {"value": value, "found": found}


def _root(given: Given) -> Value:
    root = given.get("object")
    if isinstance(root, dict | list):
        return root
    raise wrong_input("object", "must be an object or a list")


def _get_multiple(given: Given) -> Given:
    paths = members(given, "paths")
    return {"values": {name: reached(given, _root(given), path)[1] for name, path in paths.items()}}


def _expand(given: Given) -> Given:
    held = members(given, "object")
    return {"values": {name: held.get(name) for name in names(given, "names")}}


def _set(given: Given) -> Given:
    changed = replaced(members(given, "object"), path_of(given), given.get("value"))
    return {"object": members_in(changed, "object")}


def _merge(given: Given) -> Given:
    objects = [members_in(each, "objects") for each in items(given, "objects")]
    merged: Object = {}
    require_light(given["objects"], "objects")
    for each in objects:
        if truth(given, "deep"):
            _lay(each, merged)
        else:
            merged.update(each)
    return {"object": merged}


def _lay(above: Object, onto: Object) -> Object:
    """Put an object onto one that is our own, and so are the objects in it."""
    for name, high in above.items():
        low = onto.get(name)
        if {Masked, dict} == {type(low), type(high)}:
            raise wrong_input("objects", "are hidden in part")
        if isinstance(high, dict):
            onto[name] = _lay(high, low if isinstance(low, dict) else {})
        else:
            onto[name] = high
    return onto


def _keys(given: Given) -> Given:
    return {"list": [*members(given, "object")]}


def _values(given: Given) -> Given:
    return {"list": [*members(given, "object").values()]}


def _length(given: Given) -> Given:
    return {"length": len(members(given, "object"))}


def _has(given: Given) -> Given:
    return {"result": follow(members(given, "object"), path_of(given))[0]}


def _delete(given: Given) -> Given:
    rest = removed(members(given, "object"), path_of(given))
    return {"object": members_in(rest, "object")}


def _pick(given: Given) -> Given:
    held = members(given, "object")
    return {"object": {name: held[name] for name in names(given, "names") if name in held}}


def _omit(given: Given) -> Given:
    left_out = {*names(given, "names")}
    held = members(given, "object").items()
    return {"object": {name: value for name, value in held if name not in left_out}}


def _to_list(given: Given) -> Given:
    held = members(given, "object")
    require_count(len(held))
    return {"list": [{"key": name, "value": value} for name, value in held.items()]}


def _from_list(given: Given) -> Given:
    pairs = [members_in(each, "list") for each in items(given, "list")]
    if not all(pair.keys() >= {*PAIR} for pair in pairs):
        raise wrong_input("list", "must consist of objects of key and value")
    return {"object": {text(pair, "key"): pair["value"] for pair in pairs}}


CARDS: Final = (
    moves(
        computes(
            "object.construct",
            "Make an object of its inputs.",
            _construct,
            outputs=GIVES_OBJECT,
            example=(
                {"alg": "RS256", "typ": "JWT"},
                {"object": {"alg": "RS256", "typ": "JWT"}},
            ),
            open=True,
        )
    ),
    moves(
        computes(
            "object.get",
            "Return what lies in an object or a list.",
            _get,
            Input("object", Kind.ANY, "The object or list."),
            PATH,
            DEFAULT,
            IF_MISSING,
            outputs=(
                Output("value", Kind.ANY, "What lies there, or the default."),
                Output("found", Kind.BOOLEAN, "Whether something lies there, null included."),
            ),
            example=(
                {
                    "object": {"profile": {"emails": ["ada@example.com"]}},
                    "path": "profile.emails.0",
                },
                {"value": "ada@example.com", "found": True},
            ),
            failures=(Failure.MISSING,),
        )
    ),
    moves(
        computes(
            "object.get_multiple",
            "Return several things that lie in an object or a list.",
            _get_multiple,
            Input("object", Kind.ANY, "The object or list."),
            Input("paths", Kind.OBJECT, "The way to each, by the name that it is given."),
            DEFAULT,
            IF_MISSING,
            outputs=(Output("values", Kind.OBJECT, "What lies there, by these names."),),
            example=(
                {
                    "object": {"id": "00u1", "profile": {"login": "ada"}},
                    "paths": {"id": "id", "login": "profile.login", "city": "profile.city"},
                    "default": "unknown",
                },
                {"values": {"id": "00u1", "login": "ada", "city": "unknown"}},
            ),
            failures=(Failure.MISSING,),
        )
    ),
    moves(
        computes(
            "object.expand",
            "Return members of an object by name, each of them, null for what it has not.",
            _expand,
            _OBJECT,
            _NAMES,
            outputs=(Output("values", Kind.OBJECT, "The members."),),
            example=(
                {"object": {"id": "00u1", "status": "ACTIVE"}, "names": ["id", "email"]},
                {"values": {"id": "00u1", "email": None}},
            ),
        )
    ),
    moves(
        computes(
            "object.set",
            "Return an object in which something lies at a path; objects on the way are made.",
            _set,
            _OBJECT,
            PATH,
            Input("value", Kind.ANY, "What lies there then."),
            outputs=GIVES_OBJECT,
            example=(
                {"object": {"id": "00u1"}, "path": "profile.city", "value": "London"},
                {"object": {"id": "00u1", "profile": {"city": "London"}}},
            ),
        )
    ),
    moves(
        computes(
            "object.merge",
            "Put objects together; of a name that several have, the last one counts.",
            _merge,
            Input("objects", Kind.LIST, "The objects."),
            Input(
                "deep",
                Kind.BOOLEAN,
                "Whether objects inside them are put together too.",
                required=False,
                default=False,
            ),
            outputs=GIVES_OBJECT,
            example=(
                {"objects": [{"a": {"x": 1}}, {"a": {"y": 2}, "b": 3}], "deep": True},
                {"object": {"a": {"x": 1, "y": 2}, "b": 3}},
            ),
        )
    ),
    computes(
        "object.keys",
        "List the names of an object.",
        _keys,
        _OBJECT,
        outputs=(Output("list", Kind.LIST, "The names, in their order."),),
        example=({"object": {"id": "00u1", "status": "ACTIVE"}}, {"list": ["id", "status"]}),
    ),
    moves(
        computes(
            "object.values",
            "List the values of an object.",
            _values,
            _OBJECT,
            outputs=(Output("list", Kind.LIST, "The values, in the order of their names."),),
            example=({"object": {"id": "00u1", "status": "ACTIVE"}}, {"list": ["00u1", "ACTIVE"]}),
        )
    ),
    computes(
        "object.length",
        "Count the names of an object.",
        _length,
        _OBJECT,
        outputs=(Output("length", Kind.NUMBER, "How many it has."),),
        example=({"object": {"id": "00u1", "status": "ACTIVE"}}, {"length": 2}),
    ),
    computes(
        "object.has",
        "Say whether something lies at a path, null included.",
        _has,
        _OBJECT,
        PATH,
        outputs=(RESULT,),
        example=({"object": {"profile": {"city": None}}, "path": "profile.city"}, {"result": True}),
    ),
    moves(
        computes(
            "object.delete",
            "Return an object without what lies at a path, if anything does.",
            _delete,
            _OBJECT,
            PATH,
            outputs=GIVES_OBJECT,
            example=(
                {"object": {"id": "00u1", "profile": {"city": "London"}}, "path": "profile.city"},
                {"object": {"id": "00u1", "profile": {}}},
            ),
        )
    ),
    moves(
        computes(
            "object.pick",
            "Return an object with these names only.",
            _pick,
            _OBJECT,
            _NAMES,
            outputs=GIVES_OBJECT,
            example=(
                {"object": {"id": "00u1", "status": "ACTIVE"}, "names": ["id", "email"]},
                {"object": {"id": "00u1"}},
            ),
        )
    ),
    moves(
        computes(
            "object.omit",
            "Return an object without these names.",
            _omit,
            _OBJECT,
            _NAMES,
            outputs=GIVES_OBJECT,
            example=(
                {"object": {"id": "00u1", "status": "ACTIVE"}, "names": ["status"]},
                {"object": {"id": "00u1"}},
            ),
        )
    ),
    moves(
        computes(
            "object.to_list",
            "List what an object has, as objects of `key` and `value`.",
            _to_list,
            _OBJECT,
            outputs=(Output("list", Kind.LIST, "The objects, in the order of the names."),),
            example=({"object": {"a": 1}}, {"list": [{"key": "a", "value": 1}]}),
        )
    ),
    moves(
        computes(
            "object.from_list",
            "Make an object of a list of objects of `key` and `value`.",
            _from_list,
            Input("list", Kind.LIST, "The objects; of a key that comes twice, the last counts."),
            outputs=GIVES_OBJECT,
            example=({"list": [{"key": "a", "value": 1}]}, {"object": {"a": 1}}),
        )
    ),
)
