"""A turn phase by phase, as its timeline tells it: what was done, what is waited for, what comes.

Told from the record of the turn, in the order in which it happened: a turn that had to go back
shows that it did.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from types import MappingProxyType
from typing import Final

from markupsafe import Markup

from keyturn.domain.evidence import Cause, Open, Shut, Unseen
from keyturn.domain.okta import Rules
from keyturn.domain.rotation import Rotation
from keyturn.domain.turn import Act, Overlap, Phase, Trigger, Turn
from keyturn.services.ports import TurnStep
from keyturn.services.reports import TurnView
from keyturn.web.prose import prose

AHEAD: Final = (
    Phase.PLANNED,
    Phase.WRITTEN,
    Phase.ISSUED,
    Phase.VERIFIED,
    Phase.PROMOTED,
    Phase.DELIVERED,
    Phase.OVERLAPPING,
    Phase.RETIRED,
    Phase.SOAKING,
    Phase.FINISHED,
)
"""The phases of a turn that goes well."""
OF_THE_OLD: Final = frozenset({Phase.RETIRED, Phase.SOAKING})
"""Those that a turn has only where it replaces something."""
HTTP: Final = "HTTP "
"""By what the record shows that a step was a call."""
ACTS: Final = frozenset(Act)


@dataclass(frozen=True)
class Wording:
    """A phase for people: its name, what was done to reach it, and what goes on in it."""

    name: str
    done: str
    doing: str = ""


WORDING: Final[Mapping[Phase, Wording]] = MappingProxyType(
    {
        Phase.PLANNED: Wording(
            "Planned",
            "The turn was asked for.",
            "Keyturn looks at what the app has at Okta, and whether there is room for another "
            "{noun}.",
        ),
        Phase.WRITTEN: Wording(
            "Written",
            "A new value was stored, sealed, before Okta was told of it.",
            "Okta is given the new {noun}.",
        ),
        Phase.ISSUED: Wording(
            "Issued",
            "Okta has the new {noun} beside the old one.",
            "Keyturn asks Okta whether it accepts the new one. Nobody is given it before.",
        ),
        Phase.VERIFIED: Wording(
            "Verified",
            "Okta accepts the new {noun}.",
            "Readers are about to be given it.",
        ),
        Phase.PROMOTED: Wording(
            "Promoted",
            "Readers are given the new {noun} from here on.",
            "Destinations and client registrations take it up.",
        ),
        Phase.DELIVERED: Wording(
            "Delivered",
            "All that a turn waits for have the new {noun}.",
            "The overlap is about to begin.",
        ),
        Phase.OVERLAPPING: Wording(
            "Overlapping",
            "The old {noun} and the new one both worked.",
            "The old {noun} and the new one both work.",
        ),
        Phase.RETIRED: Wording(
            "Retired",
            "The old {noun} was deactivated at Okta.",
            "The old {noun} is deactivated at Okta, which can still be undone.",
        ),
        Phase.SOAKING: Wording(
            "Soaking",
            "Nobody needed the old {noun} any more.",
            "Keyturn watches for whoever still needs the old {noun}, and reinstates it for them.",
        ),
        Phase.FINISHED: Wording(
            "Finished", "The old {noun} is deleted at Okta, and its value destroyed."
        ),
        Phase.ROLLED_BACK: Wording(
            "Rolled back", "The new {noun} was taken back: readers have what Okta accepts."
        ),
        Phase.BLOCKED: Wording("Blocked", "It stood still until somebody acted."),
    }
)
COMING: Final[Mapping[Phase, str]] = MappingProxyType(
    {
        Phase.WRITTEN: "A new value is stored, sealed, before Okta is told of it.",
        Phase.ISSUED: "Okta is given the new {noun} beside the old one.",
        Phase.VERIFIED: "Okta accepts the new {noun}.",
        Phase.PROMOTED: "Readers are given the new {noun}.",
        Phase.DELIVERED: "All that a turn waits for take it up.",
        Phase.OVERLAPPING: "The old {noun} and the new one both work.",
        Phase.RETIRED: "The old {noun} is deactivated at Okta.",
        Phase.SOAKING: "The old {noun} is reinstated should anybody still need it.",
        Phase.FINISHED: "The old {noun} is deleted, and its value destroyed.",
    }
)


def doing_of(rotation: Rotation, turn: Turn) -> tuple[str, datetime | None]:
    """Tell what a turn under way waits for by its record alone, and until when where that tells."""
    policy, since = rotation.policy, turn.entered_at
    if turn.reinstated:
        return "The old one was reinstated: somebody still uses it.", None
    if turn.word:
        return "It was ordered to finish.", None
    if turn.phase is Phase.OVERLAPPING:
        return {
            Overlap.FIXED: ("Both work until", since + timedelta(seconds=policy.overlap_s)),
            Overlap.UNTIL_NEXT: ("Both work until the next turn is due", None),
            Overlap.EVIDENCE: (
                "Both work until nobody uses the old one, at the latest",
                since + timedelta(seconds=policy.backstop_s),
            ),
        }[policy.overlap]
    if turn.phase is Phase.SOAKING:
        return "The old one rests, and can be reinstated, until", since + timedelta(
            seconds=policy.soak_s
        )
    return WORDING[turn.phase].doing.format(noun=rotation.kind.rules.noun), None


@dataclass(frozen=True)
class Shown:
    """A phase as `parts.html` draws it: done, current, coming or failed."""

    name: str
    state: str
    status: str
    text: Markup | str
    at: datetime | None = None
    facts: Sequence[tuple[str, Markup | str]] = ()
    evidence: Sequence[Markup] = field(default=())


def phases_of(told: TurnView, at: str = "") -> Sequence[Shown]:
    """Tell a turn: the phases that it was in, the one that it is in, and those to come.

    ``at`` is the address of its rotation, for who may give it orders.
    """
    turn = told.turn
    been = [*_been(told)]
    gone = [_done(stay, after, turn.rules) for stay, after in pairwise(been)]
    return [*gone, _last(told, been[-1], at), *_coming(turn)]


def lines_of(steps: Iterable[TurnStep], since: datetime | None) -> list[Markup]:
    """Render recorded steps of a phase; where another day begins than it began on, with the day."""
    lines, day = [], since.date() if since else None
    for step in steps:
        at = f"{step.at:%H:%M:%S} UTC"
        lines.append(_line(step, at if step.at.date() == day else f"{step.at:%-d %b} {at}"))
        day = step.at.date()
    return lines


def _line(step: TurnStep, at: str) -> Markup:
    """Render one recorded step: when, what, what came of it, and Okta's id of the request."""
    parts = [Markup('<span class="at">{}</span> {}').format(at, step.step)]
    if step.detail:
        parts.append(Markup('<span class="told">{}</span>').format(prose(step.detail)))
    for name, value in (("Okta request", step.request_id), ("Okta error", step.error_id)):
        if value:
            parts.append(Markup('<span class="id">{} <code>{}</code></span>').format(name, value))
    return Markup(" ").join(parts)


Stay = tuple[Phase, datetime | None, Sequence[TurnStep]]
"""A phase that a turn was in, since when, and what was recorded of it."""


def _been(told: TurnView) -> Iterator[Stay]:
    """Give the phases that a turn was in, one after the other; the last is where it stands."""
    turn = told.turn
    stays = [(Phase(phase), [*steps]) for phase, steps in groupby(told.steps, lambda s: s.phase)]
    began = stays[0][0] if stays else turn.phase
    first = began if turn.trigger is Trigger.CONSENT else Phase.PLANNED
    if began is not first or not stays:
        yield first, turn.created_at, ()
    for phase, steps in stays:
        yield phase, _entered(turn, phase, steps), steps
    if stays and stays[-1][0] is not turn.phase:
        yield turn.phase, turn.entered_at, ()


def _entered(turn: Turn, phase: Phase, steps: Sequence[TurnStep]) -> datetime:
    """Tell when a phase began: with the act that led to it, after its calls."""
    if phase is Phase.PLANNED:
        return turn.created_at
    noted = (step.at for step in steps if not step.detail.startswith(HTTP))
    return next(noted, steps[0].at)


def _done(stay: Stay, after: Stay, rules: Rules) -> Shown:
    """Tell of a phase that is over; what reinstated the old one is recorded in the one after."""
    phase, at, steps = stay
    wording, lines = WORDING[phase], lines_of(steps, at)
    if phase is Phase.BLOCKED:
        why = prose(_why(steps) or wording.done.format(noun=rules.noun))
        return Shown(wording.name, "failed", "was blocked", why, at, (), lines)
    text = wording.done.format(noun=rules.noun)
    if phase in (Phase.RETIRED, Phase.SOAKING) and after[0] is Phase.OVERLAPPING:
        told = next((step.detail for step in after[2] if step.step == Act.REINSTATE), "")
        text = f"The old {rules.noun} was still needed, and reinstated. {told}".strip()
    return Shown(wording.name, "done", "done", text, at, (), lines)


def _last(told: TurnView, stay: Stay, href: str) -> Shown:
    """Tell where a turn stands."""
    phase, at, steps = stay
    turn, lines = told.turn, lines_of(steps, at)
    wording = WORDING[phase]
    texts = {"noun": turn.rules.noun}
    if phase is Phase.FINISHED:
        return Shown(wording.name, "done", "done", wording.done.format(**texts), at, (), lines)
    if phase is Phase.ROLLED_BACK:
        why = _why(steps) or wording.done.format(**texts)
        return Shown(wording.name, "failed", "ended", prose(why), at, (), lines)
    if turn.blocked:
        at_phase = WORDING[turn.blocked.phase].name.lower()
        facts, why = [("Goes on from", at_phase)], str(turn.blocked)
        lines = lines_of((step for step in steps if step.detail != why), at)
        return Shown(wording.name, "failed", "blocked", prose(why, href), at, facts, lines)
    status = "paused" if turn.paused_at else "now"
    text, facts = wording.doing.format(**texts), [*_facts(told, steps)]
    return Shown(wording.name, "current", status, text, at, facts, lines)


def _why(steps: Sequence[TurnStep]) -> str:
    return next((s.detail for s in reversed(steps) if not s.detail.startswith(HTTP)), "")


def _facts(told: TurnView, steps: Sequence[TurnStep]) -> Iterator[tuple[str, Markup | str]]:
    """Tell what a phase waits for, and what an operator has said."""
    turn = told.turn
    if turn.word:
        yield "An operator said", turn.word
    if turn.reinstated:
        yield "Reinstated", "once" if turn.reinstated == 1 else f"{turn.reinstated} times"
    waits = [*_waits(told)]
    if waits:
        yield "Waits for", _list(waits)
    elif last := _trouble(steps):
        yield "Last try", last
    if used := _last_use(told.steps):
        yield "Last use in Okta's log", used


def _waits(told: TurnView) -> Iterator[str]:
    yield from (f"{name}, which does not have the new one yet" for name in told.unconfirmed)
    match told.gate:
        case Shut(waiting):
            yield from map(str, waiting)
        case Unseen():
            yield "a look at Okta's System Log, which comes next"
        case Open():
            yield "nothing any more: the old one is retired next"
        case None if told.turn.phase is Phase.SOAKING:
            yield "the end of the soak"


def _trouble(steps: Sequence[TurnStep]) -> str:
    """Return what the last try came to, where the turn tries again."""
    last = steps[-1] if steps else None
    return last.detail if last and last.step in ("failed", "wait") else ""


def _last_use(steps: Sequence[TurnStep]) -> str:
    """Return the latest use of the old one in Okta's log that a wait was recorded for."""
    told = (part for step in reversed(steps) for part in step.detail.split("; "))
    found = next((part for part in told if part.startswith(Cause.LOG)), "")
    return found.removeprefix(Cause.LOG).partition(" until ")[0].strip(" ()")


def _list(texts: Iterable[str]) -> Markup:
    items = Markup("").join(Markup("<li>{}</li>").format(text) for text in texts)
    return Markup("<ul>{}</ul>").format(items)


def _coming(turn: Turn) -> Iterator[Shown]:
    """Give the phases that are to come, if all goes well."""
    at = turn.blocked.phase if turn.blocked else turn.phase
    if not turn.open:
        return
    for phase in AHEAD[AHEAD.index(at) + 1 :]:
        if turn.old or phase not in OF_THE_OLD:
            text = COMING[phase].format(noun=turn.rules.noun)
            yield Shown(WORDING[phase].name, "coming", "to come", text)
