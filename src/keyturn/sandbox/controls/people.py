"""Somebody else at the console: people, API tokens, and tokens of apps."""

from collections.abc import Callable, Mapping, Sequence

from keyturn.sandbox.controls.operation import (
    BadRequest,
    Body,
    Operation,
    Params,
    read_flag,
    read_text,
    refuse_unknown,
)
from keyturn.sandbox.http import Json, Request
from keyturn.sandbox.state.devices import STEPS, Device
from keyturn.sandbox.state.org import Org
from keyturn.sandbox.state.records import User
from keyturn.sandbox.state.tokens import AccessToken, RefreshToken

ANOTHER_DEVICE: Body = {"displayName": "Another device", "platform": "MACOS", "registered": True}


def _list_users(org: Org, request: Request, params: Params, body: Body) -> Json:
    return {"users": [_render_user(user) for user in org.users.values()]}


def _create_user(org: Org, request: Request, params: Params, body: Body) -> Json:
    refuse_unknown(body, "login", "first_name", "last_name", "admin")
    user = org.create_user(
        read_text(body, "login"),
        read_text(body, "first_name", "Una"),
        read_text(body, "last_name", "User"),
        admin="admin" in body and read_flag(body, "admin"),
    )
    return {**_render_user(user), "password": user.password}


def _change_user(org: Org, request: Request, params: Params, body: Body) -> Json:
    changes: dict[str, Callable[[str], User]] = {
        "activate": org.people.activate,
        "deactivate": org.people.deactivate,
        "suspend": org.people.suspend,
        "unsuspend": org.people.unsuspend,
        "unlock": org.people.unlock,
        "expire-password": org.people.expire_password,
        "delete": org.people.delete,
        "remove-admin": lambda user_id: org.people.update(user_id, admin=False),
    }
    if params["change"] not in changes:
        raise BadRequest(f"changes of a user: {[*changes]}")
    refuse_unknown(body)
    return _render_user(changes[params["change"]](params["userId"]))


def _list_devices(org: Org, request: Request, params: Params, body: Body) -> Json:
    return {"devices": [_render_device(device) for device in org.devices.list()]}


def _create_device(org: Org, request: Request, params: Params, body: Body) -> Json:
    refuse_unknown(body, "profile")
    profile = body.get("profile", ANOTHER_DEVICE)
    if not isinstance(profile, Mapping):
        raise BadRequest("profile is an object")
    return _render_device(org.devices.create(profile, status="ACTIVE"))


def _change_device(org: Org, request: Request, params: Params, body: Body) -> Json:
    device_id, change = params["deviceId"], params["change"]
    changes = {"add-user": org.devices.add_user, "remove-user": org.devices.remove_user}
    if change in changes:
        refuse_unknown(body, "user_id")
        return _render_device(changes[change](device_id, _read_user_id(org, body)))
    step = next((step for step in STEPS if step == change), None)
    if step is None:
        raise BadRequest(f"changes of a device: {[*STEPS, *changes]}")
    refuse_unknown(body)
    return _render_device(org.devices.move(device_id, step))


def _create_api_token(org: Org, request: Request, params: Params, body: Body) -> Json:
    refuse_unknown(body, "label", "user_id")
    label = read_text(body, "label", "another token")
    admin = next((user.id for user in org.users.values() if user.admin), "")
    token = org.create_api_token(label, _read_user_id(org, body, admin))
    return {"id": org.api_tokens[token].id, "label": label, "ssws_token": token}


def _list_api_tokens(org: Org, request: Request, params: Params, body: Body) -> Json:
    tokens = org.api_tokens.values()
    rendered = [{"id": t.id, "label": t.label, "user_id": t.user_id} for t in tokens]
    return {"api_tokens": rendered}


def _revoke_api_tokens(org: Org, request: Request, params: Params, body: Body) -> Json:
    refuse_unknown(body, "label")
    label = read_text(body, "label")
    named = [value for value, token in org.api_tokens.items() if token.label == label]
    for value in named:
        del org.api_tokens[value]
    return {"revoked": len(named)}


def _list_tokens(org: Org, request: Request, params: Params, body: Body) -> Json:
    now, tokens = org.now(), org.tokens
    clients = [app.client_id for app in (*org.list_apps(), *org.list_integrations())]
    access = [token for client_id in clients for token in tokens.list_access(client_id, now)]
    refresh = [token for client_id in clients for token in tokens.list_refresh(client_id, now)]
    return {"access": _render_tokens(access), "refresh": _render_tokens(refresh)}


def _revoke_tokens(org: Org, request: Request, params: Params, body: Body) -> Json:
    refuse_unknown(body, "client_id", "token")
    if len(body) != 1:
        raise BadRequest("either token or client_id is wanted")
    if "token" in body:
        if not org.tokens.revoke(read_text(body, "token")):
            raise BadRequest("token: there is no such token, or it is revoked already")
    elif org.find_client(client_id := read_text(body, "client_id")) is None:
        raise BadRequest("client_id: there is no such client")
    else:
        org.tokens.revoke_client(client_id)
    return {}


def _read_user_id(org: Org, body: Body, default: str | None = None) -> str:
    user = org.people.find(read_text(body, "user_id", default))
    if user is None:
        raise BadRequest("user_id: there is no such person")
    return user.id


def _render_device(device: Device) -> dict[str, Json]:
    users: list[Json] = [user.user_id for user in device.users]
    return {"id": device.id, "status": device.status, "name": device.name, "users": users}


def _render_tokens(tokens: Sequence[AccessToken | RefreshToken]) -> Json:
    return [
        {
            "client_id": token.client_id,
            "user_id": token.user_id,
            "scopes": list(token.scopes),
            "expires_at": token.expires_at.isoformat(),
        }
        for token in tokens
    ]


def _render_user(user: User) -> dict[str, Json]:
    return {
        "id": user.id,
        "login": user.login,
        "status": user.status,
        "admin": user.admin,
    }


OPERATIONS = (
    Operation("GET", "/users", _list_users, "The people, without passwords."),
    Operation("POST", "/users", _create_user, "Make a person; answers their password."),
    Operation(
        "POST",
        "/users/{userId}/{change}",
        _change_user,
        "Change a person: `activate`, `deactivate`, `suspend`, `unsuspend`, `unlock`, "
        "`expire-password`, `remove-admin`, `delete`.",
    ),
    Operation("GET", "/devices", _list_devices, "The devices and whose they are."),
    Operation("POST", "/devices", _create_device, "Make an ACTIVE device with a `profile`."),
    Operation(
        "POST",
        "/devices/{deviceId}/{change}",
        _change_device,
        "Change a device: `activate`, `deactivate`, `suspend`, `unsuspend`, `delete`; `add-user`, "
        "`remove-user` with `user_id`.",
    ),
    Operation("GET", "/api-tokens", _list_api_tokens, "The SSWS tokens, without values."),
    Operation("POST", "/api-tokens", _create_api_token, "Make an SSWS token; answers it."),
    Operation(
        "POST", "/api-tokens/revoke", _revoke_api_tokens, "Revoke the SSWS tokens of a `label`."
    ),
    Operation("GET", "/tokens", _list_tokens, "Access and refresh tokens, without values."),
    Operation(
        "POST", "/tokens/revoke", _revoke_tokens, "Revoke one `token`, or all of a `client_id`."
    ),
)
