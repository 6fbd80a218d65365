"""The apps of the org and the rotations that keep them: who they are, not what happens to them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from functools import partial
from typing import Final

from keyturn.cli.showcase.history import Act
from keyturn.cli.showcase.stage import Stage
from keyturn.domain.okta import CredentialKind, KeyAlgorithm
from keyturn.domain.rotation import SecretsMapping
from keyturn.domain.schedule import Schedule
from keyturn.domain.turn import Overlap
from keyturn.sandbox import AppDraft
from keyturn.sandbox.state.keys import render_public
from keyturn.services.onboarding import RotationDraft, create_rotation
from keyturn.services.policies import PolicyChange
from keyturn.services.projects import Where

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HOUR_S, DAY_S = 3600, 86_400

WEB: Final = Where("example", "prod", "/web")
API: Final = Where("example", "prod", "/api")
STAGING: Final = Where("example", "staging")
DEV: Final = Where("example", "dev")
OFFICE: Final = Where("back-office", "prod")

QUICK: Final = PolicyChange(overlap_s=HOUR_S, soak_s=DAY_S)
SLOW: Final = PolicyChange(overlap_s=DAY_S, soak_s=3 * DAY_S)
BY_EVIDENCE: Final = PolicyChange(
    overlap=Overlap.EVIDENCE, overlap_s=HOUR_S, soak_s=DAY_S, backstop_s=7 * DAY_S
)
UNTIL_NEXT: Final = PolicyChange(overlap=Overlap.UNTIL_NEXT, soak_s=DAY_S)

CALLBACKS: Final = ("http://127.0.0.1:8765/callback",)
"""Where `keyturn connection authorize --port 8765` listens."""
LOG_IN: Final = "keyturn-log-in"
"""The app by which people log in to Keyturn itself."""
LOGS_IN: Final = ("authorization_code", "refresh_token")


@dataclass(frozen=True)
class Part:
    """An app, and the rotation that keeps its client secret.

    ``days`` are between two turns by the schedule, 0 for none; the last of ``turns`` came ``ago``
    before the end, on the full hour before that. ``scopes`` are those of Okta's API that the app
    was granted.
    """

    name: str
    label: str
    where: Where
    days: int
    ago: timedelta
    turns: int
    policy: PolicyChange = field(default_factory=PolicyChange)
    kind: CredentialKind = CredentialKind.CLIENT_SECRET
    cron: str = ""
    windows: str = ""
    scopes: tuple[str, ...] = ()

    def last_at(self, end: datetime) -> datetime:
        """Return when its last turn began."""
        return (end - self.ago).replace(minute=0, second=0, microsecond=0)

    def turned_at(self, end: datetime) -> list[datetime]:
        """Return when its turns began."""
        return [self.last_at(end) - n * self.days * DAY for n in reversed(range(self.turns))]

    def made_at(self, end: datetime) -> datetime:
        """Return when the rotation was created: an hour before what would be a turn."""
        return self.last_at(end) - self.turns * self.days * DAY - HOUR


PARTS: Final = (
    Part("customer-portal", "Customer Portal", WEB, 30, 30 * HOUR, 3, SLOW),
    Part("checkout", "Checkout", WEB, 30, 9 * HOUR, 3, BY_EVIDENCE),
    Part("mobile-gateway", "Mobile API Gateway", API, 7, 3 * DAY, 13, QUICK),
    Part("order-service", "Order Service", API, 14, 5 * DAY, 6, QUICK),
    Part("partner-portal", "Partner Portal", API, 30, 12 * DAY, 2, UNTIL_NEXT),
    Part("search-indexer", "Search Indexer", API, 45, 20 * DAY, 1, BY_EVIDENCE),
    Part("warehouse-sync", "Warehouse Sync", STAGING, 30, 2 * DAY, 3, QUICK),
    Part("marketing-site", "Marketing Site", STAGING, 45, 20 * HOUR, 2, SLOW),
    Part("storefront-dev", "Storefront (dev)", DEV, 0, 94 * DAY, 0),
    Part("grafana", "Grafana", OFFICE, 89, 8 * DAY, 1, SLOW),
    Part("jenkins", "Jenkins CI", OFFICE, 0, 58 * DAY, 0, QUICK, cron="0 3 * * sun"),
    Part("sales-reports", "Sales Reports", OFFICE, 60, 38 * DAY, 1, QUICK),
    Part(
        "workflows",
        "Okta Workflows OAuth",
        OFFICE,
        30,
        11 * DAY,
        2,
        QUICK,
        scopes=("okta.users.read", "okta.apps.read", "okta.devices.read"),
    ),
    Part(
        "hr-export",
        "HR Directory Export",
        OFFICE,
        30,
        16 * DAY,
        2,
        QUICK,
        CredentialKind.CLIENT_KEY,
    ),
    Part(LOG_IN, "Keyturn Log-in", OFFICE, 30, 21 * DAY, 1, QUICK),
    Part("data-warehouse", "Data Warehouse Loader", OFFICE, 30, 33 * DAY, 2, QUICK),
)


FREE: Final = (("support-desk", "Support Desk"), ("payroll", "Payroll Bridge"))
"""Apps that no rotation keeps, for whoever wants to make one: by name, with their labels."""
FREE_CROWDED: Final = ("invoices", "Invoice Archive")
"""Another, which gets a second client secret in time: it takes the room that a turn needs."""


async def add_free(stage: Stage) -> None:
    """Let people make apps at Okta's console that nobody brings to Keyturn."""
    with stage.org.at_console():
        for name, label in (*FREE, FREE_CROWDED):
            draft = AppDraft(label, grant_types=LOGS_IN, redirect_uris=CALLBACKS)
            stage.app_ids[name] = stage.org.create_app(draft).id


def arrivals(end: datetime) -> Iterator[Act]:
    """Tell when each app comes under its rotation."""
    return (Act(part.made_at(end), partial(_arrive, part=part, end=end)) for part in PARTS)


async def _arrive(stage: Stage, *, part: Part, end: datetime) -> None:
    keys = part.kind.rules.are_keys
    app = stage.org.create_app(
        AppDraft(
            part.label,
            auth_method="private_key_jwt" if keys else "client_secret_basic",
            grant_types=LOGS_IN,
            redirect_uris=CALLBACKS,
            jwks=(render_public(stage.org.keys.service),) if keys else (),
            granted_scopes=part.scopes,
        )
    )
    seen = await create_rotation(stage.world, stage.admin, _draft(stage, part, app.id, end))
    stage.app_ids[part.name] = app.id
    stage.rotation_ids[part.name] = seen.rotation.id


def _draft(stage: Stage, part: Part, app_id: str, end: datetime) -> RotationDraft:
    name = part.name.replace("-", "_").upper()
    at = time(part.last_at(end).hour)
    schedule = Schedule(part.days or 30, at, automatic=bool(part.days or part.cron), cron=part.cron)
    return RotationDraft(
        part.name,
        f"The client credential of {part.label}.",
        part.where,
        stage.connection_id,
        app_id,
        SecretsMapping(f"{name}_CLIENT_ID", f"{name}_CLIENT_SECRET"),
        schedule,
        policy=part.policy,
        kind=part.kind,
        algorithm=KeyAlgorithm.ES256,
    )
