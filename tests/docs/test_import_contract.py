"""The import contract refuses what it says it refuses: each rule is broken once and must notice.

The contract is the one in pyproject.toml; the house it judges here is a tiny one with the same
rooms, because a contract that never failed may as well not be there.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINT = Path(sys.executable).with_name("lint-imports")
ROOMS = [
    "adapters",
    "adapters.okta",
    "adapters.storage",
    "api",
    "bootstrap",
    "cli",
    "client",
    "domain",
    "formats",
    "jose",
    "network",
    "sandbox",
    "services",
    "settings",
    "testing",
    "web",
    "wire",
]
ALLOWED = {
    "cli": "import keyturn.bootstrap",
    "bootstrap": "import keyturn.adapters.okta, keyturn.adapters.storage, keyturn.api",
    "adapters.okta": "import keyturn.jose, keyturn.network, keyturn.services",
    "api": "import keyturn.services, keyturn.wire, fastapi, pydantic",
    "adapters.storage": "import keyturn.services, sqlalchemy",
    "client": "import keyturn.formats, keyturn.wire, httpx2",
    "jose": "import keyturn.domain, keyturn.services",
    "network": "import keyturn.domain",
    "sandbox": "import fastapi, keyturn.sandbox",
    "web": "import keyturn.services, starlette",
    "services": "import keyturn.domain, keyturn.formats",
    "domain": "import dataclasses, datetime, hashlib",
}
FORBIDDEN = [
    ("domain", "import keyturn.services"),
    ("domain", "import keyturn.wire"),
    ("domain", "import asyncio"),
    ("domain", "from os import path"),
    ("domain", "from time import monotonic"),
    ("domain", "def draw():\n    import random"),
    ("domain", "import logging"),
    ("domain", "from http.client import HTTPConnection"),
    ("domain", "import httpx2"),
    ("domain", "import sqlalchemy.ext.asyncio"),
    ("domain", "import pydantic"),
    ("services", "import keyturn.adapters.okta"),
    ("services", "import sqlalchemy"),
    ("services", "import time"),
    ("formats", "import keyturn.domain"),
    ("formats", "import keyturn.wire"),
    ("wire", "import keyturn.domain"),
    ("api", "import keyturn.adapters"),
    ("web", "import keyturn.api"),
    ("web", "import keyturn.client"),
    ("adapters.okta", "import keyturn.adapters.storage"),
    ("adapters.okta", "import keyturn.settings"),
    ("jose", "import keyturn.adapters.okta"),
    ("jose", "import keyturn.network"),
    ("network", "import keyturn.adapters.okta"),
    ("network", "import keyturn.jose"),
    ("services", "import keyturn.jose"),
    ("services", "import keyturn.network"),
    ("client", "import keyturn.services"),
    ("client", "import keyturn.domain"),
    ("client", "import keyturn.jose"),
    ("sandbox", "import keyturn.domain"),
    ("sandbox", "import keyturn.wire"),
    ("testing", "import keyturn.sandbox"),
    ("bootstrap", "import keyturn.cli"),
    ("undeclared", "x = 1"),
]


def build(folder: Path, rooms: dict[str, str]) -> None:
    """Write a house of the given rooms, each with its one piece of code."""
    for room, code in {"": "", **rooms}.items():
        path = folder.joinpath("keyturn", *filter(None, room.split(".")))
        path.mkdir(parents=True, exist_ok=True)
        (path / "__init__.py").write_text(f"{code}\n")


def verdict(folder: Path) -> subprocess.CompletedProcess[str]:
    """Hold the contract of this repository against a house."""
    command = [LINT, "--no-logo", "--no-cache", "--config", ROOT / "pyproject.toml"]
    env = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(command, cwd=folder, env=env, check=False, text=True, capture_output=True)


def test_a_house_in_order_is_accepted(tmp_path: Path) -> None:
    """What the rooms need of each other is allowed."""
    build(tmp_path, {**dict.fromkeys(ROOMS, ""), **ALLOWED})
    run = verdict(tmp_path)
    assert run.returncode == 0, run.stdout
    assert "0 broken" in run.stdout


@pytest.mark.slow
@pytest.mark.parametrize(("room", "code"), FORBIDDEN)
def test_a_forbidden_import_is_refused(tmp_path: Path, room: str, code: str) -> None:
    """Each rule of the contract fails when it is broken, and a room without a place is refused."""
    build(tmp_path, {**dict.fromkeys(ROOMS, ""), **ALLOWED, room: code})
    run = verdict(tmp_path)
    assert run.returncode == 1
    assert "1 broken" in run.stdout or "2 broken" in run.stdout


@pytest.mark.parametrize("room", ["domain", "sandbox"])
def test_a_missing_room_is_refused(tmp_path: Path, room: str) -> None:
    """A contract about a room that is gone must not pass for lack of anything to judge."""
    build(tmp_path, dict.fromkeys(set(ROOMS) - {room}, ""))
    assert verdict(tmp_path).returncode != 0
