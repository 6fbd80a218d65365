"""Find what people call by name; an id is as good."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

import click

if TYPE_CHECKING:
    from keyturn.client import KeyturnApi
    from keyturn.wire.identities import Identity


class Named(Protocol):
    """Whatever has an id and a name."""

    @property
    def id(self) -> str:
        """Return what nothing else is called."""

    @property
    def name(self) -> str:
        """Return what people call it."""


N = TypeVar("N", bound=Named)


def one_named(every: Iterable[N], which: str, *, noun: str, listed_by: str) -> N:
    """Return the one of this id, else of this name. Raises ClickException for none, or several."""
    known = [*every]
    found = [one for one in known if one.id == which] or [one for one in known if one.name == which]
    return only(found, which, noun=noun, listed_by=listed_by)


def only(found: Sequence[N], which: str, *, noun: str, listed_by: str) -> N:
    """Return what alone was found. Raises ClickException where that is nothing, or several."""
    if not found:
        raise click.ClickException(f"There is no {noun} {which}: `{listed_by}` has all.")
    if len(found) > 1:
        ids = ", ".join(one.id for one in found)
        raise click.ClickException(f"Several are called {which}: say which by id: {ids}.")
    return found[0]


async def identity_named(api: "KeyturnApi", name: str, *, person: bool | None = None) -> "Identity":
    """Return the identity of this name or id. Raises ClickException for none, or several."""
    every = [one for one in await api.list_identities() if person in {None, one.person}]
    return one_named(every, name, noun="identity", listed_by="keyturn identity list")
