"""Cards about the flow itself: what it answers, what it waits for, which flows it runs."""

from dataclasses import replace
from typing import Final

from keyturn.domain.flows.cards.branch import WHEN
from keyturn.domain.flows.cards.steering import NOTHING, steers
from keyturn.domain.flows.conditions import holds
from keyturn.domain.flows.failures import Failure, wrong_input
from keyturn.domain.flows.spec import CardSpec, Effect, Input, Output
from keyturn.domain.flows.values import Kind, members, seen
from keyturn.domain.flows.walk import Ended, Going, Here, Reply, Response, Sleep

STATUS_MIN, STATUS_MAX = 200, 599
DAY_S: Final = 86_400.0
UNITS: Final = {"seconds": 1.0, "minutes": 60.0, "hours": 3600.0, "days": DAY_S}

_STATUS = Input("status", Kind.NUMBER, "The HTTP status, 200 to 599.", required=False, default=200)
_HEADERS = Input("headers", Kind.OBJECT, "Headers, texts by name.", required=False)
_BODY = Input("body", Kind.ANY, "A text as it is, or anything else as JSON.", required=False)
_MESSAGE = Input("message", Kind.TEXT, "What to say.", template=True)
_ERROR_STATUS = Input("status", Kind.NUMBER, "The HTTP status.", required=False, default=400)


def _return(here: Here) -> Going:
    yield from ()
    raise Ended(Response(200, here.inputs))


def _return_raw(here: Here) -> Going:
    yield from ()
    raise Ended(_raw(here))


def _raw(here: Here) -> Response:
    return Response(_status(here), here.given("body"), _headers(here), raw=True)


def _close(here: Here) -> Going:
    yield Reply(_raw(here))
    return NOTHING


def _status(here: Here) -> int:
    status = here.given("status").value
    if isinstance(status, int) and STATUS_MIN <= status <= STATUS_MAX:
        return status
    raise wrong_input("status", f"must be from {STATUS_MIN} to {STATUS_MAX}")


def _headers(here: Here) -> dict[str, str]:
    given = here.given("headers").value
    headers = given if isinstance(given, dict) else {}
    if all(isinstance(value, str) for value in headers.values()):
        return {name: str(value) for name, value in headers.items()}
    raise wrong_input("headers", "must be texts by name")


def _return_error(here: Here) -> Going:
    yield from ()
    body = members({"error": here.given("message")})
    raise Ended(Response(_status(here), body))


def _return_error_if(here: Here) -> Going:
    if holds(here.given("when").value):
        yield from _return_error(here)
    return NOTHING


def _call(here: Here) -> Going:
    name, given = here.given("flow").value, here.given("inputs")
    start = members({"inputs": given})
    run = here.scope.find("run") or NOTHING
    end = yield from here.walk.inside(str(name), start, run=run, at=here.at)
    if end.failure:
        raise end.failure
    return members({"result": end.response.body, "status": seen(end.response.status)})


def _wait_for(here: Here) -> Going:
    length, unit = here.given("duration").value, str(here.given("unit").value)
    if not isinstance(length, int | float) or length < 0:
        raise wrong_input("duration", "must be zero or more")
    pause_s = length * UNITS[unit]
    most_s = here.walk.allowance.wait_s
    if pause_s > most_s:
        raise wrong_input("duration", f"must be {most_s / DAY_S:g} days at most")
    yield Sleep(here.at, pause_s)
    return NOTHING


def _comment(here: Here) -> Going:
    yield from ()
    return NOTHING


_HELPER: Final = Input(
    "flow", Kind.TEXT, "The name of the helper flow, in the same folder.", written=True
)

CARDS: Final = (
    replace(
        steers(
            "flow.return",
            "End the flow and return its inputs, as a JSON object with the status 200.",
            _return,
        ),
        open=True,
    ),
    steers(
        "flow.return_raw",
        "End the flow and answer with a status, headers and a body.",
        _return_raw,
        _STATUS,
        _HEADERS,
        _BODY,
    ),
    steers(
        "error.return_error",
        "End the flow and answer with an error.",
        _return_error,
        _ERROR_STATUS,
        _MESSAGE,
    ),
    steers(
        "error.return_error_if",
        "End the flow and answer with an error where a condition holds.",
        _return_error_if,
        WHEN,
        _ERROR_STATUS,
        _MESSAGE,
    ),
    steers(
        "flow.close",
        "Answer whoever invoked the flow now, and go on.",
        _close,
        _STATUS,
        _HEADERS,
        _BODY,
    ),
    steers(
        "flow.call",
        "Run a helper flow and wait for what it returns.",
        _call,
        _HELPER,
        Input("inputs", Kind.OBJECT, "What it is given, by name.", required=False),
        outputs=(
            Output("result", Kind.ANY, "What it returned."),
            Output("status", Kind.NUMBER, "The HTTP status that it ended with."),
        ),
    ),
    CardSpec(
        "flow.call_async",
        "Start a run of a helper flow, and go on without what it returns.",
        (
            _HELPER,
            Input("inputs", Kind.OBJECT, "What it is given, by name.", required=False),
        ),
        (Output("run", Kind.TEXT, "The id of the run."),),
        Effect.WRITE,
        repeatable=True,
        failures=(Failure.MISSING, Failure.LIMIT, Failure.UNKNOWN_OUTCOME),
        example={
            "card": "flow.call_async",
            "with": {"flow": "other", "inputs": {"name": "Ada"}},
        },
    ),
    steers(
        "flow.wait_for",
        "Go on later; until then the run takes nothing.",
        _wait_for,
        Input("duration", Kind.NUMBER, "How long, 30 days at most."),
        Input("unit", Kind.TEXT, "In what.", required=False, default="seconds", options=(*UNITS,)),
    ),
    steers(
        "flow.comment",
        "Say something to whoever reads the flow.",
        _comment,
        Input("text", Kind.TEXT, "What to say."),
    ),
)
