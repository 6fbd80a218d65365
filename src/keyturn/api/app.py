"""Put the HTTP API together."""

from functools import cache
from itertools import product
from typing import Final

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from keyturn.api import problems
from keyturn.api.aside import Aside
from keyturn.api.bodylimit import BodyLimit
from keyturn.api.description import Document, Told, described
from keyturn.api.fork import Fork
from keyturn.api.infisical import (
    connections,
    events,
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
    aliases,
    apps,
    audit,
    budgets,
    channels,
    compliance,
    destinations,
    emergencies,
    findings,
    fleet,
    fleet_files,
    flow_events,
    flow_tables,
    flows,
    health,
    inventory,
    invoke,
    keys,
    leaks,
    metrics,
    notices,
    oauth_callback,
    oauth_connections,
    okta_checks,
    people,
    plans,
    readers,
    registrations,
    roles,
    rollouts,
    run_stream,
    schedule,
    settings,
    turns,
)
from keyturn.api.proxies import TrustedProxies
from keyturn.api.requestlog import RequestLog
from keyturn.api.slashes import LastSlash
from keyturn.domain.okta import CredentialKind
from keyturn.domain.proxies import Networks
from keyturn.services.events import Newsroom
from keyturn.services.ports import World
from keyturn.wire.rotations import ROTATIONS

ROOMS = (
    health,
    metrics,
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
    apps,
    keys,
    okta_checks,
    rotations,
    secrets,
    secret_writes,
    readers,
    events,
    findings,
    fleet,
    fleet_files,
    inventory,
    rollouts,
    emergencies,
    leaks,
    destinations,
    registrations,
    oauth_connections,
    oauth_callback,
    aliases,
    run_stream,  # before runs by their id
    flows,
    flow_tables,
    invoke,
    flow_events,
    channels,
    notices,
    budgets,
    compliance,
    settings,
    audit,
)

OF_TYPE = (rotations, plans, turns, schedule)
"""In this order: a rotation may be called "turns", and is read by that name."""

NOWHERE: Final = {"type": "http", "method": "GET", "path": "/", "root_path": "", "headers": []}
"""A request that nothing answers."""


class Api(FastAPI):
    """The routes behind the log of requests, and behind the short way of plain reads."""

    def lead(self, world: World, proxies: Networks, pages: ASGIApp | None) -> None:
        """Lay the way that requests take."""
        api: ASGIApp = FastReads(super().__call__, world)
        served = LastSlash(Fork(api, pages) if pages else api)
        way = RequestLog(Aside(served, world.vitals), world)
        self.way: ASGIApp = TrustedProxies(way, proxies) if proxies else way

    def openapi(self) -> Told:
        """Describe the API."""
        told, self.openapi_schema = super().openapi(), None  # what is kept is the text
        return described(told)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        await self.way(scope, receive, send)


def build_api(
    world: World,
    *,
    version: str,
    proxies: Networks = (),
    public_url: str = "",
    pages: ASGIApp | None = None,
) -> FastAPI:
    """Build the API on a world; ``/openapi.json`` describes it, and no page needs a CDN.

    ``proxies`` are those whose word is taken for where a request comes from; ``public_url`` is
    where browsers find it; ``pages`` serve whatever is not the API's.
    """
    app = Api(
        title="Keyturn",
        version=version,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        routes=_routes(),
    )
    app.state.world = world
    app.state.newsroom = Newsroom(world)
    app.state.public_url = public_url
    text = Document(lambda: bytes(JSONResponse(app.openapi()).body))

    async def describe(_: Request) -> Response:
        return Response(await text.read(), media_type="application/json")

    app.add_route("/openapi.json", describe, include_in_schema=False)
    app.lead(world, proxies, pages)
    problems.install(app)
    app.add_middleware(BodyLimit)
    return app


@cache
def _routes() -> list[BaseRoute]:
    """Put the rooms' routes together, once a process: to read their signatures takes a second.

    The routes of a room stand as they are: FastAPI makes each that it includes a second time.
    """
    house = APIRouter(routes=[route for room in ROOMS for route in room.router.routes])
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
    for route in house.routes:
        route.matches(NOWHERE)  # what is included is made when it is first looked for: now
    return house.routes
