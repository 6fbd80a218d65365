"""Cards about texts, numbers and what is true: the cases at their edges."""

import pytest
from card_kit import computed, refusal

from keyturn.domain.flows.cards.computing import ITEMS_MAX
from keyturn.domain.flows.values import TEXT_MAX, Value

LONG = "a" * TEXT_MAX
HALF = "a" * (TEXT_MAX // 2 + 1)


@pytest.mark.parametrize(
    ("card", "given", "output"),
    [
        ("text.concatenate", {"texts": []}, ""),
        ("text.concatenate", {"texts": [None, True, 1.5, {"a": [1]}]}, 'true1.5{"a":[1]}'),
        ("text.trim", {"text": "\u00a0 a \n", "side": "end"}, "\u00a0 a"),
        ("text.replace", {"text": "aaa", "search": "a", "replacement": "aa"}, "aaaaaa"),
        ("text.replace", {"text": "aba", "search": "a", "which": "first"}, "ba"),
        ("text.substring", {"text": "abc", "start": -2}, "bc"),
        ("text.substring", {"text": "abc", "start": 9, "length": 1}, ""),
        ("text.pad", {"text": "abcd", "length": 3}, "abcd"),
        ("text.pad", {"text": "a", "length": 3, "with": "-", "side": "end"}, "a--"),
        ("text.capitalize", {"text": ""}, ""),
    ],
)
def test_texts_are_made(card: str, given: dict[str, Value], output: str) -> None:
    """Cards that make a text make this one."""
    assert computed(card, **given) == {"text": output}


@pytest.mark.parametrize(
    ("card", "given", "told"),
    [
        ("text.split", {"text": "a", "separator": ""}, "separator: must be one character"),
        ("text.replace", {"text": "a", "search": ""}, "search: must be one character"),
        ("text.substring", {"text": "a", "start": 0.5}, "start: must be a whole number"),
        ("text.find", {"text": "a", "search": "a", "start": -1}, "start: must be a whole number"),
        ("text.pad", {"text": "a", "length": TEXT_MAX + 1}, "length: must be a whole number"),
        ("text.pad", {"text": "a", "length": 3, "with": "--"}, "with: must be one character"),
        ("text.concatenate", {"texts": [LONG, "a"]}, "the text that it makes would be longer"),
        ("text.concatenate", {"texts": [HALF, HALF]}, "the text that it makes would be longer"),
        (
            "text.replace",
            {"text": HALF, "search": "a", "replacement": HALF},
            "the text that it makes would be longer",
        ),
        ("text.to_upper", {"text": "ß" * (TEXT_MAX // 2 + 1)}, "the text that it makes"),
        ("text.split", {"text": "," * ITEMS_MAX, "separator": ","}, "a list would have more than"),
    ],
)
def test_texts_are_refused(card: str, given: dict[str, Value], told: str) -> None:
    """What a card cannot take, or would make too large, is refused before it is made."""
    assert refusal(card, **given).startswith(f"invalid_input: {told}")


@pytest.mark.parametrize(
    ("card", "text", "search", "result"),
    [
        ("text.starts_with", "Straße", "STRASS", True),
        ("text.ends_with", "Straße", "SSE", True),
        ("text.contains", "aBc", "b", True),
        ("text.contains", "abc", "", True),
    ],
)
def test_case_is_ignored_where_it_is_said(card: str, text: str, search: str, result: bool) -> None:  # noqa: FBT001
    """Without `ignore_case` letters are as they are; with it `ß` is `ss`."""
    given: dict[str, Value] = {"text": text, "search": search}
    assert computed(card, **given, ignore_case=True) == {"result": result}
    assert computed(card, **given) == {"result": search in text}


def test_a_null_is_what_was_not_given() -> None:
    """An optional input that is null has its default."""
    assert computed("text.trim", text=" a ", side=None) == {"text": "a"}
    assert computed("text.find", text="a", search="b", start=None)["index"] is None


# --- numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("card", "a", "b", "comes_to"),
    [
        ("add", 10**18 - 1, 1, 10**18),
        ("add", 0.1, 0.2, 0.30000000000000004),
        ("divide", 10**17, 10, 10**16),
        ("divide", 9007199254740993, 1, 9007199254740993),
        ("divide", 1, 3, 1 / 3),
        ("modulo", 7, -3, -2),
        ("modulo", 5.5, 2, 1.5),
        ("minimum", 2, 2.0, 2),
    ],
)
def test_numbers_are_computed(card: str, a: float, b: float, comes_to: float) -> None:
    """Whole numbers stay exact; others are doubles."""
    assert computed(f"number.{card}", a=a, b=b) == {"number": comes_to}


@pytest.mark.parametrize(
    ("card", "given", "told"),
    [
        ("divide", {"a": 1, "b": 0}, "b: must not be zero"),
        ("modulo", {"a": 1, "b": 0.0}, "b: must not be zero"),
        ("multiply", {"a": 10**10, "b": 10**10}, "the number that it makes would have more"),
        ("divide", {"a": 1e18, "b": 5e-324}, "the number that it makes would have more"),
        ("add", {"a": 10**400, "b": 1}, "a: must be a number of at most 18 digits"),
        ("add", {"a": float("nan"), "b": 1}, "a: must be a number of at most 18 digits"),
        ("add", {"a": True, "b": 1}, "a: must be of the kind number"),
        ("round", {"number": 1, "decimals": 16}, "decimals: must be a whole number"),
    ],
)
def test_numbers_are_refused(card: str, given: dict[str, Value], told: str) -> None:
    """No number grows without end, and nothing is divided by zero."""
    assert refusal(f"number.{card}", **given).startswith(f"invalid_input: {told}")


@pytest.mark.parametrize(
    ("number", "decimals", "mode", "comes_to"),
    [
        (1.005, 2, "nearest", 1.01),
        (-2.5, 0, "nearest", -3),
        (2.5, 0, "to even", 2),
        (-2.1, 0, "up", -2),
        (-2.1, 0, "down", -3),
        (999999999999999.9, 15, "nearest", 999999999999999.9),
        (10**18, 15, "nearest", 10**18),
        (-0.4, 0, "nearest", 0),
        (5e-324, 2, "up", 0.01),
    ],
)
def test_numbers_are_rounded(number: float, decimals: int, mode: str, comes_to: float) -> None:
    """A number is rounded as it is written, and never to minus zero."""
    rounded = computed("number.round", number=number, decimals=decimals, mode=mode)["number"]
    assert (rounded, str(rounded)) == (comes_to, str(comes_to))


@pytest.mark.parametrize(
    ("text", "number"),
    [("-12", -12), ("+.5", 0.5), ("3e8", 300000000), ("007", 7), (" 1.0\n", 1)],
)
def test_numbers_are_read(text: str, number: float) -> None:
    """A text that is a number is read as one."""
    assert computed("number.parse", text=text) == {"number": number}


@pytest.mark.parametrize("text", ["", "1,5", "1_000", "0x10", "NaN", "1.", "٣", "1" + "0" * 40])
def test_what_is_no_number_is_not_read(text: str) -> None:
    """No separators, no other digits, and no more than a number has."""
    assert refusal("number.parse", text=text).startswith("parse_error: text must be a number")


@pytest.mark.parametrize(
    ("number", "decimals", "text"),
    [(2.0, None, "2"), (1e18, None, "1e+18"), (-0.001, 2, "0.00"), (1.005, 2, "1.01")],
)
def test_numbers_are_written(number: float, decimals: int | None, text: str) -> None:
    """A whole number has no point, and decimals are as many as are asked for."""
    assert computed("number.to_text", number=number, decimals=decimals) == {"text": text}


# --- what is true ---------------------------------------------------------------------------------


def test_none_are_all_true_and_none_is_any() -> None:
    """Of no values all are true, and none is."""
    assert computed("boolean.and", values=[]) == {"result": True}
    assert computed("boolean.or", values=[]) == {"result": False}
    assert refusal("boolean.and", values=[1]) == "invalid_input: values: must each be true or false"


@pytest.mark.parametrize(("value", "kind"), [(True, "boolean"), (1, "number"), (None, "null")])
def test_a_truth_is_no_number_and_null_is_only_null(value: Value, kind: str) -> None:
    """A value is of one kind."""
    kinds = ("text", "number", "boolean", "object", "list", "null")
    held = [each for each in kinds if computed("boolean.is_kind", value=value, kind=each)["result"]]
    assert held == [kind]


def test_a_condition_that_is_none_is_refused() -> None:
    """What is no condition, or one on other kinds, is the flow's mistake."""
    assert refusal("boolean.check", when={"left": 1}).startswith("invalid_input: condition")
    assert refusal("boolean.parse", text="maybe").startswith("parse_error: text must be true")
