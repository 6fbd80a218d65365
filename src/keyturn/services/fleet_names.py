"""Under which names of secrets the rotations of a fleet file are read, and which are taken.

Judged as the changes follow each other: what one gives up is free for the next. Names are told of
only where the caller may make rotations, as they are where one is made.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from keyturn.domain.access import Caller, Target, Verb
from keyturn.domain.errors import FieldProblem
from keyturn.domain.fleetfile.items import Item, Kind, problem_of
from keyturn.domain.ids import EnvironmentId, ProjectId, RotationId
from keyturn.domain.project import Folder
from keyturn.domain.secret import Secret
from keyturn.services import gate
from keyturn.services.fleet_standing import Standing, mapping_fields
from keyturn.services.ports import Reading

Key = tuple[str, ...]


@dataclass
class Names:
    """The names of secrets in folders, each with the rotation that keeps it, if one does."""

    there: Standing
    keepers: dict[tuple[Key, str], Key | None]

    def take(self, item: Item) -> Collection[str]:
        """Give a rotation the names that it asks for, or return those that are taken."""
        asked: Mapping[str, str] = item.fields.get("mapping", {})  # type: ignore[assignment]
        place, wanted = item.key[:3], {*asked.values()}
        taken = [n for n in sorted(wanted) if self.keepers.get((place, n), item.key) != item.key]
        if wanted and not taken:
            before = self.there.rotations.get(item.key)
            for name in mapping_fields(before.rotation.mapping).values() if before else ():
                self.keepers.pop((place, str(name)), None)
            self.keepers |= {(place, each): item.key for each in wanted}
        return taken

    def problems(self, items: Iterable[Item]) -> Iterable[FieldProblem]:
        """Return where rotations ask for names that are taken."""
        for item in items:
            if item.kind is not Kind.ROTATION:
                continue
            if item.key in self.there.apart:
                told = "is that of a rotation that is ending, or that turns a connection's key"
                yield problem_of(item, "name", told)
            taken = self.take(item)
            if taken:
                place = Item(Kind.FOLDER, item.key[:3]).name
                told = f"{', '.join(taken)} is there in {place} already: choose other names"
                yield problem_of(item, "mapping", told)


async def names_in(tx: Reading, caller: Caller, items: Iterable[Item], there: Standing) -> Names:
    """Return the names of secrets in the folders of some rotations."""
    places = {each.key[:3] for each in items if each.kind is Kind.ROTATION}
    near = {each[:2] for each in places if _may(caller, each, there)} & {*there.environments}
    keys = {EnvironmentId(there.environments[each]): each for each in near}
    folders = await tx.list(Folder, environment_id=frozenset(keys)) if keys else ()
    at = {each.id: (*keys[each.environment_id], each.path) for each in folders}
    wanted = frozenset(folder for folder, place in at.items() if place in places)
    secrets = await tx.list(Secret, folder_id=wanted) if wanted else ()
    known = {view.rotation.id: key for key, view in there.rotations.items()}
    keepers = {
        (at[each.folder_id], each.name): known.get(each.rotation_id or RotationId(""))
        for each in secrets
    }
    return Names(there, keepers)


def _may(caller: Caller, place: Key, there: Standing) -> bool:
    project, environment, path = place
    ids = (its_id for its_id, slug in there.projects.items() if slug == project)
    target = Target(ProjectId(next(ids, "")), environment, path)
    return gate.may(caller, Verb.CREATE_ROTATIONS, target)
