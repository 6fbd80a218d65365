"""Reports of compliance: listed, exported with their evidence, and checked."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyturn.cli import options, output
from keyturn.cli.running import connected, run

if TYPE_CHECKING:
    from keyturn.client import KeyturnApi
    from keyturn.wire.compliance import ComplianceReport


@click.command("reports")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=30, show_default=True, help="At most so many."
)
@options.server
@options.as_json
def reports(*, limit: int, server: str | None, as_json: bool) -> None:
    """List the daily reports, the newest first."""

    async def work() -> None:
        async with connected(server) as api:
            found = await api.list_compliance_reports(limit=limit)
        header = ["made", "apps", "in no breach", "breaches", "new", "excused", "complete", "id"]
        lines = output.table(header, [_row(one) for one in found.reports])
        output.show(found.model_dump(mode="json"), lines, as_json=as_json)

    run(work())


def _row(one: "ComplianceReport") -> list[str]:
    share = "" if one.compliant_percent is None else f" ({one.compliant_percent} %)"
    return [
        output.moment(one.made_at),
        str(one.apps),
        f"{one.compliant}{share}",
        ", ".join(f"{kind} {count}" for kind, count in one.breaches.items()) or "none",
        str(one.new_breaches),
        str(one.excused),
        "yes" if one.complete else "NO",
        one.id,
    ]


@click.command("evidence")
@click.argument("which", metavar="[REPORT]", required=False)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file instead."
)
@options.server
@options.as_json
def evidence(*, which: str | None, out: Path | None, server: str | None, as_json: bool) -> None:
    """Export REPORT, by its id, with its evidence: Markdown, or JSON that `verify` can check.

    Without one, the newest. There are ids, hashes and dates in it, never a value.
    """
    form = "json" if as_json else "markdown"

    async def work() -> str:
        async with connected(server) as api:
            return await api.read_compliance_evidence(which or await _newest(api), form=form)

    text = run(work())
    if out:
        out.write_text(text, encoding="utf-8")
    click.echo(f"Written to {out}." if out else text)


async def _newest(api: "KeyturnApi") -> str:
    found = await api.list_compliance_reports(limit=1)
    if not found.reports:
        raise click.ClickException("There is no report yet: the first follows the first policy.")
    return found.reports[0].id


@click.command("verify")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--offline", is_flag=True, help="Ask no server: the file against its own hash only.")
@options.server
@options.as_json
def verify(*, file: Path, offline: bool, server: str | None, as_json: bool) -> None:
    """Check that FILE, exported by `evidence --json`, is what was reported on its day.

    Its evidence must have the SHA-256 that it tells, and that the server has on record.
    """
    report, found = _read(file)

    async def work() -> dict[str, object]:
        async with connected(server) as api:
            return (await api.read_compliance_report(str(report["id"]))).model_dump(mode="json")

    if found != report["sha256"]:
        raise click.ClickException(f"{file} was changed: its evidence has SHA-256 {found}.")
    if not offline and run(work()) != report:
        raise click.ClickException(f"{file} is not what the server has on record of that report.")
    by = "by its own word; no server was asked" if offline else "as the server has on record"
    document = {"report": report["id"], "sha256": found, "recorded": not offline}
    told = [f"Report {report['id']}: SHA-256 {found}, {by}."]
    output.show(document, told, as_json=as_json)


def _read(file: Path) -> tuple[dict[str, object], str]:
    """Return what a file tells of its report, and the hash that its evidence has.

    Raises ClickException for a file that is none.
    """
    from keyturn.domain.compliance_reports import canonical, digest

    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        report, evidence = document["report"], document["evidence"]
        if report["id"] == evidence["reportId"] and report["sha256"]:
            return dict(report), digest(canonical(evidence))
    except (ValueError, LookupError, TypeError):
        pass
    raise click.ClickException(
        f"{file} is no evidence of a report: export it by `keyturn compliance evidence --json`."
    )
