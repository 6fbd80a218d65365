"""Flows invoked at their endpoints from a terminal, as any other caller does."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyturn.cli import options, output
from keyturn.cli.credential import FILE, read_file, read_stdin
from keyturn.cli.flow_saved import find_flow
from keyturn.cli.oauth_connection import find_connection
from keyturn.cli.running import connected, run
from keyturn.cli.token import SCOPE, Asked, headers_of

if TYPE_CHECKING:
    import httpx2

TIMEOUT_S = 75.0
"""Longer than a flow may take to answer, so that it is the server that says so."""
ONE_WAY = (
    "Give one way to be let in at most: --connection NAME, --client-token-stdin, "
    "--client-token-file FILE, or --client-id with --key-file and --issuer."
)


@dataclass(frozen=True)
class Way:
    """By what a request is let in."""

    connection: str | None
    client_token_stdin: bool
    client_token_file: Path | None
    client_id: str | None
    key_file: Path | None
    issuer: str | None
    scope: str
    dpop: bool


@click.command()
@click.argument("target", metavar="FLOW|URL")
@click.option("--method", default="POST", show_default=True, help="GET or POST.")
@click.option("--query", multiple=True, metavar="NAME=VALUE", help="A parameter; repeatable.")
@click.option("--data", help="The body, as it is sent: JSON.")
@click.option("--connection", help="Be let in by the token of this connection of Keyturn's.")
@click.option("--client-token-stdin", is_flag=True, help="By a client token on standard input.")
@click.option("--client-token-file", type=FILE, help="By a client token in a file.")
@click.option("--client-id", help="By a token for this service app, got with:")
@click.option("--key-file", type=FILE, help="its private key: a JSON Web Key, or PEM;")
@click.option("--issuer", help="from this authorization server; of an Okta org, its URL.")
@click.option("--scope", default=SCOPE, show_default=True, help="The scopes of that token.")
@click.option("--dpop", is_flag=True, help="Have that token bound to a new key, and prove it.")
@options.project
@options.server
@options.as_json
def invoke(
    *,
    target: str,
    method: str,
    query: Sequence[str],
    data: str | None,
    connection: str | None,
    client_token_stdin: bool,
    client_token_file: Path | None,
    client_id: str | None,
    key_file: Path | None,
    issuer: str | None,
    scope: str,
    dpop: bool,
    project: str,
    server: str | None,
    as_json: bool,
) -> None:
    """Invoke a flow at its endpoint, by its name or by its address, and print what it answers.

    Exits with 1 where that is no success; standard error then says which status it is.
    """
    way = Way(
        connection,
        client_token_stdin,
        client_token_file,
        client_id,
        key_file,
        issuer,
        scope,
        dpop,
    )
    _require_one_way(way)
    pairs = [_pair(each) for each in query]

    async def work() -> None:
        url = await _address(target, project, server)
        headers = await _let_in(way, method.upper(), url, project, server)
        answer = await _send(method.upper(), url, headers, pairs, data)
        _show(answer, as_json=as_json)

    run(work())


def _require_one_way(way: Way) -> None:
    """Raise UsageError for several ways, and for half of one."""
    service = (way.client_id, way.key_file, way.issuer)
    ways = (way.connection, way.client_token_stdin, way.client_token_file, any(service))
    if sum(map(bool, ways)) > 1 or (any(service) and not all(service)):
        raise click.UsageError(ONE_WAY)


def _pair(text: str) -> tuple[str, str]:
    name, middle, value = text.partition("=")
    if not middle:
        raise click.UsageError("Write --query as NAME=VALUE.")
    return name, value


async def _address(target: str, project: str, server: str | None) -> str:
    if target.startswith(("https://", "http://")):
        return target
    async with connected(server) as api:
        found = await find_flow(api, project, target)
    if found.invoke_url is None or found.start != "api_endpoint":
        why = found.problem or f"it starts by {found.start}."
        raise click.ClickException(f"{found.name} has no endpoint: {why}")
    return found.invoke_url


async def _let_in(
    way: Way, method: str, url: str, project: str, server: str | None
) -> Mapping[str, str]:
    """Return the headers by which a request is let in."""
    if way.connection:
        from keyturn.wire.oauth_connections import WantedToken

        async with connected(server) as api:
            found = await find_connection(api, project, way.connection)
            given = await api.authorize_request(found.id, WantedToken(method=method, url=url))
        return given.headers
    if way.client_id and way.key_file and way.issuer:
        asked = Asked(way.issuer, way.client_id, way.key_file, way.scope, way.dpop, method, url)
        return await headers_of(asked)
    if way.client_token_file:
        return {"x-api-client-token": read_file(way.client_token_file)}
    if way.client_token_stdin:
        return {"x-api-client-token": read_stdin("Client token")}
    return {}


async def _send(
    method: str,
    url: str,
    headers: Mapping[str, str],
    query: Sequence[tuple[str, str]],
    data: str | None,
) -> "httpx2.Response":
    """Make the request; no redirect is followed with what lets it in."""
    import httpx2

    from keyturn.cli.options import read_settings
    from keyturn.client.calls import trust
    from keyturn.client.errors import Unreachable

    settings, kind = read_settings(), {"content-type": "application/json"} if data else {}
    verify = trust(settings.ca_file) if settings.ca_file else True
    async with httpx2.AsyncClient(timeout=TIMEOUT_S, verify=verify, trust_env=False) as http:
        try:
            asked = httpx2.URL(url).copy_merge_params([*query])
            return await http.request(method, asked, headers={**headers, **kind}, content=data)
        except (httpx2.TransportError, httpx2.InvalidURL) as error:
            raise Unreachable(f"{url} does not answer ({type(error).__name__}).") from error


def _show(answer: "httpx2.Response", *, as_json: bool) -> None:
    body = _body(answer)
    told = {"status": answer.status_code, "headers": dict(answer.headers), "body": body}
    text = body if isinstance(body, str) else json.dumps(body, indent=2, ensure_ascii=False)
    output.show(told, [text], as_json=as_json, as_is=True)
    if answer.is_success:
        return
    challenge = answer.headers.get("www-authenticate")
    click.echo(f"HTTP {answer.status_code}" + (f": {challenge}" if challenge else ""), err=True)
    sys.exit(1)


def _body(answer: "httpx2.Response") -> object:
    try:
        return answer.json()
    except ValueError:
        return answer.text
