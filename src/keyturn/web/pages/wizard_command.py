"""The command that creates the same rotation as the wizard does."""

from collections.abc import Iterable, Sequence
from shlex import quote

from keyturn.domain.okta import CredentialKind, KeyAlgorithm
from keyturn.web.pages.wizard_answers import NEW, Answers
from keyturn.web.pages.wizard_choices import ISSUE, chosen
from keyturn.web.pages.wizard_schedule import schedule_of, seconds_of


def command(answers: Answers, connection: str = "") -> str:
    """Return the command; what is not answered yet stands in it in capitals.

    ``connection`` is the connection's name; without it its id stands for it.
    """
    named = answers.new_name if answers.connection == NEW else answers.connection
    parts = [
        "keyturn rotation create",
        *_option("--name", answers.name or "NAME"),
        *_option("--type", answers.kind, CredentialKind.CLIENT_SECRET),
        *_option("--connection", connection or named or "CONNECTION"),
        *_option("--project", answers.project),
        *_option("--env", answers.environment or "ENVIRONMENT"),
        *_option("--path", answers.path, "/"),
        *_option("--client-id", answers.app or "APP"),
        *_schedule_options(answers),
        *_option("--map-client-id", answers.map_client_id),
        *_option("--map-client-secret", answers.map_client_secret),
        *_option("--description", answers.description),
        *_policy_options(answers),
        *_existing_options(answers),
    ]
    return " \\\n    ".join(parts)


def _option(name: str, value: str, usual: str = "") -> Sequence[str]:
    return [] if value in ("", usual) else [f"{name} {quote(value)}"]


def _schedule_options(answers: Answers) -> Iterable[str]:
    asked = schedule_of(answers)
    if answers.often == "days":
        yield from _option("--interval", answers.days)
    elif answers.often == "every":
        yield from _option("--every", answers.every)
    yield from _option("--cron", asked.cron or "")
    yield from _option("--at", asked.at or "")
    if asked.rotate_at:
        yield from _option("--rotate-at", f"{asked.rotate_at:%H:%M}", "00:00")
    yield from _option("--time-zone", asked.zone or "")
    if answers.automatic == "off":
        yield "--no-auto"


def _policy_options(answers: Answers) -> Iterable[str]:
    yield from _option("--overlap-policy", answers.overlap_policy)
    for name in ("overlap", "backstop", "soak", "quiet"):
        seconds = seconds_of(getattr(answers, name))
        if seconds is not None:
            yield f"--{name} {seconds}"
    if answers.log:
        yield "--read-system-log" if answers.log == "on" else "--no-system-log"


def _existing_options(answers: Answers) -> Iterable[str]:
    if answers.credential.rules.are_keys:
        yield from _option("--key-algorithm", answers.algorithm, KeyAlgorithm.RS256)
    existing = chosen(answers.existing)
    if existing.way == ISSUE:
        yield "--no-adopt"
    if existing.retire:
        yield f"--retire-existing {quote(existing.retire.id)}"
        yield f"--retire-existing-made {existing.retire.made_on}"
    if existing.by_value:
        yield "--existing-value-stdin < FILE"
