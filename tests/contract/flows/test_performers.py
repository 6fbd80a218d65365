"""Every card that asks outside is done by somebody, as it is declared, and in its time."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import pytest
from cards_kit import Workshop, workshop

from keyturn.domain.flows.cards import okta, okta_devices
from keyturn.domain.flows.cards.org_calls import OrgCard
from keyturn.domain.flows.catalogue import CARDS
from keyturn.domain.flows.definition import Card
from keyturn.domain.flows.expressions import Constant
from keyturn.domain.flows.failures import Failure
from keyturn.domain.flows.reading import read_flow
from keyturn.domain.flows.spec import CardSpec, Effect
from keyturn.domain.flows.values import Value, seen
from keyturn.domain.flows.walk import Act
from keyturn.domain.oauth.connectors import CONNECTORS
from keyturn.services.cards import PERFORMERS, asked_once

OUTSIDE = [card for card in CARDS.values() if card.effect in {Effect.READ, Effect.WRITE}]
FAMILIES = {"api", "okta", "okta_devices", "jwt", "keyturn"}
OURS = [card for card in CARDS.values() if card.family in FAMILIES]


def named(card: CardSpec | OrgCard) -> str:
    """Return what a test of a card is called by."""
    return card.spec.name if isinstance(card, OrgCard) else card.name


@pytest.fixture
async def it() -> AsyncIterator[Workshop]:
    """Have services in memory."""
    async with workshop() as made:
        yield made


def test_every_card_that_asks_is_done() -> None:
    """What is declared can be run."""
    assert {card.name for card in OUTSIDE} <= PERFORMERS.keys()
    assert [card.name for card in OUTSIDE if card.run] == []


def test_nobody_does_what_is_not_declared() -> None:
    """A performer without a card would never be asked."""
    assert not PERFORMERS.keys() - {card.name for card in OUTSIDE}


@pytest.mark.parametrize("card", OURS, ids=named)
def test_every_card_has_an_example_that_can_be_read(card: CardSpec) -> None:
    """As it stands in a file."""
    names = {"key": "/key"} if "secrets." in json.dumps(card.example) else {}
    flow = {"flow": "x", "start": {"kind": "helper"}, "secrets": names, "cards": [card.example]}
    (read,) = read_flow(json.dumps(flow)).cards
    assert read.spec is card
    assert set(card.connectors) <= CONNECTORS.keys()


@pytest.mark.parametrize("card", [each for each in OURS if each.effect is Effect.WRITE], ids=named)
def test_what_writes_may_end_without_an_answer(card: CardSpec) -> None:
    """And says so, that flows are told what they can catch."""
    assert Failure.UNKNOWN_OUTCOME in card.failures


@pytest.mark.parametrize("known", [*okta.KNOWN, *okta_devices.KNOWN], ids=named)
def test_calls_to_an_org_are_as_declared(known: OrgCard) -> None:
    """What stands in a path or a query is an input, and what is given is an output."""
    call, spec = known.call, known.spec
    if call is None:
        return
    inputs = {each.name for each in spec.inputs}
    in_path = {part[1:-1] for part in call.path.split("/") if part.startswith("{")}
    assert in_path | set(call.query.values()) <= inputs
    assert {call.gives} - {""} <= {each.name for each in spec.outputs}
    assert spec.effect is (Effect.READ if call.method == "GET" else Effect.WRITE)
    assert set(spec.scopes) <= set(CONNECTORS[spec.connectors[0]].scopes)


async def test_a_card_that_takes_too_long(it: Workshop) -> None:
    """It is broken off: what writes has an outcome that nobody knows."""

    class Slow:
        def reading(self) -> object:
            return self

        async def __aenter__(self) -> None:
            await asyncio.Event().wait()

        async def __aexit__(self, *_: object) -> None:
            raise AssertionError

    it.rig.world = replace(it.rig.world, store=Slow())  # type: ignore[arg-type]  # it is slow
    it.timeout_s = -0.99
    assert (await it.failed("keyturn.read_secret", name="X")).kind is Failure.TIMEOUT
    failure = await it.failed("keyturn.start_turn", rotation="x")
    assert failure.kind is Failure.UNKNOWN_OUTCOME


async def test_the_time_and_chance(it: Workshop) -> None:
    """The clock's time in any zone, numbers between two, and ids that are UUIDs."""
    told = await it.given("date.now", zone="Europe/Berlin")
    assert datetime.fromisoformat(told["date"]) == it.rig.clock.now()
    assert (told["date"][-6:], told["epoch_s"]) == ("+01:00", it.rig.clock.now().timestamp())
    drawn = {(await it.given("number.random", minimum=-1, maximum=1))["number"] for _ in range(50)}
    assert drawn == {-1, 0, 1}
    assert (await it.given("number.random", minimum=5, maximum=5))["number"] == 5
    assert UUID((await it.given("text.uuid"))["text"]).version == 4


@pytest.mark.parametrize(
    ("card", "inputs"),
    [
        ("date.now", {"zone": "Mars/Olympus"}),
        ("date.now", {"zone": "localtime"}),
        ("number.random", {"minimum": 2, "maximum": 1}),
        ("number.random", {"maximum": 1.5}),
        ("number.random", {"maximum": 2**54}),
    ],
)
async def test_what_they_do_not_take(it: Workshop, card: str, inputs: dict[str, object]) -> None:
    """Zones that are none, and limits that are no whole numbers in their order."""
    assert (await it.failed(card, **inputs)).kind is Failure.INPUT  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("card", "inputs", "once"),
    [
        ("api.get", {}, False),
        ("api.post", {}, True),
        ("api.post", {"idempotency_key": "k"}, False),
        ("api.raw_request", {"method": "GET"}, False),
        ("api.raw_request", {"method": "DELETE"}, True),
        ("keyturn.start_turn", {}, True),
        ("text.uuid", {}, False),
    ],
)
def test_what_is_asked_for_once(card: str, inputs: dict[str, Value], *, once: bool) -> None:
    """What changes something, unless the service knows it again or its method changes nothing."""
    expressions = {name: Constant(value) for name, value in inputs.items()}
    act = Act("1", Card("c", CARDS[card], expressions), seen(inputs))
    assert asked_once(act) is once
