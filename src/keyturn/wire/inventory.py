"""The inventory of connected orgs (ours)."""

from typing import Annotated, Literal

from pydantic import Field

from keyturn.wire.apps import AppRotation, Status
from keyturn.wire.base import TEXT_MAX, Instant, Text, Trimmed, Whole, Wire

PAGE_MAX = 1000
OFFSET_MAX = 10_000_000
SELECTOR_MAX = 1000
RULES_MAX = 10_000

Stage = Literal["listing", "checking", "reading", "following", "fresh"]
"""How far an inventory is: the list of apps is read; apps that it lacks are asked for; the client
secrets of each app are read; what has changed since is read again; all is known."""

AgeBand = Literal["0-30", "30-90", "90-180", "180-365", "365+"]
"""How many days ago a client secret was made."""


class TakeInventory(Wire):
    """Which connection's org to bring up to date, by id or name; without one, every org.

    With ``whole`` all is read again, not only what has changed; a full reading that is under way
    goes on where it is.
    """

    connection: Text | None = None
    whole: bool = False


class InventoryState(Wire):
    """How the inventory of an org stands; ``stage`` is null where nobody has asked for one.

    ``apps`` counts the OAuth apps that are on record by now, ``unread`` those of them whose client
    secrets are not known. ``through`` is the older connection by which the same org is read.
    ``listed`` and ``others`` count OAuth apps and other apps of the full reading that began at
    ``begunAt``, the last one or the one under way; ``wanted`` those whose client secrets are read
    in it, ``read`` those of which they have been, ``refused`` those of which Okta did not let it,
    ``calls`` what it has asked of Okta; ``changed`` the apps that have changed and are still to be
    read again. ``leftSeconds`` is how long it still takes at the ``perMinute`` calls that the rate
    limit lets it make, null where nobody knows yet. Which apps groups have was known at
    ``groupsReadAt``, or is not, as ``groupsTold`` says. ``failure`` is why it does not go on, with
    who must do what.
    """

    connection_id: str
    connection: str
    org: str
    through: str | None
    stage: Stage | None
    begun_at: Instant | None
    apps: int
    unread: int
    listed: int
    others: int
    wanted: int
    read: int
    refused: int
    changed: int
    calls: int
    per_minute: int
    left_seconds: int | None
    completed_at: Instant | None
    known_until: Instant | None
    uses_known_since: Instant | None
    groups_read_at: Instant | None
    groups_told: str
    due_at: Instant | None
    failure: str
    failing_since: Instant | None


class InventoriesAnswer(Wire):
    """How the inventory of each connection's org stands."""

    inventories: tuple[InventoryState, ...]


class ForgottenAnswer(Wire):
    """The inventory of a connection is forgotten."""

    connection: str


class InventoryQuery(Wire):
    """Which apps: a selector like ``label=pay-* grant=client_credentials``, and a page of them.

    ``managed`` is whether a rotation keeps them, ``foreign`` asks for those with client secrets
    that no rotation knows, ``age`` for those with one so old that Okta accepts.
    """

    selector: Annotated[str, Field(max_length=SELECTOR_MAX)] = ""
    managed: bool | None = None
    foreign: bool = False
    age: AgeBand | None = None
    status: Status | None = None
    offset: Annotated[Whole, Field(ge=0, le=OFFSET_MAX)] = 0
    limit: Annotated[Whole, Field(ge=1, le=PAGE_MAX)] = 100


class InventorySecret(Wire):
    """A client secret as Okta listed it last; ``length`` is that of its value, where it was shown.

    ``usedAt`` is its last use that Okta's log has told of, ``known`` whether a rotation has made or
    adopted it.
    """

    id: str
    status: Status
    created_at: Instant
    length: int | None
    used_at: Instant | None
    known: bool


class InventoryApp(Wire):
    """An app as its org listed it last.

    ``readAt`` is when its client secrets were read, null where they are not known; ``told`` says
    why they could not be read. ``groups`` are those that it is assigned to, of those that are read.
    ``managed`` is whether a rotation keeps it; ``rotation`` tells of that one only who may see it,
    and is null otherwise.
    """

    connection: str
    app_id: str
    client_id: str
    label: str
    status: Status
    auth_method: str
    application_type: str
    grant_types: tuple[str, ...]
    groups: tuple[str, ...]
    owner: str
    created_at: Instant
    listed_at: Instant
    read_at: Instant | None
    told: str
    public: bool
    uses_keys: bool
    managed: bool
    rotation: AppRotation | None
    secrets: tuple[InventorySecret, ...]


class InventoryTotals(Wire):
    """What all apps that are wanted come to; ``ages`` counts client secrets that Okta accepts."""

    apps: int
    managed: int
    public: int
    with_keys: int
    unread: int
    secrets: int
    active: int
    foreign: int
    ages: dict[AgeBand, int]
    oldest_at: Instant | None


class InventoryAppsAnswer(Wire):
    """Some of the apps that are wanted, what all of them come to, and how their inventories stand.

    What an inventory that has a ``failure`` tells may be old.
    """

    at: Instant
    apps: tuple[InventoryApp, ...]
    totals: InventoryTotals
    inventories: tuple[InventoryState, ...]


class OwnerRule(Wire):
    """Whose the apps are whose label fits a pattern, in which ``*`` stands for any characters."""

    pattern: Annotated[Trimmed, Field(max_length=TEXT_MAX)]
    owner: Text


class OwnersAnswer(Wire):
    """By which labels apps are whose; of several rules that fit, the first counts."""

    rules: tuple[OwnerRule, ...]


class ReplaceOwners(Wire):
    """The rules to have in place of those that there are."""

    rules: Annotated[tuple[OwnerRule, ...], Field(max_length=RULES_MAX)]
