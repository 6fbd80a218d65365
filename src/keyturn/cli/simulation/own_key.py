"""The key by which the product itself logs in, cast beside a world's apps.

How its rotation comes to be, and what people do for it.
"""

import asyncio
from contextlib import suppress

from keyturn.cli.simulation.kinds import add_key, thumbprint
from keyturn.cli.simulation.parts import Part
from keyturn.cli.simulation.stage import Cast, Stage, find_cast, whole
from keyturn.domain.connection import ServiceApp
from keyturn.domain.errors import Refused
from keyturn.domain.okta import KeyAlgorithm
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Turn
from keyturn.sandbox.state.records import Secret
from keyturn.services.connections import OktaConnectionChange, update_okta_connection
from keyturn.services.duties import claim_due
from keyturn.services.journey import advance
from keyturn.services.orders import abort_turn
from keyturn.services.own_key import turn_key
from keyturn.services.ports import World
from keyturn.services.rotations import RotationChange, update_rotation
from keyturn.services.schedules import ScheduleChange
from keyturn.services.turns import rotate

NAME = "key-of-okta"
"""As the product calls the rotation of the one connection that a world has."""
LOOK_S = 60.0


class OwnKey:
    """The rotation of the connection's own key."""

    def __init__(self, stage: Stage, part: Part) -> None:
        self._stage = stage
        self._part = part

    async def cast(self) -> Cast:
        """Turn the key once, to the end, in calm weather; from then on it has a rotation."""
        stage, schedule = self._stage, self._part.schedule
        seen = await _turn_key(stage, stage.bare)
        while any(turn.running for turn in stage.store.backup().list(Turn)):
            for claim in await claim_due(stage.bare, owner="set-up", limit=1):
                await advance(stage.bare, claim.turn, held_since_s=claim.held_since_s)
            await asyncio.sleep(LOOK_S)
        wanted = ScheduleChange(
            schedule.automatic,
            schedule.interval_days,
            every=schedule.every or None,
            at=f"{schedule.at:%H:%M}" if schedule.at else None,
            zone=schedule.zone,
        )
        change = RotationChange(policy=whole(self._part.policy), schedule=wanted)
        await update_rotation(stage.bare, stage.admin, seen, change)
        stage.judge.note_access(stage.store.backup())
        made = find_cast(stage, self._part)
        if made is None:
            raise LookupError(NAME)
        return made


async def begin_turn(stage: Stage, world: World, cast: Cast) -> None:
    """Turn what a rotation turns, as somebody who asks for it."""
    if cast.props.rules.of_connection:
        await _turn_key(stage, world)
    else:
        await rotate(world, stage.admin, cast.rotation_id)


async def _turn_key(stage: Stage, world: World) -> str:
    of, algorithm = stage.connection.id, KeyAlgorithm.ES256
    return (await turn_key(world, stage.admin, of, algorithm=algorithm)).rotation.id


def key_in_use(stage: Stage, own: Cast) -> Secret | None:
    """Find at the org the key that the connection uses, living or not."""
    return stage.ledger.find_secret(own.app_id, stage.ledger.access.value)


def locked_out(stage: Stage, own: Cast) -> bool:
    """Say whether the org does not take the key that the connection uses."""
    key = key_in_use(stage, own)
    return key is None or not key.accepts(stage.org.now())


async def give_key(stage: Stage, world: World, own: Cast, seed: bytes) -> None:
    """Give the connection a key that somebody has made at the console, if it has none that works.

    Whoever does so ends the turn of the one before, and has the new one turned, which he knows.
    """
    if not locked_out(stage, own):
        return
    with stage.ledger.by_somebody_else("an administrator"):
        value = add_key(stage.org, own.app_id, seed)
    stage.ledger.access.given.add(thumbprint(value))
    stage.judge.secrets |= {own.props.hidden(value)}
    stage.judge.counts["keys given to the connection"] += 1
    change = OktaConnectionChange(credentials=ServiceApp(own.client_id, Sensitive(value)))
    await update_okta_connection(world, stage.admin, stage.connection.id, change)
    with suppress(Refused):
        await abort_turn(world, stage.admin, own.rotation_id)
    await _turn_key(stage, world)
