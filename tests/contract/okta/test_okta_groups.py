"""Which apps a group has: it is found by its name, and its apps are read page by page."""

from urllib.parse import parse_qs, urlsplit

import pytest
from okta_kit import BASE, ScriptedOkta, reply

from keyturn.domain.errors import OktaUnclear

NAME = 'Pay "all" & more'


def group(group_id: str, name: str) -> dict[str, object]:
    """Render a group."""
    return {"id": group_id, "profile": {"name": name}}


async def test_a_group_is_found_by_its_whole_name(okta: ScriptedOkta) -> None:
    """Okta's search may find others too; a name survives the quotes in it."""
    found = [group("00g1", NAME.upper()), group("00g2", NAME)]
    org = okta.script(reply(200, found), reply(200, [{"id": "0oa1"}, {"id": "0oa2"}]))
    assert await org.list_group_apps(NAME) == ("0oa1", "0oa2")
    searched, listed = (each.partition(" ")[2] for each in okta.asked)
    assert parse_qs(urlsplit(searched).query) == {
        "search": ['profile.name eq "Pay \\"all\\" & more"']
    }
    assert listed == "/api/v1/groups/00g2/apps?limit=200"


async def test_groups_of_one_name_are_taken_together(okta: ScriptedOkta) -> None:
    """A directory may bring one that an admin has made too: half of them would not be the group."""
    found = reply(200, [group("00g1", NAME), group("00g2", NAME)])
    one, two = reply(200, [{"id": "0oa1"}, {"id": "0oa2"}]), reply(200, [{"id": "0oa2"}])
    assert await okta.script(found, one, two).list_group_apps(NAME) == ("0oa1", "0oa2")
    assert len(okta.asked) == 3


async def test_a_group_that_is_not_there_has_no_apps(okta: ScriptedOkta) -> None:
    """Nothing but the search is asked."""
    org = okta.script(reply(200, [group("00g1", NAME.upper())]))
    assert await org.list_group_apps(NAME) is None
    assert len(okta.asked) == 1


async def test_pages_that_lead_elsewhere_are_not_followed(okta: ScriptedOkta) -> None:
    """The next page is one of the same list."""
    away = reply(200, [], link=f'<{BASE}/api/v1/apps?after=1>; rel="next"')
    with pytest.raises(OktaUnclear):
        await okta.script(reply(200, [group("00g1", NAME)]), away).list_group_apps(NAME)
