"""The locks pin every package by hash, name no address and agree with pyproject.toml."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = {
    "run": "build",
    "postgres": "build",
    "telemetry": "build",
    "dev": "dev",
}  # the lock, and the group it adds
EXTRAS = {"postgres": "postgres", "telemetry": "otel"}  # the lock, and the extra it adds

ENTRY = re.compile(
    r"^(?P<requirement>[^\s#].*?==.*?)(?P<hashes>(?: \\\n {4}--hash=\S+)*)$", re.MULTILINE
)
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}\b")


def lock(name: str) -> str:
    """Read a lock's text."""
    return (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")


def pins(text: str) -> dict[str, str]:
    """Read the version of each package in a lock, by canonical name."""
    listed = [Requirement(match["requirement"]) for match in ENTRY.finditer(text)]
    return {canonicalize_name(r.name): str(r.specifier).removeprefix("==") for r in listed}


def faults(text: str) -> list[str]:
    """List what is wrong with a lock's text: lines it should not have, pins without a hash."""
    odd = [line for line in ENTRY.sub("", text).splitlines() if line and line[0] != "#"]
    odd += re.findall(r".*(?::/|file:).*", text)
    return odd + [m["requirement"] for m in ENTRY.finditer(text) if not HASH.search(m["hashes"])]


def unmet(wanted: list[str], text: str) -> list[str]:
    """List the requirements that a lock's pins do not meet."""
    locked = pins(text)
    parsed = {canonicalize_name(r.name): r for r in map(Requirement, wanted)}
    return [
        str(r)
        for name, r in parsed.items()
        if name not in locked or not r.specifier.contains(locked[name])
    ]


def wanted(name: str) -> list[str]:
    """List what pyproject.toml wants in a lock."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    group = project["dependency-groups"][LOCKS[name]]
    extra = project["project"]["optional-dependencies"].get(EXTRAS.get(name), [])
    plain = [item for item in group if isinstance(item, str)]
    return project["project"]["dependencies"] + extra + plain


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_is_pinned_by_hash(name: str) -> None:
    """What is installed is what was locked, byte by byte, and no lock says where from."""
    assert faults(lock(name)) == []


@pytest.mark.parametrize("name", LOCKS)
def test_the_locks_are_up_to_date(name: str) -> None:
    """A changed dependency needs `make lock`."""
    assert unmet(wanted(name), lock(name)) == []


def test_the_locks_pin_the_same_versions() -> None:
    """The tests run against the versions that users get, with PostgreSQL and without."""
    run, postgres, dev = (pins(lock(name)).items() for name in ("run", "postgres", "dev"))
    assert run < postgres < dev


GOOD = "# by make lock\none==1.0 ; os_name == 'nt' \\\n    --hash=sha256:" + "0" * 64 + "\n"


@pytest.mark.parametrize(
    "text",
    [
        "one==1.0\n",
        GOOD + "two==2.0\n",
        GOOD + "two>=2.0\n",
        GOOD.replace("sha256", "md5"),
        GOOD + "# from ht" + "tps://mirror.example/simple\n",
        GOOD + "--trusted-host mirror.example\n",
        GOOD + "-e .\n",
    ],
)
def test_a_faulty_lock_is_found(text: str) -> None:
    """A pin without a hash, a range, a weak hash, an address and an option are each a fault."""
    assert faults(GOOD) == []
    assert faults(text)


@pytest.mark.parametrize("want", ["one>=2", "two"])
def test_a_stale_lock_is_found(want: str) -> None:
    """A version below the bound, and a package that is missing, are each unmet."""
    assert unmet(["One>=1"], GOOD) == []
    assert unmet([want], GOOD) == [want]
