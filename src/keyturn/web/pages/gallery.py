"""The gallery: every part that pages are made of, in every state, with data that never changes.

It is how the parts are looked at, photographed and compared; it reads nothing of the installation.
"""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final

from markupsafe import Markup
from starlette.responses import Response

from keyturn.web.menu import MenuItem
from keyturn.web.pictures.ages import Age, bins_by_share, draw_ages
from keyturn.web.pictures.budget import Budget, draw_budget
from keyturn.web.pictures.closing import draw_closing
from keyturn.web.pictures.graph import draw_graph
from keyturn.web.pictures.nodes import Edge, Node
from keyturn.web.pictures.shares import Part, Row, draw_shares
from keyturn.web.pictures.slots import Slot, draw_slots
from keyturn.web.pictures.sparkline import Bar, draw_bars, draw_sparkline
from keyturn.web.pictures.trend import Point, draw_trend
from keyturn.web.routing import open_page
from keyturn.web.visiting import Visit

NOW: Final = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)


def _ago(**parts: float) -> datetime:
    return NOW - timedelta(**parts)


TURN: Final = (
    {
        "name": "Planned",
        "state": "done",
        "at": _ago(minutes=16),
        "text": "The app is active, its secret is ours, and Okta has room for a second one.",
    },
    {
        "name": "Written",
        "state": "done",
        "at": _ago(minutes=16),
        "facts": [("Version", "8"), ("Intended hash", "yk4kE0dzXcVZQJ0uGqEo1Q")],
    },
    {
        "name": "Issued",
        "state": "done",
        "at": _ago(minutes=15),
        "text": "Okta has the new secret beside the old one.",
        "facts": [
            ("Okta's id", "ocs2f4zrZbs8nUa7p0g4"),
            ("Asked again", "once, after a lost answer"),
        ],
        "evidence": [
            "POST /api/v1/apps/0oa1gjh63g214q0Hq0g4/credentials/secrets: no answer for 10 s",
            "GET /api/v1/apps/0oa1gjh63g214q0Hq0g4/credentials/secrets: the hash is listed, ACTIVE",
        ],
    },
    {"name": "Verified", "state": "done", "at": _ago(minutes=15)},
    {"name": "Promoted", "state": "done", "at": _ago(minutes=15), "text": "Readers get version 8."},
    {"name": "Delivered", "state": "done", "at": _ago(minutes=14)},
    {
        "name": "Overlapping",
        "state": "current",
        "at": _ago(minutes=14),
        "text": "Both secrets work. The old one retires when nobody uses it any more.",
        "facts": [
            ("Overlap ends", "at the earliest in 46 min"),
            ("Readers", "3 of 4 hold version 8"),
        ],
        "evidence": [
            "checkout-api was given version 8 four minutes ago",
            "billing-worker still holds version 7",
            "Okta's System Log: the old hash was last used nine minutes ago from 203.0.113.7",
        ],
    },
    {"name": "Retired", "state": "coming", "text": "The old secret is deactivated."},
    {"name": "Soaking", "state": "coming", "text": "An hour in which it can be reinstated."},
    {"name": "Finished", "state": "coming"},
)

TURN_FAILED: Final = (
    {"name": "Planned", "state": "done", "at": _ago(hours=3)},
    {"name": "Written", "state": "done", "at": _ago(hours=3)},
    {
        "name": "Issued",
        "state": "failed",
        "status": "blocked: the org's administrator must act",
        "at": _ago(hours=3),
        "text": "Okta refused to add a secret: the maximum number of secrets is reached. "
        "ocs9k1 is not Keyturn's. Remove it, or consent to its retirement.",
        "evidence": ["HTTP 400: Api validation failed (E0000001, request id aRq7XkPz1f3)"],
    },
    {"name": "Verified", "state": "coming"},
)

ROTATIONS: Final = [
    {"app": app, "phase": phase, "tone": tone, "age": age, "days": days, "next": at, "versions": no}
    for app, phase, tone, age, days, at, no in (
        ("Checkout", "overlapping", "busy", 0.02, "1 of 60 days", _ago(days=-59), 8),
        ("Orders of the back office", "fresh", "good", 0.4, "24 of 60 days", _ago(days=-36), 3),
        ("Partner portal", "paused", "idle", 0.71, "64 of 90 days", None, 12),
        ("Legacy sync", "due soon", "warn", 0.96, "29 of 30 days", _ago(hours=-14), 1),
        ("Workflows OAuth", "blocked", "bad", 1.3, "39 of 30 days", _ago(days=9), 2),
    )
]  # fmt: skip

AUDIT: Final = (
    {"number": 1204, "at": _ago(minutes=3), "who": "ada@example.com", "what": "Revealed a value",
     "path": "/example/prod/checkout/CLIENT_SECRET", "allowed": True},
    {"number": 1203, "at": _ago(minutes=14), "who": "turn trn_7Q2", "what": "Deactivated a secret",
     "path": "ocs1abTz9Q0", "allowed": True},
    {"number": 1202, "at": _ago(hours=2), "who": "ci-runner", "what": "Read a secret",
     "path": "/back-office/prod/DB_PASSWORD", "allowed": False},
)  # fmt: skip

FLOW: Final = """\
name: Tell on-call of a blocked turn
on:
  schedule: every 5 minutes
cards:
  - id: blocked
    card: keyturn.list_rotations
    with:
      phase: blocked
  - card: branch.continue_if
    with:
      value: "{{ blocked.count }}"
      is: greater
      than: 0
"""

WAVES: Final = (
    Row("Wave 1", (Part(5, "done", "good"),), "good", "5 of 5", "preview"),
    Row(
        "Wave 2",
        (
            Part(61, "done", "good"),
            Part(22, "closed", "good", faint=True),
            Part(14, "turning", "busy"),
            Part(2, "failed", "bad"),
            Part(1, "left out", "idle"),
            Part(20, "waiting", ""),
        ),
        "bad",
        "62 of 120",
        "10%",
    ),
    Row("Wave 3", (Part(602, "waiting", ""),), "warn", "awaits approval", "50%"),
    Row("Wave 4", (Part(477, "waiting", ""),), "idle", "0 of 477", "rest"),
)
CLOSED: Final = (
    Part(388, "closed", "good", faint=True),
    Part(24, "turning", "busy"),
    Part(3, "NOT CLOSED", "bad"),
    Part(585, "waiting", ""),
)

SAMPLES: Final[dict[str, Any]] = {
    "now": NOW,
    "told": "Paused. The turn stands still; what is served and what Okta holds stay.",
    "sample_menu": [
        MenuItem("Overview", "#menu", "gauge", current=False),
        MenuItem("Rotations", "#menu", "rotate", current=True),
        MenuItem("Secrets", "#menu", "key", current=False),
        MenuItem("Connections", "#menu", "plug", current=False),
    ],
    "tones": [
        ("good", "up to date"),
        ("busy", "overlapping"),
        ("warn", "due soon"),
        ("bad", "blocked"),
        ("idle", "paused"),
    ],
    "colours": [
        "paper", "panel", "sunk", "raised", "line", "edge", "muted", "ink", "accent", "brass",
        "good", "busy", "warn", "bad", "idle",
    ],
    "icons": [
        "logo", "gauge", "home", "rotate", "key", "app", "plug", "flow", "play", "pause", "bolt",
        "shield", "lock", "clock", "calendar", "person", "people", "robot", "cloud", "box",
        "folder", "table", "list", "send", "compare", "chart", "pulse", "bell", "gear", "search",
        "filter", "copy", "check", "cross", "plus", "info", "warning", "stop", "left", "right",
        "down", "menu", "out", "theme", "terminal", "eye", "download", "trash", "edit", "dot",
    ],
    "turn": TURN,
    "turn_failed": TURN_FAILED,
    "rotations": ROTATIONS,
    "entries": AUDIT,
    "flow": FLOW,
    "moments": [_ago(seconds=2), _ago(minutes=14), _ago(hours=5), _ago(days=40), None],
    "seconds": [4.2, 75, 3600, 100_000, 5_184_000],
    "value": "Zq8v3xW1mTn4KpLr7YbUe0sHdJfGcA2i-QoRtXwVyNzBkM5l6EuSaPhDgCjOIF9_",
}  # fmt: skip


@cache
def _pictures() -> dict[str, Markup]:
    ages = [Age(day * 86_400.0, 60 * 86_400.0) for day in (*range(2, 58, 2), 61, 66)]
    slots = (
        Slot("version 7", "ocs1abTz9Q0", "ACTIVE", _ago(days=60), _ago(days=60), _ago(minutes=15)),
        Slot("version 8", "ocs2f4zrZbs8", "ACTIVE", _ago(minutes=16), _ago(minutes=15)),
    )
    nodes = (
        Node("app", "Checkout", "Okta app", "overlapping", "busy", "#turn"),
        Node("api", "checkout-api", "reader", "holds version 8", "good", "#turn"),
        Node("worker", "billing-worker", "reader", "holds version 7", "warn", "#turn"),
        Node("vault", "vault-eu", "destination", "refused it", "bad"),
    )
    edges = (Edge("app", "api"), Edge("app", "worker", "reads"), Edge("app", "vault", dashed=True))
    shares = (0.71, 0.72, 0.7, None, 0.78, 0.84, 0.83, 0.9, 0.96, 1.0)
    days = [
        Point(_ago(days=9 - n), share, f"{share:.0%} of 1,204 apps" if share else "", "#pictures")
        for n, share in enumerate(shares)
    ]
    runs = [Bar(4, told="4 s"), Bar(6, told="6 s"), Bar(9, "bad", "failed after 9 s"), Bar(5)]
    return {
        "ages": draw_ages("sample-ages", bins_by_share(ages, lambda key: f"?age={key}#pictures")),
        "slots": draw_slots("sample-slots", slots, now=NOW),
        "graph": draw_graph("sample-graph", nodes, edges, title="What uses Checkout's secret"),
        "trend": draw_trend("sample-trend", days, title="Apps in no breach"),
        "waves": draw_shares("sample-waves", WAVES, title="Waves of a rollout"),
        "closing": draw_closing(
            "sample-closing",
            CLOSED,
            [_ago(minutes=16, seconds=-2.4 * n) for n in range(388)],
            begun_at=_ago(minutes=16, seconds=30),
            until=NOW,
        ),
        "budget": draw_budget(
            "sample-budget", Budget(600, 210, 60, "in 24 s"), title="Calls that Okta allows"
        ),
        "sparkline": draw_sparkline(
            "sample-line", [3, 4, 4, 7, 5, None, 6, 8], title="Reads an hour", tone="busy"
        ),
        "bars": draw_bars("sample-bars", runs, title="The last runs"),
    }


async def show(visit: Visit) -> Response:
    """Show all of it."""
    return visit.render("gallery.html", **SAMPLES, pictures=_pictures())


ROUTES: Final = (open_page("/gallery", show),)
