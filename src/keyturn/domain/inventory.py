"""The inventory: what is known of every app of a connected org, and of its client secrets.

Decides how a reading of an org goes on and when it is to be believed. Knows nothing of calls; holds
no value of a secret.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.domain.ids import (
    AppId,
    ClientId,
    ConnectionId,
    CredentialId,
    OrganizationId,
    SecretHash,
)
from keyturn.domain.okta import SECRET_METHODS, AuthMethod, Credential, Status

LONGEST_TRUST = timedelta(days=7)
"""After so long without a look at Okta's log it is not enough, and all is read again."""

OVERLAPPING_LOOK = timedelta(minutes=5)
"""As much of the log is read twice: events arrive late."""

WITH_SECRETS = SECRET_METHODS | {AuthMethod.NONE}
"""Which apps may have client secrets: one that became a public client keeps those it had."""


GROUPS_MAX = 50
"""Of as many groups it is read which apps they have."""


class Stage(StrEnum):
    """How far the inventory of an org is; the first three are those of a full reading."""

    LISTING = "listing"
    """The list of its apps is read, page by page."""
    CHECKING = "checking"
    """Apps that were there and are not in the list any more are asked for, one by one."""
    READING = "reading"
    """The client secrets of each app are read, one by one."""
    FOLLOWING = "following"
    """Apps that have changed since are read again."""
    FRESH = "fresh"
    """All is read; changes are looked for in Okta's log now and then."""


WHOLE = frozenset({Stage.LISTING, Stage.CHECKING, Stage.READING})
"""The stages of a full reading."""


@dataclass(frozen=True)
class Inventory:
    """The inventory of one org, as one connection sees it.

    ``cursor`` is where the list goes on, or behind which app the checking does. ``listed`` and
    ``others`` count the OAuth apps and the other apps of the full reading that began at
    ``begun_at``; of ``wanted`` of them the client secrets are read, of ``read`` they have been, and
    of ``refused`` Okta did not let them be seen. ``calls`` is what that has asked of Okta so far,
    ``per_minute`` as many as its rate limit lets it ask, 0 where that is not known yet.

    ``pending`` are apps to ask for one by one; where none is left, the following goes on with those
    past ``cursor`` that could not be read. ``completed_at`` is when a full reading ended last, and
    ``log_read_at`` until when changes are known. The uses of client secrets are known from
    ``uses_since`` until ``uses_until``. Of ``groups`` it is still to be read which apps they have.
    Of ``groups_known`` that was read before, of all at ``groups_read_at``; ``groups_told`` says why
    it could not be.
    ``due_at`` is when it goes on. ``failure`` is why it did
    not, last, and ``failing_since`` since when.
    """

    connection_id: ConnectionId
    stage: Stage
    begun_at: datetime
    cursor: str = ""
    listed: int = 0
    others: int = 0
    wanted: int = 0
    read: int = 0
    refused: int = 0
    calls: int = 0
    per_minute: int = 0
    pending: tuple[str, ...] = ()
    completed_at: datetime | None = None
    log_read_at: datetime | None = None
    uses_since: datetime | None = None
    uses_until: datetime | None = None
    groups: tuple[str, ...] = ()
    groups_known: tuple[str, ...] = ()
    groups_read_at: datetime | None = None
    groups_told: str = ""
    due_at: datetime | None = None
    failure: str = ""
    failing_since: datetime | None = None


@dataclass(frozen=True)
class ListedApp:
    """An app as an org listed it last.

    ``auth_method`` and ``application_type`` are Okta's words, also those that no turn knows.
    ``groups`` are those that it is assigned to, of the groups that are read. ``listed_at`` is when
    it was shown last, ``read_at`` when its client secrets were read, None where that is wanted.
    ``told`` is why they could not be, and ``read_at`` since when then. ``gone_at`` is since when
    Okta does not know it.
    """

    connection_id: ConnectionId
    app_id: AppId
    client_id: ClientId
    label: str
    status: Status
    auth_method: str
    application_type: str
    grant_types: tuple[str, ...]
    created_at: datetime
    listed_at: datetime
    read_at: datetime | None = None
    told: str = ""
    gone_at: datetime | None = None
    groups: tuple[str, ...] = ()

    @property
    def asked_for_secrets(self) -> bool:
        """Say whether it may have client secrets, so that they are read."""
        return self.auth_method in WITH_SECRETS

    @property
    def unread(self) -> bool:
        """Say whether it is not known which client secrets it has."""
        return self.read_at is None or bool(self.told)

    @property
    def unread_since(self) -> datetime | None:
        """Return since when Okta does not show its client secrets; None where it does."""
        return self.read_at if self.told else None

    @property
    def public(self) -> bool:
        """Say whether it is a public client (RFC 6749, section 2.1)."""
        return self.auth_method == AuthMethod.NONE

    @property
    def uses_keys(self) -> bool:
        """Say whether it proves itself with a key of its own."""
        return self.auth_method == AuthMethod.PRIVATE_KEY_JWT


@dataclass(frozen=True)
class ListedSecret:
    """A client secret as Okta listed it last; ``length`` is that of its value, where Okta shows it.

    ``used_at`` is its last use that Okta's log has told of.
    """

    connection_id: ConnectionId
    app_id: AppId
    okta_id: CredentialId
    hash: SecretHash
    status: Status
    created_at: datetime
    length: int | None = None
    used_at: datetime | None = None


@dataclass(frozen=True)
class AppCount:
    """How many apps of an org are on record, those that are gone left out.

    Of ``unread`` of them it is not known which client secrets they have.
    """

    connection_id: ConnectionId
    apps: int
    unread: int


@dataclass(frozen=True)
class OwnerRule:
    """Whose the apps are whose label fits a pattern, in which ``*`` stands for any characters.

    Of several that fit, the one with the lowest number counts.
    """

    organization_id: OrganizationId
    number: int
    pattern: str
    owner: str


# --- what Okta shows ------------------------------------------------------------------------------


@dataclass(frozen=True)
class ShownApp:
    """An OAuth app as Okta shows it, whichever way it authenticates."""

    app_id: AppId
    client_id: ClientId
    label: str
    status: Status
    auth_method: str
    application_type: str
    grant_types: tuple[str, ...]
    created_at: datetime


@dataclass(frozen=True)
class AppPage:
    """A page of the list of all apps: the OAuth ones, how many others, and where it goes on.

    ``after`` is empty on the last page.
    """

    apps: tuple[ShownApp, ...]
    others: int
    after: str = ""


@dataclass(frozen=True)
class SecretUses:
    """When client secrets were last used, by hash; all uses after ``since`` are among them."""

    latest: Mapping[SecretHash, datetime]
    since: datetime


def listed_app(
    connection_id: ConnectionId, shown: ShownApp, now: datetime, read_at: datetime | None = None
) -> ListedApp:
    """Note an app as it is shown now; its client secrets are to be read where it has any."""
    app = ListedApp(
        connection_id=connection_id,
        app_id=shown.app_id,
        client_id=shown.client_id,
        label=shown.label,
        status=shown.status,
        auth_method=shown.auth_method,
        application_type=shown.application_type,
        grant_types=shown.grant_types,
        created_at=shown.created_at,
        listed_at=now,
    )
    return (
        app if app.asked_for_secrets and read_at is None else replace(app, read_at=read_at or now)
    )


def listed_secret(app: ListedApp, shown: Credential, used_at: datetime | None) -> ListedSecret:
    """Note a client secret as it is shown now: of its value no more than how long it is."""
    return ListedSecret(
        connection_id=app.connection_id,
        app_id=app.app_id,
        okta_id=shown.id,
        hash=shown.hash,
        status=shown.status,
        created_at=shown.created_at,
        length=len(shown.value.reveal()) if shown.value else None,
        used_at=used_at,
    )


# --- how a reading goes on ------------------------------------------------------------------------


def begun(connection_id: ConnectionId, now: datetime, last: Inventory | None = None) -> Inventory:
    """Begin to read an org as a whole; what was known of it is kept until that is believed."""
    if last is None:
        return Inventory(connection_id, Stage.LISTING, now, due_at=now)
    return replace(
        last,
        stage=Stage.LISTING,
        begun_at=now,
        cursor="",
        listed=0,
        others=0,
        wanted=0,
        read=0,
        refused=0,
        calls=0,
        pending=(),
        due_at=now,
    )


def with_page(inventory: Inventory, page: AppPage) -> Inventory:
    """Go on behind a page of the list; the last one is followed by the checking."""
    return replace(
        inventory,
        stage=Stage.LISTING if page.after else Stage.CHECKING,
        cursor=page.after,
        listed=inventory.listed + len(page.apps),
        others=inventory.others + page.others,
        wanted=inventory.wanted + sum(app.auth_method in WITH_SECRETS for app in page.apps),
    )


def complete(inventory: Inventory, now: datetime) -> Inventory:
    """End a full reading; what has changed since it began is still to be followed."""
    at = inventory.begun_at
    return replace(inventory, stage=Stage.FRESH, completed_at=now, log_read_at=at, due_at=now)


def well(inventory: Inventory) -> Inventory:
    """Note that nothing is wrong any more."""
    return replace(inventory, failure="", failing_since=None)


def with_uses(inventory: Inventory, uses: SecretUses, asked_since: datetime) -> Inventory:
    """Note until when uses are known; where some between could not be read, only from then on."""
    known = inventory.uses_since if inventory.uses_until else None
    gap = uses.since > asked_since
    since = uses.since if gap or known is None else known
    return replace(inventory, uses_since=since, uses_until=inventory.log_read_at)


def trusted_log(inventory: Inventory, now: datetime) -> bool:
    """Say whether changes since the last look can still be followed in Okta's log."""
    since = inventory.log_read_at
    return since is not None and now - since <= LONGEST_TRUST


def with_group(app: ListedApp, group: str, wanted: Collection[str], *, assigned: bool) -> ListedApp:
    """Return an app as it is assigned to a group, or is not; what is not wanted is forgotten."""
    others = {*in_wanted(app, wanted).groups} - {group}
    return replace(app, groups=tuple(sorted({*others, group} if assigned else others)))


def in_wanted(app: ListedApp, wanted: Collection[str]) -> ListedApp:
    """Return an app without the groups that nobody names any more."""
    return replace(app, groups=tuple(each for each in app.groups if each in wanted))


def group_list(text: str) -> tuple[str, ...]:
    """Parse the names of groups, with commas between, each once.

    Raises InvalidInput where there are too many: each costs calls at every look.
    """
    names = tuple(dict.fromkeys(each.strip() for each in text.split(",") if each.strip()))
    if len(names) > GROUPS_MAX:
        raise InvalidInput(FieldProblem(("groups",), f"must be at most {GROUPS_MAX} groups"))
    return names


def seconds_left(inventory: Inventory) -> int | None:
    """Estimate how long a reading takes from now at the allowed rate; None where nobody knows."""
    left = {
        Stage.READING: inventory.wanted - inventory.read - inventory.refused,
        Stage.FOLLOWING: 2 * len(inventory.pending),
        Stage.FRESH: 0,
    }.get(inventory.stage)
    if left is None or (left and not inventory.per_minute):
        return None
    return -(-left * 60 // inventory.per_minute) if left else 0
