"""How the secret of a client registration does, by what is known here of the one it copies."""

from oauth_house_kit import domain_of, order, register
from rotation_pages_kit import ask, rotation, run, tick
from web_kit import WebHouse

LIST = "/connections/registrations"


async def test_a_copy_of_a_secret_that_was_turned_is_said_to_be_dead(web: WebHouse) -> None:
    """First that it goes before long, then that it is gone, whatever its server said before."""
    rotation_id = await rotation(web)
    app = web.house.org.read_app(web.house.app_id)
    there = {"domain": domain_of(web.house), "clientSecret": await web.house.served()}
    made = await register(web.house, None, **order(app, scheme="oauth", **there))
    page, told = f"{LIST}/{made['id']}", "Replace it in the client registration"
    assert told not in (await web.visitor.open(page)).text
    await ask(web, rotation_id, "turn", {"wait": False})
    await tick(web)
    leaving = await web.visitor.open(page)
    assert "Its client secret works on for a while only" in leaving.text
    assert told in leaving.text
    await ask(web, rotation_id, "turn/finish-now", {"atOnce": True})
    await run(web, rotation_id)
    gone = await web.visitor.open(page)
    assert "Its client secret works no more" in gone.text
    assert "Replace the secret" in [text for _, text in gone.links]
    assert "Works no more" in (await web.visitor.open(LIST)).text
