"""The answers of the control port that the sandbox's page shows have the shape of real ones."""

import json
import re
from pathlib import Path

import httpx2
import pytest
from sandbox_kit import World

from keyturn.sandbox import ConnectionDropped, Fault, build_control

pytestmark = pytest.mark.anyio

PAGE = Path(__file__).parents[2] / "docs" / "sandbox.md"
EXAMPLE = re.compile(r"<!-- answer: (\S+) -->\n```json\n(.*?)```", re.DOTALL)
EXAMPLES = dict(EXAMPLE.findall(PAGE.read_text()))


async def lived() -> World:
    """Return an org with the past that the page tells of: the last answer was dropped."""
    world = World()
    for path in ("/api/v1/apps", "/api/v1/users/me", world.secrets_path, "/api/v1/apps/unknown"):
        await world.admin("GET", path)
    await world.service_token()
    await world.probe(world.secret)
    world.org.add_fault(Fault("drop-after-effect", count=1))
    with pytest.raises(ConnectionDropped):
        await world.make_secret()
    await world.http.aclose()
    return world


async def ask(path: str) -> object:
    """Return what the control port of such an org answers."""
    transport = httpx2.ASGITransport(build_control((await lived()).org, "t"))
    async with httpx2.AsyncClient(transport=transport, base_url="http://c") as http:
        return (await http.get(path, headers={"authorization": "Bearer t"})).json()


def differences(shown: object, real: object, where: str = "") -> list[str]:
    """List the places where two answers differ in their members or in the kind of a value."""
    if isinstance(shown, dict) and isinstance(real, dict):
        if [*shown] != [*real]:
            return [f"{where}: {[*shown]} for {[*real]}"]
        return [
            d for name in shown for d in differences(shown[name], real[name], f"{where}.{name}")
        ]
    if isinstance(shown, list) and isinstance(real, list):
        return differences(shown[0], real[0], f"{where}[]")
    kinds = {type(shown), type(real)}
    return [] if len(kinds - {type(None)}) < 2 else [f"{where}: {kinds}"]


def test_three_answers_are_shown() -> None:
    """What a test in another language reads most."""
    assert [*EXAMPLES] == ["/truth", "/requests?after=6", "/counts"]


@pytest.mark.parametrize("path", EXAMPLES)
async def test_answer_is_as_shown(path: str) -> None:
    """Members, their order and the kinds of their values are those of the page."""
    assert differences(json.loads(EXAMPLES[path]), await ask(path)) == []


async def test_counts_are_as_shown() -> None:
    """The numbers on the page add up, for they were counted."""
    assert await ask("/counts") == json.loads(EXAMPLES["/counts"])


def test_a_difference_would_show() -> None:
    """Another name, another order and another kind of value are each told."""
    assert differences({"a": 1}, {"b": 1})
    assert differences({"a": 1, "b": 1}, {"b": 1, "a": 1})
    assert differences([{"a": "1"}], [{"a": 1}]) == [f"[].a: { {str, int} }"]
    assert not differences({"a": None}, {"a": "x"})
