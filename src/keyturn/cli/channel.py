"""Channels: how notices are brought to people."""

import sys
from typing import TYPE_CHECKING

import click

from keyturn.cli import options, output
from keyturn.cli.channel_add import add, update
from keyturn.cli.running import connected, run
from keyturn.domain.lengths import spoken

if TYPE_CHECKING:
    from keyturn.wire.channels import Channel, Delivery

which = click.argument("which", metavar="CHANNEL")
of_project = click.option("--project", help="Those that hear of this project, by id or slug.")


@click.group()
def channel() -> None:
    """Say how people are told: by e-mail, in Slack or Teams, or by a signed webhook."""


channel.add_command(add)
channel.add_command(update)


@channel.command("list")
@of_project
@options.server
@options.as_json
def list_channels(*, project: str | None, server: str | None, as_json: bool) -> None:
    """List the channels, and whether what they bring arrives."""

    async def work() -> None:
        async with connected(server) as api:
            found = await api.list_channels(project)
        document = {"channels": [one.model_dump(mode="json") for one in found]}
        header = ["name", "kind", "hears of", "digest", "state", "id"]
        output.show(document, output.table(header, [_row(one) for one in found]), as_json=as_json)

    run(work())


@channel.command("show")
@which
@options.server
@options.as_json
def show(*, which: str, server: str | None, as_json: bool) -> None:
    """Show a channel, by id or name; what is secret of it is never shown."""

    async def work() -> None:
        async with connected(server) as api:
            show_channel(await api.read_channel(which), as_json=as_json)

    run(work())


@channel.command("log")
@which
@click.option("--limit", default=50, show_default=True, help="How many, the newest first.")
@options.server
@options.as_json
def log(*, which: str, limit: int, server: str | None, as_json: bool) -> None:
    """List what a channel was to bring, and what has come of each notice."""

    async def work() -> None:
        async with connected(server) as api:
            found = await api.list_channel_deliveries(which, limit)
        document = {"deliveries": [one.model_dump(mode="json") for one in found]}
        rows = [[output.moment(o.created_at), o.kind, o.subject, fate(o)] for o in found]
        header = ["at", "kind", "of", "what has come of it"]
        output.show(document, output.table(header, rows), as_json=as_json)

    run(work())


@channel.command("test")
@which
@options.server
@options.as_json
def test(*, which: str, server: str | None, as_json: bool) -> None:
    """Send a message now that says that it is a test; exit with 1 where it does not arrive."""

    async def work() -> bool:
        async with connected(server) as api:
            told = await api.test_channel(which)
        line = "It has arrived." if told.delivered else f"It has not arrived. {told.failure}"
        output.show(told.model_dump(mode="json"), [output.printable(line)], as_json=as_json)
        return told.delivered

    if not run(work()):
        sys.exit(1)


def _switch(name: str, told: str, *, paused: bool) -> None:
    @channel.command(name, help=told)
    @which
    @options.server
    @options.as_json
    def switch(*, which: str, server: str | None, as_json: bool) -> None:
        from keyturn.wire.channels import UpdateChannel

        async def work() -> None:
            async with connected(server) as api:
                after = await api.update_channel(which, UpdateChannel(paused=paused))
            show_channel(after, as_json=as_json)

        run(work())


_switch("pause", "Let a channel hear of nothing; what it has not brought is left out.", paused=True)
_switch("resume", "Let a channel hear again of what happens from now on.", paused=False)


@channel.command("delete")
@which
@options.server
@options.as_json
def delete(*, which: str, server: str | None, as_json: bool) -> None:
    """Delete a channel and its log, by id or name; the notices stay."""

    async def work() -> None:
        async with connected(server) as api:
            gone = await api.delete_channel(which)
        output.show(gone.model_dump(mode="json"), [f"channel {gone.name} deleted"], as_json=as_json)

    run(work())


def show_channel(one: "Channel", *, as_json: bool) -> None:
    """Print a channel."""
    timing = one.timing
    when = timing.digest + (f" at {timing.digest_at} {timing.zone}" if timing.digest_at else "")
    quiet = f"{timing.quiet_from}-{timing.quiet_to} {timing.zone}" if timing.quiet_from else "none"
    lines = [
        f"channel {one.name} ({one.id}), {one.kind}, {_state(one)}",
        *(f"  {key:11}  {text}" for key, text in one.settings.items()),
        f"  hears of     {_hears(one)}",
        f"  kinds        {', '.join(one.kinds) or 'all'}",
        f"  brought      {when}",
        f"  quiet hours  {quiet}",
        f"  turns told   {spoken(one.ahead_s)} ahead",
    ]
    lines += [f"  failing      {one.message}"] if one.failing_since else []
    document = one.model_dump(mode="json")
    output.show(document, [output.printable(each) for each in lines], as_json=as_json)


def fate(one: "Delivery") -> str:
    """Say what has come of a notice through a channel."""
    if one.delivered_at:
        return f"arrived {output.moment(one.delivered_at)}"
    if not one.next_attempt_at:
        from keyturn.domain.channels import LEFT_OUT

        left_out = one.failure.startswith(LEFT_OUT)
        return one.failure if left_out else f"given up: {one.failure}"
    at = output.moment(one.next_attempt_at)
    if one.failure:
        return f"again at {at}: {one.failure}"
    return f"in the digest of {at}" if one.digest else f"due {at}"


def _row(one: "Channel") -> list[str]:
    return [one.name, one.kind, _hears(one), one.timing.digest, _state(one), one.id]


def _hears(one: "Channel") -> str:
    apps = one.selector or "every app"
    return f"{apps} of project {one.project_id}" if one.project_id else apps


def _state(one: "Channel") -> str:
    if one.paused:
        return "paused"
    return f"failing since {output.moment(one.failing_since)}" if one.failing_since else "working"
