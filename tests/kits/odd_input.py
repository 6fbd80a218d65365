"""Values that nobody foresaw, as JSON text, and places in a body to put them."""

import json
from collections.abc import Iterator
from typing import TypeAlias, cast

Place: TypeAlias = tuple[str | int, ...]
Container: TypeAlias = "dict[str | int, object]"

ODD = (
    *("null", "true", "0", "-1", "1.5", "1e400", "NaN", "Infinity", "-Infinity", "1" + "0" * 400),
    *('""', '"☃"', r'"\ud800"', r'"\u0000"', "[]", "{}", '[["x"]]', '{"a": {}}'),
    *("[null]", "[[]]", "[{}]"),
    *("[" * 40 + "]" * 40, "[" * 500 + "]" * 500, "[" * 20_000, '"' + "a" * 5000 + '"'),
)


def with_odd(members: dict[str, object], name: str) -> Iterator[str]:
    """Yield an object as JSON text, once with each odd value under a name."""
    for text in ODD:
        yield planted(members, (name,), text)


def planted(body: object, place: Place, text: str) -> str:
    """Return a body as JSON text, with other text in one place."""
    if not place:
        return text
    copy = json.loads(json.dumps(body))
    held = copy
    for step in place[:-1]:
        held = held[step]
    held[place[-1]] = "\0"
    return json.dumps(copy).replace(r'"\u0000"', text, 1)


def places(body: object) -> Iterator[Place]:
    """Yield every place in a body: all of it, each member, each item, to any depth."""
    yield ()
    steps = body if isinstance(body, dict) else range(len(body)) if isinstance(body, list) else ()
    for step in steps:
        inner = cast(Container, body)[step]
        yield from ((step, *place) for place in places(inner))
