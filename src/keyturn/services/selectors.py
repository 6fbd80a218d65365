"""Selectors as somebody gives them: parsed, and refused where they name what nobody knows.

A group of which nobody reads the apps would fit nothing, and who closes the apps of a group in an
emergency has to know that it is all of them.
"""

from keyturn.domain.connection import OktaConnection
from keyturn.domain.errors import Refused
from keyturn.domain.ids import OrganizationId
from keyturn.domain.inventory import Inventory
from keyturn.domain.selector import (
    Selector,
    Subject,
    groups_meant,
    parse_selector,
    require_groups,
)
from keyturn.services.ports import Reading, World


def read_selector(world: World, text: str, field: str = "selector") -> Selector:
    """Parse a selector; its groups are some that are read. Raises InvalidInput."""
    selector = parse_selector(text, field)
    require_groups(selector, world.limits.inventory_groups, field)
    return selector


async def require_groups_read(
    tx: Reading, world: World, selector: Selector, organization_id: OrganizationId
) -> None:
    """Raise Refused where a selector names groups that have not all been read in an org."""
    patterns = selector.by_name
    meant = groups_meant(selector, world.limits.inventory_groups)
    if "group" not in patterns:
        return
    named = Selector(tuple(f"connection={each}" for each in patterns.get("connection", ())))
    connections = await tx.list(OktaConnection, organization_id=organization_id)
    asked = [each for each in connections if named.fits(Subject(connection=each.name))]
    kept = {each.connection_id: each for each in await tx.list(Inventory)}
    ids = {each.id: each.instance_url for each in connections}
    known = {ids[one] for one, each in kept.items() if one in ids and meant <= {*each.groups_known}}
    for each in asked:
        if each.instance_url not in known:
            told = kept[each.id].groups_told if each.id in kept else ""
            raise Refused(
                f"Which apps the groups of {each.name} have is not known yet. "
                f"{told or 'Have its inventory read: `keyturn inventory read`.'} Or leave it out, "
                "by connection=NAME."
            )
