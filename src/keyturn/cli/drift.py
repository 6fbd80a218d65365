"""What somebody else has changed at Okta behind a rotation's back."""

from typing import TYPE_CHECKING

import click

from keyturn.cli import options, output
from keyturn.cli.running import connected, run

if TYPE_CHECKING:
    from keyturn.wire.findings import Finding


@click.group()
def drift() -> None:
    """See what has drifted at Okta, and repair it."""


@drift.command("list")
@options.project
@options.server
@options.as_json
def list_findings(*, project: str, server: str | None, as_json: bool) -> None:
    """List what is not as it is on record, what it means, and what would repair it."""

    async def work() -> None:
        async with connected(server) as api:
            found = await api.list_findings(project)
        _show(found, as_json=as_json)

    run(work())


@drift.command("compare")
@click.argument("which", metavar="CONNECTION")
@options.project
@options.server
@options.as_json
def compare(*, which: str, project: str, server: str | None, as_json: bool) -> None:
    """Compare all rotations of an Okta connection with Okta now, and list what has drifted.

    Keyturn does so by itself every hour (KEYTURN_RECONCILE_S); nothing at Okta is changed by it,
    unless a rotation is told to repair.
    """
    from keyturn.cli.connection import find_connection

    async def work() -> None:
        async with connected(server) as api:
            project_id = (await api.read_project(project)).id
            found = await find_connection(api, project_id, which)
            compared = await api.compare_connection(found.id)
            findings = await api.list_findings(project_id)
        if not as_json:
            click.echo(f"Rotations compared: {compared}. Open in the project:")
        _show(findings, as_json=as_json)

    run(work())


@drift.command("repair")
@click.argument("finding_id", metavar="FINDING")
@options.server
@options.as_json
def repair(*, finding_id: str, server: str | None, as_json: bool) -> None:
    """Repair a finding as proposed: activate the served secret again, or turn the rotation."""

    async def work() -> None:
        async with connected(server) as api:
            left = await api.repair_finding(finding_id)
        if not as_json:
            click.echo("Repaired. Left open in this rotation:")
        _show(left, as_json=as_json)

    run(work())


def _show(found: tuple["Finding", ...], *, as_json: bool) -> None:
    document = {"findings": [one.model_dump(mode="json") for one in found]}
    lines = [line for one in found for line in _lines(one)] or ["none"]
    output.show(document, lines, as_json=as_json)


def _lines(one: "Finding") -> list[str]:
    return [
        f"{output.moment(one.found_at)}  {one.rotation_name}  {one.kind}  {one.id}",
        f"    {one.detail or one.subject}",
        f"    {one.meaning}",
        f"    repair: {one.repair}",
    ]
