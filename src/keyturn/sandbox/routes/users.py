"""Users: who the caller is, and the people of the org with their lifecycle."""

from collections.abc import Callable
from typing import cast

from keyturn.sandbox import errors, refusals
from keyturn.sandbox.http import Answer, Json, render_json
from keyturn.sandbox.paging import cut_page
from keyturn.sandbox.routing import Call, Handler, Route
from keyturn.sandbox.scim import BadFilter, Filter, Values, find_values, parse_filter
from keyturn.sandbox.shapes.devices import render_held
from keyturn.sandbox.shapes.people import render_profile, render_user
from keyturn.sandbox.state.org import Org
from keyturn.sandbox.state.people import UserDraft
from keyturn.sandbox.state.records import User

COLLECTION = "/api/v1/users"
ONE = COLLECTION + "/{userId}"
READ, MANAGE = "okta.users.read", "okta.users.manage"
DEFAULT_LIMIT, DEFAULT_FOUND = 200, 10
OWN_MEMBERS = ("login", "firstName", "lastName", "email")


def read_me(org: Org, call: Call) -> Answer:
    """Answer with the person whose token it is; a service app is no person."""
    user = org.users.get(call.principal.user_id or "")
    if user is None:
        raise errors.not_found("me", "User")
    return render_json(render_user(user, call.request.base_url))


def list_users(org: Org, call: Call) -> Answer:
    """Answer with one page of people; those shut out only when they are asked for by a filter."""
    query, base_url = call.request.query, call.request.base_url
    expression = query.get("search") or query.get("filter")
    users = list(org.users.values())
    if expression:
        wanted = _parse(expression)
        users = [user for user in users if wanted.holds(_look_up(user, base_url))]
    else:
        users = [user for user in users if user.status != "DEPROVISIONED"]
    starts = query.get("q", "").lower()
    found = [user for user in users if _named(user, starts)]
    page = cut_page(call.request, found, default=DEFAULT_FOUND if starts else DEFAULT_LIMIT)
    body = [render_user(user, base_url, listed=True) for user in page.items]
    return render_json(body, headers=page.links)


def create_user(org: Org, call: Call) -> Answer:
    """Make a person; answers 200. `activate=false` leaves them STAGED."""
    active = call.request.query.get("activate", "true") != "false"
    user = org.people.create(_parse_draft(call.json_object(), active=active))
    return render_json(render_user(user, call.request.base_url))


def read_user(org: Org, call: Call) -> Answer:
    """Answer with one person, named by id or login."""
    return render_json(render_user(org.people.read(call.params["userId"]), call.request.base_url))


def update_user(org: Org, call: Call) -> Answer:
    """Change the given members of a person's profile, and the password when it is given."""
    user, body = org.people.read(call.params["userId"]), call.json_object()
    merged = {**render_profile(user), **_object(body.get("profile"))}
    draft = _parse_draft({**body, "profile": merged}, active=True)
    changed = org.people.update(
        user.id,
        login=draft.login,
        first_name=draft.first_name,
        last_name=draft.last_name,
        email=draft.email,
        profile=draft.profile,
    )
    if draft.password is not None:
        changed = org.people.change_password(user.id, draft.password)
    return render_json(render_user(changed, call.request.base_url))


def activate_user(org: Org, call: Call) -> Answer:
    """Let a person in; with `sendEmail=false` the link of the mail is in the answer."""
    org.people.activate(org.people.read(call.params["userId"]).id)
    if call.request.query.get("sendEmail", "true") != "false":
        return render_json({})
    token = org.mint.issue_token(15)
    url = f"{call.request.base_url}/welcome/{token}"
    return render_json({"activationUrl": url, "activationToken": token})


def delete_user(org: Org, call: Call) -> Answer:
    """Deactivate a person, or delete one who is DEPROVISIONED."""
    org.people.delete(org.people.read(call.params["userId"]).id)
    return Answer(204)


def list_devices(org: Org, call: Call) -> Answer:
    """Answer with the devices in a person's hands."""
    user = org.people.read(call.params["userId"])
    base_url = call.request.base_url
    return render_json(
        [
            render_held(device, holder, base_url)
            for device in org.devices.list()
            for holder in device.users
            if holder.user_id == user.id
        ]
    )


def _step(take: Callable[[Org, str], User]) -> Handler:
    def handle(org: Org, call: Call) -> Answer:
        take(org, org.people.read(call.params["userId"]).id)
        return render_json({})

    return handle


# --- reading requests -------------------------------------------------------------------------


def _parse(expression: str) -> Filter:
    try:
        return parse_filter(expression)
    except BadFilter as error:
        raise refusals.invalid_search(str(error)) from error


def _look_up(user: User, base_url: str) -> Callable[[str], Values]:
    shown = render_user(user, base_url, listed=True)
    return lambda path: find_values(shown, path)


def _named(user: User, starts: str) -> bool:
    names = (user.first_name, user.last_name, user.email, user.login)
    return any(name.lower().startswith(starts) for name in names)


def _parse_draft(body: dict[str, Json], *, active: bool) -> UserDraft:
    profile = _object(body.get("profile"))
    password = _object(_object(body.get("credentials")).get("password")).get("value")
    return UserDraft(
        login=_text(profile.get("login")),
        first_name=_text(profile.get("firstName")),
        last_name=_text(profile.get("lastName")),
        email=_text(profile.get("email")),
        password=_text(password) or None,
        active=active,
        profile={name: value for name, value in profile.items() if name not in OWN_MEMBERS},
    )


def _object(value: Json) -> dict[str, Json]:
    if value is not None and not isinstance(value, dict):
        raise errors.malformed()
    return cast("dict[str, Json]", value or {})


def _text(value: Json) -> str:
    if value is not None and not isinstance(value, str):
        raise errors.malformed()
    return value or ""


STEPS: dict[str, Callable[[Org, str], User]] = {
    "deactivate": lambda org, user_id: org.people.deactivate(user_id),
    "suspend": lambda org, user_id: org.people.suspend(user_id),
    "unsuspend": lambda org, user_id: org.people.unsuspend(user_id),
    "unlock": lambda org, user_id: org.people.unlock(user_id),
}
ROUTES = (
    Route("GET", COLLECTION + "/me", read_me, "management", "api", "okta.users.read.self"),
    Route("GET", COLLECTION, list_users, "management", "api", READ),
    Route("POST", COLLECTION, create_user, "management", "api", MANAGE),
    Route("GET", ONE, read_user, "management", "api", READ),
    Route("POST", ONE, update_user, "management", "api", MANAGE),
    Route("DELETE", ONE, delete_user, "management", "api", MANAGE),
    Route("GET", ONE + "/devices", list_devices, "management", "api", READ),
    Route("POST", ONE + "/lifecycle/activate", activate_user, "management", "api", MANAGE),
    *(
        Route("POST", f"{ONE}/lifecycle/{step}", _step(take), "management", "api", MANAGE)
        for step, take in STEPS.items()
    ),
)
