"""The lock of the clients in Node pins every package by hash and says nowhere where it is from."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

PEERS = Path(__file__).parents[1] / "peers"
EXACT = re.compile(r"\d+\.\d+\.\d+")
HASH = re.compile(r"sha512-[A-Za-z0-9+/]{86}==")


def read(name: str) -> dict[str, Any]:
    """Read a JSON file of the peers."""
    found: dict[str, Any] = json.loads((PEERS / name).read_text(encoding="utf-8"))
    return found


def faults(lock: dict[str, Any]) -> list[str]:
    """List the packages of a lock without a strong hash, or with an address, whosever it is."""
    packages = {name: package for name, package in lock["packages"].items() if name}
    return [
        name
        for name, package in packages.items()
        if not HASH.fullmatch(package.get("integrity", ""))
        or "resolved" in package
        or "://" in json.dumps(package)
    ]


def test_every_package_is_pinned_by_hash() -> None:
    """What `npm ci` installs is what was locked, byte by byte, from wherever the machine says."""
    assert faults(read("package-lock.json")) == []


def test_the_lock_is_of_the_package() -> None:
    """The clients are pinned to exact versions, and the lock was made for these."""
    wanted = read("package.json")["dependencies"]
    packages = read("package-lock.json")["packages"]
    assert [version for version in wanted.values() if not EXACT.fullmatch(version)] == []
    assert wanted == packages[""]["dependencies"]
    assert wanted == {name: packages[f"node_modules/{name}"]["version"] for name in wanted}


def test_a_lock_made_anew_names_no_address_either() -> None:
    """A new lock leaves addresses out, and npm runs nothing that a package brings along."""
    settings = (PEERS / ".npmrc").read_text(encoding="utf-8").split()
    assert settings == ["ignore-scripts=true", "omit-lockfile-registry-resolved=true"]


@pytest.mark.parametrize(
    "package",
    [
        {"version": "1.0.0"},
        {"version": "1.0.0", "integrity": "sha1-" + "A" * 27 + "="},
        {"integrity": "sha512-" + "A" * 86 + "==", "resolved": "ht" + "tps://mirror.example/one"},
        {"integrity": "sha512-" + "A" * 86 + "==", "funding": {"url": "https://a.example"}},
    ],
)
def test_a_faulty_lock_is_found(package: dict[str, Any]) -> None:
    """A package without a hash, with a weak one, or with an address is each a fault."""
    good = {"integrity": "sha512-" + "A" * 86 + "=="}
    assert faults({"packages": {"": {}, "node_modules/one": good}}) == []
    assert faults({"packages": {"": {}, "node_modules/one": package}}) == ["node_modules/one"]
