"""What a run may take of a process: its seat, CPU time, takeovers, and all that has a setting."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from api_kit import problem
from endpoint_kit import knock, open_endpoints, save
from flow_kit import FlowRig, flow_rig

from keyturn.domain.errors import Busy, Refused
from keyturn.domain.flows.run import TAKEOVERS_MAX, Cause, Phase, Run
from keyturn.services.flow_duties import claim_due_runs
from keyturn.services.flows import switch_flow
from keyturn.services.runs import run_here
from keyturn.services.seats import LINE, Seats

pytestmark = pytest.mark.anyio

RETURN = "- {card: flow.return, with: {done: true}}\n"
LOOP = """cards:
- {id: numbers, card: list.range, with: {end: 3000}}
- {card: list.map, with: {list: "{{ numbers.list }}", give: x}}
"""
WAITS = "cards:\n" + "- {card: flow.wait_for, with: {duration: 1}}\n" * 9
UNKEPT = "flow: %s\nstart: {kind: helper}\nhistory: none\ncards:\n"


def limit(rig: FlowRig, **limits: Any) -> None:  # noqa: ANN401  of their kinds
    """Set limits of an installation."""
    rig.world = replace(rig.world, limits=replace(rig.world.limits, **limits))


async def told(rig: FlowRig, cards: str, head: str = "") -> str:
    """Run a flow of these cards, and return why it has failed."""
    view = await rig.save(cards, *([head] if head else []))
    found = (await rig.end(await rig.start(view))).run
    assert (found.phase, found.failure) == (Phase.FAILED, "limit_exceeded")
    return found.told


# --- CPU time -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("own", "most"), [("", 5), ("limits: {cpu_s: 2}\n", 2)])
async def test_a_run_takes_so_much_cpu_time(own: str, most: int) -> None:
    """It is measured at each ask, and what a flow says of itself counts where it is less."""
    async with flow_rig() as rig:
        limit(rig, flow_cpu_s=5)
        rig.clock.cpu_step_s = 1.0
        why = await told(rig, own + LOOP)
        assert why.endswith(f"The run has taken its {most} s of CPU time.")


async def test_what_is_computed_apart_counts() -> None:
    """A card that computes much is measured in its own thread."""
    cards = "cards:\n- {id: a, card: text.pad, with: {text: a, length: 100000}}\n"
    cards += "- {card: text.to_upper, with: {text: '{{ a.text }}'}}\n"
    async with flow_rig() as rig:
        limit(rig, flow_cpu_s=1.5)
        rig.clock.cpu_step_s = 1.0
        view = await rig.save(cards + RETURN)
        found = (await rig.end(await rig.start(view))).run
        assert found.cpu_ms == 3000


async def test_cpu_time_counts_through_sleeps() -> None:
    """What was taken before a run slept is not given back."""
    async with flow_rig() as rig:
        limit(rig, flow_cpu_s=5)
        rig.clock.cpu_step_s = 1.0
        assert "CPU time" in await told(rig, WAITS)


# --- seats ----------------------------------------------------------------------------------------


async def test_seats_are_given_in_the_order_of_the_line() -> None:
    """Who waits and goes away leaves its place; who leaves for a while comes last again."""
    seats, told = Seats(), list[str]()

    async def work(name: str) -> None:
        async with seats.taken(1):
            told.append(name)
            async with seats.left(1):
                await asyncio.sleep(0)
            told.append(f"{name} again")

    async with seats.taken(1):
        tasks = [asyncio.create_task(work(name)) for name in "abc"]
        await asyncio.sleep(0)
        tasks[1].cancel()
        await asyncio.sleep(0)
        assert (told, seats.free(1), seats.free(4)) == ([], 0, 1)
    await asyncio.gather(*tasks, return_exceptions=True)
    assert sorted(told) == ["a", "a again", "c", "c again"]
    assert (told[0], seats.free(1)) == ("a", 1)


async def test_a_seat_that_comes_too_late_is_given_on() -> None:
    """Whoever is cancelled just then does not keep it."""
    seats = Seats()
    async with seats.taken(1):
        late = asyncio.create_task(seats.taken(1).__aenter__())
        await asyncio.sleep(0)
    late.cancel()
    await asyncio.gather(late, return_exceptions=True)
    assert seats.free(1) == 1


async def test_runs_wait_for_their_turn() -> None:
    """A run begins when one of before has ended; the next that would wait too long is refused."""
    async with flow_rig() as rig:
        limit(rig, flow_runs_at_once=1)
        view, replies = await rig.save("cards:\n" + RETURN), []
        async with rig.world.seats.taken(1):
            for _ in range(LINE):
                _, reply = await run_here(rig.world, view, {}, cause=Cause.BY_HAND, by="test")
                replies.append(reply)
            for _ in range(20):
                await asyncio.sleep(0)
            assert not any(reply.done() for reply in replies)
            with pytest.raises(Busy):
                await run_here(rig.world, view, {}, cause=Cause.BY_HAND, by="test")
        assert [(await reply).status for reply in replies] == [200] * LINE


async def test_a_run_that_keeps_nothing_gives_its_seat_up_while_it_waits() -> None:
    """However long it waits in this process."""
    async with flow_rig() as rig:
        limit(rig, flow_runs_at_once=1)
        wait = "- {card: flow.wait_for, with: {duration: 0.2}}\n"
        waiting = await rig.save(UNKEPT % "waits" + wait + RETURN, "")
        quick = await rig.save(UNKEPT % "quick" + RETURN, "")
        first, second = [
            (await run_here(rig.world, view, {}, cause=Cause.BY_HAND, by="test"))[1]
            for view in (waiting, quick)
        ]
        await second
        assert not first.done()
        assert (await first).status == 200


async def test_an_endpoint_says_when_to_come_again() -> None:
    """Where the line is too long, nothing is begun."""
    async with open_endpoints(flow_runs_at_once=1) as house:
        flow = await save(house, PUBLIC)
        async with house.world.seats.taken(1):
            asking = [asyncio.create_task(knock(house, flow["invokeUrl"])) for _ in range(LINE)]
            while len(house.world.seats._line) < LINE:  # noqa: SLF001  nothing else tells
                await asyncio.sleep(0)
            answer = await knock(house, flow["invokeUrl"])
            assert (problem(answer), answer.headers["retry-after"]) == (
                (503, "ServiceUnavailable"),
                "5",
            )
        assert [(await each).status_code for each in asking] == [200] * LINE


PUBLIC = "flow: hello\nstart: {kind: api_endpoint, security: public}\ncards:\n" + RETURN


# --- takeovers ------------------------------------------------------------------------------------


async def die(rig: FlowRig, run: Run, times: int) -> None:
    """Have so many workers take a run up and die at once."""
    for _ in range(times):
        assert [each.id for each in await claim_due_runs(rig.world, owner="w", limit=9)] == [run.id]
        rig.clock.advance(61)


async def test_a_run_of_which_workers_die_comes_to_an_end() -> None:
    """The next one that takes it up does not try again."""
    async with flow_rig() as rig:
        run = await rig.start(await rig.save("cards:\n" + RETURN))
        await die(rig, run, TAKEOVERS_MAX)
        found = (await rig.end(run)).run
        assert (found.phase, found.failure) == (Phase.FAILED, "limit_exceeded")
        assert f"taken up {TAKEOVERS_MAX} times" in found.told


async def test_takeovers_count_anew_where_a_run_got_on() -> None:
    """Each that comes further than the one before is no sign of anything."""
    async with flow_rig() as rig:
        run = await rig.start(await rig.save(WAITS + RETURN))
        for _ in range(3):
            await die(rig, run, TAKEOVERS_MAX - 1)
            await rig.work()
            rig.clock.advance(1)
        assert (await rig.end(run)).run.phase is Phase.FINISHED


# --- what else has a setting ----------------------------------------------------------------------

CALL = "- {card: flow.call, with: {flow: helper}}\n"
ASYNC = "- {card: flow.call_async, with: {flow: helper}}\n"


@pytest.mark.parametrize(
    ("limits", "cards", "why"),
    [
        ({"flow_steps": 100}, LOOP, "taken its 100 cards"),
        ({"flow_memory_mb": 0.01}, LOOP, "more than 10,485 bytes"),
        ({"flow_helpers": 2}, "cards:\n" + CALL * 3, "called its 2 helper flows"),
        ({"flow_helpers": 2}, "cards:\n" + ASYNC * 3, "called its 2 helper flows"),
        ({"flow_depth": 1}, "cards:\n" + CALL, "Flows run 1 deep inside each other at most"),
    ],
)
async def test_a_run_takes_as_much_as_is_set(limits: dict[str, Any], cards: str, why: str) -> None:
    """And no more, whatever its flow says."""
    async with flow_rig() as rig:
        await rig.save("flow: helper\nstart: {kind: helper}\ncards:\n" + RETURN, "")
        limit(rig, **limits)
        assert why in await told(rig, "limits: {steps: 1000000, memory_mb: 1000}\n" + cards)


async def test_a_card_takes_as_long_as_is_set() -> None:
    """However much time its flow gives it."""
    cards = "cards:\n- {card: api.get, timeout_s: 500, with: {url: 'https://a.example.com'}}\n"
    async with flow_rig() as rig:
        limit(rig, flow_card_s=-1.0)
        view = await rig.save(cards)
        assert (await rig.end(await rig.start(view))).run.failure == "timeout"


@pytest.mark.parametrize("card", ["flow.wait_for", "keyturn.wait_for_turn"])
async def test_a_wait_is_as_long_as_is_set(card: str) -> None:
    """The card that would wait longer fails."""
    waiting = {"flow.wait_for": "{duration: 2, unit: days}"}
    given = waiting.get(card, "{rotation: x, at_most_s: 172800}")
    async with flow_rig() as rig:
        limit(rig, flow_wait_days=1)
        view = await rig.save(f"cards:\n- {{card: {card}, with: {given}}}\n")
        found = (await rig.end(await rig.start(view))).run
        assert (found.failure, "1 days" in found.told) == ("invalid_input", True)


async def test_so_many_flows_of_an_organization_are_switched_on() -> None:
    """One more can be neither saved nor switched on; a new version of one that is on can be."""
    async with flow_rig() as rig:
        limit(rig, flows_active=2)
        heads = [f"flow: f{n}\nstart: {{kind: helper}}\n" for n in range(3)]
        views = [await rig.save("cards:\n" + RETURN, head) for head in heads[:2]]
        with pytest.raises(Refused, match="2 flows are switched on"):
            await rig.save("cards:\n" + RETURN, heads[2])
        await rig.save("cards:\n" + RETURN * 2, heads[1])
        await switch_flow(rig.world, rig.admin, views[0].saved.id, enabled=False)
        await rig.save("cards:\n" + RETURN, heads[2])
        with pytest.raises(Refused):
            await switch_flow(rig.world, rig.admin, views[0].saved.id, enabled=True)
