"""A new emergency: which apps are closed and why, the plan of that, and its beginning.

The plan is made anew whenever its page is, and bound by its hash: what was seen is what begins.
"""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from keyturn.domain.access import Verb
from keyturn.domain.errors import (
    FieldProblem,
    InvalidInput,
    KeyturnError,
    Refused,
)
from keyturn.domain.selector import NAMES
from keyturn.services.emergencies import begin_emergency
from keyturn.services.emergency_plans import (
    BY_HAND,
    EmergencyDraft,
    EmergencyPlan,
    PlannedClosing,
    plan_emergency,
)
from keyturn.web.faults import told_of
from keyturn.web.menu import ABOVE
from keyturn.web.pages.emergencies import LIST
from keyturn.web.paging import start_of
from keyturn.web.planned import answer_planned
from keyturn.web.problems import status_of
from keyturn.web.routing import action, page
from keyturn.web.visiting import Visit

NEW: Final = f"{LIST}/new"
SHOWN: Final = 100
"""As many apps of a plan are on one page."""
NAMED: Final = 50
"""As many of those that are not closed by it are named."""
WHICH: Final = (
    ("apps", "These apps", ""),
    ("selector", "Those that a selector picks", ""),
    ("all", "All that a rotation keeps", "A public log of everything, a lost database."),
)
FIELDS: Final = {"withinSeconds": "within"}
WHERE: Final = {"apps": "apps", "all": "which"}
"""At which field it is told that no app is meant."""
APPS_MAX: Final = 10_000
TIME: Final = re.compile(r"(\d{1,5})\s*([smh]?)")
SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True)
class Typed:
    """What a form says of an emergency."""

    reason: str = ""
    which: str = "apps"
    apps: str = ""
    selector: str = ""
    leaked: str = ""
    within: str = "0"
    revoke: bool = False

    @property
    def draft(self) -> EmergencyDraft:
        """Return it as the service takes it. Raises InvalidInput."""
        return EmergencyDraft(
            reason=self.reason,
            selector=self.selector if self.which == "selector" else "",
            apps=_ids("apps", self.apps, least=1) if self.which == "apps" else (),
            every=self.which == "all",
            leaked=_ids("leaked", self.leaked),
            within_s=_seconds(self.within),
            revoke=self.revoke,
        )

    @property
    def command(self) -> str:
        """Return the command that does the same."""
        words = ["keyturn", "emergency", "begin"]
        if self.which == "apps":
            words += [word for each in self.apps.split() for word in ("--app", each)]
        elif self.which == "selector":
            words += ["--selector", self.selector]
        else:
            words.append("--all")
        words += ["--reason", self.reason or "WHY"]
        words += [word for each in self.leaked.split() for word in ("--leaked", each)]
        words += ["--within", self.within] if self.within not in ("", "0") else []
        return shlex.join([*words, *(["--revoke-tokens"] if self.revoke else [])])


async def show(visit: Visit) -> Response:
    """Ask which apps are closed, and why; an address may say it already."""
    query = visit.query
    apps, leaked = query.getlist("app"), query.getlist("leaked")
    typed = Typed(
        reason=query.get("reason", "").strip(),
        which="selector" if "selector" in query and not apps else "apps",
        apps="\n".join(apps),
        selector=query.get("selector", "").strip(),
        leaked="\n".join(leaked),
    )
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
    count = visit.said("count")
    if visit.said("confirm").replace(",", "") != count:
        rule = f"To begin, type {count}, the number of apps"
        return await _plan(visit, typed, InvalidInput(FieldProblem(("confirm",), rule)))
    try:
        seen = await begin_emergency(
            visit.world, visit.caller, typed.draft, visit.said("plan_hash")
        )
    except Refused as error:
        return await _plan(visit, typed, error)
    return visit.redirect(f"{LIST}/{seen.rollout.id}", "The emergency has begun.")


async def _plan(visit: Visit, typed: Typed, error: KeyturnError | None = None) -> Response:
    sights = visit.house.compliance.apps
    plan = await plan_emergency(visit.world, visit.caller, typed.draft, sights)
    start = min(start_of(visit.said("start")), (len(plan.members) - 1) // SHOWN * SHOWN)
    return visit.render(
        "emergencies/plan.html",
        status=status_of(error) if error else 200,
        problems=told_of(error),
        typed=typed,
        plan=plan,
        hurt=sum(bool(each.without_time) for each in plan.members),
        confirm=visit.said("confirm"),
        stopped=[(each, _href(visit, each)) for each in plan.members if each.obstacles],
        unmanaged=plan.unmanaged[:NAMED],
        by_hand=BY_HAND,
        start=start,
        each=SHOWN,
        members=plan.members[start : start + SHOWN],
        rates=_rates(plan),
        command=typed.command,
    )


def _href(visit: Visit, one: PlannedClosing) -> str:
    """Return the page of an app's rotation, for who may see it."""
    return f"/rotations/{one.candidate.rotation_id}" if visit.may(Verb.READ_ROTATIONS) else ""


def _rates(plan: EmergencyPlan) -> Sequence[str]:
    return [f"{count} apps a minute at {org}" for org, count in plan.per_minute.items()]


def _form(visit: Visit, typed: Typed, error: KeyturnError | None = None) -> Response:
    visit.require("emergencies", ABOVE, Verb.EDIT_ROLLOUTS)
    return visit.render(
        "emergencies/new.html",
        status=status_of(error) if error else 200,
        problems=told_of(error, {**FIELDS, "selector": WHERE.get(typed.which, "selector")}),
        typed=typed,
        which=WHICH,
        names=NAMES,
        command=f"{typed.command} --plan",
    )


def _typed(visit: Visit) -> Typed:
    names = ("reason", "which", "apps", "selector", "leaked", "within")
    return Typed(**{name: visit.said(name) for name in names}, revoke=bool(visit.said("revoke")))


def _ids(name: str, text: str, *, least: int = 0) -> Sequence[str]:
    found = list(dict.fromkeys(text.replace(",", " ").split()))
    if not least <= len(found) <= APPS_MAX:
        rule = f"must be {least} to {APPS_MAX} ids of apps"
        raise InvalidInput(FieldProblem((name,), rule))
    return found


def _seconds(text: str) -> int:
    """Read a length of time such as 90, 90s, 5m or 1h. Raises InvalidInput."""
    found = TIME.fullmatch(text or "0")
    if found is None:
        raise InvalidInput(FieldProblem(("within",), "must be seconds, or like 90s, 5m, 1h"))
    return int(found[1]) * SECONDS[found[2]]


ROUTES: Final = (page(NEW, show), action(NEW, answer))
