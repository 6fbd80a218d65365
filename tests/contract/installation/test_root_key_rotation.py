"""A new root key: whenever its making dies, the installation opens, and reads as before."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from root_key_kit import Died, Dying, administrator, assert_whole, project_of, sealed_in

from keyturn.adapters.crypto import (
    Keyring,
    RootKeyUnusable,
    install_root_key,
    prepare_root_key,
    read_root_key,
)
from keyturn.bootstrap.keeping import rotate_root_key
from keyturn.bootstrap.opening import Outside, initialise, opened
from keyturn.cli.main import cli
from keyturn.domain.errors import Refused, RootKeyUnknown
from keyturn.services.environments import create_project
from keyturn.settings import Settings

pytestmark = pytest.mark.slow


@pytest.fixture(params=["sqlite", "postgres"])
async def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Set up an installation on each database."""
    url = request.getfixturevalue("database").reveal() if request.param == "postgres" else None
    it = Settings.model_validate({"data_dir": tmp_path / "data", "database_url": url})
    await initialise(it)
    return it


def kept(settings: Settings) -> list[Path]:
    """List the old root keys that are kept."""
    return sorted(settings.data_dir.glob("root.key.old-*"))


async def test_values_read_as_before(settings: Settings) -> None:
    """The key is another, the sealed value is not touched and opens, the old key is kept."""
    sealed, old = await sealed_in(settings), read_root_key(settings.key_file)
    done = await rotate_root_key(settings, plan=False)
    assert read_root_key(settings.key_file) != old
    assert done.data_keys == 2
    assert [read_root_key(file) for file in kept(settings)] == [old]
    assert done.kept == kept(settings)[0]
    await assert_whole(settings, sealed)
    async with opened(settings) as world, world.store.reading() as tx:
        [*_, entry] = await tx.list_audit()
    assert (entry.attempt.actor, entry.attempt.verb) == ("operator", "root-key:rotate")


async def test_it_can_be_rotated_again_and_again(settings: Settings) -> None:
    """Every old key is kept under a name of its own, within one second too."""
    sealed = await sealed_in(settings)
    for _ in range(3):
        await rotate_root_key(settings, plan=False)
    assert len({read_root_key(file) for file in kept(settings)}) == 3
    await assert_whole(settings, sealed)


async def test_a_plan_changes_nothing(settings: Settings) -> None:
    """Asked for a plan, it counts the data keys and makes no file."""
    before = settings.key_file.read_bytes()
    assert (await rotate_root_key(settings, plan=True)).data_keys == 2
    assert settings.key_file.read_bytes() == before
    assert not [*settings.data_dir.glob("root.key?*")]


async def test_the_old_key_is_forgotten_when_asked(settings: Settings) -> None:
    """No old key is left with --forget-old."""
    await rotate_root_key(settings, plan=False, forget_old=True)
    assert kept(settings) == []
    async with opened(settings):
        pass


@pytest.mark.parametrize("after", [False, True], ids=["before the commit", "after the commit"])
async def test_death_at_the_commit(settings: Settings, after: bool) -> None:  # noqa: FBT001
    """It opens with the old key or with the new one, and the next rotation goes through."""
    sealed, old = await sealed_in(settings), read_root_key(settings.key_file)
    with pytest.raises(Died):
        await rotate_root_key(
            settings, Outside(wrap_store=lambda store: Dying(store, after)), plan=False
        )
    assert read_root_key(settings.key_file) == old
    await assert_whole(settings, sealed)
    assert (read_root_key(settings.key_file) != old) == after
    assert len(kept(settings)) == after
    await rotate_root_key(settings, plan=False)
    await assert_whole(settings, sealed)
    assert not settings.data_dir.joinpath("root.key.new").exists()


async def test_death_between_keeping_the_old_and_the_new(settings: Settings) -> None:
    """Where the old key has its second name and the new one not yet its first, it is finished."""
    sealed = await sealed_in(settings)
    with pytest.raises(Died):
        await rotate_root_key(
            settings, Outside(wrap_store=lambda store: Dying(store, after=True)), plan=False
        )
    os.link(settings.key_file, settings.data_dir / "root.key.old-20260101T000000Z")
    await assert_whole(settings, sealed)


async def test_death_after_the_key_was_written_only(settings: Settings) -> None:
    """A key that was prepared and never used is used by the next rotation."""
    sealed, prepared = await sealed_in(settings), bytes(range(32))
    prepare_root_key(settings.key_file, prepared)
    await assert_whole(settings, sealed)
    await rotate_root_key(settings, plan=False)
    assert read_root_key(settings.key_file) == prepared
    await assert_whole(settings, sealed)


async def test_a_key_that_is_neither_is_refused(settings: Settings) -> None:
    """With a wrong key in force and another wrong one prepared nothing is swapped or changed."""
    settings.key_file.unlink()
    for key in (bytes(32), bytes(range(32))):
        prepare_root_key(settings.key_file, key)
        settings.key_file.exists() or install(settings)
    with pytest.raises(Refused, match="root key"):
        await rotate_root_key(settings, plan=False)
    assert read_root_key(settings.key_file) == bytes(32)


def install(settings: Settings) -> None:
    """Put the prepared key in force where none is."""
    settings.data_dir.joinpath("root.key.new").rename(settings.key_file)


async def test_a_folder_that_cannot_be_written_changes_nothing(settings: Settings) -> None:
    """Where the new key has no place, no data key is rewrapped."""
    settings.data_dir.joinpath("root.key.new").mkdir()
    with pytest.raises(RootKeyUnusable):
        await rotate_root_key(settings, plan=False)
    settings.data_dir.joinpath("root.key.new").rmdir()
    async with opened(settings):
        pass


def test_two_finish_the_same_rotation(tmp_path: Path) -> None:
    """Who comes second finds it done, and takes nothing for the old key."""
    prepare_root_key(tmp_path / "root.key", bytes(32))
    install_first = tmp_path / "root.key.new"
    install_first.rename(tmp_path / "root.key")
    prepare_root_key(tmp_path / "root.key", bytes(range(32)))
    at = Outside().clock.now()
    assert install_root_key(tmp_path / "root.key", at)
    assert install_root_key(tmp_path / "root.key", at) is None


async def test_a_server_with_the_old_key_makes_no_project(settings: Settings) -> None:
    """What it would wrap could never be opened again: it refuses, and says what it lacks."""
    stale = Keyring(read_root_key(settings.key_file), os.urandom)
    await rotate_root_key(settings, plan=False)
    async with opened(settings) as world:
        caller = await administrator(world)
        with pytest.raises(RootKeyUnknown, match="root key"):
            await create_project(replace(world, vault=stale), caller, "Another")
        assert await project_of(world)
        await create_project(world, caller, "Another")


def test_no_key_is_ever_printed(tmp_path: Path) -> None:
    """Neither the old nor the new root key is in any output of the command."""
    where = ["--data-dir", str(tmp_path / "data"), "--json"]
    runner = CliRunner()
    assert runner.invoke(cli, ["init", *where]).exit_code == 0
    told = [runner.invoke(cli, ["keys", "rotate-root", *where, *more]) for more in ([], ["--plan"])]
    assert [each.exit_code for each in told] == [0, 0]
    document = json.loads(told[0].stdout)
    assert document["dataKeys"] == 2
    printed = "".join(each.output for each in told)
    for file in (tmp_path / "data" / "root.key", Path(document["oldRootKeyFile"])):
        assert file.read_text().strip() not in printed
        assert read_root_key(file).hex() not in printed
