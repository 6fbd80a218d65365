"""What went wrong, in the words of the command line: options for fields, and what to do."""

import errno
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from keyturn.client import ApiError

FIELD: Final = re.compile(r"(?:^|(?<=; ))([a-z]\w*(?:\.\w+)*)(?=: )")
"""A field of a request, where an answer says what is wrong with it."""
UNPROCESSABLE: Final = 422
HINTS: Final = {"There is no folder ": "`keyturn folder create` makes one."}
PORTS: Final = {
    "serve": ("KEYTURN_PORT", "KEYTURN_METRICS_ADDRESS"),
    "worker": ("KEYTURN_METRICS_ADDRESS",),
}
"""Settings by which a command listens."""


def spoken_field(where: Sequence[str | int]) -> str:
    """Return the option that a field of a request came by, or else the field's own name."""
    names = [str(name) for name in where if not str(name).isdigit()]
    if len(names) > 1 and names[-2] == "settings":
        return f"--set {names[-1]}"
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", names[-1]).lower() if names else ""
    return next(_meant(snake), ".".join(map(str, where)))


def told_by_server(error: "ApiError") -> str:
    """Render a refusal of the server's, with what to do about it."""
    message = error.message
    hints = [hint for begins, hint in HINTS.items() if message.startswith(begins)]
    if error.status == UNPROCESSABLE:
        message = FIELD.sub(lambda found: spoken_field(found[1].split(".")), message)
    if error.wants_log_in:
        hints.append("Set KEYTURN_TOKEN to a valid access token.")
    where = f"(HTTP {error.status} {error.error}, request {error.req_id})"
    return " ".join([message, *hints, where])


def told_by_machine(error: OSError) -> str:
    """Render a refusal of this machine's."""
    where = f"{error.filename}: " if error.filename else ""
    told = f"This machine refuses: {where}{error.strerror or error}."
    if error.errno == errno.EADDRINUSE and (ways := _ports()):
        told += f" Another process listens there: choose another by {', '.join(ways)}."
    return told


def _meant(field: str) -> Iterator[str]:
    """Give what the command takes that a field may have come by, the likeliest first."""
    context = click.get_current_context(silent=True)
    takes = sorted(
        context.command.params if context else (),
        key=lambda one: not (context and context.params.get(one.name or "")),
    )
    rest, _, last = field.rpartition("_")
    for alike in filter(None, (field, field.removesuffix("_id"), last, rest)):
        for one in takes:
            if any(f"{name}_".startswith(f"{alike}_") for name in _names(one)):
                yield one.opts[0] if isinstance(one, click.Option) else one.human_readable_name


def _names(param: click.Parameter) -> tuple[str, str]:
    return param.name or "", param.human_readable_name.lower()


def _ports() -> Sequence[str]:
    """Return by what the command is told where to listen."""
    context = click.get_current_context(silent=True)
    if not context:
        return ()
    options = [one.opts[0] for one in context.command.params if (one.name or "").endswith("port")]
    return [*options, *PORTS.get(context.command.name or "", ())]
