"""Run the Okta org in a box."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyturn.cli import options, output
from keyturn.cli.running import run, stop_asked

if TYPE_CHECKING:
    from keyturn.sandbox import OrgConfig, Ready, SandboxConfig, Start

PROFILES = ("free", "workforce", "off")
PORT = click.IntRange(0, 65535)
SEED = re.compile(r"[0-9]{1,18}")


@click.command()
@click.option(
    "--http-port", type=PORT, default=8710, show_default=True, help="Plain HTTP; 0 takes any."
)
@click.option(
    "--https-port", type=PORT, default=8711, show_default=True, help="HTTPS; 0 takes any."
)
@click.option(
    "--control-port", type=PORT, default=8712, show_default=True, help="What tests see and do."
)
@click.option(
    "--ready-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write addresses and credentials there once ready; only its owner may read it.",
)
@click.option(
    "--profile",
    type=click.Choice(PROFILES),
    default="workforce",
    show_default=True,
    help="Whose rate limits to keep.",
)
@click.option("--seed", default=0, show_default=True, help="The same seed makes the same org.")
@click.option(
    "--clock",
    metavar="TIME",
    help="What the orgs' clocks show at the start and at each reset, as 2026-03-01T12:00:00Z.",
)
@click.option(
    "--clock-rate",
    default=1.0,
    show_default=True,
    help="How many seconds those clocks show passing in a real one; 0 stands still.",
)
@click.option(
    "--org",
    "orgs",
    multiple=True,
    metavar="NAME=SEED[:PROFILE]",
    help="Make an org of this name, also reached as NAME.localhost; give it again for more.",
)
@click.option(
    "--load",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Begin with the orgs saved there; where --save names the same file, it need not exist.",
)
@click.option(
    "--save",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write all orgs there at the end, clear secrets included; only its owner may read it.",
)
@options.as_json
def sandbox(
    *,
    http_port: int,
    https_port: int,
    control_port: int,
    ready_file: Path | None,
    profile: str,
    seed: int,
    clock: str | None,
    clock_rate: float,
    orgs: tuple[str, ...],
    load: Path | None,
    save: Path | None,
    as_json: bool,
) -> None:
    """Serve an Okta org on this machine until SIGTERM or SIGINT.

    It keeps everything in memory. Its credentials are in the ready file, in the output of --json
    and in the file that --save names, and nowhere else.
    """
    from keyturn.sandbox import SandboxConfig, SnapshotError

    _forget(ready_file)
    first_time = load is not None and load == save and not load.exists()
    if load is not None and not first_time:
        options.refuse_given("--load brings its own orgs", "orgs", "seed", "profile")
    if orgs:
        options.refuse_given("--org NAME=SEED[:PROFILE] says both", "seed", "profile")
    wanted = tuple(_parse_org(org) for org in orgs)
    if len({org.name for org in wanted}) < len(wanted):
        raise click.UsageError("--org: each name only once.")
    config = SandboxConfig(
        http_port=http_port,
        https_port=https_port,
        control_port=control_port,
        seed=seed,
        profile=profile,  # type: ignore[arg-type]  # click has checked the choice
        orgs=wanted,
        load=None if first_time else load,
        save=save,
        clock=_parse_clock(clock, clock_rate),
    )
    try:
        run(_serve(config, ready_file, as_json=as_json))
    except SnapshotError as error:
        raise click.ClickException(f"{load}: {error}.") from error


def _parse_clock(text: str | None, rate: float) -> "Start":
    from keyturn.sandbox import Start
    from keyturn.sandbox.state.clock import parse_moment

    try:
        return Start(None if text is None else parse_moment(text), rate)
    except ValueError as error:
        raise click.UsageError(f"--clock and --clock-rate: {error}.") from error


def _parse_org(text: str) -> "OrgConfig":
    from keyturn.sandbox import OrgConfig
    from keyturn.sandbox.fleet import NAME

    name, equals, rest = text.partition("=")
    seed, colon, profile = rest.partition(":")
    if not (equals and SEED.fullmatch(seed)) or (colon and profile not in PROFILES):
        raise click.UsageError(f"--org {text}: NAME=SEED or NAME=SEED:PROFILE is wanted.")
    if not NAME.fullmatch(name):
        raise click.UsageError(f"--org {text}: a name is of a-z, 0-9 and -, as of a host.")
    return OrgConfig(name, int(seed), profile or None)  # type: ignore[arg-type]  # just checked


async def _serve(config: "SandboxConfig", ready_file: Path | None, *, as_json: bool) -> None:
    from keyturn.sandbox import serving

    asked = stop_asked()
    async with serving(config) as ready:
        with _announced(ready, ready_file):
            output.show(ready.as_json(), _lines(ready, ready_file), as_json=as_json)
            await asked.wait()


def _lines(ready: "Ready", ready_file: Path | None) -> list[str]:
    where = f"in {ready_file}" if ready_file else "shown with --json or written with --ready-file"
    others = [name for name in ready.fleet if ready.fleet[name] is not ready.org]
    return [
        f"The sandbox org serves at {ready.https_url} (certificate authority: {ready.ca_file})",
        f"  plain HTTP  {ready.http_url}",
        *(f"  org {name:7} {ready.own[name].https_url}" for name in others),
        f"  control     {ready.control_url} (status page: /?token= and the control token)",
        f"  credentials are {where}",
    ]


def _forget(ready_file: Path | None) -> None:
    """Remove what a run that was killed has left: whoever waits for the file must wait."""
    if ready_file is not None:
        try:
            ready_file.unlink(missing_ok=True)
        except OSError as error:
            raise click.ClickException(f"{ready_file}: {error.strerror}.") from error


@contextmanager
def _announced(ready: "Ready", ready_file: Path | None) -> Iterator[None]:
    """Keep the ready file for as long as the block lasts; nobody ever sees half of it."""
    if ready_file is None:
        yield
        return
    draft = ready_file.with_name(f".{ready_file.name}.{os.getpid()}")
    draft.touch(mode=0o600, exist_ok=False)
    draft.write_text(json.dumps(ready.as_json(), indent=2))
    draft.replace(ready_file)
    try:
        yield
    finally:
        ready_file.unlink(missing_ok=True)
