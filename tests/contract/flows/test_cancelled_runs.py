"""Runs that are cancelled while somebody works on them: what was done is told."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flow_kit import FlowRig, Mortal, flow_rig

from keyturn.domain.errors import Fenced
from keyturn.domain.flows.run import Phase, Run
from keyturn.services.ports import ResourceAnswer, ResourceRequest, RunWrite
from keyturn.services.run_history import cancel_run, replay_run

pytestmark = pytest.mark.anyio

CARDS = """cards:
- {id: said, card: text.compose, with: {text: "hello"}}
- {id: sent, card: CARD, with: {url: "https://a.example.com/a", MORE}}
- {id: never, card: api.post, with: {url: "https://a.example.com/b"}}
"""
POST = CARDS.replace("CARD", "api.post").replace("MORE", "body: {n: 1}")
GET = CARDS.replace("CARD", "api.get").replace("MORE", "query: {n: 1}")
READS = """cards:
- {card: api.get, with: {url: "https://a.example.com/a"}}
- {card: api.get, with: {url: "https://a.example.com/b"}}
"""


class Cancelling:
    """A service that is asked, and the run is cancelled before it answers."""

    def __init__(self, rig: FlowRig, status: int = 201) -> None:
        self.rig, self.status = rig, status
        self.run: Run | None = None
        self.meanwhile: list[dict[str, Any]] = []

    async def serve(self, asked: ResourceRequest) -> ResourceAnswer:
        """Cancel the run, and keep what is told of it then."""
        assert self.run
        await cancel_run(self.rig.world, self.rig.admin, self.run.id)
        self.meanwhile = [*(await self.rig.read(self.run)).steps]
        return ResourceAnswer(self.status)


async def cancelled(rig: FlowRig, cards: str, status: int = 201) -> Cancelling:
    """Have a run cancelled while its request is under way."""
    service = Cancelling(rig, status)
    rig.resources.serve = service.serve
    service.run = await rig.start(await rig.save(cards))
    await rig.work()
    return service


async def test_a_request_that_is_under_way_is_told_at_once() -> None:
    """Nobody knows what comes of it, which is said; what was sent is there."""
    async with flow_rig() as rig:
        said, sent = (await cancelled(rig, POST)).meanwhile
        assert (said["card_id"], sent["card_id"]) == ("said", "sent")
        assert (sent["error"]["kind"], sent["ended_at"]) == ("unknown_outcome", None)
        assert sent["inputs"]["body"] == {"n": 1}


@pytest.mark.parametrize(("status", "error"), [(201, None), (500, "http_error")])
async def test_what_came_of_it_is_told_when_it_is_known(status: int, error: str | None) -> None:
    """The worker that held the run writes down what it has done, and does nothing more."""
    async with flow_rig() as rig:
        service = await cancelled(rig, POST, status)
        assert service.run
        found = await rig.read(service.run)
        _, sent = found.steps
        assert (found.run.phase, found.run.steps, found.run.owner) == (Phase.CANCELLED, 2, None)
        assert (sent["error"] or {}).get("kind") == error
        assert error or sent["outputs"]["status"] == status
        assert len(rig.resources.asked) == 1


async def test_what_was_not_written_yet_is_written() -> None:
    """Also where the last card has only read; nothing is sent after that."""
    async with flow_rig() as rig:
        service = await cancelled(rig, GET)
        assert service.run
        assert [step["card_id"] for step in (await rig.read(service.run)).steps] == ["said", "sent"]
        assert len(rig.resources.asked) == 1


async def test_a_card_that_is_under_way_is_told_of_a_run_that_goes_on() -> None:
    """It has no end, and no error."""
    async with flow_rig() as rig:
        told: list[dict[str, Any]] = []

        async def serve(asked: ResourceRequest) -> ResourceAnswer:
            told.append((await rig.read(run)).steps[-1])
            return ResourceAnswer(200)

        rig.resources.serve = serve
        run = await rig.start(await rig.save(POST))
        steps = (await rig.end(run)).steps
        assert [(each["card_id"], each["ended_at"], each["error"]) for each in told] == [
            ("sent", None, None),
            ("never", None, None),
        ]
        assert [step["card_id"] for step in steps] == ["said", "sent", "never"]


async def test_a_cancelled_run_is_replayed_from_what_was_under_way() -> None:
    """What came before is taken as it was, and the card is asked for anew."""
    async with flow_rig() as rig:
        service = await cancelled(rig, POST)
        assert service.run
        rig.resources.serve = None
        again = await replay_run(rig.world, rig.admin, service.run.id, from_card="sent")
        assert (await rig.end(again.run)).run.phase is Phase.FINISHED
        assert [each.url[-2:] for each in rig.resources.asked] == ["/a", "/a", "/b"]


async def test_a_worker_that_was_found_out_asks_for_nothing_more() -> None:
    """What keeps the run meanwhile notices first, while a card takes its time."""
    async with flow_rig() as rig:
        noticed = asyncio.Event()
        lease = timedelta(seconds=0.03)
        world = replace(rig.world, limits=replace(rig.world.limits, lease=lease))

        async def serve(asked: ResourceRequest) -> ResourceAnswer:
            async with world.store.writing() as tx:  # another worker claims it
                await tx.take_run(run.id, owner="another", wake_at=None)
            await asyncio.wait_for(noticed.wait(), 5)
            return ResourceAnswer(200)

        class Noticing(Mortal):
            async def write_run(self, write: RunWrite) -> None:
                try:
                    await super().write_run(write)
                except Fenced:
                    noticed.set()
                    raise

        rig.resources.serve = serve
        run = await rig.start(await rig.save(READS))
        await rig.work(replace(world, store=Noticing(rig.world.store)))  # type: ignore[arg-type]  # as it is
        assert len(rig.resources.asked) == 1
