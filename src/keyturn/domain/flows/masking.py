"""What people may see of what services answer.

Decides by the names of members that hold secrets everywhere, and by what was hidden of what was
sent: a service may repeat it. Values are untouched; only views are.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote_plus

from keyturn.domain.flows.values import MASK, Bound, Masked, Value

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
"""Shorter texts are no secrets, and would hide half of what there is to see."""
TOLD_MAX: Final = 100


def told_secrets(inputs: Bound) -> frozenset[str]:
    """Return the texts of what is hidden in inputs, and the words of those that have several."""
    if inputs.view is inputs.value:
        return frozenset()
    return spelled(text for text in _hidden(inputs))


def spelled(texts: Iterable[str]) -> frozenset[str]:
    """Return texts as they may stand in an answer; the longest, where there are very many."""
    words = {word for text in texts for word in (text, *text.split()) if len(word) >= TOLD_MIN}
    longest = sorted(words, key=len, reverse=True)[:TOLD_MAX]
    return frozenset(way for word in longest for way in _ways(word))


def _ways(word: str) -> Iterator[str]:
    yield word
    yield quote_plus(word, errors="replace")
    yield json.dumps(word)[1:-1]


def _hidden(bound: Bound) -> Iterator[str]:
    """Give every text that is hidden, however deep; what stands in several places, once."""
    left, met = [(bound.value, bound.view)], set[tuple[int, int]]()
    while left:
        value, view = left.pop()
        if (id(value), id(view)) in met:
            continue
        met.add((id(value), id(view)))
        if isinstance(value, str) and isinstance(view, Masked):
            yield value
        elif isinstance(value, dict):
            of = view if isinstance(view, dict) else {}
            left += [(each, of.get(name, view)) for name, each in value.items()]
        elif isinstance(value, list):
            items = view if isinstance(view, list) else [view] * len(value)
            left += zip(value, items, strict=True)


def shielded(value: Value, secrets: frozenset[str]) -> Bound:
    """Return a value of a service with what people may see of it."""
    return Bound(value, view_of(value, secrets))


def view_of(value: Value, secrets: frozenset[str]) -> Value:
    """Return what people may see of a value; the value itself where that is all of it."""
    match value:
        case str():
            return MASK if _tells(value, secrets) else value
        case list():
            views = [view_of(each, secrets) for each in value]
            same = all(view is each for view, each in zip(views, value, strict=True))
            return value if same else views
        case dict():
            return _members(value, secrets)
        case _:
            return value


def _members(value: dict[str, Value], secrets: frozenset[str]) -> Value:
    if any(_tells(name, secrets) for name in value):
        return MASK
    views = {
        name: MASK if _is_hidden(name) and each is not None else view_of(each, secrets)
        for name, each in value.items()
    }
    return value if all(views[name] is value[name] for name in value) else views


def _is_hidden(name: str) -> bool:
    return name.replace("_", "").replace("-", "").lower() in HIDDEN_NAMES


def _tells(text: str, secrets: frozenset[str]) -> bool:
    return len(text) >= TOLD_MIN and any(secret in text for secret in secrets)
