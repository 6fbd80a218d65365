"""A new rollout: what it is to do, the plan of that, and its beginning.

The plan is made anew whenever its page is, and bound by its hash: what was seen is what begins.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from keyturn.domain.access import Verb
from keyturn.domain.carrying import GO_ON_AT
from keyturn.domain.errors import KeyturnError, Refused, Taken
from keyturn.domain.selector import NAMES
from keyturn.domain.turn import Phase
from keyturn.domain.waves import Estimate, Placed
from keyturn.services.rollout_plans import RolloutDraft, RolloutPlan, plan_rollout
from keyturn.services.rollouts import start_rollout
from keyturn.web.faults import told_of
from keyturn.web.menu import ABOVE
from keyturn.web.pages.rollouts import LIST
from keyturn.web.paging import start_of
from keyturn.web.planned import answer_planned
from keyturn.web.problems import status_of
from keyturn.web.routing import action, page
from keyturn.web.visiting import Visit

NEW: Final = f"{LIST}/new"
SHOWN: Final = 100
"""As many members of a plan are on one page."""
FIELDS: Final = {"goOnAt": "go_on_at"}
CUTS: Final = "preview\n10%\nrest"
GO_ON: Final = (
    (Phase.FINISHED, "Finished", "The old client secret is deleted. The surest, and the slowest."),
    (Phase.SOAKING, "Refused by Okta", "The old one is deactivated, and could be reinstated."),
    (Phase.OVERLAPPING, "Served", "The new one is served; both work."),
)


@dataclass(frozen=True)
class Typed:
    """What a form says of a rollout."""

    name: str = ""
    reason: str = ""
    selector: str = ""
    waves: str = CUTS
    approvals: bool = False
    go_on_at: str = Phase.FINISHED.value

    @property
    def draft(self) -> RolloutDraft:
        """Return it as the service takes it."""
        return RolloutDraft(
            name=self.name,
            reason=self.reason,
            selector=self.selector,
            waves=self.cuts,
            approvals=self.approvals,
            go_on_at=next((each for each in GO_ON_AT if each == self.go_on_at), Phase.FINISHED),
        )

    @property
    def cuts(self) -> Sequence[str]:
        """Return how the waves are cut, line by line."""
        return [line.strip() for line in self.waves.splitlines() if line.strip()]

    def command(self, order: str) -> str:
        """Return the command that does the same."""
        words = ["keyturn", "rollout", order, self.name or "NAME"]
        words += [word for cut in self.cuts for word in ("--wave", cut)]
        told = {"--selector": self.selector, "--reason": self.reason, "--go-on-at": self.go_on_at}
        words += [word for name, value in told.items() if value for word in (name, value)]
        return shlex.join([*words, *(["--approvals"] if self.approvals else [])])


async def show(visit: Visit) -> Response:
    """Ask what a new rollout is to do."""
    query = visit.query
    typed = Typed(name=query.get("name", "").strip(), selector=query.get("selector", "").strip())
    return _form(visit, typed)


async def answer(visit: Visit) -> Response:
    """Show the plan of what was typed, let it be changed, or begin what was shown."""
    typed = _typed(visit)
    return await answer_planned(
        visit,
        lambda error: _form(visit, typed, error),
        lambda: _plan(visit, typed),
        lambda: _begin(visit, typed),
    )


async def _begin(visit: Visit, typed: Typed) -> Response:
    try:
        seen = await start_rollout(visit.world, visit.caller, typed.draft, visit.said("plan_hash"))
    except Taken:
        raise
    except Refused as error:
        return await _plan(visit, typed, error)
    return visit.redirect(f"{LIST}/{seen.rollout.id}", "The rollout has begun.")


async def _plan(visit: Visit, typed: Typed, error: KeyturnError | None = None) -> Response:
    sights = visit.house.compliance.apps
    plan = await plan_rollout(visit.world, visit.caller, typed.draft, sights)
    start = min(start_of(visit.said("start")), (len(plan.members) - 1) // SHOWN * SHOWN)
    return visit.render(
        "rollouts/plan.html",
        status=status_of(error) if error else 200,
        problems=told_of(error),
        typed=typed,
        plan=plan,
        waves=_waves(plan),
        start=start,
        each=SHOWN,
        members=[(each, href_of(each)) for each in plan.members[start : start + SHOWN]],
        warned=[
            (each.candidate.name, href_of(each), href_of(each), warnings)
            for each in plan.members
            if (warnings := plan.warnings.get(each.candidate.rotation_id))
        ],
        go_on=next(text for phase, text, _ in GO_ON if phase is plan.draft.go_on_at),
        command=typed.command("start"),
    )


def href_of(placed: Placed) -> str:
    """Return the page of who is planned to turn: whoever may plan it may see it."""
    return f"/rotations/{placed.candidate.rotation_id}"


def _waves(plan: RolloutPlan) -> Sequence[tuple[int, str, int, Estimate]]:
    counts, none = [each.wave for each in plan.members], Estimate(0, 0, 0)
    return [
        (number, text, counts.count(number), plan.estimates.get(number, none))
        for number, text in enumerate(plan.draft.waves, 1)
    ]


def _form(visit: Visit, typed: Typed, error: KeyturnError | None = None) -> Response:
    visit.require("rollouts", ABOVE, Verb.EDIT_ROLLOUTS)
    return visit.render(
        "rollouts/new.html",
        status=status_of(error) if error else 200,
        problems=told_of(error, FIELDS),
        typed=typed,
        go_on=[(phase.value, text, about) for phase, text, about in GO_ON],
        names=NAMES,
        command=typed.command("plan"),
    )


def _typed(visit: Visit) -> Typed:
    return Typed(
        **{name: visit.said(name) for name in ("name", "reason", "selector", "waves", "go_on_at")},
        approvals=bool(visit.said("approvals")),
    )


ROUTES: Final = (page(NEW, show), action(NEW, answer))
