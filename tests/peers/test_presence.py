"""Without Node the peers are skipped on somebody's machine, and a failure in CI."""

from pathlib import Path

import pytest
from peer_kit import REQUIRED, absence, leave_out


@pytest.fixture
def search(tmp_path: Path) -> str:
    """Give a PATH on which there is a node."""
    node = tmp_path / "bin" / "node"
    node.parent.mkdir()
    node.touch(mode=0o755)
    return str(node.parent)


def test_a_missing_node_is_named(tmp_path: Path) -> None:
    """Whoever has no Node is told so, whether the clients are there or not."""
    (tmp_path / "node_modules").mkdir()
    assert "Node 18" in str(absence(tmp_path, str(tmp_path)))


def test_missing_clients_are_named(tmp_path: Path, search: str) -> None:
    """Whoever has Node is told how to install the clients, until they are there."""
    assert "make peers" in str(absence(tmp_path, search))
    (tmp_path / "node_modules").mkdir()
    assert absence(tmp_path, search) is None


def test_what_is_missing_skips_or_fails() -> None:
    """Where the peers are required, a reason to skip is a reason to fail."""
    with pytest.raises(pytest.skip.Exception, match="no node"):
        leave_out("no node", {})
    with pytest.raises(pytest.fail.Exception, match="no node"):
        leave_out("no node", {REQUIRED: "1"})
