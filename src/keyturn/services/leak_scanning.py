"""What GitHub's secret scanning has found, proved by its signature.

GitHub is no identity of ours: it is let in by what it signs, and told which of the values are real,
because it has them already. A message that comes again changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from keyturn.domain.access import Caller, Grant, Holding, Role, Target, Verb
from keyturn.domain.audit import Attempt
from keyturn.domain.errors import FieldProblem, InvalidInput, Unauthenticated
from keyturn.domain.leaks import Source, hash_of_leaked, hidden
from keyturn.domain.project import Organization
from keyturn.domain.sensitive import Sensitive
from keyturn.services import gate
from keyturn.services.leaks import LeakDraft, Sighting, take_in
from keyturn.services.ports import World
from keyturn.wire.leaks import NOTE_MAX, VALUE_MAX, WHERE_MAX

NOTED_S: Final = 60.0
"""How long one entry in the audit log stands for who comes again with a wrong signature."""
FOUND_MAX: Final = 1000
"""As many values as a message may have."""
GITHUB: Final = "github"


@dataclass(frozen=True)
class Scanned:
    """A value that was found, what kind GitHub takes it for, where, and in what."""

    token: Sensitive
    type: str
    url: str
    source: str


@dataclass(frozen=True)
class Verdict:
    """Whether a value is one of ours; it is named by the SHA-256 of itself, in hexadecimal."""

    token_hash: str
    type: str
    known: bool


async def admit_scan(
    world: World, message: bytes, *, key_id: str, signature: str, address: str
) -> Caller:
    """Let a message of GitHub's in. Raises Unauthenticated, IssuerUnreachable, NotFound."""
    try:
        await world.scanners.verify(message, key_id=key_id, signature=signature)
    except Unauthenticated as error:
        await _note(world, address, error.message)
        raise
    async with world.store.reading() as tx:
        [organization, *_] = await tx.list(Organization)
    role = Role(GITHUB, "GitHub", (Grant(frozenset({Verb.REPORT_LEAKS})),))
    return Caller(GITHUB, "GitHub", organization.id, (Holding(role),))


async def take_scan(
    world: World, github: Caller, scanned: Sequence[Scanned], *, address: str
) -> Sequence[Verdict]:
    """Take in what GitHub has found, and tell of each value whether it is one of ours.

    Raises InvalidInput for too many, or one that is too long.
    """
    if len(scanned) > FOUND_MAX:
        raise InvalidInput(FieldProblem(("body",), f"must be at most {FOUND_MAX} values"))
    if any(not 1 <= len(each.token.reveal()) <= VALUE_MAX for each in scanned):
        raise InvalidInput(FieldProblem(("token",), f"must have 1 to {VALUE_MAX} characters"))
    subject = f"leaks ({Source.GITHUB}, {len(scanned)} values, from {address or 'nobody knows'})"
    await gate.require(world, github, Verb.REPORT_LEAKS, Target(), subject=subject)
    sightings = [_sighting(each) for each in scanned]
    reports = await take_in(world, github, sightings, Source.GITHUB)
    return [
        Verdict(_digest(each.token), each.type, known=report.which is not None)
        for each, report in zip(scanned, reports, strict=True)
    ]


def _sighting(one: Scanned) -> Sighting:
    seen_in = hidden(one.url, one.token)[:WHERE_MAX]
    told = hidden(f"{one.type} in {one.source}", one.token)[:NOTE_MAX]
    draft = LeakDraft(value=one.token, seen_in=seen_in, told=told)
    return Sighting(draft, hash_of_leaked(one.token), by_value=True)


def _digest(value: Sensitive) -> str:
    return sha256(value.reveal().encode()).hexdigest()


async def _note(world: World, address: str, why: str) -> None:
    """Put a refusal on record, durably, unless an entry of the last minute says the same."""
    now_s = world.clock.uptime_s()
    about = "leaks", address, why
    if world.doors.noted.find(about, now_s):
        return
    subject = f"leaks (from {address or 'nobody knows'})"
    entry = Attempt(world.clock.now(), "nobody", Verb.REPORT_LEAKS, subject, False, why)  # noqa: FBT003
    await world.store.append_audit(entry)
    world.doors.noted.keep(about, True, now_s + NOTED_S)  # noqa: FBT003  what is remembered
