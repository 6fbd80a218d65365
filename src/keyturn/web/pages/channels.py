"""Channels: how people are told, whether it arrives, and what they were told."""

from collections.abc import Mapping
from typing import Final

from starlette.responses import Response

from keyturn.domain.access import Verb
from keyturn.domain.channels import LEFT_OUT, Channel, Dispatch
from keyturn.domain.notice import URGENT, Kind
from keyturn.domain.notice_words import MEANS, facts_of, title_of
from keyturn.services import channels
from keyturn.services.channels import ChannelChange
from keyturn.services.notices import list_notices, read_notice, target_of
from keyturn.web.pages.channels_kinds import TITLES, shown_settings
from keyturn.web.routing import action, page
from keyturn.web.visiting import Visit

LIST: Final = "/settings/channels"
ONE: Final = f"{LIST}/{{channel_id}}"
NOTICES: Final = "/settings/notices"
LOGGED: Final = 50
LISTED: Final = 100


async def list_all(visit: Visit) -> Response:
    """List the channels, and whether what they bring arrives."""
    found = await channels.list_channels(visit.world, visit.caller)
    projects = await _names(visit)
    return visit.render(
        "settings/channels/list.html",
        rows=[
            (each, TITLES[each.kind].title, standing_of(each), _hears(each, projects))
            for each in found
        ],
        creates=visit.caller.may_somewhere(Verb.EDIT_CHANNELS),
    )


async def show(visit: Visit) -> Response:
    """Show one channel with its log."""
    return await shown(visit)


async def shown(visit: Visit, trial: str | None = None) -> Response:
    """Show the channel that the path names; ``trial`` is why a test did not arrive."""
    one = await channels.read_channel(visit.world, visit.caller, visit.given("channel_id"))
    log = await channels.list_log(visit.world, visit.caller, one.id, limit=LOGGED)
    projects = await _names(visit)
    return visit.render(
        "settings/channels/show.html",
        status=200 if trial is None else 502,
        trial=trial,
        channel=one,
        href=f"{LIST}/{one.id}",
        title=TITLES[one.kind].title,
        standing=standing_of(one),
        settings=shown_settings(one),
        hears=_hears(one, projects),
        log=[(each, title_of(each.notice), _fate(each.dispatch)) for each in log],
        edits=visit.may(Verb.EDIT_CHANNELS, target_of(one)),
    )


async def try_it(visit: Visit) -> Response:
    """Send a message that says that it is a test."""
    failure = await channels.try_channel(visit.world, visit.caller, visit.given("channel_id"))
    if failure:
        return await shown(visit, failure)
    return visit.redirect(_href(visit), "The test has arrived: look for it where people are told.")


async def pause(visit: Visit) -> Response:
    """Let a channel hear of nothing."""
    return await _switch(visit, "It hears of nothing, until it is resumed.", paused=True)


async def resume(visit: Visit) -> Response:
    """Let a channel hear again."""
    return await _switch(visit, "It hears of what happens from now on.", paused=False)


async def show_delete(visit: Visit) -> Response:
    """Ask whether to remove a channel."""
    one = await channels.read_channel(visit.world, visit.caller, visit.given("channel_id"))
    visit.require(one.name, target_of(one), Verb.EDIT_CHANNELS)
    return visit.render("settings/channels/delete.html", channel=one, href=f"{LIST}/{one.id}")


async def delete(visit: Visit) -> Response:
    """Remove a channel."""
    gone = await channels.delete_channel(visit.world, visit.caller, visit.given("channel_id"))
    return visit.redirect(LIST, f"{gone.name} is removed.")


async def list_told(visit: Visit) -> Response:
    """List what people were told, the newest first."""
    wanted = visit.query.get("kind", "")
    kind = wanted if wanted in set(Kind) else ""
    found = await list_notices(visit.world, visit.caller, kind=kind, limit=LISTED)
    return visit.render(
        "settings/channels/notices.html",
        rows=[(each, title_of(each), each.kind in URGENT) for each in found],
        kinds=[("", "All kinds"), *((each.value, each.value) for each in Kind)],
        kind=kind,
        unheard=await nobody_hears(visit, Kind(kind) if kind else None),
    )


async def show_told(visit: Visit) -> Response:
    """Show one notice, and what has come of it through each channel."""
    seen = await read_notice(visit.world, visit.caller, visit.given("notice_id"))
    return visit.render(
        "settings/channels/notice.html",
        notice=seen.notice,
        title=title_of(seen.notice),
        meaning=MEANS[seen.notice.kind],
        facts=facts_of(seen.notice),
        ways=[(channel, way, _fate(way)) for way, channel in seen.ways],
    )


async def nobody_hears(visit: Visit, kind: Kind | None = None) -> bool:
    """Say whether no channel hears of a kind of notices, or of anything.

    Who may not see all channels is not told so: they would not know.
    """
    if not visit.may(Verb.READ_CHANNELS):
        return False
    every = await channels.list_channels(visit.world, visit.caller)
    return not any(each.wants(kind) if kind else not each.paused for each in every)


def standing_of(one: Channel) -> tuple[str, str]:
    """Return how a channel stands, in words and a tone."""
    if one.paused:
        return "paused", "idle"
    return ("failing", "bad") if one.failing_since else ("working", "good")


def _fate(way: Dispatch) -> tuple[str, str]:
    if way.delivered_at:
        return "arrived", "good"
    if way.due_at is None:
        left_out = way.failure.startswith(LEFT_OUT)
        return ("left out", "idle") if left_out else ("given up", "bad")
    if way.failure:
        return "tried again", "warn"
    return ("in a digest", "idle") if way.digest else ("on its way", "busy")


async def _names(visit: Visit) -> Mapping[str, str]:
    """Return what the projects are called that whoever looks may read."""
    _, projects = await visit.projects()
    return {each.project.id: each.project.name for each in projects}


def _hears(one: Channel, projects: Mapping[str, str]) -> str:
    where = f"project {projects.get(one.project_id, '')}" if one.project_id else "every project"
    return f"{one.selector}, of {where}" if one.selector else where


async def _switch(visit: Visit, told: str, *, paused: bool) -> Response:
    change, channel_id = ChannelChange(paused=paused), visit.given("channel_id")
    await channels.update_channel(visit.world, visit.caller, channel_id, change)
    return visit.redirect(_href(visit), told)


def _href(visit: Visit) -> str:
    return f"{LIST}/{visit.given('channel_id')}"


ROUTES: Final = (
    page(LIST, list_all),
    page(NOTICES, list_told),
    page(f"{NOTICES}/{{notice_id}}", show_told),
    page(ONE, show),
    action(f"{ONE}/test", try_it),
    action(f"{ONE}/pause", pause),
    action(f"{ONE}/resume", resume),
    page(f"{ONE}/delete", show_delete),
    action(f"{ONE}/delete", delete),
)
