"""A whole installation shows metrics at a door of its own, and spans where OpenTelemetry is set."""

import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from metrics_kit import parsed, value
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import ValidationError

from keyturn.adapters.system.tracing import SpanTracer, tracer_of_process
from keyturn.bootstrap.opening import initialise
from keyturn.bootstrap.serving import serving, working
from keyturn.domain.sensitive import Sensitive
from keyturn.services.ports import NoTracer
from keyturn.settings import Settings


@pytest.fixture
def door() -> str:
    """Name an address that is free."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        host, port = free.getsockname()
    return f"{host}:{port}"


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    """Give a client without a token."""
    async with httpx2.AsyncClient() as client:
        yield client


async def test_metrics_and_probes_are_at_their_own_door(
    new: Settings, door: str, http: httpx2.AsyncClient
) -> None:
    """Whoever reaches that address reads them without a token; the other door asks for one."""
    settings = new.model_copy(update={"metrics_address": door, "port": 0, "tick_s": 0.05})
    async with serving(settings) as url:
        samples = parsed((await http.get(f"http://{door}/metrics")).text)
        assert value(samples, "keyturn_store_up") == 1
        assert value(samples, "keyturn_rotations") == 0
        assert (await http.get(f"http://{door}/readyz")).status_code == 200
        assert (await http.get(f"{url}/metrics")).status_code == 401
        assert (await http.get(f"{url}/readyz")).status_code == 200
    with pytest.raises(httpx2.ConnectError):
        await http.get(f"http://{door}/healthz")


async def test_without_the_setting_there_is_no_such_door(
    new: Settings, door: str, http: httpx2.AsyncClient
) -> None:
    """Nobody is shown metrics without having been asked."""
    async with serving(new.model_copy(update={"port": 0})):
        with pytest.raises(httpx2.ConnectError):
            await http.get(f"http://{door}/metrics")


@pytest.mark.parametrize("address", ["8701", "host", "host:", "host:99999"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    """It has a host and a port."""
    with pytest.raises(ValidationError):
        Settings(metrics_address=address)


# --- spans ----------------------------------------------------------------------------------------

SOMEWHERE = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}


@pytest.mark.parametrize("environment", [{}, {**SOMEWHERE, "OTEL_SDK_DISABLED": "true"}])
def test_nobody_is_told_of_spans_who_did_not_ask(environment: dict[str, str]) -> None:
    """Without the standard's own settings there is no tracer at all."""
    assert isinstance(tracer_of_process(environment), NoTracer)


def test_spans_are_told_where_the_environment_says_so() -> None:
    """With an endpoint there is a tracer."""
    assert isinstance(tracer_of_process(SOMEWHERE), SpanTracer)


def test_what_fails_is_told_by_its_type_alone() -> None:
    """The text of an error may be a stranger's."""
    exporter = InMemorySpanExporter()
    tracer = SpanTracer(exporter, at_once=True)
    with pytest.raises(LookupError), tracer.span("work", {"a": 1}):
        raise LookupError("canary-text")
    [span] = exporter.get_finished_spans()
    assert dict(span.attributes or {}) == {"a": 1, "error.type": "LookupError"}
    assert not span.status.is_ok
    assert "canary-text" not in span.to_json()


@pytest.mark.slow
async def test_a_worker_shows_what_it_does_too(
    database: Sensitive, tmp_path: Path, door: str, http: httpx2.AsyncClient
) -> None:
    """A process without an API has its door as well."""
    told = {"data_dir": tmp_path / "data", "database_url": database.reveal(), "tick_s": 0.05}
    settings = Settings.model_validate({**told, "metrics_address": door})
    await initialise(settings)
    async with working(settings):
        assert (await http.get(f"http://{door}/readyz")).status_code == 200
        samples = parsed((await http.get(f"http://{door}/metrics")).text)
    assert value(samples, "keyturn_store_up") == 1
    assert ("keyturn_runner_silence_seconds", frozenset()) in samples
