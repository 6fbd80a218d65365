"""References and texts with references: what a card's input is before the run gives it a value.

Decides how they are written and what they come to. There is no logic in them: a reference leads to
a value, and a text is put together of texts.

    {{ token.body.access_token }}      the member of a card's output
    {{ start.headers["x-trace"] }}     a name that is no word stands in brackets
    {{ found.devices[0].id? }}         null where there is none, instead of a failure
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Final, TypeAlias

from keyturn.domain.flows.failures import CardFailure, Failure
from keyturn.domain.flows.values import (
    TEXT_MAX,
    Bound,
    Masked,
    TooLarge,
    Value,
    members,
    seen,
    size_of,
    text_of,
)

OPEN: Final = "{{"
CLOSE: Final = "}}"
WRITTEN_OPEN: Final = "{{{{"
"""Two braces in a text that is put together."""
_HEAD = r"[a-z][a-z0-9_]*"
_STEP = r"""\.[A-Za-z_][A-Za-z0-9_-]*|\[[0-9]{1,6}\]|\["[^"\\\]{}]{1,200}"\]"""
_REFERENCE = re.compile(rf"\s*({_HEAD})((?:{_STEP}){{0,50}})(\??)\s*")
HEAD: Final = re.compile(_HEAD)
STEPS: Final = re.compile(_STEP)
SECRETS: Final = "secrets"


@dataclass(frozen=True)
class Reference:
    """Where a value lies: in what is bound to ``head``, along ``path``.

    ``optional`` says that there may be none.
    """

    head: str
    path: tuple[str | int, ...] = ()
    optional: bool = False

    def __str__(self) -> str:
        steps = "".join(map(_written, self.path))
        return f"{OPEN} {self.head}{steps}{'?' if self.optional else ''} {CLOSE}"


def _written(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", step) else f'["{step}"]'


@dataclass(frozen=True)
class Constant:
    """A value that stands in the file."""

    value: Value


@dataclass(frozen=True)
class Template:
    """A text that is put together."""

    parts: tuple[str | Reference, ...]


@dataclass(frozen=True)
class Members:
    """An object in which something is referred to."""

    of: Mapping[str, "Expression"]


@dataclass(frozen=True)
class Items:
    """A list in which something is referred to."""

    of: tuple["Expression", ...]


Expression: TypeAlias = Constant | Reference | Template | Members | Items


class Malformed(ValueError):
    """A reference is not written as one; the text says what is wrong with it."""


def parse_reference(text: str) -> Reference:
    """Parse what stands between two pairs of braces. Raises Malformed."""
    found = _REFERENCE.fullmatch(text)
    if found is None:
        raise Malformed(
            f"{OPEN}{text[:60]}{CLOSE} is no reference: write {OPEN} card.output {CLOSE}"
        )
    head, steps, optional = found.groups()
    return Reference(head, tuple(map(_step, STEPS.findall(steps))), bool(optional))


def _step(text: str) -> str | int:
    if text.startswith("."):
        return text[1:]
    return text[2:-2] if text[1] == '"' else int(text[1:-1])


def parse_input(text: str) -> Constant | Reference:
    """Parse the text of an input: one whole reference, or no reference. Raises Malformed."""
    if OPEN not in text:
        return Constant(text)
    inner = text.strip()
    if inner.startswith(OPEN) and inner.endswith(CLOSE) and OPEN not in inner[2:]:
        return parse_reference(inner[2:-2])
    raise Malformed("a text with references in it is put together by the card text.compose")


def parse_template(text: str) -> Constant | Template:
    """Parse a text in which references may stand. Raises Malformed."""
    parts: list[str | Reference] = []
    for plain, pieces in groupby(_pieces(text), lambda piece: isinstance(piece, str)):
        found = [*pieces]
        parts += ["".join(map(str, found))] if plain else found
    if all(isinstance(part, str) for part in parts):
        return Constant("".join(map(str, parts)))
    return Template(tuple(parts))


def _pieces(text: str) -> Iterator[str | Reference]:
    at = 0
    while (found := text.find(OPEN, at)) >= 0:
        yield text[at:found]
        at = found + len(OPEN)
        if text.startswith(OPEN, at):
            yield OPEN
            at += len(OPEN)
            continue
        closed = text.find(CLOSE, at)
        if closed < 0:
            raise Malformed(f"{OPEN} is not closed; two braces as such are {WRITTEN_OPEN}")
        yield parse_reference(text[at:closed])
        at = closed + len(CLOSE)
    yield text[at:]


def references_in(expression: Expression) -> Iterator[Reference]:
    """Give every reference of an expression."""
    match expression:
        case Reference():
            yield expression
        case Template(parts):
            yield from (part for part in parts if isinstance(part, Reference))
        case Members(of):
            for each in of.values():
                yield from references_in(each)
        case Items(of):
            for each in of:
                yield from references_in(each)


# --- what they come to ----------------------------------------------------------------------------


class Scope:
    """What names are bound to: those of a lane that runs for each item hide those around it."""

    def __init__(self, around: "Scope | None" = None) -> None:
        self._around: Final = around
        self._bound: Final[dict[str, Bound]] = {}
        self._sizes: Final[dict[str, int]] = {}

    @property
    def size(self) -> int:
        """Return about how many bytes are bound here."""
        return sum(self._sizes.values())

    def bind(self, name: str, bound: Bound) -> int:
        """Bind a name, or bind it anew; return by how many bytes what is bound here has grown.

        Raises CardFailure for what is larger than any value may be.
        """
        before, size = self._sizes.get(name, 0), _size_of(bound.value)
        self._bound[name], self._sizes[name] = bound, size
        return size - before

    def find(self, name: str) -> Bound | None:
        """Return what a name is bound to, or None."""
        found = self._bound.get(name)
        return found if found or not self._around else self._around.find(name)


def _size_of(value: Value) -> int:
    try:
        return size_of(value)
    except TooLarge as error:
        raise CardFailure(Failure.LIMIT, f"A value is too large: {error}.") from None


def evaluate(expression: Expression, scope: Scope) -> Bound:
    """Return what an expression comes to. Raises CardFailure where something is not there."""
    match expression:
        case Constant(value):
            return seen(value)
        case Reference():
            return _follow(expression, scope)
        case Template(parts):
            return _put_together(parts, scope)
        case Members(of):
            return members({name: evaluate(each, scope) for name, each in of.items()})
        case Items(of):
            return _listed([evaluate(each, scope) for each in of])


def _listed(bounds: list[Bound]) -> Bound:
    value = [each.value for each in bounds]
    if all(each.view is each.value for each in bounds):
        return Bound(value, value)
    return Bound(value, [each.view for each in bounds])


def _follow(reference: Reference, scope: Scope) -> Bound:
    found = scope.find(reference.head)
    for number, step in enumerate(reference.path):
        found = step_into(found, step) if found else None
        if found is None and not reference.optional:
            so_far = Reference(reference.head, reference.path[: number + 1])
            raise CardFailure(Failure.MISSING, f"There is no {so_far}.")
    if found is None and not reference.optional:
        raise CardFailure(Failure.MISSING, f"There is no {Reference(reference.head)}.")
    return found or seen(None)


def step_into(bound: Bound, step: str | int) -> Bound | None:
    """Go one step on; what lies in something that is hidden is hidden."""
    match bound.value, step:
        case dict() as held, str() if step in held:
            value = held[step]
        case list() as held, int() if step < len(held):
            value = held[step]
        case _:
            return None
    return Bound(value, value if bound.view is bound.value else _view_at(bound.view, step))


def _view_at(view: Value, step: str | int) -> Value:
    match view, step:
        case dict(), str():
            return view[step]
        case list(), int():
            return view[step]
        case _:
            return view


def _put_together(parts: tuple[str | Reference, ...], scope: Scope) -> Bound:
    bounds = [seen(part) if isinstance(part, str) else _follow(part, scope) for part in parts]
    value = _joined(each.value for each in bounds)
    if all(each.view is each.value for each in bounds):
        return Bound(value, value)
    return Bound(value, Masked(_joined(each.view for each in bounds)))


def _joined(values: Iterable[Value]) -> str:
    texts, length = [], 0
    for value in values:
        try:
            texts.append(text_of(value))
        except TooLarge as error:
            raise CardFailure(
                Failure.INPUT, f"A text is put together of too much: {error}."
            ) from None
        length += len(texts[-1])
        if length > TEXT_MAX:
            told = f"A text that is put together is longer than {TEXT_MAX:,} characters."
            raise CardFailure(Failure.INPUT, told)
    return "".join(texts)
