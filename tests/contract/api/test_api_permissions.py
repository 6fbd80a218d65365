"""Every route of the API under every built-in role, held in the project or in all of them.

A route that is not in the table fails, so that nobody adds one without saying who may use it.
"""

from collections.abc import Mapping
from types import MappingProxyType

import httpx2
import pytest
from api_kit import House
from route_kit import furnished, routes_of

from keyturn.api.app import build_api

pytestmark = pytest.mark.slow

INITIALS = {"A": "admin", "D": "developer", "V": "viewer", "R": "rotator", "U": "auditor"}

PUBLIC = """
    GET /api/flo/{alias}/invoke
    POST /api/flo/{alias}/invoke
    GET /api/flo/{alias}/openapi.json
    GET /api/flo-events/{alias}
    POST /api/flo-events/{alias}
    GET /api/status
    POST /api/v1/auth/jwt-auth/login
    POST /api/v1/auth/login
    POST /api/v1/auth/oidc-auth/login
    POST /api/v1/auth/token/renew
    POST /api/v1/auth/token/revoke
    POST /api/v1/auth/universal-auth/login
    POST /api/v1/leaks/github
    GET /api/v1/oauth/begin
    POST /api/v1/oauth/begin
    GET /api/v1/oauth/callback
    GET /api/v1/oauth/reauthorize
    POST /api/v1/connections/authorize/complete
    GET /healthz
    GET /readyz
"""
"""Log-ins, what a browser brings, endpoints of flows, which have keepers of their own, and whether
the server lives: no token of Keyturn's is asked for."""

TABLE: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("ADVRU", "ADVRU"): """
            GET /api/v1/app-connections/okta
            GET /api/v1/app-connections/okta/available
            GET /api/v1/app-connections/okta/connection-name/{connection_name}
            GET /api/v1/app-connections/okta/{connection_id}
            POST /api/v1/auth/checkAuth
            POST /api/v1/auth/password
            GET /api/v1/budgets
            GET /api/v1/channels
            GET /api/v1/channels/{channel_id}
            GET /api/v1/channels/{channel_id}/deliveries
            GET /api/v1/client-registrations
            GET /api/v1/client-registrations/{registration_id}
            GET /api/v1/client-registrations/{registration_id}/consumers
            GET /api/v1/connection-aliases
            GET /api/v1/connections
            GET /api/v1/connections/{connection_id}
            GET /api/v1/connections/{connection_id}/usage
            GET /api/v1/destinations
            GET /api/v1/destinations/{destination_id}
            GET /api/v1/destinations/{destination_id}/deliveries
            GET /api/v1/findings
            GET /api/v1/fleet
            GET /api/v1/fleet/rotations
            GET /api/v1/flow-cards
            GET /api/v1/flow-schema
            GET /api/v1/flow-tables
            GET /api/v1/flow-tables/{table_id}
            GET /api/v1/flows
            POST /api/v1/flows/check
            GET /api/v1/flows/{flow_id}
            GET /api/v1/flows/{flow_id}/versions
            GET /api/v1/folders
            GET /api/v1/folders/{folder}
            GET /api/v1/notices
            GET /api/v1/notices/{notice_id}
            GET /api/v1/projects/slug/{project}
            GET /api/v1/projects/{project}
            GET /api/v1/projects/{project}/tags
            GET /api/v1/projects/{project}/tags/slug/{slug}
            GET /api/v1/projects/{project}/tags/{tag_id}
            GET /api/v1/secret-imports
            GET /api/v1/secret-imports/{import_id}
            GET /api/v1/secrets/holders
            GET /api/v1/workspace
            GET /api/v1/workspace/slug/{project}
            GET /api/v1/workspace/{project}
            GET /api/v1/workspace/{project}/tags
            GET /api/v1/workspace/{project}/tags/slug/{slug}
            GET /api/v1/workspace/{project}/tags/{tag_id}
            GET /api/v2/folders
            GET /api/v2/folders/{folder}
            GET /api/v2/secret-imports
            GET /api/v2/secret-imports/{import_id}
            GET /api/v2/secret-rotations
            GET /api/v2/secret-rotations/okta-client-secret
            POST /api/v2/secret-rotations/okta-client-secret/preview
            GET /api/v2/secret-rotations/okta-client-secret/rotation-name/{rotation_name}
            GET /api/v2/secret-rotations/okta-client-secret/{rotation_id}
            GET /api/v2/secret-rotations/okta-client-secret/{rotation_id}/plan
            GET /api/v2/secret-rotations/okta-client-secret/{rotation_id}/preview
            GET /api/v2/secret-rotations/okta-client-secret/{rotation_id}/slots
            GET /api/v2/secret-rotations/okta-client-secret/{rotation_id}/turns
            GET /api/v2/secret-rotations/okta-client-secret/{rotation_id}/usage
            GET /api/v2/secret-rotations/okta-client-secret/{rotation_id}/turns/{turn_id}/evidence
            GET /api/v2/secret-rotations/options
            GET /api/v2/workspace/{project}
        """,
        ("", "AR"): """
            POST /api/v1/inventory
            DELETE /api/v1/inventory/{connection}
            PUT /api/v1/inventory/owners
            POST /api/v1/emergencies
            POST /api/v1/emergencies/plan
            POST /api/v1/emergencies/{emergency_id}/abort
            POST /api/v1/emergencies/{emergency_id}/leave-out
            POST /api/v1/emergencies/{emergency_id}/retry
            POST /api/v1/rollouts
            POST /api/v1/rollouts/plan
            POST /api/v1/rollouts/{rollout_id}/abort
            POST /api/v1/rollouts/{rollout_id}/approve
            POST /api/v1/rollouts/{rollout_id}/continue
            POST /api/v1/leaks/{leak_id}/emergency
            POST /api/v1/leaks/{leak_id}/end
        """,
        ("", "A"): """
            DELETE /api/v1/auth/jwt-auth/identities/{identity_id}
            PATCH /api/v1/auth/jwt-auth/identities/{identity_id}
            POST /api/v1/auth/jwt-auth/identities/{identity_id}
            DELETE /api/v1/auth/oidc-auth/identities/{identity_id}
            PATCH /api/v1/auth/oidc-auth/identities/{identity_id}
            POST /api/v1/auth/oidc-auth/identities/{identity_id}
            POST /api/v1/auth/token-auth/identities/{identity_id}/tokens
            POST /api/v1/auth/token-auth/tokens/{token_id}/revoke
            DELETE <UNIVERSAL>
            PATCH <UNIVERSAL>
            POST <UNIVERSAL>
            POST <UNIVERSAL>/clear-lockouts
            POST <UNIVERSAL>/client-secrets
            DELETE <UNIVERSAL>/client-secrets/{client_secret_id}
            POST <UNIVERSAL>/client-secrets/{client_secret_id}/revoke
            POST /api/v1/compliance/exceptions
            DELETE /api/v1/compliance/exceptions/{exception_id}
            POST /api/v1/compliance/policies
            DELETE /api/v1/compliance/policies/{policy_id}
            PATCH /api/v1/compliance/policies/{policy_id}
            POST /api/v1/identities
            DELETE /api/v1/identities/{identity_id}
            PATCH /api/v1/identities/{identity_id}
            POST /api/v1/people
            PUT /api/v1/people/{identity_id}/password
            POST /api/v1/projects
            POST /api/v1/roles
            DELETE /api/v1/roles/{slug}
            PATCH /api/v1/roles/{slug}
            POST /api/v2/workspace
        """,
        ("", "ADVRU"): """
            GET /api/v1/compliance
            GET /api/v1/compliance/exceptions
            GET /api/v1/compliance/findings
            GET /api/v1/compliance/policies
            GET /api/v1/compliance/reports
            GET /api/v1/compliance/reports/{report_id}
            GET /api/v1/compliance/reports/{report_id}/evidence
            GET /api/v1/inventory
            GET /api/v1/inventory/apps
            GET /api/v1/inventory/owners
            GET /api/v1/fleet/schema
            POST /api/v1/fleet/plan
            POST /api/v1/fleet/apply
            GET /api/v1/emergencies
            GET /api/v1/emergencies/{emergency_id}
            GET /api/v1/emergencies/{emergency_id}/apps
            GET /api/v1/emergencies/{emergency_id}/evidence
            GET /api/v1/leaks
            GET /api/v1/leaks/{leak_id}
            GET /api/v1/rollouts
            GET /api/v1/rollouts/{rollout_id}
            GET /api/v1/rollouts/{rollout_id}/members
        """,
        ("", "AU"): """
            GET /api/v1/audit
            GET /api/v1/settings
            GET /api/v1/audit/export
            GET /api/v1/audit/verify
            GET /metrics
            GET /api/v1/auth/jwt-auth/identities/{identity_id}
            GET /api/v1/auth/oidc-auth/identities/{identity_id}
            GET /api/v1/auth/token-auth/identities/{identity_id}/tokens
            GET <UNIVERSAL>
            GET <UNIVERSAL>/client-secrets
            GET <UNIVERSAL>/client-secrets/{client_secret_id}
            GET /api/v1/fleet/export
            GET /api/v1/identities
            GET /api/v1/identities/{identity_id}
            GET /api/v1/roles
            GET /api/v1/roles/{slug}
        """,
        ("AU", "AU"): """
            GET /api/v1/access/explain
            GET /api/v1/projects/{project}/identity-memberships
            GET /api/v1/projects/{project}/identity-memberships/{identity_id}
            GET /api/v1/projects/{project}/roles
            GET /api/v1/projects/{project}/roles/{slug}
            GET /api/v2/workspace/{project}/identity-memberships
            GET /api/v2/workspace/{project}/identity-memberships/{identity_id}
        """,
        ("A", "A"): """
            POST /api/v1/leaks
            POST /api/v1/app-connections/okta
            DELETE /api/v1/app-connections/okta/{connection_id}
            POST /api/v1/channels
            DELETE /api/v1/channels/{channel_id}
            PATCH /api/v1/channels/{channel_id}
            POST /api/v1/channels/{channel_id}/test
            POST /api/v1/destinations
            DELETE /api/v1/destinations/{destination_id}
            PATCH /api/v1/destinations/{destination_id}
            PATCH /api/v1/app-connections/okta/{connection_id}
            POST /api/v1/app-connections/okta/{connection_id}/turn-key
            POST /api/v1/projects/{project}/environments
            DELETE /api/v1/projects/{project}/environments/{environment_id}
            PATCH /api/v1/projects/{project}/environments/{environment_id}
            DELETE /api/v1/projects/{project}/identity-memberships/{identity_id}
            PATCH /api/v1/projects/{project}/identity-memberships/{identity_id}
            POST /api/v1/projects/{project}/identity-memberships/{identity_id}
            POST /api/v1/projects/{project}/roles
            DELETE /api/v1/projects/{project}/roles/{slug}
            PATCH /api/v1/projects/{project}/roles/{slug}
            DELETE /api/v1/projects/{project}/tags/{tag_id}
            PATCH /api/v1/projects/{project}/tags/{tag_id}
            POST /api/v1/workspace/{project}/environments
            DELETE /api/v1/workspace/{project}/environments/{environment_id}
            PATCH /api/v1/workspace/{project}/environments/{environment_id}
            DELETE /api/v1/workspace/{project}/tags/{tag_id}
            PATCH /api/v1/workspace/{project}/tags/{tag_id}
            DELETE /api/v2/workspace/{project}/identity-memberships/{identity_id}
            PATCH /api/v2/workspace/{project}/identity-memberships/{identity_id}
            POST /api/v2/workspace/{project}/identity-memberships/{identity_id}
        """,
        ("AD", "AD"): """
            POST /api/v1/client-registrations
            DELETE /api/v1/client-registrations/{registration_id}
            PATCH /api/v1/client-registrations/{registration_id}
            POST /api/v1/client-registrations/{registration_id}/consumers
            DELETE /api/v1/client-registrations/{registration_id}/consumers/{consumer}
            POST /api/v1/client-registrations/{registration_id}/consumers/{consumer}/confirm
            POST /api/v1/client-registrations/{registration_id}/prove
            POST /api/v1/connection-aliases
            DELETE /api/v1/connection-aliases/{alias_id}
            PATCH /api/v1/connection-aliases/{alias_id}
            POST /api/v1/connection-aliases/{alias_id}/back
            POST /api/v1/connections
            DELETE /api/v1/connections/{connection_id}
            PATCH /api/v1/connections/{connection_id}
            POST /api/v1/connections/token
            POST /api/v1/connections/{connection_id}/authorize
            POST /api/v1/connections/{connection_id}/authorize/link
            POST /api/v1/connections/{connection_id}/device
            POST /api/v1/connections/{connection_id}/device/{request_id}
            POST /api/v1/connections/{connection_id}/token
            GET /api/v1/flow-runs/stream
            GET /api/v1/flow-runs/{run_id}
            GET /api/v1/flow-runs/{run_id}/result
            POST /api/v1/flow-runs/{run_id}/cancel
            POST /api/v1/flow-runs/{run_id}/replay
            POST /api/v1/flow-tables
            DELETE /api/v1/flow-tables/{table_id}
            GET /api/v1/flow-tables/{table_id}/rows
            POST /api/v1/flow-tables/{table_id}/rows
            DELETE /api/v1/flow-tables/{table_id}/rows
            GET /api/v1/flow-tables/{table_id}/rows/{row_id}
            PATCH /api/v1/flow-tables/{table_id}/rows/{row_id}
            DELETE /api/v1/flow-tables/{table_id}/rows/{row_id}
            POST /api/v1/flows
            DELETE /api/v1/flows/{flow_id}
            PATCH /api/v1/flows/{flow_id}
            POST /api/v1/flows/{flow_id}/client-token
            POST /api/v1/flows/{flow_id}/run
            GET /api/v1/flows/{flow_id}/runs
            POST /api/v1/folders
            DELETE /api/v1/folders/{folder}
            PATCH /api/v1/folders/{folder}
            POST /api/v1/projects/{project}/tags
            POST /api/v1/secret-imports
            DELETE /api/v1/secret-imports/{import_id}
            PATCH /api/v1/secret-imports/{import_id}
            POST /api/v1/workspace/{project}/tags
            POST /api/v2/folders
            DELETE /api/v2/folders/{folder}
            PATCH /api/v2/folders/{folder}
            POST /api/v2/secret-imports
            DELETE /api/v2/secret-imports/{import_id}
            PATCH /api/v2/secret-imports/{import_id}
            DELETE /api/v3/secrets/batch/raw
            PATCH /api/v3/secrets/batch/raw
            POST /api/v3/secrets/batch/raw
            DELETE /api/v3/secrets/raw/{secret_name}
            PATCH /api/v3/secrets/raw/{secret_name}
            POST /api/v3/secrets/raw/{secret_name}
            DELETE /api/v4/secrets/batch
            PATCH /api/v4/secrets/batch
            POST /api/v4/secrets/batch
            DELETE /api/v4/secrets/{secret_name}
            PATCH /api/v4/secrets/{secret_name}
            POST /api/v4/secrets/{secret_name}
        """,
        ("ADV", "ADV"): """
            POST /api/v1/acknowledgements
            POST /api/v1/events/subscribe/project-events
            GET /api/v1/secret/{secret_id}/secret-versions
            GET /api/v3/secrets/raw
            GET /api/v3/secrets/raw/id/{secret_id}
            GET /api/v3/secrets/raw/{secret_name}
            GET /api/v4/secrets
            GET /api/v4/secrets/id/{secret_id}
            GET /api/v4/secrets/{secret_name}
        """,
        ("ADR", "ADR"): """
            GET /api/v1/app-connections/okta/{connection_id}/apps
            POST /api/v1/app-connections/okta/{connection_id}/check
            POST /api/v1/app-connections/okta/{connection_id}/compare
            POST /api/v1/destinations/{destination_id}/deliver
            POST /api/v1/findings/{finding_id}/repair
            POST /api/v2/secret-rotations/okta-client-secret/{rotation_id}/adopt-existing
            POST /api/v2/secret-rotations/okta-client-secret/{rotation_id}/retire-existing
            POST /api/v2/secret-rotations/okta-client-secret/{rotation_id}/rotate-secrets
            POST /api/v2/secret-rotations/okta-client-secret/{rotation_id}/turn
            POST /api/v2/secret-rotations/okta-client-secret/{rotation_id}/turn/abort
            POST /api/v2/secret-rotations/okta-client-secret/{rotation_id}/turn/finish-now
            POST /api/v2/secret-rotations/okta-client-secret/{rotation_id}/turn/pause
            POST /api/v2/secret-rotations/okta-client-secret/{rotation_id}/turn/reinstate
            POST /api/v2/secret-rotations/okta-client-secret/{rotation_id}/turn/resume
        """,
        ("AR", "AR"): """
            POST /api/v2/secret-rotations/okta-client-secret
            POST /api/v2/secret-rotations/okta-client-secret/plan
            DELETE /api/v2/secret-rotations/okta-client-secret/{rotation_id}
            PATCH /api/v2/secret-rotations/okta-client-secret/{rotation_id}
            GET /api/v2/secret-rotations/okta-client-secret/{rotation_id}/generated-credentials
        """,
    }
)
"""Routes by who may use them: roles held in the project alone, and roles held everywhere."""


def lines(text: str) -> set[str]:
    """Return the routes of a block."""
    whole = text.replace("<UNIVERSAL>", "/api/v1/auth/universal-auth/identities/{identity_id}")
    return {line.strip() for line in whole.splitlines() if line.strip()}


def permitted(route: str, initial: str, *, everywhere: bool) -> bool:
    """Say what the table says."""
    (roles,) = (roles for roles, block in TABLE.items() if route in lines(block))
    return initial in roles[everywhere]


OWN = [
    "GET /api/v1/flow-cards",
    "GET /api/v1/flow-schema",
    "GET /api/v2/secret-rotations/options",
    "POST /api/v1/auth/checkAuth",
    "POST /api/v1/auth/password",
    "POST /api/v2/secret-rotations/okta-client-secret/preview",
]
"""What is about the caller alone, or about nothing that is stored."""

GUARDED = sorted(set().union(*map(lines, TABLE.values())))


async def test_every_route_is_in_the_table_once(house: House) -> None:
    """A new route needs a row, and a row needs a route."""
    rows = [route for block in (PUBLIC, *TABLE.values()) for route in lines(block)]
    assert sorted(rows) == sorted(routes_of(build_api(house.world, version="0")))


def is_open(answer: httpx2.Response) -> bool:
    """Say whether the caller got past the gate, to a result or to a rule that does not allow it."""
    assert answer.status_code in {200, 400, 403}, answer.text
    return answer.status_code != 403


@pytest.mark.slow
@pytest.mark.parametrize("everywhere", [False, True], ids=["near", "everywhere"])
@pytest.mark.parametrize("initial", INITIALS)
async def test_each_role_passes_where_the_table_says(initial: str, *, everywhere: bool) -> None:
    """Each route lets the roles of its row pass and no others, and tells others no value."""
    wrong = []
    async with furnished(INITIALS[initial], everywhere=everywhere) as it:
        for route in GUARDED:
            answer = await it.ask(route)
            passed = is_open(answer)
            if passed != permitted(route, initial, everywhere=everywhere):
                wrong.append(route)
            assert passed or "canary" not in answer.text
    assert wrong == []


@pytest.mark.slow
async def test_who_holds_nothing_gets_nowhere() -> None:
    """Without a role every route is refused but those about the caller, or about nothing stored."""
    async with furnished(everywhere=False) as it:
        passed = [route for route in GUARDED if is_open(await it.ask(route))]
    assert passed == OWN


@pytest.mark.slow
async def test_no_token_gets_nowhere() -> None:
    """Every route but the public ones asks for a token before it looks at anything else."""
    async with furnished("admin", everywhere=True) as it:
        it.house.http.headers.pop("authorization")
        statuses = {route: (await it.ask(route)).status_code for route in GUARDED}
    assert {route for route, status in statuses.items() if status != 401} == set()
