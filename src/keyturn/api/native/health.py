"""Whether the process answers and can do its work; asks nobody who they are.

It tells nothing of what is stored, and why it is not ready only in fixed words.
"""

from collections.abc import Sequence

from fastapi import APIRouter, Request
from fastapi.responses import Response

from keyturn.api.authn import TheWorld
from keyturn.services.ports import Check
from keyturn.services.readiness import read_readiness
from keyturn.wire import health as wire

router = APIRouter(tags=["Health"])

NOT_READY = 503


@router.get("/healthz")
async def health() -> wire.Health:
    """Say that the process answers; the database is not asked."""
    return wire.Health()


@router.get(
    "/readyz",
    response_model=wire.Readiness,
    responses={NOT_READY: {"model": wire.Readiness, "description": "It is not, and why."}},
)
async def ready(world: TheWorld) -> Response:
    """Say whether the process can do its work: its database, its key, its runner."""
    return rendered(await read_readiness(world))


def rendered(checks: Sequence[Check]) -> Response:
    """Render what was looked at, with the status that probes go by."""
    well = not any(check.why for check in checks)
    told = tuple(wire.Check(name=check.name, ok=not check.why, why=check.why) for check in checks)
    body = wire.Readiness(status="ready" if well else "not ready", checks=told)
    status = 200 if well else NOT_READY
    return Response(body.model_dump_json(), status, media_type="application/json")


@router.get("/api/status")
async def status(request: Request, world: TheWorld) -> wire.Status:
    """Tell the time of day here and which version answers."""
    return wire.Status(date=world.clock.now(), version=request.app.version)
