"""Compliance policies and their exceptions: made, changed and removed, with the audit log's word.

While an organization has policies, a report is made of it every day.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypedDict

from keyturn.domain import names
from keyturn.domain.access import Caller, Target, Verb
from keyturn.domain.compliance import (
    CompliancePolicy,
    FindingKind,
    PolicyException,
    require_exception,
    require_policy,
    require_some_left,
)
from keyturn.domain.compliance_reports import ReportSchedule
from keyturn.domain.errors import NotFound, Taken
from keyturn.domain.ids import CompliancePolicyId, PolicyExceptionId
from keyturn.services import gate
from keyturn.services.compliance_sights import list_excusable
from keyturn.services.ports import Reading, World, Writing
from keyturn.services.selectors import read_selector

ALL = Target()
"""What is asked of every project's apps is for those to say who hold a role in all of them."""


class PolicyFields(TypedDict, total=False):
    """What a policy says; what is left out stays as it is, or asks nothing."""

    name: str
    selector: str
    description: str | None
    max_age_days: int | None
    max_overlap_days: int | None
    unused_days: int | None
    managed: bool


@dataclass(frozen=True)
class ExceptionDraft:
    """An exception as somebody asks for it (see `PolicyException`)."""

    selector: str
    reason: str
    expires_at: datetime
    policy_id: str | None = None
    kinds: Sequence[FindingKind] = ()


@dataclass(frozen=True)
class ExceptionView:
    """An exception, and the policy that it is of, or None where it is of all."""

    exception: PolicyException
    policy: CompliancePolicy | None


async def list_policies(world: World, caller: Caller) -> Sequence[CompliancePolicy]:
    """List the policies of the organization, in the order in which they were made.

    Raises Forbidden.
    """
    await gate.require(world, caller, Verb.READ_COMPLIANCE, ALL, subject="compliance policies")
    async with world.store.reading() as tx:
        return await tx.list(CompliancePolicy, organization_id=caller.organization_id)


async def create_policy(world: World, caller: Caller, fields: PolicyFields) -> CompliancePolicy:
    """Make a policy; with the first one, reports begin. Raises Forbidden, InvalidInput, Taken."""
    name = names.slug("name", fields.get("name", ""))
    await _pass(world, caller, f"compliance policy {name} (create)")
    now = world.clock.now()
    blank = CompliancePolicy(
        id=CompliancePolicyId(world.chance.uuid()),
        organization_id=caller.organization_id,
        name=name,
        selector="",
        description=None,
        max_age_days=None,
        max_overlap_days=None,
        unused_days=None,
        managed=False,
        created_at=now,
        updated_at=now,
    )
    policy = _changed(world, blank, fields)
    async with world.store.writing() as tx:
        await _refuse_taken(tx, policy)
        await tx.add(policy)
        if not await tx.find(ReportSchedule, organization_id=policy.organization_id):
            await tx.add(ReportSchedule(policy.organization_id, now))
    return policy


async def edit_policy(
    world: World, caller: Caller, policy_id: str, fields: PolicyFields
) -> CompliancePolicy:
    """Change a policy. Raises NotFound, Forbidden, InvalidInput, Taken."""
    await _pass(world, caller, f"compliance policy {policy_id} (edit)")
    async with world.store.writing() as tx:
        policy = _changed(world, await _read(tx, caller, policy_id), fields)
        await _refuse_taken(tx, policy)
        await tx.replace(policy)
    return policy


async def delete_policy(world: World, caller: Caller, policy_id: str) -> CompliancePolicy:
    """Remove a policy with its exceptions; with the last one, reports end.

    Those that were made stay. Raises NotFound, Forbidden.
    """
    await _pass(world, caller, f"compliance policy {policy_id} (delete)")
    async with world.store.writing() as tx:
        policy = await _read(tx, caller, policy_id)
        await tx.remove(*await tx.list(PolicyException, policy_id=policy.id), policy)
        of_all = {"organization_id": policy.organization_id}
        if not await tx.list(CompliancePolicy, **of_all):
            await tx.remove(*await tx.list(ReportSchedule, **of_all))
    return policy


async def list_exceptions(world: World, caller: Caller) -> Sequence[ExceptionView]:
    """List the exceptions of the organization, also those that have expired. Raises Forbidden."""
    await gate.require(world, caller, Verb.READ_COMPLIANCE, ALL, subject="policy exceptions")
    async with world.store.reading() as tx:
        found = await tx.list(PolicyException, organization_id=caller.organization_id)
        every = await tx.list(CompliancePolicy, organization_id=caller.organization_id)
    return viewed(found, every)


def viewed(
    exceptions: Iterable[PolicyException], policies: Iterable[CompliancePolicy]
) -> Sequence[ExceptionView]:
    """Return exceptions with the policies that they are of."""
    known = {each.id: each for each in policies}
    return [ExceptionView(e, known[e.policy_id] if e.policy_id else None) for e in exceptions]


async def create_exception(world: World, caller: Caller, draft: ExceptionDraft) -> ExceptionView:
    """Let some apps off for a while; the caller stands for it by name.

    Raises NotFound for an unknown policy, Forbidden, InvalidInput.
    """
    about = f"policy exception for {draft.selector} until {draft.expires_at:%Y-%m-%d} (create)"
    await _pass(world, caller, about)
    async with world.store.reading() as tx:
        policy = await _read(tx, caller, draft.policy_id) if draft.policy_id else None
        exception = require_exception(
            PolicyException(
                id=PolicyExceptionId(world.chance.uuid()),
                organization_id=caller.organization_id,
                policy_id=policy.id if policy else None,
                selector=str(read_selector(world, draft.selector)),
                kinds=tuple(dict.fromkeys(kind.value for kind in draft.kinds)),
                reason=draft.reason.strip(),
                approved_by=caller.name,
                created_at=world.clock.now(),
                expires_at=draft.expires_at,
            )
        )
        if not exception.narrow:
            require_some_left(exception, await list_excusable(tx, world, caller.organization_id))
    async with world.store.writing() as tx:
        if policy:
            policy = await _read(tx, caller, policy.id)
        await tx.add(exception)
    return ExceptionView(exception, policy)


async def delete_exception(world: World, caller: Caller, exception_id: str) -> ExceptionView:
    """Withdraw an exception: what it excused is a breach again. Raises NotFound, Forbidden."""
    await _pass(world, caller, f"policy exception {exception_id} (delete)")
    async with world.store.writing() as tx:
        of_all = {"organization_id": caller.organization_id}
        found = await tx.find(PolicyException, id=exception_id, **of_all)
        if found is None:
            raise NotFound(f"There is no policy exception {exception_id}.")
        policy = await tx.find(CompliancePolicy, id=found.policy_id) if found.policy_id else None
        await tx.remove(found)
    return ExceptionView(found, policy)


async def _pass(world: World, caller: Caller, subject: str) -> None:
    await gate.require(world, caller, Verb.EDIT_COMPLIANCE, ALL, subject=subject)


async def _read(tx: Reading, caller: Caller, policy_id: str) -> CompliancePolicy:
    of_all = {"organization_id": caller.organization_id}
    found = await tx.find(CompliancePolicy, id=policy_id, **of_all)
    if found is None:
        raise NotFound(f"There is no compliance policy {policy_id}.")
    return found


async def _refuse_taken(tx: Writing, policy: CompliancePolicy) -> None:
    same = {"organization_id": policy.organization_id, "name": policy.name}
    other = await tx.find(CompliancePolicy, **same)
    if other and other.id != policy.id:
        raise Taken(f"There is a compliance policy {policy.name}: choose another name.")


def _changed(world: World, policy: CompliancePolicy, fields: PolicyFields) -> CompliancePolicy:
    """Return a policy with what was asked for, as it is written. Raises InvalidInput."""
    after = replace(policy, **fields, updated_at=world.clock.now())
    return require_policy(
        replace(
            after,
            name=names.slug("name", after.name),
            selector=str(read_selector(world, after.selector)),
            description=names.description(after.description),
        )
    )
