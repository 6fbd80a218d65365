"""Okta's JSON, turned into the domain's types.

Decides what a body must hold; members that nobody asked for are ignored. Knows nothing of HTTP.
An error names the member and never what it held.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import TypeVar

from keyturn.domain.drift import Change
from keyturn.domain.evidence import Use
from keyturn.domain.ids import AppId, ClientId, CredentialId, SecretHash
from keyturn.domain.oauth.workflows import SecretUse, Touch, WorkflowsLog
from keyturn.domain.okta import (
    App,
    AuthMethod,
    Credential,
    Departure,
    Left,
    Status,
    secret_hash,
    thumbprint,
)
from keyturn.domain.sensitive import Sensitive

LONGEST_WHO = 120
"""As much of a client's address and user agent as is told to people."""

SHORTEST_VALUE = 14
"""Okta takes no shorter client secret, so ``***abcd`` is a mask and not a value."""

WORKFLOWS = "workflows.user.connection."
"""How the types of the events of connections inside Okta Workflows begin."""

OF_PEOPLE = "user.lifecycle."
"""How the types of the events begin in which people come and go."""

MOVES: Mapping[str, Left | None] = MappingProxyType(
    {
        "deactivate": Left.DEACTIVATED,
        "suspend": Left.SUSPENDED,
        "delete.initiated": Left.DELETED,
        "delete.completed": Left.DELETED,
        "activate": None,
        "reactivate": None,
        "unsuspend": None,
        "create": None,
    }
)
"""What each of them makes of a person."""

OURS = "keyturn"
"""The user agent under which Keyturn asks for tokens itself."""

HALF = re.compile("[\ud800-\udfff]")
"""A surrogate without its other half: JSON's reader has put whole pairs together."""

T = TypeVar("T", Status, AuthMethod)


class Garbled(ValueError):
    """A body does not hold what Okta's contract says."""


def find_member(data: object, *path: str) -> object:
    """Find a member down a path of names; None where there is none."""
    for name in path:
        data = data.get(name) if isinstance(data, dict) else None
    return data


def find_text(data: object, *path: str) -> str | None:
    """Find a member that is a non-empty text; None for anything else.

    JSON can escape half a character (RFC 8259, section 8.2), which no database or terminal takes:
    U+FFFD stands in for it.
    """
    found = find_member(data, *path)
    return HALF.sub("\ufffd", found) if isinstance(found, str) and found else None


def read_text(data: object, *path: str) -> str:
    """Read a member that must be a non-empty text. Raises Garbled."""
    found = find_text(data, *path)
    if found is None:
        raise _garbled(path)
    return found


def parse_app(data: object) -> App | None:
    """Parse an app; None for one that is not an OAuth one. Raises Garbled."""
    app_id = read_text(data, "id")
    if find_member(data, "credentials", "oauthClient") is None:
        return None
    return App(
        id=AppId(app_id),
        client_id=ClientId(read_text(data, "credentials", "oauthClient", "client_id")),
        label=read_text(data, "label"),
        status=_one_of(Status, data, "status"),
        auth_method=_one_of(
            AuthMethod, data, "credentials", "oauthClient", "token_endpoint_auth_method"
        ),
    )


def parse_apps(data: object) -> tuple[App, ...]:
    """Parse a list of apps, without those that are not OAuth ones, or not as any that can turn.

    Raises Garbled.
    """
    known = (each for each in read_list(data) if _is_known(each))
    return tuple(app for app in map(parse_app, known) if app)


def _is_known(data: object) -> bool:
    """Say whether an app's status and way to authenticate are words that we know."""
    method = find_text(data, "credentials", "oauthClient", "token_endpoint_auth_method")
    return find_text(data, "status") in {*Status} and method in {None, *AuthMethod}


def find_app(data: object, client_id: str) -> App | None:
    """Find an app by its client id in a list of apps. Raises Garbled."""
    for each in read_list(data):
        if find_text(each, "credentials", "oauthClient", "client_id") == client_id:
            return parse_app(each)
    return None


def parse_integration(data: object) -> App:
    """Parse an API service integration: a client whose one way to authenticate is a secret.

    Its own client id is the last part of the link to its client. Raises Garbled.
    """
    app_id = read_text(data, "id")
    link = find_text(data, "_links", "client", "href") or app_id
    return App(
        id=AppId(app_id),
        client_id=ClientId(link.rstrip("/").rpartition("/")[2]),
        label=read_text(data, "name"),
        status=Status.ACTIVE,
        auth_method=AuthMethod.CLIENT_SECRET_BASIC,
    )


def parse_client_secret(data: object) -> Credential:
    """Parse a client secret. Raises Garbled, also where hash and shown value do not agree."""
    shown_hash = SecretHash(read_text(data, "secret_hash"))
    value = _value(data)
    if value is not None and secret_hash(value) != shown_hash:
        raise Garbled("the answer's secret_hash is not that of its client_secret")
    return Credential(
        id=CredentialId(read_text(data, "id")),
        hash=shown_hash,
        status=_one_of(Status, data, "status"),
        created_at=read_moment(data, "created"),
        value=value,
    )


def parse_client_key(data: object) -> Credential:
    """Parse a client's public key; its thumbprint is told, whatever its `kid`. Raises Garbled."""
    try:
        found = thumbprint(data if isinstance(data, dict) else {})
    except ValueError:
        raise Garbled("the answer is not a key") from None
    return Credential(
        id=CredentialId(read_text(data, "id")),
        hash=found,
        status=_one_of(Status, data, "status"),
        created_at=read_moment(data, "created"),
        name=find_text(data, "kid"),
    )


def read_collection(data: object) -> list[object]:
    """Return the credentials that an answer lists, but for keys that Okta only encrypts with.

    Sources disagree on a list of keys: an array, ``{"keys": […]}`` and ``{"jwks": {"keys": […]}}``.
    Raises Garbled.
    """
    shapes = (find_member(data, "jwks", "keys"), find_member(data, "keys"), data)
    every = read_list(next(shape for shape in shapes if shape is not None))
    return [one for one in every if find_text(one, "use") != "enc"]


def parse_uses(data: object) -> tuple[Use, ...]:
    """Parse the System Log's events of a client secret's use. Raises Garbled.

    Okta accepted the secret unless the event failed for the client's sake: a request may fail for
    another reason.
    """
    return tuple(_use(each) for each in read_list(data))


def parse_scopes(data: object) -> tuple[str, ...]:
    """Parse an app's grants (`OAuth2ScopeConsentGrant`). Raises Garbled."""
    return tuple(read_text(each, "scopeId") for each in read_list(data))


def _use(data: object) -> Use:
    where = find_text(data, "client", "ipAddress") or "an unknown address"
    agent = find_text(data, "client", "userAgent", "rawUserAgent") or ""
    told = f"{where}, {agent}" if agent else where
    errors = {
        find_text(data, "outcome", "reason"),
        find_text(data, "debugContext", "debugData", "error"),
    }
    failed = find_text(data, "outcome", "result") == "FAILURE" and "invalid_client" in errors
    return Use(read_moment(data, "published"), _told(told), accepted=not failed)


def parse_workflows(data: object, new: SecretHash) -> WorkflowsLog:
    """Parse events of connections inside Okta Workflows, and of two client secrets' use.

    What Keyturn did itself is left out. Raises Garbled.
    """
    events = read_list(data)
    touches = [_touch(event) for event in events if _is_touch(event)]
    uses = [_secret_use(event, new) for event in events if not _is_touch(event)]
    return WorkflowsLog(
        tuple(touch for touch in touches if touch), tuple(use for use in uses if use)
    )


def _is_touch(event: object) -> bool:
    return read_text(event, "eventType").startswith(WORKFLOWS)


def _touch(event: object) -> Touch | None:
    """Return who was touched; Okta names as targets a user, the service, and the connection."""
    if find_text(event, "outcome", "result") != "SUCCESS":
        return None
    targets = find_member(event, "target")
    listed = targets if isinstance(targets, list) else []
    kinds = [(find_text(one, "type") or "", find_text(one, "displayName")) for one in listed]
    exact = [name for kind, name in kinds if name and kind.endswith("Connection")]
    names = exact or [name for kind, name in kinds if name and kind != "User"]
    return Touch(read_moment(event, "published"), tuple(names))


def _secret_use(event: object, new: SecretHash) -> SecretUse | None:
    debug = find_member(event, "debugContext", "debugData")
    if find_text(event, "client", "userAgent", "rawUserAgent") == OURS:
        return None
    is_new = find_text(debug, "clientSecret") == new
    granted = ".token.grant" in read_text(event, "eventType")
    if is_new and not (granted and find_text(event, "outcome", "result") == "SUCCESS"):
        return None
    first = find_text(debug, "grantType") == "authorization_code"
    return SecretUse(read_moment(event, "published"), is_new, first)


def parse_departure(data: object) -> Departure | None:
    """Parse what befell a person last, the newest event first. Raises Garbled."""
    for event in read_list(data):
        what = read_text(event, "eventType").removeprefix(OF_PEOPLE)
        if what in MOVES and find_text(event, "outcome", "result") == "SUCCESS":
            how = MOVES[what]
            return Departure(how, read_moment(event, "published")) if how else None
    return None


def parse_makers(data: object, made: SecretHash) -> tuple[str, ...]:
    """Parse who made a client secret, by the user agent of each event on it. Raises Garbled."""
    events = [event for event in read_list(data) if made in _hashes(event)]
    return tuple(find_text(event, "client", "userAgent", "rawUserAgent") or "" for event in events)


def _hashes(event: object) -> list[str | None]:
    targets = find_member(event, "target")
    listed = targets if isinstance(targets, list) else []
    return [find_text(one, "detailEntry", "ClientSecret") for one in listed]


def parse_changes(data: object) -> tuple[tuple[Change, ...], int]:
    """Parse the System Log's events of apps, and count them. Raises Garbled."""
    events = read_list(data)
    return tuple(change for event in events for change in _changes(event)), len(events)


def _changes(event: object) -> list[Change]:
    """Return a change for each app that an event is about, whatever Okta calls its type."""
    targets = find_member(event, "target")
    ids = [find_text(one, "id") for one in targets] if isinstance(targets, list) else []
    what = read_text(event, "eventType")
    who = find_text(event, "actor", "displayName") or "somebody"
    request_id = find_text(event, "debugContext", "debugData", "requestId") or ""
    request_id = request_id or find_text(event, "transaction", "id") or ""
    at, told = read_moment(event, "published"), _told(who)
    return [Change(AppId(one), at, what, told, request_id) for one in ids if one and one.isalnum()]


def _told(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text[:LONGEST_WHO])


def read_list(data: object) -> list[object]:
    """Return the array that an answer is. Raises Garbled for anything else."""
    if not isinstance(data, list):
        raise Garbled("the answer is not an array")
    return data


def _value(data: object) -> Sensitive | None:
    if find_member(data, "client_secret") is None:
        return None
    shown = read_text(data, "client_secret")
    masked = shown.startswith("***") and len(shown) < SHORTEST_VALUE
    return None if masked else Sensitive(shown)


def _one_of(words: type[T], data: object, *path: str) -> T:
    try:
        return words(read_text(data, *path))
    except ValueError:
        raise _garbled(path) from None


def read_moment(data: object, name: str) -> datetime:
    """Read a member that must be a moment with its zone. Raises Garbled."""
    try:
        moment = datetime.fromisoformat(read_text(data, name))
    except ValueError:
        raise _garbled((name,)) from None
    if moment.tzinfo is None:
        raise _garbled((name,))
    return moment


def _garbled(path: tuple[str, ...]) -> Garbled:
    return Garbled(f"the answer's {'.'.join(path)} is missing or not what it should be")
