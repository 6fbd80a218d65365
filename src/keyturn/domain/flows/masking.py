"""What people may see of what services answer.

Decides by the names of members that hold secrets everywhere, and by what is hidden in what was
sent, and in the run: a service may repeat it. Values are untouched; only views are.
"""

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote, quote_plus

from keyturn.domain.flows.values import (
    MASK,
    Bound,
    Kind,
    Masked,
    Value,
    kind_of,
    text_of,
)

HIDDEN_NAMES: Final = frozenset(
    {
        *("accesstoken", "refreshtoken", "idtoken", "clientsecret", "clientassertion"),
        *("password", "secret", "apikey", "apitoken", "privatekey", "sessiontoken"),
        *("activationtoken", "registrationaccesstoken", "devicesecret", "setcookie"),
        *("authorization", "proxyauthorization"),
    }
)
"""Members and headers whose values nobody sees, in lower case and without - and _."""
TOLD_MIN: Final = 8
"""From so many characters on, a secret is seen inside of other texts too."""
SHORT_MIN: Final = 4
"""A shorter one would hide half of what there is to see; between both, it is seen as a word."""
TOLD_MAX: Final = 100
TOLD_KINDS: Final = (Kind.TEXT, Kind.NUMBER)


def told_secrets(inputs: Bound) -> frozenset[str]:
    """Return what is hidden in inputs, as it may stand in an answer, word by word as well."""
    return spelled(hidden_in(inputs))


def spelled(texts: Iterable[str]) -> frozenset[str]:
    """Return texts as they may stand in an answer; the longest, where there are very many."""
    whole = frozenset(texts)
    words = {word for text in whole for word in text.split() if len(word) >= TOLD_MIN}
    found = words | {text for text in whole if len(text) >= SHORT_MIN}
    longest = sorted(found, key=len, reverse=True)[:TOLD_MAX]
    return frozenset(way for word in longest for way in _ways(word) if len(way) >= SHORT_MIN)


def _ways(word: str) -> Iterator[str]:
    """Give what a text looks like in an address, in JSON, and in base64, by itself or in more."""
    raw = word.encode(errors="replace")
    yield word
    yield quote_plus(raw)
    yield quote(raw)
    yield quote(raw, safe="")
    yield json.dumps(word)[1:-1]
    for before in range(3) if len(word) >= TOLD_MIN else ():
        told = b64encode(bytes(before) + raw).decode()
        sure = told[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
        yield sure
        yield sure.replace("+", "-").replace("/", "_")


def hidden_in(bound: Bound) -> Iterator[str]:
    """Give every text and number that is hidden, however deep; what stands in many places, once."""
    left, met = [(bound.value, bound.view)], set[tuple[int, int]]()
    while left:
        value, view = left.pop()
        if value is view or (id(value), id(view)) in met:
            continue
        met.add((id(value), id(view)))
        if isinstance(value, dict):
            of = view if isinstance(view, dict) else {}
            left += [(each, of.get(name, view)) for name, each in value.items()]
        elif isinstance(value, list):
            items = view if isinstance(view, list) else [view] * len(value)
            left += zip(value, items, strict=True)
        elif isinstance(view, Masked) and kind_of(value) in TOLD_KINDS:
            yield text_of(value)


def shielded(value: Value, secrets: frozenset[str]) -> Bound:
    """Return a value of a service with what people may see of it."""
    return Bound(value, view_of(value, _met(value, secrets)))


def _met(value: Value, secrets: frozenset[str]) -> frozenset[str]:
    """Return those of many secrets that a value may hold, by one look at all of it for each."""
    told = _as_json(value) if secrets else ""
    return frozenset(secret for secret in secrets if _as_json(secret)[1:-1] in told)


def _as_json(value: Value) -> str:
    return json.dumps(value, ensure_ascii=False)


def view_of(value: Value, secrets: frozenset[str]) -> Value:
    """Return what people may see of a value; the value itself where that is all of it."""
    match value:
        case bool() | None:
            return value
        case str() | int() | float():
            return MASK if secrets and _tells(str(value), secrets) else value
        case list():
            views = [view_of(each, secrets) for each in value]
            same = all(view is each for view, each in zip(views, value, strict=True))
            return value if same else views
        case dict():
            return _members(value, secrets)


def _members(value: dict[str, Value], secrets: frozenset[str]) -> Value:
    if secrets and any(_tells(name, secrets) for name in value):
        return MASK
    views = {
        name: MASK if _is_hidden(name) and each is not None else view_of(each, secrets)
        for name, each in value.items()
    }
    return value if all(views[name] is value[name] for name in value) else views


def _is_hidden(name: str) -> bool:
    return name.replace("_", "").replace("-", "").lower() in HIDDEN_NAMES


def _tells(text: str, secrets: frozenset[str]) -> bool:
    return any(secret in text and _is_told(secret, text) for secret in secrets)


def _is_told(secret: str, text: str) -> bool:
    """Say whether a secret that is part of a text is told by it: a short one, as a word alone."""
    alone = rf"(?<!\w){re.escape(secret)}(?!\w)"
    return len(secret) >= TOLD_MIN or re.search(alone, text) is not None
