"""An access token from a terminal: client credentials, by a key in a file."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyturn.cli import options, output
from keyturn.cli.credential import FILE, read_file
from keyturn.cli.oauth_connection import ON_A_TERMINAL
from keyturn.cli.running import run

if TYPE_CHECKING:
    from keyturn.adapters.oauth import HttpAuthorizationServers

SCOPE = "okta.workflows.invoke.manage"
UNBOUND = (
    "{} gives a token that is bound to no key: whoever has it can use it. Have the app's tokens "
    "bound (at Okta: Applications, the app, General, Proof of possession, Require Demonstrating "
    "Proof of Possession; in its API, dpop_bound_access_tokens), or leave out --dpop."
)


@dataclass(frozen=True)
class Asked:
    """What a token is asked for with, and the request that it is for."""

    issuer: str
    client_id: str
    key: Path
    scope: str
    dpop: bool
    method: str
    url: str


@click.command()
@click.option("--issuer", required=True, help="The authorization server; of an Okta org, its URL.")
@click.option("--client-id", required=True, help="The client id of a service app.")
@click.option(
    "--key-file", required=True, type=FILE, help="Its private key: a JSON Web Key, or PEM."
)
@click.option("--scope", default=SCOPE, show_default=True, help="The scopes to ask for.")
@click.option("--dpop", is_flag=True, help="Have it bound to a new key, and prove one request:")
@click.option("--method", default="POST", show_default=True, help="With --dpop: its method.")
@click.option("--url", default="", help="With --dpop: its address.")
@click.option("--show", "shown", is_flag=True, help="Print it to a terminal as well.")
@options.as_json
def token(
    *,
    issuer: str,
    client_id: str,
    key_file: Path,
    scope: str,
    dpop: bool,
    method: str,
    url: str,
    shown: bool,
    as_json: bool,
) -> None:
    """Get an access token by a service app's key, and print the headers that one request needs.

    No server of Keyturn's is asked. As in: keyturn token --issuer https://example.okta.com
    --client-id 0oa... --key-file key.json | curl -H @- -X POST URL
    """
    if sys.stdout.isatty() and not shown:
        raise click.UsageError(ON_A_TERMINAL)
    if dpop and not url:
        raise click.UsageError("--dpop proves one request: say which by --url.")
    asked = Asked(issuer, client_id, key_file, scope, dpop, method.upper(), url)

    async def work() -> None:
        headers = await headers_of(asked)
        lines = [f"{name}: {value}" for name, value in headers.items()]
        output.show({"headers": dict(headers)}, lines, as_json=as_json, as_is=True)

    run(work())


async def headers_of(asked: Asked) -> Mapping[str, str]:
    """Get a token, and return the headers of the one request that it is for.

    Raises ClickException where the issuer gives none.
    """
    from contextlib import aclosing

    async with aclosing(_servers()) as servers:
        return await _headers(servers, asked)


async def _headers(servers: "HttpAuthorizationServers", asked: Asked) -> Mapping[str, str]:
    from keyturn.domain.oauth.answers import TokenSet, read_token_answer
    from keyturn.domain.oauth.provider import ClientAuth, Provider, RequestType
    from keyturn.domain.sensitive import Sensitive
    from keyturn.services.ports import Client, Proven

    known = await servers.read_metadata(asked.issuer.rstrip("/"))
    provider = Provider(known.endpoints, known.issuer, ClientAuth.KEY_JWT, dpop=asked.dpop)
    secret = Sensitive(read_file(asked.key))
    servers.check_secret(provider, secret)
    key = servers.new_dpop_key() if asked.dpop else None
    client = Client(asked.client_id, provider, secret, key)
    reply = await servers.ask(client, RequestType.CLIENT_CREDENTIALS, {"scope": asked.scope})
    answer = read_token_answer(reply)
    if not isinstance(answer, TokenSet):
        raise click.ClickException(f"{asked.issuer} gives no access token ({answer}).")
    if asked.dpop and answer.token_type.lower() != "dpop":  # RFC 9449, 5
        raise click.ClickException(UNBOUND.format(asked.issuer))
    headers = {"Authorization": f"{answer.token_type} {answer.access.reveal()}"}
    if key is None:
        return headers
    what = Proven(asked.method, asked.url, answer.access)
    return headers | {"DPoP": servers.prove_possession(key, what)}


def _servers() -> "HttpAuthorizationServers":
    """Return the way to authorization servers from where the command runs, wherever that is."""
    import httpx2

    from keyturn.adapters.oauth import HttpAuthorizationServers
    from keyturn.adapters.system import SystemChance, SystemClock
    from keyturn.cli.options import read_settings
    from keyturn.domain.sensitive import Sensitive
    from keyturn.network.guard import GuardedBackend, GuardedTransport

    ca_file = read_settings().ca_file

    def transport(certificate: Sensitive | None) -> httpx2.AsyncBaseTransport:
        backend = GuardedBackend(private_allowed=True)
        return GuardedTransport(backend, ca_file=ca_file, certificate=certificate)

    return HttpAuthorizationServers(SystemClock(), SystemChance(), transport, private_allowed=True)
