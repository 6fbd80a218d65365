"""The System Log's refusals: filters, bounds, limits and callers that it does not take."""

import pytest
from sandbox_kit import World, okta_error, without_id

pytestmark = pytest.mark.anyio

LOGS = "/api/v1/logs"
BAD_DATE = (
    "The date format in your query is not recognized. Please enter dates using ISO8601 string "
    "format."
)
BAD_TIME = "must be a valid date-time or empty."


@pytest.mark.parametrize(
    ("query", "error"),
    [
        (
            {"filter": 'eventType eqq "x"'},
            okta_error(
                "E0000053",
                "Invalid filter 'eventType eqq \"x\"': Unrecognized attribute operator 'eqq' at "
                "position 10. Expected: eq,co,sw,pr,gt,ge,lt,le",
            ),
        ),
        (
            {"filter": 'target[id eq "a"]'},
            okta_error(
                "E0000053",
                "Invalid filter 'target[id eq \"a\"]': Unexpected character '[' at position 6",
            ),
        ),
        ({"filter": 'odd eq "a"'}, okta_error("E0000053", "field is not valid: odd")),
        (
            {"filter": 'published gt "2026"'},
            okta_error("E0000053", "field is not valid: published"),
        ),
        (
            {"filter": 'debugContext.debugData.url co "/oauth/"'},
            okta_error(
                "E0000031",
                "The supplied combination of operator and field is not currently supported. "
                "Operator: co, Field: debugContext.debugData.url",
            ),
        ),
        (
            {"since": "2025-08-01T00:00:00Z"},
            okta_error(
                "E0000053",
                "Invalid parameter: The since parameter is over 180 days prior to the current day.",
            ),
        ),
        (
            {"until": "soon"},
            okta_error(
                "E0000001",
                f"Api validation failed: 'until': {BAD_DATE} 'until': {BAD_TIME}",
                f"until: {BAD_DATE}",
                f"until: {BAD_TIME}",
            ),
        ),
        (
            {"q": "x" * 41},
            okta_error(
                "E0000001",
                "Api validation failed: 'q': Freeform search cannot contain items longer than 40 "
                "characters. Please shorten the items in your search or use an advanced filter to "
                "query by specific fields.",
            ),
        ),
    ],
)
async def test_refusals(world: World, query: dict[str, str], error: dict[str, object]) -> None:
    """What the log does not take is 400 with Okta's words."""
    answer = await world.admin("GET", LOGS, params=query)
    assert answer.status_code == 400
    assert without_id(answer) == error


@pytest.mark.parametrize(
    "query",
    [
        {"q": " ".join("abcdefghijk")},
        {"limit": "1001"},
        {"limit": "-1"},
        {"limit": "x"},
        {"sortOrder": "UP"},
        {"after": "junk"},
        {"after": "junk", "until": "2026-03-01T12:00:00Z"},
    ],
)
async def test_other_refusals(world: World, query: dict[str, str]) -> None:
    """Too many words, limits out of range, other orders and foreign cursors are refused."""
    assert (await world.admin("GET", LOGS, params=query)).status_code == 400


async def test_scope(world: World) -> None:
    """A token without okta.logs.read may not look."""
    token = (await world.service_token("okta.apps.read")).json()["access_token"]
    answer = await world.http.get(LOGS, headers={"authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.content) == (403, b"")
