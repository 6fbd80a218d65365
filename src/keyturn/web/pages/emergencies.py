"""Emergencies: the list, one with what proves of each app that it is closed, and its file."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from starlette.responses import Response

from keyturn.domain.access import Verb
from keyturn.domain.emergency import (
    GONE,
    all_closed,
    is_left_open,
    is_paused,
    is_stuck,
    without_advice,
)
from keyturn.domain.errors import NotFound
from keyturn.domain.rollout import ENDED, Kind, Member, Standing, State
from keyturn.services import emergency_files
from keyturn.services.emergencies import EmergencyView, list_emergencies
from keyturn.services.emergency_evidence import Proof, report_emergency
from keyturn.services.emergency_news import LATE
from keyturn.services.rollout_watching import EmergencySight, Part, Watch, watch_emergency
from keyturn.web.pages.rollouts import standing_in
from keyturn.web.paging import Slice, start_in
from keyturn.web.pictures.closing import draw_closing
from keyturn.web.planned import follow_watch
from keyturn.web.rendering import HEADERS
from keyturn.web.rollouts_told import LEFT_OPEN, STANDINGS, STATES, parts_of, word_of
from keyturn.web.routing import page
from keyturn.web.visiting import Visit

LIST: Final = "/emergencies"
ONE: Final = f"{LIST}/{{emergency_id}}"
EACH: Final = 50
NAMED: Final = 5
"""As many are named above all others: those that are not closed, and those who had no time."""
FORMS: Final = {"json": "application/json", "md": "text/markdown; charset=utf-8"}


@dataclass(frozen=True)
class Open:
    """An app that is not closed, and why; ``href`` is its rotation's page."""

    of: Member
    href: str

    @property
    def paused(self) -> bool:
        """Return whether its turn has only to be resumed."""
        return is_paused(self.of)

    @property
    def told(self) -> str:
        """Return why, without what is said above it already."""
        return without_advice(self.of).told.replace("NOT CLOSED. ", "") or "It was not begun."


@dataclass(frozen=True)
class Row:
    """An app in the list, with Okta's own words; ``href`` is its rotation's page."""

    of: Member
    proof: Proof
    word: tuple[str, str]
    href: str

    @property
    def told(self) -> str:
        """Return what is told of it; what to do then, the page offers itself."""
        return without_advice(self.of).told


async def list_all(visit: Visit) -> Response:
    """List the emergencies, the newest first."""
    found, start = await list_emergencies(visit.world, visit.caller), start_in(visit)
    return visit.render(
        "emergencies/list.html",
        emergencies=[
            (each, sum(each.counts.values()), state_of(each))
            for each in found[start : start + EACH]
        ],
        slice=Slice(start, EACH, len(found), LIST, {}),
        edits=visit.may(Verb.EDIT_ROLLOUTS),
    )


async def show(visit: Visit) -> Response:
    """Show how an emergency stands: what is not closed comes first."""
    sight = await (await _watch(visit)).look(visit.caller)
    name = sight.of.rollout.name
    return visit.render(
        "emergencies/show.html",
        _shown(visit, sight),
        query=f"?{visit.request.url.query}" if visit.request.url.query else "",
        command=shlex.join(["keyturn", "emergency", "show", name, "--follow"]),
    )


async def follow(visit: Visit) -> Response:
    """Follow how an emergency goes on."""
    watch = await _watch(visit)
    return follow_watch(
        visit, watch, lambda sight: visit.text("emergencies/_live.html", _shown(visit, sight))
    )


async def download(visit: Visit) -> Response:
    """Give the record of an emergency as a file to keep; no value is in it."""
    form = visit.given("form")
    if form not in FORMS:
        raise NotFound("A record is a file in JSON or in Markdown.")
    report = await report_emergency(visit.world, visit.caller, visit.given("emergency_id"))
    told = emergency_files.document(report, visit.world.clock.now())
    text = told.model_dump_json(indent=2) if form == "json" else emergency_files.markdown(told)
    name = f"emergency-{report.told.rollout.name}.{form}"
    headers = {
        **HEADERS,
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    return Response(text, 200, headers, FORMS[form])


def state_of(seen: EmergencyView) -> tuple[str, str]:
    """Return how an emergency stands, in words and a tone."""
    if seen.rollout.state in ENDED:
        word, tone = STATES[seen.rollout.state]
        return (f"{word}, {seen.open:,} not closed", "bad") if seen.open else (word, tone)
    if seen.counts.get(Standing.FAILED):
        return "NOT CLOSED", "bad"
    if seen.going:
        return "Closing", "busy"
    if seen.left:
        return f"Tidying up, {seen.left:,} not closed", "bad"
    if seen.counts.get(Standing.INACTIVE):
        return "Waits for deactivated apps", "warn"
    return "Closed, tidying up", "good"


async def _watch(visit: Visit) -> Watch[EmergencySight]:
    part = Part(standing_in(visit), start_in(visit), EACH)
    return await watch_emergency(visit.world, visit.caller, visit.given("emergency_id"), part)


def _shown(visit: Visit, sight: EmergencySight) -> dict[str, object]:
    seen, one, standing = sight.of, sight.of.rollout, standing_in(visit)
    href, now = f"{LIST}/{one.id}", visit.world.clock.now()
    stuck = [each for each in sight.members if is_stuck(each)]
    left = [each for each in sight.members if _is_given_up(each, one.state)]
    late = [each for each in sight.members if each.told.startswith(LATE)]
    closed_at = [each.closed_at for each in sight.members if each.closed_at]
    done = all_closed(sight.members) or one.state in ENDED
    until = max(closed_at, default=now) if done else now
    return {
        "one": one,
        "seen": seen,
        "href": href,
        "state": state_of(seen),
        "whole": len(sight.members),
        "closed": len(closed_at),
        "stuck": [Open(each, _href(visit, each)) for each in stuck[:NAMED]],
        "not_closed": len(stuck),
        "paused": sum(map(is_paused, stuck)),
        "left": [Open(each, _href(visit, each)) for each in left[:NAMED]],
        "lefts": len(left),
        "inactive": seen.counts.get(Standing.INACTIVE, 0),
        "late": [(each, each.told.removeprefix(LATE).strip()) for each in islice(late, NAMED)],
        "lates": len(late),
        "picture": draw_closing(
            "closing",
            parts_of(seen.counts, Kind.EMERGENCY),
            closed_at,
            begun_at=one.created_at,
            until=max(until, one.created_at),
        ),
        "rows": [_row(visit, each, one.state) for each in sight.proofs],
        "slice": Slice(start_in(visit), EACH, sight.total, href, {"standing": standing or ""}),
        "standing": standing,
        "tabs": _tabs(seen, href),
        "ended": one.state in ENDED,
        "edits": visit.may(Verb.EDIT_ROLLOUTS),
    }


def _tabs(seen: EmergencyView, href: str) -> Sequence[tuple[str, str]]:
    counted = [(each, seen.counts.get(each, 0)) for each in STANDINGS]
    told = [
        (f"{_capital(word_of(each, Kind.EMERGENCY)[0])} {count:,}", f"{href}?standing={each}#apps")
        for each, count in counted
        if count
    ]
    return [("All", href), *told]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _is_given_up(one: Member, state: State) -> bool:
    """Say whether an app is not closed, and the emergency, of this state, does nothing about it."""
    return is_left_open(one) or (state in ENDED and one.standing is Standing.WAITING)


def _row(visit: Visit, proof: Proof, state: State) -> Row:
    one = proof.member
    word = word_of(one.standing, Kind.EMERGENCY)
    if _is_given_up(one, state):
        word = LEFT_OPEN
    elif one.standing is Standing.SKIPPED:
        word = "closed by another" if not one.closed_at else "closed", "idle"
    return Row(one, proof, word, _href(visit, one))


def _href(visit: Visit, one: Member) -> str:
    """Return the page of an app's rotation, where it is there for whoever looks."""
    sees = visit.may(Verb.READ_ROTATIONS) and one.told != GONE
    return f"/rotations/{one.rotation_id}" if sees else ""


ROUTES: Final = (
    page(LIST, list_all),
    page(ONE, show),
    page(f"{ONE}/live", follow),
    page(f"{ONE}/evidence.{{form}}", download),
)
