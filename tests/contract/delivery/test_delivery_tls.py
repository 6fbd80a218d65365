"""A private authority vouches for the one store that it was given for, over real sockets."""

import json
import ssl
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import httpx2
import pytest
from delivery_kit import errand
from stores_kit import TOKEN, KubernetesStore

from keyturn.adapters.delivery import KindCarriers
from keyturn.domain.destination_kinds import Kind
from keyturn.domain.errors import AddressRefused, DestinationAway
from keyturn.network.guard import GuardedBackend, GuardedTransport
from keyturn.sandbox.tls import TlsFiles, write_tls_files
from keyturn.services.ports import Errand

STORE = KubernetesStore()


class Handler(BaseHTTPRequestHandler):
    """Hand each request to the simulated store."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        asked = httpx2.Request(
            self.command, f"https://localhost{self.path}", headers=dict(self.headers), content=body
        )
        answer = STORE(asked)
        self.send_response(answer.status_code)
        self.send_header("content-length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    do_GET = do_POST = do_PATCH = _serve  # noqa: N815  names of the library

    def log_message(self, *told: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> TlsFiles:
    """Make an authority, and a certificate for localhost."""
    return write_tls_files(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def port(files: TlsFiles) -> Iterator[int]:
    """Serve the store by that certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files.certificate, files.key)
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def carrier(*, private_allowed: bool = True) -> KindCarriers:
    """Return what goes out past the guard."""

    def guarded(ca_pem: str) -> httpx2.AsyncBaseTransport:
        backend = GuardedBackend(private_allowed=private_allowed)
        return GuardedTransport(backend, ca_file=None, ca_pem=ca_pem)

    return KindCarriers(guarded, private_allowed=private_allowed)


def to(port: int, ca: Path | None) -> Errand:
    """Return an errand to the cluster."""
    settings = {"url": f"https://localhost:{port}", "namespace": "web", "secret": "app"}
    if ca:
        settings["ca"] = ca.read_text()
    return errand(settings, {"token": TOKEN}, {"A": "one"})


async def test_the_authority_that_was_given_is_trusted(port: int, files: TlsFiles) -> None:
    """With it the Secret is written, over TLS, by the three calls of a first delivery."""
    carriers = carrier()
    await carriers.deliver(Kind.KUBERNETES, to(port, files.authority))
    await carriers.aclose()
    assert json.dumps(STORE.secrets["app"]["data"]) == '{"A": "b25l"}'
    assert [line.split()[0] for line in STORE.asked] == ["GET", "POST", "GET"]


async def test_without_it_nothing_is_sent(port: int) -> None:
    """A certificate of nobody known ends the call before the token is sent."""
    STORE.asked.clear()
    carriers = carrier()
    with pytest.raises(DestinationAway, match="ConnectError"):
        await carriers.deliver(Kind.KUBERNETES, to(port, None))
    await carriers.aclose()
    assert STORE.asked == []


async def test_a_private_address_is_refused_where_the_operator_has_not_allowed_them(
    port: int, files: TlsFiles
) -> None:
    """The guard looks at the address that the name leads to."""
    with pytest.raises(AddressRefused, match="not on the public internet"):
        await carrier(private_allowed=False).deliver(Kind.KUBERNETES, to(port, files.authority))
