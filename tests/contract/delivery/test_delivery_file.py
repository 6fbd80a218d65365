"""Secrets in a file: whole, private, and only where the operator wants them."""

import json
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from delivery_kit import errand

from keyturn.adapters.delivery import KindCarriers
from keyturn.domain.destination_kinds import Kind
from keyturn.domain.errors import DestinationRefused, Fenced, InvalidInput

VALUES = {"A": "canary 'one'", "B": "x=1"}


def carrier(folder: Path | None) -> KindCarriers:
    """Return what writes below a folder, and reaches nobody."""
    return KindCarriers(
        lambda ca: httpx2.MockTransport(lambda _: httpx2.Response(500)), folder=folder
    )


async def write(folder: Path, name: str = "web/app.json", **settings: str) -> Path:
    """Bring the values to a file."""
    settings = {"path": name} | settings
    await carrier(folder).deliver(Kind.FILE, errand(settings, {}, VALUES))
    return folder / name


async def test_the_file_is_whole_and_for_its_owner_alone(tmp_path: Path) -> None:
    """It holds all names with their values, and nothing is left beside it."""
    path = await write(tmp_path)
    assert json.loads(path.read_text()) == VALUES
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["app.json"]


async def test_dotenv_quotes_where_it_must(tmp_path: Path) -> None:
    """Bare where that is safe, in single quotes, or in double quotes with escapes."""
    path = await write(tmp_path, "app.env", format="dotenv")
    assert path.read_text() == "A=\"canary 'one'\"\nB=x=1\n"


async def test_a_file_that_has_it_already_is_left_alone(tmp_path: Path) -> None:
    """Bringing the same again changes nothing; another mode is put right."""
    path = await write(tmp_path)
    before = path.stat()
    await write(tmp_path)
    assert path.stat().st_ino == before.st_ino
    path.chmod(0o644)
    await write(tmp_path)
    assert path.stat().st_mode & 0o777 == 0o600


async def test_without_a_folder_there_are_no_files() -> None:
    """The operator has to name one first."""
    with pytest.raises(InvalidInput, match="KEYTURN_DELIVERY_DIR"):
        carrier(None).check(Kind.FILE, {"path": "app.json"})


async def test_a_link_leads_nowhere_else(tmp_path: Path) -> None:
    """A path that leaves the folder by a link is refused when it is used, too."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "out").symlink_to(tmp_path)
    with pytest.raises(InvalidInput, match="below the folder"):
        await write(folder, "out/app.json")


async def test_a_folder_that_cannot_be_written_needs_somebody(tmp_path: Path) -> None:
    """The refusal says where to look, and shows no value."""
    (tmp_path / "web").write_text("")
    with pytest.raises(DestinationRefused, match="KEYTURN_DELIVERY_DIR") as told:
        await write(tmp_path)
    assert "canary" not in told.value.message


async def test_who_no_longer_holds_it_writes_nothing(tmp_path: Path) -> None:
    """The lease is looked at right before the file takes its place."""

    def lost() -> None:
        raise Fenced

    late = replace(errand({"path": "app.json"}, {}, VALUES), still_held=lost)
    with pytest.raises(Fenced):
        await carrier(tmp_path).deliver(Kind.FILE, late)
    assert list(tmp_path.iterdir()) == []
