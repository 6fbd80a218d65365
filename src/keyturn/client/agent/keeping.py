"""Keep the files of one folder: read, write, tell the service, tell Keyturn, and so on for ever.

Decides what an error leads to: nothing is ever taken away because of one. What was done is
remembered, so that whoever starts again goes on where it was left.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from keyturn.client.agent.memory import Memory, Record, age_told
from keyturn.client.agent.plan import Job
from keyturn.client.agent.writing import Target, list_differing, put_files, sweep
from keyturn.client.api import Place
from keyturn.client.errors import ApiError, ClientError, Unreachable
from keyturn.client.folder import Folder
from keyturn.client.watching import FolderWatch, Pause
from keyturn.wire.secrets import Secret

RETRY_S: Final = (1, 2, 5, 10, 30, 60, 120, 300)
"""Seconds until another try after the first failure, the second, and so on."""


class Api(Protocol):
    """What an agent asks of Keyturn."""

    async def read_folder(
        self, place: Place, *, recursive: bool = False, held: str = ""
    ) -> Folder | None:
        """Read what a folder gives; None where the held copy is still good."""

    async def acknowledge(self, place: Place, name: str, version: int) -> object:
        """Tell that a version of a secret is in use here."""


@dataclass(frozen=True)
class Surroundings:
    """What a keeper has around it.

    ``environment`` is that of hooks; a cached copy older than ``max_age`` is not used.
    """

    api: Api
    memory: Memory
    tell: Callable[[str], None]
    pause: Pause
    sleep: Callable[[float], Awaitable[None]]
    now: Callable[[], datetime]
    environment: Mapping[str, str]
    max_age: timedelta


class Keeper:
    """One job, and how far it is done."""

    def __init__(self, job: Job, around: Surroundings) -> None:
        self._job, self._around = job, around

    async def keep(self) -> None:
        """Keep the files for ever."""
        watch = await self._begin()
        folder, failures = watch.held, 0
        change = asyncio.ensure_future(watch.next())
        try:
            while True:
                failures = 0 if await self.settle(folder) else failures + 1
                await self._until(change, failures)
                if change.done():
                    folder, failures = change.result(), 0
                    change = asyncio.ensure_future(watch.next())
        finally:
            change.cancel()

    async def keep_once(self) -> bool:
        """Bring the files up to date; say whether all was done."""
        try:
            folder = await self._ask("")
        except ClientError as error:
            self._tell(f"{error}")
            folder = self._cached(error)
        return folder is not None and await self.settle(folder)

    async def list_due(self) -> list[tuple[Target, bool]]:
        """List the files, and whether each would be written. Raises ClientError, OSError."""
        job = self._job
        folder = await self._around.api.read_folder(job.place, recursive=job.recursive)
        contents = job.contents(folder.values if folder else {})
        differing = list_differing(contents)
        return [(target, target in differing) for target in contents]

    async def settle(self, folder: Folder) -> bool:
        """Write what differs, run the hook, acknowledge; say whether all of it is done."""
        try:
            digest = self._write(folder)
            await self._run_hook(folder, digest)
            await self._acknowledge(folder)
        except ClientError as error:
            self._tell(str(error))
        except OSError as error:
            self._tell(f"{error.filename or 'a file'}: {error.strerror}.")
        else:
            return True
        return False

    def _write(self, folder: Folder) -> str:
        contents = self._job.contents(folder.values)
        differing = list_differing(contents)
        if differing:
            self._remember(applied="")  # or else who dies now forgets to run the hook
            put_files({target: contents[target] for target in differing})
            self._tell(f"wrote {', '.join(str(each.path) for each in differing)}")
        else:
            sweep(contents)
        return _digest(contents)

    async def _run_hook(self, folder: Folder, digest: str) -> None:
        if self._record.applied == digest:
            return
        hook = self._job.hook
        if hook:
            await hook.run(self._around.environment, folder.values.values())
            self._tell(f"told the service: {hook}")
        self._remember(applied=digest)

    async def _acknowledge(self, folder: Folder) -> None:
        job, known = self._job, dict(self._record.acknowledged)
        used = sorted(job.names(folder.values) & folder.secrets.keys())
        due = [each for each in map(folder.secrets.__getitem__, used) if _is_due(each, known)]
        try:
            for secret in due:
                place = Place(job.place.project, secret.environment, secret.secret_path)
                await self._around.api.acknowledge(place, secret.secret_key, secret.version)
                known[secret.id] = secret.version
        finally:
            if due:
                self._remember(acknowledged=known)

    # --- what is read, and what is remembered of it -------------------------------------------

    async def _begin(self) -> FolderWatch:
        failures, around = 0, self._around
        while True:
            try:
                return await FolderWatch.begin(self._ask, pause=around.pause, warn=self._tell)
            except ClientError as error:
                self._tell(f"{error} The files stay as they are.")
                cached = self._cached(error)
            if cached:
                return FolderWatch(self._ask, cached, pause=around.pause, warn=self._tell)
            failures += 1
            await around.sleep(_retry_s(failures))

    async def _ask(self, held: str) -> Folder | None:
        job = self._job
        found = await self._around.api.read_folder(job.place, recursive=job.recursive, held=held)
        record, now = self._around.memory.find(job.key), self._around.now()
        if found:
            read = {"secrets": tuple(found.secrets.values()), "tag": found.tag, "as_of": now}
            record = record.model_copy(update=read) if record else Record.model_validate(read)
        elif record:
            record = record.model_copy(update={"as_of": now})
        if record:
            self._around.memory.keep(job.key, record)
        return found

    def _cached(self, error: ClientError) -> Folder | None:
        """Return the copy of before where Keyturn is away, not where it refuses."""
        record, now = self._around.memory.find(self._job.key), self._around.now()
        if record is None or not _is_away(error):
            return None
        age = age_told(record.as_of, now)
        if now - record.as_of > self._around.max_age:
            self._tell(f"the cached copy is {age} old, which is too old to use")
            return None
        self._tell(f"uses the cached copy, which is {age} old")
        return record.folder

    @property
    def _record(self) -> Record:
        """Return what is remembered since the folder was read."""
        record = self._around.memory.find(self._job.key)
        if record is None:
            raise LookupError("a folder that was read is remembered")
        return record

    def _remember(self, **what: object) -> None:
        self._around.memory.keep(self._job.key, self._record.model_copy(update=what))

    async def _until(self, change: "asyncio.Future[Folder]", failures: int) -> None:
        if not failures:
            await asyncio.wait({change})
            return
        retry = asyncio.ensure_future(self._around.sleep(_retry_s(failures)))
        both: list[asyncio.Future[Folder] | asyncio.Future[None]] = [change, retry]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            retry.cancel()

    def _tell(self, text: str) -> None:
        self._around.tell(f"{self._job}: {text}")


def _retry_s(failures: int) -> float:
    return RETRY_S[min(failures, len(RETRY_S)) - 1]


def _is_away(error: ClientError) -> bool:
    refused = isinstance(error, ApiError) and error.status < 500 and error.status != 429
    return isinstance(error, Unreachable | ApiError) and not refused


def _is_due(secret: Secret, known: Mapping[str, int]) -> bool:
    return known.get(secret.id) != secret.version


def _digest(contents: Mapping[Target, bytes]) -> str:
    found = hashlib.sha256()
    for target, content in sorted(contents.items(), key=lambda each: str(each[0].path)):
        found.update(hashlib.sha256(f"{target!r}".encode()).digest())
        found.update(hashlib.sha256(content).digest())
    return found.hexdigest()
