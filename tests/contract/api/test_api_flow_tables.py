"""Tables of flows over HTTP: made, filled, read page by page, emptied and removed."""

from dataclasses import replace

import httpx2
import pytest
from api_kit import NO_ID, PUBLIC_URL, Body, House, issues, problem
from identity_kit import ask, at

from keyturn.api.app import build_api

TABLES = "/api/v1/flow-tables"
PLACE: Body = {"projectId": "example", "environment": "dev"}
COLUMNS = {"serial": "text", "count": "number", "more": "any"}


async def table(house: House, **changes: object) -> Body:
    """Make a table."""
    asked = {**PLACE, "name": "devices", "columns": COLUMNS, **changes}
    made: Body = at(await ask(house, "POST", TABLES, asked), "table")
    return made


async def rows(house: House, made: Body, query: str = "") -> list[Body]:
    """Read rows of a table."""
    found: list[Body] = at(await ask(house, "GET", f"{TABLES}/{made['id']}/rows{query}"), "rows")
    return found


async def test_a_table_is_made_filled_and_read(house: House) -> None:
    """Columns keep their order, and rows the order in which they were added."""
    made = await table(house)
    assert (made["columns"], made["rows"], made["secretPath"]) == (COLUMNS, 0, "/")
    given = [{"serial": "a", "count": 1.5}, {"serial": "b", "more": {"x": [None]}}]
    added = await ask(house, "POST", f"{TABLES}/{made['id']}/rows", {"rows": given})
    assert [each["number"] for each in at(added, "rows")] == [1, 2]
    empty = dict.fromkeys(COLUMNS)
    assert [each["values"] for each in await rows(house, made)] == [empty | each for each in given]
    assert [each["number"] for each in await rows(house, made, "?after=1")] == [2]
    assert [each["number"] for each in await rows(house, made, "?limit=1")] == [1]
    assert at(await ask(house, "GET", f"{TABLES}/{made['id']}"), "table", "rows") == 2


async def test_a_table_is_emptied_and_removed(house: House) -> None:
    """Its rows go with it."""
    made = await table(house)
    one = f"{TABLES}/{made['id']}"
    for _ in range(2):
        await ask(house, "POST", f"{one}/rows", {"rows": [{}]})
    assert at(await ask(house, "DELETE", f"{one}/rows"), "table", "rows") == 0
    assert await rows(house, made) == []
    await ask(house, "POST", f"{one}/rows", {"rows": [{}]})
    assert at(await ask(house, "DELETE", one), "table", "rows") == 1
    assert at(await ask(house, "GET", f"{TABLES}?projectId=example"), "tables") == []
    assert problem(await house.http.get(one)) == (404, "NotFound")


async def test_one_row_is_read_changed_and_removed(house: House) -> None:
    """What is not named stays, null takes a value away, and the other rows stay as they are."""
    made = await table(house)
    at_rows = f"{TABLES}/{made['id']}/rows"
    given = [{"serial": "a", "count": 1}, {"serial": "b"}]
    first, second = at(await ask(house, "POST", at_rows, {"rows": given}), "rows")
    one = f"{at_rows}/{first['id']}"
    changed = await ask(house, "PATCH", one, {"values": {"count": None, "more": [1]}})
    assert at(changed, "row", "values") == {"serial": "a", "count": None, "more": [1]}
    assert at(await ask(house, "GET", one), "row") == at(changed, "row")
    assert at(await ask(house, "DELETE", one), "row", "number") == 1
    assert await rows(house, made) == [second]
    assert at(await ask(house, "GET", f"{TABLES}/{made['id']}"), "table", "rows") == 1
    for method in ("GET", "PATCH", "DELETE"):
        gone = await house.http.request(method, one, json={"values": {}})
        assert problem(gone) == (404, "NotFound")


async def test_a_row_is_found_in_its_own_table_alone(house: House) -> None:
    """By the id of another table's there is none."""
    made, other = await table(house), await table(house, name="other")
    added = await ask(house, "POST", f"{TABLES}/{made['id']}/rows", {"rows": [{"serial": "a"}]})
    row_id = at(added, "rows", 0, "id")
    strange = await house.http.delete(f"{TABLES}/{other['id']}/rows/{row_id}")
    assert problem(strange) == (404, "NotFound")
    assert len(await rows(house, made)) == 1


@pytest.mark.parametrize("values", [{"serial": 1}, {"colour": "red"}])
async def test_a_change_of_a_row_that_does_not_fit(house: House, values: Body) -> None:
    """It is refused, and the row stays as it was."""
    made = await table(house)
    at_rows = f"{TABLES}/{made['id']}/rows"
    added = at(await ask(house, "POST", at_rows, {"rows": [{"serial": "a"}]}), "rows", 0)
    answer = await house.http.patch(f"{at_rows}/{added['id']}", json={"values": values})
    assert issues(answer) == ["values"]
    assert at(await ask(house, "GET", f"{at_rows}/{added['id']}"), "row") == added


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ([{"serial": "a"}, {"serial": 1}, {"colour": 1}], ["rows.1", "rows.2"]),
        ([{"serial": "x" * 32_769}], ["rows.0"]),
        ([{}] * 201, ["rows"]),
        ([], ["rows"]),
    ],
)
async def test_rows_that_do_not_fit(house: House, given: list[Body], fields: list[str]) -> None:
    """Each is named by its place, and none is added."""
    made = await table(house)
    answer = await house.http.post(f"{TABLES}/{made['id']}/rows", json={"rows": given})
    assert issues(answer) == fields
    assert await rows(house, made) == []


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"columns": {}}, ["columns"]),
        ({"columns": {"": "text"}}, ["columns."]),
        ({"columns": {"a": "date"}}, ["columns.a"]),
        ({"columns": {str(number): "text" for number in range(101)}}, ["columns"]),
        ({"name": "no slug!"}, ["name"]),
    ],
)
async def test_tables_that_there_cannot_be(house: House, changes: Body, fields: list[str]) -> None:
    """A name, and 1 to 100 columns with a name and a kind each."""
    asked = {**PLACE, "name": "devices", "columns": COLUMNS, **changes}
    assert issues(await house.http.post(TABLES, json=asked)) == fields


async def test_a_name_is_taken_in_its_folder(house: House) -> None:
    """One table of a name."""
    await table(house)
    asked = {**PLACE, "name": "devices", "columns": COLUMNS}
    assert problem(await house.http.post(TABLES, json=asked)) == (400, "BadRequest")
    assert problem(await house.http.delete(f"{TABLES}/{NO_ID}/rows")) == (404, "NotFound")


async def test_a_table_has_so_many_rows(house: House) -> None:
    """As many as the installation allows; what does not fit is not added in part."""
    world = replace(house.world, limits=replace(house.world.limits, flow_table_rows=3))
    transport = httpx2.ASGITransport(build_api(world, version="0"))
    made = await table(house)
    async with httpx2.AsyncClient(
        transport=transport, base_url=PUBLIC_URL, headers=house.http.headers
    ) as http:
        way = f"{TABLES}/{made['id']}/rows"
        assert (await http.post(way, json={"rows": [{}, {}]})).status_code == 200
        full = await http.post(way, json={"rows": [{}, {}]})
        assert problem(full) == (400, "BadRequest")
        assert "may have 3 rows, and has 2" in full.text
    assert len(await rows(house, made)) == 2


async def test_a_folder_goes_with_its_flows_and_tables(house: House) -> None:
    """Nothing of them is left that another folder could not be made without."""
    folder = await ask(house, "POST", "/api/v2/folders", house.place | {"name": "app"})
    source = "flow: x\nstart: {kind: helper}\ncards: []\n"
    await ask(house, "POST", "/api/v1/flows", {**PLACE, "secretPath": "/app", "source": source})
    made = await table(house, secretPath="/app")
    await ask(house, "POST", f"{TABLES}/{made['id']}/rows", {"rows": [{}]})
    await ask(house, "DELETE", f"/api/v2/folders/{at(folder, 'folder', 'id')}", house.place)
    assert at(await ask(house, "GET", f"{TABLES}?projectId=example"), "tables") == []
    assert at(await ask(house, "GET", "/api/v1/flows?projectId=example"), "flows") == []
