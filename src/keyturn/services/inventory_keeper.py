"""What is at hand of an inventory that a worker keeps: its record, its org, and what it may write.

Decides that nobody writes who has lost it to somebody else. What is asked of Okta is decided by
`inventory_reading` and `inventory_following`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from keyturn.domain.budget import Purpose, floor
from keyturn.domain.connection import OktaConnection
from keyturn.domain.errors import KeyturnError, OktaError, OktaRefused, OktaThrottled
from keyturn.domain.ids import AppId, CredentialId
from keyturn.domain.inventory import (
    WHOLE,
    Inventory,
    ListedApp,
    ListedSecret,
    ShownApp,
    begun,
    listed_secret,
)
from keyturn.domain.inventory_doubts import own_unseen
from keyturn.domain.okta import Credential, CredentialKind
from keyturn.services.access_news import tell_inventory
from keyturn.services.connections import open_org
from keyturn.services.ports import OktaCall, OktaOrg, World, Writing
from keyturn.services.records import must

AGAIN = timedelta(minutes=5)
"""When a reading that failed is tried again, and one goes on whose worker died."""

AT_ONCE = 4
"""As many calls about single apps are under way together."""

ONE_APP = frozenset({403, 404})
"""What Okta answers where one app is not to be seen; others may be."""

BUCKET = "api/v1/apps"
"""The rate limit that paces a reading: of the list, and of each app's client secrets."""

KIND = CredentialKind.CLIENT_SECRET

K = TypeVar("K")
T = TypeVar("T")
Write = Callable[[Writing], Awaitable[None]]


class Lost(Exception):
    """Somebody else goes on with this inventory, or it is not there any more."""


async def _nothing(tx: Writing) -> None:
    """Write nothing beside the inventory itself."""


class Keeper:
    """An inventory that this worker has in hand; ``kept`` is it as it was last written."""

    def __init__(self, world: World, inventory: Inventory) -> None:
        self.world = world
        self.kept = inventory
        self.asked = 0
        self._counted = 0
        self._own_seen = False
        self._one_by_one = asyncio.Lock()

    async def open(self) -> None:
        """Take the inventory up; if this worker dies, it is due again soon. Raises Lost."""
        await self.save(self.kept)
        async with self.world.store.reading() as tx:
            found = tx.find(OktaConnection, id=self.kept.connection_id)
            self.connection = await must(found)
            slowly = Purpose.BACKGROUND
            self.org: OktaOrg = await open_org(
                tx, self.world, self.connection.id, self._hear, slowly
            )

    def _hear(self, call: OktaCall) -> None:
        self.asked += 1

    @property
    def now(self) -> datetime:
        """Return the time."""
        return self.world.clock.now()

    async def save(
        self, after: Inventory, write: Write = _nothing, *, due_at: datetime | None = None
    ) -> None:
        """Make durable what the inventory is now, together with what else is written.

        It is due then, or where this worker dies. Raises Lost, and nothing is written.
        """
        calls = after.calls + (self.asked - self._counted) * (after.stage in WHOLE)
        after = replace(after, calls=calls, due_at=due_at or self.now + AGAIN)
        async with self.world.store.writing() as tx:
            await self._require(tx)
            await write(tx)
            await tx.replace(after)
            await tell_inventory(tx, self.world, after)
        self.kept, self._counted, self._own_seen = after, self.asked, False

    async def _require(self, tx: Writing) -> None:
        stored = await tx.find(Inventory, connection_id=self.kept.connection_id)
        if stored != self.kept:
            raise Lost

    async def doubt(self, why: str) -> bool:
        """Believe nothing of a reading, and begin anew before long; what was known stays."""
        anew = begun(self.kept.connection_id, self.now, self.kept)
        await self.fail(why, self.world.limits.reconcile, anew)
        return False

    async def fail(self, why: str, wait: timedelta, after: Inventory | None = None) -> None:
        """Note why nothing came of it, and when it goes on."""
        since = self.kept.failing_since or self.now
        failing = replace(after or self.kept, failure=why, failing_since=since)
        await self.save(failing, due_at=self.now + wait)

    async def put_off(self, error: KeyturnError) -> None:
        """Note when to go on; where Okta has no room there is nothing wrong."""
        if isinstance(error, OktaThrottled):
            wait = timedelta(seconds=error.retry_after_s)
            paced = replace(self.kept, per_minute=await self._per_minute())
            await self.save(paced, due_at=self.now + wait)
        else:
            await self.fail(error.message, AGAIN)

    async def _per_minute(self) -> int:
        """Tell how many calls a minute the rate limit has for this, as far as it is known."""
        shares, org = self.world.limits.shares, self.connection.instance_url
        windows = await self.world.okta.list_windows()
        limits = [w.limit for w in windows if (w.org, w.bucket) == (org, BUCKET)]
        each = [limit - floor(limit, Purpose.BACKGROUND, shares) for limit in limits]
        return min(each, default=self.kept.per_minute)

    async def find_shown(self, app_id: AppId) -> ShownApp | str | None:
        """Find an app, or say why just this one is not to be seen; None where there is none.

        Raises OktaError.
        """
        told = await _ask_of_one(self.org.find_shown(app_id))
        if isinstance(told, str):
            await self.require_own_seen()
        return told

    async def list_secrets(self, app: ListedApp) -> Sequence[Credential] | str:
        """List an app's client secrets; or say why just this one's are not to be seen.

        Raises OktaError.
        """
        told = await _ask_of_one(self.org.credentials_of(app.app_id, KIND).list())
        if isinstance(told, str):
            await self.require_own_seen()
        return told

    async def require_own_seen(self) -> None:
        """Raise OktaError where the connection cannot see its own app: it sees few others then.

        Okta is asked once between two commits.
        """
        async with self._one_by_one:
            own = self.connection.client_id
            if own and not self._own_seen:
                await self._look_for(own)
            self._own_seen = True

    async def _look_for(self, own: str) -> None:
        where = {"connection_id": self.kept.connection_id, "client_id": own, "gone_at": None}
        async with self.world.store.reading() as tx:
            listed = await tx.list(ListedApp, **where)
        for app in listed:
            if not isinstance(await _ask_of_one(self.org.find_shown(app.app_id)), ShownApp):
                raise OktaError(own_unseen(own))

    async def write_secrets(
        self, tx: Writing, found: Mapping[ListedApp, Sequence[Credential] | str]
    ) -> None:
        """Write what became of the reading of some apps' client secrets."""
        ids = frozenset(app.app_id for app, told in found.items() if not isinstance(told, str))
        where = {"connection_id": self.kept.connection_id, "app_id": ids}
        known = await tx.list(ListedSecret, **where) if ids else ()
        before = {(each.app_id, each.okta_id): each for each in known}
        after: dict[tuple[AppId, CredentialId], ListedSecret] = {}
        for app, told in found.items():
            why = told if isinstance(told, str) else ""
            for each in () if isinstance(told, str) else told:
                old = before.get((app.app_id, each.id))
                used_at = old.used_at if old else None
                after[app.app_id, each.id] = listed_secret(app, each, used_at)
            since = app.unread_since if why else None
            await tx.replace(replace(app, read_at=since or self.now, told=why))
        await tx.remove(*[old for key, old in before.items() if after.get(key) != old])
        await tx.add(*[new for key, new in after.items() if before.get(key) != new])


async def _ask_of_one(ask: Awaitable[T]) -> T | str:
    """Return the answer about one app, or why just this one is not to be seen. Raises OktaError."""
    try:
        return await ask
    except OktaThrottled:
        raise
    except OktaRefused as refused:
        if refused.answer.status not in ONE_APP:
            raise
        return refused.message


async def ask_each(
    wanted: Sequence[K], ask: Callable[[K], Awaitable[T]]
) -> tuple[Mapping[K, T], KeyturnError | None]:
    """Ask about each, a few at a time, until something is wrong; return the answers, and that."""
    room, answers = asyncio.Semaphore(AT_ONCE), dict[K, T]()
    wrong: list[KeyturnError] = []

    async def one(each: K) -> None:
        async with room:
            if not wrong:
                try:
                    answers[each] = await ask(each)
                except KeyturnError as error:
                    wrong.append(error)

    await asyncio.gather(*map(one, wanted))
    return answers, wrong[0] if wrong else None
