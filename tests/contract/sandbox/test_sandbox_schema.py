"""Every operation of Okta's document is answered as the document promises, or says why not."""

import json

import pytest
from okta_spec import DEVIATIONS, Deviation, Operation, as_published, management
from operation_recipes import RECIPES
from sandbox_kit import World

from keyturn.sandbox.routes import ROUTES

pytestmark = pytest.mark.anyio
OPERATIONS = management().operations
ROUTED = {Operation("", route.method, route.pattern, {}).shape for route in ROUTES}
THERE = [one for one in OPERATIONS.values() if one.shape in ROUTED]


def test_the_document_has_not_shrunk() -> None:
    """All 66 operations of the document are judged."""
    assert len(OPERATIONS) == 66


@pytest.mark.parametrize("operation", THERE, ids=lambda one: one.id)
async def test_success_is_as_the_document_says(world: World, operation: Operation) -> None:
    """The promised status, and a body that keeps the schema."""
    answer = await RECIPES[operation.id].follow(world, operation)
    assert answer.status_code in operation.successes
    assert management().faults(operation.id, answer.status_code, answer.content) == []


@pytest.mark.parametrize("operation", THERE, ids=lambda one: one.id)
async def test_refusal_is_as_the_document_says(world: World, operation: Operation) -> None:
    """A call without credentials gets Okta's error body, where one is promised."""
    answer = await world.http.request(operation.method, operation.example)
    if operation.public:
        assert answer.status_code == 200
    else:
        assert answer.status_code == 401
        assert management().error_faults(answer.content) == []


def test_every_operation_has_a_recipe() -> None:
    """What is there is judged; what is judged is there."""
    assert sorted(RECIPES) == sorted(one.id for one in THERE)


async def test_a_wrong_answer_is_caught(world: World) -> None:
    """One member renamed, one value outside its list, one status unknown: each is a fault."""
    operation = OPERATIONS["getApplication"]
    whole = (await RECIPES[operation.id].follow(world, operation)).json()
    for member, value in {"label": None, "status": "ASLEEP", "created": "yesterday"}.items():
        wrong = json.dumps(whole | {member: value}).encode()
        assert management().faults(operation.id, 200, wrong) != [], member
    del whole["signOnMode"]
    assert management().faults(operation.id, 200, json.dumps(whole).encode()) != []
    assert management().faults(operation.id, 418, b"{}") != []


@pytest.mark.parametrize("deviation", DEVIATIONS, ids=lambda one: one.where)
def test_every_deviation_is_one(deviation: Deviation) -> None:
    """A deviation is what the document as published refuses; an idle one is to be removed."""
    assert management().admits(deviation)
    assert not as_published().admits(deviation)
