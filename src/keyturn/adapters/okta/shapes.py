"""Okta's JSON, turned into the domain's types.

Decides what a body must hold; members that nobody asked for are ignored. Knows nothing of HTTP.
An error names the member and never what it held.
"""

from datetime import datetime
from typing import TypeVar

from keyturn.domain.ids import AppId, ClientId, OktaSecretId, SecretHash
from keyturn.domain.okta import App, AuthMethod, ClientSecret, Status, secret_hash
from keyturn.domain.sensitive import Sensitive

SHORTEST_VALUE = 14
"""Okta takes no shorter client secret, so ``***abcd`` is a mask and not a value."""

T = TypeVar("T", Status, AuthMethod)


class Garbled(ValueError):
    """A body does not hold what Okta's contract says."""


def find_member(data: object, *path: str) -> object:
    """Find a member down a path of names; None where there is none."""
    for name in path:
        data = data.get(name) if isinstance(data, dict) else None
    return data


def find_text(data: object, *path: str) -> str | None:
    """Find a member that is a non-empty text; None for anything else."""
    found = find_member(data, *path)
    return found if isinstance(found, str) and found else None


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


def find_app(data: object, client_id: str) -> App | None:
    """Find an app by its client id in a list of apps. Raises Garbled."""
    for each in read_list(data):
        if find_text(each, "credentials", "oauthClient", "client_id") == client_id:
            return parse_app(each)
    return None


def parse_client_secret(data: object) -> ClientSecret:
    """Parse a client secret. Raises Garbled, also where hash and shown value do not agree."""
    shown_hash = SecretHash(read_text(data, "secret_hash"))
    value = _value(data)
    if value is not None and secret_hash(value) != shown_hash:
        raise Garbled("the answer's secret_hash is not that of its client_secret")
    return ClientSecret(
        id=OktaSecretId(read_text(data, "id")),
        hash=shown_hash,
        status=_one_of(Status, data, "status"),
        created_at=_moment(data, "created"),
        value=value,
    )


def parse_client_secrets(data: object) -> tuple[ClientSecret, ...]:
    """Parse a list of client secrets. Raises Garbled."""
    return tuple(parse_client_secret(each) for each in read_list(data))


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


def _moment(data: object, name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(read_text(data, name))
    except ValueError:
        raise _garbled((name,)) from None
    if moment.tzinfo is None:
        raise _garbled((name,))
    return moment


def _garbled(path: tuple[str, ...]) -> Garbled:
    return Garbled(f"the answer's {'.'.join(path)} is missing or not what it should be")
