"""What there is to be watched, for whoever holds a token that may see it."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.api.exposition import CONTENT_TYPE, expose
from keyturn.services import metrics

router = APIRouter(tags=["Health"])


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def read_metrics(request: Request, world: TheWorld, caller: TheCaller) -> Response:
    """Read all metrics, as Prometheus scrapes them."""
    observed = await metrics.read_metrics(world, caller)
    text = expose(world, observed, version=request.app.version)
    return Response(text, media_type=CONTENT_TYPE)
