"""The turns that a rotation has had: the list, the record of each, and the same as a file."""

from typing import Final

from starlette.responses import Response

from keyturn.domain.errors import NotFound
from keyturn.domain.turn import Phase, Turn
from keyturn.services.evidence_files import document, markdown
from keyturn.services.reports import list_turns, report_turn
from keyturn.web.one_rotation import PATH, find_one
from keyturn.web.phases import phases_of
from keyturn.web.rendering import HEADERS
from keyturn.web.routing import page
from keyturn.web.visiting import Visit

EACH: Final = 20
STARTED: Final = {
    "first": "its creation",
    "manual": "somebody",
    "scheduled": "the schedule",
    "consent": "an owner's consent",
    "drift": "a repair",
}
OPENED: Final = {
    "time": "by time",
    "evidence": "by evidence",
    "backstop": "by the backstop",
    "word": "by somebody's word",
}
TYPES: Final = {"json": "application/json", "md": "text/markdown; charset=utf-8"}


async def show_all(visit: Visit) -> Response:
    """List the turns of a rotation, the newest first."""
    one, start = await find_one(visit), _start(visit)
    found = await list_turns(
        visit.world, visit.caller, one.rotation.id, offset=start, limit=EACH + 1
    )
    return visit.render(
        "rotations/turns.html",
        one=one,
        turns=[each.turn for each in found[:EACH]],
        standing=standing_of,
        started=STARTED,
        opened=OPENED,
        newer=f"{one.href}/turns?start={max(0, start - EACH)}" if start else "",
        older=f"{one.href}/turns?start={start + EACH}" if len(found) > EACH else "",
    )


async def show(visit: Visit) -> Response:
    """Show the record of one turn."""
    report = await report_turn(
        visit.world, visit.caller, visit.given("rotation_id"), visit.given("turn_id")
    )
    one = await find_one(visit)
    turn = report.told.turn
    return visit.render(
        "rotations/turn_record.html",
        one=one,
        turn=turn,
        steps=report.told.steps,
        phases=phases_of(report.told),
        file=document(report, visit.world.clock.now()),
        standing=standing_of(turn),
        started=STARTED[turn.trigger],
        opened=OPENED[turn.opened] if turn.opened else "",
        lasted_s=((turn.ended_at or visit.world.clock.now()) - turn.created_at).total_seconds(),
    )


async def download(visit: Visit) -> Response:
    """Give the record of one turn as a file to keep: hashes and ids, never a value."""
    form = visit.given("form")
    if form not in TYPES:
        raise NotFound("A record is a file in JSON or in Markdown.")
    report = await report_turn(
        visit.world, visit.caller, visit.given("rotation_id"), visit.given("turn_id")
    )
    told = document(report, visit.world.clock.now())
    text = (
        told.model_dump_json(indent=2) if form == "json" else markdown(told, report.rotation.kind)
    )
    name = f"turn-{report.rotation.name}-{report.told.turn.created_at:%Y%m%dT%H%M%SZ}.{form}"
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, 200, headers, media_type=TYPES[form])


def standing_of(turn: Turn) -> tuple[str, str]:
    """Return how a turn stands, as a word and its tone."""
    if turn.paused_at:
        return f"paused, {turn.phase}", "warn"
    if turn.phase is Phase.FINISHED:
        return "finished", "good"
    if turn.phase is Phase.BLOCKED:
        return "blocked", "bad"
    return (turn.phase.replace("_", " "), "idle" if not turn.open else "busy")


def _start(visit: Visit) -> int:
    told = visit.query.get("start", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 7 else 0


ROUTES: Final = (
    page(f"{PATH}/turns", show_all),
    page(f"{PATH}/turns/{{turn_id}}", show),
    page(f"{PATH}/turns/{{turn_id}}/evidence.{{form}}", download),
)
