"""Okta's JSON of all apps, and of their secrets' uses, turned into what an inventory keeps.

Takes every way to authenticate and every type of app, whatever Okta calls them. Knows nothing of
HTTP. An error names the member and never what it held.
"""

from datetime import datetime

from keyturn.adapters.okta.shapes import (
    Garbled,
    find_member,
    find_text,
    read_list,
    read_moment,
    read_text,
)
from keyturn.domain.ids import AppId, ClientId, SecretHash
from keyturn.domain.inventory import ShownApp
from keyturn.domain.okta import Status

CLIENT = ("credentials", "oauthClient")
SETTINGS = ("settings", "oauthClient")


def parse_page(data: object) -> tuple[tuple[ShownApp, ...], int]:
    """Parse a list of apps: the OAuth ones, and how many others there are. Raises Garbled."""
    every = read_list(data)
    apps = tuple(app for app in map(parse_shown, every) if app)
    return apps, len(every) - len(apps)


def parse_shown(data: object) -> ShownApp | None:
    """Parse an app; None for one that is not an OAuth one. Raises Garbled.

    What is not ACTIVE does not work, whatever Okta calls that.
    """
    app_id = read_text(data, "id")
    client_id = find_text(data, *CLIENT, "client_id")
    if client_id is None:
        return None
    active = read_text(data, "status") == Status.ACTIVE
    return ShownApp(
        app_id=AppId(app_id),
        client_id=ClientId(client_id),
        label=read_text(data, "label"),
        status=Status.ACTIVE if active else Status.INACTIVE,
        auth_method=find_text(data, *CLIENT, "token_endpoint_auth_method") or "unknown",
        application_type=find_text(data, *SETTINGS, "application_type") or "unknown",
        grant_types=_texts(find_member(data, *SETTINGS, "grant_types")),
        created_at=read_moment(data, "created"),
    )


def parse_groups(data: object) -> list[tuple[str, str]]:
    """Parse a list of groups: of each its id and its name. Raises Garbled."""
    return [(read_text(one, "id"), read_text(one, "profile", "name")) for one in read_list(data)]


def parse_ids(data: object) -> list[AppId]:
    """Parse a list of apps of any kind: their ids. Raises Garbled."""
    return [AppId(read_text(one, "id")) for one in read_list(data)]


def parse_grants(data: object) -> tuple[dict[SecretHash, datetime], int, datetime | None]:
    """Parse events of tokens that were granted: the last use of each client secret by its hash.

    Tells besides how many events there were, and when the oldest was. Raises Garbled.
    """
    events = read_list(data)
    moments = [read_moment(event, "published") for event in events]
    latest = dict[SecretHash, datetime]()
    for event, at in zip(events, moments, strict=True):
        used = find_text(event, "debugContext", "debugData", "clientSecret")
        if used and find_text(event, "outcome", "result") == "SUCCESS":
            shown = SecretHash(used)
            latest[shown] = max(at, latest.get(shown, at))
    return latest, len(events), min(moments, default=None)


def _texts(found: object) -> tuple[str, ...]:
    if found is None:
        return ()
    if not isinstance(found, list):
        raise Garbled("the answer's settings.oauthClient.grant_types is not an array")
    return tuple(text for text in found if isinstance(text, str))
