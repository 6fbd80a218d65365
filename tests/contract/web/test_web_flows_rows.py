"""One row of a table in the browser: changed and removed; what is masked stays masked."""

from typing import Any

import pytest
from api_kit import NO_ID
from identity_kit import ask, at
from web_flows_kit import CANARY, HOSTILE, save
from web_kit import WebHouse, make_person, visitor_of

TABLES = "/api/v1/flow-tables"
COLUMNS = {"user": "text", "count": "number", "more": "any"}


async def row(web: WebHouse, **values: object) -> tuple[str, str]:
    """Make a table with a row, and return the row's address in the API and its page's."""
    asked = {"projectId": "example", "environment": "dev", "name": "seen", "columns": COLUMNS}
    table_id = at(await ask(web.house, "POST", TABLES, asked), "table", "id")
    path = f"{TABLES}/{table_id}/rows"
    row_id = at(await ask(web.house, "POST", path, {"rows": [values]}), "rows", 0, "id")
    return f"{path}/{row_id}", f"/flows/tables/{table_id}/rows/{row_id}"


async def values_of(web: WebHouse, path: str) -> dict[str, Any]:
    """Return the values of a row."""
    found: dict[str, Any] = at(await ask(web.house, "GET", path), "row", "values")
    return found


async def test_a_row_is_changed_by_hand_and_removed(web: WebHouse) -> None:
    """What is left as it is stays, also where it is long, hostile or of several lines."""
    long = f"{HOSTILE}\nand another line"
    kept, here = await row(web, user=long, count=1.5, more={"a": [None]})
    table = await web.visitor.open(here.partition("/rows/")[0])
    page = await web.visitor.follow(table, "Change row 1")
    assert page.value("row.user") == long
    assert "<script>alert" not in page.html
    changed = await web.visitor.press(page, "Save", **{"row.count": "7", "row.more": ""})
    assert "Row 1 is changed." in changed.text
    assert await values_of(web, kept) == {"user": long, "count": 7, "more": None}
    page = await web.visitor.open(f"{here}/edit")
    asked = await web.visitor.follow(page, "Remove the row")
    gone = await web.visitor.press(asked, "Remove it")
    assert "Row 1 is removed." in gone.text
    assert "It has no rows." in gone.text
    assert (await web.visitor.open(f"{here}/edit")).status == 404


@pytest.mark.parametrize("typed", ["many", "{", "true"])
async def test_a_value_of_another_kind_is_refused_and_stays_typed(
    web: WebHouse, typed: str
) -> None:
    """The row stays as it was."""
    kept, here = await row(web, user="ada", count=1)
    page = await web.visitor.open(f"{here}/edit")
    refused = await web.visitor.press(page, "Save", **{"row.count": typed, "row.user": "eve"})
    assert refused.status == 422
    assert "Nothing was changed" in refused.text
    assert (refused.value("row.count"), refused.value("row.user")) == (typed, "eve")
    assert (await values_of(web, kept))["user"] == "ada"


MASKING = """\
flow: mask
start: {kind: helper}
secrets: {key: KEY}
cards:
- card: table.create_row
  with: {table: seen, values: {user: "{{ secrets.key }}", count: 1}}
"""


async def test_what_is_masked_is_not_shown_and_stays_where_nothing_is_typed(web: WebHouse) -> None:
    """A value that a flow took from a secret is kept whole, whatever else of the row changes."""
    kept, here = await row(web)
    secret = {"projectId": "example", "environment": "dev", "secretValue": CANARY}
    await ask(web.house, "POST", "/api/v4/secrets/KEY", secret)
    flow_id = await save(web, MASKING)
    await ask(web.house, "POST", f"/api/v1/flows/{flow_id}/run", {"waitS": 60})
    all_rows = kept.rpartition("/")[0]
    row_id = at(await ask(web.house, "GET", all_rows), "rows", 1, "id")
    page = await web.visitor.open(f"{here.rpartition('/')[0]}/{row_id}/edit")
    assert CANARY not in page.html
    assert "leave it empty to keep" in page.text
    changed = await web.visitor.press(page, "Save", **{"row.count": "2"})
    assert CANARY not in changed.html
    assert await values_of(web, f"{all_rows}/{row_id}") == {
        "user": CANARY,
        "count": 2,
        "more": None,
    }


async def test_rows_are_changed_by_who_may_run_flows(web: WebHouse) -> None:
    """A viewer is refused, and a row of no table is none."""
    _, here = await row(web, user="somebody-there")
    await make_person(web.house, "grace@example.com", role="viewer")
    viewer = visitor_of(web.world)
    await viewer.log_in("grace@example.com")
    for end in ("edit", "delete"):
        refused = await viewer.open(f"{here}/{end}")
        assert refused.status == 403
        assert "somebody-there" not in refused.text
        assert (await web.visitor.open(f"{here.rpartition('/')[0]}/{NO_ID}/{end}")).status == 404
