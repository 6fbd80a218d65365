"""Serve the API and run turns, in one process or several."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp

from keyturn import __version__
from keyturn.adapters.runner import EmbeddedRunner, Runner
from keyturn.adapters.system.looplag import watching_lag
from keyturn.api.app import build_api
from keyturn.bootstrap.opening import Outside, opened, url_of
from keyturn.domain.errors import Refused
from keyturn.services.ports import World
from keyturn.services.ports.sandbox import SandboxControls
from keyturn.settings import Settings
from keyturn.web.app import build_pages


@asynccontextmanager
async def serving(settings: Settings, outside: Outside | None = None) -> AsyncIterator[str]:
    """Serve the API and run turns in this event loop; yield the server's address."""
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(opened(settings, outside))
        listener = socket.create_server((settings.host, settings.port))
        stack.callback(listener.close)
        await stack.enter_async_context(_watched(world, settings))
        await stack.enter_async_context(_runner(world, settings))
        sandbox = outside.sandbox if outside else None
        await stack.enter_async_context(_listening(world, listener, settings, sandbox))
        host, port = listener.getsockname()[:2]
        yield f"http://{host}:{port}"


@asynccontextmanager
async def working(settings: Settings, outside: Outside | None = None) -> AsyncIterator[Runner]:
    """Run turns in this event loop, beside whatever other processes are on the database.

    Raises Refused as `opened` does, and on SQLite, which is one process's own.
    """
    if settings.database_url is None:
        raise Refused(
            "A SQLite file has one process: `keyturn serve`, which runs turns itself. For more, "
            "set KEYTURN_DATABASE_URL; `keyturn migrate` moves an installation there."
        )
    async with (
        opened(settings, outside) as world,
        _watched(world, settings),
        _runner(world, settings) as runner,
    ):
        yield runner


def _runner(world: World, settings: Settings) -> Runner:
    tick_s, concurrency = settings.tick_s, settings.concurrency
    if settings.database_url is None or settings.engine_in_force == "embedded":
        return EmbeddedRunner(world, tick_s=tick_s, concurrency=concurrency)
    from keyturn.adapters.runner.queued import QueuedRunner  # noqa: PLC0415  an extra

    url = url_of(settings.database_url)
    return QueuedRunner(world, url, tick_s=tick_s, concurrency=concurrency)


@asynccontextmanager
async def _watched(world: World, settings: Settings) -> AsyncIterator[None]:
    """Watch the event loop, and show metrics and probes where the settings want them."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(watching_lag(world.vitals))
        if settings.metrics_address:
            from keyturn.api.operations import build_operations  # noqa: PLC0415  seldom wanted

            host, _, port = settings.metrics_address.rpartition(":")
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            listener = socket.create_server((host.strip("[]"), int(port)), family=family)
            stack.callback(listener.close)
            app = build_operations(world, version=__version__)
            await stack.enter_async_context(_answering(app, listener))
        yield


class _QuietServer(uvicorn.Server):
    """A server inside a larger program: signals are that program's business."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


@asynccontextmanager
async def _listening(
    world: World,
    listener: socket.socket,
    settings: Settings,
    sandbox: SandboxControls | None,
) -> AsyncIterator[None]:
    pages = build_pages(world, version=__version__, public_url=settings.public_url, box=sandbox)
    api = build_api(
        world,
        version=__version__,
        proxies=settings.proxies,
        public_url=settings.public_url,
        pages=pages,
    )
    async with _answering(api, listener):
        try:
            yield
        finally:
            api.state.newsroom.close()  # streams of events would go on for ever
            pages.state.house.watchers.close()


@asynccontextmanager
async def _answering(app: ASGIApp, listener: socket.socket) -> AsyncIterator[None]:
    """Answer requests at a listener while the block goes on."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        proxy_headers=False,  # the API reads them, from those that are trusted
        ws="none",
        timeout_graceful_shutdown=10,
    )
    server = _QuietServer(config)
    serving_task = asyncio.create_task(server.serve([listener]), name="answering")
    try:
        while not (server.started or serving_task.done()):  # noqa: ASYNC110  uvicorn has no event
            await asyncio.sleep(0.01)
        yield
    finally:
        server.should_exit = True
        await serving_task
