"""Cards about texts."""

from typing import Final

from keyturn.domain.flows.cards.computing import (
    Given,
    computes,
    items,
    joined,
    letter,
    made_text,
    moves,
    require_count,
    require_length,
    text,
    truth,
    whole,
)
from keyturn.domain.flows.failures import wrong_input
from keyturn.domain.flows.spec import Input, Output
from keyturn.domain.flows.values import TEXT_MAX, Kind, Value

TEXT: Final = Input("text", Kind.TEXT, "The text.")
_SEARCH: Final = Input("search", Kind.TEXT, "What is looked for.")
_IGNORE_CASE: Final = Input(
    "ignore_case",
    Kind.BOOLEAN,
    "Whether a capital is the same as its small letter.",
    required=False,
    default=False,
)
RESULT: Final = Output("result", Kind.BOOLEAN, "Whether it is so.")
GIVES_TEXT: Final = (Output("text", Kind.TEXT, "The new text."),)


def _compose(given: Given) -> Given:
    composed = given.get("text")
    return {"text": composed if isinstance(composed, str) else text(given, "text")}


def _concatenate(given: Given) -> Given:
    return {"text": joined(items(given, "texts"), text(given, "separator"))}


def _split(given: Given) -> Given:
    whole_text, separator = text(given, "text"), text(given, "separator")
    if not separator:
        raise wrong_input("separator", "must be one character at least")
    require_count(whole_text.count(separator) + 1)
    parts: list[Value] = [*whole_text.split(separator)]
    return {"list": parts}


def _trim(given: Given) -> Given:
    match text(given, "side"):
        case "start":
            return {"text": text(given, "text").lstrip()}
        case "end":
            return {"text": text(given, "text").rstrip()}
        case _:
            return {"text": text(given, "text").strip()}


def _replace(given: Given) -> Given:
    before, search, by = text(given, "text"), text(given, "search"), text(given, "replacement")
    if not search:
        raise wrong_input("search", "must be one character at least")
    count = 1 if text(given, "which") == "first" else before.count(search)
    require_length(len(before) + count * (len(by) - len(search)))
    return {"text": before.replace(search, by, count)}


def _to_upper(given: Given) -> Given:
    return {"text": made_text(text(given, "text").upper())}


def _to_lower(given: Given) -> Given:
    return {"text": made_text(text(given, "text").lower())}


def _capitalize(given: Given) -> Given:
    before = text(given, "text")
    return {"text": made_text(before[:1].upper() + before[1:])}


def _find(given: Given) -> Given:
    start = whole(given, "start", least=0)
    index = text(given, "text").find(text(given, "search"), start)
    return {"index": index if index >= 0 else None, "found": index >= 0}


def _length(given: Given) -> Given:
    return {"length": len(text(given, "text"))}


def _substring(given: Given) -> Given:
    start = whole(given, "start")
    rest = text(given, "text")[start:]
    if given.get("length") is None:
        return {"text": rest}
    return {"text": rest[: whole(given, "length", least=0)]}


def _pad(given: Given) -> Given:
    before, by = text(given, "text"), letter(given, "with")
    length = whole(given, "length", least=0, most=TEXT_MAX)
    padding = by * (length - len(before))
    return {"text": before + padding if text(given, "side") == "end" else padding + before}


def _cased(given: Given, name: str) -> str:
    return text(given, name).casefold() if truth(given, "ignore_case") else text(given, name)


def _starts_with(given: Given) -> Given:
    return {"result": _cased(given, "text").startswith(_cased(given, "search"))}


def _ends_with(given: Given) -> Given:
    return {"result": _cased(given, "text").endswith(_cased(given, "search"))}


def _contains(given: Given) -> Given:
    return {"result": _cased(given, "search") in _cased(given, "text")}


def _equal(given: Given) -> Given:
    return {"result": _cased(given, "text") == _cased(given, "other")}


CARDS: Final = (
    moves(
        computes(
            "text.compose",
            "Put a text together: references may stand in it.",
            _compose,
            Input("text", Kind.TEXT, "The text, with references where they belong.", template=True),
            outputs=GIVES_TEXT,
            example=(
                {"text": "Run {{ run.id }} of the flow {{ run.flow }}."},
                {"text": "Run run-1 of the flow example."},
            ),
        )
    ),
    computes(
        "text.concatenate",
        "Put texts together, one after the other.",
        _concatenate,
        Input("texts", Kind.LIST, "The texts; null is none, an object or a list is its JSON."),
        Input("separator", Kind.TEXT, "What stands between them.", required=False, default=""),
        outputs=GIVES_TEXT,
        example=({"texts": ["00u", 17], "separator": "-"}, {"text": "00u-17"}),
    ),
    computes(
        "text.split",
        "Split a text at each separator.",
        _split,
        TEXT,
        Input("separator", Kind.TEXT, "What stands between the parts."),
        outputs=(Output("list", Kind.LIST, "The parts, texts."),),
        example=(
            {"text": "ada@example.com", "separator": "@"},
            {"list": ["ada", "example.com"]},
        ),
    ),
    computes(
        "text.trim",
        "Take away the space around a text.",
        _trim,
        TEXT,
        Input(
            "side",
            Kind.TEXT,
            "Where.",
            required=False,
            default="both",
            options=("both", "start", "end"),
        ),
        outputs=GIVES_TEXT,
        example=({"text": "  Ada "}, {"text": "Ada"}),
    ),
    computes(
        "text.replace",
        "Replace a part of a text wherever it stands.",
        _replace,
        TEXT,
        _SEARCH,
        Input("replacement", Kind.TEXT, "What stands there then.", required=False, default=""),
        Input(
            "which",
            Kind.TEXT,
            "Whether all are replaced.",
            required=False,
            default="all",
            options=("all", "first"),
        ),
        outputs=GIVES_TEXT,
        example=(
            {"text": "a b c", "search": " ", "replacement": "-"},
            {"text": "a-b-c"},
        ),
    ),
    computes(
        "text.to_upper",
        "Write a text in capitals.",
        _to_upper,
        TEXT,
        outputs=GIVES_TEXT,
        example=({"text": "Straße"}, {"text": "STRASSE"}),
    ),
    computes(
        "text.to_lower",
        "Write a text in small letters.",
        _to_lower,
        TEXT,
        outputs=GIVES_TEXT,
        example=({"text": "Ada@Example.COM"}, {"text": "ada@example.com"}),
    ),
    computes(
        "text.capitalize",
        "Write the first letter of a text as a capital, and the rest as it is.",
        _capitalize,
        TEXT,
        outputs=GIVES_TEXT,
        example=({"text": "ada Lovelace"}, {"text": "Ada Lovelace"}),
    ),
    computes(
        "text.find",
        "Find where a part stands in a text.",
        _find,
        TEXT,
        _SEARCH,
        Input("start", Kind.NUMBER, "From which character on, from 0.", required=False, default=0),
        outputs=(
            Output("index", Kind.NUMBER, "Before which character, from 0; null for nowhere."),
            Output("found", Kind.BOOLEAN, "Whether it stands there."),
        ),
        example=({"text": "ada@example.com", "search": "@"}, {"index": 3, "found": True}),
    ),
    computes(
        "text.length",
        "Count the characters of a text.",
        _length,
        TEXT,
        outputs=(Output("length", Kind.NUMBER, "How many Unicode characters it has."),),
        example=({"text": "größer"}, {"length": 6}),
    ),
    computes(
        "text.substring",
        "Return a part of a text.",
        _substring,
        TEXT,
        Input("start", Kind.NUMBER, "From which character on, from 0; below 0 from the end."),
        Input("length", Kind.NUMBER, "How many characters; null is the rest.", required=False),
        outputs=GIVES_TEXT,
        example=({"text": "2026-11-21", "start": 5, "length": 2}, {"text": "11"}),
    ),
    computes(
        "text.pad",
        "Make a text so long, with one character.",
        _pad,
        TEXT,
        Input("length", Kind.NUMBER, "How long it becomes; a longer one stays as it is."),
        Input("with", Kind.TEXT, "The character.", required=False, default=" "),
        Input(
            "side",
            Kind.TEXT,
            "Where it is added.",
            required=False,
            default="start",
            options=("start", "end"),
        ),
        outputs=GIVES_TEXT,
        example=({"text": "7", "length": 3, "with": "0"}, {"text": "007"}),
    ),
    computes(
        "text.starts_with",
        "Say whether a text starts with another.",
        _starts_with,
        TEXT,
        _SEARCH,
        _IGNORE_CASE,
        outputs=(RESULT,),
        example=({"text": "00u1abc", "search": "00u"}, {"result": True}),
    ),
    computes(
        "text.ends_with",
        "Say whether a text ends with another.",
        _ends_with,
        TEXT,
        _SEARCH,
        _IGNORE_CASE,
        outputs=(RESULT,),
        example=(
            {"text": "ada@EXAMPLE.com", "search": "@example.com", "ignore_case": True},
            {"result": True},
        ),
    ),
    computes(
        "text.contains",
        "Say whether a text contains another.",
        _contains,
        TEXT,
        _SEARCH,
        _IGNORE_CASE,
        outputs=(RESULT,),
        example=({"text": "Ada Lovelace", "search": "love"}, {"result": False}),
    ),
    computes(
        "text.equal",
        "Say whether two texts are the same.",
        _equal,
        TEXT,
        Input("other", Kind.TEXT, "The other text."),
        _IGNORE_CASE,
        outputs=(RESULT,),
        example=({"text": "ADA", "other": "ada", "ignore_case": True}, {"result": True}),
    ),
)
