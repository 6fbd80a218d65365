"""The rotations that a caller may see, taken together (ours)."""

from typing import Annotated, Literal

from pydantic import Field

from keyturn.wire.base import TEXT_MAX, Instant, Text, Whole, Wire
from keyturn.wire.budgets import Budget
from keyturn.wire.rotations import RotationType
from keyturn.wire.schedules import State

PAGE_MAX = 1000
OFFSET_MAX = 10_000_000
DUE_MAX = 100

Band = Literal["0-25", "25-50", "50-75", "75-100", "overdue", "none", "unserved"]
"""The age of what is served, in hundredths of what its schedule gives it.

``none`` where nothing limits it, ``unserved`` where nothing is served yet.
"""

Severity = Literal["urgent", "act", "watch"]
"""``urgent``: what is in use fails, or will before long. ``act``: nothing fails, and something
stands still until somebody acts. ``watch``: it goes on by itself, or somebody meant it so."""

Subject = Literal[
    "rotation", "okta-connection", "connection", "destination", "rollout", "emergency", "leak"
]
Concerned = Literal[
    "access-refused",
    "blocked",
    "quarantined",
    "overdue",
    "failed",
    "paused",
    "drifted",
    "connection",
    "destination",
    "uncompared",
    "halted",
    "awaiting",
    "not-closed",
    "leaked",
]


class FleetQuery(Wire):
    """Which rotations: those of a project by id or slug, or all; and how many next turns."""

    project_id: Text | None = None
    due: Annotated[Whole, Field(ge=0, le=DUE_MAX)] = 10


class RotationsQuery(Wire):
    """Which rotations; what is left out leaves it open.

    ``text`` is a part of name, description, place, app id, client id or connection's name.
    """

    project_id: Text | None = None
    text: Annotated[str, Field(max_length=TEXT_MAX)] = ""
    state: tuple[State, ...] = ()
    band: Band | None = None
    offset: Annotated[Whole, Field(ge=0, le=OFFSET_MAX)] = 0
    limit: Annotated[Whole, Field(ge=1, le=PAGE_MAX)] = 50


class FleetRotation(Wire):
    """A rotation in a line; ``phase`` is that of its open turn.

    ``issuedAt`` is since when there is what readers are given, and ``intervalSeconds`` how long
    its schedule lets it be.
    """

    id: str
    name: str
    type: RotationType
    project_id: str
    environment: str
    secret_path: str
    connection: str
    okta_app_id: str
    state: State
    why: str
    phase: str | None
    issued_at: Instant | None
    interval_seconds: int | None
    band: Band
    due_at: Instant | None
    next_rotation_at: Instant | None


class Concern(Wire):
    """One thing that needs somebody; ``told`` says what is wrong, and who must do what.

    ``about`` is what ``id`` and ``name`` are of; ``rotations`` is how many it is a matter of.
    Of a rollout ``since`` is when it was begun, of a leak when it was reported.
    """

    severity: Severity
    kind: Concerned
    about: Subject
    id: str
    name: str
    place: str
    told: str
    since: Instant | None
    rotations: int


class OktaAccess(Wire):
    """Whether Okta let a connection in when it was asked last; ``told`` says why it did not.

    ``at`` is when it last did, or since when it does not.
    """

    id: str
    name: str
    instance_url: str
    state: Literal["works", "refused", "failing", "untried"]
    told: str
    at: Instant | None


class FleetAnswer(Wire):
    """A fleet at a glance: how its rotations stand, ages, what is next, and what needs somebody.

    ``attention`` has what presses most first, ``access`` the connections to Okta by their names.
    """

    at: Instant
    rotations: int
    states: dict[State, int]
    bands: dict[Band, int]
    oldest_seconds: int | None
    median_seconds: int | None
    due_next: tuple[FleetRotation, ...]
    attention: tuple[Concern, ...]
    access: tuple[OktaAccess, ...]
    budgets: tuple[Budget, ...]


class FleetRotationsAnswer(Wire):
    """Some of the ``total`` rotations that are wanted; ``states`` counts them in every state."""

    rotations: tuple[FleetRotation, ...]
    total: int
    states: dict[State, int]
