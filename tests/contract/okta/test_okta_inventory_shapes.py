"""Okta's lists of apps, and of grants, as an inventory reads them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from keyturn.adapters.okta.inventory_shapes import parse_grants, parse_page, parse_shown
from keyturn.adapters.okta.shapes import Garbled
from keyturn.domain.okta import Status

APP: dict[str, Any] = {
    "id": "0oa1",
    "label": "Checkout",
    "status": "ACTIVE",
    "created": "2026-01-01T10:00:00.000Z",
    "credentials": {
        "oauthClient": {
            "client_id": "client-1",
            "token_endpoint_auth_method": "client_secret_jwt",
        }
    },
    "settings": {
        "oauthClient": {"application_type": "web", "grant_types": ["authorization_code"]},
    },
}


def app(**changes: object) -> dict[str, Any]:
    """Return an app as Okta writes it."""
    return {**APP, **changes}


def event(secret: str, published: str, result: str = "SUCCESS") -> dict[str, Any]:
    """Return an event of a token that was granted, or not."""
    debug = {"debugData": {"clientSecret": secret}}
    return {"published": published, "outcome": {"result": result}, "debugContext": debug}


def test_an_app_is_read_with_what_tells_its_sort() -> None:
    """Its client id may be another than its own id."""
    found = parse_shown(APP)
    assert found
    assert (found.app_id, found.client_id, found.label) == ("0oa1", "client-1", "Checkout")
    assert (found.auth_method, found.application_type) == ("client_secret_jwt", "web")
    assert found.grant_types == ("authorization_code",)
    assert found.created_at == datetime(2026, 1, 1, 10, tzinfo=UTC)


def test_words_that_nobody_knows_are_kept() -> None:
    """A new way to authenticate is no reason to lose sight of an app."""
    client = {"client_id": "c", "token_endpoint_auth_method": "tls_client_auth"}
    found = parse_shown(app(credentials={"oauthClient": client}, settings={}, status="STAGED"))
    assert found
    assert (found.auth_method, found.application_type) == ("tls_client_auth", "unknown")
    assert (found.grant_types, found.status) == ((), Status.INACTIVE)


def test_other_apps_are_counted() -> None:
    """One of SAML, one that Okta made itself, and one with credentials of another kind."""
    others = [app(credentials=None), app(credentials={}), {"id": "0oa2", "status": "ACTIVE"}]
    found, count = parse_page([APP, *others])
    assert ([each.app_id for each in found], count) == (["0oa1"], 3)


@pytest.mark.parametrize(
    "changes",
    [
        {"id": 1},
        {"label": None},
        {"status": None},
        {"created": "yesterday"},
        {"settings": {"oauthClient": {"grant_types": "all"}}},
    ],
)
def test_an_app_that_lacks_what_okta_promises_is_no_app(changes: dict[str, object]) -> None:
    """The member is named, and what it held is not."""
    with pytest.raises(Garbled, match=next(iter(changes))):
        parse_shown(app(**changes))


def test_the_last_use_of_each_secret_is_found() -> None:
    """Refusals do not count, nor events that name no secret."""
    early, late = "2026-01-01T10:00:00.000Z", "2026-01-02T10:00:00.000Z"
    nameless = {"published": early, "outcome": {"result": "SUCCESS"}}
    events = [event("a", late), event("a", early), event("b", late, "FAILURE"), nameless]
    latest, count, oldest = parse_grants(events)
    assert latest == {"a": datetime(2026, 1, 2, 10, tzinfo=UTC)}
    assert (count, oldest) == (4, datetime(2026, 1, 1, 10, tzinfo=UTC))
    assert parse_grants([]) == ({}, 0, None)
