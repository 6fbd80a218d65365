"""A turn is followed from outside by what was recorded of it."""

import httpx2

from keyturn.cli.following import Follower
from keyturn.client import KeyturnApi, Token


async def test_no_more_than_the_newest_turn_is_asked_for() -> None:
    """Several looks a second cost the same however many turns there were."""
    asked: list[tuple[str, dict[str, str]]] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append((request.url.path.rpartition("/")[2], dict(request.url.params)))
        return httpx2.Response(200, json={"turns": []})

    transport = httpx2.MockTransport(answer)
    async with KeyturnApi("http://keyturn.test", Token("t"), transport=transport) as api:
        assert await Follower(api, "one", lambda step: None).look() is None
    assert asked == [("turns", {"offset": "0", "limit": "1"})]
