"""Cards that ask an Okta org, on connections of the connector `okta`."""

from typing import Final

from keyturn.domain.flows.cards.org_calls import OrgCall, OrgFamily
from keyturn.domain.flows.spec import Input
from keyturn.domain.flows.values import Kind
from keyturn.domain.oauth.connectors import OKTA

_OKTA: Final = OrgFamily("okta", OKTA.name)
_USERS, _GROUPS, _APPS = "/api/v1/users", "/api/v1/groups", "/api/v1/apps"
_USER: Final = Input("user", Kind.TEXT, "The user's id or login.")
_GROUP: Final = Input("group", Kind.TEXT, "The group's id.")
_APP: Final = Input("app", Kind.TEXT, "The app's id.")
_MAIL: Final = Input(
    "send_email",
    Kind.BOOLEAN,
    "Whether Okta writes to the user; otherwise the answer has the link.",
    required=False,
    default=True,
)
_READ, _MANAGE = "okta.users.read", "okta.users.manage"
_GROUPS_READ, _GROUPS_MANAGE = "okta.groups.read", "okta.groups.manage"
_APPS_READ: Final = "okta.apps.read"
_UNA: Final = "una@example.com"
_SALES: Final = "00g0123456789abcdef0"


def _lifecycle(step: str) -> OrgCall:
    return OrgCall("POST", f"{_USERS}/{{user}}/lifecycle/{step}")


KNOWN: Final = (
    _OKTA.reads(
        "read_user",
        "Read a user.",
        OrgCall("GET", f"{_USERS}/{{user}}", gives="user"),
        _USER,
        scope=_READ,
        user=_UNA,
    ),
    _OKTA.lists(
        "list_users",
        "List the users of the org; those who are deactivated are not among them.",
        OrgCall("GET", _USERS, pages=True),
        scope=_READ,
        limit=1000,
    ),
    _OKTA.lists(
        "search_users",
        "List the users that a search fits.",
        OrgCall("GET", _USERS, {"search": "search"}, pages=True),
        Input("search", Kind.TEXT, 'A SCIM expression, as in status eq "ACTIVE".'),
        scope=_READ,
        search='profile.department eq "Sales"',
    ),
    _OKTA.lists(
        "list_users_with_filter",
        "List the users that a filter fits, as they are at this moment.",
        OrgCall("GET", _USERS, {"filter": "filter"}, pages=True),
        Input("filter", Kind.TEXT, "A SCIM expression on the few members that Okta filters by."),
        scope=_READ,
        filter='status eq "SUSPENDED"',
    ),
    _OKTA.changes(
        "activate_user",
        "Activate a user.",
        OrgCall(
            "POST",
            f"{_USERS}/{{user}}/lifecycle/activate",
            {"sendEmail": "send_email"},
            gives="link",
        ),
        _USER,
        _MAIL,
        scope=_MANAGE,
        user=_UNA,
        send_email=False,
    ),
    _OKTA.changes(
        "deactivate_user",
        "Deactivate a user, who loses all their apps.",
        _lifecycle("deactivate"),
        _USER,
        scope=_MANAGE,
        user=_UNA,
    ),
    _OKTA.changes(
        "suspend_user",
        "Suspend an active user, who keeps their apps and cannot sign in.",
        _lifecycle("suspend"),
        _USER,
        scope=_MANAGE,
        user=_UNA,
    ),
    _OKTA.changes(
        "unsuspend_user",
        "Let a suspended user sign in again.",
        _lifecycle("unsuspend"),
        _USER,
        scope=_MANAGE,
        user=_UNA,
    ),
    _OKTA.reads(
        "read_group",
        "Read a group.",
        OrgCall("GET", f"{_GROUPS}/{{group}}", gives="group"),
        _GROUP,
        scope=_GROUPS_READ,
        group=_SALES,
    ),
    _OKTA.lists(
        "search_groups",
        "List the groups that a search fits, or all.",
        OrgCall("GET", _GROUPS, {"search": "search"}, pages=True),
        Input(
            "search",
            Kind.TEXT,
            'A SCIM expression, as in profile.name sw "Sales".',
            required=False,
        ),
        scope=_GROUPS_READ,
        search='profile.name eq "Sales"',
    ),
    _OKTA.lists(
        "list_group_members",
        "List the users in a group.",
        OrgCall("GET", f"{_GROUPS}/{{group}}/users", pages=True),
        _GROUP,
        scope=_GROUPS_READ,
        group=_SALES,
        limit=1000,
    ),
    _OKTA.changes(
        "add_user_to_group",
        "Put a user into a group.",
        OrgCall("PUT", f"{_GROUPS}/{{group}}/users/{{user}}"),
        _GROUP,
        _USER,
        scope=_GROUPS_MANAGE,
        group=_SALES,
        user=_UNA,
    ),
    _OKTA.changes(
        "remove_user_from_group",
        "Take a user out of a group.",
        OrgCall("DELETE", f"{_GROUPS}/{{group}}/users/{{user}}"),
        _GROUP,
        _USER,
        scope=_GROUPS_MANAGE,
        group=_SALES,
        user=_UNA,
    ),
    _OKTA.lists(
        "list_applications",
        "List the apps of the org.",
        OrgCall("GET", _APPS, pages=True),
        scope=_APPS_READ,
        limit=1000,
    ),
    _OKTA.lists(
        "search_applications",
        "List the apps whose name or label begins so.",
        OrgCall("GET", _APPS, {"q": "begins"}, pages=True),
        Input("begins", Kind.TEXT, "How name or label begin."),
        scope=_APPS_READ,
        begins="Sales",
    ),
    _OKTA.reads(
        "list_client_secrets",
        "List the client secrets of an app; their values are hidden in the history.",
        OrgCall("GET", f"{_APPS}/{{app}}/credentials/secrets", gives="records"),
        _APP,
        scope=_APPS_READ,
        app="0oa0123456789abcdef0",
    ),
    _OKTA.anything("/api/v1/org"),
    _OKTA.streams("/api/v1/users"),
)
CARDS: Final = tuple(each.spec for each in KNOWN)
