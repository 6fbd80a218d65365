"""Put the HTTP API together."""

from functools import cache
from itertools import product

from fastapi import APIRouter, Depends, FastAPI
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from keyturn.api import problems
from keyturn.api.bodylimit import BodyLimit
from keyturn.api.infisical import (
    connections,
    folders,
    identities,
    imports,
    jwt_auth,
    login,
    projects,
    rotations,
    secret_writes,
    secrets,
    tags,
    tokens,
    universal_auth,
)
from keyturn.api.infisical.fast import FastReads
from keyturn.api.native import (
    audit,
    budgets,
    findings,
    health,
    keys,
    people,
    roles,
    schedule,
    turns,
)
from keyturn.api.requestlog import RequestLog
from keyturn.api.slashes import LastSlash
from keyturn.domain.okta import CredentialKind
from keyturn.services.ports import World
from keyturn.wire.problem import Problem
from keyturn.wire.rotations import ROTATIONS

ROOMS = (
    health,
    login,
    identities,
    universal_auth,
    tokens,
    jwt_auth,
    people,
    roles,
    projects,
    folders,
    imports,
    tags,
    connections,
    keys,
    rotations,
    secrets,
    secret_writes,
    findings,
    budgets,
    audit,
)

OF_TYPE = (rotations, turns, schedule)
"""In this order: a rotation may be called "turns", and is read by that name."""


class Api(FastAPI):
    """The routes behind the log of requests, and behind the short way of plain reads."""

    def lead(self, world: World) -> None:
        """Lay the way that requests take."""
        self.way = RequestLog(LastSlash(FastReads(super().__call__, world)), world)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        await self.way(scope, receive, send)


def build_api(world: World, *, version: str) -> FastAPI:
    """Build the API on a world; ``/openapi.json`` describes it, and no page needs a CDN."""
    app = Api(
        title="Keyturn",
        version=version,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        routes=_routes(),
    )
    app.state.world = world
    app.lead(world)
    problems.install(app)
    app.add_middleware(BodyLimit)
    return app


@cache
def _routes() -> list[BaseRoute]:
    """Put the rooms' routes together, once a process: to read their signatures takes a second."""
    house = APIRouter(
        strict_content_type=False,
        responses={"4XX": {"model": Problem}, "5XX": {"model": Problem}},
    )
    for room in ROOMS:
        house.include_router(room.router)
    for kind, room in product(CredentialKind, OF_TYPE):
        house.include_router(
            room.of_type,
            prefix=f"{ROTATIONS}/{kind}",
            dependencies=[Depends(rotations.of_the_kind)],
        )
        house.include_router(
            room.of_readers,
            prefix=f"{ROTATIONS}/{kind}",
            dependencies=[Depends(rotations.of_the_kind)],
            include_in_schema=not kind.rules.of_connection,
        )
    return house.routes
