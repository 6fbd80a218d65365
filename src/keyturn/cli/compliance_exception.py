"""Exceptions from compliance policies: made with a reason and an end, listed and withdrawn."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from keyturn.cli import options, output
from keyturn.cli.compliance_policy import count_apps, find_policy, lines_of_apps
from keyturn.cli.running import connected, run

if TYPE_CHECKING:
    from keyturn.wire.compliance import PolicyException

KINDS = (
    "too-old",
    "two-active",
    "unused",
    "secret-on-public-client",
    "weak-value",
    "unmanaged",
    "access-over-privileged",
    "access-not-known",
    "inventory-stale",
)


@click.group()
def exception() -> None:
    """Let some apps off for a while, with a reason."""


@exception.command("add")
@click.option("--app", "apps", multiple=True, help="This app, by Okta's id; again for each.")
@click.option(
    "--selector",
    "selectors",
    multiple=True,
    help="Instead, apps like these, given once: 'label=pay-* owner=\"Team A\"'",
)
@click.option("--policy", help="From this policy alone, by name or id.  [default: all]")
@click.option("--kind", "kinds", type=click.Choice(KINDS), multiple=True, help="Only this finding.")
@click.option("--reason", required=True, help="Why, for whoever audits it.")
@click.option(
    "--until",
    required=True,
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"]),
    help="When it ends, in UTC; a year from now at most.",
)
@options.server
@options.as_json
def add(
    *,
    apps: Sequence[str],
    selectors: Sequence[str],
    policy: str | None,
    kinds: Sequence[str],
    reason: str,
    until: datetime,
    server: str | None,
    as_json: bool,
) -> None:
    """Excuse findings of some apps until a day; you stand for it by name."""
    from keyturn.wire.compliance import CreateException

    if len(selectors) + bool(apps) != 1:
        raise click.UsageError(
            "Say which apps, by --app, again for each, or by one --selector with all its terms in "
            "quotes; not by both."
        )
    chosen = selectors[0] if selectors else " ".join(f"app={each}" for each in apps)

    async def work() -> None:
        async with connected(server) as api:
            policy_id = (await find_policy(api, policy)).id if policy else None
            fields: dict[str, object] = {"policyId": policy_id, "selector": chosen}
            fields |= {"kinds": kinds, "reason": reason, "expiresAt": until.replace(tzinfo=UTC)}
            made = await api.create_policy_exception(options.checked(CreateException, fields))
            only = {"policy": policy_id} if policy_id else {}
            fitted = await count_apps(api, selector=made.selector, **only)
        shown = made.model_dump(mode="json") | {"apps": fitted}
        lines = [*lines_of_exceptions([made]), *lines_of_apps(fitted)]
        output.show(shown, lines, as_json=as_json)

    run(work())


@exception.command("list")
@options.server
@options.as_json
def list_exceptions(*, server: str | None, as_json: bool) -> None:
    """List the exceptions, also those that have expired."""

    async def work() -> None:
        async with connected(server) as api:
            found = await api.list_policy_exceptions()
        document = {"exceptions": [one.model_dump(mode="json") for one in found]}
        output.show(document, lines_of_exceptions(found), as_json=as_json)

    run(work())


@exception.command("delete")
@click.argument("which", metavar="EXCEPTION")
@options.server
@options.as_json
def delete(*, which: str, server: str | None, as_json: bool) -> None:
    """Withdraw EXCEPTION, by its id: what it excused is a breach again."""

    async def work() -> None:
        async with connected(server) as api:
            gone = await api.delete_policy_exception(which)
        told = [output.printable(f"Withdrawn: the exception for {gone.selector}.")]
        output.show(gone.model_dump(mode="json"), told, as_json=as_json)

    run(work())


def lines_of_exceptions(exceptions: "Sequence[PolicyException]") -> list[str]:
    """Render exceptions."""
    rows = [
        [
            one.selector,
            one.policy or "all",
            ", ".join(one.kinds) or "all",
            one.state,
            output.moment(one.expires_at),
            one.approved_by,
            one.reason,
            one.id,
        ]
        for one in exceptions
    ]
    header = ["apps", "policy", "findings", "state", "expires", "approved by", "reason", "id"]
    return output.table(header, rows)
