"""Secrets that are current because somebody listens; and that stay so where nobody can."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from itertools import count

import anyio
import pytest
from api_kit import SECRETS, House, open_house
from identity_kit import ask, at
from stream_kit import StreamTransport
from surface_kit import make_folder, make_import, put

from keyturn.api.app import build_api
from keyturn.client import ApiError, Identity, KeyturnApi, Place, Store, Token, Unreachable
from keyturn.client.folder import Folder
from keyturn.client.listening import EVENTS, RETRY_S, Woken, listen
from keyturn.client.watching import FolderWatch
from keyturn.services.events import Newsroom
from keyturn.wire.events import Changed, ChangedPlace, EventData, Subscribe, Told

PLACE = Place("example", "dev")
FOR_EVER_S = 1e9


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """Give a fresh installation."""
    async with open_house() as house:
        yield house


@pytest.fixture
async def api(house: House) -> AsyncIterator[KeyturnApi]:
    """Reach it as its administrator, by a transport that carries streams."""
    app = build_api(house.world, version="0")
    app.state.newsroom = Newsroom(house.world, pause_s=0.005)
    token = Token(house.installed.admin_token.reveal())
    async with KeyturnApi("http://it.example", token, transport=StreamTransport(app)) as api:
        yield api


async def change(house: House, name: str, value: str, path: str = "/") -> None:
    """Store the next value of a secret."""
    body = house.place | {"secretPath": path, "secretValue": value}
    await ask(house, "PATCH", f"{SECRETS}/{name}", body)


async def test_what_has_changed_is_asked_for_at_once(house: House, api: KeyturnApi) -> None:
    """However long a value may be kept, a store that listens gives the current one."""
    await put(house, "KEY", "old")
    async with Store(api, PLACE, ttl_s=FOR_EVER_S) as store:
        secret = store.secret("KEY")
        assert await secret() == "old"
        await change(house, "KEY", "new")
        async with asyncio.timeout(30):
            while await secret() == "old":
                await asyncio.sleep(0.001)
        assert (await secret.current()).version == 2


async def test_what_an_import_brings_is_heard_of(house: House, api: KeyturnApi) -> None:
    """A secret that lies elsewhere is as current as one of the folder itself."""
    await make_folder(house, "/shared")
    await put(house, "KEY", "old", "/shared")
    await make_import(house, "/shared")
    async with Store(api, PLACE, ttl_s=FOR_EVER_S) as store:
        assert await store.secret("KEY")() == "old"
        await change(house, "KEY", "new", "/shared")
        async with asyncio.timeout(30):
            while await store.secret("KEY")() == "old":
                await asyncio.sleep(0.001)
        await store.acknowledge("KEY")
    where = house.place | {"secretPath": "/shared", "secretName": "KEY"}
    told = (await house.http.get("/api/v1/secrets/holders", params=where)).json()
    assert at(told, "holders", 0, "acknowledgedVersion") == 2


async def test_a_store_that_does_not_listen_asks_when_the_time_is_over(
    house: House, api: KeyturnApi
) -> None:
    """Nothing but the time ends what is kept; so it is where nothing can be heard."""
    await put(house, "KEY", "old")
    now = [0.0]
    secret = Store(api, PLACE, ttl_s=60, clock=lambda: now[0]).secret("KEY")
    assert await secret() == "old"
    await change(house, "KEY", "new")
    assert await secret() == "old"
    now[0] = 60.0
    assert await secret() == "new"


async def test_a_change_in_the_middle_of_a_read_is_not_lost(house: House, api: KeyturnApi) -> None:
    """What was being read may be the value before: the next call reads again."""
    await put(house, "KEY", "old")
    store = Store(api, PLACE, ttl_s=FOR_EVER_S)
    secret = store.secret("KEY")
    reading = asyncio.ensure_future(secret())
    await asyncio.sleep(0)
    secret.forget()
    assert await reading == "old"
    await change(house, "KEY", "new")
    assert await secret() == "new"


async def test_the_version_that_was_given_is_acknowledged(house: House, api: KeyturnApi) -> None:
    """A newer one that was not read yet is no part of the word; one that is named is."""
    await put(house, "KEY", "1")
    store = Store(api, PLACE, ttl_s=FOR_EVER_S)
    await store.secret("KEY")()
    await change(house, "KEY", "2")
    await store.acknowledge("KEY")
    (holder,) = (await api.list_holders(PLACE, "KEY")).holders
    assert (holder.acknowledged_version, holder.newest) == (1, False)
    await store.secret("KEY").acknowledge(2)
    (holder,) = (await api.list_holders(PLACE, "KEY")).holders
    assert (holder.acknowledged_version, holder.newest) == (2, True)


async def test_a_stream_that_is_refused_says_why(house: House, api: KeyturnApi) -> None:
    """The refusal is the server's own, as that of any call."""
    body = Subscribe.model_validate({"projectId": "nothing", "register": [{"event": EVENTS[0]}]})
    with pytest.raises(ApiError) as caught:
        await anext(api.subscribe(body))
    assert caught.value.status == 404


def told(name: str = "") -> Told:
    """Return what is told of a secret, or of an import."""
    payload = (
        (Changed(environment="dev", secret_path="/", secret_key=name),)
        if name
        else ChangedPlace(environment="dev", secret_path="/")
    )
    return Told(data=EventData(event_type="secret:update", payload=payload))


@dataclass
class Script:
    """A server that tells by a script, one part a subscription, and how long was waited between."""

    parts: list[list[Told | Exception | None]]
    heard: list[frozenset[str] | None] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    bodies: list[Subscribe] = field(default_factory=list)

    async def subscribe(self, body: Subscribe) -> AsyncGenerator[Told | None]:
        """Tell the next part."""
        self.bodies.append(body)
        for each in self.parts.pop(0):
            if isinstance(each, Exception):
                raise each
            yield each

    async def sleep(self, seconds: float) -> None:
        """Note how long is waited; the end of the script is the end."""
        self.waited.append(seconds)
        if not self.parts:
            raise asyncio.CancelledError

    async def play(self, place: Place = PLACE, *, below: bool = False) -> None:
        """Listen to the end of the script."""
        with suppress(asyncio.CancelledError):
            await listen(self, place, self.heard.append, below=below, sleep=self.sleep)  # type: ignore[arg-type]


async def test_whenever_listening_begins_anything_may_have_changed() -> None:
    """Pings tell of nothing, events name what they are about, and imports may be about all."""
    script = Script([[None, None, told("A"), told()], [None, told("B")]])
    await script.play()
    assert script.heard == [None, {"A"}, None, None, {"B"}]


async def test_a_server_that_is_away_is_left_alone_for_longer_and_longer() -> None:
    """Each wait is up to twice as long as another by chance; one good answer begins anew."""
    away = Unreachable("away")
    script = Script([[away]] * 7 + [[None, away], [away]])
    await script.play()
    longest = [*RETRY_S, RETRY_S[-1], RETRY_S[0], RETRY_S[1]]
    pairs = zip(script.waited, longest, strict=True)
    assert all(most / 2 <= waited <= most for waited, most in pairs)


@pytest.mark.parametrize(
    ("path", "below", "expected"),
    [("/", False, "/"), ("/", True, "/**"), ("/a/b", False, "/a/b"), ("/a/b", True, "/a/b/**")],
)
async def test_the_folder_and_those_below_are_asked_for(
    path: str, *, below: bool, expected: str
) -> None:
    """Every event of the place is wanted."""
    script = Script([[]])
    await script.play(Place("p", "dev", path), below=below)
    (body,) = script.bodies
    wanted = [(each.event, each.conditions) for each in body.registered]
    assert [event for event, _ in wanted] == [*EVENTS]
    assert {(where.environment_slug, where.secret_path) for _, where in wanted if where} == {
        ("dev", expected)
    }


async def test_what_was_heard_ends_a_pause() -> None:
    """A watcher asks as soon as something was heard, also if that was while it asked."""
    numbers = count(1)

    async def read(held: str) -> Folder | None:
        woken.wake(None)
        return Folder({"A": str(next(numbers))}, "tag")

    woken = Woken(anyio.sleep_forever)
    watch = await FolderWatch.begin(read, pause=woken, warn=lambda _: None)
    async with asyncio.timeout(30):
        assert [(await watch.next()).values["A"] for _ in range(3)] == ["2", "3", "4"]


async def test_a_pause_ends_by_itself_where_nothing_is_heard() -> None:
    """Polling goes on where nobody hears anything."""
    pauses = count()

    async def pause() -> None:
        next(pauses)

    woken = Woken(pause)
    for _ in range(3):
        await woken()
    assert next(pauses) == 3


async def test_what_was_heard_ends_one_pause_only() -> None:
    """The next one lasts as long as it would have lasted."""
    woken = Woken(anyio.sleep_forever)
    woken.wake(None)
    await woken()
    second = asyncio.ensure_future(woken())
    await asyncio.wait({second}, timeout=0.01)
    assert not second.done()
    woken.wake(None)
    await second


async def test_an_identity_logs_in_again_to_listen(house: House, api: KeyturnApi) -> None:
    """A token that ended meanwhile is no reason to be deaf."""
    installed = house.installed
    secret = installed.client_secret.reveal()
    transport = api._http._transport  # noqa: SLF001  the same server, another caller
    identity = Identity(installed.client_id, secret)
    async with KeyturnApi("http://it.example", identity, transport=transport) as other:
        body = Subscribe.model_validate(
            {"projectId": "example", "register": [{"event": EVENTS[0]}]}
        )
        for _ in range(2):
            async with aclosing(other.subscribe(body)) as events:
                assert await anext(events) is None
            house.clock.advance(40 * 86_400)
