"""Keyturn's own cards: secrets, and turns that a flow starts and waits for; judged by the org."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime

import pytest
from cards_kit import Workshop, workshop
from rig import PLACE

from keyturn.domain.access import Verb
from keyturn.domain.errors import DatabaseAway, NoFooting
from keyturn.domain.flows.failures import Failure
from keyturn.domain.flows.values import MASK
from keyturn.domain.turn import Phase
from keyturn.sandbox import Fault
from keyturn.services.folders import create_folder
from keyturn.services.ports import Footing

NAME, SECRET = "my-okta-rotation", "OKTA_CLIENT_SECRET"


@pytest.fixture
async def it() -> AsyncIterator[Workshop]:
    """Have a rotation in the flow's folder."""
    async with workshop() as made:
        await made.rig.rotation()
        yield made


async def test_a_secret_is_read_by_its_name(it: Workshop) -> None:
    """As it is served now; the history has its version alone."""
    outputs = await it.outputs("keyturn.read_secret", name=SECRET)
    assert isinstance(outputs.value, dict)
    value = str(outputs.value["value"])
    assert it.rig.at_okta()
    assert await it.rig.authenticate(value) != 401
    assert outputs.view == {"value": MASK, "version": outputs.value["version"]}
    assert all(value not in repr(step) for step in it.steps)


async def test_what_is_not_there_and_what_it_may_not(it: Workshop) -> None:
    """The gate decides for a flow as for everybody."""
    for inputs in ({"name": "NONE"}, {"name": SECRET, "path": "/elsewhere"}):
        failure = await it.failed("keyturn.read_secret", **inputs)
        assert failure.kind in {Failure.MISSING, Failure.FORBIDDEN}
    it.verbs = frozenset({Verb.USE_GRANTS})
    for card, more in (
        ("keyturn.read_secret", {"name": SECRET}),
        ("keyturn.start_turn", {"rotation": NAME}),
        ("keyturn.wait_for_turn", {"rotation": NAME}),
        ("keyturn.list_rotations", {}),
    ):
        assert (await it.failed(card, **more)).kind is Failure.FORBIDDEN


async def test_a_turn_is_started_and_waited_for(it: Workshop) -> None:
    """The flow goes on when the old secret is gone at the org, and looks as seldom as it can."""
    before = it.rig.living()
    end = await it.walk(
        {"card": "keyturn.start_turn", "with": {"rotation": NAME}},
        {"card": "keyturn.wait_for_turn", "with": {"rotation": NAME}},
        {"card": "flow.return", "with": {"started": "{{ c1 }}", "waited": "{{ c2 }}"}},
    )
    assert end.failure is None
    body = end.response.body.value
    assert isinstance(body, dict)
    started, waited = body["started"], body["waited"]
    assert isinstance(started, dict)
    assert isinstance(waited, dict)
    assert (started["phase"], started["served"], started["ended"]) == ("overlapping", True, False)
    assert waited == {
        "turn": started["turn"],
        "phase": Phase.FINISHED.value,
        "served": True,
        "ended": True,
        "blocked": "",
        "next_look_s": None,
    }
    assert [each["id"] for each in it.rig.living()] != [each["id"] for each in before]
    assert len(it.rig.living()) == 1
    assert len(it.acts) < 10


async def test_waiting_until_the_secret_is_served(it: Workshop) -> None:
    """That is so at once after the start; a wait of no length looks once."""
    await it.given("keyturn.start_turn", rotation=NAME)
    it.acts.clear()
    told = await it.given("keyturn.wait_for_turn", rotation=NAME, until="served")
    assert (told["phase"], len(it.acts)) == ("overlapping", 1)
    told = await it.given("keyturn.wait_for_turn", rotation=NAME, at_most_s=0)
    assert (told["ended"], len(it.acts)) == (False, 2)


async def test_a_wait_has_an_end(it: Workshop) -> None:
    """The flow goes on after so long, and is told that the turn has not ended."""
    await it.given("keyturn.start_turn", rotation=NAME)
    at = it.rig.clock.now()
    told = await it.given("keyturn.wait_for_turn", rotation=NAME, at_most_s=60)
    assert told["ended"] is False
    assert 60 <= (it.rig.clock.now() - at).total_seconds() < 75
    failure = await it.failed("keyturn.wait_for_turn", rotation=NAME, at_most_s=1e9)
    assert failure.kind is Failure.INPUT


async def test_a_second_turn_is_refused(it: Workshop) -> None:
    """As the API refuses it: while one is under way there is no other."""
    await it.given("keyturn.start_turn", rotation=NAME)
    failure = await it.failed("keyturn.start_turn", rotation=NAME)
    assert (failure.kind, failure.status) == (Failure.HTTP, 409)
    assert "under way" in failure.message
    assert (await it.failed("keyturn.start_turn", rotation="none")).kind is Failure.MISSING


async def test_okta_does_not_serve_the_turn(it: Workshop) -> None:
    """The turn goes on by itself, and the card says why nothing is served yet."""
    it.rig.org.add_fault(Fault("error-before-effect", "*", status=500))
    failure = await it.failed("keyturn.start_turn", rotation=NAME)
    assert (failure.kind, failure.status) == (Failure.HTTP, 502)


async def test_rotations_are_listed(it: Workshop) -> None:
    """Those of the flow's folder, with how each does."""
    told = await it.given("keyturn.list_rotations")
    (listed,) = told["records"]
    assert (told["count"], listed["rotation"], listed["blocked"]) == (1, NAME, "")
    assert datetime.fromisoformat(listed["next_at"]) > it.rig.clock.now()


async def test_rotations_elsewhere_are_not_listed(it: Workshop) -> None:
    """Whatever else the flow may see."""
    world, admin = it.rig.world, it.rig.admin
    made = await create_folder(world, admin, PLACE, "other")
    it.place, it.paths = made.place, ("/**",)
    assert (await it.given("keyturn.list_rotations"))["count"] == 0


async def test_a_process_whose_clock_is_off(it: Workshop) -> None:
    """The run does not fail by that: it is left to another process, as nothing was changed."""
    it.rig.world.vitals.footing = Footing.CLOCK_OFF
    with pytest.raises(NoFooting):
        await it.given("keyturn.start_turn", rotation=NAME)


async def test_a_database_that_is_away(it: Workshop) -> None:
    """What was to change something may have done so; what was to read is read again later."""

    class Away:
        def reading(self) -> None:
            raise DatabaseAway

    it.rig.world = replace(it.rig.world, store=Away())  # type: ignore[arg-type]  # it is away
    failure = await it.failed("keyturn.start_turn", rotation=NAME)
    assert failure.kind is Failure.UNKNOWN_OUTCOME
    with pytest.raises(DatabaseAway):
        await it.given("keyturn.read_secret", name=SECRET)
