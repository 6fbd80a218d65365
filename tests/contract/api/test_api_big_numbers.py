"""Whole numbers beyond what a database holds are refused wherever they may be given."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from api_kit import NO_ID, PUBLIC_URL, description, open_house
from route_kit import Furnished, furnish, routes_of

from keyturn.adapters.storage import SqliteStore
from keyturn.api.app import build_api
from keyturn.testing.memory import Backup

ODD = (2**63, 2**64, -1)


def numbers(schema: Any, shapes: Any) -> bool:  # noqa: ANN401  JSON
    """Say whether a schema may be a whole number's."""
    named = shapes[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    every = (*named.get("anyOf", ()), *named.get("allOf", ()))
    return named.get("type") == "integer" or any(numbers(each, shapes) for each in every)


def spots(told: Any, route: str) -> Iterator[tuple[bool, str]]:  # noqa: ANN401  JSON
    """Yield where a route takes a whole number: whether in its query or its body, and the name."""
    method, path = route.split()
    shapes, operation = told["components"]["schemas"], told["paths"][path][method.lower()]
    for each in operation.get("parameters", ()):
        if each["in"] == "query" and numbers(each["schema"], shapes):
            yield True, each["name"]
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    body = content.get("schema", {})
    every = [body, *body.get("anyOf", ())]
    for one in (shapes[each["$ref"].rpartition("/")[2]] for each in every if "$ref" in each):
        yield from (
            (False, n) for n, at in one.get("properties", {}).items() if numbers(at, shapes)
        )


async def ask(it: Furnished, route: str, name: str, *, asked: bool, odd: int) -> httpx2.Response:
    """Make the request of a route with one number, in its query or in its body."""
    method, path = route.split()
    where, query = path.format(**it.named(path)), it.query(path) if method == "GET" else {}
    query |= {name: str(odd)} if asked else {}
    if method == "GET":
        return await it.house.http.get(where, params=query)
    body = it.body(route) | ({} if asked else {name: odd})
    return await it.house.http.request(method, where, params=query, json=body)


@pytest.mark.slow
async def test_no_number_is_too_big_for_an_answer(tmp_path: Path) -> None:
    """Of every route, by a database: whoever sends one is told so, or it is of no account."""
    store, asked_of = await SqliteStore.open(tmp_path / "keyturn.db"), set[str]()
    try:
        async with open_house(store) as house:
            it = Furnished(house, await furnish(house) | {"finding_id": NO_ID}, Backup({}, ()))
            told = description(house.world)
            for route in routes_of(build_api(house.world, version="0", public_url=PUBLIC_URL)):
                for asked, name in spots(told, route):
                    asked_of.add(name)
                    for odd in ODD:
                        answer = await ask(it, route, name, asked=asked, odd=odd)
                        assert answer.status_code < 500, (route, name, odd, answer.text)
    finally:
        await store.aclose()
    assert asked_of >= {"offset", "limit", "version", "wave", "withinSeconds", "after", "before"}
