"""Groups: search, one group, who is in it, and the apps that are assigned to it."""

from collections.abc import Callable

from keyturn.sandbox import errors, refusals
from keyturn.sandbox.http import Answer, render_json
from keyturn.sandbox.paging import cut_page
from keyturn.sandbox.routing import Call, Route
from keyturn.sandbox.scim import BadFilter, Filter, Values, find_values, parse_filter
from keyturn.sandbox.shapes.apps import render_app
from keyturn.sandbox.shapes.groups import render_assignment, render_group
from keyturn.sandbox.shapes.people import render_user
from keyturn.sandbox.state.groups import Group
from keyturn.sandbox.state.org import Org

COLLECTION = "/api/v1/groups"
ONE = COLLECTION + "/{groupId}"
MEMBER = ONE + "/users/{userId}"
ASSIGNMENT = "/api/v1/apps/{appId}/groups/{groupId}"
READ, MANAGE, APPS_MANAGE = "okta.groups.read", "okta.groups.manage", "okta.apps.manage"
DEFAULT_LIMIT, DEFAULT_USERS = 200, 1000


def list_groups(org: Org, call: Call) -> Answer:
    """Answer with one page of groups that fit a search, a filter, or how their names begin."""
    query, base_url = call.request.query, call.request.base_url
    expression = query.get("search") or query.get("filter")
    found = [each for each in org.groups.list() if each.name.startswith(query.get("q", ""))]
    if expression:
        wanted = _parse(expression)
        found = [group for group in found if wanted.holds(_look_up(group, base_url))]
    page = cut_page(call.request, found, default=DEFAULT_LIMIT)
    body = [render_group(group, base_url) for group in page.items]
    return render_json(body, headers=page.links)


def create_group(org: Org, call: Call) -> Answer:
    """Make a group; answers 200."""
    profile = call.json_object().get("profile") or {}
    if not isinstance(profile, dict):
        raise errors.malformed()
    return render_json(render_group(org.groups.create(profile), call.request.base_url))


def read_group(org: Org, call: Call) -> Answer:
    """Answer with one group."""
    group = org.groups.read(call.params["groupId"])
    return render_json(render_group(group, call.request.base_url))


def delete_group(org: Org, call: Call) -> Answer:
    """Delete a group."""
    org.groups.delete(call.params["groupId"])
    return Answer(204)


def list_members(org: Org, call: Call) -> Answer:
    """Answer with one page of the people in a group."""
    group, base_url = org.groups.read(call.params["groupId"]), call.request.base_url
    users = [org.users[user_id] for user_id in group.users if user_id in org.users]
    page = cut_page(call.request, users, default=DEFAULT_USERS, most=DEFAULT_USERS)
    body = [render_user(user, base_url, listed=True) for user in page.items]
    return render_json(body, headers=page.links)


def add_member(org: Org, call: Call) -> Answer:
    """Put a person into a group."""
    user = org.people.read(call.params["userId"])
    org.groups.add(call.params["groupId"], user)
    return Answer(204)


def remove_member(org: Org, call: Call) -> Answer:
    """Take a person out of a group."""
    user = org.people.read(call.params["userId"])
    org.groups.remove(call.params["groupId"], user)
    return Answer(204)


def list_apps(org: Org, call: Call) -> Answer:
    """Answer with one page of the apps that are assigned to a group."""
    group, base_url = org.groups.read(call.params["groupId"]), call.request.base_url
    apps = [app for app in org.list_apps() if app.id in group.apps]
    page = cut_page(call.request, apps)
    body = [render_app(org, app, base_url) for app in page.items]
    return render_json(body, headers=page.links)


def assign_app(org: Org, call: Call) -> Answer:
    """Assign an app to a group."""
    app = org.read_app(call.params["appId"])
    group = org.groups.assign(call.params["groupId"], app)
    return render_json(render_assignment(group, app.id, call.request.base_url))


def unassign_app(org: Org, call: Call) -> Answer:
    """Take an app from a group."""
    org.groups.unassign(call.params["groupId"], org.read_app(call.params["appId"]))
    return Answer(204)


def _parse(expression: str) -> Filter:
    try:
        return parse_filter(expression)
    except BadFilter as error:
        raise refusals.invalid_search(str(error)) from error


def _look_up(group: Group, base_url: str) -> Callable[[str], Values]:
    shown = render_group(group, base_url)
    return lambda path: find_values(shown, path)


ROUTES = (
    Route("GET", COLLECTION, list_groups, "management", "api", READ),
    Route("POST", COLLECTION, create_group, "management", "api", MANAGE),
    Route("GET", ONE, read_group, "management", "api", READ),
    Route("DELETE", ONE, delete_group, "management", "api", MANAGE),
    Route("GET", ONE + "/users", list_members, "management", "api", READ),
    Route("GET", ONE + "/apps", list_apps, "management", "api", READ),
    Route("PUT", ASSIGNMENT, assign_app, "management", "apps", APPS_MANAGE),
    Route("DELETE", ASSIGNMENT, unassign_app, "management", "apps", APPS_MANAGE),
    Route("PUT", MEMBER, add_member, "management", "api", MANAGE),
    Route("DELETE", MEMBER, remove_member, "management", "api", MANAGE),
)
