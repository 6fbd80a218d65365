"""Keep inventories: the duty that goes on with each, a step at a time.

Each step asks Okta for a little and makes it durable, so that whoever goes on begins where the last
one ended. The rate limit paces it: where that has no room, the inventory is due again when it has.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

import structlog

from keyturn.domain.errors import KeyturnError, OktaThrottled
from keyturn.domain.inventory import Inventory, Stage
from keyturn.services.inventory_following import follow_some, look_at_log
from keyturn.services.inventory_keeper import Keeper, Lost
from keyturn.services.inventory_reading import check_some, read_page, read_some
from keyturn.services.ports import World

log = structlog.get_logger(__name__)

STEPS: Mapping[Stage, Callable[[Keeper], Awaitable[bool]]] = MappingProxyType(
    {
        Stage.LISTING: read_page,
        Stage.CHECKING: check_some,
        Stage.READING: read_some,
        Stage.FOLLOWING: follow_some,
        Stage.FRESH: look_at_log,
    }
)
"""What is done at each stage; each says whether there is more to do at once."""


async def keep_due(world: World) -> int:
    """Go on with the inventories whose time has come; return how many calls that took."""
    async with world.store.reading() as tx:
        due = await tx.list_due_inventories(world.clock.now())
    return sum(await asyncio.gather(*(_keep(world, each) for each in due)))


async def _keep(world: World, inventory: Inventory) -> int:
    """Go on with one inventory; what is wrong with it keeps none of the others waiting."""
    keeper = Keeper(world, inventory)
    try:
        await _go_on(keeper)
    except Lost:
        log.info("inventory left to another worker", connection=inventory.connection_id)
    return keeper.asked


async def _go_on(keeper: Keeper) -> None:
    try:
        await keeper.open()
        while await STEPS[keeper.kept.stage](keeper):
            pass
    except KeyturnError as error:
        if not isinstance(error, OktaThrottled):
            connection = keeper.kept.connection_id
            log.warning("inventory not read", connection=connection, why=error.message)
        await keeper.put_off(error)
