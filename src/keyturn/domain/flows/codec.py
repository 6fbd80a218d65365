"""What came of asking, as bytes, so that whoever takes a run over is told the same.

Decides the form: JSON in which what a view hides is marked, so that it stays hidden.
"""

import json
from datetime import datetime
from typing import Final, TypeAlias

from keyturn.domain.flows.failures import CardFailure, Failure
from keyturn.domain.flows.values import Bound, Masked, Value, seen
from keyturn.domain.flows.walk import Response

_HIDDEN: Final = "\x00masked"


Answer: TypeAlias = Bound | CardFailure | datetime | tuple[str, int]
"""Outputs, a failure, until when to sleep, or which version of which flow runs inside."""


def write_answer(answer: Answer) -> str:
    """Write an answer down."""
    told: dict[str, Value] = {}
    match answer:
        case Bound(value, view):
            told = {"value": value} if view is value else {"value": value, "view": _marked(view)}
        case CardFailure():
            told = {"failure": _failure(answer)}
        case datetime():
            told = {"until": answer.isoformat()}
        case (flow_id, number):
            told = {"flow": [flow_id, number]}
    return json.dumps(told, separators=(",", ":"))


def read_answer(text: str) -> Answer:
    """Read an answer."""
    told = json.loads(text)
    if "failure" in told:
        return CardFailure(**(told["failure"] | {"kind": Failure(told["failure"]["kind"])}))
    if "until" in told:
        return datetime.fromisoformat(told["until"])
    if "flow" in told:
        flow_id, number = told["flow"]
        return flow_id, number
    return _bound(told)


def read_bound(text: str) -> Bound:
    """Read an answer that is known to be no failure: what a run was given."""
    return _bound(json.loads(text))


def _bound(told: dict[str, Value]) -> Bound:
    value = told["value"]
    return Bound(value, _unmarked(told["view"]) if "view" in told else value)


def write_response(response: Response) -> str:
    """Write down what was answered, in full."""
    told = {
        "status": response.status,
        "headers": dict(response.headers),
        "body": response.body.value,
        "raw": response.raw,
    }
    return json.dumps(told, separators=(",", ":"))


def read_response(text: str) -> Response:
    """Read what was answered."""
    told = json.loads(text)
    return Response(told["status"], seen(told["body"]), told["headers"], told["raw"])


def _failure(failure: CardFailure) -> dict[str, Value]:
    return {**failure.as_value, "retry_after_s": failure.retry_after_s}


def _marked(view: Value) -> Value:
    match view:
        case Masked():
            return {_HIDDEN: str(view)}
        case dict():
            return {name: _marked(each) for name, each in view.items()}
        case list():
            return [_marked(each) for each in view]
        case _:
            return view


def _unmarked(told: Value) -> Value:
    match told:
        case {"\x00masked": str(text)}:
            return Masked(text)
        case dict():
            return {name: _unmarked(each) for name, each in told.items()}
        case list():
            return [_unmarked(each) for each in told]
        case _:
            return told
