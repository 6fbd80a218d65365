"""What people were told of connections, and the page that a notice leads to."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, Response

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.api.description import PAGE
from keyturn.api.lenient import LenientRoute
from keyturn.api.native.oauth_callback import page
from keyturn.domain.notice import Notice
from keyturn.domain.oauth.redirects import REAUTHORIZE_PATH
from keyturn.services import notices
from keyturn.wire import notices as wire
from keyturn.wire.base import Id, Text

router = APIRouter(tags=["Connections"], route_class=LenientRoute)


@router.get("/api/v1/notices")
async def list_notices(
    world: TheWorld, caller: TheCaller, project_id: Annotated[Text, Query(alias="projectId")]
) -> wire.NoticesAnswer:
    """List what was told of a project's connections, the latest first."""
    found = await notices.list_notices(world, caller, project=project_id)
    return wire.NoticesAnswer(notices=tuple(map(_shown, found)))


@router.get(REAUTHORIZE_PATH, response_class=HTMLResponse, responses=PAGE)
async def tell_how(connection_id: Annotated[Id, Query(alias="connection")]) -> Response:
    """Tell whoever follows a notice how somebody is asked again; nothing is looked up or begun."""
    return page(
        "A connection has to be authorized again",
        "Whoever may authorize connections runs this command, and opens its link:",
        f"keyturn connection authorize {connection_id} --link",
    )


def _shown(notice: Notice) -> wire.Notice:
    return wire.Notice(
        id=notice.id,
        kind=notice.kind.value,
        project_id=notice.project_id,
        environment=notice.environment,
        secret_path=notice.secret_path,
        subject_id=notice.subject_id,
        subject=notice.subject,
        before=notice.before.value,
        after=notice.after.value,
        message=notice.told,
        connections=notice.connections,
        fails_at=notice.fails_at,
        link=notice.link or None,
        created_at=notice.created_at,
        delivered_at=notice.delivered_at,
        next_attempt_at=notice.due_at,
        attempts=notice.attempts,
        failure=notice.failure,
    )
