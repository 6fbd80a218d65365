"""Cards about JSON as a text (RFC 8259)."""

import json
import math
from typing import Final, NoReturn

from keyturn.domain.flows.cards.computing import (
    Given,
    computes,
    made_text,
    read_text,
    require_light,
    truth,
)
from keyturn.domain.flows.cards.text import GIVES_TEXT
from keyturn.domain.flows.failures import CardFailure, Failure
from keyturn.domain.flows.spec import Input, Output
from keyturn.domain.flows.values import DEPTH_MAX, Kind, TooLarge, Value, size_of

_RULE: Final = "text must be JSON"


def _broken(message: str = _RULE) -> CardFailure:
    return CardFailure(Failure.PARSE, message)


def _no_number(text: str) -> NoReturn:
    raise _broken("text must be JSON, which has no NaN and no Infinity")


def _float(written: str) -> float:
    value = float(written)
    if math.isinf(value):
        raise _broken("text has a number that is too large")
    return value


def _parse(given: Given) -> Given:
    told = read_text(given, "text").removeprefix("\ufeff")
    try:
        value: Value = json.loads(told, parse_constant=_no_number, parse_float=_float)
        size_of(value)
    except json.JSONDecodeError as error:
        raise _broken(f"{_RULE}: line {error.lineno}, column {error.colno}") from None
    except (RecursionError, TooLarge):
        raise _broken(f"{_RULE} that is at most {DEPTH_MAX} deep, and not too large") from None
    except ValueError:
        raise _broken("text has a number that is too long") from None
    return {"value": value}


def _stringify(given: Given) -> Given:
    value = given["value"]
    require_light(value, "value")
    indent, ordered = 2 if truth(given, "pretty") else None, truth(given, "sorted")
    separators = None if indent else (",", ":")
    told = json.dumps(
        value, ensure_ascii=False, indent=indent, separators=separators, sort_keys=ordered
    )
    return {"text": made_text(told)}


CARDS: Final = (
    computes(
        "json.parse",
        "Read a value from JSON.",
        _parse,
        Input("text", Kind.TEXT, "The JSON."),
        outputs=(Output("value", Kind.ANY, "The value; of a name that comes twice, the last."),),
        example=({"text": '{"id": "00u1", "roles": [1]}'}, {"value": {"id": "00u1", "roles": [1]}}),
        failures=(Failure.PARSE,),
    ),
    computes(
        "json.stringify",
        "Write a value as JSON.",
        _stringify,
        Input("value", Kind.ANY, "The value."),
        Input(
            "pretty",
            Kind.BOOLEAN,
            "Whether it is written in lines, for people.",
            required=False,
            default=False,
        ),
        Input(
            "sorted",
            Kind.BOOLEAN,
            "Whether names are sorted, so that the same is always written the same.",
            required=False,
            default=False,
        ),
        outputs=GIVES_TEXT,
        example=({"value": {"b": 1, "a": [True]}, "sorted": True}, {"text": '{"a":[true],"b":1}'}),
    ),
)
