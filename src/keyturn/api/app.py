"""Put the HTTP API together."""

from itertools import product

from fastapi import Depends, FastAPI

from keyturn.api import problems
from keyturn.api.bodylimit import BodyLimit
from keyturn.api.infisical import connections, login, rotations, secrets
from keyturn.api.native import budgets, findings, health, keys, projects, schedule, turns
from keyturn.api.requestlog import RequestLog
from keyturn.domain.okta import CredentialKind
from keyturn.services.ports import World
from keyturn.wire.problem import Problem
from keyturn.wire.rotations import ROTATIONS

ROOMS = (health, login, projects, connections, keys, rotations, secrets, findings, budgets)

OF_TYPE = (rotations, turns, schedule)
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
    for kind, room in product(CredentialKind, OF_TYPE):
        app.include_router(
            room.of_type,
            prefix=f"{ROTATIONS}/{kind}",
            dependencies=[Depends(rotations.of_the_kind)],
        )
        app.include_router(
            room.of_readers,
            prefix=f"{ROTATIONS}/{kind}",
            dependencies=[Depends(rotations.of_the_kind)],
            include_in_schema=not kind.rules.of_connection,
        )
    return app
