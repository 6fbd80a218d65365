"""Lists of any length, whose records are handed to another flow one by one.

Decides in which order a list is read and handed on. Of the list, a run holds one page at a time.
"""

from typing import Final

from keyturn.domain.flows.definition import Flow
from keyturn.domain.flows.expressions import Scope, step_into
from keyturn.domain.flows.failures import CardFailure, Failure, wrong_input
from keyturn.domain.flows.spec import Input, Output
from keyturn.domain.flows.values import Bound, Kind, members, seen
from keyturn.domain.flows.walk import Act, Going, Here, Load

PAGE_RECORDS: Final = 200
"""How many records a page has at most, as Okta's services give them."""
PAGES: Final = 5000
RECORDS_MAX: Final = PAGES * PAGE_RECORDS
INPUTS: Final = (
    Input(
        "flow",
        Kind.TEXT,
        "The name of the helper flow, in the same folder. It is given record, index and state.",
        written=True,
    ),
    Input("state", Kind.ANY, "What the helper is given with each record.", required=False),
)
LIMIT: Final = Input(
    "limit",
    Kind.NUMBER,
    f"How many records at most, up to {RECORDS_MAX:,}.",
    required=False,
    default=PAGE_RECORDS,
)
OUTPUTS: Final = (
    Output("count", Kind.NUMBER, "How many records were handed on."),
    Output("truncated", Kind.BOOLEAN, "Whether there are more."),
)


def stream(here: Here) -> Going:
    """Hand on the records of a list, page by page; the first failure ends it."""
    limit, handed, following, visited = _limit(here), 0, here.inputs, set[str]()
    helper = yield Load(here.at, str(here.given("flow").value))
    for number in range(1, PAGES + 1):
        page = yield Act(f"{here.at}page[{number}]", here.card, following)
        if not isinstance(page, Bound) or not isinstance(helper, Flow):
            raise TypeError
        records, after = _part(page, "records"), _part(page, "next")
        wanted = min(len(_items(records)), limit - handed)
        yield from _hand_on(here, helper, page, (handed, wanted))
        handed += wanted
        more = after.value is not None or wanted < len(_items(records))
        if handed == limit or not more:
            return seen({"count": handed, "truncated": more})
        if str(after.value) in visited:
            break
        visited.add(str(after.value))
        following = _next(here, after)
    raise CardFailure(Failure.HTTP, "The pages of the list come to no end.")


def _hand_on(here: Here, helper: Flow, page: Bound, span: tuple[int, int]) -> Going:
    """Run the helper for so many records of a page, which the run holds meanwhile."""
    scope, (handed, wanted) = Scope(here.scope), span
    here.walk.weigh(scope.bind("page", page))
    try:
        for number in range(wanted):
            yield from here.walk.count()
            record = step_into(_part(page, "records"), number) or seen(None)
            yield from _one(here, helper, record, handed + number)
    finally:
        here.walk.leave(scope)
    return page


def _one(here: Here, helper: Flow, record: Bound, index: int) -> Going:
    given = {"record": record, "index": seen(index), "state": here.given("state")}
    start, run = members({"inputs": members(given)}), here.scope.find("run") or seen({})
    end = yield from here.walk.course(helper, start, run=run, at=f"{here.at}/{index}.")
    if end.failure:
        raise end.failure
    return record


def _next(here: Here, after: Bound) -> Bound:
    """Return the inputs with which the next page is asked for; its address has the query."""
    address = here.card.spec.inputs[0].name
    names = [each.name for each in here.card.spec.inputs]
    given = {name: here.given(name) for name in names}
    return members(given | {address: after, "query": seen(None)})


def _part(page: Bound, name: str) -> Bound:
    return step_into(page, name) or seen(None)


def _items(records: Bound) -> list[object]:
    return [*records.value] if isinstance(records.value, list) else []


def _limit(here: Here) -> int:
    limit = here.given("limit").value
    if isinstance(limit, int) and not isinstance(limit, bool) and 1 <= limit <= RECORDS_MAX:
        return limit
    raise wrong_input("limit", f"must be a whole number from 1 to {RECORDS_MAX:,}")
