"""What must always be on record before it happens.

Asked and numbered as in `invariants`.
"""

from collections.abc import Callable, Iterator, Sequence

from keyturn.cli.simulation.calls import Sent
from keyturn.cli.simulation.events import Commit, Disclosure
from keyturn.cli.simulation.invariants import Wrong
from keyturn.cli.simulation.ledger import Ledger
from keyturn.domain.audit import AuditEntry, linked
from keyturn.services.duties import Doing

OKTAS_CHOICE = "of Okta's choice"  # as an intent names it
REPAIRS = (Doing.COMPARING, "order repair")
"""Who mends what has drifted says so in a name of its own, though nobody else has the turn then."""
LATELY = 200
"""So many audit entries may have come between an intent and its call."""


def audit_chain_holds(ledger: Ledger, commit: Commit) -> Wrong:
    """6: every audit entry follows from the one before it."""
    last = commit.before
    for entry in commit.audit:
        if entry != linked(entry.attempt, last):
            yield f"audit entry {entry.number} does not follow from the one before it"
        last = entry


def change_is_on_record(ledger: Ledger, sent: Sent, audit: Sequence[AuditEntry]) -> Wrong:
    """6: an audit entry of its own, of the turn, precedes every change that is sent to Okta."""
    if not sent.changes or sent.work is None:
        return
    entry = next(_entries(ledger, sent, audit), None)
    if entry is None:
        yield f"{sent.work} sent {sent.kind} {sent.secret_id} without an audit entry"
    else:
        ledger.spent.add(entry.number)


def _entries(ledger: Ledger, sent: Sent, audit: Sequence[AuditEntry]) -> Iterator[AuditEntry]:
    """Yield the entries that tell of such a call and of no other, latest first."""
    turn_id = sent.work.turn_id if sent.work else None
    turn, kept = ledger.turns.get(turn_id or ""), ledger.kept.get(sent.app_id)
    new = turn.new.hash if turn and turn.new else OKTAS_CHOICE
    named = sent.secret_id or (new if kept and kept.rules.own_value else OKTAS_CHOICE)
    repairs = sent.work is not None and sent.work.what in REPAIRS
    actor = f"turn {turn_id}" if turn_id and not repairs else None
    for entry in reversed(audit[-LATELY:]):
        told = entry.attempt
        ours = told.allowed and actor in (None, told.actor) and told.verb.startswith(sent.kind)
        named_so = sent.app_id in told.subject and named in told.subject
        if ours and named_so and entry.number not in ledger.spent:
            yield entry


def disclosure_is_on_record(ledger: Ledger, disclosure: Disclosure) -> Wrong:
    """6: an audit entry of the reader, about what it reads, precedes every disclosure."""
    name, subject = disclosure.reader.identity_id, f":{disclosure.name}"
    entries = (entry.attempt for entry in disclosure.audit if entry.attempt.allowed)
    if not any(e.actor == name and e.subject.endswith(subject) for e in entries):
        yield f"{disclosure.reader.name} read {disclosure.name} and is not on record"


def client_id_is_the_apps(ledger: Ledger, disclosure: Disclosure) -> Wrong:
    """1: who reads the client id beside a secret is given that of the app."""
    kept = disclosure.kept
    if disclosure.value != ledger.org.apps[kept.app_id].client_id:
        yield f"{disclosure.reader.name} was given client id {disclosure.value!r} of {kept.app_id}"


OF_CLIENT_IDS: Sequence[Callable[[Ledger, Disclosure], Wrong]] = (
    disclosure_is_on_record,
    client_id_is_the_apps,
)
