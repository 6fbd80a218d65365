"""What every store keeps for whoever runs flows: due runs, the fence, and writing together."""

import asyncio
from dataclasses import fields, replace
from datetime import datetime, timedelta

import pytest
from storage_kit import FLOW, NOW, RUN, add_all, found

from keyturn.domain.errors import Fenced, OursError
from keyturn.domain.flows.run import (
    Phase,
    Run,
    RunAnswer,
    RunMark,
    RunPage,
    RunSight,
    SavedFlow,
)
from keyturn.domain.ids import FlowId, RunId
from keyturn.services.ports import RunWrite, Store

LEASE = timedelta(seconds=60)
SECOND = timedelta(seconds=1)


def run(name: str, wake_at: datetime | None = NOW, **more: object) -> Run:
    """Return a run that wakes then."""
    plain = replace(RUN, id=RunId(name), wake_at=wake_at, owner=None, epoch=0, ended_at=None)
    return replace(plain, **more)  # type: ignore[arg-type]


@pytest.fixture
async def runs(store: Store) -> Store:
    """A store with runs b, c and a due in this order, one due later and one that nobody wakes."""
    await add_all(store)
    times = {"c": NOW - SECOND, "a": NOW, "b": NOW - 2 * SECOND, "later": NOW + SECOND, "z": None}
    await add_all(store, *(run(name, at) for name, at in times.items()))
    return store


async def claim(
    store: Store, now: datetime = NOW, *, owner: str = "me", limit: int = 9
) -> list[Run]:
    """Claim in a transaction of its own."""
    async with store.writing() as tx:
        return list(await tx.claim_due_runs(now, owner=owner, lease=LEASE, limit=limit))


async def test_due_runs_are_claimed_oldest_first(runs: Store) -> None:
    """A claim names its owner, raises the epoch and holds until the lease's end."""
    claimed = await claim(runs, limit=2)
    assert [(each.id, each.owner, each.epoch) for each in claimed] == [
        ("b", "me", 1),
        ("c", "me", 1),
    ]
    assert await found(runs, Run, id="b") == claimed[0]
    assert [each.id for each in await claim(runs)] == ["a"]
    assert await claim(runs) == []
    assert sorted(each.epoch for each in await claim(runs, NOW + LEASE)) == [1, 2, 2, 2]


async def test_whether_any_run_is_due_is_told(runs: Store) -> None:
    """Whoever looks without a claim changes nothing."""
    async with runs.reading() as tx:
        assert await tx.has_due_runs(NOW)
        assert not await tx.has_due_runs(NOW - 3 * SECOND)


async def test_a_run_is_taken_from_whoever_holds_it(runs: Store) -> None:
    """The next epoch fences the holder before; one that has ended is nobody's to take."""
    [mine, *_] = await claim(runs)
    async with runs.writing() as tx:
        taken = await tx.take_run(mine.id, owner=None, wake_at=None)
        assert taken == replace(mine, owner=None, wake_at=None, epoch=2)
        assert await tx.take_run(RUN.id, owner="me", wake_at=NOW) is None
    with pytest.raises(Fenced):
        await runs.write_run(RunWrite(mine))


async def test_a_run_is_written_with_its_page_and_its_answers(runs: Store) -> None:
    """What is new is added, what is known is replaced."""
    asked = RunAnswer(RunId("a"), "1")
    await runs.write_run(RunWrite(run("a", steps=1), page=page("a", 1), answers=(asked,)))
    answered = replace(asked, sealed=b"yes")
    known = frozenset({"1"})
    await runs.write_run(RunWrite(run("a", steps=2), answers=(answered,), known=known))
    assert await found(runs, RunAnswer, run_id="a") == answered
    assert await found(runs, RunPage, run_id="a") == page("a", 1)
    assert await found(runs, Run, id="a", steps=2)


def page(name: str, number: int) -> RunPage:
    """Return a page of a run."""
    return RunPage(RunId(name), number, b"page")


async def test_who_lost_a_run_writes_nothing_of_it(runs: Store) -> None:
    """Neither row nor page; and those who were written together with it are."""
    [mine, *_] = await claim(runs)
    await claim(runs, NOW + LEASE, owner="other")
    writes = [
        RunWrite(replace(mine, phase=Phase.FINISHED), page=page(mine.id, 1)),
        RunWrite(run("z", None, steps=7), page=page("z", 1)),
        RunWrite(run("gone")),
        RunWrite(run("new"), new=True),
        RunWrite(run("astray", flow_id=FlowId("nowhere")), new=True),
    ]
    came = await asyncio.gather(*map(runs.write_run, writes), return_exceptions=True)
    assert [type(each) for each in came] == [Fenced, type(None), OursError, type(None), OursError]
    assert await found(runs, RunPage, run_id=mine.id) is None
    assert await found(runs, RunPage, run_id="z") == page("z", 1)
    assert await found(runs, Run, id="new")
    assert await found(runs, Run, id="astray") is None


async def test_runs_are_listed_newest_first(runs: Store) -> None:
    """As many as are asked for, of one flow."""
    async with runs.reading() as tx:
        assert [each.id for each in await tx.list_runs(FLOW.id, limit=2)] == ["z", "later"]
        assert await tx.list_runs(FlowId("another"), limit=2) == []


async def test_ended_runs_are_listed_by_when_they_ended(runs: Store) -> None:
    """Those that go on are not among them."""
    assert RUN.ended_at
    async with runs.reading() as tx:
        assert await tx.list_ended_runs(RUN.ended_at, limit=9) == []
        assert await tx.list_ended_runs(RUN.ended_at + SECOND, limit=9) == [RUN]


async def marks(store: Store, mark: RunMark) -> tuple[list[str], list[tuple[str, str]]]:
    """Return which runs began past a mark, and which came to another phase."""
    async with store.reading() as tx:
        begun = await tx.list_begun_runs(mark.begun, limit=99)
        changed = await tx.list_changed_runs(mark.changed, limit=99)
    ranks = [each.rank for each in begun], [each.rank for each in changed]
    assert ranks == (sorted({*ranks[0]}), sorted({*ranks[1]}))
    return [each.id for each in begun], [(each.id, each.phase.value) for each in changed]


async def mark_of(store: Store) -> RunMark:
    """Return how far a store has come."""
    async with store.reading() as tx:
        return await tx.run_mark()


async def test_runs_rank_by_their_beginning_and_by_their_last_phase(runs: Store) -> None:
    """However they are written; what leaves a run in its phase leaves it where it is."""
    ids = ["run", "c", "a", "b", "later", "z"]
    assert await marks(runs, RunMark()) == (ids, [])
    before = await mark_of(runs)
    await runs.write_run(RunWrite(run("a", phase=Phase.SLEEPING)))
    async with runs.writing() as tx:
        await tx.replace(run("b", phase=Phase.CANCELLED, ended_at=NOW), run("c", steps=7))
    await runs.write_run(RunWrite(run("new"), new=True))
    await runs.write_run(RunWrite(run("a", phase=Phase.FINISHED, status=200)))
    await runs.write_run(RunWrite(run("b", phase=Phase.CANCELLED, ended_at=NOW, steps=7)))
    assert await marks(runs, before) == (["new"], [("b", "cancelled"), ("a", "finished")])
    assert await marks(runs, await mark_of(runs)) == ([], [])


async def test_a_run_that_answers_after_all_ranks_anew(runs: Store) -> None:
    """It has failed for as long as nobody knows, and fails in earnest then."""
    await runs.write_run(RunWrite(run("a", phase=Phase.FAILED)))
    async with runs.writing() as tx:
        await tx.replace(run("b", phase=Phase.FAILED))
    before = await mark_of(runs)
    async with runs.writing() as tx:
        await tx.replace(run("b", phase=Phase.FAILED, status=500))
    await runs.write_run(RunWrite(run("a", phase=Phase.FAILED, status=500)))
    assert await marks(runs, before) == ([], [("b", "failed"), ("a", "failed")])


async def test_no_rank_is_given_twice(runs: Store) -> None:
    """Not after the runs that had the highest were removed."""
    await runs.write_run(RunWrite(run("z", phase=Phase.FINISHED)))
    before = await mark_of(runs)
    async with runs.writing() as tx:
        await tx.remove(run("z"), run("later"))
    await runs.write_run(RunWrite(run("new"), new=True))
    await runs.write_run(RunWrite(run("new", phase=Phase.FINISHED)))
    assert await marks(runs, before) == (["new"], [("new", "finished")])


async def test_so_many_sights_at_a_time_hold_what_followers_are_told(runs: Store) -> None:
    """Nothing sealed, and no words."""
    async with runs.reading() as tx:
        [first, second] = await tx.list_begun_runs(0, limit=2)
    assert (first.id, second.id) == (RUN.id, "c")
    told = {field.name: getattr(RUN, field.name) for field in fields(RunSight)[1:]}
    assert first == RunSight(first.rank, **told)
    assert not {"by", "told", "sealed_given", "sealed_result"} & {*told}


async def test_due_flows_are_listed_oldest_first(store: Store) -> None:
    """By their schedule; those without one are never due."""
    await add_all(store)
    times = {"b": NOW, "a": NOW - SECOND, "later": NOW + SECOND, "never": None}
    for name, at in times.items():
        await add_all(store, replace(FLOW, id=FlowId(name), name=name, next_at=at))
    async with store.reading() as tx:
        due: list[SavedFlow] = [*await tx.list_due_flows(NOW, limit=9)]
    assert [each.id for each in due] == ["a", "b"]
