"""Users: only who the caller is, enough to try a connection."""

from keyturn.sandbox import errors
from keyturn.sandbox.http import Answer, Json, render_json
from keyturn.sandbox.org import Org
from keyturn.sandbox.records import User
from keyturn.sandbox.render import render_time
from keyturn.sandbox.routing import Call, Route


def read_me(org: Org, call: Call) -> Answer:
    """Answer with the person whose token it is; a service app is no person."""
    user = org.users.get(call.principal.user_id or "")
    if user is None:
        raise errors.not_found("me", "User")
    return render_json(_render(user, call.request.base_url))


def _render(user: User, base_url: str) -> dict[str, Json]:
    created = render_time(user.created_at)
    return {
        "id": user.id,
        "status": user.status,
        "created": created,
        "activated": created,
        "statusChanged": created,
        "lastLogin": None,
        "lastUpdated": created,
        "passwordChanged": created,
        "type": {"id": "oty" + user.id[3:]},
        "profile": {
            "firstName": user.first_name,
            "lastName": user.last_name,
            "mobilePhone": None,
            "secondEmail": None,
            "login": user.login,
            "email": user.login,
        },
        "credentials": {"password": {}, "provider": {"type": "OKTA", "name": "OKTA"}},
        "_links": {"self": {"href": f"{base_url}/api/v1/users/{user.id}"}},
    }


ROUTES = (Route("GET", "/api/v1/users/me", read_me, "management", "api", "okta.users.read.self"),)
