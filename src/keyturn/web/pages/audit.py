"""The audit log: who did or tried what, whether it is whole, and all of it as a file."""

import shlex
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response, StreamingResponse

from keyturn.domain.access import Target, Verb
from keyturn.domain.audit import AuditEntry, AuditFilter, Head, exported
from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.services import gate
from keyturn.services.audit import (
    export_entries,
    list_entries,
    list_newest_entries,
    verify_audit,
)
from keyturn.services.identity_changes import list_identities
from keyturn.web.faults import told_of
from keyturn.web.problems import status_of
from keyturn.web.rendering import HEADERS
from keyturn.web.routing import action, page
from keyturn.web.visiting import Visit

PAGE: Final = "/audit"
ROWS: Final = 50
CHECKED: Final = 50_000
"""How many of the newest entries a page checks; the command checks them all."""
NAMES: Final = 200
"""How many names a field suggests."""
FIELDS: Final = ("who", "verb", "subject", "outcome", "since", "until")
OUTCOMES: Final = (("", "any"), ("allowed", "allowed"), ("denied", "refused"))
ALLOWED: Final[Mapping[str, bool | None]] = {"": None, "allowed": True, "denied": False}


@dataclass(frozen=True)
class Asked:
    """What a form asks for: its fields as they were typed, and what they mean."""

    typed: Mapping[str, str]
    wanted: AuditFilter
    problem: InvalidInput | None = None

    def href(self, path: str = PAGE, **more: int) -> str:
        """Return an address that asks for the same, and for another page of it."""
        filled = {name: text for name, text in self.typed.items() if text}
        query = urlencode({**filled, **more})
        return f"{path}?{query}" if query else path

    def command(self, *words: str) -> str:
        """Return the command that asks for the same."""
        wanted = self.wanted
        options = {
            "--actor": wanted.actor,
            "--verb": wanted.verb,
            "--subject": wanted.subject,
            "--since": f"{wanted.since:%Y-%m-%dT%H:%M:%SZ}" if wanted.since else "",
            "--until": f"{wanted.until:%Y-%m-%dT%H:%M:%SZ}" if wanted.until else "",
        }
        flag = {None: [], True: ["--allowed"], False: ["--denied"]}[wanted.allowed]
        given = [word for option in options.items() if option[1] for word in option]
        return shlex.join(["keyturn", "audit", *words, *given, *flag])


async def show(visit: Visit) -> Response:
    """Show a page of entries that fit, the newest first."""
    names = await _names(visit)
    asked = _asked(visit.query, names)
    entries, newer, older = await _page(visit, asked)
    return visit.render(
        "audit/list.html",
        status=status_of(asked.problem) if asked.problem else 200,
        asked=asked,
        entries=entries,
        names=names,
        newer=newer,
        older=older,
        position=("--before", str(entries[0].number + 1)) if newer and entries else (),
        outcomes=OUTCOMES,
        people=sorted(set(names.values()))[:NAMES],
        verbs=[*Verb],
        checked=f"{CHECKED:,}",
        problems=told_of(asked.problem),
    )


async def verify(visit: Visit) -> Response:
    """Check the newest entries, and say how the log stands."""
    head, problem, found = visit.said("head"), None, None
    try:
        noted = Head.parse(head) if head else None
        found = await verify_audit(visit.world, visit.caller, noted=noted, most=CHECKED)
    except InvalidInput as error:
        problem = error
    return visit.render(
        "audit/verified.html",
        status=status_of(problem) if problem else 200,
        found=found,
        head=head,
        problems=told_of(problem),
        command=shlex.join(["keyturn", "audit", "verify", *(["--head", head] if head else [])]),
    )


async def export(visit: Visit) -> Response:
    """Send every entry that fits, one JSON document a line, as it is read."""
    names = await _names(visit)
    asked = _asked({name: visit.said(name) for name in FIELDS}, names)
    if asked.problem:
        raise asked.problem
    entries = await export_entries(visit.world, visit.caller, asked.wanted)
    headers = {
        **HEADERS,
        "Cache-Control": "no-store",
        "Content-Disposition": 'attachment; filename="audit.jsonl"',
    }
    return StreamingResponse(_lines(entries), 200, headers, "application/jsonl")


async def _lines(entries: AsyncIterator[AuditEntry]) -> AsyncIterator[str]:
    async for entry in entries:
        yield exported(entry) + "\n"


async def _page(visit: Visit, asked: Asked) -> tuple[Sequence[AuditEntry], str, str]:
    """Return entries, newest first, and the addresses of those that are newer and older."""
    if asked.problem:
        return (), "", ""
    world, caller, wanted = visit.world, visit.caller, asked.wanted
    after, before = _number(visit, "after"), _number(visit, "before")
    if after is not None:
        found = await list_entries(world, caller, wanted, after=after, limit=ROWS + 1)
        if len(found) > ROWS:
            shown = found[ROWS - 1 :: -1]
            return shown, asked.href(after=shown[0].number), asked.href(before=shown[-1].number)
        before = None  # there is no whole page of newer ones: then the newest
    found = await list_newest_entries(world, caller, wanted, before=before, limit=ROWS + 1)
    shown = found[:ROWS]
    newer = asked.href(after=shown[0].number) if shown and before is not None else ""
    return shown, newer, asked.href(before=shown[-1].number) if len(found) > ROWS else ""


def _number(visit: Visit, name: str) -> int | None:
    told = visit.query.get(name, "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 16 else None


async def _names(visit: Visit) -> Mapping[str, str]:
    """Return by id what those are called who may be in the log, for whoever may know it."""
    if not gate.may(visit.caller, Verb.READ_IDENTITIES, Target()):
        return {visit.caller.id: visit.caller.name}
    found = await list_identities(visit.world, visit.caller)
    return {each.identity.id: each.identity.name for each in found}


def _asked(given: Mapping[str, str], names: Mapping[str, str]) -> Asked:
    typed = {name: given.get(name, "").strip() for name in FIELDS}
    who = typed["who"]
    ids = [each for each, name in names.items() if name == who]
    try:
        wanted = AuditFilter(
            actor=ids[0] if ids else who,
            verb=typed["verb"],
            subject=typed["subject"],
            allowed=ALLOWED.get(typed["outcome"]),
            since=_moment("since", typed["since"]),
            until=_moment("until", typed["until"]),
        )
    except InvalidInput as error:
        return Asked(typed, AuditFilter(), error)
    return Asked(typed, wanted)


def _moment(field: str, text: str) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC)
    except ValueError:
        rule = "must be a day, or a day and a time in UTC, such as 2026-03-01T12:00"
        raise InvalidInput(FieldProblem((field,), rule)) from None


ROUTES: Final = (
    page(PAGE, show),
    action(f"{PAGE}/verify", verify),
    action(f"{PAGE}/export", export),
)
