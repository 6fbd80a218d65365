"""Rotations and their turns."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Unpack

import click

from keyturn.cli import options, output, rotation_draft
from keyturn.cli.naming import elsewhere
from keyturn.cli.rotation_by_id import find_by_id
from keyturn.cli.rotation_delete import delete
from keyturn.cli.rotation_draft import Draft, read_value
from keyturn.cli.rotation_policy import policy_lines, policy_options
from keyturn.cli.rotation_schedule import preview, schedule_lines, schedule_options, update
from keyturn.cli.rotation_slots import slots
from keyturn.cli.running import connected, run
from keyturn.cli.turn_plan import plan_of_a_turn
from keyturn.cli.usage import rotation_usage
from keyturn.cli.workflows import OVERLAPS, checklist_of_turn, inside

if TYPE_CHECKING:
    from keyturn.client import KeyturnApi
    from keyturn.wire.rotations import Rotation
    from keyturn.wire.turns import Turn, TurnStep
    from keyturn.wire.usage import UsageAnswer


@click.group()
def rotation() -> None:
    """Create rotations, look at them, and turn them."""


rotation.add_command(update)
rotation.add_command(delete)
rotation.add_command(preview)
rotation.add_command(rotation_usage)
rotation.add_command(slots)


@rotation.command("create")
@click.option("--name", required=True, help="What to call it: letters, digits, hyphens.")
@click.option("--connection", required=True, help="The Okta connection, by id or name.")
@options.environment
@options.path
@options.project
@click.option(
    "--type",
    "kind",
    type=click.Choice(["okta-client-secret", "okta-api-service-secret", "okta-client-key"]),
    default="okta-client-secret",
    show_default=True,
    help="What to turn.",
)
@click.option(
    "--key-algorithm", type=click.Choice(["RS256", "ES256"]), help="For keys.  [default: RS256]"
)
@click.option(
    "--client-id", required=True, help="The app, by its app id or client id; an integration's id."
)
@click.option("--interval", default=30, show_default=True, help="Days between two turns.")
@click.option(
    "--rotate-at",
    type=click.DateTime(["%H:%M"]),
    default="00:00",
    metavar="HH:MM",
    help="The time of day, in UTC.  [default: 00:00]",
)
@click.option(
    "--map-client-id",
    default="OKTA_CLIENT_ID",
    show_default=True,
    help="The name under which readers find the client id.",
)
@click.option(
    "--map-client-secret",
    help="The name under which readers find the client secret or private key.  "
    "[default: OKTA_CLIENT_SECRET, or OKTA_PRIVATE_JWK]",
)
@schedule_options
@click.option("--no-auto", is_flag=True, help="Turn only when somebody asks for it.")
@click.option("--no-adopt", is_flag=True, help="Issue a first secret, do not adopt the app's.")
@click.option(
    "--retire-existing", metavar="OCS_ID", help="Consent to retire this client secret of the app."
)
@click.option(
    "--retire-existing-made",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="The day (UTC) on which that secret was made; the consent needs both.",
)
@click.option("--description", help="What it is for.")
@policy_options
@click.option(
    "--existing-value-stdin",
    is_flag=True,
    help="Read the value of the app's secret to adopt from stdin: for an org that hides it.",
)
@options.plan
@options.server
@options.as_json
def create(*, plan: bool, server: str | None, as_json: bool, **draft: Unpack[Draft]) -> None:
    """Create a rotation: its client id and client secret or private key are served from then on.

    The app's one ACTIVE secret is adopted, which changes nothing at Okta; otherwise a first
    managed secret is added beside it. Use --plan to read that first.
    """

    async def work() -> None:
        async with connected(server) as api:
            body = await rotation_draft.body(api, draft)
            if plan:
                told = await api.plan_rotation(body, draft["kind"])
                lines = rotation_draft.plan(draft, told)
                output.show(told.model_dump(mode="json"), lines, as_json=as_json)
                return
            stored = await api.create_rotation(body, draft["kind"])
        output.show(stored.model_dump(mode="json"), lines_of(stored), as_json=as_json)

    run(work())


@rotation.command("list")
@click.option("--quarantined", is_flag=True, help="Only those that no longer turn by themselves.")
@options.project
@options.server
@options.as_json
def list_rotations(*, quarantined: bool, project: str, server: str | None, as_json: bool) -> None:
    """List the rotations of a project."""

    async def work() -> None:
        async with connected(server) as api:
            every = await api.list_rotations(project)
            others = await elsewhere(api, project)
        found = [r for r in every if r.schedule.state == "quarantined" or not quarantined]
        document = {"rotations": [one.model_dump(mode="json") for one in found]}
        header = [
            "name",
            "environment",
            "path",
            "status",
            "schedule",
            "last turn",
            "next turn",
            "id",
        ]
        lines = [*output.table(header, [row_of(one) for one in found]), *others]
        output.show(document, lines, as_json=as_json)

    run(work())


@rotation.command("show")
@click.argument("which", metavar="ROTATION")
@options.project
@options.server
@options.as_json
def show(*, which: str, project: str, server: str | None, as_json: bool) -> None:
    """Show one rotation, by id or name, and how its last turn went."""

    async def work() -> None:
        async with connected(server) as api:
            found = await find_rotation(api, project, which)
            newest = await api.find_newest_turn(found)
            overlaps = newest is not None and newest.phase in OVERLAPS
            used = await api.read_rotation_usage(found) if overlaps else None
        _show(found, newest, used, as_json=as_json)

    run(work())


@rotation.command("turn")
@click.argument("which", metavar="ROTATION")
@click.option(
    "--emergency",
    is_flag=True,
    help="The old secret has leaked: it goes as soon as the new one is served, without a soak.",
)
@options.project
@options.plan
@options.server
@options.as_json
def turn(
    *, which: str, emergency: bool, project: str, plan: bool, server: str | None, as_json: bool
) -> None:
    """Turn the client secret of a rotation now, and end once the new one is served.

    Prints each phase as it is reached; a blocked turn is resumed. The overlap and all that
    follows go on by themselves: see `keyturn rotation show`. `keyturn turn` gives it orders.
    """
    from keyturn.cli.following import Follower

    def tell(step: "TurnStep") -> None:
        if not as_json:
            click.echo(f"{output.moment(step.at)}  {step.phase}")

    if plan:
        _tell_plan(which, project, server, emergency=emergency, as_json=as_json)
        return

    async def work() -> None:
        async with connected(server) as api:
            found = await find_rotation(api, project, which)
            done = await Follower(api, found, tell).rotate(emergency=emergency)
            found = await api.read_rotation(found)
        lines = [f"Served. Next turn: {output.moment(found.next_rotation_at)}."]
        output.show(document_of(found, done), lines, as_json=as_json)

    run(work())


@rotation.command("plan")
@click.argument("which", metavar="ROTATION")
@click.option("--emergency", is_flag=True, help="Of a turn because the old secret has leaked.")
@options.project
@options.server
@options.as_json
def plan_turn(
    *, which: str, emergency: bool, project: str, server: str | None, as_json: bool
) -> None:
    """Say what a turn will do at Okta, call by call, and everything that it touches.

    `keyturn rotation turn --plan` says the same.
    """
    _tell_plan(which, project, server, emergency=emergency, as_json=as_json)


def _tell_plan(
    which: str, project: str, server: str | None, *, emergency: bool, as_json: bool
) -> None:
    async def work() -> None:
        async with connected(server) as api:
            found = await find_rotation(api, project, which)
            plan = await api.read_plan(found, emergency=emergency)
        _plan(plan_of_a_turn(plan), as_json=as_json)

    run(work())


@rotation.command("retire-existing")
@click.argument("which", metavar="ROTATION")
@click.argument("secret_id", metavar="OCS_ID")
@click.option(
    "--made",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    required=True,
    help="The day (UTC) on which it was made: the consent is good for both together.",
)
@options.project
@options.plan
@options.server
@options.as_json
def retire_existing(
    *,
    which: str,
    secret_id: str,
    made: datetime,
    project: str,
    plan: bool,
    server: str | None,
    as_json: bool,
) -> None:
    """Consent to retire a client secret of the app, by Okta's id, that Keyturn did not make.

    It goes as every old secret goes: an overlap, then deactivated, and deleted after the soak.
    """

    async def work() -> None:
        async with connected(server) as api:
            found = await find_rotation(api, project, which)
            if plan:
                _plan(rotation_draft.plan_of_retiring(found, secret_id), as_json=as_json)
                return
            found = await api.retire_existing(found, secret_id, made.date())
            newest = await api.find_newest_turn(found)
        _show(found, newest, as_json=as_json)

    run(work())


@rotation.command("adopt-existing")
@click.argument("which", metavar="ROTATION")
@click.argument("secret_id", metavar="OCS_ID")
@click.option("--value-stdin", is_flag=True, help="Read its value from stdin: where Okta hides it.")
@options.project
@options.plan
@options.server
@options.as_json
def adopt_existing(
    *,
    which: str,
    secret_id: str,
    value_stdin: bool,
    project: str,
    plan: bool,
    server: str | None,
    as_json: bool,
) -> None:
    """Serve a client secret of the app, by Okta's id, that Keyturn did not make.

    The secret served so far goes as every old secret goes.
    """

    async def work() -> None:
        async with connected(server) as api:
            found = await find_rotation(api, project, which)
            if plan:
                _plan(rotation_draft.plan_of_adopting(found, secret_id), as_json=as_json)
                return
            value = read_value() if value_stdin else None
            found = await api.adopt_existing(found, secret_id, value)
            newest = await api.find_newest_turn(found)
        _show(found, newest, as_json=as_json)

    run(work())


def _plan(lines: list[str], *, as_json: bool) -> None:
    output.show({"plan": lines}, lines, as_json=as_json)


async def find_rotation(api: "KeyturnApi", project: str, which: str) -> "Rotation":
    """Find a rotation by its id, or by its name in a project.

    Raises ClickException for none and for several.
    """
    if one := await find_by_id(api, which):
        return one
    found = [each for each in await api.list_rotations(project) if each.name == which]
    if len(found) == 1:
        return found[0]
    if not found:
        raise click.ClickException(
            f"There is no rotation {which} in project {project}: see `keyturn rotation list`."
        )
    ids = ", ".join(f"{one.id} ({one.environment.slug}{one.folder.path})" for one in found)
    raise click.ClickException(f"Several rotations are called {which}; give an id: {ids}.")


OF_CONNECTION = "okta-connection-key"
"""The type of what no path names, and nobody reads."""


def _show(
    found: "Rotation",
    last: "Turn | None",
    used: "UsageAnswer | None" = None,
    *,
    as_json: bool,
) -> None:
    ticks = checklist_of_turn(last, used) if last and used else []
    lines = [*lines_of(found), *(of_turn(last, ticks) if last else ["no turn yet"])]
    document = document_of(found, last)
    if ticks and used:
        document["workflows"] = [each.model_dump(mode="json") for _, each in inside(used)]
    output.show(document, lines, as_json=as_json)


def document_of(found: "Rotation", last: "Turn | None") -> dict[str, object]:
    """Return a rotation and a turn of it as JSON."""
    shown = last.model_dump(mode="json") if last else None
    return {"rotation": found.model_dump(mode="json"), "turn": shown}


def row_of(one: "Rotation") -> Sequence[str]:
    """Render a rotation as a row of `keyturn rotation list`."""
    return [
        one.name,
        one.environment.slug,
        "" if one.type == OF_CONNECTION else one.folder.path,
        one.rotation_status,
        one.schedule.state,
        _last_turn(one) or "not yet",
        output.moment(one.next_rotation_at),
        one.id,
    ]


def _last_turn(one: "Rotation") -> str | None:
    """Render when it turned last; one that never has is dated by its creation on the wire."""
    return output.moment(one.last_rotated_at) if one.last_rotation_job_id else None


def lines_of(one: "Rotation") -> list[str]:
    """Render a rotation."""
    mapping, where = one.secrets_mapping, f"{one.environment.slug}{one.folder.path}"
    names = f"{mapping.client_id}, {mapping.client_secret} in {where}"
    since = output.moment(one.created_at)
    return [
        f"rotation     {one.name} ({one.id})",
        f"type         {one.type}",
        f"serves       {'the connection, nobody else' if one.type == OF_CONNECTION else names}",
        f"app          {one.okta_app_id}, by connection {one.connection.name}",
        *schedule_lines(one),
        *policy_lines(one),
        f"status       {one.rotation_status}",
        *([f"             {one.last_rotation_message}"] if one.last_rotation_message else []),
        f"last turn    {_last_turn(one) or f'not yet; serves since {since}'}",
        f"next turn    {output.moment(one.next_rotation_at)}",
    ]


def of_turn(last: "Turn", ticks: Sequence[str] = ()) -> Iterable[str]:
    """Render how a turn stands, what is ticked off of it, and what was recorded."""
    yield from standing_of(last)
    yield from ticks
    yield "steps"
    for step in last.steps:
        told = "  ".join(filter(None, [step.detail, step.request_id]))
        yield f"  {output.moment(step.at)}  {step.phase:<11}  {step.step}  {told}".rstrip()


def standing_of(last: "Turn") -> Iterable[str]:
    """Render how a turn stands."""
    yield f"phase        {last.phase}, since {output.moment(last.entered_at)}"
    if last.blocked:
        yield f"blocked      {last.blocked.reason}: {last.blocked.detail}"
    elif last.paused_at:
        yield f"paused       since {output.moment(last.paused_at)}"
    elif last.wake_at:
        yield f"looks again  {output.moment(last.wake_at)}"
    yield from _waited_for(last)
    if last.word:
        heeded = last.ended_at or last.word == "at once"
        yield f"word         {last.word}, said by an operator{'' if heeded else ', not heeded yet'}"
    if last.reinstated:
        yield f"reinstated   {'once' if last.reinstated == 1 else f'{last.reinstated} times'}"


def _waited_for(last: "Turn") -> Iterable[str]:
    for who in last.unconfirmed:
        yield f"waits for    destination {who}, which has not confirmed the new version"
    for each in last.gate.waiting if last.gate else ():
        blocks = ", and blocks then" if each.cause.startswith("an operator's word") else ""
        until = f" until {output.moment(each.until)}{blocks}" if each.until else ""
        yield f"waits for    {each.cause}{f': {each.who}' if each.who else ''}{until}"
