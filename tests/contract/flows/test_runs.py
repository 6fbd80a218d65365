"""Runs: what is asked for once, what is asked again, and what is left of them."""

from collections import Counter
from dataclasses import replace
from typing import Literal

import pytest
from flow_kit import Died, FlowRig, Mortal, flow_rig
from rig import PLACE

from keyturn.domain.access import Caller, Grant, Holding, Role, Verb
from keyturn.domain.errors import DatabaseAway, Forbidden, Refused
from keyturn.domain.flows.run import Cause, Phase, Run, RunAnswer
from keyturn.domain.flows.values import seen
from keyturn.domain.flows.walk import Allowance, Walk
from keyturn.domain.sensitive import Sensitive
from keyturn.services.flows import switch_flow
from keyturn.services.ports import NoAnswer, ResourceAnswer, RunWrite, Store
from keyturn.services.run_history import cancel_run, list_runs, replay_run
from keyturn.services.run_keeping import Held, write
from keyturn.services.runs import run_here
from keyturn.services.secret_changes import create_secret

pytestmark = pytest.mark.anyio

JSON = (("content-type", "application/json"),)
TWO_POSTS = """cards:
- {id: a, card: api.post, with: {url: "https://a.example.com/a", body: {n: 1}}}
- {id: told, card: text.compose, with: {text: "said {{ a.body.said }}"}}
- {card: flow.wait_for, with: {duration: 1, unit: hours}}
- {id: b, card: api.post, with: {url: "https://a.example.com/b", body: {n: 2}}}
- {card: flow.return, with: {told: "{{ told.text }}", status: "{{ b.status }}"}}
"""
SAID = ResourceAnswer(200, JSON, b'{"said": "yes"}')


async def test_a_run_ends_with_what_its_cards_returned() -> None:
    """The result is what the flow returned; each card is a step with what it took and gave."""
    async with flow_rig() as rig:
        rig.resources.script.append(SAID)
        run = await rig.start(await rig.save(TWO_POSTS))
        assert (await rig.result(run)).body.value == {"told": "said yes", "status": 200}
        found = await rig.read(run)
        assert found.run.phase is Phase.FINISHED
        assert [step["card_id"] for step in found.steps] == ["a", "told", "card_3", "b", "card_5"]


def commits_of(rig: FlowRig, at: int, moment: Literal["before", "after"]) -> Mortal:
    """Return the store of a process that dies at a commit."""
    store = rig.mortal(at, moment).store
    assert isinstance(store, Mortal)
    return store


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("at", range(1, 9))
async def test_a_death_at_any_commit_asks_for_nothing_twice(
    at: int, moment: Literal["before", "after"]
) -> None:
    """Whoever takes the run over ends it; a request that may have been made is not made again."""
    async with flow_rig() as rig:
        rig.resources.script.append(SAID)
        run = await rig.start(await rig.save(TWO_POSTS))
        dying = replace(rig.world, store=commits_of(rig, at, moment))
        try:
            while not (await rig.read(run)).run.ended_at:
                rig.clock.advance(3700)
                await rig.work(dying)
        except Died:
            rig.clock.advance(61)
        ended = await rig.end(run)
        asked = Counter(each.url for each in rig.resources.asked)
        assert max(asked.values(), default=0) <= 1
        assert (ended.run.phase, ended.run.failure) in {
            (Phase.FINISHED, ""),
            (Phase.FAILED, "unknown_outcome"),
        }


async def test_what_was_asked_and_not_answered_can_be_caught() -> None:
    """The flow decides what to do where nobody knows; it is told by the kind of the failure."""
    caught = TWO_POSTS.replace(
        "body: {n: 1}}}", "body: {n: 1}}, on_error: {give: {body: {said: no}}}}"
    )
    async with flow_rig() as rig:
        run = await rig.start(await rig.save(caught))
        rig.resources.script.append(NoAnswer(sent=True))
        assert (await rig.result(run)).body.value == {"told": "said no", "status": 200}


async def test_with_an_idempotency_key_it_is_asked_again() -> None:
    """The service knows the second request by its key, so that a lost answer costs nothing."""
    keyed = TWO_POSTS.replace("body: {n: 1}}}", "body: {n: 1}, idempotency_key: '{{ run.id }}'}}")
    async with flow_rig() as rig:
        rig.resources.script.extend((SAID, SAID))
        run = await rig.start(await rig.save(keyed))
        with pytest.raises(Died):
            await rig.work(replace(rig.world, store=commits_of(rig, 2, "before")))
        rig.clock.advance(61)
        assert (await rig.result(run)).body.value == {"told": "said yes", "status": 200}
        keys = [each.headers["idempotency-key"] for each in rig.resources.asked[:2]]
        assert keys == [run.id, run.id]


async def test_a_sleeping_run_is_nobodys() -> None:
    """It has a time to wake at and no owner, and whoever is free goes on with it then."""
    async with flow_rig() as rig:
        rig.resources.script.append(SAID)
        run = await rig.start(await rig.save(TWO_POSTS))
        await rig.work()
        asleep = (await rig.read(run)).run
        assert (asleep.phase, asleep.owner) == (Phase.SLEEPING, None)
        assert asleep.wake_at
        assert (asleep.wake_at - rig.clock.now()).total_seconds() == 3600
        assert await rig.work() == 0


async def test_a_run_keeps_to_the_version_that_it_began_with() -> None:
    """What is saved while it sleeps is for later runs."""
    async with flow_rig() as rig:
        rig.resources.script.append(SAID)
        run = await rig.start(await rig.save(TWO_POSTS))
        await rig.work()
        await rig.save("cards:\n- {card: flow.return, with: {other: true}}\n")
        assert (await rig.result(run)).body.value == {"told": "said yes", "status": 200}


async def test_a_cancelled_run_asks_for_nothing_more() -> None:
    """It ends where it stands; who held it writes nothing."""
    async with flow_rig() as rig:
        rig.resources.script.append(SAID)
        run = await rig.start(await rig.save(TWO_POSTS))
        await rig.work()
        await cancel_run(rig.world, rig.admin, run.id)
        rig.clock.advance(7200)
        assert await rig.work() == 0
        assert len(rig.resources.asked) == 1
        assert (await rig.read(run)).run.phase is Phase.CANCELLED
        with pytest.raises(Refused):
            await cancel_run(rig.world, rig.admin, run.id)


async def test_a_run_is_replayed_from_a_card() -> None:
    """What came before that card is taken as it was; from there on everything is asked anew."""
    async with flow_rig() as rig:
        rig.resources.script.extend((SAID, ResourceAnswer(500)))
        run = await rig.start(await rig.save(TWO_POSTS))
        assert (await rig.end(run)).run.failure == "http_error"
        again = await replay_run(rig.world, rig.admin, run.id, from_card="b")
        assert (await rig.result(again.run)).body.value == {"told": "said yes", "status": 200}
        paths = Counter(each.url.rpartition("/")[2] for each in rig.resources.asked)
        assert paths == {"a": 1, "b": 2}


async def test_replaying_goes_by_the_flow_s_own_card() -> None:
    """Neither one of the same id in a helper, nor what a card itself has run, is before it."""
    cards = """cards:
- {card: flow.call, with: {flow: helper}}
- {id: a, card: api.get, with: {url: "https://a.example.com/before"}}
- id: b
  card: list.for_each
  with: {list: [1]}
  do:
  - {card: api.get, with: {url: "https://a.example.com/inside"}}
"""
    async with flow_rig() as rig:
        inner = "cards:\n- {id: b, card: api.get, with: {url: 'https://a.example.com/helper'}}\n"
        await rig.save(inner, "flow: helper\nstart: {kind: helper}\n")
        run = await rig.start(await rig.save(cards))
        await rig.end(run)
        again = await replay_run(rig.world, rig.admin, run.id, from_card="b")
        await rig.end(again.run)
        asked = Counter(each.url.rpartition("/")[2] for each in rig.resources.asked)
        assert asked == {"helper": 1, "before": 1, "inside": 2}


def holding(somebody: Caller, *verbs: Verb) -> Caller:
    """Return somebody who holds these verbs and nothing else."""
    role = Role("some", "Some", (Grant(frozenset(verbs), ("dev",), ("/",)),))
    return replace(somebody, holdings=(Holding(role),))


async def test_what_is_switched_off_is_not_replayed() -> None:
    """It is refused as a run by hand is."""
    async with flow_rig() as rig:
        rig.resources.script.extend((SAID, SAID))
        view = await rig.save(TWO_POSTS)
        run = await rig.start(view)
        await rig.end(run)
        await switch_flow(rig.world, rig.admin, view.saved.id, enabled=False)
        with pytest.raises(Refused):
            await replay_run(rig.world, rig.admin, run.id)


async def test_an_older_version_is_replayed_by_who_holds_what_it_does() -> None:
    """Whoever took a secret out of a flow has not left it to those who may only run the flow."""
    reads = "secrets: {key: OKTA_KEY}\ncards: [{card: flow.return, with: {x: '{{ secrets.key }}'}}]"
    async with flow_rig() as rig:
        await create_secret(rig.world, rig.admin, PLACE, "OKTA_KEY", Sensitive("hidden"))
        run = await rig.start(await rig.save(reads))
        await rig.end(run)
        runner = holding(rig.admin, Verb.RUN_FLOWS, Verb.READ_RUNS)
        assert await replay_run(rig.world, runner, run.id)
        await rig.save("cards:\n- {card: flow.return, with: {x: 1}}\n")
        with pytest.raises(Forbidden):
            await replay_run(rig.world, runner, run.id)
        assert await replay_run(rig.world, rig.admin, run.id)


async def test_runs_are_found_by_what_is_in_their_history() -> None:
    """Any text that a card took or gave; what is masked is not found."""
    cards = """secrets: {key: OKTA_KEY}
cards:
- {id: said, card: text.compose, with: {text: "needle {{ start.inputs.n }}"}}
- {card: flow.return, with: {x: "{{ said.text }}"}}
"""
    async with flow_rig() as rig:
        view = await rig.save(cards)
        for n in range(3):
            await rig.end(await rig.start(view, {"inputs": {"n": n}}))
        found = await list_runs(rig.world, rig.admin, view.saved.id, text="NEEDLE 1")
        assert len(found) == 1
        assert len(await list_runs(rig.world, rig.admin, view.saved.id)) == 3


async def test_a_run_here_answers_whoever_waits() -> None:
    """The process that was asked runs it, and has its answer at hand."""
    async with flow_rig() as rig:
        view = await rig.save("cards:\n- {card: flow.return, with: {x: '{{ start.inputs.n }}'}}\n")
        run, reply = await run_here(
            rig.world, view, {"inputs": {"n": 1}}, cause=Cause.INVOKED, by="test"
        )
        assert (await reply).body.value == {"x": 1}
        assert (await rig.read(run)).run.phase is Phase.FINISHED


async def test_without_history_nothing_is_kept() -> None:
    """No run, no step: a killed process forgets it."""
    async with flow_rig() as rig:
        head = "flow: test\nstart: {kind: helper}\nhistory: none\n"
        view = await rig.save("cards:\n- {card: flow.return, with: {x: 1}}\n", head)
        _, reply = await run_here(rig.world, view, {}, cause=Cause.INVOKED, by="test")
        assert (await reply).body.value == {"x": 1}
        assert await list_runs(rig.world, rig.admin, view.saved.id) == []


class Failing:
    """A store that cannot be written to once, as it was away."""

    def __init__(self, inner: Store) -> None:
        self.inner = inner
        self.away = True

    async def write_run(self, write: RunWrite) -> None:
        """Write down what is new of a run, but not the first time."""
        if self.away:
            self.away = False
            raise DatabaseAway
        await self.inner.write_run(write)


async def test_what_could_not_be_written_is_written_next_time() -> None:
    """Neither a step nor an answer is lost where the database was away for a moment."""
    async with flow_rig() as rig:
        run = await rig.start(
            view := await rig.save("cards:\n- {card: flow.return, with: {x: 1}}\n")
        )
        walk = Walk(Allowance(), rig.clock.now)
        assert [*walk.course(view.flow, seen({}), run=seen({}))] == []
        world = replace(rig.world, store=Failing(rig.world.store))  # type: ignore[arg-type]
        hold = Held(world, view, run, walk, fresh={"1": seen("answer")})
        with pytest.raises(DatabaseAway):
            await write(hold)
        await write(hold)
        found = await rig.read(run)
        assert [step["card"] for step in found.steps] == ["flow.return"]
        async with rig.world.store.reading() as tx:
            assert await tx.find(RunAnswer, run_id=run.id, at="1")
        assert (hold.fresh, walk.steps) == ({}, [])


@pytest.mark.parametrize("asleep", [False, True])
async def test_a_flow_that_nobody_can_read_any_more_ends_its_runs(*, asleep: bool) -> None:
    """What an earlier version saved and this one refuses is told, and not tried for ever."""
    async with flow_rig() as rig:
        view = await rig.save("cards:\n- {card: flow.wait_for, with: {duration: 60}}\n")
        run = await rig.start(view)
        if asleep:
            await rig.work()
            rig.clock.advance(60)
        async with rig.world.store.writing() as tx:
            await tx.replace(replace(view.version, source="flow: of another age"))
        await rig.work()
        async with rig.world.store.reading() as tx:
            found = await tx.find(Run, id=run.id)
        assert found
        assert (found.phase, found.failure) == (Phase.FAILED, "defect")
