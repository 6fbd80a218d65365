"""Processes that run on while the root key is rotated find the new one by themselves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from shutil import copytree
from threading import Event

import httpx2
import pytest
from root_key_kit import MARK, administrator

from keyturn.adapters.crypto import Keyring, read_root_key
from keyturn.api.app import build_api
from keyturn.bootstrap.keeping import rotate_root_key
from keyturn.bootstrap.opening import Outside, initialise, opened, root_keys, visit_store
from keyturn.bootstrap.rereading import REREAD_S, Rereading
from keyturn.domain.errors import RootKeyUnknown
from keyturn.domain.sensitive import Sensitive
from keyturn.services.environments import create_project
from keyturn.services.installation import Installed
from keyturn.services.ports import World
from keyturn.services.projects import Where
from keyturn.services.root_key import rewrap_data_keys
from keyturn.services.secret_changes import create_secret
from keyturn.services.secrets import read_secret
from keyturn.settings import Settings
from keyturn.testing import ManualClock

START = datetime(2026, 3, 1, tzinfo=UTC)
PLACE = Where("example", "dev")
READS = "/api/v3/secrets/raw/KEY"


@dataclass
class Server:
    """A process that runs on, and its clock."""

    settings: Settings
    installed: Installed
    world: World
    clock: ManualClock

    async def read(self, *, plain: bool = True) -> httpx2.Response:
        """Read the secret as a client does."""
        query = {"workspaceId": self.installed.project.id, "environment": "dev"}
        bearer = {"authorization": f"Bearer {self.installed.admin_token.reveal()}"}
        transport = httpx2.ASGITransport(build_api(self.world, version="0"))
        async with httpx2.AsyncClient(transport=transport, base_url="https://it.example") as http:
            more = {} if plain else {"x": "no plain read has this"}
            return await http.get(READS, params=query | more, headers=bearer)

    async def rotate_beside(self) -> None:
        """Rotate the root key as another process does, beside this one."""
        outside = Outside(self.clock)
        keys = root_keys(self.settings, outside)
        store = await visit_store(self.settings)
        try:
            old = await keys.in_force(store)
            new, keyring = await keys.prepare(old), Keyring(old.key, outside.chance.random_bytes)
            beside = replace(self.world, store=store)
            await rewrap_data_keys(beside, partial(keyring.rewrapped, under=new))
            keys.install(old)
        finally:
            await store.aclose()


@asynccontextmanager
async def serving(settings: Settings, installed: Installed) -> AsyncIterator[Server]:
    """Open an installation, and give it one secret."""
    clock = ManualClock(START)
    async with opened(settings, Outside(clock)) as world:
        await create_secret(world, await administrator(world), PLACE, "KEY", Sensitive(MARK))
        yield Server(settings, installed, world, clock)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Installed]:
    """Set up an installation on SQLite, once: the schema takes longer than most tests."""
    it = Settings(data_dir=tmp_path_factory.mktemp("made") / "data", database_url=None)
    return it.data_dir, asyncio.run(initialise(it, Outside(ManualClock(START))))


@pytest.fixture
async def server(made: tuple[Path, Installed], tmp_path: Path) -> AsyncIterator[Server]:
    """Serve a copy of the installation."""
    settings = Settings(data_dir=copytree(made[0], tmp_path / "data"), database_url=None)
    async with serving(settings, made[1]) as it:
        yield it


@pytest.mark.parametrize("plain", [True, False], ids=["plain", "general"])
async def test_reads_go_on_after_a_rotation_by_another_process(
    server: Server, *, plain: bool
) -> None:
    """The first read that meets the new wrapping looks for the key, and is answered."""
    for _ in range(2):
        await server.rotate_beside()
        server.clock.advance(REREAD_S)
        answer = await server.read(plain=plain)
        assert answer.json()["secret"]["secretValue"] == MARK


async def test_a_project_made_after_a_rotation_opens_at_the_next_start(server: Server) -> None:
    """Its data key is wrapped by the root key in force, whatever this process had before."""
    await server.rotate_beside()
    caller = await administrator(server.world)
    made = await create_project(server.world, caller, "Another")
    fresh = Keyring(read_root_key(server.settings.key_file), bytes)
    fresh.seal(made.project.data_key, made.project.id, "a place", Sensitive(""))


@pytest.mark.parametrize("plain", [True, False], ids=["plain", "general"])
async def test_a_root_key_that_is_not_there_is_told(server: Server, *, plain: bool) -> None:
    """Until it is, reads are answered with what is missing, and when to ask again."""
    old = server.settings.key_file.read_bytes()
    await server.rotate_beside()
    new = server.settings.key_file.read_bytes()
    server.settings.key_file.write_bytes(old)
    answer = await server.read(plain=plain)
    assert answer.status_code == 503
    assert "wrapped by a root key that this process does not have" in answer.json()["message"]
    assert answer.headers["retry-after"] == "5"
    server.settings.key_file.write_bytes(new)
    server.clock.advance(REREAD_S)
    assert (await server.read(plain=plain)).status_code == 200


async def test_the_place_is_looked_at_every_few_seconds_only(server: Server) -> None:
    """However many reads fail, the file, or the KMS behind it, is left alone meanwhile."""
    old = server.settings.key_file.read_bytes()
    await server.rotate_beside()
    new = server.settings.key_file.read_bytes()
    server.settings.key_file.write_bytes(old)
    caller = await administrator(server.world)
    with pytest.raises(RootKeyUnknown):
        await read_secret(server.world, caller, PLACE, "KEY")
    server.settings.key_file.write_bytes(new)
    server.clock.advance(REREAD_S - 1)
    with pytest.raises(RootKeyUnknown):
        await read_secret(server.world, caller, PLACE, "KEY")
    server.clock.advance(1)
    assert (await read_secret(server.world, caller, PLACE, "KEY")).value.reveal() == MARK


async def test_a_place_that_cannot_be_read_is_no_other_error(server: Server) -> None:
    """A file that is gone is told in the log; the reader is told what it lacks."""
    await server.rotate_beside()
    server.settings.key_file.unlink()
    answer = await server.read()
    assert answer.status_code == 503


def test_a_place_that_does_not_answer_holds_nobody_up() -> None:
    """A look goes on beside the event loop; once it is over, what it found is tried."""
    answer, clock = Event(), ManualClock(datetime(2026, 3, 1, tzinfo=UTC))
    looks: list[bytes] = []

    def look() -> list[bytes]:
        looks.append(b"one more")
        answer.wait()
        return looks

    again = Rereading(look, clock, wait_s=0)
    for _ in range(3):
        assert again() == ()
        clock.advance(REREAD_S)
    answer.set()
    while not (found := again()):
        pass
    assert found == [b"one more"]


async def test_servers_on_one_postgresql_follow(database: Sensitive, tmp_path: Path) -> None:
    """The command itself, beside two servers that run on: both go on reading and writing."""
    fields = {"data_dir": tmp_path / "data", "database_url": database.reveal()}
    settings = Settings.model_validate(fields)
    installed = await initialise(settings, Outside(ManualClock(START)))
    async with serving(settings, installed) as first, opened(settings) as second:
        await rotate_root_key(settings, plan=False)
        assert (await first.read()).json()["secret"]["secretValue"] == MARK
        caller = await administrator(second)
        assert (await read_secret(second, caller, PLACE, "KEY")).value.reveal() == MARK
        await create_secret(second, caller, PLACE, "NEW", Sensitive("new"))
