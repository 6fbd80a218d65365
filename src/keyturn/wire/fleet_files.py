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
    are done at once; with ``keepGoing`` also those behind one that cannot be done.
    """

    plan_hash: Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
    credential: Annotated[dict[Reference, Value], Field(max_length=REFERENCES_MAX, repr=False)] = (
        Field(default_factory=dict, repr=False)
    )
    most: Annotated[Whole, Field(ge=1, le=AT_ONCE_MAX)] = 20
    keep_going: StrictBool = False


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
    calls: int
    fields: tuple[FleetField, ...]


class FleetItem(Wire):
    """Something that is there."""

    kind: str
    name: str


class FleetPlanAnswer(Wire):
    """What applying a file will do, in order.

    ``left`` is there, is not in the file and stays. ``references`` are where credentials come from
    that applying takes. ``calls`` are management calls of Okta at most, and ``seconds`` how long
    they take at the allowed rate.
    """

    changes: tuple[FleetChange, ...]
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
