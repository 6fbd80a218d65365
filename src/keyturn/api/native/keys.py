"""The key by which Keyturn itself logs in at an org."""

from fastapi import APIRouter

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.api.infisical.render import rotation_answer
from keyturn.api.lenient import LenientRoute
from keyturn.domain.okta import KeyAlgorithm
from keyturn.services import own_key
from keyturn.wire.base import Id
from keyturn.wire.connections import TurnKey
from keyturn.wire.rotations import RotationAnswer

router = APIRouter(
    prefix="/api/v1/app-connections/okta/{connection_id}",
    tags=["App connections"],
    route_class=LenientRoute,
)


@router.post("/turn-key")
async def turn_key(
    world: TheWorld, caller: TheCaller, connection_id: Id, body: TurnKey | None = None
) -> RotationAnswer:
    """Turn the private key of the connection's service app; answer once the new one is in use.

    The rotation that is answered keeps the record of its turns, as any does.
    """
    algorithm = KeyAlgorithm((body or TurnKey()).key_algorithm)
    seen = await own_key.turn_key(world, caller, connection_id, algorithm=algorithm)
    return rotation_answer(seen)
