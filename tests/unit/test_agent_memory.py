"""What an agent remembers is sealed, for its owner alone, and opened by its key alone."""

import base64
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from keyturn.client.agent.config import CacheTable
from keyturn.client.agent.memory import BadKey, Memory, Record, SealedFile, age_told, open_file

AT = datetime(2026, 1, 1, tzinfo=UTC)
KEY = base64.b64encode(bytes(range(32))).decode()


def cache(folder: Path, key: str = "file") -> CacheTable:
    """Return the config of a cache."""
    kept = {"file": folder / "key"} if key == "file" else {"env": "KEY"}
    return CacheTable.model_validate({"file": folder / "cache", "key": kept})


def kept(memory: Memory) -> str:
    """Return the tag that is remembered."""
    record = memory.find("job")
    return record.tag if record else ""


def test_a_key_is_made_once_for_its_owner(tmp_path: Path) -> None:
    """The second start finds what the first sealed."""
    first = Memory(open_file(cache(tmp_path), {}), pytest.fail)
    first.keep("job", Record(secrets=(), tag="marked", as_of=AT))
    modes = {stat.S_IMODE((tmp_path / each).stat().st_mode) for each in ("key", "cache")}
    second = Memory(open_file(cache(tmp_path), {}), pytest.fail)
    second.load()
    assert (kept(second), modes) == ("marked", {0o600})
    assert b"marked" not in (tmp_path / "cache").read_bytes()


def test_a_key_may_be_in_the_environment(tmp_path: Path) -> None:
    """Then no file of it is made."""
    Memory(open_file(cache(tmp_path, "env"), {"KEY": KEY}), pytest.fail)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("key", ["c2hvcnQ=", "no key", "é"])
def test_what_is_no_key_is_refused(tmp_path: Path, key: str) -> None:
    """By its length or its form, and without repeating it."""
    with pytest.raises(BadKey) as caught:
        open_file(cache(tmp_path, "env"), {"KEY": key})
    assert key not in str(caught.value)


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    """It protects nothing."""
    file = tmp_path / "key"
    file.write_text(KEY)
    file.chmod(0o640)
    with pytest.raises(BadKey, match="chmod 600"):
        open_file(cache(tmp_path), {})


@pytest.mark.parametrize("text", [b"", b"x", b"AAAA", base64.b64encode(bytes(100))])
def test_what_another_key_sealed_is_left_out(tmp_path: Path, text: bytes) -> None:
    """It is told, and is as if it were not there."""
    (tmp_path / "cache").write_bytes(text)
    said: list[str] = []
    memory = Memory(SealedFile(tmp_path / "cache", bytes(32)), said.append)
    memory.load()
    assert (kept(memory), "cannot be opened" in said[0]) == ("", True)


def test_a_disk_that_is_full_stops_nothing(tmp_path: Path) -> None:
    """What cannot be written is told, and remembered for as long as the process lives."""
    said: list[str] = []
    memory = Memory(SealedFile(tmp_path / "none" / "cache", bytes(32)), said.append)
    memory.keep("job", Record(secrets=(), tag="t", as_of=AT))
    assert (kept(memory), said) == (
        "t",
        ["The cache cannot be written: No such file or directory."],
    )


def test_what_the_config_has_no_more_is_forgotten(tmp_path: Path) -> None:
    """At the next write nothing of it is in the file."""
    memory = Memory(None, pytest.fail)
    memory.keep("job", Record(secrets=(), tag="t", as_of=AT))
    memory.forget_others(frozenset({"other"}))
    assert kept(memory) == ""


@pytest.mark.parametrize(
    ("seconds", "told"), [(0, "0 s"), (61, "1 min 1 s"), (90_000, "1 d 1 h"), (-5, "0 s")]
)
def test_an_age_is_told_in_two_units(seconds: int, told: str) -> None:
    """The greatest two; a clock that was set back makes nothing younger than new."""
    assert age_told(AT, AT + timedelta(seconds=seconds)) == told
