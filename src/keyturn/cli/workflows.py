"""Connections inside Okta Workflows: how far an admin has come who puts a new secret in there.

What Okta's System Log shows is ticked off; what is to be clicked, the plan of the turn says.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from keyturn.cli import output

if TYPE_CHECKING:
    from keyturn.wire.registrations import Consumer
    from keyturn.wire.turns import Turn
    from keyturn.wire.usage import UsageAnswer, UsedRegistration

OVERLAPS = ("promoted", "delivered", "overlapping", "retired", "soaking")
"""The phases in which the new secret is served and the turn has not ended."""


def inside(used: "UsageAnswer") -> "list[tuple[UsedRegistration, Consumer]]":
    """Return the consumers that are connections inside Okta Workflows, by their registrations."""
    return [
        (registration, consumer)
        for registration in used.registrations
        for consumer in registration.consumers
        if consumer.workflows_connection
    ]


def checklist(consumers: "Iterable[Consumer]", version: int) -> list[str]:
    """Tick off what is known of each connection inside Okta Workflows, for one version."""
    every = [each for each in consumers if each.workflows_connection]
    if not every:
        return []
    lines = [f"Okta Workflows, version {version} of the client secret:"]
    for each in every:
        lines += [f'  "{each.workflows_connection}" (consumer {each.name})']
        lines += [f"    {line}" for line in _ticks(each, version)]
    return [output.printable(line) for line in lines]


def _ticks(one: "Consumer", version: int) -> Iterable[str]:
    judged = one.judged_version == version
    done = one.confirmed_version >= version
    if done and (one.confirmed_by == "word" or not judged):
        yield _tick(f"confirmed by word, {output.moment(one.confirmed_at)}", done=True)
        return
    touched = f", {output.moment(one.touched_at)}" if judged and one.touched_at else ""
    yield _tick(f"created or reauthorized{touched}", done=bool(touched))
    proved = f", {output.moment(one.confirmed_at)}" if done else ""
    yield _tick(f"granted tokens for the new secret{proved}", done=done)
    if not done:
        yield f"    {one.lacks if judged and one.lacks else 'nobody has looked yet'}"


def _tick(told: str, *, done: bool) -> str:
    return f"[{'x' if done else ' '}] {told}"


def checklist_of_turn(last: "Turn", used: "UsageAnswer") -> list[str]:
    """Tick off what is known of each connection inside Okta Workflows, in a turn that overlaps."""
    if not last.new or not last.new.version or last.phase not in OVERLAPS:
        return []
    return checklist((consumer for _, consumer in inside(used)), last.new.version)
