"""How an event looks in the System Log's answers and in deliveries, members in Okta's order."""

from datetime import UTC, datetime

from keyturn.sandbox.http import Json
from keyturn.sandbox.state.systemlog import LogEvent, Origin, Party

BROWSERS = (("Edg/", "EDGE"), ("Firefox/", "FIREFOX"), ("Chrome/", "CHROME"), ("Safari/", "SAFARI"))
SYSTEMS = (
    ("Windows", "Windows"),
    ("Mac OS X", "Mac OS X"),
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("Linux", "Linux"),
)
MESSAGES = {
    "app.oauth2.client.read_client_secret": "Read client secret",
    "app.oauth2.credentials.lifecycle.activate": "Activate OAuth client credentials",
    "app.oauth2.credentials.lifecycle.create": "Create OAuth client credentials",
    "app.oauth2.credentials.lifecycle.deactivate": "Deactivate OAuth client credentials",
    "app.oauth2.credentials.lifecycle.delete": "Delete OAuth client credentials",
    "application.lifecycle.activate": "Activate application",
    "application.lifecycle.create": "Create application",
    "application.lifecycle.deactivate": "Deactivate application",
    "application.lifecycle.delete": "Delete application",
    "application.lifecycle.update": "Update application",
    "device.enrollment.create": "Enroll a new device",
    "device.lifecycle.activate": "Activate device",
    "device.lifecycle.deactivate": "Deactivate device",
    "device.lifecycle.delete": "Delete device",
    "device.lifecycle.suspend": "Suspend device",
    "device.lifecycle.unsuspend": "Unsuspend device",
    "device.user.add": "Add device to user",
    "device.user.remove": "Remove device from user",
    "event_hook.delivery": "Deliver event hook",
    "group.application_assignment.add": "Add assigned application to group",
    "group.application_assignment.remove": "Remove assigned application from group",
    "group.lifecycle.create": "Create Okta group",
    "group.lifecycle.delete": "Delete Okta group",
    "group.user_membership.add": "Add user to group membership",
    "group.user_membership.remove": "Remove user from group membership",
    "user.account.lock": "Max sign in attempts exceeded",
    "user.account.unlock": "Unlock user account",
    "user.account.update_password": "User update password for Okta",
    "user.lifecycle.activate": "Activate Okta user",
    "user.lifecycle.create": "Create Okta user",
    "user.lifecycle.deactivate": "Deactivate Okta user",
    "user.lifecycle.suspend": "Suspend Okta user",
    "user.lifecycle.unsuspend": "Unsuspend Okta user",
    "user.session.start": "User login to Okta",
    "workflows.user.connection.create": "Create Workflows connection",
    "workflows.user.connection.reauthorize": "Reauthorize Workflows connection",
}
LEGACY = {
    ("user.session.start", "SUCCESS"): "core.user_auth.login_success",
    ("user.session.start", "FAILURE"): "core.user_auth.login_failed",
}
WORRYING = ("FAILURE", "DENY", "RATE_LIMIT")


def render_published(at: datetime) -> str:
    """Return a moment as the System Log writes it, with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def render_severity(event: LogEvent) -> str:
    """Return how bad an event is; failed log-ins are everyday."""
    everyday = event.type == "user.session.start" or event.result not in WORRYING
    return "WARN" if event.type.startswith("system.org.rate_limit") or not everyday else "INFO"


def render_message(event: LogEvent) -> str:
    """Return the event's own message, else that of its kind."""
    words = event.type.replace("_", " ").replace(".", " ").capitalize()
    return event.message or MESSAGES.get(event.type, words)


def render_event(event: LogEvent) -> dict[str, Json]:
    """Return an event with all its members."""
    origin = event.origin
    password = event.type == "user.session.start"
    return {
        "actor": _render_party(event.actor),
        "client": _render_client(origin),
        "device": None,
        "authenticationContext": {
            "authenticationProvider": "OKTA_AUTHENTICATION_PROVIDER" if password else None,
            "credentialProvider": "OKTA_CREDENTIAL_PROVIDER" if password else None,
            "credentialType": "PASSWORD" if password else None,
            "issuer": None,
            "interface": None,
            "authenticationStep": 0,
            "rootSessionId": "unknown",
            "externalSessionId": "unknown",
        },
        "displayMessage": render_message(event),
        "eventType": event.type,
        "outcome": {"result": event.result, "reason": event.reason},
        "published": render_published(event.at),
        "securityContext": {
            "asNumber": None,
            "asOrg": None,
            "isp": None,
            "domain": None,
            "isProxy": None,
        },
        "severity": render_severity(event),
        "debugContext": {"debugData": render_debug(event)},
        "legacyEventType": LEGACY.get((event.type, event.result)),
        "transaction": render_transaction(event),
        "uuid": event.uuid,
        "version": "0",
        "request": {"ipChain": [_render_ip(origin)] if origin else []},
        "target": [_render_party(target) for target in event.targets] or None,
    }


def render_debug(event: LogEvent) -> dict[str, Json]:
    """Return the debug data: what the request was, and what the event's writer added."""
    origin = event.origin
    if origin is None:
        return dict(event.debug)
    asked: dict[str, Json] = {
        "requestId": origin.request_id,
        "requestUri": origin.path,
        "url": f"{origin.path}?",
    }
    return {**asked, **event.debug}


def render_transaction(event: LogEvent) -> dict[str, Json]:
    """Return the transaction: the request, with the API token that it came with."""
    origin = event.origin
    if origin is None:
        return {"type": "JOB", "id": event.uuid, "detail": {}}
    detail: dict[str, Json] = {"requestApiTokenId": origin.api_token} if origin.api_token else {}
    return {"type": "WEB", "id": origin.request_id, "detail": detail}


def _render_party(party: Party) -> dict[str, Json]:
    return {
        "id": party.id,
        "type": party.type,
        "alternateId": party.alternate_id or "unknown",
        "displayName": party.name or party.alternate_id or "unknown",
        "detailEntry": dict(party.detail) or None,
    }


def _render_client(origin: Origin | None) -> dict[str, Json]:
    agent = origin.user_agent if origin else ""
    found = [name for sign, name in SYSTEMS if sign in agent]
    browsers = [name for sign, name in BROWSERS if sign in agent]
    return {
        "userAgent": {
            "rawUserAgent": agent or "unknown",
            "os": found[0] if found else "Unknown",
            "browser": browsers[0] if browsers else "UNKNOWN",
        },
        "zone": "null",
        "device": "Computer" if found else "Unknown",
        "id": origin.client_id if origin else None,
        "ipAddress": origin.ip if origin else None,
        "geographicalContext": None,
    }


def _render_ip(origin: Origin) -> dict[str, Json]:
    version = "V6" if ":" in origin.ip else "V4"
    return {"ip": origin.ip, "geographicalContext": None, "version": version, "source": None}
