"""What the org says of itself: its settings, and the metadata that anybody may read."""

from urllib.parse import urlsplit

from keyturn.sandbox.http import Answer, Json, render_json
from keyturn.sandbox.routing import Call, Route
from keyturn.sandbox.shapes.apps import render_time
from keyturn.sandbox.state.org import Org
from keyturn.sandbox.state.servers import DEFAULT_ID

SETTINGS = "/api/v1/org"
UNSET = (
    "address1",
    "address2",
    "city",
    "country",
    "endUserSupportHelpURL",
    "phoneNumber",
    "postalCode",
    "state",
    "supportPhoneNumber",
    "website",
)


def read_settings(org: Org, call: Call) -> Answer:
    """Answer with the org's general settings; those that nobody has set are null."""
    base = call.request.base_url
    # The org is as old as the authorization server that every org begins with.
    created = render_time(org.servers.read(DEFAULT_ID).created_at)
    unset: dict[str, Json] = dict.fromkeys(UNSET)
    return render_json(
        {
            **unset,
            "companyName": "Keyturn sandbox",
            "id": org.seeded.org_id,
            "created": created,
            "lastUpdated": created,
            "expiresAt": None,
            "status": "ACTIVE",
            "subdomain": (urlsplit(base).hostname or "").partition(".")[0],
            "_links": {
                "preferences": {"href": f"{base}/v1/org/preferences"},
                "uploadLogo": {
                    "href": f"{base}{SETTINGS}/logo",
                    "hints": {"allow": ["POST"]},
                },
                "oktaCommunication": {"href": f"{base}{SETTINGS}/privacy/oktaCommunication"},
                "logo": None,
                "oktaSupport": {"href": f"{base}{SETTINGS}/privacy/oktaSupport"},
                "contacts": {"href": f"{base}{SETTINGS}/contacts"},
            },
        }
    )


def read_metadata(org: Org, call: Call) -> Answer:
    """Answer with the org's id and engine, to anybody."""
    links: dict[str, Json] = {"organization": {"href": call.request.base_url}}
    return render_json({"id": org.seeded.org_id, "_links": links, "pipeline": "idx"})


ROUTES = (
    Route("GET", SETTINGS, read_settings, "management", "api", "okta.orgs.read"),
    Route("GET", "/.well-known/okta-organization", read_metadata, "oauth", None),
)
