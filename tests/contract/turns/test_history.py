"""A rotation's past does not make its next turn dearer."""

from collections.abc import Sequence
from typing import cast

from rig import Rig

from keyturn.domain.turn import Trigger, Turn
from keyturn.services.ports import Writing
from keyturn.services.rotations import current_rotation
from keyturn.services.turns import start


class Noting:
    """A transaction that keeps which kinds of records it was asked to list."""

    def __init__(self, tx: Writing) -> None:
        self._tx = tx
        self.kinds: list[type] = []

    def __getattr__(self, name: str) -> object:
        """Do everything else as the transaction does it."""
        return getattr(self._tx, name)

    async def list(self, kind: type[Turn], /, **where: object) -> Sequence[Turn]:
        """List records."""
        self.kinds.append(kind)
        return await self._tx.list(kind, **where)


async def test_a_turn_starts_without_a_look_at_those_before_it(rig: Rig) -> None:
    """Where a secret is served, it alone tells what the new turn replaces."""
    rotation_id = (await rig.rotation()).rotation.id
    async with rig.world.store.writing() as tx:
        noting = Noting(tx)
        rotation = await current_rotation(tx, rotation_id)
        turn = await start(cast(Writing, noting), rig.world, rotation, Trigger.MANUAL)
    assert turn.old is not None
    assert Turn not in noting.kinds
