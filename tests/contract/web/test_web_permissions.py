"""Nobody is shown what they may not do: every form page, and every way between pages."""

import pytest
from web_permission_kit import TAKES, routes_of, walking

from keyturn.domain.access import BUILT_IN, Verb

FORMS = sorted({each.path for each in routes_of("GET")} & {each.path for each in routes_of("POST")})
ROLES = ("viewer", "auditor", "rotator", "developer", "admin")


def verbs_of(role: str) -> tuple[str, ...]:
    """Return the verbs of a role that every project has."""
    return tuple(sorted(BUILT_IN[role].verbs))


def test_what_every_form_takes_is_known() -> None:
    """A new form has to say it here."""
    assert {each.path for each in routes_of("POST")} == set(TAKES)


@pytest.mark.parametrize("everywhere", [True, False], ids=["everywhere", "in the project"])
@pytest.mark.parametrize("role", ROLES)
async def test_a_form_is_shown_to_who_may_send_it_alone(role: str, *, everywhere: bool) -> None:
    """Others are told that they may not, or see the page without what would send anything."""
    async with walking(*verbs_of(role), everywhere=everywhere) as it:
        told = []
        for path in FORMS:
            page, needed = await it.visitor.open(it.address(path)), TAKES[path]
            named = any(verb in page.text for verb in Verb if not it.may([verb]))
            refused = page.status == 403 and named
            shown = page.status < 500 and page.status != 403 and not it.wrong(page)
            if not (shown if it.may(needed) else shown or refused):
                told.append((path, page.status, it.wrong(page), page.text[-300:]))
        assert not told, "\n".join(map(str, told))


@pytest.mark.slow
@pytest.mark.parametrize("verb", [*Verb])
async def test_whoever_holds_one_permission_alone_is_led_nowhere_else(verb: Verb) -> None:
    """Roles of one's own can grant anything without what usually goes with it."""
    for verbs in ({verb}, {verb, Verb.READ_PROJECT}):
        async with walking(*verbs, everywhere=True) as it:
            wrong = await it.walk()
            assert not wrong, "\n".join(map(str, wrong))


@pytest.mark.parametrize("everywhere", [True, False], ids=["everywhere", "in the project"])
@pytest.mark.parametrize("role", ROLES)
async def test_no_link_leads_to_what_they_may_not_see(role: str, *, everywhere: bool) -> None:
    """Whoever follows what is shown to them is never refused, whatever they hold."""
    async with walking(*verbs_of(role), everywhere=everywhere) as it:
        wrong = await it.walk()
        assert not wrong, "\n".join(map(str, wrong))
