"""The audit log by HTTP: pages, an export, the check of the chain, and who may see it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from api_kit import SECRETS, House, problem
from httpx2 import ASGITransport

from keyturn.adapters.system.witness import FileWitness
from keyturn.api.app import build_api
from keyturn.client import ClientError, Token
from keyturn.client import api as client
from keyturn.domain.audit import Attempt, Head
from keyturn.domain.errors import OursError
from keyturn.domain.identity import Membership
from keyturn.services.audit import note_head
from keyturn.services.ports import World
from keyturn.testing import MemoryStore

AUDIT = "/api/v1/audit"


async def fill(house: House, count: int = 5) -> None:
    """Write entries, some of them refusals, a second apart."""
    for number in range(count):
        house.clock.advance(1)
        attempt = Attempt(
            house.clock.now(), f"actor {number % 2}", "test:do", f"100%_ {number}", number % 2 == 0
        )
        await house.world.store.append_audit(attempt)


def numbers(answer: dict[str, list[dict[str, object]]]) -> list[object]:
    """Return what stands behind the subjects that the tests wrote."""
    subjects = [str(entry["subject"]) for entry in answer["entries"]]
    return [int(subject[-1]) for subject in subjects if subject.startswith("100%_ ")]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, [0, 1, 2, 3, 4]),
        ({"actor": "actor 1"}, [1, 3]),
        ({"verb": "test:do", "allowed": "true"}, [0, 2, 4]),
        ({"subject": "%_ 3"}, [3]),
        ({"subject": "100x"}, []),
        ({"verb": "test:do", "limit": "2"}, [0, 1]),
        ({"since": "2026-03-01T12:00:03Z", "until": "2026-03-01T12:00:05Z"}, [2, 3]),
    ],
)
async def test_entries_are_found_by_what_they_say(
    house: House, query: dict[str, str], found: list[int]
) -> None:
    """Every field of the query narrows the list; signs of patterns are signs like others."""
    await fill(house)
    answer = await house.http.get(AUDIT, params=query)
    assert answer.status_code == 200
    assert numbers(answer.json()) == found


async def test_the_log_is_listed_page_by_page(house: House) -> None:
    """The number of the last entry of a page asks for the next one."""
    await fill(house)
    first = (await house.http.get(AUDIT, params={"limit": "2"})).json()["entries"]
    assert [entry["number"] for entry in first] == [1, 2]
    query = {"after": "2", "limit": "2"}
    assert [e["number"] for e in (await house.http.get(AUDIT, params=query)).json()["entries"]] == [
        3,
        4,
    ]


async def test_the_newest_come_first_where_that_is_asked_for(house: House) -> None:
    """The number of the last entry of a page asks for the one before; filters narrow it as well."""
    await fill(house)
    query = {"order": "desc", "verb": "test:do", "limit": "2"}
    first = (await house.http.get(AUDIT, params=query)).json()
    assert numbers(first) == [4, 3]
    before = {"before": str(first["entries"][-1]["number"])}
    assert numbers((await house.http.get(AUDIT, params=query | before)).json()) == [2, 1]
    assert (await house.http.get(AUDIT, params={"order": "up"})).status_code == 422
    assert (await house.http.get(AUDIT, params={"before": "0"})).status_code == 422


async def test_an_export_has_every_entry_on_a_line_of_its_own(house: House) -> None:
    """The export is on record before its first line, and holds that entry too."""
    await fill(house)
    answer = await house.http.get(f"{AUDIT}/export")
    entries = [json.loads(line) for line in answer.text.splitlines()]
    assert answer.headers["content-type"] == "application/jsonl"
    assert [entry["number"] for entry in entries] == list(range(1, len(entries) + 1))
    assert entries[-1]["subject"] == "audit log: export"


async def test_a_client_that_pages_through_a_log_finds_a_gap(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is moved to a file before it is read is missing, also of those that it asked for."""
    monkeypatch.setattr(client, "PAGE_MAX", 2)
    await fill(house)
    way = ASGITransport(build_api(house.world, version="0"))
    token = Token(house.installed.admin_token.reveal())
    async with client.KeyturnApi("http://it.example", token, transport=way) as api:
        numbers = [each.number async for each in api.export_audit({"verb": "test:do"})]
        assert len(numbers) == 5
        entries = api.export_audit({"verb": "test:do"})
        last = [(await anext(entries)).number for _ in range(2)][-1]
        async with house.world.store.writing() as tx:
            await tx.prune_audit(before=last + 2)
        with pytest.raises(ClientError, match=f"entries {last + 1} to {last + 1} were moved"):
            await anext(entries)


async def verified(house: House, **query: str) -> dict[str, object]:
    """Ask whether the log is whole."""
    answer = await house.http.get(f"{AUDIT}/verify", params=query)
    assert answer.status_code == 200
    told: dict[str, object] = answer.json()
    return told


async def test_a_whole_log_tells_its_head(house: House) -> None:
    """The head that is told is good for a later check, when the log has grown."""
    await fill(house)
    first = await verified(house)
    assert (first["problem"], first["heldAgainst"]) == (None, [])
    later = await verified(house, head=str(first["head"]))
    assert (later["problem"], later["heldAgainst"]) == (None, [first["head"]])
    assert int(str(later["entries"])) > int(str(first["entries"]))


async def test_a_cut_end_is_found_beside_the_head(house: House) -> None:
    """What was noted earlier and is not there any more is told, with numbers."""
    await fill(house)
    store = house.world.store
    assert isinstance(store, MemoryStore)
    backup = store.backup()
    await fill(house)
    head = str((await verified(house))["head"])
    store.restore(backup)
    told = str((await verified(house, head=head))["problem"])
    assert told.endswith("were cut off.")


async def test_a_head_that_is_none_is_refused(house: House) -> None:
    """It is the caller's mistake, and the field is named."""
    answer = await house.http.get(f"{AUDIT}/verify", params={"head": "nonsense"})
    assert problem(answer) == (422, "ValidationFailure")


@pytest.mark.parametrize("path", ["", "/export", "/verify"])
@pytest.mark.parametrize(("role", "status"), [("auditor", 200), ("developer", 403)])
async def test_only_who_may_sees_the_log(house: House, path: str, role: str, status: int) -> None:
    """Auditors of the organization do; a refusal is on record itself."""
    async with house.world.store.writing() as tx:
        for membership in await tx.list(Membership, project_id=None):
            await tx.replace(replace(membership, role=role))
    assert (await house.http.get(AUDIT + path)).status_code == status


async def test_an_auditor_of_one_project_does_not_see_the_whole_log(house: House) -> None:
    """The log is the installation's, so the right to it is held everywhere or not at all."""
    async with house.world.store.writing() as tx:
        for membership in await tx.list(Membership, project_id=None):
            project_id = house.installed.project.id
            await tx.replace(replace(membership, role="auditor", project_id=project_id))
    assert problem(await house.http.get(AUDIT)) == (403, "PermissionDenied")


def witnessed(house: House, folder: Path) -> World:
    """Return the world with a witness in a folder."""
    return replace(house.world, witness=FileWitness(folder / "audit.head"))


async def test_the_head_is_noted_as_the_log_grows(house: House, tmp_path: Path) -> None:
    """The file has one line, the newest head; reading it gives the head back."""
    world = witnessed(house, tmp_path)
    for _ in range(2):
        await fill(house)
        await note_head(world)
        async with world.store.reading() as tx:
            latest = await tx.latest_audit()
        assert latest
        assert (tmp_path / "audit.head").read_text() == f"{latest.head}\n"
        assert await world.witness.read() == latest.head


async def test_nothing_is_noted_over_a_log_that_was_changed(house: House, tmp_path: Path) -> None:
    """The note outlives the change, so that a check still finds it."""
    world, store = witnessed(house, tmp_path), house.world.store
    assert isinstance(store, MemoryStore)
    backup = store.backup()
    await fill(house)
    await note_head(world)
    noted = await world.witness.read()
    store.restore(backup)
    await house.http.get(f"{SECRETS}", params=house.place)
    await note_head(world)
    assert await world.witness.read() == noted


async def test_a_note_that_is_none_is_told(tmp_path: Path) -> None:
    """A file that somebody wrote into is no reason to trust it."""
    file = tmp_path / "audit.head"
    file.write_text("nonsense")
    with pytest.raises(OursError, match=r"audit\.head"):
        await FileWitness(file).read()
    with pytest.raises(OursError, match="disk"):
        await FileWitness(tmp_path / "nowhere" / "audit.head").write(Head(1, bytes(32)))
