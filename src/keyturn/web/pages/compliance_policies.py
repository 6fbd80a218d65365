"""Compliance policies and exceptions from them: made, changed and removed."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from starlette.responses import Response

from keyturn.domain.access import Verb
from keyturn.domain.compliance import CompliancePolicy, FindingKind
from keyturn.domain.errors import CallerError, FieldProblem, InvalidInput, KeyturnError, NotFound
from keyturn.services import compliance_policies
from keyturn.services.compliance_policies import ExceptionDraft, ExceptionView, PolicyFields
from keyturn.web.compliance_told import KINDS
from keyturn.web.faults import told_of
from keyturn.web.menu import ABOVE
from keyturn.web.pages.compliance import LIST
from keyturn.web.problems import status_of
from keyturn.web.routing import action, page
from keyturn.web.visiting import Visit

POLICIES: Final = f"{LIST}/policies"
EXCEPTIONS: Final = f"{LIST}/exceptions"
EXCEPTED: Final = f"{LIST}#exceptions"
DAYS: Final[Mapping[str, str]] = {
    "maxAgeDays": "max_age",
    "maxOverlapDays": "max_overlap",
    "unusedDays": "unused",
    "expiresAt": "until",
}
"""What forms call the fields that the rules call otherwise."""


@dataclass(frozen=True)
class Typed:
    """What a form says of a policy."""

    name: str = ""
    selector: str = ""
    description: str = ""
    max_age: str = ""
    max_overlap: str = ""
    unused: str = ""
    managed: bool = False

    @property
    def fields(self) -> PolicyFields:
        """Return it as the service takes it. Raises InvalidInput."""
        return PolicyFields(
            name=self.name,
            selector=self.selector,
            description=self.description or None,
            max_age_days=_days("max_age", self.max_age),
            max_overlap_days=_days("max_overlap", self.max_overlap),
            unused_days=_days("unused", self.unused),
            managed=self.managed,
        )


@dataclass(frozen=True)
class Excuse:
    """What a form says of an exception."""

    selector: str = ""
    policy: str = ""
    kinds: Sequence[str] = ()
    reason: str = ""
    until: str = ""


async def show_new(visit: Visit) -> Response:
    """Ask what a new policy is to say."""
    return await _form(visit, Typed(max_age="90"))


async def create(visit: Visit) -> Response:
    """Make a policy."""
    typed = _typed(visit)
    try:
        made = await compliance_policies.create_policy(visit.world, visit.caller, typed.fields)
    except CallerError as error:
        return await _form(visit, typed, error=error)
    return visit.redirect(LIST, f"Policy {made.name} counts from now on.")


async def show_edit(visit: Visit) -> Response:
    """Ask what is to change of a policy."""
    one = await _policy(visit)
    return await _form(visit, _as_typed(one), one)


async def edit(visit: Visit) -> Response:
    """Change a policy."""
    one, typed = await _policy(visit), _typed(visit)
    try:
        await compliance_policies.edit_policy(visit.world, visit.caller, one.id, typed.fields)
    except NotFound:
        raise
    except CallerError as error:
        return await _form(visit, typed, one, error=error)
    return visit.redirect(LIST, "Saved: it counts from now on.")


async def ask_delete(visit: Visit) -> Response:
    """Ask whether to remove a policy."""
    one = await _policy(visit)
    visit.require(one.name, ABOVE, Verb.EDIT_COMPLIANCE)
    exceptions = await compliance_policies.list_exceptions(visit.world, visit.caller)
    every = await compliance_policies.list_policies(visit.world, visit.caller)
    return visit.render(
        "compliance/delete.html",
        policy=one,
        href=f"{POLICIES}/{one.id}",
        exceptions=sum(each.exception.policy_id == one.id for each in exceptions),
        last=len(every) == 1,
    )


async def delete(visit: Visit) -> Response:
    """Remove a policy."""
    wanted = visit.given("policy_id")
    gone = await compliance_policies.delete_policy(visit.world, visit.caller, wanted)
    return visit.redirect(LIST, f"Policy {gone.name} is removed.")


async def show_except(visit: Visit) -> Response:
    """Ask for an exception: of which apps, until when, and why."""
    query = visit.query
    kind = query.get("kind", "")
    kinds = [kind] if kind in KINDS else []
    excuse = Excuse(query.get("selector", "").strip(), query.get("policy", ""), kinds)
    return await _ask_exception(visit, excuse)


async def add_exception(visit: Visit) -> Response:
    """Let some apps off for a while; whoever does it stands for it."""
    kinds = [each for each in visit.form.getlist("kinds") if each in KINDS]
    said = visit.said
    excuse = Excuse(
        said("selector"), said("policy"), [str(k) for k in kinds], said("reason"), said("until")
    )
    try:
        draft = ExceptionDraft(
            selector=excuse.selector,
            reason=excuse.reason,
            expires_at=_day(excuse.until),
            policy_id=excuse.policy or None,
            kinds=[FindingKind(each) for each in excuse.kinds],
        )
        await compliance_policies.create_exception(visit.world, visit.caller, draft)
    except CallerError as error:
        return await _ask_exception(visit, excuse, error)
    return visit.redirect(EXCEPTED, f"Excused until {excuse.until}. You stand for it by name.")


async def ask_withdraw(visit: Visit) -> Response:
    """Ask whether to withdraw an exception."""
    one = await _exception(visit)
    visit.require("this exception", ABOVE, Verb.EDIT_COMPLIANCE)
    href = f"{EXCEPTIONS}/{one.exception.id}"
    return visit.render("compliance/withdraw.html", view=one, href=href)


async def withdraw(visit: Visit) -> Response:
    """Withdraw an exception."""
    wanted = visit.given("exception_id")
    await compliance_policies.delete_exception(visit.world, visit.caller, wanted)
    return visit.redirect(EXCEPTED, "Withdrawn: what it excused is a breach again.")


async def _policy(visit: Visit) -> CompliancePolicy:
    wanted = visit.given("policy_id")
    for each in await compliance_policies.list_policies(visit.world, visit.caller):
        if each.id == wanted:
            return each
    raise NotFound(f"There is no compliance policy {wanted}.")


async def _exception(visit: Visit) -> ExceptionView:
    wanted = visit.given("exception_id")
    for each in await compliance_policies.list_exceptions(visit.world, visit.caller):
        if each.exception.id == wanted:
            return each
    raise NotFound(f"There is no policy exception {wanted}.")


def _typed(visit: Visit) -> Typed:
    names = ("name", "selector", "description", "max_age", "max_overlap", "unused")
    return Typed(**{name: visit.said(name) for name in names}, managed=bool(visit.said("managed")))


def _as_typed(one: CompliancePolicy) -> Typed:
    return Typed(
        name=one.name,
        selector=one.selector,
        description=one.description or "",
        max_age=str(one.max_age_days or ""),
        max_overlap=str(one.max_overlap_days or ""),
        unused=str(one.unused_days or ""),
        managed=one.managed,
    )


def _days(name: str, text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 7):
        raise InvalidInput(FieldProblem((name,), "must be a whole number of days"))
    return int(text)


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise InvalidInput(FieldProblem(("until",), "must be a day, such as 2026-12-31")) from None


def _problems(error: KeyturnError | None) -> Sequence[tuple[str, str]]:
    return told_of(error, DAYS)


async def _form(
    visit: Visit,
    typed: Typed,
    one: CompliancePolicy | None = None,
    *,
    error: KeyturnError | None = None,
) -> Response:
    visit.require(one.name if one else "compliance policies", ABOVE, Verb.EDIT_COMPLIANCE)
    return visit.render(
        "compliance/form.html",
        status=status_of(error) if error else 200,
        problems=_problems(error),
        typed=typed,
        policy=one,
        href=f"{POLICIES}/{one.id}/edit" if one else f"{POLICIES}/new",
        command=_command(typed, one),
    )


async def _ask_exception(
    visit: Visit, excuse: Excuse, error: KeyturnError | None = None
) -> Response:
    visit.require("exceptions", ABOVE, Verb.EDIT_COMPLIANCE)
    every = await compliance_policies.list_policies(visit.world, visit.caller)
    return visit.render(
        "compliance/exception.html",
        status=status_of(error) if error else 200,
        problems=_problems(error),
        typed=excuse,
        policies=[("", "Every policy"), *((each.id, each.name) for each in every)],
        kinds=KINDS,
        href=f"{EXCEPTIONS}/new",
    )


def _command(typed: Typed, one: CompliancePolicy | None) -> str:
    options = {
        "--selector": typed.selector,
        "--max-age": typed.max_age,
        "--max-overlap": typed.max_overlap,
        "--unused": typed.unused,
    }
    told = [word for name, value in options.items() if value for word in (name, value)]
    words = ["edit", one.name] if one else ["add", typed.name or "NAME"]
    kept = ["--managed"] if typed.managed else []
    return shlex.join(["keyturn", "compliance", "policy", *words, *told, *kept])


ROUTES: Final = (
    page(f"{POLICIES}/new", show_new),
    action(f"{POLICIES}/new", create),
    page(f"{POLICIES}/{{policy_id}}/edit", show_edit),
    action(f"{POLICIES}/{{policy_id}}/edit", edit),
    page(f"{POLICIES}/{{policy_id}}/delete", ask_delete),
    action(f"{POLICIES}/{{policy_id}}/delete", delete),
    page(f"{EXCEPTIONS}/new", show_except),
    action(f"{EXCEPTIONS}/new", add_exception),
    page(f"{EXCEPTIONS}/{{exception_id}}/delete", ask_withdraw),
    action(f"{EXCEPTIONS}/{{exception_id}}/delete", withdraw),
)
