"""The demonstration shows what it promises: no request fails, unless one turns naively."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass

import pytest

pytestmark = pytest.mark.slow

KEYS = [
    "turns",
    "requests",
    "failed",
    "okta_calls",
    "okta_calls_a_turn",
    "overlaps_s",
    "seconds",
    "naive",
    "failures",
]
OVERLAP_S = 3
OWN_TOKEN = re.compile(rb"kt_(at|cs|admin)_[A-Za-z0-9_-]{8}")

TELLING = """
import asyncio, json, sys
from pathlib import Path
from keyturn.cli.rehearsal.rehearsal import Plan, rehearse
from keyturn.cli.rehearsal.show import Nothing
from keyturn.cli.rehearsal.tally import Tally

def tell(org):
    secrets = [secret for app in org.list_apps() for secret in app.secrets]
    values = [secret.value for secret in secrets] + [*org.api_tokens]
    values += [user.password for user in org.users.values()]
    print(json.dumps({"values": values, "ids": [secret.id for secret in secrets]}))

plan = Plan(turns=1, keep_data=Path(sys.argv[1]))
asyncio.run(rehearse(plan, Tally(), Nothing(), at_end=tell))
"""
"""Rehearse and tell through a pipe, not a file, every value that the org ever held."""


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a process of its own, with no setting from outside."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("KEYTURN_")}
    command = [sys.executable, *words]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


@dataclass(frozen=True)
class Kept:
    """What a rehearsal left behind, and what must not be in it."""

    values: list[str]
    ids: list[str]
    files: dict[str, bytes]


@pytest.fixture(scope="module")
def shown() -> subprocess.CompletedProcess[str]:
    """Run the demonstration as everybody does."""
    return run("-m", "keyturn", "demo", "--json")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """Rehearse one turn and keep the log and the data directory."""
    folder = tmp_path_factory.mktemp("demo")
    told = json.loads(run("-c", TELLING, str(folder)).stdout)
    files = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return Kept(told["values"], told["ids"], files)


def test_no_request_fails_while_secrets_turn(shown: subprocess.CompletedProcess[str]) -> None:
    """Three turns under constant use, and not one request fails."""
    report = json.loads(shown.stdout)
    assert list(report) == KEYS
    assert (report["failed"], report["failures"], report["naive"]) == (0, {}, False)
    assert report["turns"] >= 3
    assert report["requests"] >= 500
    assert shown.returncode == 0, shown.stderr


def test_old_and_new_secret_overlap_as_long_as_set(
    shown: subprocess.CompletedProcess[str],
) -> None:
    """By the org's own record both secrets of each turn worked for the whole overlap."""
    report = json.loads(shown.stdout)
    assert len(report["overlaps_s"]) == report["turns"]
    assert min(report["overlaps_s"]) >= OVERLAP_S


def test_the_naive_order_fails_requests() -> None:
    """The same consumer sees failures when readers are told last: the demonstration can fail."""
    done = run("-m", "keyturn", "demo", "--json", "--naive", "--turns", "1")
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert report["naive"] is True
    assert report["failed"] == sum(report["failures"].values()) > 0
    assert report["turns"] == 1


def test_no_value_is_in_any_file(kept: Kept) -> None:
    """No secret, token or password that the org ever held is in the log or the data directory."""
    found = [name for name, data in kept.files.items() for v in kept.values if v.encode() in data]
    assert found == []
    assert [name for name, data in kept.files.items() if OWN_TOKEN.search(data)] == []


def test_the_search_looks_at_what_was_kept(kept: Kept) -> None:
    """The log and the database are among the files, with the ids of the very secrets."""
    assert len(kept.values) >= 5
    assert b'"route"' in kept.files["keyturn.log"]
    assert any(id_.encode() in kept.files["keyturn.db"] for id_ in kept.ids)
