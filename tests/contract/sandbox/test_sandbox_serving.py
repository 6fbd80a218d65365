"""The sandbox on real sockets: http, https and control, and connections cut for real."""

import asyncio
import json
import logging
import ssl
import stat
from collections.abc import AsyncIterator

import httpx2
import pytest

from keyturn.sandbox import Fault, Org, Ready, SandboxConfig, serving

pytestmark = pytest.mark.anyio


@pytest.fixture
async def ready() -> AsyncIterator[Ready]:
    """Give a fresh org on free ports, under the real clock."""
    async with serving(SandboxConfig(0, 0, 0, org=Org(1))) as ready:
        yield ready


def http(ready: Ready, *, tls: bool = False) -> httpx2.AsyncClient:
    """Return a client with the org's SSWS token."""
    headers = {"authorization": f"SSWS {ready.as_json()['ssws_token']}"}
    trust = ssl.create_default_context(cafile=str(ready.ca_file))
    url = ready.https_url if tls else ready.http_url
    return httpx2.AsyncClient(base_url=url, headers=headers, verify=trust)


@pytest.mark.parametrize("tls", [False, True])
async def test_one_org_on_both_ports(ready: Ready, tls: bool) -> None:  # noqa: FBT001
    """Links and issuer name the address that was used."""
    async with http(ready, tls=tls) as client:
        assert (await client.get("/api/v1/users/me")).status_code == 200
        found = (await client.get("/.well-known/openid-configuration")).json()
        assert found["issuer"] == str(client.base_url).rstrip("/")


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize(("kind", "secrets"), [("drop-before-effect", 1), ("drop-after-effect", 2)])
async def test_connection_is_cut(ready: Ready, tls: bool, kind: str, secrets: int) -> None:  # noqa: FBT001
    """Not one byte arrives; the next request on a new connection is answered."""
    ready.org.add_fault(Fault(kind, method="POST", count=1))  # type: ignore[arg-type]
    app_id = ready.org.seeded.web_app_id
    path = f"/api/v1/apps/{app_id}/credentials/secrets"
    async with http(ready, tls=tls) as client:
        with pytest.raises(httpx2.TransportError):
            await client.post(path)
        assert len((await client.get(path)).json()) == secrets


@pytest.mark.parametrize("sent", [b"", b'{"client_secret": "w'])
async def test_half_a_request_is_none(ready: Ready, sent: bytes) -> None:
    """Who dies in sending a body has asked for nothing: no secret of Okta's choice is added."""
    app_id, before = ready.org.seeded.web_app_id, ready.org.requests()["last"]
    head = (
        f"POST /api/v1/apps/{app_id}/credentials/secrets HTTP/1.1\r\nhost: localhost\r\n"
        f"authorization: SSWS {ready.as_json()['ssws_token']}\r\n"
        "content-type: application/json\r\ncontent-length: 100\r\n\r\n"
    )
    host, _, port = ready.http_url.removeprefix("http://").partition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(head.encode() + sent)
    await writer.drain()
    writer.close()
    async with http(ready) as client:
        secrets = await client.get(f"/api/v1/apps/{app_id}/credentials/secrets")
    assert len(secrets.json()) == 1
    assert ready.org.requests()["last"] == before + 1


async def test_errors_of_a_cut_are_not_logged(
    ready: Ready, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither a cut connection nor a request leaves a line in the log."""
    caplog.set_level(logging.DEBUG, "uvicorn")
    ready.org.add_fault(Fault("drop-before-effect", count=1))
    async with http(ready) as client:
        with pytest.raises(httpx2.TransportError):
            await client.get("/api/v1/apps")
        await client.get("/api/v1/apps")
    assert [line for line in caplog.messages if "api" in line or "ASGI" in line] == []


async def test_private_key_is_private(ready: Ready) -> None:
    """The server's key is readable by its owner only; the CA's key is nowhere."""
    files = {path.name: path for path in ready.ca_file.parent.iterdir()}
    assert set(files) == {"ca.pem", "server.pem", "server-key.pem"}
    assert stat.S_IMODE(files["server-key.pem"].stat().st_mode) == 0o600


async def test_ready_as_json(ready: Ready) -> None:
    """Everything needed is there as JSON; the representation shows no credential."""
    body = json.loads(json.dumps(ready.as_json()))
    assert set(body) == {
        "http_url",
        "https_url",
        "control_url",
        "control_token",
        "ca_file",
        "ssws_token",
        "service_client_id",
        "service_private_jwk",
        "app",
        "user",
        "orgs",
    }
    assert body["control_token"] not in repr(ready)
    assert body["ssws_token"] not in repr(ready)


async def test_no_task_is_left_behind() -> None:
    """Leaving ends a held answer at once, and all tasks and ports."""
    before = asyncio.all_tasks()
    async with serving(SandboxConfig(0, 0, 0, org=Org(1))) as ready:
        ready.org.add_fault(Fault("delay-after-effect", seconds=3600))
        client = http(ready)
        held = asyncio.create_task(client.get("/api/v1/users/me"))
        while not ready.org.journal.last:  # the org announces nothing
            await asyncio.sleep(0)
    assert (await held).status_code == 200
    await client.aclose()
    assert asyncio.all_tasks() == before
    async with httpx2.AsyncClient() as late:
        with pytest.raises(httpx2.ConnectError):
            await late.get(ready.http_url)


async def test_failure_inside_comes_out_unchanged() -> None:
    """An error raised while serving is not wrapped."""
    with pytest.raises(KeyError):
        async with serving(SandboxConfig(0, 0, 0, org=Org(1))):
            raise KeyError


async def test_taken_port(ready: Ready) -> None:
    """A port that is taken is an OSError, and nothing stays open."""
    taken = int(ready.http_url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        async with serving(SandboxConfig(taken, 0, 0, org=Org(1))):
            pass
