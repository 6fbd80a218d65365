"""What is known of thousands of apps, put together once for all who look at pages of them."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final

from keyturn.domain.connection import OktaConnection
from keyturn.domain.ids import OrganizationId
from keyturn.services.inventory_views import (
    InventoriedApp,
    Kept,
    list_inventoried,
    subject_of,
)
from keyturn.services.ports import Reading, World


class InventorySights:
    """The apps of organizations as they were seen last, for as long as nothing of them moves."""

    def __init__(self) -> None:
        self._seen: Final[dict[OrganizationId, tuple[object, Sequence[InventoriedApp]]]] = {}
        self._one_by_one: Final = asyncio.Lock()

    async def look(
        self, tx: Reading, world: World, organization_id: OrganizationId
    ) -> Sequence[InventoriedApp]:
        """Return every app of an organization's orgs as it is on record in this transaction."""
        async with self._one_by_one:
            mark = await tx.revision(), await tx.listed()
            last = self._seen.get(organization_id)
            if last is None or last[0] != mark:
                last = mark, await list_inventoried(tx, world, organization_id)
                self._seen[organization_id] = last
            return last[1]


def seen_by(
    apps: Iterable[InventoriedApp],
    connections: Iterable[OktaConnection],
    shown: Callable[[Kept], bool],
) -> Sequence[InventoriedApp]:
    """Return the apps of some connections; a rotation that is not ``shown`` is not told of."""
    near = {each.id for each in connections}
    return [
        each if each.kept is None or shown(each.kept) else _without_rotation(each)
        for each in apps
        if each.connection.id in near
    ]


def _without_rotation(one: InventoriedApp) -> InventoriedApp:
    return replace(one, kept=None, subject=subject_of(one.app, one.connection, one.owner, None))
