"""Whole orgs as one JSON document: everything they hold, keys and clear secrets included.

Decides what belongs to an org's state and which versions are understood; how values look is the
codec's business. Tokens issued before stay good, for the keys are kept.
"""

import json
import os
from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import cast

from keyturn.sandbox.http import Json, parse_json
from keyturn.sandbox.state.clock import VirtualClock, parse_moment
from keyturn.sandbox.state.codec import PACKAGE, Reader, SnapshotError, Writer
from keyturn.sandbox.state.org import Org
from keyturn.sandbox.state.settings import Settings

FORMAT = "keyturn-sandbox"
VERSION = 2
MAY_BE_NONE = ("_given_keys",)
# Belongs to the process that serves, not to the org.
NOT_STATE = ("clock", "sleep", "concurrency", "hook_sender", "_calling")


def render_snapshot(orgs: Mapping[str, Org]) -> dict[str, Json]:
    """Return orgs by name as a document; SnapshotError when one holds what cannot be written."""
    states: dict[str, Json] = {name: _render(org) for name, org in orgs.items()}
    return {"format": FORMAT, "version": VERSION, "orgs": states}


def parse_snapshot(document: Json) -> dict[str, dict[str, Json]]:
    """Return the states in a document by the names of their orgs; SnapshotError for other ones."""
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise SnapshotError("this is not a snapshot of a Keyturn sandbox")
    version = document.get("version")
    if version != VERSION:
        raise SnapshotError(
            f"this snapshot has version {version}, and this sandbox reads only version {VERSION}: "
            "load it with the release that wrote it"
        )
    unknown = document.keys() - {"format", "version", "orgs"}
    if unknown:
        raise SnapshotError(f"a snapshot has no {', '.join(sorted(unknown))}")
    orgs = document.get("orgs")
    if not isinstance(orgs, dict) or not orgs:
        raise SnapshotError("this snapshot holds no org")
    for name, state in orgs.items():
        if not isinstance(state, dict):
            raise SnapshotError(f"org {name} is an object, not {type(state).__name__}")
    return cast("dict[str, dict[str, Json]]", orgs)


def restore(org: Org, state: Mapping[str, Json]) -> None:
    """Make an org what it was; SnapshotError, and nothing is changed, when the state is not whole.

    It goes on at real time, or from the moment that its clock showed if that had been moved.
    """
    held = Reader(org).read_all({name: value for name, value in state.items() if name != "clock"})
    _check_parts("org", held, _state_of(org))
    _check_settings(held)
    clock = _move_clock(org.clock, state.get("clock"))
    vars(org).update(held)
    org.clock = clock


def new_org(state: Mapping[str, Json]) -> Org:
    """Return an org made from a state; SnapshotError when the state is not whole."""
    org = Org()
    restore(org, state)
    return org


def read_snapshot(path: Path) -> dict[str, dict[str, Json]]:
    """Return the states in a file; OSError, or SnapshotError for a file that holds none."""
    try:
        document = parse_json(path.read_bytes())
    except ValueError as error:
        raise SnapshotError("this is not the JSON of a snapshot") from error
    return parse_snapshot(document)


def write_snapshot(path: Path, orgs: Mapping[str, Org]) -> None:
    """Write orgs to a file that only its owner may read; nobody ever sees half of it."""
    text = json.dumps(render_snapshot(orgs), separators=(",", ":"))
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600, exist_ok=False)
    draft.write_text(text)
    draft.replace(path)


def _render(org: Org) -> dict[str, Json]:
    clock: Json = None
    if org.clock.virtual:
        clock = {"at": org.now().isoformat(), "rate": org.clock.rate}
    return {"clock": clock, **Writer(org).write_state(_state_of(org))}


def _state_of(org: Org) -> dict[str, object]:
    return {name: value for name, value in vars(org).items() if name not in NOT_STATE}


def _check_parts(name: str, read: Mapping[str, object], own: Mapping[str, object]) -> None:
    """Raise SnapshotError where what was read has other parts than what is there, to any depth.

    What a collection holds is not looked at, nor what is None in an org that has just begun.
    """
    if read.keys() != own.keys():
        differing = ", ".join(sorted(read.keys() ^ own.keys()))
        raise SnapshotError(f"this snapshot and this sandbox differ in what {name} is: {differing}")
    for part, value in read.items():
        if own[part] is None or (value is None and part in MAY_BE_NONE):
            continue
        wanted = type(own[part])
        if type(value) is not wanted:
            raise SnapshotError(f"{name}.{part} is a {wanted.__name__}, not {type(value).__name__}")
        if wanted.__module__.startswith(PACKAGE):
            _check_parts(f"{name}.{part}", _parts(value), _parts(own[part]))


def _parts(value: object) -> Mapping[str, object]:
    return getattr(value, "__dict__", {})


def _check_settings(held: Mapping[str, object]) -> None:
    try:
        replace(cast(Settings, held["settings"]))
    except ValueError as error:
        raise SnapshotError(f"org.settings: {error}") from error


def _move_clock(clock: VirtualClock, shown: Json) -> VirtualClock:
    """Return a clock that goes on from what a saved one showed, at real time where that did."""
    moved = copy(clock)
    moved.follow()
    if shown is None:
        return moved
    try:
        members = cast("dict[str, Json]", shown)
        moved.run(cast(float, members["rate"]))
        moved.set(parse_moment(cast(str, members["at"])))
    except (KeyError, TypeError, ValueError) as error:
        raise SnapshotError(f"clock is a time `at` and a number `rate`: {error}") from error
    return moved
