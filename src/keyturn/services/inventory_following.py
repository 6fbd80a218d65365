"""Keep an inventory fresh by Okta's System Log: what has changed, and which secrets were used.

Decides which apps are asked for again. Where the log cannot be relied on, all are.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import takewhile

from keyturn.domain.drift import Change
from keyturn.domain.errors import OktaRefused, OktaThrottled
from keyturn.domain.ids import AppId
from keyturn.domain.inventory import (
    OVERLAPPING_LOOK,
    ListedApp,
    ListedSecret,
    SecretUses,
    ShownApp,
    Stage,
    begun,
    listed_app,
    trusted_log,
    well,
    with_uses,
)
from keyturn.domain.inventory_doubts import log_closed
from keyturn.domain.okta import Credential
from keyturn.services.inventory_groups import list_unnamed, read_group
from keyturn.services.inventory_keeper import Keeper, ask_each
from keyturn.services.inventory_reading import BATCH, write_gone, write_shown
from keyturn.services.ports import Writing

LOG_PAGES = 5
"""As many pages of Okta's log are read in one look."""

FIRST_LOOK = timedelta(days=7)
"""So far back uses are looked for at first."""

APP_PREFIX = "0oa"
"""How Okta's ids of apps begin: an event names other things as well."""


@dataclass(frozen=True)
class _Sight:
    """An app as it was seen when asked for; None where Okta does not know it.

    ``secrets`` is a text where Okta does not let them be seen, or not even the app.
    """

    shown: ShownApp | None = None
    secrets: Sequence[Credential] | str = ()


async def look_at_log(keeper: Keeper) -> bool:
    """Find which apps have changed since the last look; where that is not known, read them all."""
    kept, now = keeper.kept, keeper.now
    since = kept.log_read_at
    if since is None or not trusted_log(kept, now):
        await keeper.save(begun(kept.connection_id, now, kept))
        return True
    await keeper.require_own_seen()
    try:
        changes = await keeper.org.list_changes(since=since - OVERLAPPING_LOOK, pages=LOG_PAGES)
    except OktaThrottled:
        raise
    except OktaRefused as refused:
        await keeper.fail(log_closed(refused.message), keeper.world.limits.reconcile)
        return False
    if changes is None:
        await keeper.save(begun(kept.connection_id, now, kept))
        return True
    pending = await _list_changed(keeper, changes)
    following = replace(kept, stage=Stage.FOLLOWING, pending=pending, log_read_at=now)
    groups = keeper.world.limits.inventory_groups
    known = tuple(each for each in kept.groups_known if each in groups)
    unnamed = await list_unnamed(keeper) if known != kept.groups_known else ()

    async def write(tx: Writing) -> None:
        await tx.replace(*unnamed)

    await keeper.save(replace(following, groups=groups, groups_known=known, groups_told=""), write)
    return True


async def _list_changed(keeper: Keeper, changes: Iterable[Change]) -> tuple[AppId, ...]:
    """List the apps that have changed since they were read last."""
    last: dict[AppId, datetime] = {}
    for change in changes:
        if change.app_id.startswith(APP_PREFIX):
            last[change.app_id] = max(change.at, last.get(change.app_id, change.at))
    where = {"connection_id": keeper.kept.connection_id, "app_id": frozenset(last)}
    async with keeper.world.store.reading() as tx:
        known = await tx.list(ListedApp, **where) if last else ()
    seen = {app.app_id: app.read_at for app in known if app.read_at and not app.gone_at}
    return tuple(
        app_id
        for app_id, at in last.items()
        if app_id not in seen or seen[app_id] - OVERLAPPING_LOOK < at
    )


async def _look_at(keeper: Keeper, app_id: AppId) -> _Sight:
    """Ask for an app, and for its client secrets where it may have any. Raises OktaError."""
    shown = await keeper.find_shown(app_id)
    if not isinstance(shown, ShownApp):
        return _Sight(secrets=shown or ())
    app = listed_app(keeper.kept.connection_id, shown, keeper.now)
    return _Sight(shown, await keeper.list_secrets(app) if app.asked_for_secrets else ())


async def follow_some(keeper: Keeper) -> bool:
    """Look at some of the apps that have changed; then for others, and at what has been used."""
    kept = keeper.kept
    if kept.pending:
        await _look_at_each(keeper, [AppId(each) for each in kept.pending[:BATCH]])
        return True
    if kept.groups:
        await read_group(keeper)
        return True
    if await _look_at_unread(keeper):
        return True
    await _look_for_uses(keeper)
    return False


async def _look_at_each(
    keeper: Keeper, wanted: Sequence[AppId], *, unread: bool = False
) -> Iterable[_Sight]:
    """Look at some apps, and write down how each is seen. Raises OktaError."""
    kept = keeper.kept
    answers, wrong = await ask_each(wanted, lambda app_id: _look_at(keeper, app_id))
    left = tuple(each for each in kept.pending if each not in answers)
    done = [*takewhile(lambda each: each in answers, wanted)]
    cursor = done[-1] if unread and done else kept.cursor

    async def write(tx: Writing) -> None:
        for app_id, sight in answers.items():
            await _write_sight(keeper, tx, app_id, sight)

    await keeper.save(well(replace(kept, pending=left, cursor=cursor)), write)
    if wrong:
        raise wrong
    return answers.values()


async def _look_at_unread(keeper: Keeper) -> bool:
    """Look again at some apps that could not be read; say whether any of them could be now.

    Where none of them could, the next ones have their turn after the next look at the log.
    """
    kept = keeper.kept
    async with keeper.world.store.reading() as tx:
        find = partial(tx.list_listed_apps, kept.connection_id, told=True, limit=BATCH)
        apps = await find(after=kept.cursor) or await find()
    if not apps:
        return False
    sights = await _look_at_each(keeper, [app.app_id for app in apps], unread=True)
    return any(not isinstance(each.secrets, str) for each in sights)


async def _write_sight(keeper: Keeper, tx: Writing, app_id: AppId, sight: _Sight) -> None:
    connection_id = keeper.kept.connection_id
    known = await tx.find(ListedApp, connection_id=connection_id, app_id=app_id)
    if sight.shown:
        seen = listed_app(connection_id, sight.shown, keeper.now)
        app = await write_shown(tx, seen, known)
        await keeper.write_secrets(tx, {app: sight.secrets})
    elif known and known.gone_at is None and isinstance(sight.secrets, str):
        await keeper.write_secrets(tx, {known: sight.secrets})
    elif known and known.gone_at is None:
        await write_gone(tx, known, keeper.now)


async def _look_for_uses(keeper: Keeper) -> None:
    """Note which client secrets were used since the last look, as far as the log tells."""
    kept, now = keeper.kept, keeper.now
    until = kept.uses_until
    since = until - OVERLAPPING_LOOK if until else now - FIRST_LOOK
    try:
        uses = await keeper.org.list_secret_uses(since=since, pages=LOG_PAGES)
    except OktaThrottled:
        raise
    except OktaRefused:
        uses = SecretUses({}, now)  # nothing is known before now, and nothing has been seen

    async def write(tx: Writing) -> None:
        hashes = frozenset(uses.latest)
        where = {"connection_id": kept.connection_id, "hash": hashes}
        for each in await tx.list(ListedSecret, **where) if hashes else ():
            at: datetime = uses.latest[each.hash]
            if each.used_at is None or each.used_at < at:
                await tx.replace(replace(each, used_at=at))

    fresh = replace(with_uses(kept, uses, since), stage=Stage.FRESH)
    await keeper.save(well(fresh), write, due_at=now + keeper.world.limits.reconcile)
