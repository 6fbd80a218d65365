"""The audit log as a chain: what shows, and beside what."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from keyturn.domain.audit import (
    Attempt,
    AuditEntry,
    AuditFilter,
    ChainBroken,
    Head,
    linked,
    require_reached,
    verify_chain,
)
from keyturn.domain.errors import InvalidInput

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def chain(count: int, subject: str = "secret") -> list[AuditEntry]:
    """Make an audit log of so many entries."""
    entries: list[AuditEntry] = []
    for number in range(1, count + 1):
        attempt = Attempt(NOW, "me", "secrets:read", f"{subject} {number}", allowed=True)
        entries.append(linked(attempt, entries[-1] if entries else None))
    return entries


def test_a_chain_goes_on_where_a_page_ended() -> None:
    """Pages are verified one after the other, and the last entry is returned."""
    entries = chain(5)
    last = verify_chain(entries[:2])
    assert last == entries[1]
    assert verify_chain(entries[2:], after=last) == entries[4]
    assert verify_chain([]) is None


@pytest.mark.parametrize(("gone", "told"), [(0, "1 to 1"), (2, "3 to 3")])
def test_a_missing_entry_is_named(gone: int, told: str) -> None:
    """A gap is told from a change."""
    entries = chain(5)
    del entries[gone]
    with pytest.raises(ChainBroken, match=f"{told} are missing"):
        verify_chain(entries)


@pytest.mark.parametrize("field", ["actor", "verb", "subject", "detail"])
def test_a_changed_entry_is_named(field: str) -> None:
    """Every field of an entry is held by its hash."""
    entries = chain(3)
    changed: dict[str, str] = {field: "other"}
    entries[1] = replace(entries[1], attempt=replace(entries[1].attempt, **changed))  # type: ignore[arg-type]
    with pytest.raises(ChainBroken, match="entry 2 does not follow"):
        verify_chain(entries)


def test_a_log_that_was_written_anew_is_not_the_one_that_was_noted() -> None:
    """Somebody who knows how to make a chain can make another one, but not with the same head."""
    noted = chain(5)[3].head
    verify_chain(chain(5), heads=[noted])
    with pytest.raises(ChainBroken, match="entry 4 is not the one that was noted"):
        verify_chain(chain(5, "another"), heads=[noted])


@pytest.mark.parametrize(("left", "told"), [(3, "4 to 5"), (0, "1 to 5")])
def test_a_cut_end_shows_beside_a_head(left: int, told: str) -> None:
    """A chain that ends early is whole in itself, and shorter than what was noted."""
    entries = chain(5)
    head = entries[-1].head
    last = verify_chain(entries[:left], heads=[head])
    with pytest.raises(ChainBroken, match=f"{told} were cut off"):
        require_reached(last, [head])
    require_reached(entries[-1], [head])
    require_reached(last, [])


def test_a_head_is_read_as_it_is_written() -> None:
    """Number and hash survive the way through a text."""
    head = chain(1)[0].head
    assert Head.parse(f" {head}\n") == head


@pytest.mark.parametrize("text", ["", "5", "x:00", f"0:{'00' * 32}", "5:00", f"5:{'zz' * 32}"])
def test_what_is_no_head_is_refused(text: str) -> None:
    """A head has a number and 64 digits."""
    with pytest.raises(InvalidInput, match="head"):
        Head.parse(text)


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        (AuditFilter(), True),
        (AuditFilter(actor="me", verb="secrets:read", subject="SECRET 1", allowed=True), True),
        (AuditFilter(actor="m"), False),
        (AuditFilter(verb="secrets"), False),
        (AuditFilter(subject="secret 2"), False),
        (AuditFilter(allowed=False), False),
        (AuditFilter(since=NOW), True),
        (AuditFilter(since=NOW + timedelta(seconds=1)), False),
        (AuditFilter(until=NOW), False),
        (AuditFilter(until=NOW + timedelta(seconds=1)), True),
    ],
)
def test_entries_are_chosen_by_every_field(wanted: AuditFilter, *, fits: bool) -> None:
    """What is left open lets everything pass; a moment belongs to what begins with it."""
    assert wanted.fits(chain(1)[0].attempt) == fits
