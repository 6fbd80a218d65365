"""Why somebody may do something, or may not."""

import click

from keyturn.cli import options, output
from keyturn.cli.naming import identity_named
from keyturn.cli.running import connected, run


@click.group()
def access() -> None:
    """Find out who may do what, and why."""


@access.command("explain")
@click.argument("identity")
@click.argument("verb")
@click.option("--environment", "--env", default="", help="The environment's slug.")
@click.option("--path", default="", help="The folder.")
@click.option("--connection", default="", help="The connection's id.")
@options.project
@options.server
@options.as_json
def explain(
    *,
    identity: str,
    verb: str,
    environment: str,
    path: str,
    connection: str,
    project: str,
    server: str | None,
    as_json: bool,
) -> None:
    """Say by which role IDENTITY may do VERB there, or what keeps each of its roles from it.

    Without a place it is whether it may somewhere in the project. Exits with 1 where it may not.
    """
    from keyturn.wire.roles import ExplainQuery

    async def work() -> bool:
        async with connected(server) as api:
            one = await identity_named(api, identity)
            asked = ExplainQuery(
                identity_id=one.id,
                verb=verb,
                project_id=project,
                environment=environment,
                secret_path=path,
                connection_id=connection,
            )
            told = await api.explain_access(asked)
        verdict = f"may, by the role {told.role}" if told.allowed else "may not"
        reasons = [f"  {each.why}" for each in told.reasons if each.why]
        lines = [f"{told.name} {verdict}: {verb}", *([] if told.allowed else reasons)]
        if not told.reasons:
            lines.append("  the identity holds no role")
        output.show(told.model_dump(mode="json"), lines, as_json=as_json)
        return told.allowed

    if not run(work()):
        raise SystemExit(1)
