"""How fast secrets are read, each read authenticated, permitted and on record.

One server process, `keyturn serve` on SQLite with its defaults, and one that asks, over loopback on
kept connections, the same request over and over. Beside each figure stands the bare handler's on
the same web server, which is the limit. Latency is measured at half of the load that the server
bore. A fixed piece of work that has nothing to do with Keyturn is timed before and after: what a
machine shares with others gives changes by the minute. `--json` prints JSON.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, cast
from urllib.parse import urlsplit

import httpx2
import uvloop

CONNECTIONS = 64
SECONDS = 4.0
WARM_S = 1.0
SECRETS = 100
CALM = 2000.0
"""Requests a second at which the bare handler's latency is that of the machine alone."""

BARE = """
import asyncio, sys, uvicorn
async def bare(scope, receive, send):
    headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"{}"})
config = uvicorn.Config(bare, port=0, log_config=None, access_log=False, lifespan="off")
async def main():
    import socket
    listener = socket.create_server(("127.0.0.1", 0))
    print("serves at http://127.0.0.1:%d" % listener.getsockname()[1], flush=True)
    await uvicorn.Server(config).serve([listener])
import uvloop
uvloop.run(main())
"""


@dataclass(frozen=True)
class Figure:
    """How often a second a request was answered, beside the bare handler, and how late at half.

    The bare handler's latency is taken at `CALM` requests a second.
    """

    name: str
    per_second: int
    of_bare: float
    p99_ms_at_half: float


# --- who asks -----------------------------------------------------------------------------------


class Asker(asyncio.Protocol):
    """Asks the same on one connection; after an answer, at once or when the next one is due."""

    def __init__(self, raw: bytes, every_s: float) -> None:
        self.raw, self.every_s, self.buffer = raw, every_s, b""
        self.answered, self.late_s = 0, list[float]()
        self.due_s = 0.0

    def itself(self) -> "Asker":
        """Return this one, for a connection to be made for it."""
        return self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the first time."""
        # uvloop's transports are of no class of asyncio's.
        self.transport = cast(asyncio.WriteTransport, transport)
        self.loop = asyncio.get_running_loop()
        self.due_s = self.loop.time()
        self._ask()

    def _ask(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(self.raw)

    def data_received(self, data: bytes) -> None:
        """Count a whole answer and ask again; SystemExit when it is no success."""
        self.buffer += data
        head, end, body = self.buffer.partition(b"\r\n\r\n")
        if not end or len(body) < int(head.partition(b"content-length: ")[2].split(b"\r")[0] or 0):
            return
        if head[9:12] not in {b"200", b"304"}:
            sys.exit(f"not answered with 200 or 304: {head[:40]!r}")
        self.buffer, self.answered = b"", self.answered + 1
        now_s = self.loop.time()
        self.late_s.append(now_s - self.due_s)
        self.due_s = max(self.due_s + self.every_s, now_s if not self.every_s else 0.0)
        self.loop.call_at(self.due_s, self._ask) if self.due_s > now_s else self._ask()


async def ask(url: str, raw: bytes, per_second: float = 0.0) -> tuple[float, float]:
    """Return how many answers a second came, and the 99th percentile of their delay in ms.

    The delay counts from when a request was due, so that a server that stalls is not forgiven the
    requests that it kept from being made. Without a rate, each asks as soon as it was answered.
    """
    where = urlsplit(url)
    loop = asyncio.get_running_loop()
    every_s = CONNECTIONS / per_second if per_second else 0.0
    askers = [Asker(raw, every_s) for _ in range(CONNECTIONS)]
    for asker in askers:
        await loop.create_connection(asker.itself, str(where.hostname), where.port or 80)
        await asyncio.sleep(every_s / CONNECTIONS)
    await asyncio.sleep(WARM_S)
    before, since = sum(each.answered for each in askers), time.perf_counter()
    for each in askers:
        each.late_s.clear()
    await asyncio.sleep(SECONDS)
    rate = (sum(each.answered for each in askers) - before) / (time.perf_counter() - since)
    late_s = sorted(late for each in askers for late in each.late_s)
    for each in askers:
        each.transport.close()
    return rate, late_s[int(len(late_s) * 0.99)] * 1000


# --- who is asked -------------------------------------------------------------------------------


@contextmanager
def started(command: list[str], env: dict[str, str] | None = None) -> Iterator[tuple[str, int]]:
    """Start a server; give its address and its process id."""
    with subprocess.Popen(  # noqa: S603  our own
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **(env or {})},
    ) as process:
        try:
            line = cast("IO[bytes]", process.stdout).readline().decode()
            yield line.partition(" at ")[2].strip(), process.pid
        finally:
            process.terminate()


@contextmanager
def keyturn() -> Iterator[tuple[str, int, dict[str, bytes]]]:
    """Start the product with a hundred secrets; give its address, process id, and the requests."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "made.json"
        env = {"KEYTURN_DATA_DIR": f"{folder}/data", "KEYTURN_LOG_FILE": f"{folder}/log"}
        product = [sys.executable, "-m", "keyturn"]
        with made.open("w") as out:
            subprocess.run(  # noqa: S603  our own
                [*product, "init", "--json"], env={**os.environ, **env}, stdout=out, check=True
            )
        told = json.loads(made.read_text())
        with started([*product, "serve", "--port", "0"], env) as (url, pid):
            yield url, pid, _requests(url, told["projectId"], told["adminToken"])


def _requests(url: str, project_id: str, token: str) -> dict[str, bytes]:
    bearer = {"authorization": f"Bearer {token}"}
    place = {"workspaceId": project_id, "environment": "dev"}
    path = "/api/v3/secrets/raw"
    with httpx2.Client(base_url=url, headers=bearer) as http:
        for number in range(SECRETS):
            body = place | {"secretValue": "v" * 64}
            http.post(f"{path}/KEY_{number}", json=body).raise_for_status()
        one, every = (
            http.get(address, params=place).raise_for_status()
            for address in (f"{path}/KEY_7", path)
        )
    targets = {"one secret by name": one, f"a list of {SECRETS}": every}
    full = {name: raw(_target(answer), bearer) for name, answer in targets.items()}
    same = {
        f"{name}, 304": raw(_target(answer), bearer | {"if-none-match": answer.headers["etag"]})
        for name, answer in targets.items()
    }
    return full | same


def _target(answer: httpx2.Response) -> str:
    return answer.request.url.raw_path.decode()


def raw(target: str, headers: dict[str, str], *, method: str = "GET") -> bytes:
    """Return a request as it goes over the wire."""
    lines = [f"{method} {target} HTTP/1.1", "host: keyturn"]
    return "\r\n".join([*lines, *(f"{k}: {v}" for k, v in headers.items()), "", ""]).encode()


def yardstick_ms() -> float:
    """Return how long a processor takes for work that is always the same, in milliseconds.

    It goes through more memory than a core's cache holds, as a server in Python does.
    """
    table = [{f"k{n}": (n, str(n), {"x": n}) for n in range(50)} for _ in range(400)]
    begun_s = time.process_time()
    for _ in range(12):
        sum(each[0] + len(each[1]) + each[2]["x"] for row in table for each in row.values())
        json.dumps([[each[:2] for each in row.values()] for row in table[:100]])
    return (time.process_time() - begun_s) * 1000


def resident_mb(pid: int) -> float:
    """Return how much memory a process holds (Linux)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@dataclass(frozen=True)
class Run:
    """The figures, the bare handler's first, the memory at the end, and the fixed work's times."""

    figures: list[Figure]
    memory_mb: float
    yardstick_ms: tuple[float, ...]


def measure() -> Run:
    """Measure once."""
    yardsticks = [yardstick_ms()]
    with started([sys.executable, "-c", BARE]) as (url, _):
        limit, _ = uvloop.run(ask(url, raw("/", {})))
        _, p99_ms = uvloop.run(ask(url, raw("/", {}), CALM))
    figures = [Figure("bare handler", round(limit), 1.0, round(p99_ms, 1))]
    with keyturn() as (url, pid, requests):
        for name, request in requests.items():
            rate, _ = uvloop.run(ask(url, request))
            _, p99_ms = uvloop.run(ask(url, request, rate / 2))
            figures.append(Figure(name, round(rate), round(rate / limit, 2), round(p99_ms, 1)))
            yardsticks.append(yardstick_ms())
        return Run(figures, round(resident_mb(pid)), tuple(round(each) for each in yardsticks))


def main() -> None:
    """Measure and print."""
    run = measure()
    if "--json" in sys.argv:
        print(json.dumps(asdict(run)))
        return
    for each in run.figures:
        late = f"{each.p99_ms_at_half:>7.1f} ms p99"
        print(f"{each.name:28} {each.per_second:>7,}/s {each.of_bare:>6.2f} of bare {late}")
    print(f"p99 is at half of the load; of the bare handler at {CALM:,.0f}/s")
    print(f"{'memory of the server':28} {run.memory_mb:>7.0f} MB")
    print(f"{'the fixed work, each time':28} {', '.join(map(str, run.yardstick_ms))} ms")


if __name__ == "__main__":
    main()
