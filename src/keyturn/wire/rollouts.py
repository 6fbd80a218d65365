"""Rollouts: many rotations turned in waves, planned first (ours)."""

from typing import Annotated, Literal

from pydantic import Field

from keyturn.wire.base import Instant, Text, Trimmed, Whole, Wire

PAGE_MAX = 1000
SELECTOR_MAX = 1000
REASON_MAX = 500
WAVES_MAX = 50
NUMBER_MAX = 2**53

State = Literal["awaiting", "running", "halted", "finished", "abandoned"]
Standing = Literal["waiting", "turning", "closed", "done", "failed", "skipped", "inactive"]
GoOnAt = Literal["overlapping", "soaking", "finished"]
Wave = Annotated[str, Field(max_length=SELECTOR_MAX)]
Number = Annotated[Whole, Field(ge=1, le=NUMBER_MAX)]
Hash = Annotated[Trimmed, Field(max_length=64)]


class PlanRollout(Wire):
    """A rollout as it is asked for; an empty selector picks every rotation.

    ``waves`` are ``preview``, ``rest``, a share like ``10%``, a number, or a selector; each takes
    of those that are left. ``goOnAt`` is how far the turns of a wave are when the next begins, and
    ``approvals`` is whether each wave waits for a second person.
    """

    name: Text
    reason: Annotated[str, Field(max_length=REASON_MAX)] = ""
    selector: Annotated[str, Field(max_length=SELECTOR_MAX)] = ""
    waves: Annotated[tuple[Wave, ...], Field(max_length=WAVES_MAX)] = ()
    approvals: bool = False
    go_on_at: GoOnAt = "finished"


class StartRollout(PlanRollout):
    """The rollout that was planned, by the hash of its plan."""

    plan_hash: Hash


class PlannedMember(Wire):
    """Who turns in which wave, and why there; ``behind`` is who has to be good before.

    ``warnings`` tell what is on record that may stop it, and whom in a Preview org it does not wait
    for, because the rollout leaves that out.
    """

    number: int
    wave: int
    rotation_id: str
    app_id: str
    name: str
    label: str
    owner: str
    connection: str
    why: str
    behind: int | None
    warnings: tuple[str, ...]


class PlannedWave(Wire):
    """A wave: how it was cut, how many turn in it, what it asks of Okta.

    ``lastsS`` is how long after it begins the next may begin.
    """

    number: int
    cut: str
    members: int
    calls: int
    lasts_s: int


class RolloutPlan(Wire):
    """What a rollout will do; nothing has been done. It is started by ``planHash``.

    The last wave begins after ``lastBeginsS``, and every turn has finished after ``lastsS``,
    approvals aside.
    """

    name: str
    reason: str
    selector: str
    approvals: bool
    go_on_at: GoOnAt
    waves: tuple[PlannedWave, ...]
    members: tuple[PlannedMember, ...]
    calls: int
    last_begins_s: int
    lasts_s: int
    plan_hash: str


class RolloutPlanAnswer(Wire):
    """One plan."""

    plan: RolloutPlan


class RolloutWave(Wire):
    """A wave: how it was cut, and how many of its members stand how."""

    number: int
    cut: str
    members: int
    standings: dict[str, int]


class RolloutApproval(Wire):
    """Who has let a wave go, and until when that is good."""

    wave: int
    by: str
    name: str
    at: Instant
    expires_at: Instant


class Rollout(Wire):
    """A rollout, where it stands, and why; ``wave`` is the one under way or waited for."""

    id: str
    name: str
    reason: str
    selector: str
    state: State
    told: str
    wave: int
    waves: tuple[RolloutWave, ...]
    approvals_wanted: bool
    approvals: tuple[RolloutApproval, ...]
    go_on_at: GoOnAt
    plan_hash: str
    created_by: str
    creator: str
    created_at: Instant
    ended_at: Instant | None


class RolloutAnswer(Wire):
    """One rollout."""

    rollout: Rollout


class RolloutSummary(Wire):
    """A rollout in a list: where it stands, and why."""

    id: str
    name: str
    reason: str
    state: State
    told: str
    wave: int
    waves: int
    creator: str
    created_at: Instant
    ended_at: Instant | None


class RolloutsAnswer(Wire):
    """The rollouts of the organization, the newest first."""

    rollouts: tuple[RolloutSummary, ...]


class RolloutMember(Wire):
    """A rotation of a rollout, and how it stands; ``phase`` is its turn's, ``told`` what failed.

    While it waits, ``warnings`` tell what may stop it, as in the plan.
    """

    number: int
    wave: int
    rotation_id: str
    app_id: str
    name: str
    why: str
    behind: int | None
    standing: Standing
    told: str
    turn_id: str | None
    phase: str | None
    begun_at: Instant | None
    closed_at: Instant | None
    ended_at: Instant | None
    warnings: tuple[str, ...]


class RolloutMembersQuery(Wire):
    """Which members are wanted: all, those that stand so, or those of a wave."""

    standing: Standing | None = None
    wave: Annotated[int, Field(ge=1, le=NUMBER_MAX)] | None = None
    offset: Annotated[int, Field(ge=0, le=NUMBER_MAX)] = 0
    limit: Annotated[int, Field(ge=1, le=PAGE_MAX)] = 100


class RolloutMembersAnswer(Wire):
    """Some of the ``total`` members that are wanted, by number."""

    members: tuple[RolloutMember, ...]
    total: int


class ApproveRollout(Wire):
    """A wave that may go, of the plan that was looked at."""

    wave: Number
    plan_hash: Hash


class ContinueRollout(Wire):
    """What is left out, by numbers; everybody else that failed gets another turn."""

    skip: Annotated[tuple[Number, ...], Field(max_length=PAGE_MAX)] = ()


class AbortRollout(Wire):
    """Whether turns that nobody has been served yet are taken back."""

    abort_turns: bool = False
