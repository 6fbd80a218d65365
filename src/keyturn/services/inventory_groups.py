"""Read which apps are assigned to the groups that selectors may name: a group a step.

All are read at every look at Okta's log, which does not tell of them reliably. What is known stays
where Okta does not let groups be seen.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from keyturn.domain.errors import OktaRefused, OktaThrottled
from keyturn.domain.ids import AppId
from keyturn.domain.inventory import ListedApp, in_wanted, with_group
from keyturn.services.inventory_keeper import Keeper
from keyturn.services.ports import Writing


async def read_group(keeper: Keeper) -> None:
    """Read the next group that is wanted, or none where Okta refuses it. Raises OktaError."""
    kept = keeper.kept
    name, *left = kept.groups
    try:
        found = await keeper.org.list_group_apps(name)
    except OktaThrottled:
        raise
    except OktaRefused as refused:
        why = f"{refused.message.rstrip('.')}. Let the connection read groups (okta.groups.read)."
        await keeper.save(replace(kept, groups=(), groups_told=why))
        return
    missing = f"Okta has no group {name}." if found is None else ""
    told = " ".join(filter(None, (kept.groups_told, missing)))
    changed = await _list_changed(keeper, name, found or ())

    async def write(tx: Writing) -> None:
        await tx.replace(*changed)

    read_at = kept.groups_read_at if left else keeper.now
    known = tuple(sorted({*kept.groups_known, name}))
    after = replace(kept, groups=tuple(left), groups_known=known, groups_told=told)
    await keeper.save(replace(after, groups_read_at=read_at), write)


async def _list_changed(keeper: Keeper, name: str, found: Collection[AppId]) -> Sequence[ListedApp]:
    """Return the apps whose groups are others by now, as they are; nobody else writes them."""
    assigned, wanted = frozenset(found), keeper.world.limits.inventory_groups

    def change(app: ListedApp) -> ListedApp:
        return with_group(app, name, wanted, assigned=app.app_id in assigned)

    return await _changed_by(keeper, change)


async def list_unnamed(keeper: Keeper) -> Sequence[ListedApp]:
    """Return the apps with groups that nobody names any more, without these."""
    wanted = keeper.world.limits.inventory_groups
    return await _changed_by(keeper, lambda app: in_wanted(app, wanted))


async def _changed_by(
    keeper: Keeper, change: Callable[[ListedApp], ListedApp]
) -> Sequence[ListedApp]:
    async with keeper.world.store.reading() as tx:
        every = await tx.list(ListedApp, connection_id=keeper.kept.connection_id)
    pairs = ((app, change(app)) for app in every)
    return [after for before, after in pairs if after != before]
