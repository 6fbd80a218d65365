"""What people are told, and the page that a notice of a connection leads to."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, Response

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.api.description import PAGE
from keyturn.api.lenient import LenientRoute
from keyturn.api.native.channels import delivery
from keyturn.api.native.oauth_callback import page
from keyturn.domain.notice import URGENT, Notice
from keyturn.domain.notice_words import MEANS, link_of, title_of
from keyturn.domain.oauth.redirects import REAUTHORIZE_PATH
from keyturn.services import notices
from keyturn.services.notices import LISTED_MAX
from keyturn.services.ports import World
from keyturn.wire import notices as wire
from keyturn.wire.base import Id, Text

router = APIRouter(tags=["Notices"], route_class=LenientRoute)


@router.get("/api/v1/notices")
async def list_notices(
    world: TheWorld,
    caller: TheCaller,
    project_id: Annotated[Text | None, Query(alias="projectId")] = None,
    kind: Annotated[str, Query(max_length=64)] = "",
    limit: Annotated[int, Query(ge=1, le=LISTED_MAX)] = 100,
) -> wire.NoticesAnswer:
    """List what people were told, of a project or of all that the caller may see, newest first."""
    found = await notices.list_notices(world, caller, project=project_id, kind=kind, limit=limit)
    return wire.NoticesAnswer(notices=tuple(_shown(world, each) for each in found))


@router.get("/api/v1/notices/{notice_id}")
async def read_notice(world: TheWorld, caller: TheCaller, notice_id: Id) -> wire.NoticeAnswer:
    """Read one notice, and what has come of it through each channel."""
    seen = await notices.read_notice(world, caller, notice_id)
    ways = (delivery(way, seen.notice, channel) for way, channel in seen.ways)
    return wire.NoticeAnswer(notice=_shown(world, seen.notice), deliveries=tuple(ways))


@router.get(REAUTHORIZE_PATH, response_class=HTMLResponse, responses=PAGE)
async def tell_how(connection_id: Annotated[Id, Query(alias="connection")]) -> Response:
    """Tell whoever follows a notice how somebody is asked again; nothing is looked up or begun."""
    return page(
        "A connection has to be authorized again",
        "Whoever may authorize connections runs this command, and opens its link:",
        f"keyturn connection authorize {connection_id} --link",
    )


def _shown(world: World, notice: Notice) -> wire.Notice:
    of = notice.of
    return wire.Notice(
        id=notice.id,
        kind=notice.kind.value,
        urgent=notice.kind in URGENT,
        project_id=notice.project_id,
        project=of.project,
        environment=of.environment,
        secret_path=of.path,
        subject_id=notice.subject_id,
        subject=notice.subject,
        app_id=of.app,
        app_label=of.label,
        owner=of.owner,
        title=title_of(notice),
        message=notice.told,
        meaning=MEANS[notice.kind],
        before=notice.before.value if notice.before else None,
        after=notice.after.value if notice.after else None,
        connections=notice.connections,
        comes_at=notice.comes_at,
        link=link_of(notice, world.limits.public_url) or None,
        command=notice.command,
        created_at=notice.created_at,
    )
