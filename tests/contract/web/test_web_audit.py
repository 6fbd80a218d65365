"""The audit log in the browser: what is listed, whether it is whole, and all of it as a file."""

import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from web_kit import EMAIL, Page, WebHouse, visitor_of
from web_secrets_kit import HOSTILE, entries, require_understood, somebody

from keyturn.cli.main import cli
from keyturn.domain.audit import Attempt, AuditEntry
from keyturn.testing import MemoryStore
from keyturn.web.pages import audit

NUMBER = re.compile(r'<th scope="row"[^>]*>(\d+)</th>')


async def fill(web: WebHouse, count: int = 5) -> None:
    """Write entries, some of them refusals, a minute apart."""
    for number in range(count):
        web.house.clock.advance(60)
        told = f"thing {number}"
        attempt = Attempt(
            web.house.clock.now(), f"actor-{number % 2}", "test:do", told, number % 2 == 0, ""
        )
        await web.world.store.append_audit(attempt)


def numbers(page: Page) -> Sequence[int]:
    """Return the numbers of the entries that a page lists."""
    return [int(each) for each in NUMBER.findall(page.html)]


def things(page: Page) -> Sequence[int]:
    """Return which of the entries that the tests wrote a page lists."""
    return [int(each) for each in re.findall(r"<div>thing (\d+)<", page.html)]


def change(web: WebHouse, entry: AuditEntry) -> None:
    """Change an entry behind everybody's back."""
    store = web.world.store
    assert isinstance(store, MemoryStore)
    backup = store.backup()
    changed = [entry if each.number == entry.number else each for each in backup.audit]
    store.restore(replace(backup, audit=changed))


async def test_entries_are_listed_newest_first_as_they_were_written(web: WebHouse) -> None:
    """Number, time, who by name, verb, subject, outcome and hash; refusals say why."""
    wrong = visitor_of(web.world)
    await wrong.log_in(EMAIL, "wrong")
    page = await web.visitor.open("/audit")
    log = await entries(web)
    assert numbers(page) == sorted((each.number for each in log), reverse=True)
    for each in log:
        attempt = each.attempt
        assert attempt.verb in page.text.replace(": ", ":")
        assert each.hash.hex() in page.text
        assert f"{each.number}:{each.hash.hex()}" in page.text
        assert attempt.at.isoformat() in page.text
    assert f"{log[-2].number} " in page.text
    assert "refused" in page.text
    assert "the password is wrong" in page.text
    assert EMAIL in [text for _, text in page.links]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, [4, 3, 2, 1, 0]),
        ({"who": "actor-1"}, [3, 1]),
        ({"verb": "test:do", "outcome": "allowed"}, [4, 2, 0]),
        ({"outcome": "denied"}, [3, 1]),
        ({"subject": "THING 3"}, [3]),
        ({"since": "2026-03-01T12:02", "until": "2026-03-01T12:04"}, [2, 1]),
        ({"since": "2026-03-02"}, []),
        ({"verb": "test:do", "who": "nobody is called so"}, []),
    ],
)
async def test_a_filter_is_kept_in_the_address_and_narrows_the_list(
    web: WebHouse, query: dict[str, str], found: list[int]
) -> None:
    """What was typed stands in the fields still, and in the command."""
    await fill(web)
    page = await web.visitor.press(await web.visitor.open("/audit"), "Show", **query)
    assert page.status == 200
    assert things(page) == found
    for name, text in query.items():
        assert page.value(name) == text
    assert require_understood(page)


async def test_somebody_is_found_by_their_name(web: WebHouse) -> None:
    """Entries say ids; people know names."""
    page = await web.visitor.open("/audit", who=EMAIL)
    log = await entries(web)
    mine = next(each.attempt.actor for each in log if each.attempt.verb == "log-in")
    wanted = [each.number for each in log if each.attempt.actor == mine]
    assert numbers(page) == sorted(wanted, reverse=True)


@pytest.mark.parametrize("field", ["since", "until"])
async def test_a_time_that_is_none_is_told_at_its_field(web: WebHouse, field: str) -> None:
    """Nothing is listed that nobody asked for, and what was typed is kept."""
    page = await web.visitor.open("/audit", **{field: HOSTILE, "subject": HOSTILE})
    assert page.status == 422
    assert "a day and a time in UTC" in page.text
    assert page.value(field) == HOSTILE
    assert not numbers(page)
    assert "<script>alert" not in page.html


async def test_pages_lead_back_and_forth_through_all_of_it(web: WebHouse) -> None:
    """Each entry of a filter is on one page; what is written meanwhile moves none of them."""
    await fill(web, 120)
    page = await web.visitor.open("/audit", verb="test:do")
    seen = [*things(page)]
    while "Older" in [text for _, text in page.links]:
        page = await web.visitor.follow(page, "Older")
        seen += things(page)
    assert seen == [*range(119, -1, -1)]
    page = await web.visitor.follow(page, "Newer")
    assert things(page) == [*range(69, 19, -1)]
    page = await web.visitor.follow(page, "Newer")
    assert things(page) == [*range(119, 69, -1)]
    assert "Newer" not in [text for _, text in page.links]
    for odd in ("x", "-1", "²", "9" * 30):
        assert (await web.visitor.open("/audit", before=odd, after=odd)).status == 200


async def test_a_whole_log_is_called_whole_and_tells_its_head(web: WebHouse) -> None:
    """The head is good for a later check, when the log has grown."""
    page = await web.visitor.press(await web.visitor.open("/audit"), "Check it")
    last = (await entries(web))[-1]
    assert f"Entries 1 to {last.number} are whole" in page.text
    assert str(last.head) in page.text
    later = await web.visitor.press(page, "Check it", head=str(last.head))
    assert "Held against" in later.text
    assert "are whole" in later.text
    assert require_understood(later) == [f"keyturn audit verify --head {last.head}"]


async def test_a_changed_entry_is_found(web: WebHouse) -> None:
    """And its number is told."""
    await fill(web)
    entry = (await entries(web))[-3]
    change(web, replace(entry, attempt=replace(entry.attempt, subject="nothing")))
    page = await web.visitor.press(await web.visitor.open("/audit"), "Check it")
    assert "It is not whole" in page.text
    assert f"Audit entry {entry.number} does not follow" in page.text


async def test_a_head_that_the_log_does_not_hold_is_told(web: WebHouse) -> None:
    """So is one that is none."""
    page = await web.visitor.open("/audit")
    other = await web.visitor.press(page, "Check it", head=f"1:{'ab' * 32}")
    assert "not the one that was noted" in other.text
    cut = await web.visitor.press(page, "Check it", head=f"99999:{'ab' * 32}")
    assert "were cut off" in cut.text
    odd = await web.visitor.press(page, "Check it", head=HOSTILE)
    assert odd.status == 422
    assert "64 hexadecimal digits" in odd.text
    assert odd.value("head") == HOSTILE


async def test_of_a_long_log_the_newest_entries_are_checked(
    web: WebHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page says from where on; what lies before is the command's."""
    monkeypatch.setattr(audit, "CHECKED", 4)
    await fill(web, 10)
    log = await entries(web)
    change(web, replace(log[2], attempt=replace(log[2].attempt, subject="nothing")))
    page = await web.visitor.press(await web.visitor.open("/audit"), "Check it")
    last = (await entries(web))[-1].number
    assert f"Entries {last - 3} to {last} are whole" in page.text
    assert f"The {last - 4} before them were not looked at" in page.text
    entry = (await entries(web))[-2]
    change(web, replace(entry, hash=bytes(32)))
    page = await web.visitor.press(await web.visitor.open("/audit"), "Check it")
    assert "It is not whole" in page.text


async def test_an_export_can_be_checked_without_a_server(web: WebHouse, tmp_path: Path) -> None:
    """It is a file of JSON lines, oldest first, of all that there was."""
    await fill(web)
    page = await web.visitor.press(await web.visitor.open("/audit"), "Download JSON lines")
    told = page.answer.headers
    assert told["content-type"].startswith("application/jsonl")
    assert told["content-disposition"] == 'attachment; filename="audit.jsonl"'
    assert told["cache-control"] == "no-store"
    file = tmp_path / "audit.jsonl"
    file.write_bytes(page.answer.content)
    result = CliRunner().invoke(cli, ["audit", "verify", "--file", str(file)])
    assert result.exit_code == 0, result.output
    assert result.output.startswith(f"whole: {len(await entries(web))} entries")


async def test_an_export_takes_what_the_filter_leaves(web: WebHouse) -> None:
    """The fields of the page go with it."""
    await fill(web)
    page = await web.visitor.open("/audit", verb="test:do", outcome="denied")
    answer = (await web.visitor.press(page, "Download JSON lines")).answer
    found = [json.loads(line)["subject"] for line in answer.text.splitlines()]
    assert found == ["thing 1", "thing 3"]


@pytest.mark.parametrize("role", ["developer", "viewer"])
async def test_who_may_not_read_the_log_is_refused_everywhere(web: WebHouse, role: str) -> None:
    """The page, the check and the export; and each try is on record."""
    other = await somebody(web, role)
    assert (await other.open("/audit")).status == 403
    token = (await other.open("/secrets")).value("form_token")
    for path in ("/audit/verify", "/audit/export"):
        answer = await other.http.post(path, data={"form_token": token})
        assert answer.status_code == 403
        assert "hash" not in answer.text
    refused = [e.attempt for e in await entries(web) if e.attempt.verb == "audit-logs:read"]
    assert [each.allowed for each in refused] == [False] * 3


async def test_an_auditor_reads_the_log(web: WebHouse) -> None:
    """All of it, with the names of those who are in it."""
    other = await somebody(web, "auditor")
    page = await other.open("/audit")
    assert page.status == 200
    assert EMAIL in page.text
    checked = await other.press(page, "Check it")
    assert "are whole" in checked.text


async def test_the_command_is_of_the_page_that_is_shown(web: WebHouse) -> None:
    """From the same entry on; of the newest ones it says nothing of where they begin."""
    first = await web.visitor.open("/audit")
    (newest,) = require_understood(first)
    assert "--before" not in newest
    page = await web.visitor.open("/audit", before=str(numbers(first)[1]))
    (command,) = require_understood(page)
    assert f"--before {numbers(page)[0] + 1}" in command


async def test_hostile_text_in_entries_is_shown_as_text(web: WebHouse) -> None:
    """Whatever a stranger has sent stands there, and is nothing else."""
    now = web.house.clock.now()
    attempt = Attempt(now, HOSTILE, HOSTILE, HOSTILE, allowed=False, detail=HOSTILE)
    await web.world.store.append_audit(attempt)
    page = await web.visitor.open("/audit", who=HOSTILE, verb=HOSTILE, subject=HOSTILE)
    assert len(numbers(page)) == 1
    assert page.text.count(HOSTILE) >= 3
    assert "<script>alert" not in page.html
    (command,) = require_understood(page)
    assert shlex.split(command)[:4] == ["keyturn", "audit", "list", "--newest"]
    assert HOSTILE in shlex.split(command)
