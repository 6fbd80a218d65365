"""Who may use a table, where its rows open, and what one search may find."""

from collections.abc import AsyncIterator
from dataclasses import replace
from threading import get_ident

import pytest
from cards_kit import MAY, Workshop, workshop
from rig import PLACE

from keyturn.domain.access import Caller, Grant, Holding, Role, Verb
from keyturn.domain.errors import Forbidden, SealBroken
from keyturn.domain.flows.failures import CardFailure, Failure
from keyturn.domain.flows.tables import FlowRow
from keyturn.domain.flows.values import Kind, seen
from keyturn.domain.sensitive import Sensitive
from keyturn.services.flow_tables import create_table
from keyturn.services.flows import save_flow
from keyturn.services.ports import Vault
from keyturn.services.table_rows import Search, Table

pytestmark = pytest.mark.anyio

CLEARS = "flow: x\nstart: {kind: helper}\ncards:\n- {card: table.clear, with: {table: devices}}\n"


@pytest.fixture
async def it() -> AsyncIterator[Workshop]:
    """Have an installation, and a flow in a folder of it."""
    async with workshop() as made:
        yield made


class Watching:
    """A vault that notes in which threads it opens."""

    def __init__(self, inner: Vault) -> None:
        self.inner, self.threads = inner, list[int]()

    def open(self, data_key: bytes, scope: str, place: str, sealed: bytes) -> Sensitive:
        """Open a sealed value."""
        self.threads.append(get_ident())
        return self.inner.open(data_key, scope, place, sealed)


async def table(it: Workshop, rows: int = 0) -> Table:
    """Make a table of so many rows."""
    made = await create_table(it.rig.world, it.rig.admin, PLACE, "devices", {"a": Kind.TEXT})
    opened = Table(it.rig.world, made.place, made.table)
    async with it.rig.world.store.writing() as tx:
        await opened.create(tx, [seen({"a": f"row {number}"}) for number in range(rows)])
    return opened


async def test_a_flow_uses_tables_where_it_may(it: Workshop) -> None:
    """Without the right to run flows there it is refused, to read as to write."""
    await table(it)
    for verbs, kind in ((MAY, Failure.FORBIDDEN), (MAY | {Verb.RUN_FLOWS}, None)):
        it.verbs = verbs
        for card in ("table.search_rows", "table.clear"):
            end = await it.walk({"card": card, "with": {"table": "devices"}})
            assert (end.failure.kind if end.failure else None) is kind


async def test_who_saves_a_flow_on_tables_may_read_them(it: Workshop) -> None:
    """To save flows is not to see what other flows keep."""
    await table(it)
    role = Role("writer", "Writer", (Grant(frozenset({Verb.EDIT_FLOWS}), ("dev",), ("/",)),))
    holdings = (Holding(role, it.place.project.id),)
    writer = Caller("i", "writer", it.place.project.organization_id, holdings)
    with pytest.raises(Forbidden):
        await save_flow(it.rig.world, writer, PLACE, CLEARS)


async def test_a_row_opens_only_where_it_lies(it: Workshop) -> None:
    """What is sealed for one row is none of another's."""
    opened = await table(it, 2)
    one, other = await opened.page(0, 2)
    moved = replace(one.row, sealed=other.row.sealed)
    async with it.rig.world.store.writing() as tx:
        await tx.replace(moved)
    with pytest.raises(SealBroken):
        await opened.page(0, 1)


async def test_a_row_of_another_table_is_none_of_this(it: Workshop) -> None:
    """An id does not lead out of the table that a card names."""
    opened = await table(it, 1)
    made = await create_table(it.rig.world, it.rig.admin, PLACE, "other", {"a": Kind.TEXT})
    other = Table(it.rig.world, made.place, made.table)
    ((one),) = await opened.page(0, 1)
    async with it.rig.world.store.writing() as tx:
        assert await other.find(tx, one.row.id) is None
        assert not await other.delete(tx, one.row.id)
        assert await tx.find(FlowRow, id=one.row.id)


async def test_a_search_goes_through_pages_and_finds_no_more_than_fits(it: Workshop) -> None:
    """All rows are looked at; too much at once is refused."""
    opened = await table(it, 250)
    found = await opened.search(Search({}, 3, sort="a", descending=True))
    assert [each.values.value for each in found] == [{"a": f"row {n}"} for n in (99, 98, 97)]
    assert len(await opened.search(Search({}, 240))) == 240
    with pytest.raises(CardFailure, match="more than 1,000 bytes together"):
        await opened.search(Search({}, 240, most_bytes=1000))


async def test_a_search_opens_rows_in_a_thread(it: Workshop) -> None:
    """Rows may be large and many: the event loop serves others meanwhile."""
    made, here = await table(it, 3), get_ident()
    watching = Watching(it.rig.world.vault)
    searched = replace(made, world=replace(it.rig.world, vault=watching))
    assert len(await searched.search(Search({"a": "row 1"}, 5))) == 1
    assert len(watching.threads) == 3
    assert here not in watching.threads


@pytest.mark.parametrize("text", ["é 🔑", 'a "b" \\', "\n\t", "", "\x00masked"])
async def test_any_text_is_found_again(it: Workshop, text: str) -> None:
    """However it is written in the row."""
    made = await table(it, 2)
    async with it.rig.world.store.writing() as tx:
        await made.create(tx, [seen({"a": text})])
    (found,) = await made.search(Search({"a": text}, 5))
    assert found.values.value == {"a": text}
