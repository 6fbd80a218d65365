"""Whoever follows runs is told when they begin, sleep, go on and end, and none of their values."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from api_kit import NO_ID, House, issues, problem
from endpoint_kit import FLOWS, PLACE
from identity_kit import ask, at, newcomer
from stream_kit import FOLLOW, LIMIT_S, SUBSCRIBE, Wire, wired
from surface_kit import make_folder, make_role

from keyturn.domain.access import Verb
from keyturn.domain.flows.run import Run
from keyturn.domain.identity import AccessToken, Membership
from keyturn.domain.ids import RunId
from keyturn.services.run_news import TOLD_AT_ONCE
from keyturn.services.streams import STREAMS_EACH

GREET = """\
flow: greet
start: {kind: helper}
cards: [{card: flow.return, with: {greeting: canary-greeting}}]
"""
FAIL = """\
flow: fail
start: {kind: helper}
cards:
- {id: parse, card: json.parse, with: {text: canary-text}}
"""
NAP = """\
flow: nap
start: {kind: helper}
cards: [{card: flow.wait_for, with: {duration: 3600}}]
"""
RAN = [("started", "greet"), ("ended", "greet")]


@pytest.fixture
async def wire(house: House) -> AsyncIterator[Wire]:
    """Reach a house by a transport that carries streams."""
    async with wired(house) as wire:
        yield wire


async def save(wire: Wire, source: str = GREET, path: str = "/", env: str = "dev") -> str:
    """Save a flow; return its id."""
    asked = PLACE | {"environment": env, "secretPath": path, "source": source}
    return str(at(await ask(wire.house, "POST", FLOWS, asked), "flow", "id"))


async def run(wire: Wire, flow_id: str, *, wait_s: float = 60) -> Any:  # noqa: ANN401  JSON
    """Run a flow by hand."""
    return (await ask(wire.house, "POST", f"{FLOWS}/{flow_id}/run", {"waitS": wait_s}))["run"]


async def follower(wire: Wire, path: str = "/**") -> tuple[str, str]:
    """Add somebody who may see runs of flows that lie there; return their id and a token."""
    await make_role(
        wire.house, Verb.READ_RUNS, slug="follows", environments=("dev",), paths=(path,)
    )
    return await newcomer(wire.house, ("follows", wire.house.installed.project.id))


async def test_a_run_is_told_from_its_beginning_to_its_end(wire: Wire) -> None:
    """Each event says which run of what it is, when, how long, and how it came out."""
    stream, flow_id = await wire.follow(), await save(wire)
    ran = await run(wire, flow_id)
    started, ended = await stream.next(), await stream.next()
    same = {"runId": ran["id"], "flowId": flow_id, "flowName": "greet", "version": 1}
    same |= {"environment": "dev", "secretPath": "/", "cause": "by_hand", "wakeAt": None}
    same |= {"startedAt": ran["createdAt"], "failure": "", "card": ""}
    open_end = {"endedAt": None, "durationS": None, "steps": 0, "status": None}
    assert started == same | open_end | {"event": "started", "phase": "running"}
    end = {"endedAt": ran["endedAt"], "durationS": 0.0, "steps": 1, "status": 200}
    assert ended == same | end | {"event": "ended", "phase": "finished"}
    assert stream.answer.headers["content-type"].startswith("text/event-stream")


async def test_what_halted_a_run_is_told_by_kind_and_card(wire: Wire) -> None:
    """Not in words, which may carry values; nor what any card took or gave."""
    stream = await wire.follow()
    for source in (FAIL, GREET):
        await run(wire, await save(wire, source))
    heard = {told["flowName"]: told for _ in range(4) if (told := await stream.next())}
    failed = heard["fail"]
    assert (failed["phase"], failed["status"]) == ("failed", 500)
    assert (failed["failure"], failed["card"]) == ("parse_error", "parse")
    assert "canary" not in stream.heard


async def test_a_run_that_sleeps_and_is_cancelled(wire: Wire) -> None:
    """It says when it would have gone on."""
    stream, flow_id = await wire.follow(), await save(wire, NAP)
    ran = await run(wire, flow_id, wait_s=0.05)
    assert await stream.events(1) == [("started", "nap")]
    asleep = await stream.next()
    assert (asleep["event"], asleep["phase"]) == ("sleeping", "sleeping")
    assert asleep["wakeAt"] > asleep["startedAt"]
    await ask(wire.house, "POST", f"/api/v1/flow-runs/{ran['id']}/cancel")
    ended = await stream.next()
    assert (ended["event"], ended["phase"], ended["wakeAt"]) == ("ended", "cancelled", None)


async def test_whoever_comes_again_goes_on_where_it_was(wire: Wire) -> None:
    """After whichever event it went away: nothing is lost, and nothing told twice."""
    first, flow_id = await wire.follow(), await save(wire)
    every, ids = [], [first.last]
    for _ in range(3):
        await run(wire, flow_id)
        for _ in RAN:
            told = await first.next()
            every.append((told["event"], told["runId"]))
            ids.append(first.last)
    streams = [await wire.follow(last) for last in ids]
    await run(wire, flow_id)
    new = [(told["event"], told["runId"]) for told in [await first.next(), await first.next()]]
    for number, stream in enumerate(streams):
        rest = [*every[number:], *new]
        told = [await stream.next() for _ in rest]
        assert sorted((each["event"], each["runId"]) for each in told) == sorted(rest)


async def test_all_that_is_kept_can_be_told(wire: Wire) -> None:
    """However much it is, each beginning before each end, also of runs that another page holds."""
    ran = await run(wire, await save(wire))
    number = TOLD_AT_ONCE + 1
    async with wire.house.world.store.writing() as tx:
        (stored,) = await tx.list(Run, id=ran["id"])
        await tx.add(*(replace(stored, id=RunId(f"run {each}")) for each in range(number)))
    stream = await wire.follow("0.0")
    told = [await stream.next() for _ in range(number + 2)]
    assert [each["event"] for each in told] == ["started"] * (number + 1) + ["ended"]
    assert len({each["runId"] for each in told}) == number + 1


async def test_runs_of_another_process_are_told(wire: Wire) -> None:
    """Whatever it is that the store has, and a mark of one process is good in another."""
    stream, flow_id = await wire.follow(), await save(wire)
    async with wired(wire.house) as other:
        await run(other, flow_id)
        assert await stream.events(2) == RAN
        again = await other.follow(stream.last)
        await run(wire, flow_id)
        assert await again.events(2) == RAN


async def test_what_is_not_wanted_is_not_told(wire: Wire) -> None:
    """By flow, by phase, by environment and by folder."""
    await make_folder(wire.house, "/app")
    ids = [await save(wire), await save(wire, FAIL), await save(wire, GREET, "/app")]
    ids.append(await save(wire, GREET, "/", "prod"))
    wanted: list[dict[str, object]] = [
        {"flowId": ids[1]},
        {"phase": ["failed", "cancelled"]},
        {"environment": "dev", "secretPath": "/app"},
        {"environment": "prod"},
    ]
    streams = [await wire.follow(**each) for each in wanted]
    for each in ids:
        await run(wire, each)
    assert await streams[0].events(2) == [("started", "fail"), ("ended", "fail")]
    assert await streams[1].events(1) == [("ended", "fail")]
    for stream, where in ((streams[2], ("dev", "/app")), (streams[3], ("prod", "/"))):
        told = [await stream.next() for _ in RAN]
        assert {(each["environment"], each["secretPath"]) for each in told} == {where}


async def test_a_ping_has_gone_past_what_was_not_wanted(house: House) -> None:
    """So that whoever comes again is not made to look through it once more."""
    async with wired(house, ping_s=0.01) as wire:
        flow_id, stream = await save(wire), await wire.follow(phase="cancelled")
        begun = stream.last
        await run(wire, flow_id)
        while stream.last == begun:
            assert await stream.frame() == {}


async def test_a_caller_hears_of_no_flow_that_it_may_not_see(wire: Wire) -> None:
    """Nor can it name one."""
    await make_folder(wire.house, "/app")
    hidden, seen = await save(wire), await save(wire, GREET, "/app")
    _, token = await follower(wire, "/app/**")
    stream = await wire.follow(token=token)
    for each in (hidden, seen):
        await run(wire, each)
    assert [(await stream.next())["flowId"] for _ in RAN] == [seen, seen]
    for unknown in (hidden, NO_ID):
        named = await wire.follow(token=token, flowId=unknown)
        assert problem(named.answer) == (404, "NotFound")
        assert unknown in named.answer.text
    refused = await wire.follow(token=token, environment="dev", secretPath="/")
    assert problem(refused.answer) == (403, "PermissionDenied")


async def test_who_may_see_flows_alone_may_not_follow(wire: Wire) -> None:
    """It takes what it takes to list runs."""
    _, token = await newcomer(wire.house, ("viewer", wire.house.installed.project.id))
    assert problem((await wire.follow(token=token)).answer) == (403, "PermissionDenied")


async def test_what_is_told_is_on_record_before(wire: Wire) -> None:
    """The audit log has who follows, and each folder of which something was told."""
    flow_id, (who, token) = await save(wire), await follower(wire)
    stream = await wire.follow(token=token)
    await run(wire, flow_id)
    await stream.next()
    async with wire.house.world.store.reading() as tx:
        entries = [entry.attempt for entry in await tx.list_audit()]
    project = wire.house.installed.project.id
    noted = [(each.verb, each.subject) for each in entries if each.actor == who]
    assert noted[0] == ("flow-runs:read", "runs of example")
    assert ("flow-runs:read", f"runs in {project}/dev/") in noted


async def revoked(house: House, identity_id: str) -> None:
    """End every token of an identity."""
    async with house.world.store.writing() as tx:
        await tx.remove(*await tx.list(AccessToken, identity_id=identity_id))


async def dismissed(house: House, identity_id: str) -> None:
    """Take every role from an identity."""
    async with house.world.store.writing() as tx:
        await tx.remove(*await tx.list(Membership, identity_id=identity_id))


@pytest.mark.parametrize("end", [revoked, dismissed])
@pytest.mark.parametrize("runs", [True, False])
async def test_who_may_no_longer_see_runs_hears_no_more(
    house: House, end: Callable[[House, str], Awaitable[None]], *, runs: bool
) -> None:
    """What is committed by then is not told any more; where nothing is, a ping finds it out."""
    async with wired(house, ping_s=60.0 if runs else 0.01) as wire:
        flow_id, (who, token) = await save(wire), await follower(wire)
        stream = await wire.follow(token=token)
        await end(house, who)
        if runs:
            await run(wire, flow_id)
        assert await stream.next() is None
        assert wire.room.open == 0


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        ({"last": "yesterday"}, "header.Last-Event-ID"),
        ({"last": "1.2.3"}, "header.Last-Event-ID"),
        ({"last": "9" * 19 + ".0"}, "header.Last-Event-ID"),
        ({"phase": "asleep"}, "query.phase.0"),
        ({"flowId": "greet"}, "query.flowId"),
        ({"secretPath": "app/**"}, "secretPath"),
        ({"projectId": " "}, "query.projectId"),
    ],
)
async def test_what_cannot_be_asked_for(wire: Wire, asked: dict[str, Any], where: str) -> None:
    """An id is one that was told, and a flow is named by its id."""
    answer = (await wire.follow(**asked)).answer
    assert problem(answer) == (422, "ValidationFailure")
    assert issues(answer)[0].rpartition(".")[2] == where.rpartition(".")[2], issues(answer)


async def test_what_is_not_there_is_told_to_who_may_know(wire: Wire) -> None:
    """A slip in a name is an error, not a stream that stays silent."""
    asked: list[dict[str, object]] = [
        {"projectId": "nothing"},
        {"environment": "nowhere", "secretPath": "/"},
        {"flowId": NO_ID},
    ]
    for each in asked:
        assert problem((await wire.follow(**each)).answer) == (404, "NotFound"), each


async def test_an_id_from_the_future_begins_now(wire: Wire) -> None:
    """As after a backup was restored: what comes is told."""
    flow_id, stream = await save(wire), await wire.follow("900000000000.900000000000")
    await run(wire, flow_id)
    assert await stream.events(2) == RAN


async def test_all_streams_of_a_caller_count_together(wire: Wire) -> None:
    """Those of secrets as well."""
    streams = [await wire.follow() for _ in range(STREAMS_EACH)]
    assert problem((await wire.subscribe(wire.wanted())).answer) == (429, "RateLimitExceeded")
    await streams[0].answer.aclose()
    assert (await wire.subscribe(wire.wanted())).answer.status_code == 200
    assert problem((await wire.follow()).answer) == (429, "RateLimitExceeded")


async def test_a_room_that_closes_ends_every_stream(wire: Wire) -> None:
    """A server that stops waits for nobody who follows."""
    stream = await wire.follow()
    wire.room.close()
    assert await stream.next() is None
    assert (await wire.http.get(FOLLOW, params={"projectId": "example"})).status_code == 200
    assert (await wire.http.post(SUBSCRIBE, json=wire.wanted())).status_code == 200


async def test_a_quiet_stream_is_kept_alive(house: House) -> None:
    """Pings come though nothing happens."""
    async with wired(house, ping_s=0.01) as wire:
        stream = await wire.follow()
        async with asyncio.timeout(LIMIT_S):
            assert [await stream.frame() for _ in range(3)] == [{}] * 3
