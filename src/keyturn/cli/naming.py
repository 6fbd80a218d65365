"""Find what people call by name; an id is as good."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

import click

from keyturn.cli import output

if TYPE_CHECKING:
    from keyturn.client import KeyturnApi
    from keyturn.wire.identities import Identity


MANY = 5
"""So many projects are named beside a list."""


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


async def elsewhere(api: "KeyturnApi", project: str) -> list[str]:
    """Say in a terminal which other projects a list might be asked for; a pipe has the list."""
    if output.columns() is None:
        return []
    others = [one for one in await api.list_projects() if project not in {one.id, one.slug}]
    named = ", ".join(one.slug for one in others[:MANY]) + (" …" if len(others) > MANY else "")
    return [f"This is project {project}. Others, by --project: {named}"] if others else []


async def identity_named(api: "KeyturnApi", name: str, *, person: bool | None = None) -> "Identity":
    """Return the identity of this name or id. Raises ClickException for none, or several."""
    every = [one for one in await api.list_identities() if person in {None, one.person}]
    return one_named(every, name, noun="identity", listed_by="keyturn identity list")
