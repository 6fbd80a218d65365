"""Something of a folder that a page is about: its address, who may do what with it, commands."""

import shlex
from dataclasses import dataclass

from keyturn.domain.access import Verb
from keyturn.domain.project import Place
from keyturn.services import gate
from keyturn.services.projects import target_of
from keyturn.web.visiting import Visit


@dataclass(frozen=True)
class Subject:
    """A connection, a client registration or a destination, and whoever looks at it."""

    visit: Visit
    id: str
    name: str
    place: Place
    list: str
    """The address of the page that lists all of its kind."""

    @property
    def href(self) -> str:
        """Return the address of its page."""
        return f"{self.list}/{self.id}"

    def may(self, verb: str) -> bool:
        """Say whether whoever looks may do something with it."""
        return gate.may(self.visit.caller, Verb(verb), target_of(self.place))

    def require(self, *verbs: Verb) -> None:
        """Raise Forbidden where whoever looks may not do all of this with it."""
        self.visit.require(self.name, target_of(self.place), *verbs)

    def command(self, *words: str) -> str:
        """Return a command about it; ``...`` stands for its id, which no other one has."""
        told = [self.id if word == "..." else word for word in words]
        return shlex.join(["keyturn", *told, "--project", self.place.project.slug])
