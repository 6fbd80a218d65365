"""Channels, added and changed: the options of each kind.

What is secret comes from files or the environment and never as an argument, because other users of
the machine can read those.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from keyturn.cli import options
from keyturn.cli.running import connected, run

Command = Callable[..., None]
TIMES = {"quiet_from", "quiet_to", "digest", "digest_at", "zone"}
QUIET = ("quiet_from", "quiet_to")
TOP = {"selector", "kinds", "ahead_s"}


@click.group()
def add() -> None:
    """Add a channel; it hears of what happens from now on."""


def _hearing(command: Command) -> Command:
    """Add the options that say of what a channel hears, and when it speaks."""
    for option in (
        click.option("--ahead-s", type=int, help="Seconds before its start that a turn is told."),
        click.option("--quiet-to", help="Until then: HH:MM, which may be the next morning."),
        click.option("--quiet-from", help="From then on only what is urgent is brought: HH:MM."),
        click.option("--zone", help="The time zone of these times: Europe/Berlin, UTC."),
        click.option("--digest-at", help="When a daily digest comes: HH:MM."),
        click.option(
            "--digest",
            type=click.Choice(["immediately", "hourly", "daily"]),
            help="Whether notices come at once, or together; what is urgent comes at once.",
        ),
        click.option("--kind", "kinds", multiple=True, help="Hear of this, not all: turn.blocked."),
        click.option("--selector", help='Hear of these apps: "label=pay-* environment=prod".'),
    ):
        command = option(command)
    return command


def _secret(name: str, what: str) -> Callable[[Command], Command]:
    """Add the two options by which a secret is given."""

    def with_secret(command: Command) -> Command:
        told = f"A file with {what}."
        command = click.option(f"--{name}-file", help=told)(command)
        return click.option(f"--{name}-env", help=f"A variable with {what}.")(command)

    return with_secret


def _mail(command: Command) -> Command:
    """Add the options of a mail server."""
    for option in (
        click.option("--to", multiple=True, help="Whom to write to; may be given again."),
        click.option("--from", help="The address that letters come from."),
        click.option("--user", help="Who logs in at the mail server, if somebody has to."),
        click.option(
            "--security",
            type=click.Choice(["starttls", "tls", "none"]),
            help="How the way there is protected; none is for a server on its own machine.",
        ),
        click.option("--port", type=int, help="Its port; the usual one of the security if absent."),
        click.option("--host", help="The mail server."),
    ):
        command = option(command)
    return _secret("password", "the password of --user")(command)


def _new(kind: str, told: str, own: Callable[[Command], Command]) -> None:
    @add.command(kind, help=told)
    @click.argument("name")
    @own
    @_hearing
    @click.option("--project", help="Hear of this project alone, by id or slug.")
    @options.server
    @options.as_json
    def new(
        *,
        name: str,
        project: str | None,
        server: str | None,
        as_json: bool,
        **given: Any,  # noqa: ANN401  the options of the kind
    ) -> None:
        from keyturn.cli.channel import show_channel
        from keyturn.wire.channels import CreateChannel

        head: dict[str, object] = {"name": name, "kind": kind, "projectId": project}
        body = options.checked(CreateChannel, head | _fields(given))

        async def work() -> None:
            async with connected(server) as api:
                show_channel(await api.create_channel(body), as_json=as_json)

        run(work())


_new("email", "Tell people by e-mail, through a mail server with TLS.", _mail)
_new("slack", "Tell people in Slack, by an incoming webhook.", _secret("url", "its secret address"))
_new("teams", "Tell people in Teams, by a webhook of Workflows.", _secret("url", "its address"))


def _webhook(command: Command) -> Command:
    command = click.option("--url", help="Where signed messages are posted.")(command)
    return _secret("secret", "the key that signs them: whsec_ and base64")(command)


_new("webhook", "Tell a program, by messages signed as Standard Webhooks has it.", _webhook)


@click.command("update")
@click.argument("which", metavar="CHANNEL")
@click.option("--name", help="What to call it from now on.")
@_mail
@click.option("--url", help="Where a webhook's messages are posted.")
@_secret("url", "the secret address of Slack or Teams")
@_secret("secret", "the key that signs a webhook's messages")
@_hearing
@options.server
@options.as_json
def update(
    *,
    which: str,
    name: str | None,
    server: str | None,
    as_json: bool,
    **given: Any,  # noqa: ANN401  the options of all kinds
) -> None:
    """Change a channel; what is not given stays, settings that lead elsewhere need the secret.

    What is given empty is taken away: --quiet-from "" ends quiet hours, --selector "" hears of
    every app, --kind "" of every kind.
    """
    from keyturn.cli.channel import show_channel
    from keyturn.wire.channels import UpdateChannel

    fields = _fields(given) | ({"name": name} if name else {})
    fields |= {"kinds": ()} if given["kinds"] == ("",) else {}
    if not fields:
        raise click.UsageError("Say what to change.")

    async def work() -> None:
        async with connected(server) as api:
            before = await api.read_channel(which)
            merged = dict(fields)
            for part, old in (("settings", before.settings), ("timing", _times(before.timing))):
                merged |= {part: _merged(old, _part(fields, part))} if part in fields else {}
            body = options.checked(UpdateChannel, merged)
            show_channel(await api.update_channel(which, body), as_json=as_json)

    run(work())


def _times(timing: Any) -> Mapping[str, object]:  # noqa: ANN401  a shape of the wire
    told: Mapping[str, object] = timing.model_dump(by_alias=False)
    return told


def _merged(old: Mapping[str, object], new: Mapping[str, object]) -> Mapping[str, object]:
    """Return settings with those that are given; an empty one is taken away.

    Of quiet hours one is enough, since they go together.
    """
    both = {**old, **new}
    if any(new.get(name) == "" for name in QUIET) and not any(new.get(name) for name in QUIET):
        both |= dict.fromkeys(QUIET)
    if both.get("digest", "daily") != "daily":
        both["digest_at"] = None
    return {name: told for name, told in both.items() if told not in ("", None)}


def _part(fields: Mapping[str, object], name: str) -> Mapping[str, object]:
    part = fields[name]
    return part if isinstance(part, Mapping) else {}


def _fields(given: Mapping[str, Any]) -> dict[str, object]:
    """Return the fields of a body from the options; what was not given is left out."""
    told = {name: each for name, each in given.items() if each not in (None, ())}
    credential, settings, timing = dict[str, str](), dict[str, object](), dict[str, object]()
    fields: dict[str, object] = {}
    for name, each in told.items():
        part, _, source = name.rpartition("_")
        if source in {"env", "file"}:
            credential[part] = _read(str(each), source)
        elif name in TIMES:
            timing[name] = each
        elif name in TOP:
            fields[name] = each
        else:
            settings[name] = ", ".join(each) if isinstance(each, tuple) else str(each)
    parts = {"credential": credential, "settings": settings, "timing": timing}
    return fields | {name: part for name, part in parts.items() if part}


def _read(where: str, source: str) -> str:
    if source == "env":
        if not os.environ.get(where):
            raise click.UsageError(f"The environment variable {where} is empty or not set.")
        return os.environ[where]
    try:
        return Path(where).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"A file cannot be read ({type(error).__name__}).") from None
