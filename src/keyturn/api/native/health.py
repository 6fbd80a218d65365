"""Whether the process answers; asks nobody who they are and tells nothing of what is stored."""

from fastapi import APIRouter, Request

from keyturn.api.authn import TheWorld
from keyturn.wire.health import Health, Status

router = APIRouter(tags=["Health"])


@router.get("/healthz")
async def health() -> Health:
    """Say that the process answers."""
    return Health()


@router.get("/api/status")
async def status(request: Request, world: TheWorld) -> Status:
    """Tell the time of day here and which version answers."""
    return Status(date=world.clock.now(), version=request.app.version)
