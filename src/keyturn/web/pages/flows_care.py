"""A flow switched on and off, opened by a client token, looked back at, and removed."""

from collections.abc import Sequence
from typing import Final

from starlette.responses import Response

from keyturn.domain.access import Verb
from keyturn.domain.errors import CallerError
from keyturn.domain.flows.diffing import Change, diff_flows
from keyturn.domain.flows.reading import FlowRefused
from keyturn.services import flows
from keyturn.services.flows import FlowView
from keyturn.web.flow_texts import lines_of, look_at
from keyturn.web.one_flow import LIST, ONE, OneFlow, find_flow
from keyturn.web.problems import status_of
from keyturn.web.routing import action, page
from keyturn.web.visiting import Visit

CHANGES_MAX: Final = 100
UNTYPED: Final = "This is not the flow's name."


async def enable(visit: Visit) -> Response:
    """Switch a flow on."""
    return await _switched(visit, enabled=True)


async def disable(visit: Visit) -> Response:
    """Switch a flow off; what runs goes on."""
    return await _switched(visit, enabled=False)


async def _switched(visit: Visit, *, enabled: bool) -> Response:
    flow_id = visit.given("flow_id")
    seen = await flows.switch_flow(visit.world, visit.caller, flow_id, enabled=enabled)
    told = "is switched on." if enabled else "is switched off. What runs goes on."
    return visit.redirect(f"{LIST}/{flow_id}", f"{seen.saved.name} {told}")


# --- its client token -----------------------------------------------------------------------------


async def show_token(visit: Visit) -> Response:
    """Say what a new client token does to the one before, and ask."""
    one = await find_flow(visit)
    one.require(Verb.EDIT_FLOWS)
    return visit.render("flows/token.html", one=one)


async def make_token(visit: Visit) -> Response:
    """Make a client token and show it this once; the page is neither kept nor compressed."""
    one = await find_flow(visit)
    _, token = await flows.make_client_token(visit.world, visit.caller, one.id)
    return visit.show_once("flows/token_made.html", one=one, token=token.reveal())


# --- its versions ---------------------------------------------------------------------------------


async def show_versions(visit: Visit) -> Response:
    """List the versions of a flow, the newest first."""
    one = await find_flow(visit)
    found = await flows.list_flow_versions(visit.world, visit.caller, one.id)
    return visit.render("flows/versions.html", one=one, versions=[*reversed(found)])


async def show_version(visit: Visit) -> Response:
    """Show one version: its text, its picture, and what the newest does otherwise."""
    told = visit.given("number")
    number = int(told) if told.isascii() and told.isdigit() and len(told) < 10 else 0
    newest, one = await find_flow(visit), await find_flow(visit, number)
    source = one.view.version.source
    return visit.render(
        "flows/version.html",
        one=one,
        number=number,
        newest=one.view.saved.number,
        source=source,
        lines=lines_of(source),
        looked=await look_at(visit, one.where, source),
        changes=_changes(one.view, newest.view),
    )


def _changes(before: FlowView, after: FlowView) -> Sequence[Change] | None:
    """Return what the newer one does otherwise; None where one of them cannot be read."""
    try:
        found = diff_flows(flows.parse(before.version.source), flows.parse(after.version.source))
    except FlowRefused:
        return None
    return found[:CHANGES_MAX]


# --- removed --------------------------------------------------------------------------------------


async def show_delete(visit: Visit) -> Response:
    """Say what goes with a flow, and ask for its name."""
    return _asked(await find_flow(visit))


async def delete(visit: Visit) -> Response:
    """Remove a flow, once its name is typed."""
    one = await find_flow(visit)
    if visit.said("confirm") != one.name:
        return _asked(one, UNTYPED, 422)
    try:
        await flows.delete_flow(visit.world, visit.caller, one.id)
    except CallerError as error:
        return _asked(one, error.message, status_of(error))
    return visit.redirect(LIST, f"{one.name} is removed.")


def _asked(one: OneFlow, error: str = "", status: int = 200) -> Response:
    one.require(Verb.EDIT_FLOWS)
    return one.visit.render("flows/delete.html", status=status, one=one, error=error)


ROUTES: Final = (
    action(f"{ONE}/enable", enable),
    action(f"{ONE}/disable", disable),
    page(f"{ONE}/token", show_token),
    action(f"{ONE}/token", make_token),
    page(f"{ONE}/versions", show_versions),
    page(f"{ONE}/versions/{{number}}", show_version),
    page(f"{ONE}/delete", show_delete),
    action(f"{ONE}/delete", delete),
)
