"""Event hooks: `/api/v1/eventHooks`, their lifecycle and the verification of their endpoints."""

from typing import cast
from urllib.parse import urlsplit

from keyturn.sandbox import errors
from keyturn.sandbox.http import Answer, Errand, Json, render_json
from keyturn.sandbox.routing import Call, Route
from keyturn.sandbox.shapes.apps import render_time
from keyturn.sandbox.state.event_hooks import EventHook, HookDraft, read_pairs
from keyturn.sandbox.state.org import Org

COLLECTION = "/api/v1/eventHooks"
ONE = COLLECTION + "/{eventHookId}"
READ, MANAGE = "okta.eventHooks.read", "okta.eventHooks.manage"
VERSION = "1.0.0"


def list_hooks(org: Org, call: Call) -> Answer:
    """Answer with all event hooks."""
    return render_json([_render(hook, call) for hook in org.event_hooks.list()])


def create_hook(org: Org, call: Call) -> Answer:
    """Register a hook; answers 200. It is ACTIVE and UNVERIFIED."""
    by = call.principal.user_id or call.principal.client_id or ""
    draft = _parse(call.json_object())
    return render_json(_render(org.event_hooks.create(draft, by, call.request.base_url), call))


def read_hook(org: Org, call: Call) -> Answer:
    """Answer with one hook, without the secret of its endpoint."""
    return render_json(_render(org.event_hooks.read(call.params["eventHookId"]), call))


def replace_hook(org: Org, call: Call) -> Answer:
    """Replace a hook; another channel must be verified again."""
    hook = org.event_hooks.read(call.params["eventHookId"])
    return render_json(_render(org.event_hooks.change(hook.id, _parse(call.json_object())), call))


def delete_hook(org: Org, call: Call) -> Answer:
    """Delete an INACTIVE hook."""
    org.event_hooks.delete(call.params["eventHookId"])
    return Answer(204)


def activate_hook(org: Org, call: Call) -> Answer:
    """Let a hook be told again."""
    return render_json(_render(org.event_hooks.activate(call.params["eventHookId"]), call))


def deactivate_hook(org: Org, call: Call) -> Answer:
    """Stop telling a hook."""
    return render_json(_render(org.event_hooks.deactivate(call.params["eventHookId"]), call))


def verify_hook(org: Org, call: Call) -> Answer:
    """Challenge the endpoint once, and answer with the hook as VERIFIED, or with 400."""
    hook, challenge = (
        org.event_hooks.read(call.params["eventHookId"]),
        org.event_hooks.issue_challenge(),
    )

    async def challenge_endpoint() -> str | None:
        if org.hook_sender is None:
            return "this org has nobody to send for it"
        return await org.hook_sender.verify(hook.draft, challenge)

    def finish(reason: str | None) -> Answer:
        return render_json(_render(org.event_hooks.settle(hook.id, reason), call))

    return Answer(202, errand=Errand(challenge_endpoint, finish))


# --- reading requests -------------------------------------------------------------------------


def _parse(body: dict[str, Json]) -> HookDraft:
    events, channel = _object(body.get("events")), _object(body.get("channel"))
    if not _text(body.get("name")):
        raise errors.validation_failed("name", "name: The field cannot be left blank")
    if channel.get("type") != "HTTP" or channel.get("version") != VERSION:
        raise errors.validation_failed("channel", f"channel: only HTTP, version {VERSION}")
    if _object(events.get("filter")).get("eventFilterMap"):
        # To deliver what a filter would have kept back is worse than to refuse it.
        cause = "filter: expressions are not emulated"
        raise errors.validation_failed("events.filter", cause)
    config = _object(channel.get("config"))
    auth = _object(config.get("authScheme"))
    return HookDraft(
        name=_text(body.get("name")),
        events=_parse_events(events),
        uri=_parse_uri(config),
        headers=read_pairs(_objects(config.get("headers"))),
        auth_key=_text(auth.get("key")) or None,
        auth_value=_text(auth.get("value")) or None,
        description=_text(body.get("description")) or None,
    )


def _parse_events(events: dict[str, Json]) -> tuple[str, ...]:
    items = events.get("items")
    if events.get("type") != "EVENT_TYPE" or not isinstance(items, list) or not items:
        raise errors.validation_failed("events", "events.items: The field cannot be left blank")
    return tuple(_text(item) for item in items)


def _parse_uri(config: dict[str, Json]) -> str:
    uri = _text(config.get("uri"))
    parts = urlsplit(uri)
    # Okta wants https; whoever rehearses on one machine may listen on its loopback without.
    plain = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")
    if not parts.hostname or not (parts.scheme == "https" or plain):
        raise errors.validation_failed("uri", "uri: must be a valid HTTPS endpoint")
    return uri


def _object(value: Json) -> dict[str, Json]:
    if value is not None and not isinstance(value, dict):
        raise errors.malformed()
    return cast("dict[str, Json]", value or {})


def _objects(value: Json) -> list[dict[str, Json]]:
    if value is not None and not isinstance(value, list):
        raise errors.malformed()
    return [_object(item) for item in value or ()]


def _text(value: Json) -> str:
    if value is not None and not isinstance(value, str):
        raise errors.malformed()
    return value or ""


# --- showing ----------------------------------------------------------------------------------


def _render(hook: EventHook, call: Call) -> dict[str, Json]:
    draft, href = hook.draft, f"{call.request.base_url}{COLLECTION}/{hook.id}"
    step = "deactivate" if hook.status == "ACTIVE" else "activate"
    auth = {"type": "HEADER", "key": draft.auth_key} if draft.auth_key else None
    return {
        "id": hook.id,
        "status": hook.status,
        "verificationStatus": "VERIFIED" if hook.verified else "UNVERIFIED",
        "name": draft.name,
        "description": draft.description,
        "created": render_time(hook.created_at),
        "createdBy": hook.created_by,
        "lastUpdated": render_time(hook.updated_at),
        "events": {"type": "EVENT_TYPE", "items": list(draft.events), "filter": None},
        "channel": {
            "type": "HTTP",
            "version": VERSION,
            "config": {
                "uri": draft.uri,
                "headers": [{"key": key, "value": value} for key, value in draft.headers],
                "method": "POST",
                **({"authScheme": auth} if auth else {}),
            },
        },
        "_links": {
            "self": {"href": href},
            "verify": _link(f"{href}/lifecycle/verify"),
            step: _link(f"{href}/lifecycle/{step}"),
        },
    }


def _link(href: str) -> dict[str, Json]:
    return {"href": href, "hints": {"allow": ["POST"]}}


ROUTES = (
    Route("GET", COLLECTION, list_hooks, "management", "api", READ),
    Route("POST", COLLECTION, create_hook, "management", "api", MANAGE),
    Route("GET", ONE, read_hook, "management", "api", READ),
    Route("PUT", ONE, replace_hook, "management", "api", MANAGE),
    Route("DELETE", ONE, delete_hook, "management", "api", MANAGE),
    Route("POST", ONE + "/lifecycle/activate", activate_hook, "management", "api", MANAGE),
    Route("POST", ONE + "/lifecycle/deactivate", deactivate_hook, "management", "api", MANAGE),
    Route("POST", ONE + "/lifecycle/verify", verify_hook, "management", "api", MANAGE),
)
