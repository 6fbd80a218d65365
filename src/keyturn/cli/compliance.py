"""Compliance of client secrets: how all apps do, what falls short, and whether anything does."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

import click

from keyturn.cli import options, output
from keyturn.cli.compliance_exception import KINDS, exception, lines_of_exceptions
from keyturn.cli.compliance_policy import NO_APP, policy
from keyturn.cli.compliance_report import evidence, reports, verify
from keyturn.cli.running import connected, run

if TYPE_CHECKING:
    from keyturn.client import KeyturnApi
    from keyturn.wire.compliance import ComplianceAnswer, ComplianceFinding, Share

F = TypeVar("F", bound=Callable[..., None])

BREACHES: Final = 3
"""The exit code of `check` where there are breaches; 1 is that it could not be told."""


@click.group()
def compliance() -> None:
    """Judge client secrets by policies: their age, use and number, and who keeps them."""


compliance.add_command(policy)
compliance.add_command(exception)
compliance.add_command(reports)
compliance.add_command(evidence)
compliance.add_command(verify)


@compliance.command("show")
@options.server
@options.as_json
def show(*, server: str | None, as_json: bool) -> None:
    """Show how all apps do now: breaches by kind, by owner and by policy, and what is not known."""

    async def work() -> None:
        async with connected(server) as api:
            seen = await api.read_compliance()
        output.show(seen.model_dump(mode="json"), lines_of(seen), as_json=as_json)

    run(work())


def _wanted(command: F) -> F:
    """Add the options that choose findings."""
    for option in (
        click.option("--selector", default="", help="Only of apps like these: label=pay-*"),
        click.option("--policy", help="Only by this policy, by name or id."),
        click.option("--owner", help="Only of this owner's apps."),
        click.option("--kind", type=click.Choice(KINDS), multiple=True, help="Only of this kind."),
    ):
        command = option(command)
    return command


@compliance.command("findings")
@_wanted
@click.option("--breaches", is_flag=True, help="Leave out what is excused or could not be judged.")
@click.option("--offset", type=click.IntRange(0), default=0, help="Leave out the first so many.")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="At most so many."
)
@options.server
@options.as_json
def findings(
    *,
    breaches: bool,
    offset: int,
    limit: int,
    server: str | None,
    as_json: bool,
    **wanted: str | Sequence[str] | None,
) -> None:
    """List what falls short now, the gravest first: why, since when, and what to do."""
    only = {"breach": "true"} if breaches else {}
    query = _query(wanted) | only | {"offset": str(offset), "limit": str(limit)}

    async def work() -> None:
        async with connected(server) as api:
            found = await api.list_compliance_findings(query)
        shown = [line for each in found.findings for line in lines_of_finding(each)]
        fits = [] if found.apps else [NO_APP]
        lines = [*shown, f"{len(found.findings)} of {found.total}", *fits]
        output.show(found.model_dump(mode="json"), lines, as_json=as_json)

    run(work())


@compliance.command("check")
@_wanted
@options.server
@options.as_json
def check(*, server: str | None, as_json: bool, **wanted: str | Sequence[str] | None) -> None:
    """Exit with code 3 where there are breaches, for pipelines.

    That the apps of an org are not known counts whatever is chosen: nothing could be said of them.
    Code 1 is that nothing could be told: for one, what was chosen fits no app.
    """
    query = _query(wanted)

    async def work() -> int:
        async with connected(server) as api:
            if not await api.list_compliance_policies():
                raise click.ClickException(
                    "There is no compliance policy: make one by `keyturn compliance policy add`."
                )
            total, found, apps = await _breaches(api, query)
        if not total and not apps:
            raise click.ClickException(f"Nothing was judged. {NO_APP}")
        shown = [each.model_dump(mode="json") for each in found]
        lines = [line for each in found for line in lines_of_finding(each)]
        told = {"breaches": total, "apps": apps, "findings": shown}
        counted = "1 breach" if total == 1 else f"{total} breaches"
        output.show(told, [*lines, counted], as_json=as_json)
        return total

    if run(work()):
        click.get_current_context().exit(BREACHES)


async def _breaches(
    api: "KeyturnApi", query: Mapping[str, str | Sequence[str]]
) -> "tuple[int, Sequence[ComplianceFinding], int]":
    """Return how many breaches there are, the gravest, those of unknown orgs first; of how many."""
    only = {"breach": "true", "limit": "100"}
    unknown = await api.list_compliance_findings({**only, "kind": "inventory-stale"})
    chosen = await api.list_compliance_findings({**query, **only})
    known = {each.id for each in unknown.findings}
    rest = [each for each in chosen.findings if each.id not in known]
    both = len(chosen.findings) - len(rest)
    return unknown.total + chosen.total - both, [*unknown.findings, *rest], chosen.apps


def _query(wanted: Mapping[str, str | Sequence[str] | None]) -> dict[str, str | Sequence[str]]:
    return {name: value for name, value in wanted.items() if value}


def lines_of(seen: "ComplianceAnswer") -> Iterator[str]:
    """Render how all apps do."""
    share = "" if seen.compliant_percent is None else f" ({seen.compliant_percent} %)"
    yield f"{seen.compliant} of {seen.apps} apps are in no breach{share}"
    kinds = [f"{kind} {count}" for kind, count in seen.breaches.items()]
    yield f"breaches: {', '.join(kinds) or 'none'}; excused: {seen.excused}"
    if seen.uncovered:
        yield f"{seen.uncovered} apps are fitted by no policy and were not judged"
    yield from ("", "by policy", *_shares(seen.policies, "policy"))
    yield from ("", "by owner", *_shares(seen.owners, "owner"))
    yield ""
    header = ["connection", "apps", "known as of", ""]
    rows = [
        [o.connection, str(o.apps), output.moment(o.known_at), "" if o.complete else "NOT COMPLETE"]
        for o in seen.orgs
    ]
    yield from output.table(header, rows)
    if seen.expiring:
        yield from ("", "exceptions about to expire", *lines_of_exceptions(seen.expiring))


def _shares(shares: "Sequence[Share]", what: str) -> list[str]:
    rows = [[each.name or "(nobody)", str(each.apps), str(each.breaches)] for each in shares]
    return output.table([what, "apps", "breaches"], rows)


def lines_of_finding(each: "ComplianceFinding") -> Iterator[str]:
    """Render a finding."""
    about = f"{each.label} ({each.app_id})" if each.app_id else "the org itself"
    owner = f"  owner {each.owner}" if each.owner else ""
    by = f"  policy {each.policy}" if each.policy else ""
    since = output.moment(each.since)
    yield output.printable(
        f"{each.severity}  {each.kind}  {about} at {each.connection}{owner}{by}  since {since}"
    )
    secret = f"{each.secret_id}: " if each.secret_id else ""
    yield output.printable(f"    {secret}{each.why}")
    if each.excused_until:
        yield f"    excused until {output.moment(each.excused_until)}"
    else:
        yield output.printable(f"    {each.todo}")
