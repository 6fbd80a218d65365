"""Cards that decide which cards run, and what happens where one fails."""

from dataclasses import replace
from typing import Final

from keyturn.domain.flows.cards.steering import NOTHING, steers
from keyturn.domain.flows.conditions import holds
from keyturn.domain.flows.expressions import Scope, evaluate
from keyturn.domain.flows.failures import CardFailure, Failure
from keyturn.domain.flows.spec import Input, Lane, Output
from keyturn.domain.flows.values import Kind, members, seen
from keyturn.domain.flows.walk import Ended, Going, Here, Response

WHEN: Final = Input("when", Kind.ANY, "The condition.", condition=True)


def _if_else(here: Here) -> Going:
    true = holds(here.given("when").value)
    yield from here.lane("then" if true else "else")
    return seen({"result": true})


def _if_else_if(here: Here) -> Going:
    for number, (when, cards) in enumerate(here.card.cases, 1):
        if holds(evaluate(when, here.scope).value):
            yield from here.walk.lane(cards, here.scope, here.flow, f"{here.at}case[{number}].")
            return seen({"case": number})
    yield from here.lane("else")
    return seen({"case": None})


def _continue_if(here: Here) -> Going:
    yield from ()
    if holds(here.given("when").value):
        return NOTHING
    message = here.given("message")
    raise Ended(Response(200, members({"message": message}) if message.value else NOTHING))


def _if_error(here: Here) -> Going:
    try:
        yield from here.lane("try")
    except CardFailure as failure:
        if failure.kind is Failure.LIMIT:
            raise
        inner = Scope(here.scope)
        inner.bind("error", seen(failure.as_value))
        yield from here.lane("catch", inner)
        return seen({"failed": True, "error": failure.as_value})
    return seen({"failed": False, "error": None})


def _raise(here: Here) -> Going:
    yield from ()
    raise CardFailure(Failure.USER, str(here.given("message").view))


CARDS: Final = (
    steers(
        "branch.if_else",
        "Run one of two lanes.",
        _if_else,
        WHEN,
        outputs=(Output("result", Kind.BOOLEAN, "Whether the condition held."),),
        lanes=(
            Lane("then", "Where the condition holds."),
            Lane("else", "Where it does not.", required=False),
        ),
    ),
    replace(
        steers(
            "branch.if_else_if",
            "Run the lane of the first case whose condition holds.",
            _if_else_if,
            outputs=(Output("case", Kind.NUMBER, "Which case it was, from 1; null for none."),),
            lanes=(Lane("else", "Where no case holds.", required=False),),
        ),
        cases=True,
    ),
    steers(
        "branch.continue_if",
        "Go on where a condition holds, or end the flow here, which is no failure.",
        _continue_if,
        WHEN,
        Input(
            "message", Kind.TEXT, "What is returned where it ends.", required=False, template=True
        ),
    ),
    steers(
        "error.if_error",
        "Run a lane, and another where a card of the first fails; it has `error`.",
        _if_error,
        outputs=(
            Output("failed", Kind.BOOLEAN, "Whether a card failed."),
            Output("error", Kind.OBJECT, "The error, null where none was."),
        ),
        lanes=(
            Lane("try", "What is tried."),
            Lane("catch", "What runs where a card fails.", required=False, binds=("error",)),
        ),
    ),
    steers(
        "error.raise",
        "Fail.",
        _raise,
        Input("message", Kind.TEXT, "What to say.", template=True),
    ),
)
