"""What compliance finds, in the words and tones of pages."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final

from keyturn.domain.compliance import (
    ComplianceFinding,
    CompliancePolicy,
    FindingKind,
    PolicyException,
    Severity,
)

KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        FindingKind.TOO_OLD: "Too old",
        FindingKind.TWO_ACTIVE: "Two accepted for too long",
        FindingKind.UNUSED: "Unused",
        FindingKind.SECRET_ON_PUBLIC_CLIENT: "Client secret of a public client",
        FindingKind.WEAK_VALUE: "Weak value",
        FindingKind.UNMANAGED: "Kept by no rotation",
        FindingKind.ACCESS_OVER_PRIVILEGED: "Keyturn may do too much",
        FindingKind.ACCESS_NOT_KNOWN: "Keyturn's access is not known",
        FindingKind.INVENTORY_STALE: "Apps not known",
    }
)
TONES: Final[Mapping[Severity, str]] = MappingProxyType(
    {Severity.HIGH: "bad", Severity.MEDIUM: "warn", Severity.LOW: "idle"}
)


def standing_of(one: ComplianceFinding) -> tuple[str, str]:
    """Return how a finding stands, in a word and a tone."""
    if one.excused_by:
        return "excused", "idle"
    return one.severity.value, TONES[one.severity]


def asks_of(policy: CompliancePolicy) -> Sequence[str]:
    """Return what a policy asks, besides what every policy asks."""
    days = (
        ("no older than", policy.max_age_days),
        ("two accepted for at most", policy.max_overlap_days),
        ("idle for at most", policy.unused_days),
    )
    told = [f"{text} {_days(count)}" for text, count in days if count is not None]
    return [*told, *(["kept by a rotation"] if policy.managed else [])]


def state_of(one: PolicyException, now: datetime) -> tuple[str, str]:
    """Return how an exception stands, in words and a tone."""
    if not one.in_force(now):
        return "expired", "idle"
    return ("about to expire", "warn") if one.about_to_expire(now) else ("in force", "good")


def _days(count: int) -> str:
    return "a day" if count == 1 else f"{count} days"
