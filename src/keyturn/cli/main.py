"""The entry point: `keyturn`. Must stay quick to import."""

import click

from keyturn import __version__
from keyturn.cli.lazy import LazyGroup

COMMANDS = {
    "demo": "keyturn.cli.demo:demo",
    "init": "keyturn.cli.init:init",
    "serve": "keyturn.cli.serve:serve",
    "worker": "keyturn.cli.worker:worker",
    "migrate": "keyturn.cli.migrate:migrate",
    "backup": "keyturn.cli.backup:backup",
    "restore": "keyturn.cli.backup:restore",
    "keys": "keyturn.cli.keys:keys",
    "sandbox": "keyturn.cli.sandbox:sandbox",
    "connection": "keyturn.cli.connection:connection",
    "okta": "keyturn.cli.okta:okta",
    "registration": "keyturn.cli.registration:registration",
    "flow": "keyturn.cli.flow:flow",
    "token": "keyturn.cli.token:token",
    "notice": "keyturn.cli.notice:notice",
    "channel": "keyturn.cli.channel:channel",
    "rotation": "keyturn.cli.rotation:rotation",
    "turn": "keyturn.cli.turn:turn",
    "fleet": "keyturn.cli.fleet:fleet",
    "plan": "keyturn.cli.fleet_file:plan",
    "apply": "keyturn.cli.fleet_apply:apply",
    "inventory": "keyturn.cli.inventory:inventory",
    "rollout": "keyturn.cli.rollout:rollout",
    "emergency": "keyturn.cli.emergency:emergency",
    "leak": "keyturn.cli.leak:leak",
    "drift": "keyturn.cli.drift:drift",
    "compliance": "keyturn.cli.compliance:compliance",
    "destination": "keyturn.cli.destination:destination",
    "project": "keyturn.cli.project:project",
    "environment": "keyturn.cli.environment:environment",
    "secret": "keyturn.cli.secret:secret",
    "folder": "keyturn.cli.folder:folder",
    "tag": "keyturn.cli.tag:tag",
    "run": "keyturn.cli.run:run",
    "export": "keyturn.cli.export:export",
    "import": "keyturn.cli.imports:imports",
    "agent": "keyturn.cli.agent:agent",
    "identity": "keyturn.cli.identity:identity",
    "person": "keyturn.cli.person:person",
    "role": "keyturn.cli.role:role",
    "access": "keyturn.cli.access:access",
    "audit": "keyturn.cli.audit:audit",
    "settings": "keyturn.cli.settings:settings",
    "simulate": "keyturn.cli.simulate:simulate",
    "rehearse": "keyturn.cli.rehearse:rehearse",
}

cli = LazyGroup(
    name="keyturn",
    commands_at=COMMANDS,
    help="Turn the client secrets of Okta apps, and nothing that uses them fails.\n\n"
    "Start with `keyturn demo`. What has a name is called by it, or by its id. Settings come from "
    "flags, then from the environment: `keyturn settings` lists them.",
)
cli = click.version_option(__version__, prog_name="keyturn")(cli)


def main() -> None:
    """Run the command that the arguments name."""
    cli.main(prog_name="keyturn")


if __name__ == "__main__":
    main()
