"""The inventory of connected orgs, as typed calls."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from keyturn.client.calls import Calls, part
from keyturn.wire.inventory import (
    PAGE_MAX,
    ForgottenAnswer,
    InventoriesAnswer,
    InventoryAppsAnswer,
    OwnerRule,
    OwnersAnswer,
    ReplaceOwners,
    TakeInventory,
)

INVENTORY = "/api/v1/inventory"
ANY_WAY: Mapping[str, str] = MappingProxyType({})


class InventoryCalls(Calls):
    """What the API can be asked of every app of an org. Every call raises what `Calls` says."""

    async def begin_inventory(
        self, connection: str | None = None, *, whole: bool = False
    ) -> InventoriesAnswer:
        """Have the inventory of an org, or of every org, brought up to date."""
        body = TakeInventory(connection=connection, whole=whole)
        return await self.call(InventoriesAnswer, "POST", INVENTORY, body=body)

    async def list_inventories(self) -> InventoriesAnswer:
        """Tell how the inventory of each connection's org stands."""
        return await self.call(InventoriesAnswer, "GET", INVENTORY)

    async def list_inventory(
        self,
        selector: str = "",
        narrowed: Mapping[str, str] = ANY_WAY,
        *,
        offset: int = 0,
        limit: int = PAGE_MAX,
    ) -> InventoryAppsAnswer:
        """List apps that a selector picks, a page of them; ``narrowed`` as the API takes it."""
        query = {"selector": selector, "offset": str(offset), "limit": str(limit), **narrowed}
        return await self.call(InventoryAppsAnswer, "GET", f"{INVENTORY}/apps", query=query)

    async def list_whole_inventory(
        self, selector: str = "", narrowed: Mapping[str, str] = ANY_WAY
    ) -> InventoryAppsAnswer:
        """List every app that a selector picks, page by page, in one answer."""
        answer = await self.list_inventory(selector, narrowed)
        apps = [*answer.apps]
        while len(apps) < answer.totals.apps:
            more = (await self.list_inventory(selector, narrowed, offset=len(apps))).apps
            if not more:
                break
            apps += more
        return answer.model_copy(update={"apps": tuple(apps)})

    async def forget_inventory(self, connection: str) -> ForgottenAnswer:
        """Forget the inventory of a connection's org, and keep it no longer."""
        return await self.call(ForgottenAnswer, "DELETE", f"{INVENTORY}/{part(connection)}")

    async def list_owners(self) -> OwnersAnswer:
        """List by which labels apps are whose."""
        return await self.call(OwnersAnswer, "GET", f"{INVENTORY}/owners")

    async def replace_owners(self, rules: Iterable[OwnerRule]) -> OwnersAnswer:
        """Have apps be whose these rules say, and no others."""
        body = ReplaceOwners(rules=tuple(rules))
        return await self.call(OwnersAnswer, "PUT", f"{INVENTORY}/owners", body=body)
