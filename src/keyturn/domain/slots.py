"""The places that Okta has for an app's credentials, and what is known of what is in them.

Decides from what is on record, and from Okta's list where somebody has asked for it. Okta has two
for client secrets; a turn needs both.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from keyturn.domain.drift import Finding, Kind
from keyturn.domain.ids import CredentialId, SecretHash, VersionNo
from keyturn.domain.okta import Credential, Status
from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import State, Version
from keyturn.domain.turn import Overlap, Phase, Turn

STATUS: Mapping[State, Status] = MappingProxyType(
    {
        State.PENDING: Status.ACTIVE,
        State.CURRENT: Status.ACTIVE,
        State.PREVIOUS: Status.ACTIVE,
        State.RETIRED: Status.INACTIVE,
    }
)
"""What Okta was told last of a version in each state; a destroyed one is in no place."""

SEEN: Mapping[Kind, Status | None] = MappingProxyType(
    {
        Kind.SECRET_DEACTIVATED: Status.INACTIVE,
        Kind.SECRET_REMOVED: None,
        Kind.SECRET_OVERWRITTEN: None,
    }
)
"""What has become of a credential that was found to be otherwise."""


@dataclass(frozen=True)
class Slot:
    """One credential at Okta; ``version`` is ours that it is, None for somebody else's.

    ``status`` is Okta's: as its list shows it, or where nobody asked, as it was told last. None is
    for what its list does not show. ``served_from`` and ``served_to`` are since and until when
    readers are given it, ``retires_at`` when a turn deactivates it at the latest, ``deletes_at``
    when one deletes it.
    """

    okta_id: CredentialId | None
    hash: SecretHash
    status: Status | None
    created_at: datetime | None
    version: VersionNo | None = None
    state: State | None = None
    served_from: datetime | None = None
    served_to: datetime | None = None
    retires_at: datetime | None = None
    deletes_at: datetime | None = None

    @property
    def refused(self) -> bool:
        """Say whether readers are given it although Okta refuses it."""
        return self.state is State.CURRENT and self.status is not Status.ACTIVE


def recorded(
    rotation: Rotation,
    turn: Turn | None,
    versions: Iterable[Version],
    promoted: Mapping[VersionNo, datetime],
) -> Sequence[Slot]:
    """Tell what is in the places by what is on record, what is served first.

    ``turn`` is the open one, ``versions`` those of the client secret, ``promoted`` when readers
    were first given each.
    """
    kept = sorted(
        (each for each in versions if each.state in STATUS and each.hash),
        key=lambda each: (each.state is not State.CURRENT, -each.number),
    )
    slots = [_of_version(each, promoted) for each in kept]
    old = turn.old if turn else None
    if old and old.version is None and all(each.hash != old.hash for each in slots):
        retired = turn is not None and turn.phase in (Phase.RETIRED, Phase.SOAKING)
        status = Status.INACTIVE if retired else Status.ACTIVE
        slots.append(Slot(old.okta_id, old.hash, status, None))
    until = _ends(rotation, turn) if turn else (None, None)
    return [
        replace(each, retires_at=until[0], deletes_at=until[1])
        if old and each.hash == old.hash
        else each
        for each in slots
    ]


def drifted(slots: Sequence[Slot], findings: Iterable[Finding]) -> Sequence[Slot]:
    """Tell the same by what was found to be otherwise, and is not mended."""
    found = {each.subject: each.kind for each in findings if each.kind in SEEN}
    return [
        replace(each, status=SEEN[found[each.okta_id]]) if each.okta_id in found else each
        for each in slots
    ]


def compared(slots: Sequence[Slot], listed: Sequence[Credential]) -> Sequence[Slot]:
    """Tell the same by Okta's list: what it does not show has no status, what is new comes last."""
    found = {each.hash: each for each in listed}
    known = {each.hash for each in slots}
    return [
        *(_as_listed(each, found.get(each.hash)) for each in slots),
        *(
            Slot(each.id, each.hash, each.status, each.created_at)
            for each in listed
            if each.hash not in known
        ),
    ]


def _of_version(version: Version, promoted: Mapping[VersionNo, datetime]) -> Slot:
    status = STATUS[version.state] if version.okta_id else None
    served = version.state is not State.PENDING
    later = min((at for number, at in promoted.items() if number > version.number), default=None)
    return Slot(
        version.okta_id,
        version.hash or SecretHash(""),
        status,
        version.issued_at,
        version.number,
        version.state,
        served_from=promoted.get(version.number, version.created_at) if served else None,
        served_to=later if served and version.state is not State.CURRENT else None,
    )


def _as_listed(slot: Slot, listed: Credential | None) -> Slot:
    if listed is None:
        return replace(slot, status=None)
    return replace(slot, okta_id=listed.id, status=listed.status, created_at=listed.created_at)


def _ends(rotation: Rotation, turn: Turn) -> tuple[datetime | None, datetime | None]:
    """Tell when the old one is deactivated at the latest, and when it is deleted."""
    policy, soak = rotation.policy, timedelta(seconds=rotation.policy.soak_s)
    if turn.phase in (Phase.RETIRED, Phase.SOAKING):
        return None, turn.entered_at + soak
    if turn.phase is not Phase.OVERLAPPING:
        return None, None
    next_at = rotation.next_rotation_at
    retires_at = {
        Overlap.FIXED: turn.entered_at + timedelta(seconds=policy.overlap_s),
        Overlap.EVIDENCE: turn.entered_at + timedelta(seconds=policy.backstop_s),
        Overlap.UNTIL_NEXT: next_at - soak if next_at else None,
    }[policy.overlap]
    return retires_at, retires_at + soak if retires_at else None
