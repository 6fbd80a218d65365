"""People: accounts of the installation's own."""

import sys

import click

from keyturn.cli import holding, options, output
from keyturn.cli.naming import identity_named
from keyturn.cli.running import connected, run

stdin = click.option(
    "--password-stdin", is_flag=True, help="Read the password from stdin instead of asking."
)


@click.group()
def person() -> None:
    """Let people log in by an e-mail address and a password."""


@person.command("create")
@click.argument("email")
@holding.roles
@holding.everywhere
@stdin
@options.project
@options.server
@options.as_json
def create(
    *,
    email: str,
    roles: tuple[str, ...],
    everywhere: bool,
    password_stdin: bool,
    project: str,
    server: str | None,
    as_json: bool,
) -> None:
    """Make an account for EMAIL; the password has 12 characters or more."""
    from keyturn.wire.people import CreatePerson

    fields: dict[str, object] = {
        "role": holding.role_everywhere(roles, everywhere=everywhere),
        "email": email,
        "password": _password(stdin=password_stdin),
    }
    body = options.checked(CreatePerson, fields)

    async def work() -> None:
        async with connected(server) as api:
            made = await api.create_person(body)
            await holding.hold(api, made.id, roles, project, everywhere=everywhere)
        lines = [f"person {made.name} ({made.id})"]
        output.show(made.model_dump(mode="json"), lines, as_json=as_json)

    run(work())


@person.command("list")
@options.server
@options.as_json
def list_people(*, server: str | None, as_json: bool) -> None:
    """List people, and what they hold."""

    async def work() -> None:
        async with connected(server) as api:
            found = [one for one in await api.list_identities() if one.person]
        rows = [[one.name, one.id, ", ".join(each.role for each in one.roles)] for one in found]
        document = {"people": [one.model_dump(mode="json") for one in found]}
        output.show(document, output.table(["E-MAIL", "ID", "ROLES"], rows), as_json=as_json)

    run(work())


@person.command("password")
@click.argument("email")
@stdin
@options.server
@options.as_json
def password(*, email: str, password_stdin: bool, server: str | None, as_json: bool) -> None:
    """Set the password of EMAIL anew; whoever was logged in by it is no longer."""
    from keyturn.wire.people import SetPassword

    body = options.checked(SetPassword, {"password": _password(stdin=password_stdin)})

    async def work() -> None:
        async with connected(server) as api:
            one = await identity_named(api, email, person=True)
            await api.set_password(one.id, body)
        lines = [f"the password of {one.name} is changed"]
        output.show({"id": one.id, "email": one.name}, lines, as_json=as_json)

    run(work())


@person.command("log-in")
@click.argument("email")
@stdin
@options.server
@options.as_json
def log_in(*, email: str, password_stdin: bool, server: str | None, as_json: bool) -> None:
    """Log in as EMAIL, and print the access token, for KEYTURN_TOKEN; it is good for 12 hours.

    As in: export KEYTURN_TOKEN=$(keyturn person log-in ada@example.com). What only people may do,
    such as to approve a wave of a rollout, takes this token, or the browser.
    """
    from keyturn.client import Person

    who = Person(email, _password(stdin=password_stdin, confirm=False))

    async def work() -> None:
        async with connected(server, who) as api:
            token = await api.log_in()
        output.show({"accessToken": token}, [token], as_json=as_json)

    run(work())


@person.command("delete")
@click.argument("email")
@options.server
@options.as_json
def delete(*, email: str, server: str | None, as_json: bool) -> None:
    """Delete the account of EMAIL; its tokens are good for nothing at once."""

    async def work() -> None:
        async with connected(server) as api:
            gone = await api.delete_identity((await identity_named(api, email, person=True)).id)
        output.show(
            gone.model_dump(mode="json"), [f"person {gone.name} is deleted"], as_json=as_json
        )

    run(work())


def _password(*, stdin: bool, confirm: bool = True) -> str:
    if stdin:
        return sys.stdin.readline().rstrip("\n")
    given: str = click.prompt("Password", hide_input=True, confirmation_prompt=confirm, err=True)
    return given
