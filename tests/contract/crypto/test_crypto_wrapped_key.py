"""A wrapped root key: written and read back, told from one in clear, opened once."""

from pathlib import Path

import pytest

from keyturn.adapters.crypto import (
    PerhapsWrapped,
    RootKeyUnusable,
    WrappedKey,
    find_prepared,
    find_wrapped,
    install_root_key,
    prepare_root_key,
    read_root_key,
    write_root_key,
)
from keyturn.adapters.system import SystemClock

KEY, NEXT = bytes(range(32)), bytes(32)


class Turner:
    """A key management service that turns bytes around, and counts what it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def wrap(self, key: bytes, kms_key: str, installation: str) -> WrappedKey:
        """Wrap a key."""
        return WrappedKey(kms_key, installation, b"turned" + key[::-1])

    def unwrap(self, wrapped: WrappedKey) -> bytes:
        """Unwrap a key."""
        self.asked += 1
        return wrapped.sealed.removeprefix(b"turned")[::-1]


def form_of(kms: Turner, kms_key: str | None = "aws:key") -> PerhapsWrapped:
    """Write root keys wrapped, for the installation "ours"."""
    return PerhapsWrapped(kms, kms_key, lambda: "ours")


def test_a_wrapped_key_is_read_back_and_opened_once(tmp_path: Path) -> None:
    """The file tells by what it opens; the service is not asked for the same twice."""
    kms, path = Turner(), tmp_path / "root.key"
    form = form_of(kms)
    write_root_key(path, KEY, form=form)
    assert find_wrapped(path) == WrappedKey("aws:key", "ours", b"turned" + KEY[::-1])
    assert [read_root_key(path, form=form) for _ in range(3)] == [KEY] * 3
    assert kms.asked == 1


def test_a_form_reads_what_lies_in_clear(tmp_path: Path) -> None:
    """A file from before the service is as good, and so is one after it."""
    path, kms = tmp_path / "root.key", Turner()
    write_root_key(path, KEY)
    assert read_root_key(path, form=form_of(kms)) == KEY
    assert find_wrapped(path) is None
    prepare_root_key(path, NEXT, form=form_of(kms))
    assert find_prepared(path, form=form_of(kms, None)) == NEXT
    install_root_key(path, SystemClock().now())
    assert read_root_key(path, form=form_of(kms, None)) == NEXT


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[1]",
        "{",
        '{"format": "another"}',
        '{"format": "keyturn wrapped root key 1"}',
        '{"format": "keyturn wrapped root key 1", "sealed": 3, "kmsKey": "", "installation": ""}',
        '{"format": "keyturn wrapped root key 1", "sealed": "é", "kmsKey": "", "installation": ""}',
    ],
)
def test_what_is_no_wrapped_key_is_refused(tmp_path: Path, text: str) -> None:
    """Nobody is asked to open it."""
    path, kms = tmp_path / "root.key", Turner()
    path.touch(0o600)
    path.write_text(text)
    with pytest.raises(RootKeyUnusable, match="does not hold a root key"):
        read_root_key(path, form=form_of(kms))
    assert kms.asked == 0


def test_what_a_service_opens_is_a_root_key_or_nothing(tmp_path: Path) -> None:
    """Another length than 32 bytes is none, whoever says so."""
    path = tmp_path / "root.key"
    path.touch(0o600)
    path.write_bytes(WrappedKey("aws:key", "ours", b"short").render())
    with pytest.raises(RootKeyUnusable, match="does not hold a root key"):
        read_root_key(path, form=form_of(Turner()))


def test_a_wrapped_key_is_its_owners_as_well(tmp_path: Path) -> None:
    """Who may read the file may ask the service for the same."""
    path = tmp_path / "root.key"
    write_root_key(path, KEY, form=form_of(Turner()))
    path.chmod(0o644)
    with pytest.raises(RootKeyUnusable, match="chmod 600"):
        read_root_key(path, form=form_of(Turner()))
