"""What one look at a store counts, for those who watch an installation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from keyturn.domain.budget import Window
from keyturn.domain.compliance_reports import ComplianceReport
from keyturn.domain.destination import State as Delivering
from keyturn.domain.drift import Kind as Drift
from keyturn.domain.inventory import Inventory
from keyturn.domain.leaks import State as Reported
from keyturn.domain.oauth.lights import Light
from keyturn.domain.reasons import Reason
from keyturn.domain.rollout import Standing
from keyturn.domain.rollout import State as Running
from keyturn.domain.turn import Phase


@dataclass(frozen=True)
class Figures:
    """How an installation stands, in numbers; nothing in it names an app, a secret or a person.

    ``next_turn_at`` is when the next scheduled turn starts; ``late`` counts those that should have
    long ago. ``turns`` are the open ones, ``paused`` those of them that somebody has paused, and
    ``blocked`` those that stand still for a reason. ``overlapping_since`` is when the oldest turn
    came into its overlap that is not meant to last until the next one. ``due_since`` tells of what
    is due since when, by the name of its queue.
    ``tried`` counts destinations that are tried again, ``untold`` notices that have not arrived at
    the first try, ``unheard`` the channels at which nothing arrives. ``unreached`` counts
    connections to Okta whose comparison fails. ``closings`` are the apps of emergencies that are
    not over, ``rollouts`` those in waves, and ``leaks`` leak reports that nobody has ended;
    ``unattended`` are those of them whose secret Okta may accept, and that no emergency closes.
    ``backed_up_at`` is when the last backup was made here, None where none was; ``installed_at``
    when the installation was set up.
    """

    rotations: int = 0
    next_turn_at: datetime | None = None
    late: int = 0
    turns: Mapping[Phase, int] = field(default_factory=dict)
    blocked: Mapping[Reason, int] = field(default_factory=dict)
    paused: int = 0
    overlapping_since: datetime | None = None
    due_since: Mapping[str, datetime] = field(default_factory=dict)
    destinations: Mapping[Delivering, int] = field(default_factory=dict)
    tried: int = 0
    connections: Mapping[Light, int] = field(default_factory=dict)
    registrations: Mapping[Light, int] = field(default_factory=dict)
    untold: int = 0
    unheard: int = 0
    findings: Mapping[Drift, int] = field(default_factory=dict)
    okta_connections: int = 0
    unreached: int = 0
    closings: Mapping[Standing, int] = field(default_factory=dict)
    rollouts: Mapping[Running, int] = field(default_factory=dict)
    leaks: Mapping[Reported, int] = field(default_factory=dict)
    unattended: int = 0
    backed_up_at: datetime | None = None
    installed_at: datetime | None = None


@dataclass(frozen=True)
class Observed:
    """What was seen at ``at``; without ``figures`` the store could not be looked at.

    ``reports`` are the newest of each organization that has policies.
    """

    at: datetime
    figures: Figures | None
    windows: Sequence[Window] = ()
    inventories: Sequence[Inventory] = ()
    reports: Sequence[ComplianceReport] = ()
