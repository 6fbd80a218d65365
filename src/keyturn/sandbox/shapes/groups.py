"""How groups look in answers, member order as Okta's pages have it."""

from keyturn.sandbox.http import Json
from keyturn.sandbox.shapes.apps import render_time
from keyturn.sandbox.state.groups import Group


def render_assignment(group: Group, app_id: str, base_url: str) -> dict[str, Json]:
    """Return the assignment of an app to a group."""
    apps = f"{base_url}/api/v1/apps/{app_id}"
    return {
        "id": group.id,
        "lastUpdated": render_time(group.updated_at),
        "priority": 0,
        "profile": {},
        "_links": {
            "app": {"href": apps},
            "self": {"href": f"{apps}/groups/{group.id}"},
            "group": {"href": f"{base_url}/api/v1/groups/{group.id}"},
        },
    }


def render_group(group: Group, base_url: str) -> dict[str, Json]:
    """Return a group."""
    href = f"{base_url}/api/v1/groups/{group.id}"
    return {
        "id": group.id,
        "created": render_time(group.created_at),
        "lastUpdated": render_time(group.updated_at),
        "lastMembershipUpdated": render_time(group.changed_at),
        "objectClass": ["okta:user_group"],
        "type": "OKTA_GROUP",
        "profile": {"description": None, **group.profile},
        "_links": {
            "self": {"href": href},
            "users": {"href": f"{href}/users"},
            "apps": {"href": f"{href}/apps"},
        },
    }
