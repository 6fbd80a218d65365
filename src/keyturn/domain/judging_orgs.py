"""Judge how well the apps of an org are known, and what Keyturn's own access there may do.

Decides by what was seen last. Knows nothing of policies: these things are asked of every org.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from keyturn.domain.compliance import STALE_AFTER, ComplianceFinding, FindingKind
from keyturn.domain.connection import Method, OktaConnection
from keyturn.domain.ids import ConnectionId
from keyturn.domain.inventory import Inventory

NEEDED_SCOPES = frozenset(
    {
        "okta.apps.manage",
        "okta.apps.read",
        "okta.appGrants.read",
        "okta.groups.read",
        "okta.logs.read",
        "okta.oauthIntegrations.manage",
        "okta.oauthIntegrations.read",
    }
)
"""What Keyturn makes use of; the first two it has to have."""


@dataclass(frozen=True)
class AccessSight:
    """What Keyturn's own access to an org was seen to be granted.

    ``scopes`` are those of its service app, ``since`` when these were seen first, ``seen_at`` last.
    ``failure`` is why nothing could be seen.
    """

    connection_id: ConnectionId
    scopes: tuple[str, ...]
    since: datetime
    seen_at: datetime
    failure: str = ""


@dataclass(frozen=True)
class OrgSight:
    """A connection to an org, and what is known there.

    ``unread`` is since when each of its apps that does not show its client secrets does not.
    """

    connection: OktaConnection
    inventory: Inventory | None = None
    access: AccessSight | None = None
    unread: Sequence[datetime] = ()

    @property
    def known_at(self) -> datetime | None:
        """Return as of when the apps of the org are known; None before all were read once."""
        if self.inventory is None or self.inventory.completed_at is None:
            return None
        return max(self.inventory.completed_at, self.inventory.log_read_at or _LONG_AGO)

    def current(self, now: datetime) -> bool:
        """Say whether the apps of the org are known as they are by now."""
        known = self.known_at is not None and now - self.known_at <= STALE_AFTER
        return known and not self.unread


_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def findings_of_orgs(orgs: Sequence[OrgSight], now: datetime) -> Iterator[ComplianceFinding]:
    """Give what falls short of each org; one that is reached twice has to be known once."""
    known = {each.connection.instance_url for each in orgs if each.current(now)}
    for org in orgs:
        if org.connection.instance_url not in known:
            known.add(org.connection.instance_url)
            yield _stale(org)
        yield from _of_access(org)


def _stale(org: OrgSight) -> ComplianceFinding:
    inventory = org.inventory
    if inventory is None:
        why, since = "The apps of this org were never read.", org.connection.created_at
    elif org.known_at is None:
        why = f"The apps of this org are being read: {inventory.read} of {inventory.wanted} so far."
        since = inventory.begun_at
    elif org.unread:
        apps = "1 app" if len(org.unread) == 1 else f"{len(org.unread)} apps"
        why = f"The client secrets of {apps} of this org could not be read."
        since = min(org.unread)
    else:
        why = f"What is known of this org's apps is of {org.known_at:%Y-%m-%d %H:%M} UTC."
        since = org.known_at + STALE_AFTER
    told = f" {inventory.failure}" if inventory and inventory.failure else ""
    todo = "Read its inventory; where that fails, mend the connection first."
    return _finding(org, FindingKind.INVENTORY_STALE, f"{why}{told}", todo, since)


def _of_access(org: OrgSight) -> Iterator[ComplianceFinding]:
    sight = org.access
    if org.connection.method is Method.API_TOKEN:
        why = (
            "Keyturn uses an API token here, which may do whatever its administrator may; "
            "Okta does not tell what that is."
        )
        todo = "Connect by a service app that has the scopes which Keyturn uses, and no others."
        since = org.connection.created_at
        yield _finding(org, FindingKind.ACCESS_NOT_KNOWN, why, todo, since)
    elif sight and sight.failure:
        why = f"The scopes of Keyturn's service app cannot be seen: {sight.failure}"
        todo = "Grant okta.appGrants.read to the service app, which lets it see its own."
        yield _finding(org, FindingKind.ACCESS_NOT_KNOWN, why, todo, sight.since)
    elif sight and (extra := sorted({*sight.scopes} - NEEDED_SCOPES)):
        why = f"Keyturn's service app was granted what Keyturn never uses: {', '.join(extra)}."
        todo = "Take these scopes from the service app, or say by an exception why it has them."
        yield _finding(org, FindingKind.ACCESS_OVER_PRIVILEGED, why, todo, sight.since)


def _finding(
    org: OrgSight, kind: FindingKind, why: str, todo: str, since: datetime
) -> ComplianceFinding:
    return ComplianceFinding(
        kind=kind,
        connection_id=org.connection.id,
        connection=org.connection.name,
        why=why,
        todo=todo,
        since=since,
    )
