"""Rollouts: the list, and one with its waves and its members, live."""

import shlex
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from keyturn.domain.access import Verb
from keyturn.domain.carrying import GONE
from keyturn.domain.rollout import ENDED, Member, Rollout, Standing, State
from keyturn.domain.turn import Phase
from keyturn.services.rollout_watching import Part, RolloutSight, Watch, watch_rollout
from keyturn.services.rollouts import list_rollouts
from keyturn.web.paging import Slice, start_in
from keyturn.web.pictures.shares import draw_shares
from keyturn.web.planned import follow_watch
from keyturn.web.rollouts_told import rows_of, state_of, sum_of, word_of
from keyturn.web.routing import page
from keyturn.web.visiting import Visit

LIST: Final = "/rollouts"
ONE: Final = f"{LIST}/{{rollout_id}}"
EACH: Final = 50
NAMED: Final = 10
"""As many of those that failed are named above all others."""


@dataclass(frozen=True)
class Row:
    """A member in the list; ``href`` is its rotation's page, for who may see it.

    ``orders`` is the same for who may give its orders too.
    """

    of: Member
    word: tuple[str, str]
    phase: Phase | None
    href: str
    orders: str


async def list_all(visit: Visit) -> Response:
    """List the rollouts, the newest first."""
    found, start = await list_rollouts(visit.world, visit.caller), start_in(visit)
    return visit.render(
        "rollouts/list.html",
        rollouts=[(each, state_of(each)) for each in found[start : start + EACH]],
        slice=Slice(start, EACH, len(found), LIST, {}),
        edits=visit.may(Verb.EDIT_ROLLOUTS),
    )


async def show(visit: Visit) -> Response:
    """Show how a rollout stands."""
    sight = await (await _watch(visit)).look(visit.caller)
    one = sight.of.rollout
    return visit.render(
        "rollouts/show.html",
        _shown(visit, sight),
        query=f"?{visit.request.url.query}" if visit.request.url.query else "",
        command=shlex.join(["keyturn", "rollout", "show", one.name, "--follow"]),
    )


async def follow(visit: Visit) -> Response:
    """Follow how a rollout goes on."""
    watch = await _watch(visit)
    return follow_watch(
        visit, watch, lambda sight: visit.text("rollouts/_live.html", _shown(visit, sight))
    )


def standing_in(visit: Visit) -> Standing | None:
    """Return how those stand that are asked for; None for all of them."""
    wanted = visit.query.get("standing")
    return next((each for each in Standing if each == wanted), None)


def row_of(visit: Visit, one: Member, phase: Phase | None = None, *, over: bool = False) -> Row:
    """Return a member as whoever looks sees it; a rotation that is gone has no page."""
    sees = visit.may(Verb.READ_ROTATIONS) and GONE not in one.told
    href = f"/rotations/{one.rotation_id}" if sees else ""
    orders = href if visit.may(Verb.ROTATE) else ""
    return Row(one, word_of(one.standing, over=over), phase, href, orders)


async def _watch(visit: Visit) -> Watch[RolloutSight]:
    part = Part(standing_in(visit), start_in(visit), EACH)
    return await watch_rollout(visit.world, visit.caller, visit.given("rollout_id"), part)


def _shown(visit: Visit, sight: RolloutSight) -> dict[str, object]:
    seen, one, standing = sight.of, sight.of.rollout, standing_in(visit)
    sums, href = sum_of(seen), f"{LIST}/{one.id}"
    wanted, over = {"standing": standing.value if standing else ""}, one.state in ENDED
    return {
        "one": one,
        "href": href,
        "state": state_of(one),
        "whole": sum(sums.values()),
        "turned": sums[Standing.DONE],
        "left_out": sums[Standing.SKIPPED],
        "turning": sums[Standing.TURNING] + sums[Standing.CLOSED],
        "waiting": sums[Standing.WAITING],
        "waits": word_of(Standing.WAITING, over=over)[0].capitalize(),
        "picture": draw_shares("waves", rows_of(seen), title="Waves"),
        "failed": [row_of(visit, each) for each in sight.failed[:NAMED]],
        "failures": len(sight.failed),
        "approvals": seen.approvals,
        "approved": any(
            each.wave == one.wave and each.expires_at > visit.world.clock.now()
            for each in seen.approvals
        ),
        "rows": [row_of(visit, each, phase, over=over) for each, phase in sight.page.members],
        "slice": Slice(start_in(visit), EACH, sight.page.total, href, wanted),
        "standing": standing,
        "tabs": [
            ("All", href),
            *(
                (f"{told.capitalize()} {count:,}", f"{href}?standing={each}#members")
                for each, count in sums.items()
                if count and (told := word_of(each, over=over)[0])
            ),
        ],
        "orders": orders_of(visit, one),
        "barred": barred_of(visit, one),
    }


def orders_of(visit: Visit, one: Rollout) -> frozenset[str]:
    """Return which orders whoever looks may give to a rollout as it stands."""
    edits, found = visit.may(Verb.EDIT_ROLLOUTS), set[str]()
    if edits and one.state not in ENDED:
        found.add("abort")
    if edits and one.state is State.HALTED:
        found.add("continue")
    approves = visit.may(Verb.APPROVE_ROLLOUTS) and not barred_of(visit, one)
    if one.approvals and one.state is State.AWAITING and approves:
        found.add("approve")
    return frozenset(found)


def barred_of(visit: Visit, one: Rollout) -> str:
    """Say why whoever looks may not approve a wave, though a role of theirs would let them."""
    if not visit.may(Verb.APPROVE_ROLLOUTS):
        return ""
    if one.created_by == visit.caller.id:
        return "You have started it, so that somebody else approves its waves."
    if not visit.caller.in_person:
        return (
            "You have logged in by an access token. A person approves, logged in by a password "
            "or with Okta."
        )
    return ""


ROUTES: Final = (page(LIST, list_all), page(ONE, show), page(f"{ONE}/live", follow))
