"""Cards that look at each item of a list."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from keyturn.domain.flows.cards.steering import steers
from keyturn.domain.flows.conditions import holds
from keyturn.domain.flows.expressions import Expression, Scope, evaluate, step_into
from keyturn.domain.flows.failures import CardFailure, Failure
from keyturn.domain.flows.spec import Input, Lane, Output, When
from keyturn.domain.flows.values import Bound, Kind, Value, members, seen, size_of
from keyturn.domain.flows.walk import Going, Here

_RESULTS = Output("list", Kind.LIST, "What each item came to, in order.")
_COUNT = Output("count", Kind.NUMBER, "How many.")
_LIST = Input("list", Kind.LIST, "The list.")
_WHERE = Input("where", Kind.ANY, "The condition, with `item`.", when=When.EACH, condition=True)
_GIVE = Input("give", Kind.ANY, "What each item comes to, with `item`.", when=When.EACH)
_EACH = Lane("do", "The cards that run for each item.", binds=("item", "index"))
_EACH_IF_ANY = Lane(
    "do", "Cards that run for each item first.", required=False, binds=("item", "index")
)


def _inner(here: Here, index: int, item: Bound) -> Scope:
    scope = Scope(here.scope)
    here.walk.weigh(scope.bind(here.card.item, item))
    here.walk.weigh(scope.bind("index", seen(index)))
    return scope


def _items(here: Here) -> Iterator[Bound]:
    whole = here.given("list")
    count = len(whole.value) if isinstance(whole.value, list) else 0
    return (step_into(whole, index) or seen(None) for index in range(count))


def _come_to(here: Here, index: int, item: Bound) -> Going:
    """Run the lane for one item, and return what it comes to."""
    scope = _inner(here, index, item)
    try:
        yield from here.walk.count()
        yield from here.lane("do", scope, f"[{index}]")
        give = here.card.inputs.get("give")
        return evaluate(give, scope) if give else seen(None)
    finally:
        here.walk.leave(scope)


class _Given:
    """What items come to; a run holds it as it grows."""

    def __init__(self, here: Here) -> None:
        self.bounds: Final[list[Bound]] = []
        self._walk: Final = here.walk
        self._size = 0

    def add(self, bound: Bound) -> None:
        """Add what an item comes to. Raises CardFailure where it is too much."""
        size = size_of(bound.value)
        self._walk.weigh(size)
        self._size += size
        self.bounds.append(bound)

    def whole(self) -> Bound:
        """Return the list, which whoever holds it weighs."""
        self._walk.weigh(-self._size)
        return _listed(self.bounds)


def _for_each(here: Here) -> Going:
    given = _Given(here)
    for index, item in enumerate(_items(here)):
        given.add((yield from _come_to(here, index, item)))
    return members({"list": given.whole(), "count": seen(len(given.bounds))})


def _for_each_ignoring(here: Here) -> Going:
    given, errors = _Given(here), list[Value]()
    for index, item in enumerate(_items(here)):
        try:
            given.add((yield from _come_to(here, index, item)))
        except CardFailure as failure:
            if failure.kind is Failure.LIMIT:
                raise
            errors.append({"index": index, "error": failure.as_value})
    counts = {"count": seen(len(given.bounds)), "failed": seen(len(errors)), "errors": seen(errors)}
    return members({"list": given.whole(), **counts})


def _reduce(here: Here) -> Going:
    total, give = here.given("initial"), here.card.inputs["give"]
    for index, item in enumerate(_items(here)):
        scope = _inner(here, index, item)
        here.walk.weigh(scope.bind("total", total))
        yield from here.walk.count()
        yield from here.lane("do", scope, f"[{index}]")
        total = evaluate(give, scope)
        here.walk.leave(scope)
    return members({"total": total})


def _filter(here: Here) -> Going:
    kept = []
    for index, item in enumerate(_items(here)):
        yield from here.walk.count()
        if _fits(here, here.card.inputs["where"], index, item):
            kept.append(item)
    return members({"list": _listed(kept), "count": seen(len(kept))})


def _find(here: Here) -> Going:
    for index, item in enumerate(_items(here)):
        yield from here.walk.count()
        if _fits(here, here.card.inputs["where"], index, item):
            return members({"item": item, "index": seen(index), "found": seen(True)})  # noqa: FBT003
    return seen({"item": None, "index": None, "found": False})


def _fits(here: Here, where: Expression, index: int, item: Bound) -> bool:
    scope = _inner(here, index, item)
    try:
        return holds(evaluate(where, scope).value)
    finally:
        here.walk.leave(scope)


def _listed(bounds: Sequence[Bound]) -> Bound:
    value = [each.value for each in bounds]
    if all(each.view is each.value for each in bounds):
        return Bound(value, value)
    return Bound(value, [each.view for each in bounds])


CARDS: Final = (
    steers(
        "list.for_each",
        "Run cards for each item of a list; the first failure ends it.",
        _for_each,
        _LIST,
        replace(_GIVE, required=False),
        outputs=(_RESULTS, _COUNT),
        lanes=(_EACH,),
    ),
    steers(
        "list.for_each_ignoring_errors",
        "Run cards for each item of a list; failures are listed.",
        _for_each_ignoring,
        _LIST,
        replace(_GIVE, required=False),
        outputs=(
            _RESULTS,
            _COUNT,
            Output("failed", Kind.NUMBER, "How many items failed."),
            Output("errors", Kind.LIST, "Objects of `index` and `error`."),
        ),
        lanes=(_EACH,),
    ),
    steers(
        "list.map",
        "Return a list of what each item comes to.",
        _for_each,
        _LIST,
        _GIVE,
        outputs=(_RESULTS, _COUNT),
        lanes=(_EACH_IF_ANY,),
    ),
    steers(
        "list.reduce",
        "Bring a list to one value, item by item.",
        _reduce,
        _LIST,
        Input("initial", Kind.ANY, "What `total` is for the first item.", required=False),
        Input("give", Kind.ANY, "The next `total`, with `item` and `total`.", when=When.EACH),
        outputs=(Output("total", Kind.ANY, "The last total."),),
        lanes=(replace(_EACH_IF_ANY, binds=("item", "index", "total")),),
    ),
    steers(
        "list.filter",
        "Return the items for which a condition holds.",
        _filter,
        _LIST,
        _WHERE,
        outputs=(Output("list", Kind.LIST, "Those items."), _COUNT),
    ),
    steers(
        "list.find",
        "Return the first item for which a condition holds.",
        _find,
        _LIST,
        _WHERE,
        outputs=(
            Output("item", Kind.ANY, "The item; null where there is none."),
            Output("index", Kind.NUMBER, "Where it stands, from 0."),
            Output("found", Kind.BOOLEAN, "Whether there is one."),
        ),
    ),
)
