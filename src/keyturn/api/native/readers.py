"""Who uses which version of a secret: readers say it, and others look it up."""

from typing import Annotated

from fastapi import APIRouter, Query

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.api.infisical.spelling import where_of
from keyturn.api.lenient import LenientRoute
from keyturn.services import readers
from keyturn.services.readers import Held
from keyturn.wire import readers as wire

router = APIRouter(tags=["Readers"], route_class=LenientRoute)


@router.post("/api/v1/acknowledgements")
async def acknowledge(
    world: TheWorld, caller: TheCaller, body: wire.Acknowledge
) -> wire.AcknowledgementAnswer:
    """Say that the caller uses a version of a secret, which it was given before.

    It then holds no older one any more, so that a turn waits for it no longer.
    """
    said = await readers.acknowledge(world, caller, where_of(body), body.secret_name, body.version)
    receipt = said.receipt
    return wire.AcknowledgementAnswer(
        acknowledgement=wire.Acknowledgement(
            identity_id=receipt.identity_id,
            secret_name=said.secret.name,
            environment=said.place.environment.slug,
            secret_path=said.place.folder.path,
            version=receipt.applied or receipt.version,
            acknowledged_at=receipt.applied_at or receipt.read_at,
        )
    )


@router.get("/api/v1/secrets/holders")
async def list_holders(
    world: TheWorld, caller: TheCaller, query: Annotated[wire.ReadHolders, Query()]
) -> wire.HoldersAnswer:
    """List who holds which version of a secret, those with the oldest first.

    Reads are on record of secrets that a rotation keeps, acknowledgements of all.
    """
    view = await readers.list_held(world, caller, where_of(query), query.secret_name)
    return wire.HoldersAnswer(
        secret_name=view.secret.name,
        environment=view.place.environment.slug,
        secret_path=view.place.folder.path,
        current_version=view.served,
        holders=tuple(map(_holder, view.held)),
    )


def _holder(held: Held) -> wire.Holder:
    receipt = held.receipt
    return wire.Holder(
        identity_id=held.identity.id,
        identity_name=held.identity.name,
        version=receipt.version,
        newest=held.newest,
        given_version=receipt.given,
        read_at=receipt.read_at,
        acknowledged_version=receipt.applied,
        acknowledged_at=receipt.applied_at,
    )
