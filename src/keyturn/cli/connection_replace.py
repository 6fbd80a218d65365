"""`keyturn connection replace`: another connection takes the place of one, side by side."""

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Unpack

import click

from keyturn.cli import options, output
from keyturn.cli.connection_authorize import (
    ConsentWords,
    by_link,
    consent_options,
    consented,
)
from keyturn.cli.oauth_connection import (
    GivenWords,
    find_connection,
    given_options,
    read_given,
    which_connection,
)
from keyturn.cli.registration import find_registration
from keyturn.cli.replacing import (
    Helpers,
    Replacement,
    lines_of,
    plan_exchange,
    plan_replacement,
    require_no_exchange,
    require_same_kind,
    take_over,
)
from keyturn.cli.running import connected, run

if TYPE_CHECKING:
    from keyturn.client import KeyturnApi
    from keyturn.wire.oauth_connections import OAuthConnection


class Words(ConsentWords, GivenWords):
    """What the options say that other commands have as well."""


@click.command("replace")
@which_connection
@click.argument("other", metavar="[OTHER]", required=False)
@click.option("--registration", help="Make it with this one, by id or name.  [default: the same]")
@click.option("--keep", is_flag=True, help="Leave the old connection and its tokens as they are.")
@click.option("--yes", is_flag=True, help="Delete the old connection without asking.")
@click.option("--plan", is_flag=True, help="Only say what would be done; change nothing.")
@consent_options
@given_options
@options.project
@options.server
@options.as_json
def replace(
    *,
    which: str,
    other: str | None,
    registration: str | None,
    keep: bool,
    yes: bool,
    plan: bool,
    project: str,
    server: str | None,
    as_json: bool,
    **words: Unpack[Words],
) -> None:
    """Let another connection take the place of one, and lead all of its aliases there.

    It is called CONNECTION-2 (-3, …), has the same grant type and scopes, and is proved by being
    used before anybody is led to it. Interrupted at any point, say the same again: it goes on.
    OTHER is one that is there already, of the same folder, grant type and kind of registration.
    """
    if other and registration:
        raise click.UsageError(f"{other} has a registration: leave --registration out.")

    async def work() -> None:
        async with connected(server) as api:
            found = await _planned(api, project, Asked(which, other, registration), keep=keep)
            if plan:
                lines = lines_of(found, keep=keep)
                output.show({"plan": lines}, lines, as_json=as_json)
                return

            async def consent(new: "OAuthConnection") -> "OAuthConnection":
                if words["link"]:
                    return await by_link(api, new, asyncio.sleep)
                return await consented(api, new, words)

            given = {} if found.new else read_given(words)
            new = await take_over(api, project, found, Helpers(consent, _tell, given))
            gone = not keep and await _removed(api, found.old.id, yes=yes)
        _show(new, found.old, gone=gone, as_json=as_json)

    run(work())


@dataclass(frozen=True)
class Asked:
    """Which connection is to be replaced, by which one, or made with which registration."""

    which: str
    other: str | None = None
    registration: str | None = None


async def _planned(api: "KeyturnApi", project: str, asked: Asked, *, keep: bool) -> Replacement:
    old = await find_connection(api, project, asked.which)
    every = await api.list_oauth_connections(project)
    if not keep:
        require_no_exchange(old, every)
    new = await find_connection(api, project, asked.other) if asked.other else None
    before = await find_registration(api, project, old.registration_id)
    wanted = new.registration_id if new else asked.registration or before.id
    made_with = await find_registration(api, project, wanted)
    plan = plan_exchange(old, made_with, new) if new else plan_replacement(old, made_with, every)
    require_same_kind(before, made_with)
    return plan


async def _removed(api: "KeyturnApi", old_id: str, *, yes: bool) -> bool:
    """Delete the old connection, if that is agreed to; say whether it is gone."""
    old = await api.read_oauth_connection(old_id)
    used = f"It was used last: {output.moment(old.used_at)}."
    if not yes and not _agreed(f"Revoke the tokens of {old.name}, and delete it? {used}"):
        return False
    await api.delete_oauth_connection(old.id)
    return True


def _agreed(question: str) -> bool:
    try:
        return click.confirm(question, err=True)
    except click.Abort:  # nobody is there to answer, so that it stays
        return False


def _tell(line: str) -> None:
    click.echo(output.printable(line), err=True)


def _show(new: "OAuthConnection", old: "OAuthConnection", *, gone: bool, as_json: bool) -> None:
    document = {
        "connection": new.model_dump(mode="json"),
        "replaced": old.model_dump(mode="json"),
        "removed": gone,
    }
    what = "which is gone" if gone else "which is still there"
    line = f"{new.name} has taken the place of {old.name}, {what}."
    output.show(document, [line], as_json=as_json)
