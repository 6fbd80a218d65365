"""How an org behaves: faults, settings, clock; and the whole of it: reset, saved, loaded."""

from copy import copy
from dataclasses import asdict
from difflib import get_close_matches

from keyturn.sandbox.controls.operation import (
    BadRequest,
    Body,
    Operation,
    Params,
    read_flag,
    read_number,
    read_time,
    refuse_unknown,
)
from keyturn.sandbox.faults import Fault
from keyturn.sandbox.http import Json, Request
from keyturn.sandbox.routes import ROUTER as PATHS
from keyturn.sandbox.routes import ROUTES
from keyturn.sandbox.state.org import Org
from keyturn.sandbox.state.settings import Settings
from keyturn.sandbox.state.snapshot import parse_snapshot, render_snapshot, restore


def _list_faults(org: Org, request: Request, params: Params, body: Body) -> Json:
    return {"faults": org.list_faults()}


def _add_fault(org: Org, request: Request, params: Params, body: Body) -> Json:
    return {"id": org.add_fault(parse_fault(body))}


def parse_fault(body: Body) -> Fault:
    """Return a fault; BadRequest or ValueError for one that cannot be, or could never strike."""
    refuse_unknown(body, *Fault.__slots__)
    fault = Fault(**{"kind": "", **body})  # type: ignore[arg-type]  # values are checked there
    if fault.route == "*":
        return fault
    methods = {route.method for route in ROUTES if route.pattern == fault.route}
    if not methods:
        raise BadRequest(f"route: there is no {fault.route[:100]}; near it is {_near(fault.route)}")
    if fault.method not in ("*", *methods):
        raise BadRequest(f"method: {fault.route} takes only {', '.join(sorted(methods))}")
    return fault


def _near(path: str) -> str:
    """Return the pattern that a path falls under, or else the one written most alike."""
    patterns = [route.pattern for route in ROUTES]
    return PATHS.match("GET", path).pattern or get_close_matches(path, patterns, 1, 0.0)[0]


def _remove_faults(org: Org, request: Request, params: Params, body: Body) -> Json:
    org.remove_fault()
    return {}


def _remove_fault(org: Org, request: Request, params: Params, body: Body) -> Json:
    known = [str(fault["id"]) for fault in org.list_faults()]
    if params["faultId"] not in known:
        raise BadRequest(f"there is no such fault; in force: {', '.join(known) or 'none'}")
    org.remove_fault(params["faultId"])
    return {}


def _settings(org: Org, request: Request, params: Params, body: Body) -> Json:
    return asdict(org.settings)


def _change_settings(org: Org, request: Request, params: Params, body: Body) -> Json:
    refuse_unknown(body, *Settings.__slots__)
    return asdict(org.change_settings(**body))  # type: ignore[arg-type]  # values are checked there


def _clock(org: Org, request: Request, params: Params, body: Body) -> Json:
    return {
        "now": org.now().isoformat(),
        "rate": org.clock.rate,
        "virtual": org.clock.virtual,
    }


def change_clock(org: Org, body: Body) -> None:
    """Turn an org's clock by `real`, `set`, `advance_s` and `rate`, in this order.

    BadRequest or ValueError for what is no time, no number, or a step back by `advance_s`; then
    the clock is left as it was.
    """
    refuse_unknown(body, "set", "advance_s", "rate", "real")
    turned = copy(org.clock)
    if "real" in body and read_flag(body, "real"):
        turned.follow()
    if "set" in body:
        turned.set(read_time(body, "set"))
    if "advance_s" in body:
        turned.advance(read_number(body, "advance_s"))
    if "rate" in body:
        turned.run(read_number(body, "rate"))
    org.clock = turned


def _change_clock(org: Org, request: Request, params: Params, body: Body) -> Json:
    change_clock(org, body)
    return _clock(org, request, params, body)


def _reset(org: Org, request: Request, params: Params, body: Body) -> Json:
    refuse_unknown(body, "seed", "clock")
    seed = body.get("seed", 0)
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise BadRequest("seed is a whole number")
    org.reset(seed, read_time(body, "clock") if "clock" in body else None)
    return org.credentials()


def _save(org: Org, request: Request, params: Params, body: Body) -> Json:
    return render_snapshot({"main": org})


def _load(org: Org, request: Request, params: Params, body: Body) -> Json:
    states = parse_snapshot(body)
    if len(states) != 1:
        raise BadRequest(f"this snapshot holds several orgs ({', '.join(states)}): one is wanted")
    restore(org, next(iter(states.values())))
    return org.credentials()


OPERATIONS = (
    Operation(
        "GET", "/faults", _list_faults, "The faults in force, and how often each fitted and struck."
    ),
    Operation("POST", "/faults", _add_fault, "Put a fault in force."),
    Operation("DELETE", "/faults", _remove_faults, "Lift all faults."),
    Operation("DELETE", "/faults/{faultId}", _remove_fault, "Lift one fault."),
    Operation("GET", "/settings", _settings, "Rate profile, propagation and wording."),
    Operation("POST", "/settings", _change_settings, "Change some of the settings."),
    Operation("GET", "/clock", _clock, "What the org's clock shows, and how fast it runs."),
    Operation(
        "POST",
        "/clock",
        _change_clock,
        "Turn the clock: `set` (a time), `advance_s`, `rate` (seconds a second), `real`.",
    ),
    Operation(
        "POST",
        "/reset",
        _reset,
        "Begin again from a `seed`, at the time `clock`; answers the new credentials.",
    ),
    Operation("GET", "/snapshot", _save, "The whole org as JSON, keys and clear secrets included."),
    Operation("POST", "/snapshot", _load, "Make the org what a snapshot holds."),
)
