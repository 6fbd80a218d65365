"""Connections inside Okta Workflows: what an admin does there, and how far that has come.

Keyturn changes nothing in Okta Workflows, which has no API for it: it says what is to be clicked,
and ticks off what Okta's System Log shows.
"""

from collections.abc import Iterable, Sequence
from itertools import count
from typing import TYPE_CHECKING

from keyturn.cli import output

if TYPE_CHECKING:
    from keyturn.wire.registrations import Consumer
    from keyturn.wire.rotations import Rotation
    from keyturn.wire.turns import Turn
    from keyturn.wire.usage import UsageAnswer, UsedRegistration

OVERLAPS = ("promoted", "delivered", "overlapping", "retired", "soaking")
"""The phases in which the new secret is served and the turn has not ended."""
PROOF = (
    "read in Okta's System Log (GET /api/v1/logs), at every look of the overlap:",
    "- workflows.user.connection.create or .reauthorize of that name: it was tried",
    "- after that, a token granted for the new secret, and none for the old one: it works",
)
BY_WORD = "Keyturn cannot see it: {}. Say so once it is done:"
OTHERWISE = "or, once the log cannot tell but you can:"


def inside(used: "UsageAnswer") -> "list[tuple[UsedRegistration, Consumer]]":
    """Return the consumers that are connections inside Okta Workflows, by their registrations."""
    return [
        (registration, consumer)
        for registration in used.registrations
        for consumer in registration.consumers
        if consumer.workflows_connection
    ]


def steps_in_workflows(
    one: "Rotation", used: "UsageAnswer", *, emergency: bool = False
) -> list[str]:
    """Say what an admin does in Okta Workflows once the new secret is served, and what proves it.

    Nothing where no connection there is told of.
    """
    every = inside(used)
    if not every:
        return []
    numbers = count(1)
    lines = ["In Okta Workflows, where nothing is changed by API, an admin then:"]
    lines += [f"  {next(numbers)}. reads the new secret", f"       {_reading(one)}"]
    for _, consumer in every:
        named = f'"{consumer.workflows_connection}" (consumer {consumer.name})'
        lines += [
            f"  {next(numbers)}. opens Connections in the Workflows console, and at {named}",
            "       chooses Reauthorize, or makes a new one of that name; enters client id and new",
            "       secret, and signs in as the service account",
        ]
    lines += [f"  {next(numbers)}. is done once each is proved"]
    lines += [f"       {line}" for line in _proof(one, used, emergency=emergency)]
    lines += [f"         {_confirming(*each)}" for each in every]
    return [output.printable(line) for line in lines]


def _proof(one: "Rotation", used: "UsageAnswer", *, emergency: bool) -> Sequence[str]:
    if emergency or one.overlap_policy != "evidence":
        return (BY_WORD.format("nothing waits for it in such a turn"),)
    if not one.read_system_log:
        return (BY_WORD.format("the policy has no System Log read (--read-system-log)"),)
    if used.log_readable is False:
        return (BY_WORD.format("its access lacks okta.logs.read"),)
    return (*PROOF, OTHERWISE)


def _reading(one: "Rotation") -> str:
    where = f"--env {one.environment.slug} --path {one.folder.path}"
    return f"keyturn secret get {one.secrets_mapping.client_secret} {where} --acknowledge"


def _confirming(registration: "UsedRegistration", consumer: "Consumer") -> str:
    return f"keyturn registration consumer confirm {registration.name} {consumer.name}"


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
