"""Find what people call by name; an id is as good."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from keyturn.client import KeyturnApi
    from keyturn.wire.identities import Identity


async def identity_named(api: "KeyturnApi", name: str, *, person: bool | None = None) -> "Identity":
    """Return the identity of this name or id. Raises ClickException for none, or several."""
    every = [one for one in await api.list_identities() if person in {None, one.person}]
    found = [one for one in every if one.id == name] or [one for one in every if one.name == name]
    if not found:
        raise click.ClickException(f"There is no identity {name}: `keyturn identity list` has all.")
    if len(found) > 1:
        ids = ", ".join(one.id for one in found)
        raise click.ClickException(f"Several identities are called {name}: say which by id: {ids}.")
    return found[0]
