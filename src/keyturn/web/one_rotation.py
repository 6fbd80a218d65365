"""The rotation that a page is about: the ways around it, who may do what, and commands about it."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from keyturn.domain.access import Verb
from keyturn.domain.rotation import Rotation
from keyturn.services import gate
from keyturn.services.projects import Whole, anywhere_in
from keyturn.services.rotations import RotationView, read_rotation
from keyturn.web.prose import prose
from keyturn.web.standing import STANDING, Standing
from keyturn.web.visiting import Visit

LIST: Final = "/rotations"
PATH: Final = f"{LIST}/{{rotation_id}}"
MAKING: Final = (Verb.CREATE_ROTATIONS, Verb.USE_CONNECTIONS)
"""What it takes to make a rotation."""
OF_CONNECTION: Final = "The connection itself"


@dataclass(frozen=True)
class One:
    """A rotation, and whoever looks at it."""

    visit: Visit
    of: RotationView

    @property
    def rotation(self) -> Rotation:
        """Return the record."""
        return self.of.rotation

    @property
    def name(self) -> str:
        """Return what it is called."""
        return self.rotation.name

    @property
    def noun(self) -> str:
        """Return what people call what it turns."""
        return self.rotation.kind.rules.noun

    @property
    def readable(self) -> bool:
        """Say whether readers are given it by a path, and not a connection of Keyturn's own."""
        return not self.rotation.kind.rules.of_connection

    @property
    def place(self) -> str:
        """Return where readers find it."""
        return str(self.of.place) if self.readable else OF_CONNECTION

    @property
    def standing(self) -> Standing:
        """Return how it stands, for people."""
        return STANDING[self.of.outlook.state]

    @property
    def href(self) -> str:
        """Return the address of its page."""
        return f"{LIST}/{self.rotation.id}"

    @property
    def tabs(self) -> Sequence[tuple[str, str]]:
        """Return the pages about it that whoever looks may see."""
        pages = [
            ("Overview", self.href),
            ("Who uses it", f"{self.href}/usage"),
            ("Turns", f"{self.href}/turns"),
            ("At Okta", f"{self.href}/okta"),
        ]
        return [*pages, ("Change", f"{self.href}/edit")] if self.may_edit else pages

    @property
    def may_turn(self) -> bool:
        """Say whether they may turn it, and give orders to its turns."""
        return self._may(Verb.ROTATE)

    @property
    def may_edit(self) -> bool:
        """Say whether they may change it."""
        return self._may(Verb.EDIT_ROTATIONS)

    @property
    def may_delete(self) -> bool:
        """Say whether they may end it."""
        return self._may(Verb.DELETE_ROTATIONS)

    @property
    def may_reveal(self) -> bool:
        """Say whether they may see its values."""
        return self.readable and self._may(Verb.READ_CREDENTIALS)

    def require(self, verb: Verb) -> None:
        """Raise Forbidden where whoever looks may not do this with it."""
        self.visit.require(self.name, self.of.target, verb)

    def prose(self, text: str) -> Markup:
        """Return a text about it whose commands lead to pages, for who may give its orders."""
        return prose(text, self.href if self.may_turn else "")

    def command(self, *words: str) -> str:
        """Return a command about it; ``...`` stands for its name."""
        told = [self.name if word == "..." else word for word in words]
        return shlex.join(["keyturn", *told, "--project", self.of.place.project.slug])

    def _may(self, verb: Verb) -> bool:
        return gate.may(self.visit.caller, verb, self.of.target)


def maker(visit: Visit, every: Sequence[Whole]) -> str:
    """Return where they make a rotation, in the first project where they may; else nothing."""
    for each in every:
        if all(visit.may(verb, anywhere_in(each.project.id)) for verb in MAKING):
            query = f"?project={each.project.slug}" if len(every) > 1 else ""
            return f"{LIST}/new{query}"
    return ""


async def find_one(visit: Visit) -> One:
    """Return the rotation that the path names. Raises NotFound, Forbidden."""
    seen = await read_rotation(visit.world, visit.caller, visit.given("rotation_id"))
    return One(visit, seen)
