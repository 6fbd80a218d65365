"""AWS Secrets Manager, as moto knows it, and its refusals, as AWS words them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import boto3
import httpx2
import pytest
from delivery_kit import errand
from moto import mock_aws

from keyturn.adapters.delivery import KindCarriers
from keyturn.domain.destination_kinds import Kind
from keyturn.domain.errors import DestinationAway, DestinationRefused, Fenced

REGION = "eu-central-1"
CREDENTIAL = {"accessKeyId": "AKIAIOSFODNN7EXAMPLE", "secretAccessKey": "canary-key"}
VALUES = {"A": "canary-one", "B": "canary-two"}


pytestmark = pytest.mark.slow  # loading boto3 and moto takes seconds


@pytest.fixture
def aws() -> Iterator[Any]:
    """Give an account of moto's, as its owner reaches it."""
    with mock_aws():
        yield boto3.client(
            "secretsmanager",
            region_name=REGION,
            aws_access_key_id="owner",
            aws_secret_access_key="owner",
        )


async def deliver(endpoint: str | None = None, **settings: str) -> str:
    """Bring the values to AWS, or to what stands for it."""
    carriers = KindCarriers(
        lambda ca: httpx2.MockTransport(lambda _: httpx2.Response(500)), aws_endpoint=endpoint
    )
    it = errand({"region": REGION} | settings, CREDENTIAL, VALUES)
    return await carriers.deliver(Kind.AWS, it)


def held(aws: Any, name: str) -> str:  # noqa: ANN401  boto3 has no types
    """Return what a secret holds."""
    value: str = aws.get_secret_value(SecretId=name)["SecretString"]
    return value


async def test_each_secret_is_one_of_its_own(aws: Any) -> None:  # noqa: ANN401
    """Those that are not there are created, those that are get another version."""
    aws.create_secret(Name="A", SecretString="old")
    shown = await deliver()
    assert {name: held(aws, name) for name in VALUES} == VALUES
    assert shown.startswith("version ")
    assert "canary" not in shown


async def test_all_in_one_document_keeps_what_others_put_there(aws: Any) -> None:  # noqa: ANN401
    """Client id and client secret change together, in one version."""
    aws.create_secret(Name="app", SecretString='{"theirs": 1}')
    await deliver(secret="app")
    assert json.loads(held(aws, "app")) == {"theirs": 1, **VALUES}


async def test_what_is_there_already_makes_no_version(aws: Any) -> None:  # noqa: ANN401
    """A repeated errand changes nothing."""
    before = await deliver(secret="app")
    assert len(aws.list_secret_version_ids(SecretId="app")["Versions"]) == 1
    assert await deliver(secret="app") == before


async def test_who_no_longer_holds_it_writes_nothing(aws: Any) -> None:  # noqa: ANN401
    """The lease is looked at right before the write."""

    def lost() -> None:
        raise Fenced

    carriers = KindCarriers(lambda ca: httpx2.MockTransport(lambda _: httpx2.Response(500)))
    late = replace(errand({"region": REGION}, CREDENTIAL, VALUES), still_held=lost)
    with pytest.raises(Fenced):
        await carriers.deliver(Kind.AWS, late)
    assert aws.list_secrets()["SecretList"] == []


async def test_something_else_is_not_overwritten(aws: Any) -> None:  # noqa: ANN401
    """A secret that is no document is somebody else's."""
    aws.create_secret(Name="app", SecretString="canary plain")
    with pytest.raises(DestinationRefused, match="JSON object") as told:
        await deliver(secret="app")
    assert "canary" not in told.value.message


async def test_a_binary_secret_is_not_overwritten(aws: Any) -> None:  # noqa: ANN401
    """It is somebody else's, in one document and as one of its own."""
    for name in ("app", "A"):
        aws.create_secret(Name=name, SecretBinary=b"canary")
    for settings in ({"secret": "app"}, {}):
        with pytest.raises(DestinationRefused, match="binary"):
            await deliver(**settings)


async def test_a_secret_on_its_way_out_needs_somebody(aws: Any) -> None:  # noqa: ANN401
    """AWS refuses one that is marked for deletion."""
    aws.create_secret(Name="app", SecretString="{}")
    aws.delete_secret(SecretId="app")
    with pytest.raises(DestinationRefused, match="InvalidRequestException"):
        await deliver(secret="app")


@contextmanager
def answering(status: int, code: str) -> Iterator[str]:
    """Serve one refusal, as AWS words it."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            body = json.dumps({"__type": code, "message": "canary in the message"}).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *told: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "ThrottlingException"), (500, "InternalServiceError"), (503, "SlowDown")],
)
async def test_a_fault_of_theirs_may_pass(status: int, code: str) -> None:
    """It is tried again, and AWS's own words are not told on."""
    with answering(status, code) as url, pytest.raises(DestinationAway, match=code) as told:
        await deliver(url)
    assert "canary" not in told.value.message


@pytest.mark.parametrize(
    "code", ["AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException"]
)
async def test_a_refused_key_needs_somebody(code: str) -> None:
    """The error says whose business it is."""
    with answering(400, code) as url, pytest.raises(DestinationRefused, match=code) as told:
        await deliver(url)
    assert "administrator" in told.value.message
    assert "canary" not in told.value.message


async def test_no_answer_is_tried_again() -> None:
    """Where nobody listens, nothing is known."""
    with pytest.raises(DestinationAway, match="No answer"):
        await deliver("http://127.0.0.1:1")
