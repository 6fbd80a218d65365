"""Cards about what is true and what is false."""

from typing import Final

from keyturn.domain.flows.cards.computing import Given, computes, items, require_light, text, truth
from keyturn.domain.flows.cards.text import RESULT
from keyturn.domain.flows.conditions import holds
from keyturn.domain.flows.failures import CardFailure, Failure, wrong_input
from keyturn.domain.flows.spec import Input, Output
from keyturn.domain.flows.values import Kind, fits

_VALUES: Final = Input("values", Kind.LIST, "Values that are each true or false.")
_TRUE: Final = frozenset({"true", "yes", "on", "1"})
_FALSE: Final = frozenset({"false", "no", "off", "0"})


def _truths(given: Given) -> list[bool]:
    found = [each for each in items(given, "values") if isinstance(each, bool)]
    if len(found) == len(items(given, "values")):
        return found
    raise wrong_input("values", "must each be true or false")


def _and(given: Given) -> Given:
    return {"result": all(_truths(given))}


def _or(given: Given) -> Given:
    return {"result": any(_truths(given))}


def _not(given: Given) -> Given:
    return {"result": not truth(given, "value")}


def _xor(given: Given) -> Given:
    return {"result": truth(given, "a") is not truth(given, "b")}


def _check(given: Given) -> Given:
    require_light(given["when"], "when")
    return {"result": holds(given["when"])}


def _parse(given: Given) -> Given:
    read = text(given, "text").strip().lower()
    if read in _TRUE | _FALSE:
        return {"value": read in _TRUE}
    rule = "text must be true, yes, on or 1, or false, no, off or 0"
    raise CardFailure(Failure.PARSE, rule)


def _is_kind(given: Given) -> Given:
    value, kind = given["value"], text(given, "kind")
    return {"result": value is None if kind == "null" else fits(Kind(kind), value)}


CARDS: Final = (
    computes(
        "boolean.and",
        "Say whether all values are true; of none, all are.",
        _and,
        _VALUES,
        outputs=(RESULT,),
        example=({"values": [True, False]}, {"result": False}),
    ),
    computes(
        "boolean.or",
        "Say whether any value is true.",
        _or,
        _VALUES,
        outputs=(RESULT,),
        example=({"values": [True, False]}, {"result": True}),
    ),
    computes(
        "boolean.not",
        "Say the opposite.",
        _not,
        Input("value", Kind.BOOLEAN, "What is so or not."),
        outputs=(RESULT,),
        example=({"value": True}, {"result": False}),
    ),
    computes(
        "boolean.xor",
        "Say whether just one of two is true.",
        _xor,
        Input("a", Kind.BOOLEAN, "The first."),
        Input("b", Kind.BOOLEAN, "The second."),
        outputs=(RESULT,),
        example=({"a": True, "b": False}, {"result": True}),
    ),
    computes(
        "boolean.check",
        "Say whether a condition holds.",
        _check,
        Input("when", Kind.ANY, "The condition.", condition=True),
        outputs=(RESULT,),
        example=({"when": {"left": 3, "is": "greater than", "right": 2}}, {"result": True}),
    ),
    computes(
        "boolean.is_kind",
        "Say whether a value is of a kind.",
        _is_kind,
        Input("value", Kind.ANY, "The value."),
        Input(
            "kind",
            Kind.TEXT,
            "The kind.",
            options=("text", "number", "boolean", "object", "list", "null"),
        ),
        outputs=(RESULT,),
        example=({"value": [1, 2], "kind": "list"}, {"result": True}),
    ),
    computes(
        "boolean.parse",
        "Read true or false from a text.",
        _parse,
        Input("text", Kind.TEXT, "One of true, yes, on, 1, false, no, off and 0."),
        outputs=(Output("value", Kind.BOOLEAN, "What it says."),),
        example=({"text": "Yes"}, {"value": True}),
        failures=(Failure.PARSE,),
    ),
)
