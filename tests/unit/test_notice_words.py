"""The words of notices: each kind has them, and no name of anything breaks out of its line."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from keyturn.domain.ids import NoticeId, OrganizationId
from keyturn.domain.notice import Kind, Notice
from keyturn.domain.notice_words import (
    DIGEST_MAX,
    MEANS,
    TITLE_MAX,
    TITLES,
    digest_of,
    message_of,
    title_of,
    trial_of,
)
from keyturn.domain.oauth.lights import Light
from keyturn.domain.selector import Subject

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
URL = "https://keyturn.example.com"
NOTICE = Notice(
    kind=Kind.BLOCKED,
    organization_id=OrganizationId("o"),
    project_id=None,
    subject_id="r-1",
    subject="pay",
    told="Okta refuses.",
    of=Subject(
        app="0oa1",
        label="Pay web",
        owner="payments",
        connection="okta",
        project="example",
        environment="prod",
        path="/pay",
    ),
    after=Light.BROKEN,
    comes_at=NOW + timedelta(hours=1),
    page="/rotations/r-1",
    command="keyturn rotation show pay --project example",
    id=NoticeId("n"),
    created_at=NOW,
    forget_at=NOW,
)


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_says_what_happened_and_what_it_means(kind: Kind) -> None:
    """A title of one line with its name in it, what was told, and what follows from that."""
    message = message_of(replace(NOTICE, kind=kind), URL)
    assert "pay" in message.title
    assert "{" not in message.title
    assert len(message.title) <= TITLE_MAX
    assert message.text == ("Okta refuses.", MEANS[kind])
    assert (message.link, message.command) == (f"{URL}/rotations/r-1", NOTICE.command)
    assert kind in TITLES


def test_facts_say_where_it_is() -> None:
    """Those that are not known are left out."""
    assert dict(message_of(NOTICE, URL).facts) == {
        "Where": "example/prod/pay",
        "App": "Pay web (0oa1)",
        "Owner": "payments",
        "Okta connection": "okta",
        "When": "2026-11-21 13:00 UTC",
    }
    assert message_of(replace(NOTICE, of=Subject(), comes_at=None), URL).facts == []


def test_without_an_address_for_browsers_there_is_no_link() -> None:
    """A path alone would lead nowhere."""
    assert message_of(NOTICE, "").link == ""
    assert digest_of([NOTICE, NOTICE], "").link == ""


def test_no_name_ends_a_line_or_turns_the_text_around() -> None:
    """Neither control characters nor those that nobody sees are left."""
    evil = "pay\r\nBcc: x@example.com\x00\u202egpj\u2066"
    message = message_of(replace(NOTICE, subject=evil, told=evil), URL)
    for text in (message.title, *message.text):
        assert text.isprintable()
    assert len(title_of(replace(NOTICE, subject="x" * 300))) == TITLE_MAX


def test_a_digest_spells_out_so_many_and_counts_the_rest() -> None:
    """Each with its time, its place and what happened."""
    message = digest_of([NOTICE] * (DIGEST_MAX + 2), URL)
    assert message.title == f"{DIGEST_MAX + 2} notices"
    first = "2026-11-21 12:00 UTC  pay is blocked: somebody has to act (example/prod/pay)"
    assert message.text[0] == f"{first}. Okta refuses."
    assert message.text[-1].startswith("And 2 more")


def test_a_trial_says_that_nothing_has_happened() -> None:
    """Whoever reads it has nothing to do."""
    assert trial_of("people", URL).title == "This is a test of channel people"
