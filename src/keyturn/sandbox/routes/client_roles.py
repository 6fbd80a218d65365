"""Admin roles of a service app: `/oauth2/v1/clients/{clientId}/roles`."""

from dataclasses import replace

from keyturn.sandbox import errors
from keyturn.sandbox.http import Answer, Json, render_json
from keyturn.sandbox.principals import require_super_admin
from keyturn.sandbox.routing import Call, Route
from keyturn.sandbox.shapes.apps import render_time
from keyturn.sandbox.state.org import Org
from keyturn.sandbox.state.records import App, RoleAssignment

COLLECTION = "/oauth2/v1/clients/{clientId}/roles"
ONE = COLLECTION + "/{roleAssignmentId}"
READ, MANAGE = "okta.roles.read", "okta.roles.manage"
STANDARD_ROLES = {
    "API_ACCESS_MANAGEMENT_ADMIN": "API Access Management Administrator",
    "APP_ADMIN": "Application Administrator",
    "GROUP_MEMBERSHIP_ADMIN": "Group Membership Administrator",
    "HELP_DESK_ADMIN": "Help Desk Administrator",
    "ORG_ADMIN": "Organizational Administrator",
    "READ_ONLY_ADMIN": "Read-Only Administrator",
    "REPORT_ADMIN": "Report Administrator",
    "SUPER_ADMIN": "Super Administrator",
    "USER_ADMIN": "User Administrator",
}
IAM_ROLES = {
    "ACCESS_CERTIFICATIONS_ADMIN": "Access Certifications Administrator",
    "ACCESS_REQUESTS_ADMIN": "Access Requests Administrator",
    "WORKFLOWS_ADMIN": "Workflows Administrator",
}
LABELS = STANDARD_ROLES | IAM_ROLES
CUSTOM = "CUSTOM"


def list_roles(org: Org, call: Call) -> Answer:
    """Answer with the roles of a client, oldest first."""
    app = _read_client(org, call)
    return render_json([_render(app, role, call.request.base_url) for role in app.roles])


def assign_role(org: Org, call: Call) -> Answer:
    """Assign a standard or a custom role; recorded as 201 where the schema says 200."""
    app = _read_client(org, call)
    require_super_admin(org, call.principal)
    role = _make_role(org, call.json_object())
    if _same(role) in [_same(other) for other in app.roles]:
        raise errors.role_taken()
    org.store_app(replace(app, roles=(*app.roles, role)))
    org.note_change("app.oauth2.client.privilege.grant", app)
    return render_json(_render(app, role, call.request.base_url), 201)


def read_role(org: Org, call: Call) -> Answer:
    """Answer with one role assignment."""
    app = _read_client(org, call)
    return render_json(_render(app, _find(app, call), call.request.base_url))


def unassign_role(org: Org, call: Call) -> Answer:
    """Take a role away; the next management call of the client feels it."""
    app = _read_client(org, call)
    require_super_admin(org, call.principal)
    gone = _find(app, call)
    org.store_app(replace(app, roles=tuple(role for role in app.roles if role is not gone)))
    org.note_change("app.oauth2.client.privilege.revoke", app)
    return Answer(204)


def _read_client(org: Org, call: Call) -> App:
    client_id = call.params["clientId"]
    app = org.find_client(client_id)
    if app is None or app.integration is not None:
        raise errors.not_found(client_id, "PublicClientApp")
    call.client_id = app.client_id
    return app


def _make_role(org: Org, body: dict[str, Json]) -> RoleAssignment:
    kind = _read_text(body, "type")
    if kind in STANDARD_ROLES:
        return RoleAssignment(org.mint.issue_id("ra1"), kind, org.now())
    if kind in IAM_ROLES:
        role, resource_set = kind, f"{kind.removesuffix('_ADMIN')}_IAM_POLICY"
    elif kind == CUSTOM:
        role, resource_set = _read_text(body, "role"), _read_text(body, "resource-set")
    else:
        raise errors.validation_failed("type", "type: Invalid role type.")
    return RoleAssignment(org.mint.issue_id("irb"), kind, org.now(), role, resource_set)


def _read_text(body: dict[str, Json], member: str) -> str:
    value = body.get(member)
    if not value or not isinstance(value, str):
        raise errors.left_blank(member)
    return value


def _same(role: RoleAssignment) -> tuple[str, str | None, str | None]:
    return role.type, role.role, role.resource_set


def _find(app: App, call: Call) -> RoleAssignment:
    for role in app.roles:
        if role.id == call.params["roleAssignmentId"]:
            return role
    raise errors.not_found(call.params["roleAssignmentId"], "RoleAssignment")


def _render(app: App, role: RoleAssignment, base_url: str) -> dict[str, Json]:
    at = render_time(role.created_at)
    bound: dict[str, Json] = {}
    if role.resource_set is not None:
        bound = {"resource-set": role.resource_set, "role": role.role}
    return {
        "id": role.id,
        "label": LABELS.get(role.type, role.role or role.type),
        "type": role.type,
        "status": "ACTIVE",
        "created": at,
        "lastUpdated": at,
        "assignmentType": "CLIENT",
        **bound,
        "_links": {
            "assignee": {"href": f"{base_url}/oauth2/v1/clients/{app.client_id}"},
            **(_render_bound_links(role, base_url) if bound else {}),
        },
    }


def _render_bound_links(role: RoleAssignment, base_url: str) -> dict[str, Json]:
    href = f"{base_url}/api/v1/iam/roles/{role.role}"
    resources = f"{base_url}/api/v1/iam/resource-sets/{role.resource_set}"
    return {
        "role": {"href": href},
        "resource-set": {"href": resources},
        "permissions": {"href": f"{href}/permissions"},
        "member": {"href": f"{resources}/bindings/{role.role}/members/{role.id}"},
    }


ROUTES = (
    Route("GET", COLLECTION, list_roles, "management", "clients", READ),
    Route("POST", COLLECTION, assign_role, "management", "clients", MANAGE),
    Route("GET", ONE, read_role, "management", "clients", READ),
    Route("DELETE", ONE, unassign_role, "management", "clients", MANAGE),
)
