"""The judge: hears every event, keeps the ledger, asks the invariants, and keeps the trace.

Decides nothing of what is right. Text for the trace is made only where somebody wants one.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from keyturn.cli.simulation import (
    clear,
    invariants,
    invariants_of_access,
    invariants_of_ends,
    invariants_of_grants,
    invariants_of_orders,
    invariants_of_record,
    invariants_of_schedule,
)
from keyturn.cli.simulation.calls import SENT, Sent
from keyturn.cli.simulation.commits import changed_between, commit_of, hold
from keyturn.cli.simulation.events import Disclosure, Effect, Login
from keyturn.cli.simulation.kept import Kept, Reader
from keyturn.cli.simulation.ledger import REFUSED_CLIENT, Ledger
from keyturn.cli.simulation.processes import Work
from keyturn.cli.simulation.sharing import Sharing
from keyturn.domain.audit import AuditEntry
from keyturn.domain.oauth.connection import Connection, State
from keyturn.domain.oauth.registration import ClientRegistration
from keyturn.domain.rollout import Rollout
from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import State as VersionState
from keyturn.domain.secret import Version
from keyturn.domain.turn import Act, Turn
from keyturn.sandbox.journal import Entry, Journal
from keyturn.sandbox.state.records import App
from keyturn.services.ports import Record, TurnStep
from keyturn.testing.memory import Backup

OF_WORKERS = (Connection, Rollout)
"""What nobody else waits for."""
WINDOW_S = 60.0
OF_EFFECTS = (
    *invariants.OF_EFFECTS,
    *invariants_of_grants.OF_EFFECTS,
    *invariants_of_access.OF_EFFECTS,
    *invariants_of_orders.OF_EFFECTS,
)
OF_COMMITS = (
    *invariants.OF_COMMITS,
    invariants_of_record.audit_chain_holds,
    *invariants_of_orders.OF_COMMITS,
    *invariants_of_ends.OF_COMMITS,
    *invariants_of_schedule.OF_COMMITS,
)
OF_DISCLOSURES = (*invariants.OF_DISCLOSURES, invariants_of_record.disclosure_is_on_record)
AT_THE_END = (
    invariants.every_turn_ends,
    invariants_of_access.we_get_in_again,
    invariants_of_ends.nothing_of_ours_is_left_over,
)
STANDING = (*invariants.STANDING, *invariants_of_access.STANDING)


@dataclass(frozen=True)
class Violation:
    """One invariant that did not hold, when, and how it showed."""

    invariant: str
    at_s: float
    told: str

    def __str__(self) -> str:
        return f"{self.invariant} at {self.at_s:.3f} s: {self.told}"


class HeardJournal(Journal):
    """The org's journal, read aloud as it is written."""

    def __init__(self, listener: Callable[[Entry], None]) -> None:
        super().__init__()
        self._listener = listener

    def record(self, entry: Entry) -> None:
        """Append one entry."""
        super().record(entry)
        self._listener(entry)


class Judge:
    """Hear what happens and find what is wrong."""

    def __init__(self, ledger: Ledger, *, tracing: bool) -> None:
        self.ledger = ledger
        self.tracing = tracing
        self.trace: list[str] = []
        self.violations: list[Violation] = []
        self.counts: Counter[str] = Counter()
        self.secrets: set[str] = set()
        self.bells: list[Callable[[], None]] = []
        """Rung when a turn, a rotation or a client registration has changed."""
        self.chores: list[Callable[[], None]] = []
        """Rung when a connection has changed."""
        self.news: defaultdict[str, list[Callable[[], None]]] = defaultdict(list)
        """By app: rung when its readers are given another version, or one has stopped working."""
        self._audit: Sequence[AuditEntry] = ()
        self._full: dict[tuple[str, str], float] = {}
        self._told: set[tuple[str, str]] = set()
        self._clean = clear.Clean()
        self._calm_since_s = 0.0
        self._searched: dict[str, App] = {}
        """Apps as they were when their values were taken up among what is searched for."""
        self.sharing = Sharing(ledger.org)
        ledger.org.journal = HeardJournal(self.hear_call)

    def note(self, *told: object) -> None:
        """Write a line into the trace."""
        if self.tracing:
            at = f"{self.ledger.now_s():13.3f}"
            self.trace.append(" ".join((at, *map(str, told))))

    # --- events ---------------------------------------------------------------------------------

    def hear_sending(self, sent: Sent) -> None:
        """Hear that a call of ours leaves for Okta."""
        ledger = self.ledger
        for invariant in (
            invariants.who_may_have_lost_a_turn_sends_nothing,
            invariants_of_orders.a_paused_turn_asks_okta_nothing,
        ):
            self._find(invariant, invariant(ledger, sent))
        on_record = invariants_of_record.change_is_on_record
        self._find(on_record, on_record(ledger, sent, self._audit))

    def hear_call(self, entry: Entry) -> None:
        """Hear what Okta did with a call; the org calls this in the moment of the effect."""
        sent, ledger = SENT.get(), self.ledger
        if entry.fault:
            self.counts[f"fault {entry.fault}"] += 1
        changed = ledger.note_call(entry, sent)
        if sent is None:
            return
        self.counts["calls"] += 1
        self.note("okta", entry.method, entry.path, entry.status, entry.outcome, entry.fault or "")
        if sent.by_client:
            self._hear_client(sent, entry)
            self.look(changed)
            return
        self.counts["log-ins of ours"] += bool(sent.key)
        self.counts["log-ins of ours refused"] += bool(sent.key) and entry.outcome == REFUSED_CLIENT
        bucket = (sent.work.process if sent.work else "", _bucket(entry.route))
        effect = Effect(sent, entry, self._full.get(bucket, 0.0))
        if entry.status == 429:
            kind = "429 by fault" if entry.fault else "429 earned"
            self.counts[kind] += 1
        for invariant in OF_EFFECTS:
            self._find(invariant, invariant(ledger, effect))
        shared = self.sharing.calls_stay_within_what_was_shared_out
        self._find(shared, shared(effect, bucket[1]))
        self.look(changed)

    def _hear_client(self, sent: Sent, entry: Entry) -> None:
        self.counts["calls of clients"] += 1
        if entry.fault:
            self.ledger.grants.note_spoiled(sent)
        refused = invariants_of_grants.no_connection_is_refused
        self._find(refused, refused(self.ledger, Effect(sent, entry)))

    def hear_answer(
        self, sent: Sent, status: int, window_ends_in_s: float | None, *, told: bool
    ) -> None:
        """Hear that an answer has reached the one who asked, and whether it told of the rate."""
        if sent.by_client:
            self.ledger.grants.note_told(sent)
            return
        self.sharing.hear_answer(sent, told=told)
        if status == 429 and window_ends_in_s and sent.work:
            route = "/oauth2" if sent.path.startswith("/oauth2") else sent.path
            self._full[sent.work.process, _bucket(route)] = self.ledger.now_s() + window_ends_in_s

    def hear_death(self, process: str) -> None:
        """Hear that a process has lost what it knew."""
        self.sharing.hear_death()
        self.hear_harm(process)
        self._full = {key: until for key, until in self._full.items() if key[0] != process}

    def hear_harm(self, process: str | None, for_s: float = 0.0) -> None:
        """Hear that a process, or all, may fail to store what it was told, so long from now."""
        self.ledger.grants.note_harm(process, for_s)
        self._calm_since_s = max(self._calm_since_s, self.ledger.now_s() + for_s)

    def hear_commit(self, work: Work | None, began_s: float, before: Backup, after: Backup) -> None:
        """Hear that a transaction is durable."""
        changed = [*changed_between(before, after)]
        fresh = after.audit[len(before.audit) :]
        self._audit = after.audit
        other_key = self.note_access(after)
        if not changed and not fresh and not other_key:
            return
        self.counts["commits"] += 1
        for record in changed:
            self._note_record(record)
        commit = commit_of(work, changed, fresh, before)
        for invariant in OF_COMMITS:
            self._find(invariant, invariant(self.ledger, commit))
        self.search(clear.texts_of(commit))
        if work and not commit.claims:
            hold(work, changed, began_s)
        if self.tracing:
            self.note("commit", work, *_short(changed), *(e.attempt.verb for e in fresh))
        about = {self.ledger.app_of(record) for record in changed}
        if about or other_key:
            self.look(None if other_key else about)
        if changed:
            self._tell(changed)

    def _tell(self, changed: Sequence[Record]) -> None:
        """Wake workers, and readers where their version has changed."""
        for bell in self.chores if isinstance(changed[0], OF_WORKERS) else self.bells:
            bell()
        told = (
            v for v in changed if isinstance(v, Version) and v.state is not VersionState.PENDING
        )
        for app_id in sorted({self.ledger.app_of(version) for version in told}):
            for bell in self.news[app_id]:
                bell()

    def hear_read(self, reader: Reader, kept: Kept, version: int, value: str, since: int) -> None:
        """Hear what a reader was given; ``since`` is how long the audit log was before it asked."""
        name, audit = kept.names.client_secret, self._audit[since:]
        disclosure = Disclosure(reader, kept, version, value, audit, name)
        for invariant in OF_DISCLOSURES:
            self._find(invariant, invariant(self.ledger, disclosure))
        reader.version, reader.read_s, reader.lost = version, self.ledger.now_s(), 0
        self.counts["reads"] += 1

    def hear_client_id(self, reader: Reader, kept: Kept, value: str, since: int) -> None:
        """Hear what a reader was given for the client id, empty for nothing."""
        name, audit = kept.names.client_id, self._audit[since:]
        disclosure = Disclosure(reader, kept, reader.version, value, audit, name)
        for invariant in invariants_of_record.OF_CLIENT_IDS:
            self._find(invariant, invariant(self.ledger, disclosure))

    def hear_token(self, connection: Connection, *, good: bool) -> None:
        """Hear whether a connection gave a token that the org takes, when there was time enough."""
        self.counts[f"connections that give {'a' if good else 'no'} token"] += 1
        self.note("token", connection.name, "good" if good else "none")
        invariant = invariants_of_grants.every_grant_gives_a_token
        if not good:
            self._find(invariant, invariant(self.ledger, connection))

    def hear_login(self, login: Login) -> None:
        """Hear whether Okta accepted a consumer."""
        self.counts["logins"] += 1
        self.counts["logins refused"] += not login.accepted
        self.note("login", login.who, f"v{login.version}", "ok" if login.accepted else "refused")
        invariant = invariants.login_within_the_floor_succeeds
        self._find(invariant, invariant(self.ledger, login))

    def hear_restored(self, backup: Backup) -> None:
        """Hear that the store holds only what it held earlier; readers may see older versions."""
        self._audit, self._calm_since_s = backup.audit, self.ledger.now_s()
        self.sharing.hear_restored()
        self.ledger.note_restored(backup)
        for readers in self.ledger.readers.values():
            for reader in readers:
                reader.version = 0
        self.look()
        self.ring()

    def hear_hour(self) -> None:
        """Hear that time has passed."""
        calm_s = self.ledger.now_s() - self._calm_since_s
        due = invariants_of_schedule.what_is_due_has_begun
        for kept in self.ledger.kept.values():
            self._find(due, due(self.ledger, kept, calm_s))

    def hear_unforeseen(self, work: object, error: BaseException) -> None:
        """Hear of an error that is none of ours."""
        self._add("no_unforeseen_error", f"{work}: {type(error).__name__}: {error}")

    def hear_end(self) -> None:
        """Hear that enough time has passed without faults."""
        for kept in self.ledger.kept.values():
            for invariant in AT_THE_END:
                self._find(invariant, invariant(self.ledger, kept))

    def search(self, texts: Iterator[str]) -> None:
        """Search texts for secrets in clear."""
        told = clear.no_secret_in_clear(texts, self._values(), self._clean)
        self._find(clear.no_secret_in_clear, told)

    def look(self, app_ids: AbstractSet[str] | None = None) -> None:
        """Ask what must always hold, of every app or of those that something happened to."""
        self.counts["looks"] += 1
        kept_ones = self.ledger.kept
        for app_id in kept_ones if app_ids is None else sorted(app_ids & kept_ones.keys()):
            kept = kept_ones[app_id]
            for invariant in STANDING:
                self._find(invariant, invariant(self.ledger, kept))

    def ring(self) -> None:
        """Wake whoever waits for something to change."""
        for bell in self.bells:
            bell()

    # --- inside ---------------------------------------------------------------------------------

    def audit_length(self) -> int:
        """Return how many audit entries there are."""
        return len(self._audit)

    def _values(self) -> set[str]:
        for app_id in self.ledger.kept:
            app = self.ledger.app(app_id)
            if self._searched.get(app_id) is not app:
                self._searched[app_id] = app
                self.secrets |= {secret.value for secret in app.secrets}
        return self.secrets

    def note_access(self, held: Backup) -> bool:
        """Hear of what the connection keeps; say whether that is another key than before."""
        changed = self.ledger.access.note(held)
        if changed:
            self.secrets |= self.ledger.access.hidden
        return changed

    def note_version(self, version: Version) -> None:
        """Hear of a version, and of what nobody may see of it."""
        self.ledger.note_version(version)
        self.secrets |= self.ledger.hidden(version)

    def _note_record(self, record: Record) -> None:
        if isinstance(record, Version):
            self.note_version(record)
        elif isinstance(record, Turn):
            self.ledger.note_turn(record)
        elif isinstance(record, Rotation):
            self.ledger.note_rotation(record)
        elif isinstance(record, TurnStep) and record.step == Act.ROLL_BACK:
            self.ledger.left |= set(record.detail.split())
        elif isinstance(record, Connection):
            self.note_connection(record)

    def note_connection(self, connection: Connection) -> None:
        """Hear of a connection, and of the tokens that nobody may see."""
        before = self.ledger.grants.connections.get(connection.id)
        self.secrets |= self.ledger.note_connection(connection)
        self.counts[f"connections {connection.state}"] += _state(before) != connection.state
        invariant = invariants_of_grants.a_grant_lapses_only_when_it_is_over
        self._find(invariant, invariant(self.ledger, before, connection))

    def _find(self, invariant: Callable[..., object], wrong: Iterator[str]) -> None:
        for told in wrong:
            self._add(invariant.__name__, told)

    def _add(self, name: str, told: str) -> None:
        """Keep a violation, once: what stays wrong is found again after every event."""
        if (name, told) in self._told:
            return
        self._told.add((name, told))
        self.violations.append(Violation(name, self.ledger.now_s(), told))
        self.note("VIOLATION", name, told)


def _state(connection: Connection | None) -> State | None:
    return connection.state if connection else None


def _short(records: Sequence[Record]) -> Iterator[str]:
    for record in records:
        if isinstance(record, Turn):
            flags = f"{record.word or ''} {'paused' if record.paused_at else ''}".strip()
            yield f"[turn {record.id[:4]} {record.phase} e{record.epoch} {record.owner} {flags}]"
        elif isinstance(record, Version):
            yield f"[v{record.number} {record.state}]"
        elif isinstance(record, Connection):
            number = record.tokens.number if record.tokens else 0
            yield f"[{record.name} {record.state} t{number} e{record.epoch}]"
        elif isinstance(record, ClientRegistration):
            yield f"[{record.name} {record.standing} v{record.proved_version}]"
        elif isinstance(record, TurnStep):
            yield f"({record.step}: {record.detail[:120]})"


def _bucket(route: str) -> str:
    parts = route.partition("?")[0].strip("/").split("/")
    if parts[:1] == ["oauth2"]:
        return "oauth2"
    return "/".join(parts[:3]) + ("/{id}" if parts[2:3] == ["apps"] and len(parts) == 4 else "")
