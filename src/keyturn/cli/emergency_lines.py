"""Emergencies as lines for people: the plan, where one stands, and its apps."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from keyturn.cli import output
from keyturn.cli.inventory_lines import duration
from keyturn.cli.rollout_lines import more, standing, standings, state_of
from keyturn.domain.lengths import spoken

if TYPE_CHECKING:
    from keyturn.wire.emergencies import (
        Closing,
        ClosingsAnswer,
        Emergency,
        EmergencyPlan,
        PlannedClosing,
    )

NAMED: Final = 3
"""As many as are named in one cell."""


def plan(found: "EmergencyPlan", limit: int) -> Iterator[str]:
    """Render what an emergency would do, with so many of its apps."""
    yield f"{_are(len(found.members))} closed, the most exposed first"
    rows = [_planned(one) for one in found.members[:limit]]
    header = ["no", "closed in", "app", "rotation", "because", "no time for"]
    yield from output.table(header, rows)
    yield from more(len(found.members), limit)
    yield ""
    hurt = sum(bool(one.without_time) for one in found.members)
    stopped = sum(bool(one.obstacles) for one in found.members)
    if stopped:
        yield f"{counted(stopped)} may NOT BE CLOSED before somebody acts:"
        known = [one for one in found.members if one.obstacles][:limit]
        rows = [[str(one.number), one.name, _sentences(one.obstacles)] for one in known]
        yield from output.table(["no", "rotation", "in the way"], rows)
        yield from more(stopped, limit)
    if hurt:
        yield f"In {counted(hurt)} somebody who uses the secret has no time to take the new one up."
    if found.unmanaged:
        yield f"{_are(len(found.unmanaged))} NOT CLOSED by this: no rotation keeps them."
        named = [[one.app_id, one.label, one.connection] for one in found.unmanaged[:limit]]
        yield from output.table(["app", "label", "connection"], named)
        yield found.by_hand
    for org, count in found.apps_per_minute.items():
        yield f"{org}: {counted(count)} a minute"
    lasts = duration(found.lasts_seconds)
    which = "every other app" if stopped else "every app"
    yield f"{found.calls} calls to Okta; {which} is closed in about {lasts}."
    yield f"Plan: {found.plan_hash}"


def _sentences(told: "Sequence[str]") -> str:
    return "; ".join(each.rstrip(".") for each in told)


def _planned(one: "PlannedClosing") -> list[str]:
    rest = len(one.without_time) - NAMED
    named = ", ".join(one.without_time[:NAMED]) + (f" and {rest} more" if rest > 0 else "")
    at = duration(one.closes_in_seconds)
    return [str(one.number), at, one.label or one.app_id, one.name, "; ".join(one.why), named]


def closed(found: "Emergency") -> int:
    """Count the apps whose old secret Okta has refused."""
    return found.standings.get("closed", 0) + found.standings.get("done", 0)


def not_closed(found: "Emergency") -> int:
    """Count the apps whose old secret may still work, and will not be closed by itself."""
    waiting = found.standings.get("waiting", 0) if found.state != "abandoned" else 0
    return found.open - found.standings.get("turning", 0) - waiting


def counted(apps: int) -> str:
    """Render so many apps."""
    return "1 app" if apps == 1 else f"{apps} apps"


def _are(apps: int) -> str:
    return f"{counted(apps)} {'is' if apps == 1 else 'are'}"


def emergencies(found: "Sequence[Emergency]") -> list[str]:
    """Render a list."""
    rows = [
        [
            one.name,
            state_of(one),
            f"{closed(one)} of {one.apps}",
            str(not_closed(one) or "-"),
            one.creator,
            output.moment(one.created_at),
            one.reason,
        ]
        for one in found
    ]
    header = ["emergency", "state", "closed", "NOT CLOSED", "by", "begun", "reason"]
    return output.table(header, rows)


def emergency(found: "Emergency") -> Iterator[str]:
    """Render one and what somebody has to do."""
    yield f"Emergency {found.name} is {state_of(found)}. {found.told}".rstrip()
    facts = {
        "reason": found.reason,
        "begun": f"{output.moment(found.created_at)} by {found.creator}",
        "closed": f"{closed(found)} of {counted(found.apps)}",
        "stand": standings(found, found.standings),
        "time": f"{spoken(found.within_seconds)} for consumers" if found.within_seconds else "none",
        "tokens": f"revoked of {counted(found.revoked)}" if found.revoke_tokens else "",
        "ended": output.moment(found.ended_at) if found.ended_at else "",
        "plan": found.plan_hash,
        "id": found.id,
    }
    yield from (f"  {name:<7} {output.printable(text)}" for name, text in facts.items() if text)
    inactive = found.standings.get("inactive", 0)
    running, listed = found.state == "running", f"keyturn emergency apps {found.name}"
    if inactive and running:
        which = f"{listed} --standing inactive"
        yield f"{_are(inactive)} deactivated at Okta, which accepts nothing of them: {which}"
    if left := not_closed(found):
        yield f"{_are(left)} NOT CLOSED: {listed}{_standing(found)}"
    if found.standings.get("failed", 0) and running:
        yield f"Once that is mended:          keyturn emergency retry {found.name}"


def _standing(found: "Emergency") -> str:
    """Render the option that lists all that are not closed, where one standing has them all."""
    left = not_closed(found)
    alone = (each for each in ("failed", "skipped") if found.standings.get(each, 0) == left)
    return next((f" --standing {each}" for each in alone), "")


def apps(found: "ClosingsAnswer", of: "Emergency") -> Iterator[str]:
    """Render apps of an emergency."""
    header = ["no", "app", "rotation", "stands", "closed", "told"]
    yield from output.table(header, [_row(one, of) for one in found.apps])
    yield from more(found.total, len(found.apps))


def _row(one: "Closing", of: "Emergency") -> list[str]:
    closed = output.moment(one.closed_at) if one.closed_at else "-"
    return [str(one.number), one.app_id, one.name, standing(of, one.standing), closed, one.told]
