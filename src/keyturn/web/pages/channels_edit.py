"""Channels made and changed. What is secret of one comes back to no page."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import time
from typing import Final

from starlette.responses import Response

from keyturn.domain.access import Target, Verb
from keyturn.domain.channel_kinds import ChannelKind, parse_channel_kind
from keyturn.domain.channels import AHEAD_S, Channel, Rhythm, Timing
from keyturn.domain.errors import (
    AddressRefused,
    CallerError,
    FieldProblem,
    InvalidInput,
    KeyturnError,
    NotFound,
)
from keyturn.domain.notice import Kind
from keyturn.domain.notice_words import MEANS
from keyturn.domain.sensitive import Sensitive
from keyturn.services import channels
from keyturn.services.channels import ChannelChange, ChannelDraft
from keyturn.services.notices import target_of
from keyturn.web.faults import told_of
from keyturn.web.pages.channels import LIST, ONE
from keyturn.web.pages.channels_kinds import TITLES
from keyturn.web.problems import status_of
from keyturn.web.routing import action, page
from keyturn.web.visiting import Visit

GROUPS: Final[Mapping[str, str]] = {"settings": "set-", "credential": "key-"}
PLAIN: Final[Mapping[str, str]] = {
    "digestAt": "digest_at",
    "quietTo": "quiet_to",
    "aheadS": "ahead",
}
HOUR_S: Final = 3600
RHYTHMS: Final = (
    (Rhythm.IMMEDIATELY, "At once"),
    (Rhythm.HOURLY, "In a digest, every hour"),
    (Rhythm.DAILY, "In a digest, every day"),
)


@dataclass(frozen=True)
class Typed:
    """What a form says of a channel; nothing of what is secret."""

    name: str = ""
    project: str = ""
    selector: str = ""
    kinds: Sequence[str] = ()
    rhythm: str = Rhythm.IMMEDIATELY
    digest_at: str = ""
    zone: str = "UTC"
    quiet_from: str = ""
    quiet_to: str = ""
    ahead: str = str(AHEAD_S // HOUR_S)
    settings: Mapping[str, str] = field(default_factory=dict)


async def choose(visit: Visit) -> Response:
    """Ask for the kind, or go on where that is said."""
    if not visit.caller.may_somewhere(Verb.EDIT_CHANNELS):
        visit.require("channels", Target(visit.caller.home), Verb.EDIT_CHANNELS)
    kind = visit.query.get("kind")
    if kind:
        return await _form(visit, parse_channel_kind(kind), Typed())
    return visit.render("settings/channels/choose.html", kinds=TITLES)


async def create(visit: Visit) -> Response:
    """Store a channel; it hears of what happens from now on."""
    kind, typed = parse_channel_kind(visit.said("kind")), _typed(visit)
    typed = replace(typed, settings=_settings(visit, kind))
    try:
        draft = ChannelDraft(
            name=typed.name,
            kind=kind,
            settings=typed.settings,
            credential=_credential(visit, kind),
            project=typed.project or None,
            selector=typed.selector,
            kinds=tuple(typed.kinds),
            timing=_timing(typed),
            ahead_s=_ahead_s(typed),
        )
        made = await channels.create_channel(visit.world, visit.caller, draft)
    except CallerError as error:
        return await _form(visit, kind, typed, error=error)
    told = "Made. Send a test to see whether it arrives."
    return visit.redirect(f"{LIST}/{made.id}", told)


async def show_edit(visit: Visit) -> Response:
    """Ask what is to change of a channel."""
    one = await channels.read_channel(visit.world, visit.caller, visit.given("channel_id"))
    return await _form(visit, one.kind, _as_typed(one), one)


async def edit(visit: Visit) -> Response:
    """Change a channel; settings that lead elsewhere need what is secret again."""
    one = await channels.read_channel(visit.world, visit.caller, visit.given("channel_id"))
    typed = replace(_typed(visit), settings=_settings(visit, one.kind))
    try:
        change = ChannelChange(
            name=typed.name,
            settings=typed.settings if typed.settings != one.setting else None,
            credential=_credential(visit, one.kind) or None,
            selector=typed.selector,
            kinds=tuple(typed.kinds),
            timing=_timing(typed),
            ahead_s=_ahead_s(typed),
        )
        await channels.update_channel(visit.world, visit.caller, one.id, change)
    except NotFound:
        raise
    except CallerError as error:
        return await _form(visit, one.kind, typed, one, error=error)
    return visit.redirect(f"{LIST}/{one.id}", "Saved.")


def _as_typed(one: Channel) -> Typed:
    timing = one.timing
    return Typed(
        name=one.name,
        selector=one.selector,
        kinds=one.kinds,
        rhythm=timing.rhythm,
        digest_at=_clock(timing.daily_at),
        zone=timing.zone,
        quiet_from=_clock(timing.quiet_from),
        quiet_to=_clock(timing.quiet_to),
        ahead=f"{one.ahead_s / HOUR_S:g}",
        settings=one.setting,
    )


def _typed(visit: Visit) -> Typed:
    said = visit.said
    kinds = [each for each in visit.form.getlist("kinds") if isinstance(each, str)]
    return Typed(
        name=said("name"),
        project=said("project"),
        selector=said("selector"),
        kinds=kinds,
        rhythm=said("rhythm", Rhythm.IMMEDIATELY),
        digest_at=said("digest_at"),
        zone=said("zone") or "UTC",
        quiet_from=said("quiet_from"),
        quiet_to=said("quiet_to"),
        ahead=said("ahead"),
    )


def _settings(visit: Visit, kind: ChannelKind) -> Mapping[str, str]:
    plain = (each for each in TITLES[kind].fields if not each.hidden)
    given = {each.member: visit.said(each.name) for each in plain}
    return {name: text for name, text in given.items() if text}


def _credential(visit: Visit, kind: ChannelKind) -> Mapping[str, Sensitive]:
    hidden = (each for each in TITLES[kind].fields if each.hidden)
    given = {each.member: visit.said(each.name) for each in hidden}
    return {name: Sensitive(text) for name, text in given.items() if text}


def _timing(typed: Typed) -> Timing:
    if typed.rhythm not in set(Rhythm):
        raise InvalidInput(FieldProblem(("rhythm",), "must be one of the list"))
    daily = typed.digest_at if typed.rhythm == Rhythm.DAILY else ""
    return Timing(
        Rhythm(typed.rhythm),
        typed.zone,
        _parse_clock("digest_at", daily),
        _parse_clock("quiet_from", typed.quiet_from),
        _parse_clock("quiet_to", typed.quiet_to),
    )


def _parse_clock(name: str, text: str) -> time | None:
    try:
        return time.fromisoformat(text) if text else None
    except ValueError:
        raise InvalidInput(FieldProblem((name,), "must be a time of day: HH:MM")) from None


def _ahead_s(typed: Typed) -> int:
    try:
        return int(float(typed.ahead) * HOUR_S)
    except (ValueError, OverflowError):
        raise InvalidInput(FieldProblem(("ahead",), "must be a number of hours")) from None


def _clock(at: time | None) -> str:
    return f"{at:%H:%M}" if at else ""


def _problems(error: KeyturnError | None, kind: ChannelKind) -> Sequence[tuple[str, str]]:
    """Return what an error says, at the field of the form that it is about."""
    fields = {each.name: each for each in TITLES[kind].fields}
    if isinstance(error, AddressRefused):
        named = next((name for name, each in fields.items() if each.member == "url"), "")
        return [(named, error.message)]
    if not isinstance(error, InvalidInput):
        return [("", error.message)] if error else ()
    told: list[tuple[str, str]] = []
    for each in error.problems:
        first, *inner = each.field
        name = GROUPS[first] + inner[0] if first in GROUPS and inner else PLAIN.get(first, first)
        rule = each.rule if each.rule != "Required" else "must be given"
        label = fields[name].label if name in fields else ""
        sentence = f"{label} {rule}" if label else rule
        told += told_of(InvalidInput(FieldProblem((name,), sentence)))
    return told


async def _form(
    visit: Visit,
    kind: ChannelKind,
    typed: Typed,
    one: Channel | None = None,
    *,
    error: KeyturnError | None = None,
) -> Response:
    if one:
        visit.require(one.name, target_of(one), Verb.EDIT_CHANNELS)
    _, projects = await visit.projects()
    mine = [
        (each.project.slug, each.project.name)
        for each in projects
        if visit.may(Verb.EDIT_CHANNELS, Target(each.project.id))
    ]
    above = [("", "Every project")] if visit.may(Verb.EDIT_CHANNELS) else []
    return visit.render(
        "settings/channels/form.html",
        status=status_of(error) if error else 200,
        problems=_problems(error, kind),
        channel=one,
        kind=kind,
        title=TITLES[kind],
        typed=typed,
        projects=above + mine,
        kinds=[(each.value, MEANS[each]) for each in Kind],
        rhythms=RHYTHMS,
        href=f"{LIST}/{one.id}" if one else f"{LIST}/new",
        command=_command(kind, typed, one),
    )


def _command(kind: ChannelKind, typed: Typed, one: Channel | None) -> str:
    words = ["keyturn", "channel", *(["update", one.name] if one else ["add", kind])]
    words += [] if one else [typed.name or "NAME"]
    for name, text in typed.settings.items():
        words += [f"--{name}", text]
    words += ["--selector", typed.selector] if typed.selector else []
    return shlex.join(words)


ROUTES: Final = (
    page(f"{LIST}/new", choose),
    action(f"{LIST}/new", create),
    page(f"{ONE}/edit", show_edit),
    action(f"{ONE}/edit", edit),
)
