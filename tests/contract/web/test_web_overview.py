"""The overview: what it shows is how things stand."""

from web_kit import WebHouse, make_person, visitor_of


async def test_an_empty_installation_leads_to_the_first_rotation(web: WebHouse) -> None:
    """And to nothing else."""
    page = await web.visitor.open("/")
    assert "No client secret is under a rotation yet" in page.text
    wizard = await web.visitor.follow(page, "Make the first rotation")
    assert wizard.path.startswith("/rotations/new")


async def test_a_rotation_is_counted_and_its_next_turn_told(web: WebHouse) -> None:
    """Its age is drawn, and told as a table as well."""
    made = await web.house.rotate_by_order()
    page = await web.visitor.open("/")
    assert "Nothing needs anybody" in page.text
    assert f"/rotations/{made['id']}" in [href for href, _ in page.links]
    assert "<svg" in page.html
    assert "The same as a table" in page.text


async def test_what_needs_somebody_comes_first_and_leads_there(web: WebHouse) -> None:
    """A second secret that nobody here made blocks the turn: its owner must choose."""
    made = await web.house.rotate_by_order()
    web.house.org.create_secret(web.house.app_id)
    path = f"/api/v2/secret-rotations/okta-client-secret/{made['id']}/rotate-secrets"
    await web.house.http.post(path)
    for path in ("/", "/overview/moving"):
        page = await web.visitor.open(path)
        assert "Needs somebody" in page.text
        assert "neither made nor adopted" in page.text
        assert f"/rotations/{made['id']}" in [href for href, _ in page.links]


async def test_who_may_see_nothing_is_told_so(web: WebHouse) -> None:
    """A person without a role."""
    await make_person(web.house, "nobody@example.com", role="")
    visitor = visitor_of(web.world)
    page = await visitor.log_in("nobody@example.com")
    assert page.status == 403
    assert "You may not do this" in page.text
