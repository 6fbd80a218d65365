"""How long turns take their time, on the command line: the options, and the lines that tell it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, TypedDict, TypeVar

import click

from keyturn.domain.lengths import spoken

if TYPE_CHECKING:
    from keyturn.wire.rotations import Rotation

C = TypeVar("C", bound=Callable[..., None])


class PolicyWords(TypedDict):
    """The options of a policy."""

    overlap: int | None
    overlap_policy: Literal["fixed", "until-next", "evidence"] | None
    backstop: int | None
    quiet: int | None
    soak: int | None
    read_system_log: bool | None
    repair_drift: bool | None


_OPTIONS = (
    click.option("--overlap", type=int, metavar="SECONDS", help="How long both secrets work."),
    click.option(
        "--overlap-policy",
        type=click.Choice(["fixed", "until-next", "evidence"]),
        help="When the overlap is over: then, when the next turn is due, or on evidence of disuse.",
    ),
    click.option(
        "--backstop", type=int, metavar="SECONDS", help="When it is over whatever the evidence."
    ),
    click.option(
        "--quiet", type=int, metavar="SECONDS", help="So long without a use counts as disuse."
    ),
    click.option("--soak", type=int, metavar="SECONDS", help="Between retire and delete."),
    click.option(
        "--read-system-log/--no-system-log",
        default=None,
        help="Ask Okta's System Log who still uses the old secret.",
    ),
    click.option(
        "--repair-drift/--only-report-drift",
        default=None,
        help="Mend by itself what somebody else did to the served secret.",
    ),
)


def policy_options(command: C) -> C:
    """Give a command the options of a policy."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def policy_fields(words: PolicyWords) -> dict[str, object]:
    """Return what was given, as a body has it."""
    given: dict[str, object] = {
        "overlapSeconds": words["overlap"],
        "overlapPolicy": words["overlap_policy"],
        "backstopSeconds": words["backstop"],
        "quietSeconds": words["quiet"],
        "soakSeconds": words["soak"],
        "readSystemLog": words["read_system_log"],
        "repairDrift": words["repair_drift"],
    }
    return {name: value for name, value in given.items() if value is not None}


def policy_lines(one: "Rotation") -> list[str]:
    """Render a rotation's policy as lines of `keyturn rotation show`."""
    least, most = spoken(one.overlap_seconds), spoken(one.backstop_seconds)
    overlap = {
        "fixed": least,
        "until-next": f"until the next turn is due, {least} at least",
        "evidence": f"on evidence, between {least} and {most}",
    }[one.overlap_policy]
    log = f", Okta's log quiet for {spoken(one.quiet_seconds)}" if one.read_system_log else ""
    repair = "repaired" if one.repair_drift else "reported"
    return [f"overlap      {overlap}{log}; soak {spoken(one.soak_seconds)}; drift is {repair}"]
