"""Put the HTTP API together."""

from fastapi import FastAPI

from keyturn.api import problems
from keyturn.api.bodylimit import BodyLimit
from keyturn.api.infisical import connections, login, rotations, secrets
from keyturn.api.native import health, projects, turns
from keyturn.api.requestlog import RequestLog
from keyturn.services.ports import World
from keyturn.wire.problem import Problem

ROOMS = (health, login, projects, connections, rotations, turns, secrets)
"""In this order: a rotation may be called "turns", and is read by that name."""


def build_api(world: World, *, version: str) -> FastAPI:
    """Build the API on a world; ``/openapi.json`` describes it, and no page needs a CDN."""
    app = FastAPI(
        title="Keyturn",
        version=version,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        strict_content_type=False,
        responses={"4XX": {"model": Problem}, "5XX": {"model": Problem}},
    )
    app.state.world = world
    problems.install(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(RequestLog, world=world)
    for room in ROOMS:
        app.include_router(room.router)
    return app
