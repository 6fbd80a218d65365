"""How an org behaves: faults, settings, clock; and the whole of it: reset, saved, loaded."""

from dataclasses import asdict
from datetime import datetime

from keyturn.sandbox.controls.operation import (
    BadRequest,
    Body,
    Operation,
    Params,
    read_number,
    read_text,
    refuse_unknown,
)
from keyturn.sandbox.directory import Settings
from keyturn.sandbox.faults import Fault
from keyturn.sandbox.http import Json, Request
from keyturn.sandbox.org import Org
from keyturn.sandbox.snapshot import parse_snapshot, render_snapshot, restore


def _list_faults(org: Org, request: Request, params: Params, body: Body) -> Json:
    return {"faults": org.list_faults()}


def _add_fault(org: Org, request: Request, params: Params, body: Body) -> Json:
    fault = Fault(**body)  # type: ignore[arg-type]  # unknown members raise TypeError, a 400
    return {"id": org.add_fault(fault)}


def _remove_faults(org: Org, request: Request, params: Params, body: Body) -> Json:
    org.remove_fault(params.get("faultId"))
    return {}


def _settings(org: Org, request: Request, params: Params, body: Body) -> Json:
    return asdict(org.settings)


def _change_settings(org: Org, request: Request, params: Params, body: Body) -> Json:
    unknown = body.keys() - set(Settings.__slots__)
    if unknown:
        raise BadRequest(f"unknown settings: {sorted(unknown)}")
    return asdict(org.change_settings(**body))  # type: ignore[arg-type]  # values are checked there


def _clock(org: Org, request: Request, params: Params, body: Body) -> Json:
    return {
        "now": org.now().isoformat(),
        "rate": org.clock.rate,
        "virtual": org.clock.virtual,
    }


def change_clock(org: Org, body: Body) -> None:
    """Turn an org's clock by `set`, `advance_s`, `rate` and `real`, in this order.

    BadRequest or ValueError for what is no time, no number, or a step back by `advance_s`.
    """
    refuse_unknown(body, "set", "advance_s", "rate", "real")
    if body.get("real") is True:
        org.clock.follow()
    if "set" in body:
        org.clock.set(datetime.fromisoformat(read_text(body, "set")))
    if "advance_s" in body:
        org.clock.advance(read_number(body, "advance_s"))
    if "rate" in body:
        org.clock.run(read_number(body, "rate"))


def _change_clock(org: Org, request: Request, params: Params, body: Body) -> Json:
    change_clock(org, body)
    return _clock(org, request, params, body)


def _reset(org: Org, request: Request, params: Params, body: Body) -> Json:
    seed = body.get("seed", 0)
    if not isinstance(seed, int):
        raise BadRequest("seed must be an integer")
    org.reset(seed)
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
    Operation("DELETE", "/faults/{faultId}", _remove_faults, "Lift one fault."),
    Operation("GET", "/settings", _settings, "Rate profile, propagation and wording."),
    Operation("POST", "/settings", _change_settings, "Change some of the settings."),
    Operation("GET", "/clock", _clock, "What the org's clock shows, and how fast it runs."),
    Operation(
        "POST",
        "/clock",
        _change_clock,
        "Turn the clock: `set` (a time), `advance_s`, `rate` (seconds a second), `real`.",
    ),
    Operation("POST", "/reset", _reset, "Begin again from a `seed`; answers the new credentials."),
    Operation("GET", "/snapshot", _save, "The whole org as JSON, keys and clear secrets included."),
    Operation("POST", "/snapshot", _load, "Make the org what a snapshot holds."),
)
