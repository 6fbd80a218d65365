"""Looking: what an org holds and was asked; nothing here changes anything or shows a value."""

import re

from keyturn.sandbox.controls.operation import BadRequest, Body, Operation, Params
from keyturn.sandbox.http import Json, Request
from keyturn.sandbox.state.org import Org


def _truth(org: Org, request: Request, params: Params, body: Body) -> Json:
    return org.truth()


def _requests(org: Org, request: Request, params: Params, body: Body) -> Json:
    return org.requests(_after(request))


def _after(request: Request) -> int:
    text = request.query.get("after", "0")
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise BadRequest("after is a number that was answered before, from 0")
    return int(text)


def _counts(org: Org, request: Request, params: Params, body: Body) -> Json:
    return org.counts()


def _log(org: Org, request: Request, params: Params, body: Body) -> Json:
    events = list(org.system_log.events(_after(request)))
    shown: list[Json] = [
        {
            "number": event.number,
            "at": event.at.isoformat(),
            "type": event.type,
            "actor": event.actor.name,
            "targets": [target.id for target in event.targets],
            "result": event.result,
            "reason": event.reason,
            "debug": event.debug,
        }
        for event in events
    ]
    return {"events": shown}


OPERATIONS = (
    Operation(
        "GET", "/truth", _truth, "Every app and client secret that ever was, with exact times."
    ),
    Operation(
        "GET", "/requests", _requests, "The requests numbered above `?after=`, the latest 100,000."
    ),
    Operation(
        "GET", "/counts", _counts, "How many requests there were by subject, refused and failed."
    ),
    Operation("GET", "/log", _log, "The System Log's events numbered above `?after=`."),
)
