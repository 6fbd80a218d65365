"""Whole orgs as one JSON document: everything they hold, keys and clear secrets included.

Decides what belongs to an org's state and which versions are understood; how values look is the
codec's business. Tokens issued before stay good, for the keys are kept.
"""

import json
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import cast

from keyturn.sandbox.codec import Reader, SnapshotError, Writer
from keyturn.sandbox.http import Json
from keyturn.sandbox.keys import Keys
from keyturn.sandbox.org import Org

FORMAT = "keyturn-sandbox"
VERSION = 1
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
    orgs = document.get("orgs")
    if not isinstance(orgs, dict) or not orgs:
        raise SnapshotError("this snapshot holds no org")
    return cast("dict[str, dict[str, Json]]", orgs)


def restore(org: Org, state: Mapping[str, Json]) -> None:
    """Make an org what it was; SnapshotError, and nothing is changed, when the state is not whole.

    It goes on at real time, or from the moment that its clock showed if that had been moved.
    """
    clock = state.get("clock")
    held = Reader(org).read_all({name: value for name, value in state.items() if name != "clock"})
    known = vars(org).keys() - set(NOT_STATE)
    if held.keys() != known:
        differing = sorted(held.keys() ^ known)
        raise SnapshotError(f"this snapshot and this sandbox differ in what an org is: {differing}")
    moved = _parse_clock(clock)
    vars(org).update(held)
    org.clock.follow()
    if moved is not None:
        org.clock.run(moved[1])
        org.clock.set(moved[0])


def new_org(state: Mapping[str, Json]) -> Org:
    """Return an org made from a state; SnapshotError when the state is not whole."""
    org = Org(keys=Keys())
    restore(org, state)
    return org


def read_snapshot(path: Path) -> dict[str, dict[str, Json]]:
    """Return the states in a file; OSError, or SnapshotError for a file that holds none."""
    try:
        return parse_snapshot(cast(Json, json.loads(path.read_bytes())))
    except json.JSONDecodeError as error:
        raise SnapshotError(f"{path} is not JSON") from error


def write_snapshot(path: Path, orgs: Mapping[str, Org]) -> None:
    """Write orgs to a file that only its owner may read; nobody ever sees half of it."""
    text = json.dumps(render_snapshot(orgs), separators=(",", ":"))
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600, exist_ok=False)
    draft.write_text(text)
    draft.replace(path)


def _render(org: Org) -> dict[str, Json]:
    held = {name: value for name, value in vars(org).items() if name not in NOT_STATE}
    _make_keys(org)
    clock: Json = None
    if org.clock.virtual:
        clock = {"at": org.now().isoformat(), "rate": org.clock.rate}
    return {"clock": clock, **Writer(org).write_state(held)}


def _make_keys(org: Org) -> None:
    """Make the keys that nobody has needed yet, or they would differ after each load."""
    _ = org.keys.signing, org.keys.service


def _parse_clock(clock: Json) -> tuple[datetime, float] | None:
    if clock is None:
        return None
    try:
        shown = cast("dict[str, Json]", clock)
        return datetime.fromisoformat(str(shown["at"])), float(cast(float, shown["rate"]))
    except (KeyError, TypeError, ValueError) as error:
        raise SnapshotError("the snapshot's clock is not a time and a rate") from error
