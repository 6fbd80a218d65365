"""Destinations made and changed. What proves Keyturn there comes back to no page."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from starlette.responses import Response

from keyturn.domain.access import Verb
from keyturn.domain.destination import Destination
from keyturn.domain.destination_kinds import Kind
from keyturn.domain.errors import (
    AddressRefused,
    CallerError,
    FieldProblem,
    InvalidInput,
    KeyturnError,
    NotFound,
)
from keyturn.domain.sensitive import Sensitive
from keyturn.services.destinations import (
    DestinationChange,
    DestinationDraft,
    create_destination,
    update_destination,
)
from keyturn.services.projects import Where, Whole, anywhere_in
from keyturn.web.faults import told_of
from keyturn.web.pages.destinations import LIST, MAKING, ONE, read_view, subject_of
from keyturn.web.pages.destinations_kinds import TITLES, credential_of, settings_of
from keyturn.web.problems import status_of
from keyturn.web.routing import action, page
from keyturn.web.visiting import Visit

GROUPS: Final[Mapping[str, str]] = MappingProxyType({"settings": "set-", "credential": "key-"})
PLAIN: Final[Mapping[str, str]] = MappingProxyType({"secretPath": "path", "secrets": "only"})
PAIR_RULE: Final = "must be NAME=THERE, one a line"


@dataclass(frozen=True)
class Typed:
    """What a form says of a destination; nothing of its credential."""

    name: str = ""
    environment: str = ""
    path: str = "/"
    only: str = ""
    mapping: str = ""
    prefix: str = ""
    required: bool = True
    settings: Mapping[str, str] = field(default_factory=dict)


async def choose(visit: Visit) -> Response:
    """Ask for the kind, or go on where that is said."""
    whole, projects = await visit.projects()
    visit.require(whole.project.name, anywhere_in(whole.project.id), *MAKING)
    kind = next((each for each in Kind if each == visit.query.get("kind")), None)
    if kind:
        path = visit.query.get("path", "/")
        return await _new(visit, whole, kind, Typed(environment=_env(visit), path=path))
    return visit.render(
        "connections/destinations/choose.html", whole=whole, projects=projects, kinds=TITLES
    )


async def create(visit: Visit) -> Response:
    """Store a destination; what its folder holds is brought there at once."""
    whole, _ = await visit.projects()
    kind = next((each for each in Kind if each == visit.said("kind")), None)
    if kind is None:
        raise NotFound(f"There is no kind of destination called {visit.said('kind')}.")
    typed = _typed(visit, kind)
    try:
        draft = DestinationDraft(
            name=typed.name,
            kind=kind,
            where=Where(whole.project.id, typed.environment, typed.path or "/"),
            settings=typed.settings,
            credential=_credential(visit, kind),
            only=tuple(typed.only.split()),
            mapping=_mapping(typed.mapping),
            prefix=typed.prefix,
            required=typed.required,
        )
        made = await create_destination(visit.world, visit.caller, draft)
    except CallerError as error:
        return await _new(visit, whole, kind, typed, error)
    told = "Made. What its folder holds is brought there now."
    return visit.redirect(f"{LIST}/{made.destination.id}", told)


async def show_edit(visit: Visit) -> Response:
    """Ask what is to change of a destination."""
    view = await read_view(visit)
    one = view.destination
    typed = Typed(
        name=one.name,
        only="\n".join(one.only),
        mapping="\n".join(f"{name}={there}" for name, there in one.renamed.items()),
        prefix=one.prefix,
        required=one.required,
        settings=one.setting,
    )
    return await _edit(visit, typed)


async def edit(visit: Visit) -> Response:
    """Change a destination; other settings need the credential again."""
    view = await read_view(visit)
    one = view.destination
    typed = _typed(visit, one.kind)
    try:
        await update_destination(visit.world, visit.caller, one.id, _change(visit, one, typed))
    except NotFound:
        raise
    except CallerError as error:
        return await _edit(visit, typed, error)
    return visit.redirect(f"{LIST}/{one.id}", "Saved. What differs there now is brought again.")


def _change(visit: Visit, one: Destination, typed: Typed) -> DestinationChange:
    """Return what differs: saying again where values go takes more than renaming does."""
    credential = _credential(visit, one.kind)
    only, mapping = tuple(typed.only.split()), _mapping(typed.mapping)
    return DestinationChange(
        name=typed.name,
        settings=typed.settings if typed.settings != one.setting else None,
        credential=credential or None,
        only=only if only != one.only else None,
        mapping=mapping if mapping != one.renamed else None,
        prefix=typed.prefix if typed.prefix != one.prefix else None,
        required=typed.required,
    )


def _env(visit: Visit) -> str:
    return visit.query.get("env", "")


def _typed(visit: Visit, kind: Kind) -> Typed:
    said = visit.said
    settings = {each.member: said(each.name) for each in settings_of(kind)}
    return Typed(
        name=said("name"),
        environment=said("environment"),
        path=said("path"),
        only=said("only"),
        mapping=said("mapping"),
        prefix=said("prefix"),
        required=bool(said("required")),
        settings={name: text for name, text in settings.items() if text},
    )


def _credential(visit: Visit, kind: Kind) -> Mapping[str, Sensitive]:
    given = {each.member: visit.said(each.name) for each in credential_of(kind)}
    return {name: Sensitive(text) for name, text in given.items() if text}


def _mapping(text: str) -> Mapping[str, str]:
    pairs = [line.partition("=") for line in text.splitlines() if line.strip()]
    if not all(name.strip() and there.strip() for name, _, there in pairs):
        raise InvalidInput(FieldProblem(("mapping",), PAIR_RULE))
    return {name.strip(): there.strip() for name, _, there in pairs}


def _told(error: KeyturnError | None, kind: Kind) -> Sequence[tuple[str, str]]:
    """Return what an error says, at the field of the form that it is about."""
    if isinstance(error, AddressRefused):
        named = next((each.name for each in settings_of(kind) if each.member == "url"), "")
        return [(named, error.message)]
    if not isinstance(error, InvalidInput):
        return [("", error.message)] if error else ()
    asked = {each.name: each.label for each in (*settings_of(kind), *credential_of(kind))}
    told: list[tuple[str, str]] = []
    for each in error.problems:
        first, *inner = each.field
        name = GROUPS[first] + inner[0] if first in GROUPS and inner else PLAIN.get(first, first)
        rule = each.rule if each.rule != "Required" else "must be given"
        sentence = f"{asked[name]} {rule}" if name in asked else rule
        told += told_of(InvalidInput(FieldProblem((name,), sentence)))
    return told


async def _new(
    visit: Visit, whole: Whole, kind: Kind, typed: Typed, error: KeyturnError | None = None
) -> Response:
    return visit.render(
        "connections/destinations/form.html",
        status=status_of(error) if error else 200,
        problems=_told(error, kind),
        one=None,
        kind=kind,
        title=TITLES[kind],
        typed=typed,
        whole=whole,
        settings=settings_of(kind),
        credential=credential_of(kind),
        environments=[(each.slug, each.name) for each in whole.environments],
        command=_command(whole, kind, typed),
    )


async def _edit(visit: Visit, typed: Typed, error: KeyturnError | None = None) -> Response:
    view = await read_view(visit)
    kind, one = view.destination.kind, subject_of(visit, view)
    one.require(Verb.EDIT_DESTINATIONS)
    return visit.render(
        "connections/destinations/form.html",
        status=status_of(error) if error else 200,
        problems=_told(error, kind),
        one=one,
        kind=kind,
        title=TITLES[kind],
        typed=typed,
        whole=None,
        settings=settings_of(kind),
        credential=credential_of(kind),
        environments=(),
        command=one.command("destination", "update", "...", "--prefix", typed.prefix),
    )


def _command(whole: Whole, kind: Kind, typed: Typed) -> str:
    words = ["keyturn", "destination", "add", kind, typed.name or "NAME"]
    words += ["--project", whole.project.slug, "--env", typed.environment or "ENV"]
    words += ["--path", typed.path] if typed.path not in ("", "/") else []
    for each in settings_of(kind):
        text = typed.settings.get(each.member, each.member.upper() if each.needed else "")
        words += ["--set", f"{each.member}={text}"] if text and not each.lines else []
    for each in credential_of(kind):
        words += ["--credential-file", f"{each.member}=FILE"] if each.needed else []
    return shlex.join(words)


ROUTES: Final = (
    page(f"{LIST}/new", choose),
    action(f"{LIST}/new", create),
    page(f"{ONE}/edit", show_edit),
    action(f"{ONE}/edit", edit),
)
