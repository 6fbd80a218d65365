"""How a connection is replaced side by side: another takes its place, and aliases lead there.

Decides from what is there what is left to do, so that whoever was interrupted begins again and goes
on. Nobody is led to a connection that was granted less, gives no token, or will fail sooner.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

import click

from keyturn.cli import output
from keyturn.cli.connection_lines import AUTHORIZED, health_of

if TYPE_CHECKING:
    from keyturn.client import KeyturnApi
    from keyturn.wire.oauth_connections import OAuthConnection
    from keyturn.wire.registrations import Registration

    Consent = Callable[[OAuthConnection], Awaitable[OAuthConnection]]

_COUNTED = r"(?P<stem>.+)-(?P<number>[2-9]|[1-9][0-9])"
"""How a connection is called that took another's place."""


@dataclass(frozen=True)
class Replacement:
    """A connection, and what takes its place; ``new`` is None until that is made.

    ``passed`` are connections that have such a name, and are something else.
    """

    old: "OAuthConnection"
    registration: "Registration"
    name: str
    new: "OAuthConnection | None" = None
    passed: tuple[str, ...] = ()

    @property
    def asks(self) -> bool:
        """Say whether somebody still has to authorize the new one."""
        state = self.new.state if self.new else "new"
        return self.old.grant_type in AUTHORIZED and state in {"new", "lapsed"}


@dataclass(frozen=True)
class Helpers:
    """What is done by people, or for them; ``given`` is what the grant takes, if it is made."""

    consent: "Consent"
    tell: Callable[[str], None]
    given: Mapping[str, str] = field(default_factory=dict, repr=False)


def plan_replacement(
    old: "OAuthConnection", registration: "Registration", every: "Iterable[OAuthConnection]"
) -> Replacement:
    """Return what takes a connection's place: one that was begun with, else the next free name.

    Raises ClickException for a registration of another folder, to which no alias can be led.
    """
    if _folder(registration) != _folder(old):
        where = f"{old.environment}{old.secret_path}"
        told = f"Client registration {registration.name} is not in {where}, as {old.name} is:"
        raise click.ClickException(f"{told} no alias could be led to what is made of it.")
    counted = re.fullmatch(_COUNTED, old.name)
    stem, number = (counted["stem"], int(counted["number"])) if counted else (old.name, 1)
    near = {one.name: one for one in every if _folder(one) == _folder(old)}
    names = (f"{stem}-{following}" for following in count(number + 1))
    passed = []
    for name in names:
        if name not in near or _takes_over(near[name], old, registration):
            break
        passed.append(name)
    return Replacement(old, registration, name, near.get(name), tuple(passed))


def plan_exchange(
    old: "OAuthConnection", registration: "Registration", other: "OAuthConnection"
) -> Replacement:
    """Return what lets a connection that is there take another's place; it is made with that.

    Raises ClickException where whoever is led there would come to something else.
    """
    if other.id == old.id:
        raise click.ClickException(f"{old.name} cannot take its own place: name another one.")
    if _folder(other) != _folder(old):
        where = f"{old.environment}{old.secret_path}"
        told = f"Connection {other.name} is not in {where}, as {old.name} is:"
        raise click.ClickException(f"{told} no alias could be led to it.")
    if other.grant_type != old.grant_type:
        told = f"{other.name} is of the grant {other.grant_type}, and {old.name} {old.grant_type}:"
        raise click.ClickException(f"{told} they are not for the same. Nothing was changed.")
    return Replacement(old, registration, other.name, other)


def require_same_kind(before: "Registration", after: "Registration") -> None:
    """Raise ClickException for a registration of another connector or scheme."""
    was, is_now = ((one.connector, one.scheme) for one in (before, after))
    if was != is_now:
        raise click.ClickException(
            f"Client registration {after.name} ({' '.join(is_now)}) is of another kind than "
            f"{before.name} ({' '.join(was)}): whoever uses an alias would be led to another "
            "service. Nothing was changed."
        )


def _folder(one: "OAuthConnection | Registration") -> tuple[str, str, str]:
    return one.project_id, one.environment, one.secret_path


def _takes_over(
    found: "OAuthConnection", old: "OAuthConnection", registration: "Registration"
) -> bool:
    """Say whether a connection is what a replacement would make."""
    made_with = found.registration_id == registration.id
    later = found.created_at >= old.created_at
    return made_with and later and _asked(found) == _asked(old)


def _asked(one: "OAuthConnection") -> tuple[str, tuple[str, ...], str | None]:
    return one.grant_type, one.scopes, one.source


def lines_of(plan: Replacement, *, keep: bool) -> list[str]:
    """Say what a replacement will do."""
    old, name = plan.old, plan.name
    make = f"make the connection {name} with registration {plan.registration.name}"
    scopes, aliases = output.printable(" ".join(old.granted)), ", ".join(old.aliases)
    used = f"it was used last: {output.moment(old.used_at)}."
    passed = ", ".join(plan.passed)
    end = f"revoke the tokens of {old.name} and delete it, once you have agreed"
    return [
        f"Replacing {old.name} ({old.grant_type}, {health_of(old)}) will:",
        f"  1. {f'go on with {known(plan.new)}' if plan.new else make}",
        f"  2. {'have somebody authorize it' if plan.asks else 'need nobody to authorize it'}",
        f"  3. use {name} once, and stop if it gives no token, or will fail before {old.name} does",
        f"  4. stop if {name} was granted less than {old.name}: {scopes or 'nothing yet'}",
        f"  5. lead to {name} the aliases of {old.name}: {aliases or 'none'}",
        f"  6. {f'leave {old.name} as it is' if keep else end}",
        *([f"What is called {passed} is something else, and is left alone."] if passed else []),
        f"Whoever uses {old.name} by its own name or id is not led anywhere; {used}",
        "Nothing was changed.",
    ]


def known(one: "OAuthConnection") -> str:
    """Say of a connection that it is there, and whose it is."""
    return output.printable(f"{one.name}, which is there{one.subject and f', by {one.subject}'}")


async def take_over(
    api: "KeyturnApi", project: str, plan: Replacement, helpers: Helpers
) -> "OAuthConnection":
    """Return the new connection once it gives tokens and every alias leads to it.

    Raises ClickException where that cannot be, ApiError, and Unreachable; aliases lead to what
    works, whatever comes, and the same call goes on from there.
    """
    if plan.new:
        helpers.tell(f"Going on with {known(plan.new)}.")
    new = plan.new or await _make(api, plan, helpers)
    if plan.asks:
        new = await helpers.consent(new)
        helpers.tell(f"{new.name} is authorized.")
    await api.authorize_request(new.id)
    new = await api.read_oauth_connection(new.id)
    require_no_less(plan.old, new)
    require_no_worse(plan.old, new)
    helpers.tell(f"{new.name} gives tokens: {health_of(new)}.")
    for alias in await api.list_aliases(project):
        if alias.connection_id == plan.old.id:
            await api.lead_alias(alias.id, new.id)
            back = f"keyturn connection alias back {alias.name}"
            helpers.tell(f"Alias {alias.name} leads to {new.name}; `{back}` leads it back.")
    return await api.read_oauth_connection(new.id)


async def _make(api: "KeyturnApi", plan: Replacement, helpers: Helpers) -> "OAuthConnection":
    from keyturn.wire.oauth_connections import CreateOAuthConnection

    old = plan.old
    made = await api.create_oauth_connection(
        CreateOAuthConnection(
            name=plan.name,
            registration_id=plan.registration.id,
            grant_type=old.grant_type,
            scopes=old.scopes,
            given=dict(helpers.given),
            source=old.source,
            description=old.description,
        )
    )
    helpers.tell(f"Made the connection {made.name}.")
    return made


def require_no_less(old: "OAuthConnection", new: "OAuthConnection") -> None:
    """Raise ClickException where a scope is missing that whoever is led there has now."""
    from keyturn.domain.oauth.connectors import missing

    lacking = missing(old.granted, new.granted)
    if lacking:
        anew = f", `keyturn connection authorize {new.name}`" * (new.grant_type in AUTHORIZED)
        raise click.ClickException(
            f"{new.name} was not granted {', '.join(lacking)}, which {old.name} has: nobody was "
            f"led there. Grant that at the server{anew}, and say this again."
        )


def require_no_worse(old: "OAuthConnection", new: "OAuthConnection") -> None:
    """Raise ClickException where the new one is known to fail, and the old one not so soon."""
    lasting = old.light != "broken" and new.fails_at
    sooner = lasting and (old.fails_at is None or lasting < old.fails_at)
    if new.light == "broken" or sooner:
        raise click.ClickException(
            f"{new.name} is {health_of(new)}: nobody was led there. {' '.join(new.reasons)}"
        )


def require_no_exchange(old: "OAuthConnection", every: "Iterable[OAuthConnection]") -> None:
    """Raise ClickException while another connection exchanges the tokens of the one to be deleted.

    No alias stands between those two.
    """
    others = [one.name for one in every if one.source == old.id]
    if others:
        raise click.ClickException(
            f"Its tokens are exchanged by {', '.join(others)}, which would have none: say --keep, "
            "and make those anew with the connection that takes its place."
        )
