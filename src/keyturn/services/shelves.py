"""Secrets that are read over and over, kept in memory, still sealed.

Everything kept is of one revision of the store. A reader's audit entry is written before anything
is disclosed, and tells the revision as it is by then: what is kept is given only if it is of that
one, so nobody is given what was replaced, nor by a token or a role that was taken away, in whatever
process that happened. Knows only the plain case: one folder, current versions, no imports, no
references; everything else is the general path's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, TypeVar

from keyturn.domain.access import Caller, Granted, Target, Verb, decide
from keyturn.domain.errors import CallerError, Unauthenticated
from keyturn.domain.ids import SecretId
from keyturn.domain.project import Place, Project
from keyturn.domain.secret import Copy, Receipt, Secret, State, Version
from keyturn.domain.sensitive import Sensitive
from keyturn.services import gate
from keyturn.services.found import is_plain
from keyturn.services.logins import Known, find_known
from keyturn.services.ports import Reading, World
from keyturn.services.projects import Where, read_place, target_of
from keyturn.services.receipts import Said, note_reads, receipt_of
from keyturn.services.secrets import FRESH_S
from keyturn.services.tokens import token_hash

TRIES: Final = 3
ENTRY_S: Final = 60.0
"""How long an audit entry speaks for a reader who asks again and holds the newest."""
TOKENS_MAX: Final = 10_000
SHELVES_MAX: Final = 1_000

K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T")

_Key = tuple[Where, str]
_PassKey = tuple[bytes, Where, str]


@dataclass(frozen=True)
class Shelf(Generic[T]):
    """What is served of a folder, or one secret of it, as of a revision.

    ``made`` is what its maker wants to have beside it, once for all readers. Reads of what is
    ``kept`` by a rotation are noted.
    """

    revision: int
    place: Place
    served: Sequence[tuple[Secret, Version]]
    made: T
    kept: Sequence[tuple[Secret, Version]]


@dataclass(frozen=True)
class Ask:
    """A plain read: whose token, from which address, of a folder or of one secret by name."""

    token: Sensitive
    address: str
    where: Where
    name: str
    verb: Verb = Verb.READ_SECRETS
    named: str = ""
    """The tags of answers that the reader says it holds."""

    @property
    def key(self) -> _Key:
        """Return by what a shelf is found again."""
        return self.where, self.name

    @property
    def subject(self) -> str:
        """Return how the audit log names it."""
        return f"secret {self.where}:{self.name}" if self.name else f"secrets {self.where}"


@dataclass(frozen=True)
class _Pass(Generic[T]):
    """Somebody whose roles permit what is asked for, as of the revision of what is kept."""

    known: Known
    shelf: Shelf[T]
    target: Target
    subject: str


Make = Callable[[Ask, Place, Sequence[tuple[Secret, Version]]], T]


@dataclass(frozen=True)
class Given(Generic[T]):
    """What a caller may be given now, who ``named`` the answers that it holds by their tags."""

    caller: Caller
    shelf: Shelf[T]
    named: str


class Shelves(Generic[T]):
    """Keep what is read over and over."""

    def __init__(self, world: World, make: Make[T], copy_of: Callable[[Ask, T], Copy]) -> None:
        self._world: Final = world
        self._make: Final = make
        self._copy_of: Final = copy_of
        self._known: Final = _Recent[bytes, tuple[int, Known]](TOKENS_MAX)
        self._shelves: Final = _Recent[_Key, Shelf[T]](SHELVES_MAX)
        self._passes: Final = _Recent[_PassKey, _Pass[T]](TOKENS_MAX)
        self._entered: Final = _Recent[_PassKey, float](TOKENS_MAX)
        self._receipts: Final = _Recent[tuple[SecretId, str], Receipt](TOKENS_MAX)

    async def give(self, ask: Ask) -> Given[T] | None:
        """Return what the caller may be given, on record; None where it is not this plain.

        Who is refused, or asks for what is not there, is told so by the general path. Raises what
        the store raises.
        """
        asked_at = self._world.clock.now()
        for _ in range(TRIES):
            since_s = self._world.clock.uptime_s()
            hashed = token_hash(ask.token)
            key = (hashed, *ask.key)
            found = self._passes.find(key) or await self._issue(ask, hashed)
            if found is None or not self._is_good(found.known, ask, asked_at):
                return None
            caller, shelf = found.known.caller, found.shelf
            copy = self._copy_of(ask, shelf.made)
            if await self._put_on_record(found, key, ask.verb, copy) == shelf.revision:
                await self._note(caller, shelf, Said(copy, asked_at))
                if self._world.clock.uptime_s() - since_s <= FRESH_S:
                    return Given(caller, shelf, ask.named)
            self._forget(ask, hashed)
        return None

    async def _issue(self, ask: Ask, hashed: bytes) -> _Pass[T] | None:
        """Keep, of one revision, that the caller may have what is asked for."""
        for _ in range(TRIES):
            caller = await self._find_caller(ask.token, hashed)
            shelf = (self._shelves.find(ask.key) or await self._load(ask)) if caller else None
            if caller is None or shelf is None:
                return None
            revision, known = caller
            target = target_of(shelf.place)
            if not isinstance(decide(known.caller, ask.verb, target), Granted):
                return None
            if revision == shelf.revision:
                kept = _Pass(known, shelf, target, ask.subject)
                return self._passes.keep((hashed, *ask.key), kept)
            self._forget(ask, hashed)
        return None

    async def _put_on_record(self, found: _Pass[T], key: _PassKey, verb: Verb, copy: Copy) -> int:
        """Write the entry of a read; return the revision of what is kept as it is by then.

        Who holds what would be given is told nothing that an entry of a moment ago does not say:
        for such a reader only the revision is looked at.
        """
        world, now_s, entered_s = self._world, self._world.clock.uptime_s(), self._entered.find(key)
        if copy is Copy.THIS and entered_s is not None and now_s - entered_s < ENTRY_S:
            return await world.store.revision()
        caller, subject = found.known.caller, found.subject
        revision = await gate.require(world, caller, verb, found.target, subject=subject)
        self._entered.keep(key, now_s)
        return revision

    def _forget(self, ask: Ask, hashed: bytes) -> None:
        self._passes.forget((hashed, *ask.key))
        self._known.forget(hashed)
        self._shelves.forget(ask.key)
        self._entered.forget((hashed, *ask.key))

    @staticmethod
    def _is_good(known: Known, ask: Ask, now: datetime) -> bool:
        if known.token.uses_max:
            return False
        try:
            known.token.require_good(now, ask.address)
        except Unauthenticated:
            return False
        return True

    async def _find_caller(self, token: Sensitive, hashed: bytes) -> tuple[int, Known] | None:
        if kept := self._known.find(hashed):
            return kept
        async with self._world.store.reading() as tx:
            known = await find_known(tx, token)
            if known is None:
                return None
            return self._known.keep(hashed, (await tx.revision(), known))

    async def _load(self, ask: Ask) -> Shelf[T] | None:
        async with self._world.store.reading() as tx:
            place = await _find_place(tx, ask.where)
            if place is None:
                return None
            served = await _list_served(tx, place, ask.name)
            if (ask.name and not served) or not await is_plain(tx, place, served):
                return None
            kept = [pair for pair in served if pair[0].rotation_id]
            shelf = Shelf(await tx.revision(), place, served, self._make(ask, place, served), kept)
        return self._shelves.keep(ask.key, shelf)

    async def _note(self, caller: Caller, shelf: Shelf[T], said: Said) -> None:
        """Note the reads of what a rotation keeps that tell something new; see `Receipt`."""
        if said.copy is Copy.WITHHELD:
            return
        for read in shelf.kept:
            key = read[0].id, caller.id
            last = self._receipts.find(key)
            receipt = receipt_of(self._world, caller, read, last, said)
            if receipt != last:
                await note_reads(self._world, caller, [read], said)
                self._receipts.keep(key, receipt)


async def _find_place(tx: Reading, where: Where) -> Place | None:
    project = where.project
    found = await tx.find(Project, id=project) or await tx.find(Project, slug=project)
    try:
        return await read_place(tx, found.id, where) if found else None
    except CallerError:
        return None


async def _list_served(tx: Reading, place: Place, name: str) -> Sequence[tuple[Secret, Version]]:
    """List the secrets of a folder, or the one of this name, with the versions that are served."""
    named = {"name": name} if name else {}
    secrets = await tx.list(Secret, folder_id=place.folder.id, **named)
    ids = frozenset(secret.id for secret in secrets)
    current = await tx.list(Version, secret_id=ids, state=State.CURRENT)
    versions = {version.secret_id: version for version in current}
    return [(each, versions[each.id]) for each in secrets if each.id in versions]


class _Recent(Generic[K, V]):
    """What was used last, up to so many."""

    def __init__(self, most: int) -> None:
        self._most: Final = most
        self._kept: dict[K, V] = {}

    def find(self, key: K) -> V | None:
        """Find what is kept under a key."""
        return self._kept.get(key)

    def keep(self, key: K, value: V) -> V:
        """Keep a value; where there are too many, the older half goes."""
        if len(self._kept) >= self._most:
            self._kept = dict([*self._kept.items()][self._most // 2 :])
        self._kept[key] = value
        return value

    def forget(self, key: K) -> None:
        """Keep nothing under a key."""
        self._kept.pop(key, None)
