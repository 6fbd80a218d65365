"""Whoever follows runs by the client hears of all, however often the stream breaks."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from api_kit import House, open_house
from endpoint_kit import FLOWS, save
from identity_kit import ask
from stream_kit import StreamTransport

from keyturn.api.app import build_api
from keyturn.client import ApiError, ClientError, KeyturnApi, Token, Unreachable
from keyturn.client.listening import RETRY_S, follow_runs
from keyturn.services.events import Newsroom
from keyturn.wire.flows import RunTold

ALL = {"projectId": "example"}
GREET = """\
flow: greet
start: {kind: helper}
cards: [{card: flow.return, with: {greeting: hello}}]
"""


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """Give a fresh installation beside a fresh Okta org."""
    async with open_house() as house:
        yield house


@pytest.fixture
async def api(house: House) -> AsyncIterator[KeyturnApi]:
    """Give a client of the house's administrator."""
    app = build_api(house.world, version="0")
    app.state.newsroom = Newsroom(house.world, pause_s=0.005)
    token = Token(house.installed.admin_token.reveal())
    async with KeyturnApi("http://it.example", token, transport=StreamTransport(app)) as api:
        yield api


async def test_runs_are_followed_from_an_event_on(house: House, api: KeyturnApi) -> None:
    """Each comes with the id by which to go on, the first before anything has happened."""
    flow = await save(house, GREET)
    async with aclosing(api.follow_runs(ALL)) as events:
        begun, nothing = await anext(events)
        assert nothing is None
    await ask(house, "POST", f"{FLOWS}/{flow['id']}/run", {"waitS": 60})
    query = ALL | {"flowId": str(flow["id"]), "phase": ["running", "finished"]}
    async with aclosing(api.follow_runs(query, begun)) as events:
        told = [each async for _, each in limited(events, 3) if each]
    assert [each.event for each in told] == ["started", "ended"]


async def limited(events: AsyncIterator[Any], number: int) -> AsyncIterator[Any]:
    """Give so many and no more."""
    for _ in range(number):
        yield await anext(events)


async def test_what_may_not_be_followed_is_told_at_once(api: KeyturnApi) -> None:
    """It is no reason to try again."""
    with pytest.raises(ApiError) as caught:
        await follow_runs(api, {"projectId": "nothing"}, print)
    assert caught.value.status == 404


def told(name: str) -> RunTold:
    """Return what is told of a run that began."""
    fields = dict.fromkeys(RunTold.model_fields) | {"run_id": name, "event": "started"}
    return RunTold.model_construct(**fields)


@dataclass
class Script:
    """A server that tells by a script, one part a request."""

    parts: list[list[str | ClientError]]
    heard: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)

    async def follow_runs(
        self, query: object, last: str
    ) -> AsyncGenerator[tuple[str, RunTold | None]]:
        """Tell the next part; an event's id is its name, and a ping's too."""
        self.asked.append(last)
        for each in self.parts.pop(0):
            if isinstance(each, ClientError):
                raise each
            yield each, None if each.startswith("ping") else told(each)

    async def sleep(self, seconds: float) -> None:
        """Note how long is waited; the end of the script is the end."""
        self.waited.append(seconds)
        if not self.parts:
            raise asyncio.CancelledError

    async def play(self) -> None:
        """Follow to the end of the script."""
        tell = lambda each: self.heard.append(each.run_id)  # noqa: E731
        with suppress(asyncio.CancelledError):
            await follow_runs(self, ALL, tell, sleep=self.sleep)  # type: ignore[arg-type]


def refused(status: int) -> ApiError:
    """Return an answer that is no."""
    return ApiError(status, "No", "no", "1")


async def test_a_break_is_gone_on_after() -> None:
    """By what came last, a ping included; the server may be away, busy, or end the stream."""
    away, busy = Unreachable("away"), [refused(429), refused(503)]
    parts = [["ping 1", "a"], [away], *([each] for each in busy), ["b", "ping 2", away], []]
    script = Script([*parts])
    await script.play()
    assert script.heard == ["a", "b"]
    assert script.asked == ["", "a", "a", "a", "a", "ping 2"]
    longest = [RETRY_S[each] for each in (0, 1, 2, 3, 0, 1)]
    pairs = zip(script.waited, longest, strict=True)
    assert all(most / 2 <= waited <= most for waited, most in pairs)


@pytest.mark.parametrize("parts", [[[Unreachable("away")]], [["ping"], [refused(403)]]])
async def test_what_waiting_does_not_mend_is_raised(parts: list[list[str | ClientError]]) -> None:
    """A server that was never there, and one that says that the caller may no more."""
    with pytest.raises(ClientError):
        await Script([*parts]).play()
