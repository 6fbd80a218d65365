"""Leak reports: taken in, listed, ended by hand.

Whoever may only report learns nothing by it: not whether a hash or the beginning of a value is
that of a secret here, for otherwise a value could be guessed letter by letter. What was found is
read by those who hold another verb.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from keyturn.domain.access import Caller, Target, Verb
from keyturn.domain.errors import FieldProblem, InvalidInput, NotFound, TooManyAttempts
from keyturn.domain.ids import LeakId, SecretHash
from keyturn.domain.leaks import (
    KEPT_UNKNOWN,
    MEANING,
    PREFIX_MIN,
    SERVED,
    LeakReport,
    Order,
    Source,
    State,
    Which,
    compared,
    hash_of_leaked,
    hidden,
    is_hash,
    moved,
    state_of,
)
from keyturn.domain.notice import Kind, NoticeDraft
from keyturn.domain.sensitive import Sensitive
from keyturn.services import gate
from keyturn.services.leak_matching import Match, find_match, list_beginning
from keyturn.services.notices import tell
from keyturn.services.ports import Reading, World, Writing
from keyturn.services.records import must
from keyturn.services.rollout_plans import ALL, REASON_MAX
from keyturn.wire.leaks import LISTED_MAX, NOTE_MAX, REPORTS_MAX, VALUE_MAX, WHERE_MAX

PREFIXES_MAX = 10
"""As many of a request are by the beginning of a value: all that are kept are opened for them."""
PREFIX_PER_S = 0.2
"""How often a second one identity may ask for that."""
AGAIN = timedelta(hours=1)
"""How long until it is looked again for a secret that nothing here had."""
AT_ONCE = 50
"""As many reports are written down in one transaction."""


@dataclass(frozen=True)
class LeakDraft:
    """What somebody reports: a secret by one of its value, its hash, and how its value begins."""

    value: Sensitive | None = None
    hash: str = ""
    prefix: Sensitive | None = None
    seen_in: str = ""
    told: str = ""

    @property
    def values(self) -> Sequence[Sensitive]:
        """Return what its texts must not repeat: a value, how one begins, what of that counts."""
        beginning = self.prefix and compared(self.prefix)
        return [each for each in (self.value, self.prefix, beginning) if each]


@dataclass(frozen=True)
class Received:
    """How many reports were taken in; and which, for those alone who may read what was found."""

    count: int
    reports: Sequence[LeakReport] | None


@dataclass(frozen=True)
class Sighting:
    """A report whose secret is known by its hash, if at all; ``by_value`` is who gave it whole."""

    draft: LeakDraft
    hash: SecretHash | None
    by_value: bool = False


async def report_leaks(
    world: World, caller: Caller, drafts: Sequence[LeakDraft], source: Source = Source.WEBHOOK
) -> Received:
    """Take reports in, and tell people of each that is about a secret here.

    What is reported twice, of one place, is one report. Raises InvalidInput, Forbidden, and
    TooManyAttempts where beginnings of values are asked for too often.
    """
    drafts = _required(drafts)
    prefixes = sum(each.prefix is not None for each in drafts)
    subject = f"leaks ({source}, {len(drafts)} reports, {prefixes} by how the value begins)"
    target = Target(caller.home, somewhere=True)
    await gate.require(world, caller, Verb.REPORT_LEAKS, target, subject=subject)
    if prefixes:
        _pace(world, caller)
    reports = await take_in(world, caller, await _sighted(world, caller, drafts), source)
    seen = gate.may(caller, Verb.READ_LEAKS, ALL)
    return Received(len(drafts), reports if seen else None)


async def list_leaks(
    world: World, caller: Caller, *, state: State | None = None, limit: int = 100
) -> Sequence[LeakReport]:
    """List the newest reports, newest first, of any state or one.

    Raises InvalidInput, Forbidden.
    """
    if not 1 <= limit <= LISTED_MAX:
        raise InvalidInput(FieldProblem(("limit",), f"must be 1 to {LISTED_MAX}"))
    await gate.require(world, caller, Verb.READ_LEAKS, ALL, subject="leaks")
    where: dict[str, object] = {"organization_id": caller.organization_id}
    where |= {"state": state} if state else {}
    async with world.store.reading() as tx:
        return await tx.list_newest(LeakReport, limit=limit, **where)


async def end_leak(
    world: World, caller: Caller, leak_id: str, reason: str, *, false_alarm: bool = False
) -> LeakReport:
    """End a report, because its secret was closed by hand or because it has not leaked.

    Raises NotFound, Forbidden, InvalidInput, and Refused for one that has ended.
    """
    reason = reason.strip()
    if not 1 <= len(reason) <= REASON_MAX:
        raise InvalidInput(FieldProblem(("reason",), f"must have 1 to {REASON_MAX} characters"))
    order = Order.DISMISS if false_alarm else Order.CLOSE
    await admit(world, caller, Verb.EDIT_LEAKS, leak_id, order)
    async with world.store.writing() as tx:
        before = await must(tx.find(LeakReport, id=leak_id))
        after = moved(before, order, world.clock.now(), by=caller.name, why=reason)
        await tx.replace(after)
    return after


async def admit(
    world: World, caller: Caller, verb: Verb, leak_id: str, detail: str = ""
) -> LeakReport:
    """Find a report and pass the gate for it. Raises Forbidden, NotFound."""
    async with world.store.reading() as tx:
        found = await tx.find(LeakReport, id=leak_id, organization_id=caller.organization_id)
    subject = f"leak {leak_id} ({detail})" if detail else f"leak {leak_id}"
    await gate.require(world, caller, verb, ALL, subject=subject)
    if found is None:
        raise NotFound(f"There is no leak report {leak_id}.")
    return found


# --- take in --------------------------------------------------------------------------------------


def _required(drafts: Sequence[LeakDraft]) -> Sequence[LeakDraft]:
    """Return drafts as they are kept. Raises InvalidInput, which repeats nothing of a value."""
    problems = [problem for n, each in enumerate(drafts) for problem in _problems(n, each)]
    prefixes = sum(each.prefix is not None for each in drafts)
    if not 1 <= len(drafts) <= REPORTS_MAX:
        problems.append(FieldProblem(("reports",), f"must be 1 to {REPORTS_MAX}"))
    if prefixes > PREFIXES_MAX:
        rule = f"at most {PREFIXES_MAX} of them may be by how the value begins"
        problems.append(FieldProblem(("reports",), rule))
    if problems:
        raise InvalidInput(*problems)
    return [_without_value(each) for each in drafts]


def _problems(number: int, draft: LeakDraft) -> Sequence[FieldProblem]:
    given = sum((draft.value is not None, bool(draft.hash), draft.prefix is not None))
    rules = {
        "value": "say one of: the value, its hash, how it begins" if given != 1 else "",
        "hash": "" if not draft.hash or is_hash(draft.hash) else HASH_RULE,
        "prefix": _length_rule(draft.prefix, PREFIX_MIN),
        "where": "" if len(draft.seen_in) <= WHERE_MAX else f"at most {WHERE_MAX} characters",
        "note": "" if len(draft.told) <= NOTE_MAX else f"at most {NOTE_MAX} characters",
    }
    rules["value"] = rules["value"] or _length_rule(draft.value, 1)
    place = ("reports", str(number))
    return [FieldProblem((*place, name), rule) for name, rule in rules.items() if rule]


HASH_RULE = (
    "must be Okta's hash of a client secret (22 characters of base64url), or the thumbprint of a "
    "client key (43)"
)


def _length_rule(value: Sensitive | None, least: int) -> str:
    if value is None or least <= len(value.reveal()) <= VALUE_MAX:
        return ""
    return f"must have {least} to {VALUE_MAX} characters"


def _without_value(draft: LeakDraft) -> LeakDraft:
    """Return a draft whose texts do not repeat what it is about."""
    seen_in, told = hidden(draft.seen_in, *draft.values), hidden(draft.told, *draft.values)
    return replace(draft, seen_in=seen_in[:WHERE_MAX], told=told[:NOTE_MAX])


def _pace(world: World, caller: Caller) -> None:
    wait_s = world.doors.buckets.wait_s(f"leaks {caller.id}", PREFIX_PER_S, world.clock.uptime_s())
    if wait_s:
        raise TooManyAttempts(
            "Beginnings of values are asked for too often: every secret is looked at for them. "
            "Wait, or give the whole value or its hash.",
            retry_after_s=wait_s,
        )


async def _sighted(world: World, caller: Caller, drafts: Sequence[LeakDraft]) -> Sequence[Sighting]:
    """Return what is reported by its hash; a beginning that several values have is each of them."""
    beginnings = [each.prefix for each in drafts if each.prefix]
    hashes = iter(
        await list_beginning(world, caller.organization_id, beginnings) if beginnings else ()
    )
    found = list[Sighting]()
    for draft in drafts:
        if draft.value:
            found.append(Sighting(draft, hash_of_leaked(draft.value), by_value=True))
        elif draft.prefix:
            found += [Sighting(draft, each) for each in sorted(next(hashes)) or (None,)]
        else:
            found.append(Sighting(draft, SecretHash(draft.hash)))
    return found


async def take_in(
    world: World, caller: Caller, sightings: Sequence[Sighting], source: Source
) -> Sequence[LeakReport]:
    """Write reports of somebody who has passed the gate down, each with what it is about."""
    reports = list[LeakReport]()
    for first in range(0, len(sightings), AT_ONCE):
        async with world.store.writing() as tx:
            for each in sightings[first : first + AT_ONCE]:
                reports.append(await _note(tx, world, caller, each, source))
    return reports


async def _note(
    tx: Writing, world: World, caller: Caller, sighting: Sighting, source: Source
) -> LeakReport:
    """Write one report down, unless it is there already."""
    draft, now = sighting.draft, world.clock.now()
    found = sighting.hash and await find_match(tx, world, caller.organization_id, sighting.hash)
    match = found or None
    report = with_match(
        LeakReport(
            id=LeakId(world.chance.uuid()),
            organization_id=caller.organization_id,
            at=now,
            source=source,
            reporter=caller.name,
            hash=sighting.hash,
            seen_in=draft.seen_in,
            told=draft.told,
            state=state_of(match.which if match else None),
        ),
        match,
    )
    closes = _closes(world, sighting, match)
    if known := await _known(tx, report):
        return await _again(tx, world, known, match, closes=closes)
    if report.state is State.CLOSED:
        why = "It had been deleted before it was reported."
        report = replace(report, ended_at=now, ended_why=why)
    if report.state is State.UNKNOWN:
        due_at = now + (AGAIN if report.hash else KEPT_UNKNOWN)
        report = replace(report, due_at=due_at)
    if match and report.state is State.OPEN:
        report = replace(report, due_at=now, closes=closes)
        await _tell_first(tx, world, report, match)
    await tx.add(report)
    return report


def _closes(world: World, sighting: Sighting, match: Match | None) -> bool:
    """Say whether a secret's app is to be closed without anybody's asking."""
    served = match is not None and match.which in SERVED and match.rotation_id is not None
    return world.limits.leak_closes and sighting.by_value and served


async def _again(
    tx: Writing, world: World, known: LeakReport, match: Match | None, *, closes: bool
) -> LeakReport:
    """Return a report that has come again: its secret may be known by now, or be brought whole."""
    after = known
    if match and known.state is State.UNKNOWN:
        after = await recognised(tx, world, known, match)
    if closes and after.state is State.OPEN and after.emergency_id is None:
        after = replace(after, closes=True, due_at=world.clock.now())
    if after != known:
        await tx.replace(after)
    return after


async def recognised(tx: Writing, world: World, report: LeakReport, match: Match) -> LeakReport:
    """Return a report of which it is known by now whose secret it is, once people are told."""
    found = with_match(moved(report, Order.RECOGNISE, world.clock.now()), match)
    await _tell_first(tx, world, found, match)
    return found


def with_match(report: LeakReport, match: Match | None) -> LeakReport:
    """Return a report with what its secret is now; an app that was known stays known."""
    if match is None:
        return report
    return replace(
        report,
        which=match.which,
        app=match.name,
        connection_id=match.connection_id or report.connection_id,
        app_id=match.app_id or report.app_id,
        client_id=match.client_id or report.client_id,
        rotation_id=match.rotation_id,
    )


async def _known(tx: Reading, new: LeakReport) -> LeakReport | None:
    """Find the report that says the same; a closed one does not where its secret is accepted.

    What is deactivated is not. Without a hash it is the one by the same reporter.
    """
    same: Mapping[str, object] = {
        "organization_id": new.organization_id,
        "hash": new.hash,
        "seen_in": new.seen_in,
    }
    if new.hash is None:
        same = {**same, "reporter": new.reporter, "told": new.told}
    found = await tx.list(LeakReport, **same)
    accepted = new.state is State.OPEN and new.which is not Which.RETIRED
    alike = [each for each in found if each.state is not State.CLOSED or not accepted]
    return alike[-1] if alike else None


async def _tell_first(tx: Writing, world: World, report: LeakReport, match: Match) -> None:
    """Tell people of a secret, unless a report of another place is open and has told of it."""
    same = {"organization_id": report.organization_id, "hash": report.hash, "state": State.OPEN}
    if not await tx.list_newest(LeakReport, limit=1, **same):
        await tell_leak(tx, world, report, match)


async def tell_leak(
    tx: Writing, world: World, report: LeakReport, match: Match, more: str = ""
) -> None:
    """Tell people of a secret that has leaked, in the transaction that says so."""
    where = f" in {report.seen_in}" if report.seen_in else ""
    draft = NoticeDraft(
        kind=Kind.LEAKED,
        organization_id=report.organization_id,
        project_id=match.project_id,
        subject_id=report.id,
        subject=match.name,
        told=f"{report.reporter} has seen it{where}. {MEANING[match.which]} {more}".rstrip(),
        of=match.of,
        page=f"/leaks/{report.id}",
        command=f"keyturn leak show {report.id}",
    )
    await tell(tx, world, draft)
