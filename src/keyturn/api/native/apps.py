"""The apps of an Okta org, for who chooses one to turn."""

from typing import Annotated

from fastapi import APIRouter, Query

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.api.lenient import LenientRoute
from keyturn.services import apps
from keyturn.services.apps import AppSecret, AppView
from keyturn.wire import apps as wire
from keyturn.wire.base import Id

router = APIRouter(
    prefix="/api/v1/app-connections/okta/{connection_id}",
    tags=["App connections"],
    route_class=LenientRoute,
)


@router.get("/apps")
async def list_apps(
    world: TheWorld,
    caller: TheCaller,
    connection_id: Id,
    query: Annotated[wire.AppsQuery, Query()],
) -> wire.AppsAnswer:
    """List OAuth apps of the connection's org whose label begins so, or the one with this id.

    Of an org with an inventory, labels are searched inside as well. Those without a rotation come
    first.

    Okta is asked for each app's client secrets, which it puts on its own record; no value is shown.
    """
    found = await apps.list_apps(world, caller, connection_id, label=query.label, limit=query.limit)
    return wire.AppsAnswer(apps=tuple(map(_app, found.apps)), more=found.more)


def _app(view: AppView) -> wire.App:
    app, kept = view.app, view.rotation
    return wire.App(
        id=app.id,
        client_id=app.client_id,
        label=app.label,
        status=app.status.value,
        auth_method=app.auth_method,
        secrets=None if view.secrets is None else tuple(map(_secret, view.secrets)),
        unread=view.unread,
        foreign=view.foreign,
        crowded=view.crowded,
        rotation=wire.AppRotation(id=kept.id, name=kept.name, place=kept.place) if kept else None,
        types=tuple(kind.value for kind in view.kinds),
    )


def _secret(secret: AppSecret) -> wire.AppSecret:
    return wire.AppSecret(
        id=secret.id,
        status=secret.status.value,
        created_at=secret.created_at,
        known=secret.known,
    )
