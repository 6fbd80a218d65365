"""Fleet files: what is wanted of an installation as one text, planned and applied (ours)."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue, StrictBool, StringConstraints

from keyturn.wire.base import Whole, Wire

FILE_MAX = 768 * 1024
REFERENCE_MAX = 1024
REFERENCES_MAX = 1000
VALUE_MAX = 16_384
AT_ONCE_MAX = 200

Reference = Annotated[str, StringConstraints(max_length=REFERENCE_MAX)]
Value = Annotated[str, StringConstraints(max_length=VALUE_MAX)]
Action = Literal["create", "adopt", "update", "delete"]


class PlanFleet(Wire):
    """A fleet file; ``prune`` has what may go and is not in it removed."""

    text: Annotated[str, Field(max_length=FILE_MAX)]
    prune: StrictBool = False


class ApplyFleet(PlanFleet):
    """A fleet file to be applied, as it was planned.

    ``credential`` holds values by the references that the plan has told. At most ``most`` changes
    are tried at once; with ``keepGoing`` also those behind one that cannot be done. ``passOver`` is
    how many of the first were tried before, in vain.
    """

    plan_hash: Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
    credential: Annotated[dict[Reference, Value], Field(max_length=REFERENCES_MAX, repr=False)] = (
        Field(default_factory=dict, repr=False)
    )
    most: Annotated[Whole, Field(ge=1, le=AT_ONCE_MAX)] = 20
    keep_going: StrictBool = False
    pass_over: Annotated[Whole, Field(ge=0)] = 0


class FleetField(Wire):
    """What is said of a thing, before and after; null is nothing."""

    name: str
    before: JsonValue
    after: JsonValue


class FleetChange(Wire):
    """One thing to do; ``line`` is where the file says it, 0 where it does not."""

    action: Action
    kind: str
    name: str
    line: int
    fields: tuple[FleetField, ...]


class FleetCall(Wire):
    """A call of Okta, below its org's address; ``told`` is what for.

    It is made by that ``second`` from the start, at the rate that Okta allows.
    """

    method: str
    path: str
    told: str
    second: int


class PlannedFleetChange(FleetChange):
    """One thing to do, with the calls of Okta that it takes at most.

    ``app`` is as the file names it, ``label`` what the inventory calls it. It is done by that
    ``second`` from the start.
    """

    org: str
    app: str
    label: str
    calls: tuple[FleetCall, ...]
    second: int


class FleetItem(Wire):
    """Something that is there."""

    kind: str
    name: str


class FleetPlanAnswer(Wire):
    """What applying a file will do, in order.

    ``left`` is there, is not in the file and stays. ``references`` are where credentials come from
    that applying takes. ``calls`` counts the calls of Okta at most, and ``seconds`` is how long
    they take at the allowed rate.
    """

    changes: tuple[PlannedFleetChange, ...]
    left: tuple[FleetItem, ...]
    notes: tuple[str, ...]
    references: tuple[str, ...]
    calls: int
    seconds: int
    plan_hash: str


class FleetFailure(Wire):
    """A change that could not be done, and why; it only has to wait with ``retryAfterSeconds``."""

    change: FleetChange
    why: str
    retry_after_seconds: float | None


class FleetAppliedAnswer(Wire):
    """What was done, what failed, and how much is left; ``planHash`` is that of what is left."""

    done: tuple[FleetChange, ...]
    failed: tuple[FleetFailure, ...]
    left: int
    plan_hash: str


class FleetFileAnswer(Wire):
    """A fleet file."""

    text: str
