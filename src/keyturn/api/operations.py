"""What machines ask of a process: metrics and probes, on a door of its own.

No token is asked for here: whoever reaches the address may read. It shows numbers alone.
"""

from fastapi.responses import Response
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

from keyturn.api.exposition import CONTENT_TYPE, expose
from keyturn.api.native.health import rendered
from keyturn.services.metrics import observe
from keyturn.services.ports import World
from keyturn.services.readiness import read_readiness
from keyturn.wire.health import Health


def build_operations(world: World, *, version: str) -> Starlette:
    """Build what answers ``/metrics``, ``/healthz`` and ``/readyz``, and nothing else."""

    async def metrics(_: Request) -> Response:
        text = expose(world, await observe(world), version=version)
        return Response(text, media_type=CONTENT_TYPE)

    async def healthz(_: Request) -> Response:
        return Response(Health().model_dump_json(), media_type="application/json")

    async def readyz(_: Request) -> Response:
        return rendered(await read_readiness(world))

    routes = [Route("/metrics", metrics), Route("/healthz", healthz), Route("/readyz", readyz)]
    return Starlette(routes=routes)
