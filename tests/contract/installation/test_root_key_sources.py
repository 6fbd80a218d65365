"""The root key in the environment, in a file, or wrapped in one by AWS KMS: opened, moved, lost."""

import base64
import json
import sys
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pydantic import ValidationError
from root_key_kit import (
    MARK,
    Died,
    Dying,
    assert_whole,
    aws_kms,
    new_kms_key,
    project_of,
    sealed_in,
)

from keyturn.adapters.crypto import Opener, RootKeyUnusable, WrappedKey, read_root_key
from keyturn.bootstrap.keeping import back_up, find_root_key, restore, rotate_root_key
from keyturn.bootstrap.opening import Outside, initialise, opened
from keyturn.cli.main import cli
from keyturn.domain.errors import Refused
from keyturn.domain.sensitive import Sensitive
from keyturn.settings import Settings

pytestmark = pytest.mark.slow

FIRST, SECOND = (base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2))
KEY = Opener("key file", Sensitive(base64.b64encode(bytes(range(32))).decode()))
SOURCES = ("file", "environment", "kms")

From = Callable[..., Settings]


@pytest.fixture
def kms(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Stand in for AWS KMS."""
    with aws_kms(monkeypatch) as client:
        yield client


@pytest.fixture
def settings_of(kms: Any, tmp_path: Path) -> From:  # noqa: ANN401  boto3 has no types
    """Make settings that want the root key at a source; later ones want another key."""
    wanted = {
        "file": ({}, {}),
        "environment": ({"root_key": FIRST}, {"root_key": SECOND}),
        "kms": ({"kms_key": new_kms_key(kms)}, {"kms_key": new_kms_key(kms)}),
    }

    def made(source: str, later: bool = False, **more: object) -> Settings:  # noqa: FBT001, FBT002
        fields = {"data_dir": tmp_path / "data", "database_url": None, **wanted[source][later]}
        return Settings.model_validate(fields | more)

    return made


def moving(settings_of: From, source: str, target: str) -> Settings:
    """Return settings under which a root key is moved from one source to another."""
    old = {"old_root_key": FIRST} if source == "environment" else {}
    return settings_of(target, later=True, **old)


def on_disk(settings: Settings) -> bytes:
    """Return everything that lies in the data directory."""
    return b"".join(each.read_bytes() for each in settings.data_dir.iterdir())


@pytest.mark.parametrize("source", SOURCES)
async def test_an_installation_opens_by_each_source(settings_of: From, source: str) -> None:
    """Values sealed under it open after the next start, and the settings have what they want."""
    settings = settings_of(source)
    await initialise(settings)
    await assert_whole(settings, await sealed_in(settings))
    place = await find_root_key(settings)
    assert (place.source, place.advice) == (
        "environment" if source == "environment" else "file",
        "",
    )
    assert (place.wrapped is not None) == (source == "kms")


@pytest.mark.slow
@pytest.mark.parametrize(("source", "target"), [*product(SOURCES, SOURCES)])
async def test_a_root_key_moves_from_each_source_to_each(
    settings_of: From, source: str, target: str
) -> None:
    """Values read as before; a file that it has left opens nothing any more."""
    first = settings_of(source)
    await initialise(first)
    sealed = await sealed_in(first)
    done = await rotate_root_key(moving(settings_of, source, target), plan=False)
    assert done.place.advice == ""
    assert (done.kept is None) == (source == "environment")
    after = settings_of(target, later=True)
    await assert_whole(after, sealed)
    assert (await find_root_key(after)).advice == ""
    if target == "environment":
        with pytest.raises((Refused, RootKeyUnusable), match="root key"):
            await assert_whole(first, sealed)


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True], ids=["before the commit", "after the commit"])
@pytest.mark.parametrize(("source", "target"), [*product(SOURCES, SOURCES)])
async def test_a_move_that_dies_leaves_an_installation_that_opens(
    settings_of: From, source: str, target: str, *, after: bool
) -> None:
    """Under the settings of the move it opens, by the old key or the new, and can be moved."""
    first, move = settings_of(source), moving(settings_of, source, target)
    await initialise(first)
    sealed = await sealed_in(first)
    with pytest.raises(Died):
        await rotate_root_key(
            move, Outside(wrap_store=lambda store: Dying(store, after)), plan=False
        )
    await assert_whole(move, sealed)
    if not (after and target == "environment"):
        await rotate_root_key(move, plan=False)
    await assert_whole(settings_of(target, later=True), sealed)


async def test_a_wrapped_key_is_not_on_the_disk(settings_of: From) -> None:
    """What lies there is the KMS's alone to open, and names the installation, the same for ever."""
    settings = settings_of("kms")
    await initialise(settings)
    wrapped = WrappedKey.parse(settings.key_file.read_bytes())
    assert wrapped
    assert wrapped.kms_key == settings.kms_key
    with pytest.raises(RootKeyUnusable, match="does not hold"):
        read_root_key(settings.key_file)
    await rotate_root_key(settings_of("kms", later=True), plan=False)
    again = WrappedKey.parse(settings.key_file.read_bytes())
    assert again
    assert again.kms_key != wrapped.kms_key
    assert again.installation == wrapped.installation


async def test_a_key_of_the_environment_is_never_on_the_disk(settings_of: From) -> None:
    """Neither set-up, rotation, backup nor restore writes it."""
    first, both = settings_of("environment"), moving(settings_of, "environment", "environment")
    await initialise(first)
    await rotate_root_key(both, plan=False)
    file = first.data_dir / "it.backup"
    await back_up(both, file, KEY)
    new = settings_of("environment", later=True, data_dir=first.data_dir.with_name("new"))
    await restore(new, file, KEY)
    written = on_disk(first) + on_disk(new)
    for key in (FIRST, SECOND):
        assert key.encode() not in written
        assert base64.b64decode(key) not in written


async def test_an_environment_without_another_key_is_not_rotated(settings_of: From) -> None:
    """A new key must be safe somewhere before it counts: the refusal says where to put it."""
    settings = settings_of("environment")
    await initialise(settings)
    with pytest.raises(Refused, match="KEYTURN_OLD_ROOT_KEY") as refused:
        await rotate_root_key(settings, plan=False)
    assert FIRST not in str(refused.value)
    async with opened(settings):
        pass


async def test_an_old_key_in_the_environment_serves_until_the_rotation(settings_of: From) -> None:
    """Every process can have both keys before anything is rewrapped."""
    await initialise(settings_of("environment"))
    both = moving(settings_of, "environment", "environment")
    place = await find_root_key(both)
    assert place.source == "environment, the old one"
    assert "rotate-root" in place.advice
    async with opened(both):
        pass


async def test_a_file_that_was_left_behind_is_told(settings_of: From) -> None:
    """A move that died at its end leaves the old file, which opens nothing any more."""
    first, move = settings_of("file"), moving(settings_of, "file", "environment")
    await initialise(first)
    with pytest.raises(Died):
        await rotate_root_key(
            move, Outside(wrap_store=lambda store: Dying(store, after=True)), plan=False
        )
    assert (await find_root_key(move)).advice == f"{first.key_file} is not in force: put it away."


@pytest.mark.parametrize("source", SOURCES)
async def test_a_backup_holds_the_root_key_of_each_source(
    settings_of: From, source: str, tmp_path: Path
) -> None:
    """It is restored under the same source on a new machine, and a value opens."""
    settings = settings_of(source)
    await initialise(settings)
    sealed = await sealed_in(settings)
    await back_up(settings, tmp_path / "it.backup", KEY)
    new = settings_of(source, data_dir=tmp_path / "new")
    await restore(new, tmp_path / "it.backup", KEY)
    await assert_whole(new, sealed)
    assert new.key_file.exists() == (source != "environment")


async def test_a_backup_is_not_restored_under_another_key_of_the_environment(
    settings_of: From, tmp_path: Path
) -> None:
    """Nothing is written where the environment's key would not open it."""
    await initialise(settings_of("file"))
    await back_up(settings_of("file"), tmp_path / "it.backup", KEY)
    new = settings_of("environment", data_dir=tmp_path / "new")
    with pytest.raises(Refused, match="KEYTURN_ROOT_KEY is not"):
        await restore(new, tmp_path / "it.backup", KEY)
    assert not new.data_dir.exists()


async def test_a_kms_that_is_away_stops_no_reads(kms: Any, settings_of: From) -> None:  # noqa: ANN401
    """It is asked once, at the start; at the next start its refusal is told, and what to do."""
    settings = settings_of("kms")
    await initialise(settings)
    sealed = await sealed_in(settings)
    async with opened(settings) as world:
        kms.meta.events.register_first("before-send.kms", lambda **_: 1 / 0)  # nobody asks
        forget_keys()
        project = await project_of(world)
        value = world.vault.open(project.data_key, project.id, "version/v-1/value", sealed)
        assert value.reveal() == MARK
    with pytest.raises(RootKeyUnusable, match=r"\(NotFoundException\): look whether the key"):
        async with opened(settings):
            pass


def forget_keys() -> None:
    """Let the KMS have no key any more."""
    from moto.backends import get_backend

    get_backend("kms").reset()


async def test_a_key_of_another_installation_stays_shut(settings_of: From) -> None:
    """The name of the installation is bound to the wrapped key."""
    settings = settings_of("kms")
    await initialise(settings)
    text = settings.key_file.read_text()
    told = json.loads(text)
    settings.key_file.write_text(text.replace(told["installation"], "another"))
    with pytest.raises(RootKeyUnusable, match=r"\(InvalidCiphertextException\)") as refused:
        async with opened(settings):
            pass
    assert told["sealed"] not in str(refused.value)


async def test_a_kms_out_of_reach_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody answers at the start, the error says so, and nothing was made."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "nobody")
    arn = "aws:arn:aws:kms:eu-west-1:123456789012:key/1"
    settings = Settings(data_dir=tmp_path / "data", database_url=None, kms_key=arn)
    with pytest.raises(RootKeyUnusable, match=r"\(EndpointConnectionError\): look at the network"):
        await initialise(settings)
    assert not settings.database_file.exists()


async def test_a_machine_without_boto3_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The extra is named, and nothing was made."""
    monkeypatch.setitem(sys.modules, "boto3", None)
    settings = Settings(data_dir=tmp_path / "data", database_url=None, kms_key="aws:alias/x")
    with pytest.raises(RootKeyUnusable, match=r"pip install '\.\[aws\]'"):
        await initialise(settings)
    assert not settings.database_file.exists()


@pytest.mark.parametrize("text", ["marked", "marked!" * 9, base64.b64encode(bytes(31)).decode()])
async def test_what_is_no_key_is_refused_and_not_shown(tmp_path: Path, text: str) -> None:
    """A variable that holds something else is named, without a word of what it holds."""
    settings = Settings(data_dir=tmp_path / "data", database_url=None, root_key=text)
    with pytest.raises(RootKeyUnusable, match="KEYTURN_ROOT_KEY does not hold") as refused:
        await initialise(settings)
    assert text not in str(refused.value)
    assert not settings.data_dir.exists()


@pytest.mark.parametrize("fields", [{"root_key": FIRST, "kms_key": "aws:x"}, {"kms_key": "gcp:x"}])
def test_settings_that_contradict_are_refused(fields: dict[str, str]) -> None:
    """A key that is in the environment is not wrapped, and only AWS wraps any."""
    with pytest.raises(ValidationError, match=r"KMS_KEY|kms_key"):
        Settings.model_validate(fields)


def keyturn(settings: Settings, *words: str) -> dict[str, Any]:
    """Run a command on an installation under the settings' root key; return its JSON."""
    env = {"KEYTURN_DATA_DIR": str(settings.data_dir), "KEYTURN_KMS_KEY": settings.kms_key or ""}
    for name in ("root_key", "old_root_key"):
        value = getattr(settings, name)
        env[f"KEYTURN_{name.upper()}"] = value.get_secret_value() if value else ""
    done = CliRunner(env=env).invoke(cli, [*words, "--json"])
    assert done.exit_code == 0, done.output
    assert not any(key in done.output for key in (FIRST, SECOND))
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_the_commands_tell_the_place_and_not_the_key(settings_of: From) -> None:
    """Before, while and after it is moved, they say where it is and what is wanted."""
    env, move = settings_of("environment"), moving(settings_of, "environment", "kms")
    keyturn(env, "init")
    assert keyturn(env, "keys", "show")["advice"] is None
    shown = keyturn(move, "keys", "show")
    assert (shown["source"], shown["kmsKey"]) == ("environment, the old one", None)
    assert "rotate-root" in shown["advice"]
    planned = keyturn(move, "keys", "rotate-root", "--plan")
    assert (planned["rotated"], planned["dataKeys"]) == (False, 2)
    done = keyturn(move, "keys", "rotate-root")
    assert (done["rootKeyFile"], done["kmsKey"]) == (str(move.key_file), move.kms_key)
    assert keyturn(settings_of("kms", later=True), "keys", "show")["installation"]
