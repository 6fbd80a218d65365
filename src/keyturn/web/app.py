"""Put the pages together."""

from http import HTTPStatus
from types import ModuleType
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from keyturn.services.ports import World
from keyturn.services.ports.sandbox import SandboxControls
from keyturn.web import problems
from keyturn.web.house import STATE, House
from keyturn.web.pages import (
    access,
    audit,
    channels,
    channels_edit,
    compliance,
    compliance_policies,
    compliance_reports,
    connections,
    connections_authorize,
    connections_consent,
    connections_edit,
    destinations,
    destinations_edit,
    emergencies,
    emergencies_new,
    emergencies_orders,
    flows,
    flows_care,
    flows_edit,
    flows_new,
    flows_rows,
    flows_run,
    flows_runs,
    flows_tables,
    gallery,
    identities,
    inventory,
    leaks,
    log_in,
    log_in_okta,
    okta_connections,
    okta_connections_edit,
    overview,
    registrations,
    registrations_edit,
    roles,
    rollouts,
    rollouts_new,
    rollouts_orders,
    rotation,
    rotation_edit,
    rotation_okta,
    rotation_orders,
    rotations,
    sandbox,
    secrets,
    secrets_edit,
    secrets_files,
    secrets_folders,
    secrets_one,
    settings,
    tags,
    turns,
    wizard,
)
from keyturn.web.rendering import HEADERS, TYPES, asset, compressed

PAGES: Final[tuple[ModuleType, ...]] = (
    log_in,
    log_in_okta,
    overview,
    wizard,  # before rotations by their id
    rotations,
    rotation,
    rotation_orders,
    rotation_okta,
    rotation_edit,
    turns,
    inventory,
    compliance,
    compliance_policies,
    compliance_reports,
    rollouts_new,  # before rollouts by their id
    rollouts,
    rollouts_orders,
    emergencies_new,  # before emergencies by their id
    emergencies,
    emergencies_orders,
    leaks,
    secrets,
    secrets_folders,
    secrets_files,
    secrets_edit,
    secrets_one,
    flows,
    flows_new,  # before flows by their id
    flows_tables,
    flows_rows,
    flows_edit,
    flows_run,
    flows_runs,
    flows_care,
    audit,
    registrations_edit,
    registrations,
    okta_connections_edit,
    okta_connections,
    destinations_edit,
    destinations,
    connections_consent,
    connections_authorize,
    connections_edit,
    connections,
    access,
    identities,
    roles,
    channels_edit,  # before channels by their id
    channels,
    settings,
    tags,
    gallery,
)
BESIDE_A_SANDBOX: Final[tuple[ModuleType, ...]] = (sandbox,)
KEPT: Final = "public, max-age=31536000, immutable"


def build_pages(
    world: World,
    *,
    version: str,
    public_url: str = "",
    box: SandboxControls | None = None,
) -> Starlette:
    """Build the pages on a world; ``public_url`` is where browsers find them.

    ``box`` is there where the server runs beside an org in a box.
    """
    pages = (*PAGES, *BESIDE_A_SANDBOX) if box else PAGES
    app = Starlette(
        routes=[
            Route("/assets/{digest}/{name}", _asset, methods=["GET"]),
            *(route for module in pages for route in module.ROUTES),
        ],
        exception_handlers={
            HTTPException: problems.unserved,
            Exception: problems.unforeseen,
        },
    )
    setattr(app.state, STATE, House(world, version, public_url, box))
    app.add_middleware(GZipMiddleware, minimum_size=1_000, compresslevel=5)
    return app


async def _asset(request: Request) -> Response:
    """Serve a file that pages load; its path says what is in it, so it never changes."""
    name: str = request.path_params["name"]
    ending = name.rpartition(".")[2]
    try:
        ours = ending in TYPES and asset(name) == request.scope["path"]
    except FileNotFoundError:
        ours = False
    if not ours:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    headers = {**HEADERS, "Cache-Control": KEPT, "Content-Encoding": "gzip"}
    return Response(compressed(name), 200, headers, media_type=TYPES[ending])
