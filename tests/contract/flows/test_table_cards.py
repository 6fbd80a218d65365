"""Cards on tables: rows that flows keep, and that they change once, whatever happens."""

from dataclasses import replace
from typing import Literal

import pytest
from flow_kit import Died, FlowRig, flow_rig
from rig import PLACE

from keyturn.domain.errors import InvalidInput
from keyturn.domain.flows.run import Phase
from keyturn.domain.flows.tables import FlowTable
from keyturn.domain.flows.values import Kind, Value
from keyturn.domain.sensitive import Sensitive
from keyturn.services.flow_duties import claim_due_runs
from keyturn.services.flow_tables import TableView, add_rows, create_table, list_rows
from keyturn.services.runs import go_on
from keyturn.services.secret_changes import create_secret

pytestmark = pytest.mark.anyio

COLUMNS: dict[str, Kind] = {"serial": Kind.TEXT, "count": Kind.NUMBER, "more": Kind.ANY}
THREE: list[dict[str, Value]] = [
    {"serial": "b", "count": 2},
    {"serial": "a", "count": 1},
    {"serial": "c"},
]
GROWING = """cards:
- {id: a, card: table.create_row, with: {table: devices, values: {serial: x, count: 1}}}
- {id: b, card: table.create_row, with: {table: devices, values: {serial: y}}}
- {id: u, card: table.update_row, with: {table: devices, row: "{{ a.row }}", values: {count: 2}}}
- {id: d, card: table.delete_row, with: {table: devices, row: "{{ b.row }}"}}
- {card: flow.return, with: {deleted: "{{ d.deleted }}", values: "{{ u.values }}"}}
"""


async def table(rig: FlowRig, rows: list[dict[str, Value]] | None = None) -> TableView:
    """Make a table of devices with these rows."""
    made = await create_table(rig.world, rig.admin, PLACE, "devices", COLUMNS)
    if rows:
        await add_rows(rig.world, rig.admin, made.table.id, rows)
    return made


async def card(rig: FlowRig, name: str, **given: Value) -> Value:
    """Run one card and return what it gave; its failure's kind and message where it failed."""
    text = f"cards:\n- {{id: c, card: {name}, with: {{table: devices, {_flow(given)}}}}}\n"
    text += "- {card: flow.return, with: {o: '{{ c }}'}}\n"
    inputs = ", ".join(f"{name}: any" for name in given)
    head = f"flow: test\nstart: {{kind: helper, inputs: {{{inputs}}}}}\n"
    run = await rig.start(await rig.save(text, head), {"inputs": {**given}})
    ended = await rig.end(run)
    if ended.run.phase is Phase.FAILED:
        return f"{ended.run.failure}: {ended.run.told}"
    result = (await rig.result(run)).body.value
    assert isinstance(result, dict)
    return result["o"]


def _flow(given: dict[str, Value]) -> str:
    return ", ".join(f"{name}: '{{{{ start.inputs.{name} }}}}'" for name in given)


async def serials(rig: FlowRig, made: TableView) -> list[Value]:
    """Return the serials of all rows, the oldest first."""
    _, rows = await list_rows(rig.world, rig.admin, made.table.id)
    return [_serial(each.values.value) for each in rows]


def _serial(values: Value) -> Value:
    return values["serial"] if isinstance(values, dict) else None


async def stored(rig: FlowRig, made: TableView) -> FlowTable:
    """Return a table as it is now."""
    async with rig.world.store.reading() as tx:
        found = await tx.find(FlowTable, id=made.table.id)
    assert found
    return found


async def test_rows_are_made_changed_and_removed() -> None:
    """Each card gives what became of its row; a column that is left out is null."""
    async with flow_rig() as rig:
        made = await table(rig)
        run = await rig.start(await rig.save(GROWING))
        values = {"serial": "x", "count": 2, "more": None}
        assert (await rig.result(run)).body.value == {"deleted": True, "values": values}
        assert await serials(rig, made) == ["x"]
        assert (await stored(rig, made)).rows == 1


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("at", range(1, 7))
async def test_a_death_at_any_commit_changes_nothing_twice(
    at: int, moment: Literal["before", "after"]
) -> None:
    """Whoever takes the run over ends it as if nothing had been, for a change has its answer."""
    async with flow_rig() as rig:
        made = await table(rig)
        run = await rig.start(await rig.save(GROWING))
        try:
            await rig.work(rig.mortal(at, moment))
        except Died:
            rig.clock.advance(61)
        assert (await rig.end(run)).run.phase is Phase.FINISHED
        after = await stored(rig, made)
        assert (await serials(rig, made), after.rows, after.last_number) == (["x"], 1, 2)


async def test_who_has_lost_a_run_changes_nothing() -> None:
    """A worker whose lease is over, and was taken over, adds no row."""
    async with flow_rig() as rig:
        made = await table(rig)
        run = await rig.start(await rig.save(GROWING))
        (claim,) = await claim_due_runs(rig.world, owner="late", limit=1)
        async with rig.world.store.writing() as tx:
            assert await tx.take_run(run.id, owner="other", wake_at=None)
        await go_on(rig.world, claim)
        assert (await stored(rig, made)).last_number == 0


async def test_rows_are_found_by_their_values() -> None:
    """All that have them, the oldest first; a truth is no number, and null is a value."""
    async with flow_rig() as rig:
        await table(rig, [*THREE, {"serial": "b", "more": True}])
        found = await card(rig, "table.search_rows", where={"serial": "b"})
        assert isinstance(found, dict)
        assert (found["count"], found["first"]) == (2, found["rows"][0])
        for where, count in (({"more": 1}, 0), ({"more": True}, 1), ({"count": None}, 2)):
            found = await card(rig, "table.search_rows", where=where)
            assert isinstance(found, dict)
            assert found["count"] == count


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, "bac"),
        ({"sort": "serial"}, "abc"),
        ({"sort": "serial", "descending": True}, "cba"),
        ({"sort": "count"}, "cab"),
        ({"limit": 2}, "ba"),
        ({"sort": "serial", "limit": 1}, "a"),
    ],
)
async def test_rows_come_in_the_order_that_is_asked_for(
    given: dict[str, Value], found: str
) -> None:
    """As they were added, or by a column, where those without a value come first."""
    async with flow_rig() as rig:
        await table(rig, THREE)
        told = await card(rig, "table.search_rows", **given)
        assert isinstance(told, dict)
        rows = told["rows"]
        assert isinstance(rows, list)
        values = [each["values"] for each in rows if isinstance(each, dict)]
        assert "".join(str(_serial(each)) for each in values) == found


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("table.create_row", {"values": {"serial": 1}}, "values: serial must be of the kind text"),
        ("table.create_row", {"values": {"colour": 1}}, "values: devices has no column colour"),
        ("table.search_rows", {"where": {"colour": 1}}, "where: devices has no column colour"),
        ("table.search_rows", {"sort": "more"}, "sort: must be a column of texts"),
        ("table.search_rows", {"limit": 5001}, "limit: must be a whole number from 1 to 5,000"),
        ("table.read_row", {"row": "x"}, "The table devices has no such row"),
        ("table.update_row", {"row": "x", "values": {}}, "The table devices has no such row"),
    ],
)
async def test_what_a_card_does_not_take(name: str, given: dict[str, Value], told: str) -> None:
    """It says what is wrong, and quotes no value."""
    async with flow_rig() as rig:
        await table(rig, THREE)
        assert told in str(await card(rig, name, **given))


async def test_a_value_has_a_size_and_a_table_too() -> None:
    """32 kB a value, and as many rows as the installation allows."""
    async with flow_rig() as rig:
        rig.world = replace(rig.world, limits=replace(rig.world.limits, flow_table_rows=1))
        await table(rig)
        many = {"serial": "x" * (32 * 1024 + 1)}
        assert "at most 32,768 bytes" in str(await card(rig, "table.create_row", values=many))
        told = await card(rig, "table.create_row", values={"serial": "x" * 32 * 1024})
        assert isinstance(told, dict)
        assert "may have 1 rows" in str(await card(rig, "table.create_row", values={}))


async def test_what_was_hidden_is_hidden_when_it_is_found() -> None:
    """A secret in a row is masked in the history of another run, and whole for its cards."""
    head = "flow: keep\nstart: {kind: helper}\nsecrets: {key: OKTA_KEY}\n"
    keeps = """cards:
- {card: table.create_row, with: {table: devices, values: {serial: "{{ secrets.key }}"}}}
"""
    async with flow_rig() as rig:
        made = await table(rig)
        await create_secret(rig.world, rig.admin, PLACE, "OKTA_KEY", Sensitive("canary"))
        assert (await rig.end(await rig.start(await rig.save(keeps, head)))).run.failure == ""
        text = "cards:\n- {id: f, card: table.search_rows, with: {table: devices}}\n"
        text += "- {card: flow.return, with: {o: '{{ f.first.values.serial }}'}}\n"
        run = await rig.start(await rig.save(text))
        assert (await rig.result(run)).body.value == {"o": "canary"}
        assert "canary" not in str((await rig.read(run)).steps)
        assert await serials(rig, made) == ["canary"]


async def test_a_flow_names_tables_that_are_there() -> None:
    """What it names in its file is looked for when it is saved."""
    async with flow_rig() as rig:
        with pytest.raises(InvalidInput, match="there is no table devices"):
            await rig.save("cards:\n- {card: table.clear, with: {table: devices}}\n")


async def test_a_table_is_emptied() -> None:
    """At once, however many rows there are; numbers go on."""
    async with flow_rig() as rig:
        made = await table(rig, THREE)
        assert await card(rig, "table.clear") == {"count": 3}
        after = await stored(rig, made)
        assert (await serials(rig, made), after.rows, after.last_number) == ([], 0, 3)
