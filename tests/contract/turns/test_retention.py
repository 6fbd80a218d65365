"""What is old is forgotten, a little at a time, and nothing that anybody still needs."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from rig import Rig

from keyturn.adapters.runner import EmbeddedRunner
from keyturn.domain.identity import AccessToken, AuthMethod, TokenRules
from keyturn.domain.ids import IdentityId
from keyturn.domain.turn import Phase, Turn
from keyturn.services import retention
from keyturn.services.identities import new_access_token
from keyturn.services.ports import Limits, TurnStep
from keyturn.services.reports import list_turns
from keyturn.services.retention import forget_old
from keyturn.services.turns import rotate

A_YEAR_S = timedelta(days=401).total_seconds()


async def turned(rig: Rig, rotation_id: str) -> Turn:
    """Turn to the end."""
    await rotate(rig.world, rig.admin, rotation_id)
    turn = await rig.run(rotation_id)
    assert turn.phase is Phase.FINISHED
    return turn


async def kept(rig: Rig) -> list[str]:
    """Return the turns of which there are steps, and check that each of them is there itself."""
    async with rig.world.store.reading() as tx:
        turns = {turn.id for turn in await tx.list(Turn)}
        stepped = {step.turn_id for step in await tx.list(TurnStep)}
    assert stepped == turns
    return [*turns]


async def test_turns_are_forgotten_with_their_steps_but_the_last(rig: Rig) -> None:
    """Of turns that ended long ago the last one stays, and the secret is served as before."""
    rotation = (await rig.rotation()).rotation
    turns = [await turned(rig, rotation.id) for _ in range(3)]
    served = await rig.served_hash()
    assert await forget_old(rig.world) == 0
    rig.clock.advance(A_YEAR_S)
    assert await forget_old(rig.world) >= 2
    assert await kept(rig) == [turns[-1].id]
    [told] = await list_turns(rig.world, rig.admin, rotation.id)
    assert told.turn.id == turns[-1].id
    assert await rig.served_hash() == served


async def test_the_setting_says_how_long(rig: Rig) -> None:
    """Turns are kept for as many days as the operator wants."""
    rotation = (await rig.rotation()).rotation
    for _ in range(2):
        await turned(rig, rotation.id)
    rig.clock.advance(A_YEAR_S)
    limits: Limits = replace(rig.world.limits, keep_turns=timedelta(days=1000))
    await forget_old(replace(rig.world, limits=limits))
    assert len(await kept(rig)) == 2


async def test_much_is_forgotten_in_small_parts(rig: Rig) -> None:
    """No transaction takes more than a part; all of it goes in the end."""
    token, _ = new_access_token(
        rig.world, IdentityId(rig.admin.id), AuthMethod.TOKEN, TokenRules(60, 60)
    )
    many = retention.AT_ONCE * 2 + 1
    async with rig.world.store.writing() as tx:
        spent = [replace(token, id=f"t-{n}", hash=str(n).encode()) for n in range(many)]
        await tx.add(*spent)
    rig.clock.advance(timedelta(days=2).total_seconds())
    assert await forget_old(rig.world) == many
    async with rig.world.store.reading() as tx:
        assert [one for one in await tx.list(AccessToken) if one.id.startswith("t-")] == []


async def test_a_runner_forgets_by_itself(rig: Rig) -> None:
    """Nobody has to ask for it."""
    rotation = (await rig.rotation()).rotation
    first, _ = [await turned(rig, rotation.id) for _ in range(2)]
    rig.clock.advance(A_YEAR_S)

    async def there() -> bool:
        async with rig.world.store.reading() as tx:
            return await tx.find(Turn, id=first.id) is not None

    async with EmbeddedRunner(rig.world, tick_s=3600, concurrency=1), asyncio.timeout(30):
        while await there():
            await asyncio.sleep(0.001)
