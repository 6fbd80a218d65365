"""Lists that services give page by page, followed to as many records as are wanted.

Decides when to stop: at the last page, at the limit, and where the records take too much.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from keyturn.domain.flows.cards.api import PAGES_BYTES
from keyturn.domain.flows.cards.streaming import PAGE_RECORDS, PAGES
from keyturn.domain.flows.expressions import step_into
from keyturn.domain.flows.failures import CardFailure, Failure, wrong_input
from keyturn.domain.flows.masking import shielded
from keyturn.domain.flows.requests import Request, next_page
from keyturn.domain.flows.values import Bound, members, seen
from keyturn.services.cards.answering import body_of, require_good
from keyturn.services.cards.line import Line, exchange


@dataclass(frozen=True)
class Course:
    """How far to go: so many records, on pages of so many; ``records_at`` is where they are."""

    limit: int
    page_size: int = PAGE_RECORDS
    records_at: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.page_size <= PAGE_RECORDS:
            raise wrong_input("page_size", f"must be from 1 to {PAGE_RECORDS}")
        if self.limit > PAGES * self.page_size:
            raise wrong_input("limit", f"must be at most {PAGES} pages, which is fewer records")


async def follow(line: Line, asked: Request, course: Course) -> Bound:
    """Return the records of a list, from as many requests as it has pages. Raises CardFailure."""
    records, size, at, visited = list[Bound](), 0, asked.url, set[str]()
    following: str | None = asked.url
    while following and len(records) < course.limit and size < PAGES_BYTES:
        at = following
        if at in visited or len(visited) >= PAGES:
            raise CardFailure(Failure.HTTP, "The pages of the list come to no end.")
        visited.add(at)
        page = await read_page(line, replace(asked, url=at), course.records_at)
        records += page.records
        size += page.size
        following = page.following
    more = bool(following) or len(records) > course.limit
    return listed(records[: course.limit], truncated=more)


@dataclass(frozen=True)
class Page:
    """Records, how many bytes they came in, and where the next page is; None after the last."""

    records: Sequence[Bound]
    size: int
    following: str | None


async def read_page(line: Line, asked: Request, records_at: str) -> Page:
    """Read one page of a list. Raises CardFailure."""
    answer = await require_good(line, await exchange(line, asked))
    records = _records(await body_of(line, answer), records_at)
    return Page(records, len(answer.body), next_page(answer.every("link"), asked.url))


def streamed(line: Line, page: Page, following: str | None) -> Bound:
    """Return a page as the card that streams is given it, and by what it asks for the next one."""
    after = shielded(following, line.secrets)
    return members({"records": _list_of(page.records), "next": after})


def listed(records: Sequence[Bound], *, truncated: bool) -> Bound:
    """Return the outputs of a card that lists."""
    told = {"count": seen(len(records)), "truncated": seen(truncated)}
    return members({"records": _list_of(records), **told})


def _list_of(records: Sequence[Bound]) -> Bound:
    value, view = [each.value for each in records], [each.view for each in records]
    same = all(each.view is each.value for each in records)
    return Bound(value, value if same else view)


def _records(body: Bound, records_at: str) -> Sequence[Bound]:
    """Return the records of one page. Raises CardFailure where there are none to be seen."""
    found = step_into(body, records_at) if records_at else body
    if found is None or not isinstance(found.value, list):
        where = "in records_at" if records_at else "in its body: say in records_at where it is"
        raise CardFailure(Failure.PARSE, f"The service answered with no list {where}.")
    steps = (step_into(found, number) for number in range(len(found.value)))
    return [each for each in steps if each]
