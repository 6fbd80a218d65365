"""Shares of the rate limits: `/api/v1/principal-rate-limits`."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from keyturn.sandbox import errors
from keyturn.sandbox.http import Answer, Json, render_json
from keyturn.sandbox.paging import cut_page
from keyturn.sandbox.routing import Call, Route
from keyturn.sandbox.state.org import Org
from keyturn.sandbox.state.principal_limits import (
    DEFAULT_PERCENT,
    PRINCIPAL_TYPES,
    PrincipalLimit,
    PrincipalType,
)
from keyturn.sandbox.state.systemlog import NOBODY, Party

COLLECTION = "/api/v1/principal-rate-limits"
ONE = COLLECTION + "/{principalRateLimitId}"
READ, MANAGE = "okta.principalRateLimits.read", "okta.principalRateLimits.manage"
PERCENT, CONCURRENCY_PERCENT = "defaultPercentage", "defaultConcurrencyPercentage"
MAX_LIMIT = 50
CLAUSE = re.compile(r'\s*(principalType|principalId)\s+eq\s+"([^"]*)"\s*')


def list_limits(org: Org, call: Call) -> Answer:
    """Answer with a page of the entries that `filter` names; there must be one."""
    fits = _parse_filter(call.request.query.get("filter", ""))
    found = [limit for limit in org.principal_limits.list() if fits(limit)]
    page = cut_page(call.request, found, most=MAX_LIMIT)
    rendered = [_render(org, limit) for limit in page.items]
    return render_json(rendered, headers=page.links)


def create_limit(org: Org, call: Call) -> Answer:
    """Set the shares of a principal that has had none set."""
    members = call.json_object()
    kind, principal_id = _parse_principal(members)
    now, who = org.now(), _who(call)
    limit = PrincipalLimit(
        id=org.mint.issue_id("prl"),
        caller=_find_caller(org, kind, principal_id),
        principal_id=principal_id,
        principal_type=kind,
        percent=_parse_percent(members, PERCENT),
        concurrency_percent=_parse_percent(members, CONCURRENCY_PERCENT),
        created_at=now,
        created_by=who,
        updated_at=now,
        updated_by=who,
    )
    org.principal_limits.add(limit)
    _tell(org, limit)
    return render_json(_render(org, limit), 201)


def read_limit(org: Org, call: Call) -> Answer:
    """Answer with one entry."""
    limit = org.principal_limits.read(call.params["principalRateLimitId"])
    return render_json(_render(org, limit))


def replace_limit(org: Org, call: Call) -> Answer:
    """Set the shares anew; whose they are cannot be changed."""
    old = org.principal_limits.read(call.params["principalRateLimitId"])
    members = call.json_object()
    if _parse_principal(members) != (old.principal_type, old.principal_id):
        raise errors.validation_failed("principalId", "principalId: The principal can't be changed")
    new = replace(
        old,
        percent=_parse_percent(members, PERCENT),
        concurrency_percent=_parse_percent(members, CONCURRENCY_PERCENT),
        updated_at=org.now(),
        updated_by=_who(call),
    )
    org.principal_limits.replace(new)
    _tell(org, new)
    return render_json(_render(org, new))


# --- what is asked ------------------------------------------------------------------------------


def _parse_filter(expression: str) -> Callable[[PrincipalLimit], bool]:
    clauses = [CLAUSE.fullmatch(part) for part in expression.split(" and ")]
    wanted = {clause[1]: clause[2] for clause in clauses if clause}
    if len(wanted) != len(clauses):
        raise errors.invalid_filter()
    return lambda limit: all(
        wanted.get(name, value) == value
        for name, value in (
            ("principalType", limit.principal_type),
            ("principalId", limit.principal_id),
        )
    )


def _parse_principal(members: Mapping[str, Json]) -> tuple[PrincipalType, str]:
    kind, principal_id = members.get("principalType"), members.get("principalId")
    if not isinstance(principal_id, str) or not principal_id:
        raise errors.left_blank("principalId")
    found = next((known for known in PRINCIPAL_TYPES if known == kind), None)
    if found is None:
        cause = "principalType: Must be one of: " + ", ".join(PRINCIPAL_TYPES)
        raise errors.validation_failed("principalType", cause)
    return found, principal_id


def _parse_percent(members: Mapping[str, Json], name: str) -> int:
    value = members.get(name, DEFAULT_PERCENT)
    if type(value) is not int or not 1 <= value <= 100:
        raise errors.validation_failed(name, f"{name}: must be a number from 1 to 100")
    return value


def _find_caller(org: Org, kind: PrincipalType, principal_id: str) -> str:
    """Return the name by which the rate windows know a principal; OktaError for an unknown one."""
    if kind == "OAUTH_CLIENT":
        app = org.apps.get(principal_id)
        if app is None or app.status == "DELETED":
            raise errors.not_found(principal_id, "AppInstance")
        return f"client:{app.client_id}"
    tokens = org.api_tokens.values()
    caller = next((token.principal for token in tokens if token.id == principal_id), None)
    if caller is None:
        raise errors.not_found(principal_id, "ApiToken")
    return caller


def _who(call: Call) -> str:
    return call.principal.user_id or call.principal.client_id or ""


# --- what is told -------------------------------------------------------------------------------


def _render(org: Org, limit: PrincipalLimit) -> dict[str, Json]:
    return {
        "id": limit.id,
        "orgId": org.seeded.org_id,
        "principalId": limit.principal_id,
        "principalType": limit.principal_type,
        PERCENT: limit.percent,
        CONCURRENCY_PERCENT: limit.concurrency_percent,
        "lastUpdate": _render_second(limit.updated_at),
        "lastUpdatedBy": limit.updated_by,
        "createdDate": _render_second(limit.created_at),
        "createdBy": limit.created_by,
    }


def _render_second(at: datetime) -> str:
    """Return a moment as recorded here, and nowhere else: no fraction."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _tell(org: Org, limit: PrincipalLimit) -> None:
    org.tell(
        "system.rate_limit.configuration.update",
        NOBODY,
        Party(limit.principal_id, limit.principal_type),
        message="Update rate limit configuration",
        debug={PERCENT: str(limit.percent)},
    )


ROUTES = (
    Route("GET", COLLECTION, list_limits, "management", "api", READ),
    Route("POST", COLLECTION, create_limit, "management", "api", MANAGE),
    Route("GET", ONE, read_limit, "management", "api", READ),
    Route("PUT", ONE, replace_limit, "management", "api", MANAGE),
)
