"""The inventory: every app of the connected orgs, how it is read, and whose each app is."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from keyturn.domain.access import Target, Verb
from keyturn.domain.errors import CallerError, InvalidInput, KeyturnError, NotFound
from keyturn.domain.inventory import Stage
from keyturn.domain.inventory_totals import AgeBand, Narrowing, totals_of
from keyturn.domain.owners import read_rules
from keyturn.domain.selector import NAMES
from keyturn.services import inventory
from keyturn.services.inventory import InventoryState
from keyturn.web.faults import told_of
from keyturn.web.menu import FLEET, PARTLY
from keyturn.web.pages.inventory_rows import (
    KEPT,
    KNOWN,
    LIST,
    Wanted,
    bins_of,
    by_age,
    maker_of,
    named,
    rows_of,
    wanted_of,
)
from keyturn.web.pictures.ages import draw_ages, rows
from keyturn.web.problems import status_of
from keyturn.web.routing import action, page
from keyturn.web.visiting import Visit

EACH: Final = 50
AGES: Final = (("", "Any"), *((band.value, f"{named(band)} days") for band in AgeBand))
STAGES: Final[Mapping[Stage, tuple[str, str]]] = {
    Stage.LISTING: ("Listing the apps", "busy"),
    Stage.CHECKING: ("Checking what is missing", "busy"),
    Stage.READING: ("Reading client secrets", "busy"),
    Stage.FOLLOWING: ("Reading what has changed", "busy"),
    Stage.FRESH: ("Known", "good"),
}


@dataclass(frozen=True)
class Standing:
    """How the inventory of an org stands, in words and a tone."""

    of: InventoryState
    text: str
    tone: str
    takes: bool
    """Whoever looks may have it read, and forgotten."""


async def lead(visit: Visit) -> Response:
    """Lead from the address that the menu's word suggests to the first page that is open."""
    return visit.redirect(next((path for _, path in FLEET.tabs(visit.caller)), LIST))


async def show(visit: Visit) -> Response:
    """Show the apps that are wanted, with totals and ages, and how the inventories stand."""
    wanted = wanted_of(visit)
    found = await inventory.list_inventory(
        visit.world,
        visit.caller,
        wanted.selector,
        narrowing=wanted.narrowing,
        sights=visit.house.compliance.apps,
    )
    near, aged = [] if wanted.problem else found.apps, Narrowing(age=wanted.age)
    fit = sorted((each for each in near if aged.fits(each, found.at)), key=by_age)
    totals = totals_of(near, found.at)
    bins = bins_of(totals.ages, wanted)
    shown = fit[wanted.start : wanted.start + EACH]
    return visit.render(
        "inventory/list.html",
        status=status_of(wanted.problem) if wanted.problem else 200,
        problems=told_of(wanted.problem),
        wanted=wanted,
        totals=totals,
        at=found.at,
        picture=draw_ages("ages", bins, limit="a year"),
        bins=rows(bins),
        rows=rows_of(shown, await maker_of(visit), found.at),
        total=len(fit),
        pages=_pages(wanted, len(fit)),
        names=NAMES,
        choices={"kept": KEPT, "secrets": KNOWN, "age": AGES},
        states=_standings(visit, found.states),
        begun=any(each.inventory for each in found.states),
        connects=visit.caller.may_somewhere(Verb.CREATE_CONNECTIONS),
        takes=_takes(visit, found.states),
    )


async def follow(visit: Visit) -> Response:
    """Follow how the inventories are read."""
    watch = await inventory.watch_inventories(visit.world, visit.caller)

    async def look() -> str:
        states = _standings(visit, await watch.look(visit.caller))
        return visit.text("inventory/_orgs.html", states=states)

    return visit.follow(look)


async def ask_read(visit: Visit) -> Response:
    """Say what reading asks of Okta, and of which org."""
    return await _ask(visit, visit.query.get("connection", ""))


async def read(visit: Visit) -> Response:
    """Have an inventory, or all of them, brought up to date."""
    connection, whole = visit.said("connection"), bool(visit.said("whole"))
    try:
        await inventory.begin_inventory(visit.world, visit.caller, connection, whole=whole)
    except CallerError as error:
        return await _ask(visit, connection, whole=whole, error=error)
    return visit.redirect(LIST, "The workers read it now, as Okta's rate limit lets them.")


async def ask_forget(visit: Visit) -> Response:
    """Say what becomes of an inventory that is forgotten."""
    visit.require("inventories", PARTLY, Verb.TAKE_INVENTORY)
    state = await _find(visit)
    return visit.render("inventory/forget.html", state=state, href=_href(state))


async def forget(visit: Visit) -> Response:
    """Forget an inventory."""
    wanted = visit.given("connection_id")
    await inventory.forget_inventory(visit.world, visit.caller, wanted)
    return visit.redirect(LIST, "It is forgotten. Nothing at Okta has changed.")


async def show_owners(visit: Visit) -> Response:
    """Show by which labels apps are whose."""
    return await _owners(visit)


async def replace_owners(visit: Visit) -> Response:
    """Have apps be whose these lines say, and no others."""
    text = str(visit.form.get("rules", ""))
    try:
        await inventory.replace_owners(visit.world, visit.caller, read_rules(text))
    except InvalidInput as error:
        return await _owners(visit, text, error)
    return visit.redirect(f"{LIST}/owners", "Saved: it counts from now on.")


def _standings(visit: Visit, states: Sequence[InventoryState]) -> Sequence[Standing]:
    return [_standing(visit, each) for each in states]


def _standing(visit: Visit, state: InventoryState) -> Standing:
    kept = state.inventory
    if kept is None and state.through:
        text, tone = f"Read by {state.through.name}", "idle"
    elif kept is None:
        text, tone = "Never read", "idle"
    elif kept.failure:
        text, tone = "May be out of date", "bad"
    else:
        text, tone = STAGES[kept.stage]
    takes = visit.may(Verb.TAKE_INVENTORY, Target(connection_id=state.connection.id))
    return Standing(state, text, tone, takes)


def _takes(visit: Visit, states: Sequence[InventoryState]) -> bool:
    return any(each.takes for each in _standings(visit, states))


def _pages(wanted: Wanted, total: int) -> tuple[str, str]:
    """Lead back and on, where there is anything."""
    before, after = max(0, wanted.start - EACH), wanted.start + EACH
    back = wanted.href(start=str(before) if before else "") if wanted.start else ""
    return back, wanted.href(start=str(after)) if after < total else ""


async def _ask(
    visit: Visit, connection: str, *, whole: bool = False, error: KeyturnError | None = None
) -> Response:
    visit.require("inventories", PARTLY, Verb.TAKE_INVENTORY)
    states = _standings(visit, await inventory.list_inventories(visit.world, visit.caller))
    mine = [each.of for each in states if each.takes]
    readable = [each for each in mine if not each.through or each.inventory]
    return visit.render(
        "inventory/read.html",
        status=status_of(error) if error else 200,
        problems=told_of(error),
        connections=[("", "Every org"), *((s.connection.id, s.connection.name) for s in readable)],
        connection=connection,
        whole=whole,
        first=not any(each.inventory for each in readable),
    )


async def _find(visit: Visit) -> InventoryState:
    wanted = visit.given("connection_id")
    found = await inventory.list_inventories(visit.world, visit.caller)
    for each in found:
        if each.connection.id == wanted and each.inventory:
            return each
    raise NotFound(f"There is no inventory of {wanted}.")


async def _owners(
    visit: Visit, typed: str | None = None, error: KeyturnError | None = None
) -> Response:
    rules = await inventory.list_owners(visit.world, visit.caller)
    kept = io.StringIO()
    csv.writer(kept, lineterminator="\n").writerows((each.pattern, each.owner) for each in rules)
    return visit.render(
        "inventory/owners.html",
        status=status_of(error) if error else 200,
        problems=told_of(error),
        rules=rules,
        text=kept.getvalue() if typed is None else typed,
        takes=visit.may(Verb.TAKE_INVENTORY, PARTLY),
    )


def _href(state: InventoryState) -> str:
    return f"{LIST}/{state.connection.id}"


ROUTES: Final = (
    page("/fleet", lead),
    page(LIST, show),
    page(f"{LIST}/live", follow),
    page(f"{LIST}/read", ask_read),
    action(f"{LIST}/read", read),
    page(f"{LIST}/owners", show_owners),
    action(f"{LIST}/owners", replace_owners),
    page(f"{LIST}/{{connection_id}}/forget", ask_forget),
    action(f"{LIST}/{{connection_id}}/forget", forget),
)
