"""What is in the places that Okta has for the credentials of a rotation's app."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from keyturn.domain.access import Caller, Verb
from keyturn.domain.budget import Purpose
from keyturn.domain.drift import Finding
from keyturn.domain.ids import VersionNo
from keyturn.domain.rotation import Rotation
from keyturn.domain.slots import Slot, compared, drifted, recorded
from keyturn.domain.turn import Phase
from keyturn.services import gate
from keyturn.services.connections import open_org
from keyturn.services.generated_credentials import list_versions
from keyturn.services.open_turns import open_turn
from keyturn.services.ports import Reading, TurnStep, World
from keyturn.services.projects import place_of, target_of
from keyturn.services.rotations import admit

TURNS = 3
"""As many turns back it is looked since when a version is served: what is older is gone."""


@dataclass(frozen=True)
class Slots:
    """The credentials of a rotation's app; ``checked_at`` is when Okta was asked, if it was."""

    rotation: Rotation
    slots: Sequence[Slot]
    checked_at: datetime | None = None


async def read_slots(
    world: World, caller: Caller, rotation_id: str, *, check_okta: bool = False
) -> Slots:
    """Tell what is in the places at Okta, by what is on record, or by asking. No value is told.

    To ask takes one call, for which the rate limit has to have room: more of it for whoever may
    only look on. Raises NotFound, Forbidden, and OktaError.
    """
    rotation = await admit(world, caller, Verb.READ_ROTATIONS, rotation_id, detail="slots")
    async with world.store.reading() as tx:
        slots = await slots_in(tx, rotation)
        if not check_okta:
            return Slots(rotation, slots)
        target = target_of(await place_of(tx, rotation.folder_id), rotation.connection_id)
        acts = gate.may(caller, Verb.ROTATE, target)
        purpose = Purpose.FINISHING if acts else Purpose.BACKGROUND
        org = await open_org(tx, world, rotation.connection_id, lambda call: None, purpose)
    listed = await org.credentials_of(rotation.app_id, rotation.kind).list()
    return Slots(rotation, compared(slots, listed), world.clock.now())


async def slots_in(tx: Reading, rotation: Rotation) -> Sequence[Slot]:
    """Return what is in the places by what is on record."""
    versions, promoted = await list_versions(tx, rotation), await _promoted(tx, rotation)
    slots = recorded(rotation, await open_turn(tx, rotation), versions, promoted)
    return drifted(slots, await tx.list(Finding, rotation_id=rotation.id, closed_at=None))


async def _promoted(tx: Reading, rotation: Rotation) -> Mapping[VersionNo, datetime]:
    found: dict[VersionNo, datetime] = {}
    for turn in await tx.list_turns(rotation.id, limit=TURNS):
        steps = await tx.list(TurnStep, turn_id=turn.id)
        at = next((step.at for step in steps if step.phase == Phase.PROMOTED), None)
        if at and turn.new and turn.new.version:
            found[turn.new.version] = at
    return found
