"""The folder that a page of secrets is of: how addresses and forms name it, and who may what."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode

from keyturn.domain import names
from keyturn.domain.access import Target, Verb
from keyturn.domain.errors import InvalidInput, NotFound
from keyturn.domain.project import ROOT, Environment, Place, ancestors
from keyturn.services import gate
from keyturn.services.projects import Where, Whole
from keyturn.web.visiting import Visit

PAGE: Final = "/secrets"


@dataclass(frozen=True)
class Spot:
    """A folder of an environment, and whoever looks at it."""

    visit: Visit
    whole: Whole
    environment: Environment
    path: str = ROOT

    @property
    def where(self) -> Where:
        """Return it as services name it."""
        return Where(self.whole.project.slug, self.environment.slug, self.path)

    @property
    def fields(self) -> Sequence[tuple[str, str]]:
        """Return what a form says of it."""
        where = self.where
        return (("project", where.project), ("env", where.environment), ("path", where.path))

    @property
    def crumbs(self) -> Sequence[tuple[str, str]]:
        """Return the way here: the environment, and each folder."""
        top = f"{self.whole.project.slug} / {self.environment.slug}"
        texts = [top, *(path.rpartition("/")[2] for path in ancestors(self.path)[1:])]
        hrefs = [self.at(path).href() for path in ancestors(self.path)]
        return [*zip(texts, hrefs, strict=True)]

    def at(self, path: str) -> "Spot":
        """Return another folder of the environment."""
        return replace(self, path=path)

    def of(self, environment: Environment) -> "Spot":
        """Return the root of another environment."""
        return replace(self, environment=environment, path=ROOT)

    def href(self, page: str = PAGE, **more: str) -> str:
        """Return the address of a page about it."""
        return f"{page}?{urlencode([*self.fields, *more.items()])}"

    def command(self, *words: str) -> str:
        """Return a command that is about it, quoted for a shell."""
        options = (word for name, value in self.fields for word in (f"--{name}", value))
        return shlex.join(("keyturn", *words, *options))

    def may(self, verb: str) -> bool:
        """Say whether whoever looks may do something here."""
        target = Target(self.whole.project.id, self.environment.slug, self.path)
        return gate.may(self.visit.caller, Verb(verb), target)

    def require(self, *verbs: Verb) -> None:
        """Raise Forbidden where whoever looks may not do all of this here."""
        target = Target(self.whole.project.id, self.environment.slug, self.path)
        self.visit.require(str(self.where), target, *verbs)


async def spot_of(visit: Visit) -> tuple[Spot, Sequence[Whole]]:
    """Return the folder that a request names, and all projects; first ones for what it leaves out.

    Raises NotFound for what is not there, and Unauthenticated.
    """
    whole, every = await visit.projects()
    asked = _asked(visit, "project")
    if asked not in ("", whole.project.slug, whole.project.id):
        raise NotFound(f"There is no project {asked}, or not for you.")
    slug = _asked(visit, "env")
    found = [each for each in whole.environments if slug in ("", each.slug)]
    if not found:
        raise NotFound(f"Project {whole.project.slug} has no environment {slug or 'yet'}.")
    try:
        path = names.secret_path(_asked(visit, "path") or ROOT)
    except InvalidInput:
        raise NotFound("There is no folder of such a name.") from None
    return Spot(visit, whole, found[0], path), every


def spot_at(visit: Visit, place: Place) -> Spot:
    """Return the folder that something known is in."""
    whole = Whole(place.project, [place.environment])
    return Spot(visit, whole, place.environment, place.folder.path)


def _asked(visit: Visit, name: str) -> str:
    return visit.said(name) or visit.query.get(name, "").strip()
