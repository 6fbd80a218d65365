"""The audit log at a terminal: look, export, and check that nothing of it was changed."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from keyturn.cli import options, output
from keyturn.cli.running import connected, run

if TYPE_CHECKING:
    from keyturn.domain.audit import AuditEntry, Head

F = TypeVar("F", bound=Callable[..., None])

MOMENT = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S"])


@click.group()
def audit() -> None:
    """See who did or tried what, and check that the record is whole."""


def _wanted(command: F) -> F:
    """Add the options that choose entries."""
    for option in (
        click.option("--until", type=MOMENT, help="Only those before this time, in UTC."),
        click.option("--since", type=MOMENT, help="Only those from this time on, in UTC."),
        click.option("--allowed/--denied", default=None, help="Only what was let pass, or not."),
        click.option("--subject", help="Only those whose subject holds this text."),
        click.option("--verb", help="Only this verb, such as secrets:read."),
        click.option("--actor", help="Only this identity, by its id."),
    ):
        command = option(command)
    return command


@audit.command("list")
@_wanted
@click.option("--after", type=int, help="Only those past this number.")
@click.option("--newest", is_flag=True, help="List the newest first.")
@click.option("--before", type=int, help="With --newest: only those before this number.")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="At most so many."
)
@options.server
@options.as_json
def list_entries(
    *,
    after: int | None,
    newest: bool,
    before: int | None,
    limit: int,
    server: str | None,
    as_json: bool,
    **wanted: object,
) -> None:
    """List entries, oldest first unless --newest says otherwise."""
    if newest and after is not None:
        raise click.UsageError("--after is for the oldest first: with --newest take --before.")
    if before is not None and not newest:
        raise click.UsageError("--before is for the newest first: add --newest.")
    page = {"after": after, "before": before, "order": "desc" if newest else None, "limit": limit}

    async def work() -> None:
        query = _query(wanted | page)
        async with connected(server) as api:
            found = await api.list_audit(query)
        rows = [
            [str(e.number), e.at[:19], e.actor, e.verb, "yes" if e.allowed else "no", e.subject]
            for e in found
        ]
        lines = output.table(["NUMBER", "UTC", "ACTOR", "VERB", "ALLOWED", "SUBJECT"], rows)
        document = {"entries": [entry.model_dump(mode="json") for entry in found]}
        output.show(document, lines, as_json=as_json)

    run(work())


@audit.command("export")
@_wanted
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="The file to write.")
@options.server
def export(*, out: Path | None, server: str | None, **wanted: object) -> None:
    """Write every entry as JSON, one a line, to a file or to stdout."""

    async def work() -> None:
        with click.open_file(str(out or "-"), "w", encoding="utf-8") as file:
            async with connected(server) as api:
                async for entry in api.export_audit(_query(wanted)):
                    file.write(entry.model_dump_json() + "\n")

    run(work())


@audit.command("verify")
@click.option("--head", help="A head that was noted earlier, as this command prints it.")
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A whole export to check, without any server.",
)
@options.server
@options.as_json
def verify(*, head: str | None, file: Path | None, server: str | None, as_json: bool) -> None:
    """Check that no entry was changed, is missing, or was cut off.

    The chain shows changes and gaps by itself. That its end was cut off shows beside a head that
    was noted elsewhere: the server notes one in its data directory and in its logs every minute,
    and this command prints the one to keep. Exits with 1 where the log is not whole.
    """
    if file:
        _show(_verify_file(file, head), as_json=as_json)
        return

    async def work() -> None:
        async with connected(server) as api:
            found = await api.verify_audit(head)
        _show(found.model_dump(mode="json", by_alias=True), as_json=as_json)

    run(work())


def _verify_file(file: Path, head: str | None) -> dict[str, object]:
    from keyturn.domain.audit import ChainBroken, Head, require_reached, verify_chain

    heads = [_head(head)] if head else []
    told: dict[str, object] = {"heldAgainst": [str(each) for each in heads], "problem": None}
    try:
        last = verify_chain(_entries(file), heads=heads)
        require_reached(last, heads)
    except ChainBroken as broken:
        return told | {"entries": 0, "head": None, "problem": broken.message}
    newest: Head | None = last.head if last else None
    return told | {
        "entries": newest.number if newest else 0,
        "head": str(newest) if newest else None,
    }


def _head(text: str) -> "Head":
    from keyturn.domain.audit import Head
    from keyturn.domain.errors import InvalidInput

    try:
        return Head.parse(text)
    except InvalidInput as error:
        raise click.BadParameter(error.problems[0].rule, param_hint="--head") from None


def _entries(file: Path) -> Iterator["AuditEntry"]:
    from pydantic import ValidationError

    from keyturn.domain.audit import Attempt, AuditEntry
    from keyturn.wire import audit as wire

    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                entry = wire.AuditEntry.model_validate_json(line)
                at, digest = datetime.fromisoformat(entry.at), bytes.fromhex(entry.hash)
            except (ValidationError, ValueError):
                raise click.ClickException(f"Line {number} of {file} is no audit entry.") from None
            told = (entry.actor, entry.verb, entry.subject)
            attempt = Attempt(at, *told, allowed=entry.allowed, detail=entry.detail)
            yield AuditEntry(entry.number, attempt, digest)


def _show(found: dict[str, object], *, as_json: bool) -> None:
    against = found["heldAgainst"]
    heads = [str(head) for head in against] if isinstance(against, Iterable) else []
    lines = [f"not whole: {found['problem']}"]
    if not found["problem"]:
        lines = [
            f"whole: {found['entries']} entries",
            f"head:  {found['head'] or 'none'}",
            *(f"holds: {head}" for head in heads),
        ]
    output.show(found, lines, as_json=as_json)
    if found["problem"]:
        raise SystemExit(1)


def _query(wanted: dict[str, object]) -> dict[str, str]:
    return {name: _text(value) for name, value in wanted.items() if value is not None}


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    return str(value).lower() if isinstance(value, bool) else str(value)
