"""What every change of a fleet file is done with: who does it, what there is, and credentials."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from keyturn.domain.access import Caller
from keyturn.domain.errors import FieldProblem, InvalidInput, NotFound
from keyturn.domain.fleetfile.items import CREDENTIAL, Action, Fields, Item, Kind
from keyturn.domain.sensitive import Sensitive
from keyturn.services.fleet_standing import Standing
from keyturn.services.ports import World


@dataclass(frozen=True)
class Hands:
    """Who does it, what there is by now, and the values of credentials by their references."""

    world: World
    caller: Caller
    there: Standing
    credentials: Mapping[str, Sensitive]

    def id_of(self, kind: Kind, *key: str) -> str:
        """Return the id of something. Raises NotFound."""
        found = self.there.ids.get((kind, key))
        if found is None:
            raise NotFound(f"There is no {kind} {'/'.join(key)}.")
        return found

    def its_id(self, item: Item) -> str:
        """Return the id of a thing. Raises NotFound."""
        return self.id_of(item.kind, *item.key)

    def before(self, item: Item) -> Fields:
        """Return what is said of a thing that is there."""
        return next(each.fields for each in self.there.items if each.id == item.id)

    def value(self, reference: object, field: str) -> Sensitive:
        """Return what a reference leads to. Raises InvalidInput."""
        found = self.credentials.get(str(reference))
        if found is None:
            told = f"is {reference}" if reference else "is not said"
            rule = f"{told}: a value is needed, by env:NAME, file:PATH or stdin"
            raise InvalidInput(FieldProblem((field,), rule))
        return found

    def authority(self, item: Item) -> Mapping[str, Sensitive]:
        """Return the values of a credential that has several. Raises InvalidInput."""
        told: Mapping[str, Any] = item.fields.get(CREDENTIAL, {})  # type: ignore[assignment]
        return {name: self.value(each, f"{CREDENTIAL}.{name}") for name, each in told.items()}


Way = Callable[[Hands, Item], Awaitable[str]]
"""Does something to a thing, and returns its id, or nothing where it is gone."""
Ways = Mapping[Kind, Mapping[Action, Way]]
