"""The secrets of a folder by name, the folders around it, and what it imports; never a value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response

from keyturn.domain.access import Verb
from keyturn.domain.errors import NotFound
from keyturn.domain.project import ROOT, Folder, ancestors
from keyturn.services.folders import list_folders
from keyturn.services.imports import ImportView, list_imports
from keyturn.services.secrets import Listing, ReadSecret, Wish, list_secrets
from keyturn.web.routing import page
from keyturn.web.spots import PAGE, Spot, spot_at, spot_of
from keyturn.web.visiting import Visit

MOST: Final = 100
"""How many secrets a page shows."""


@dataclass(frozen=True)
class Branch:
    """A folder as the tree shows it."""

    path: str
    depth: int
    current: bool
    inside: bool
    """Whether there are folders in it."""

    @property
    def name(self) -> str:
        """Return what it is called there."""
        return self.path.rpartition("/")[2] or ROOT


@dataclass(frozen=True)
class Brought:
    """An import, and the names that it brings; those that do not prevail are hidden."""

    view: ImportView
    source: Spot
    names: Sequence[str]
    hidden: frozenset[str]


async def show(visit: Visit) -> Response:
    """Show one folder."""
    return await folder_page(visit)


async def folder_page(visit: Visit, *, status: int = 200, **context: str) -> Response:
    """Answer with the page of the folder that the request names; see the template for context."""
    spot, every = await spot_of(visit)
    folders = await _folders(spot)
    if spot.path not in (ROOT, *(each.path for each in folders)):
        raise NotFound(f"There is no folder {spot.path} in {spot.at(ROOT).where}.")
    text = visit.query.get("find", "").strip()
    listing, imports = await _listing(spot, text)
    found = sorted((each for each in listing.secrets if _fits(each, text)), key=_name)
    start = _number(visit.query.get("start", ""))
    before, after = start - MOST, start + MOST
    shown: dict[str, Any] = {
        "spot": spot,
        "projects": [(each.project.slug, each.project.name) for each in every],
        "environments": [(each.name, spot.of(each).href()) for each in spot.whole.environments],
        "environment_options": [(each.slug, each.name) for each in spot.whole.environments],
        "branches": tree(folders, spot.path),
        "folder": next((each for each in folders if each.path == spot.path), None),
        "known": spot.may(Verb.DESCRIBE_SECRETS),
        "find": text,
        "found": found[start:after],
        "total": len(found),
        "start": start,
        "back": spot.href(find=text, start=str(before)) if start else "",
        "more": spot.href(find=text, start=str(after)) if after < len(found) else "",
        "imports": _brought(visit, listing, imports),
        "import_error": "",
        "source_env": spot.environment.slug,
        "source_path": "",
    }
    return visit.render("secrets/folder.html", status=status, **{**shown, **context})


def tree(folders: Sequence[Folder], path: str) -> Sequence[Branch]:
    """Return the folders to be shown: those on the way to a path, and what lies beside and in it.

    A folder whose parent is not among them stands in the nearest that is.
    """
    known = {ROOT, *(each.path for each in folders)}
    above = {each: _nearest(each, known) for each in known if each != ROOT}
    way, full = {*ancestors(path)}, {*above.values()}
    depths: dict[str, int] = {ROOT: 0}
    branches = [Branch(ROOT, 0, path == ROOT, ROOT in full)]
    for each in sorted(above, key=lambda one: one.split("/")):
        depths[each] = depths[above[each]] + 1
        if above[each] in way:
            branches.append(Branch(each, depths[each], each == path, each in full))
    return branches


def _nearest(path: str, known: set[str]) -> str:
    return next(each for each in reversed(ancestors(path)[:-1]) if each in known)


async def _folders(spot: Spot) -> Sequence[Folder]:
    visit, top = spot.visit, spot.at(ROOT).where
    found = await list_folders(visit.world, visit.caller, top, recursive=True)
    return [each.place.folder for each in found]


async def _listing(spot: Spot, text: str) -> tuple[Listing, Sequence[ImportView]]:
    """List what may be known of; a search looks into the folders below as well."""
    if not spot.may(Verb.DESCRIBE_SECRETS):
        return Listing(()), ()
    world, caller, where = spot.visit.world, spot.visit.caller, spot.where
    wish = Wish(shown=False, imports=not text, recursive=bool(text))
    listing = await list_secrets(world, caller, where, wish)
    imports = () if text else await list_imports(world, caller, where)
    return listing, imports


def _name(found: ReadSecret) -> tuple[str, str]:
    return found.secret.name.lower(), found.place.folder.path


def _fits(found: ReadSecret, text: str) -> bool:
    secret = found.secret
    told = (secret.name, secret.comment, *(each.name for each in found.tags))
    return any(text.lower() in each.lower() for each in told)


def _brought(visit: Visit, listing: Listing, imports: Sequence[ImportView]) -> Sequence[Brought]:
    """Return imports with what they bring, those that prevail first."""
    by_source: Mapping[str, Sequence[ReadSecret]] = {
        each.source.folder.id: each.secrets for each in listing.imports
    }
    taken, brought = {each.secret.name for each in listing.secrets}, []
    for view in reversed(imports):
        names = sorted(each.secret.name for each in by_source.get(view.source.folder.id, ()))
        source = spot_at(visit, view.source)
        brought.append(Brought(view, source, names, frozenset(taken.intersection(names))))
        taken.update(names)
    return brought


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0


ROUTES: Final = (page(PAGE, show),)
