"""What truly happened: kept beside the product, from the org's own record and the store's commits.

Decides nothing of what is right; `invariants` reads it. Takes nobody's word: what Okta holds is
read from the sandbox, what readers are given is opened from the store.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from datetime import datetime

from keyturn.cli.simulation.access import Access
from keyturn.cli.simulation.calls import Sent
from keyturn.cli.simulation.grants import Grants
from keyturn.cli.simulation.kept import Kept, Promise, Reader
from keyturn.cli.simulation.kinds import PROPS
from keyturn.domain.errors import CallerError
from keyturn.domain.oauth.connection import Connection
from keyturn.domain.project import Project
from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import Secret, State, Version
from keyturn.domain.turn import Turn
from keyturn.sandbox import Org
from keyturn.sandbox.journal import Entry
from keyturn.sandbox.state.directory import SOMEBODY_ELSE
from keyturn.sandbox.state.records import App
from keyturn.sandbox.state.records import Secret as OktaSecret
from keyturn.services.clients import open_tokens
from keyturn.services.ports import Record, World
from keyturn.services.sealing import open_version
from keyturn.testing.memory import Backup

REFUSED_CLIENT = "invalid_client"


class Ledger:
    """Everything that the invariants ask about."""

    def __init__(self, org: Org, world: World, now_s: Callable[[], float], grants: Grants) -> None:
        self.org = org
        self.world = world
        self.now_s = now_s
        self.kept: dict[str, Kept] = {}
        self.turns: dict[str, Turn] = {}
        self.taken: dict[str, str] = {}
        self.emptied: dict[str, datetime] = {}
        """Hashes of client secrets that somebody else ended, with what was done."""
        self.lost: set[str] = set()
        """Hashes of values that a restored backup does not know."""
        self.adopted: set[str] = set()
        self.consented: set[str] = set()
        self.readers: dict[str, list[Reader]] = defaultdict(list)
        self.jumps: list[tuple[float, float]] = []
        """When the clock of the product was set, and how far forward or back."""
        self.used_s: dict[str, float] = {}
        """When a client secret was last used at a token endpoint; no other use is in Okta's log."""
        self.log_blind_s = -1e9
        """When Okta's System Log last told something else than the truth."""
        self.principal = ""
        self.grants = grants
        self.access = Access(world)
        self.added_by: dict[str, str] = {}
        """By which turn of ours a credential was added."""
        self.left: set[str] = set()
        """The words by which turns that were aborted tell what they leave, its id among them."""
        self.spent: set[int] = set()
        """Audit entries by which a change was on record that has been sent."""
        self.closed: set[str] = set()
        """Apps for which somebody has begun an emergency."""
        self.paused_s: dict[str, float] = {}
        """Since when a turn has been paused."""
        self._actor = SOMEBODY_ELSE
        self._shown: dict[str, tuple[App, App]] = {}
        self._every_turn: dict[str, Turn] = {}
        self._by_secret: dict[str, Kept] = {}
        self._by_client: dict[str, Kept] = {}
        self._apps: dict[str, App] = {}
        self._opened: dict[tuple[str, bytes], str] = {}
        self._projects: dict[str, Project] = {}

    # --- what the product keeps -----------------------------------------------------------------

    def keep(self, rotation: Rotation, secret: Secret, project: Project) -> Kept:
        """Watch a rotation from now on."""
        kept = Kept(rotation.id, rotation.app_id, secret.id, props=PROPS[rotation.kind])
        kept.orders.append((self.now_s(), rotation))
        self.kept[rotation.app_id] = self._by_secret[secret.id] = kept
        self._by_client[rotation.client_id] = kept
        self._projects[secret.id] = project
        self._apps[rotation.app_id] = self.app(rotation.app_id)
        return kept

    def forget(self, kept: Kept) -> None:
        """Watch a rotation no longer: it was taken back before it had changed anything."""
        del self.kept[kept.app_id], self._by_secret[kept.secret_id]
        self._by_client = {id_: each for id_, each in self._by_client.items() if each is not kept}
        for turns in (self.turns, self._every_turn):
            for turn in [t for t in turns.values() if t.rotation_id == kept.rotation_id]:
                del turns[turn.id]

    def note_version(self, version: Version) -> None:
        """Take note of a version as it was committed."""
        kept = self._by_secret.get(version.secret_id)
        if kept is None:
            return
        kept.versions[version.id] = version
        if version.state is State.CURRENT:
            if kept.current is None or kept.current.id != version.id:
                kept.promoted_s, kept.promoted_at = self.now_s(), self.world.clock.now()
            kept.current = version
            kept.served.add(version.hash or "")
        elif kept.current and kept.current.id == version.id:
            kept.current = None

    def note_turn(self, turn: Turn) -> None:
        """Take note of a turn as it was committed."""
        self.turns[turn.id] = self._every_turn[turn.id] = turn
        if turn.paused_at is None:
            self.paused_s.pop(turn.id, None)
        else:
            self.paused_s.setdefault(turn.id, self.now_s())
        kept = self.kept.get(turn.app_id)
        if kept and turn.word:
            kept.words[turn.id] = turn.word

    def note_rotation(self, rotation: Rotation) -> None:
        """Take note of a rotation as it was committed."""
        kept = self.kept.get(rotation.app_id)
        if kept:
            kept.orders.append((self.now_s(), rotation))

    def note_connection(self, connection: Connection) -> set[str]:
        """Take note of a connection as it was committed; return what nobody may see of it."""
        kept = self.client_of(connection)
        before, tokens = self.grants.connections.get(connection.id), connection.tokens
        if tokens is None or (before and before.tokens == tokens):
            self.grants.note_connection(connection, "")
            return set()
        opened = open_tokens(self.world, self._projects[kept.secret_id], connection, tokens)
        refresh = opened.refresh.reveal() if opened.refresh else ""
        self.grants.note_connection(connection, refresh)
        # Of a JWT everything but its header is nobody's business.
        return {refresh, *opened.access.reveal().split(".")[1:]}

    def note_restored(self, backup: Backup) -> None:
        """Take note that the store holds only what it held earlier."""
        known = {v.hash for v in backup.list(Version)}
        served = {kept.app_id: kept.current for kept in self.kept.values()}
        for kept in self.kept.values():
            self._lose(kept, known)
        since = {kept.app_id: (kept.promoted_s, kept.promoted_at) for kept in self.kept.values()}
        for version in backup.list(Version):
            self.note_version(version)
        for kept in self.kept.values():
            before = served[kept.app_id]
            if before and kept.current and kept.current.id == before.id:
                kept.promoted_s, kept.promoted_at = since[kept.app_id]  # nothing else was served
        self.turns = {turn.id: turn for turn in backup.list(Turn)}
        for rotation in backup.list(Rotation):
            self.note_rotation(rotation)
        self.spent &= {entry.number for entry in backup.audit}
        self.access.note(backup)
        self.grants.note_restored()
        for connection in backup.list(Connection):
            self.note_connection(connection)

    def _lose(self, kept: Kept, known: AbstractSet[str | None]) -> None:
        """Take note of what of an app is lost to a store that knows no more than these hashes."""
        kept.promises.clear()
        self.lost |= {v.hash for v in kept.versions.values() if v.hash and v.hash not in known}
        kept.versions, kept.current = {}, None
        for secret in self.app(kept.app_id).secrets:
            if secret.made_by == self.principal and secret.hash not in known:
                self.lost.add(secret.hash)
            if secret.status != "ACTIVE" or secret.deleted_at:
                self.taken.setdefault(secret.hash, "ended before a backup was restored")

    def app_of(self, record: Record) -> str:
        """Return the app that a record is about, empty for none."""
        if isinstance(record, Turn | Rotation):
            return record.app_id
        kept = self._by_secret.get(record.secret_id) if isinstance(record, Version) else None
        return kept.app_id if kept else ""

    def value(self, version: Version) -> str:
        """Open what a reader of this version is given; a destroyed value is no text."""
        if version.sealed is None:
            return ""
        key = (version.id, version.sealed)
        if key not in self._opened:
            project = self._projects[version.secret_id]
            self._opened[key] = open_version(self.world, project, version).reveal()
        return self._opened[key]

    def hidden(self, version: Version) -> set[str]:
        """Return what nobody may see of what a version keeps."""
        kept = self._by_secret.get(version.secret_id)
        return {kept.props.hidden(self.value(version))} if kept and version.sealed else set()

    def served(self, kept: Kept) -> tuple[str, str]:
        """Return what is in use of an app, value and hash: by readers, or by the product itself."""
        if kept.rules.of_connection:
            return self.access.value, self.access.hash
        version = kept.current
        return (self.value(version), version.hash or "") if version else ("", "")

    def known(self, kept: Kept) -> set[str | None]:
        """Return the hashes of an app's credentials that are not foreign."""
        return {version.hash for version in kept.versions.values()} | self.own_hash(kept)

    def own_hash(self, kept: Kept) -> set[str | None]:
        """Return the hash of the key in use, where it is the app of the product itself."""
        return {self.access.hash} if kept.rules.of_connection else set()

    def all_turns(self) -> Sequence[Turn]:
        """Return every turn that ever was, those forgotten by a restored store included."""
        return [*self._every_turn.values()]

    def open_turns(self, app_id: str) -> Sequence[Turn]:
        """Return the turns of an app that have not ended."""
        return [turn for turn in self.turns.values() if turn.app_id == app_id and turn.open]

    # --- what Okta holds ------------------------------------------------------------------------

    def app(self, app_id: str) -> App:
        """Return an app as it is at Okta, deleted or not, with what is turned as its secrets."""
        app, kept = self.org.apps[app_id], self.kept.get(app_id)
        if kept is None:
            return app
        seen, shown = self._shown.get(app_id, (None, None))
        if shown is None or seen is not app:
            shown = kept.props.show(app, shown, self._actor, self.org.now())
            self._shown[app_id] = app, shown
        return shown

    def client_of(self, connection: Connection) -> Kept:
        """Return the app by whose client a connection was made."""
        wanted = connection.registration_id
        return next(kept for kept in self.kept.values() if kept.registration_id == wanted)

    def find_client(self, entry: Entry) -> Kept | None:
        """Find the app as whose client somebody asked, if it is one under a rotation."""
        return self._by_client.get(entry.principal.removeprefix("client:"))

    def find_used(self, entry: Entry) -> OktaSecret | None:
        """Find the client secret by which a client asked, living or not."""
        kept = self.find_client(entry)
        secrets = self.app(kept.app_id).secrets if kept else ()
        return next((each for each in secrets if each.id == entry.secret_id), None)

    def find_secret(self, app_id: str, value: str) -> OktaSecret | None:
        """Find a credential by its value: a living one before a deleted one."""
        matches = self.kept[app_id].props.matches
        found = [s for s in self.app(app_id).secrets if value and matches(s, value)]
        return min(found, key=lambda s: (s.deleted_at is not None, s.status), default=None)

    @contextmanager
    def by_somebody_else(self, what: str) -> Iterator[None]:
        """Attribute what happens inside to somebody who is not the product."""
        yield
        for app_id in self.kept:
            self._note_app(app_id, what, None)

    def note_call(self, entry: Entry, sent: Sent | None) -> set[str]:
        """Take note of what a request did at Okta; return the apps that it changed."""
        if entry.route.startswith("/api/v1/logs") and entry.fault:
            self.log_blind_s = self.now_s()
        if entry.route.endswith("/token") and entry.secret_id:
            self.used_s[entry.secret_id] = self.now_s()
        ours = sent.secret_id if sent and entry.outcome == "ok" else None
        self._actor = entry.principal
        changed = {id_ for id_ in self.kept if self._note_app(id_, entry.fault or "", ours)}
        self._actor = SOMEBODY_ELSE
        if sent and sent.app_id in self.kept:
            self._attribute(sent)
        if sent and sent.by_client and entry.outcome != REFUSED_CLIENT:
            self._note_proved(entry)
        return changed

    def _attribute(self, sent: Sent) -> None:
        """Take note of whose work it was that a credential was added, or deactivated."""
        turn_id = sent.work.turn_id if sent.work else None
        for secret in self.app(sent.app_id).secrets:
            if sent.kind == "add" and secret.made_by == self.principal:
                self.added_by.setdefault(secret.id, turn_id or "")
            if sent.kind == "deactivate" and secret.id == sent.secret_id:
                self.kept[sent.app_id].retired_by[secret.hash] = turn_id or ""

    def _note_proved(self, entry: Entry) -> None:
        kept, used = self.find_client(entry), self.find_used(entry)
        if kept and used:
            kept.proved.add(used.hash)

    def _note_app(self, app_id: str, what: str, ours: str | None) -> bool:
        """Take note of what has become of an app; say whether it is another than before."""
        after, before = self.app(app_id), self._apps[app_id]
        if after is before:
            return False
        self._apps[app_id] = after
        self.kept[app_id].changed_s = self.now_s()
        was = {secret.id: secret for secret in before.secrets}
        for secret in after.secrets:
            lives = secret.status == "ACTIVE" and not secret.deleted_at
            old = was.get(secret.id)
            if lives:
                self.taken.pop(secret.hash, None)
            elif old and old.status == "ACTIVE" and not old.deleted_at and secret.id != ours:
                self.taken[secret.hash] = what or "somebody else"
            if secret.id == ours and not lives and old and old.status == "ACTIVE":
                self.kept[app_id].retired_s[secret.hash] = self.now_s()
        self._note_gone(before, after, what, ours)
        return True

    def _note_gone(self, before: App, after: App, what: str, ours: str | None) -> None:
        for old in before.secrets:
            if all(secret.hash != old.hash for secret in after.secrets):
                self.taken[old.hash] = what or "somebody else"
        if _gave_way(before, after, None if what == "secret-removed" else ours):
            self.emptied[before.id] = self.org.now()

    @contextmanager
    def consenting(self, secret_id: str) -> Iterator[None]:
        """Take an owner's word that a credential may go, unless the product refuses it."""
        fresh = secret_id not in self.consented
        self.consented.add(secret_id)
        try:
            yield
        except CallerError:
            self.consented -= {secret_id} if fresh else set()
            raise

    def jumped_since_s(self, since_s: float) -> float:
        """Return how far the product's clock was set forward since then, in all."""
        return sum(jump for at, jump in self.jumps if at >= since_s and jump > 0)

    def promise(self, kept: Kept, within_s: float) -> Promise:
        """Take note that an emergency is asked for, and how much time it leaves consumers.

        A turn that was told earlier to wait for nobody does not, nor does one that is owed since.
        """
        hasty = (t for t in self.open_turns(kept.app_id) if t.word and not _leaves_time(t))
        promise = Promise(self.now_s(), within_s, {turn.id for turn in hasty})
        if not (kept.orders and kept.orders[-1][1].asked_emergency):
            kept.promises.append(promise)
        return promise

    def hurry(self, kept: Kept) -> None:
        """Take note that the turn under way is told to wait for nobody; the next one was not."""
        under_way = {turn.id for turn in self.open_turns(kept.app_id)}
        for promise in kept.promises:
            promise.but |= under_way

    # --- readers --------------------------------------------------------------------------------

    def readers_behind(self, kept: Kept) -> Sequence[Reader]:
        """Return the readers that were given an older version last."""
        number = kept.current.number if kept.current else 0
        return [r for r in self.readers[kept.app_id] if 0 < r.version < number]


def _gave_way(before: App, after: App, ours: str | None) -> bool:
    """Say whether a credential that we did not delete has given its place up."""
    left = {secret.id for secret in after.live_secrets}
    return any(secret.id not in left for secret in before.live_secrets if secret.id != ours)


def _leaves_time(turn: Turn) -> bool:
    return turn.closes_at is not None or turn.within_s > 0
