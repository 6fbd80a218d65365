"""A member of a fleet, made of records, for tests of what is told of many."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from storage_kit import CONNECTION, ENVIRONMENT, FOLDER, PROJECT, ROTATION
from turn_kit import NOW

from keyturn.domain.connection import OktaConnection
from keyturn.domain.outlook import Outlook, State
from keyturn.domain.project import Place
from keyturn.domain.rotation import Rotation
from keyturn.domain.turn import Turn

PLACE = Place(PROJECT, ENVIRONMENT, FOLDER)
STORED = replace(ROTATION, created_at=NOW, last_attempted_at=NOW, updated_at=NOW)
WELL = Outlook(State.SCHEDULED)
ORG = replace(CONNECTION, created_at=NOW, reconciled_at=NOW)


@dataclass(frozen=True)
class FakeMember:
    """A rotation with what is around it."""

    rotation: Rotation = STORED
    place: Place = PLACE
    connection: OktaConnection = ORG
    turn: Turn | None = None
    outlook: Outlook = WELL
    issued_at: datetime | None = NOW


def member(**changes: Any) -> FakeMember:  # noqa: ANN401  fields of a member, and of its rotation
    """Make a member; what is no field of it is one of its rotation."""
    own = {name: changes.pop(name) for name in [*changes] if hasattr(FakeMember, name)}
    plain = FakeMember(**own)
    return replace(plain, rotation=replace(plain.rotation, **changes))
