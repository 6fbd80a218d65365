"""Cards about numbers.

Numbers are JSON's: whole ones are exact up to 18 digits, others are doubles (IEEE 754).
"""

import re
from collections.abc import Callable, Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from typing import Final, TypeAlias

from keyturn.domain.flows.cards.computing import Given, computes, made_number, number, text, whole
from keyturn.domain.flows.failures import CardFailure, Failure, wrong_input
from keyturn.domain.flows.spec import CardSpec, Input, Output
from keyturn.domain.flows.values import Kind, text_of

Two: TypeAlias = Callable[[float, float], float]

DECIMALS_MAX: Final = 15
"""As many decimals as a double holds."""
DIGITS_MAX: Final = 40
GIVES_NUMBER: Final = (Output("number", Kind.NUMBER, "The number."),)
NUMBER: Final = Input("number", Kind.NUMBER, "The number.")
_A: Final = Input("a", Kind.NUMBER, "The first number.")
_B: Final = Input("b", Kind.NUMBER, "The second number.")
_WRITTEN: Final = re.compile(r"[-+]?([0-9]+(\.[0-9]+)?|\.[0-9]+)([eE][-+]?[0-9]{1,3})?")
_WHOLE: Final = re.compile(r"[-+]?[0-9]{1,18}")
_EXACT: Final = Context(prec=60)
"""Room for 18 digits and all decimals."""
_MODES: Final[Mapping[str, str]] = {
    "nearest": ROUND_HALF_UP,
    "to even": ROUND_HALF_EVEN,
    "up": ROUND_CEILING,
    "down": ROUND_FLOOR,
}


def _two(name: str, doc: str, compute: Two, example: tuple[float, float, float]) -> CardSpec:
    a, b, comes_to = example

    def run(given: Given) -> Given:
        return {"number": made_number(compute(number(given, "a"), number(given, "b")))}

    shown = {"a": a, "b": b}, {"number": comes_to}
    return computes(name, doc, run, _A, _B, outputs=GIVES_NUMBER, example=shown)


def _divided(a: float, b: float) -> float:
    _require_divisor(b)
    if isinstance(a, int) and isinstance(b, int) and a % b == 0:
        return a // b
    return a / b


def _remainder(a: float, b: float) -> float:
    _require_divisor(b)
    return a % b


def _require_divisor(b: float) -> None:
    if b == 0:
        raise wrong_input("b", "must not be zero")


def _round(given: Given) -> Given:
    before, mode = number(given, "number"), _MODES.get(text(given, "mode"), ROUND_HALF_UP)
    rounded = _rounded(before, whole(given, "decimals", least=0, most=DECIMALS_MAX), mode)
    return {"number": before if isinstance(before, int) else made_number(float(rounded))}


def _rounded(value: float, decimals: int, mode: str = ROUND_HALF_UP) -> Decimal:
    """Round a number as it is written, and never to minus zero."""
    step = Decimal(1).scaleb(-decimals)
    return _EXACT.add(Decimal(repr(value)).quantize(step, mode, _EXACT), Decimal(0))


def _absolute(given: Given) -> Given:
    return {"number": made_number(abs(number(given, "number")))}


def _compare(given: Given) -> Given:
    a, b = number(given, "a"), number(given, "b")
    return {"less": a < b, "equal": a == b, "greater": a > b}


def _to_text(given: Given) -> Given:
    value = made_number(number(given, "number"))
    if given.get("decimals") is None:
        return {"text": text_of(value)}
    decimals = whole(given, "decimals", least=0, most=DECIMALS_MAX)
    return {"text": f"{_rounded(value, decimals):f}"}


def _parse(given: Given) -> Given:
    read = text(given, "text").strip()
    if len(read) > DIGITS_MAX or not _WRITTEN.fullmatch(read):
        rule = f"text must be a number as in -12.5 or 3e8, of at most {DIGITS_MAX} characters"
        raise CardFailure(Failure.PARSE, rule)
    return {"number": made_number(int(read) if _WHOLE.fullmatch(read) else float(read))}


CARDS: Final = (
    _two("number.add", "Add two numbers.", lambda a, b: a + b, (2, 3, 5)),
    _two(
        "number.subtract", "Take the second number from the first.", lambda a, b: a - b, (2, 3, -1)
    ),
    _two("number.multiply", "Multiply two numbers.", lambda a, b: a * b, (1.5, 4, 6)),
    _two("number.divide", "Divide the first number by the second.", _divided, (7, 2, 3.5)),
    _two(
        "number.modulo",
        "Return what is left where the first number is divided by the second, with its sign.",
        _remainder,
        (-7, 3, 2),
    ),
    _two("number.minimum", "Return the smaller number.", min, (2, 3, 2)),
    _two("number.maximum", "Return the larger number.", max, (2, 3, 3)),
    computes(
        "number.round",
        "Round a number as it is written in decimals.",
        _round,
        NUMBER,
        Input(
            "decimals",
            Kind.NUMBER,
            f"How many decimals it keeps, {DECIMALS_MAX} at most.",
            required=False,
            default=0,
        ),
        Input(
            "mode",
            Kind.TEXT,
            "Which way; `nearest` takes a half away from zero, `to even` to the even neighbour.",
            required=False,
            default="nearest",
            options=(*_MODES,),
        ),
        outputs=GIVES_NUMBER,
        example=({"number": 2.675, "decimals": 2}, {"number": 2.68}),
    ),
    computes(
        "number.absolute",
        "Return a number without its sign.",
        _absolute,
        NUMBER,
        outputs=GIVES_NUMBER,
        example=({"number": -4}, {"number": 4}),
    ),
    computes(
        "number.compare",
        "Compare two numbers.",
        _compare,
        _A,
        _B,
        outputs=(
            Output("less", Kind.BOOLEAN, "Whether the first is the smaller one."),
            Output("equal", Kind.BOOLEAN, "Whether they are the same."),
            Output("greater", Kind.BOOLEAN, "Whether the first is the larger one."),
        ),
        example=({"a": 2, "b": 3}, {"less": True, "equal": False, "greater": False}),
    ),
    computes(
        "number.to_text",
        "Write a number as a text.",
        _to_text,
        NUMBER,
        Input(
            "decimals",
            Kind.NUMBER,
            f"How many decimals are written, {DECIMALS_MAX} at most; null is as many as it has.",
            required=False,
        ),
        outputs=(Output("text", Kind.TEXT, "The number, with a point before its decimals."),),
        example=({"number": 3.5, "decimals": 2}, {"text": "3.50"}),
    ),
    computes(
        "number.parse",
        "Read a number from a text.",
        _parse,
        Input("text", Kind.TEXT, "The text, with a point before decimals and no other marks."),
        outputs=GIVES_NUMBER,
        example=({"text": " 12.50 "}, {"number": 12.5}),
        failures=(Failure.PARSE,),
    ),
)
