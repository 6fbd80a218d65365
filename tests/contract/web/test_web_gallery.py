"""The gallery: every part of the pages with data that never changes."""

from web_kit import WebHouse, visitor_of


async def test_gallery_is_open(web: WebHouse) -> None:
    """It is for anybody, and shows somebody who is logged in the menu as well."""
    stranger = visitor_of(web.world)
    async with stranger.http:
        page = await stranger.open("/gallery")
    assert page.status == 200
    assert page.title == "Gallery · Keyturn"
    assert ("/rotations", "Rotations") not in page.links
    assert ("/rotations", "Rotations") in (await web.visitor.open("/gallery")).links


async def test_gallery_never_changes(web: WebHouse) -> None:
    """Two visits see the same, so that photographs of it can be compared."""
    stranger = visitor_of(web.world)
    async with stranger.http:
        first, second = [await stranger.open("/gallery") for _ in range(2)]
    assert first.html == second.html
