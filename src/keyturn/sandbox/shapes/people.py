"""How people look in answers, member order as recorded."""

from datetime import datetime

from keyturn.sandbox.http import Json
from keyturn.sandbox.shapes.apps import render_time
from keyturn.sandbox.state.records import User

LIFECYCLE: dict[str, tuple[str, ...]] = {
    "ACTIVE": ("suspend", "reset_password", "expire_password", "reset_factors", "deactivate"),
    "SUSPENDED": ("unsuspend", "deactivate"),
    "LOCKED_OUT": ("unlock", "reset_password", "deactivate"),
    "DEPROVISIONED": ("activate",),
    "STAGED": ("activate", "deactivate"),
}
OTHER_STEPS = ("reset_password", "deactivate")
NAMES = {
    "reset_password": "resetPassword",
    "expire_password": "expirePassword",
    "reset_factors": "resetFactors",
}


def render_user(user: User, base_url: str, *, listed: bool = False) -> dict[str, Json]:
    """Return a person; in lists with no link but the one to the whole."""
    shown: dict[str, Json] = {"password": {}} if user.password else {}
    return {
        "id": user.id,
        "status": user.status,
        "created": render_time(user.created_at),
        "activated": _maybe(user.activated_at),
        "statusChanged": _maybe(user.status_changed_at),
        "lastLogin": _maybe(user.last_login_at),
        "lastUpdated": render_time(user.updated_at or user.created_at),
        "passwordChanged": _maybe(user.password_changed_at),
        "type": {"id": "oty" + user.id[3:]},
        "profile": render_profile(user),
        "credentials": {**shown, "provider": {"type": "OKTA", "name": "OKTA"}},
        "_links": _links(user, base_url, listed=listed),
    }


def render_summary(user: User, base_url: str) -> dict[str, Json]:
    """Return the little that a summary tells of a person."""
    names = ("firstName", "lastName", "login", "email")
    profile = render_profile(user)
    return {
        "id": user.id,
        "profile": {name: profile[name] for name in names},
        "_links": _links(user, base_url, listed=True),
    }


def render_profile(user: User) -> dict[str, Json]:
    """Return the members of a person's profile."""
    return {
        "firstName": user.first_name,
        "lastName": user.last_name,
        "mobilePhone": None,
        "secondEmail": None,
        "login": user.login,
        "email": user.email or user.login,
        **user.profile,
    }


def _links(user: User, base_url: str, *, listed: bool) -> dict[str, Json]:
    href = f"{base_url}/api/v1/users/{user.id}"
    steps = () if listed else LIFECYCLE.get(user.status, OTHER_STEPS)
    links: dict[str, Json] = {
        NAMES.get(step, step): {"href": f"{href}/lifecycle/{step}", "method": "POST"}
        for step in steps
    }
    return {**links, "self": {"href": href}}


def _maybe(at: datetime | None) -> str | None:
    return None if at is None else render_time(at)
