"""Secrets of a folder from a text and to a text: what one would change, and what the folder gives.

A plan says what each name is to the folder, and never a value. Between the plan and the change the
values lie with whoever asked, sealed: they open only for the same caller and folder, and not later
than an hour after.
"""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from keyturn.domain import names
from keyturn.domain.access import Caller
from keyturn.domain.errors import FieldProblem, InvalidInput, Refused, RootKeyUnknown, SealBroken
from keyturn.domain.project import Place
from keyturn.domain.secret import Copy
from keyturn.domain.sensitive import Sensitive
from keyturn.formats.errors import FormatError
from keyturn.formats.prevailing import Named, prevailing
from keyturn.formats.reading import parse
from keyturn.formats.rendering import render
from keyturn.services.ports import World
from keyturn.services.projects import Where, read_place, resolve_project
from keyturn.services.sealing import open_members, seal_members
from keyturn.services.secret_changes import (
    Absent,
    Edit,
    SecretChange,
    create_secrets,
    update_secrets,
)
from keyturn.services.secrets import PLAIN, Listing, ReadSecret, Wish, list_secrets

NAMES_MAX: Final = 1_000
LASTS: Final = timedelta(hours=1)
MOVED: Final = "The folder has changed since the plan was made: look at the new plan."
OVER: Final = "The plan is too old, or not one of yours: give the text again."


class _Sort(Enum):
    """What a name is to a folder, in the order in which a plan says it."""

    NEW, CHANGED, SAME, ROTATED = range(4)


@dataclass(frozen=True)
class FilePlan:
    """The names of a text by what they are to the folder; never a value.

    ``rotated`` are kept by a rotation and are not written by hand. ``sealed`` is what there is to
    write.
    """

    new: Sequence[str]
    changed: Sequence[str]
    same: Sequence[str]
    rotated: Sequence[str]
    sealed: str = ""

    def to_write(self, *, overwrite: bool) -> Sequence[str]:
        """Return the names that are to be written."""
        return [*self.new, *self.changed] if overwrite else self.new


@dataclass(frozen=True)
class Written:
    """A folder as a text in one of the formats, and how many secrets are in it."""

    text: Sensitive
    count: int


async def plan_file(
    world: World, caller: Caller, where: Where, text: Sensitive, form: str
) -> FilePlan:
    """Compare a text with what a folder has, which is on record as a read; nothing is changed.

    Raises InvalidInput for what is no text of the format, Forbidden, NotFound, and Refused for an
    unknown folder.
    """
    values = _values(text, form)
    plan = _compared(await _there(world, caller, where), values)
    place = await _place(world, where)
    told = {
        "values": Sensitive(json.dumps(values)),
        "plan": Sensitive(_key(plan)),
        "at": Sensitive(world.clock.now().isoformat()),
    }
    sealed = seal_members(world, place.project, _parcel(caller, place), told)
    return replace(plan, sealed=base64.urlsafe_b64encode(sealed).decode())


async def store_file(
    world: World, caller: Caller, where: Where, sealed: str, *, overwrite: bool
) -> Sequence[str]:
    """Write what a plan says, all or nothing, and return the names that were written.

    Raises what `plan_file` and the writing of secrets raise, and Refused where the plan is not good
    any more.
    """
    there = await _there(world, caller, where)
    told = _opened(world, caller, await _place(world, where), sealed)
    values: Mapping[str, str] = json.loads(told["values"].reveal())
    plan = _compared(there, values)
    if _key(plan) != told["plan"].reveal():
        raise Refused(MOVED)
    chosen = plan.to_write(overwrite=overwrite)
    edits = [Edit(where, name, SecretChange(Sensitive(values[name]))) for name in chosen]
    if overwrite:
        await update_secrets(world, caller, edits, Absent.CREATE)
    else:
        await create_secrets(world, caller, edits)
    return chosen


async def export_folder(
    world: World, caller: Caller, where: Where, form: str, *, recursive: bool = False
) -> Written:
    """Write down what a folder gives, imports included, with its values; all of it or nothing.

    Raises Forbidden, NotFound, and Refused for an unknown folder or a name that the format cannot
    hold.
    """
    wish = Wish(recursive=True) if recursive else PLAIN
    values = _given(await list_secrets(world, caller, where, wish))
    clear = {name: values[name].reveal() for name in sorted(values)}
    try:
        return Written(Sensitive(render(clear, form)), len(clear))
    except FormatError as error:
        raise Refused(str(error)) from None


def _values(text: Sensitive, form: str) -> dict[str, str]:
    try:
        values = parse(text.reveal(), form)
    except FormatError as error:
        raise _wrong(str(error)) from None
    if not 0 < len(values) <= NAMES_MAX:
        raise _wrong(f"There must be 1 to {NAMES_MAX} names with values, not {len(values)}.")
    for name in values:
        if names.secret_name(("text",), name) != name:
            raise _wrong(f"{name}: a name has no space around it.")
    return values


def _wrong(rule: str) -> InvalidInput:
    return InvalidInput(FieldProblem(("text",), rule))


async def _there(world: World, caller: Caller, where: Where) -> Mapping[str, ReadSecret]:
    """Return by name what a folder has; what is opened for that is held by nobody."""
    wish = Wish(expanded=False, imports=False, copy_of=lambda _: Copy.WITHHELD)
    found = await list_secrets(world, caller, where, wish)
    return {each.secret.name: each for each in found.secrets}


def _compared(there: Mapping[str, ReadSecret], values: Mapping[str, str]) -> FilePlan:
    sorts = {name: _sort(there.get(name), values[name]) for name in sorted(values)}
    new, changed, same, rotated = ([n for n in sorts if sorts[n] is each] for each in _Sort)
    return FilePlan(new, changed, same, rotated)


def _sort(there: ReadSecret | None, value: str) -> _Sort:
    if there is None:
        return _Sort.NEW
    if there.secret.rotation_id:
        return _Sort.ROTATED
    return _Sort.SAME if there.value == Sensitive(value) else _Sort.CHANGED


def _key(plan: FilePlan) -> str:
    return json.dumps([[*each] for each in (plan.new, plan.changed, plan.same, plan.rotated)])


async def _place(world: World, where: Where) -> Place:
    project_id = await resolve_project(world, where.project)
    async with world.store.reading() as tx:
        return await read_place(tx, project_id, where)


def _parcel(caller: Caller, place: Place) -> str:
    return f"folder/{place.folder.id}/plan of {caller.id}"


def _opened(world: World, caller: Caller, place: Place, sealed: str) -> Mapping[str, Sensitive]:
    try:
        raw = base64.urlsafe_b64decode(sealed.encode())
        told = open_members(world, place.project, _parcel(caller, place), raw)
    except RootKeyUnknown:
        raise
    except (ValueError, SealBroken):
        raise Refused(OVER) from None
    if world.clock.now() > datetime.fromisoformat(told["at"].reveal()) + LASTS:
        raise Refused(OVER)
    return told


def _given(listing: Listing) -> dict[str, Sensitive]:
    return prevailing([_named(one.secrets) for one in listing.imports], _named(listing.secrets))


def _named(found: Sequence[ReadSecret]) -> Iterable[Named[Sensitive]]:
    return [Named(each.secret.name, each.place.folder.path, each.value) for each in found]
