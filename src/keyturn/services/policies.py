"""How long turns take their time: what somebody asks for, within what the operator allows."""

from dataclasses import asdict, dataclass, replace

from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.domain.lengths import spoken
from keyturn.domain.turn import Overlap, Policy
from keyturn.services.ports import Limits


@dataclass(frozen=True)
class PolicyChange:
    """What to change of a policy; None leaves a field as it is (see `Policy`)."""

    overlap: Overlap | None = None
    overlap_s: int | None = None
    soak_s: int | None = None
    backstop_s: int | None = None
    quiet_s: int | None = None
    log: bool | None = None
    repair: bool | None = None


def changed_policy(limits: Limits, policy: Policy, change: PolicyChange) -> Policy:
    """Return the policy with what was asked for. Raises InvalidInput for what does not fit."""
    asked = {name: value for name, value in asdict(change).items() if value is not None}
    floor_s = limits.overlap_floor_s
    after = replace(policy, **asked, floor_s=floor_s)
    _require(after.overlap_s >= floor_s, "overlapSeconds", _at_least(floor_s))
    _require(after.soak_s >= 0, "soakSeconds", "must not be negative")
    _require(after.quiet_s > 0, "quietSeconds", "must be positive")
    longer = f"must be longer than the overlap of {spoken(after.overlap_s)}"
    _require(after.backstop_s > after.overlap_s, "backstopSeconds", longer)
    return after


def _at_least(floor_s: int) -> str:
    return f"must be at least {floor_s}: readers may keep a secret that long"


def _require(fits: bool, field: str, rule: str) -> None:  # noqa: FBT001  the one thing it is about
    if not fits:
        raise InvalidInput(FieldProblem((field,), rule))
