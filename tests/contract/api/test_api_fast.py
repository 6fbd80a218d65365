"""Plain reads: the same answers as the general routes, never what was replaced or taken away."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx2
import pytest
from api_kit import SECRETS, House, problem

from keyturn.api.app import build_api
from keyturn.domain.audit import Attempt
from keyturn.domain.errors import DatabaseAway
from keyturn.domain.identity import AccessToken, Membership
from keyturn.domain.secret import Receipt
from keyturn.services.ports import Recorded, Store, World

V4 = "/api/v4/secrets"
GENERAL = {"x": "no plain read has this"}
AWKWARD = 'quote " back \\ line \n nul \x00 é 🔑 </script>'


async def put(house: House, value: str, name: str = "KEY") -> None:
    """Store a value under a name, new or not."""
    body = house.place | {"secretValue": value}
    answer = await house.http.post(f"{SECRETS}/{name}", json=body)
    if answer.status_code == 400:
        answer = await house.http.patch(f"{SECRETS}/{name}", json=body)
    assert answer.status_code == 200


async def read(house: House, **more: str) -> httpx2.Response:
    """Read the secret by name."""
    return await house.http.get(f"{SECRETS}/KEY", params=house.place | more)


def value_of(answer: httpx2.Response) -> str:
    """Return the value in an answer."""
    value: str = answer.json()["secret"]["secretValue"]
    return value


async def entries(house: House, verb: str = "secrets:read") -> int:
    """Count the audit entries of a verb."""
    async with house.world.store.reading() as tx:
        return sum(each.attempt.verb == verb for each in await tx.list_audit(limit=10_000))


@asynccontextmanager
async def another_server(house: House, world: World | None = None) -> AsyncIterator[House]:
    """Reach the same store by another server process, with a memory of its own."""
    transport = httpx2.ASGITransport(build_api(world or house.world, version="0"))
    async with httpx2.AsyncClient(
        transport=transport, base_url="https://other.example.com", headers=house.http.headers
    ) as http:
        yield replace(house, http=http)


@pytest.mark.parametrize("path", [SECRETS, V4, f"{SECRETS}/KEY", f"{V4}/KEY"])
async def test_plain_reads_are_answered_as_the_general_routes_do(house: House, path: str) -> None:
    """Bodies are the same to the byte, tags and types too, the first time and from memory."""
    await put(house, AWKWARD)
    await put(house, "", "OTHER")
    general = await house.http.get(path, params=house.place | GENERAL)
    for _ in range(2):
        plain = await house.http.get(path, params=house.place)
        assert plain.content == general.content
        assert plain.headers["etag"] == general.headers["etag"]
        assert plain.headers["content-type"] == general.headers["content-type"]
        assert plain.headers["cache-control"] == "no-store"
        assert plain.headers["x-request-id"] != general.headers["x-request-id"]


async def test_an_empty_folder_is_an_empty_list(house: House) -> None:
    """No secrets are an answer too."""
    assert (await house.http.get(SECRETS, params=house.place)).json()["secrets"] == []


@pytest.mark.parametrize("path", [SECRETS, f"{V4}/KEY"])
async def test_a_plain_read_is_conditional(house: House, path: str) -> None:
    """Who has the newest gets 304 and nothing; a change of the value changes the tag."""
    await put(house, "first")
    tag = (await house.http.get(path, params=house.place)).headers["etag"]
    asked = {"if-none-match": f'W/"x", {tag}'}
    same = await house.http.get(path, params=house.place, headers=asked)
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    await put(house, "second")
    assert (await house.http.get(path, params=house.place, headers=asked)).status_code == 200


async def read_again(house: House, tag: str) -> int:
    """Read the secret by name as one that holds a copy; return the status."""
    asked = {"if-none-match": tag}
    return (await house.http.get(f"{SECRETS}/KEY", params=house.place, headers=asked)).status_code


async def test_every_plain_read_is_on_record(house: House) -> None:
    """Each that discloses something has its audit entry, which names caller and secret."""
    await put(house, "first")
    before = await entries(house)
    for _ in range(3):
        await read(house)
    assert await entries(house) == before + 3
    async with house.world.store.reading() as tx:
        last = (await tx.list_audit(limit=10_000))[-1].attempt
    assert last.allowed
    assert last.subject == f"secret {house.installed.project.id}/dev/:KEY"


async def test_who_holds_the_newest_is_on_record_once_a_minute(house: House) -> None:
    """A 304 tells nothing that an entry of the last minute does not say; a first one has its own.

    Whoever names another tag is given the value, and has an entry for it.
    """
    await put(house, "first")
    tag = (await read(house)).headers["etag"]
    before = await entries(house)
    for seconds, status, more in (
        (0, 304, 0),
        (59, 304, 0),
        (2, 304, 1),
        (59, 304, 0),
        (0, 200, 1),
        (59, 304, 0),
        (2, 304, 1),
    ):
        house.clock.advance(seconds)
        assert await read_again(house, tag if status == 304 else '"another"') == status
        assert await entries(house) == before + more
        before += more
    async with another_server(house) as other:
        assert await read_again(other, tag) == 304
    assert await entries(house) == before + 1


async def test_who_holds_an_older_one_is_given_the_newest_at_once(house: House) -> None:
    """Also within the minute of an entry, and where another server wrote it."""
    await put(house, "first")
    async with another_server(house) as other:
        tag = (await read(house)).headers["etag"]
        assert await read_again(house, tag) == 304
        await put(other, "second")
        assert await read_again(house, tag) == 200


async def test_what_another_server_wrote_is_read_at_once(house: House) -> None:
    """No server gives what was replaced, wherever that happened; versions only ascend."""
    async with another_server(house) as other:
        for number in range(4):
            await put(house if number % 2 else other, f"value {number}")
            for each in (house, other):
                assert value_of(await read(each)) == f"value {number}"


Taking = Callable[[House], Awaitable[None]]


async def revoke(house: House) -> None:
    """End every token."""
    async with house.world.store.writing() as tx:
        await tx.remove(*await tx.list(AccessToken))


async def expire(house: House) -> None:
    """Let all tokens grow too old."""
    house.clock.advance(3651 * 86_400)


async def demote(house: House) -> None:
    """Take every role away."""
    async with house.world.store.writing() as tx:
        await tx.remove(*await tx.list(Membership))


async def confine(house: House) -> None:
    """Let tokens be good from one network only."""
    async with house.world.store.writing() as tx:
        for token in await tx.list(AccessToken):
            await tx.replace(replace(token, trusted=("10.0.0.0/8",)))


@pytest.mark.parametrize(
    ("take", "status"), [(revoke, 401), (expire, 401), (demote, 403), (confine, 401)]
)
async def test_what_was_taken_away_is_gone_at_once(house: House, take: Taking, status: int) -> None:
    """A token, its age, its network and its roles are looked at anew for every read."""
    await put(house, "first")
    tag = (await read(house)).headers["etag"]
    async with another_server(house) as other:
        assert [await read_again(each, tag) for each in (house, other, other)] == [304] * 3
        await take(house)
        for each in (house, other):
            assert await read_again(each, tag) == status
            assert problem(await read(each))[0] == status


async def test_what_was_taken_away_opens_nothing_new(house: House) -> None:
    """A token that is still in memory is as old as it is, for a secret that is not."""
    await put(house, "first")
    await put(house, "first", "OTHER")
    await read(house)
    await demote(house)
    answer = await house.http.get(f"{SECRETS}/OTHER", params=house.place)
    assert problem(answer)[0] == 403


async def test_a_token_with_few_uses_is_used_up(house: House) -> None:
    """Uses are counted, so such a token never takes the short way."""
    await put(house, "first")
    async with house.world.store.writing() as tx:
        for token in await tx.list(AccessToken):
            await tx.replace(replace(token, uses_max=3))
    assert [(await read(house)).status_code for _ in range(4)] == [200, 200, 200, 401]


class Meddler:
    """A store in which something happens just before an audit entry is written."""

    def __init__(self, store: Store, act: Callable[[], Awaitable[None]]) -> None:
        self._store = store
        self._act: Callable[[], Awaitable[None]] | None = act
        self.reading = store.reading
        self.writing = store.writing

    async def append_audit(self, attempt: Attempt) -> Recorded:
        """Let it happen, once."""
        act, self._act = self._act, None
        if act:
            await act()
        return await self._store.append_audit(attempt)

    async def revision(self) -> int:
        """Let it happen here as well."""
        act, self._act = self._act, None
        if act:
            await act()
        return await self._store.revision()


async def test_what_changes_under_a_reader_is_not_given(house: House) -> None:
    """What was looked up before the audit entry is given only if it is still what is served."""
    await put(house, "first")

    async def promote() -> None:
        await put(house, "second")

    meddler: Store = Meddler(house.world.store, promote)
    async with another_server(house, replace(house.world, store=meddler)) as other:
        assert value_of(await read(other)) == "second"


async def test_a_right_that_ends_under_a_reader_is_not_used(house: House) -> None:
    """A token that is revoked between look-up and audit entry opens nothing."""
    await put(house, "first")

    async def end() -> None:
        await revoke(house)

    meddler: Store = Meddler(house.world.store, end)
    async with another_server(house, replace(house.world, store=meddler)) as other:
        assert problem(await read(other))[0] == 401


class StandingStill:
    """A store after whose first audit entries the process stands still."""

    def __init__(self, house: House, times: int) -> None:
        store = house.world.store
        self._house, self._times = house, times
        self._append = store.append_audit
        self.reading = store.reading
        self.writing = store.writing

    async def append_audit(self, attempt: Attempt) -> Recorded:
        """Append one audit entry, and wake up ten seconds later."""
        recorded = await self._append(attempt)
        if self._times:
            self._times -= 1
            self._house.clock.advance(10)
        return recorded

    async def revision(self) -> int:
        """Look up the revision at once."""
        return await self._house.world.store.revision()


async def test_who_stood_still_looks_again(house: House) -> None:
    """What was looked up too long ago is not given: it may have been retired meanwhile."""
    await put(house, "first")
    store: Store = StandingStill(house, 2)
    before = await entries(house)
    async with another_server(house, replace(house.world, store=store)) as other:
        assert value_of(await read(other)) == "first"
    assert await entries(house) == before + 3


class NoInk:
    """A store that cannot write."""

    def __init__(self, store: Store) -> None:
        self.reading = store.reading
        self.writing = store.writing

    async def append_audit(self, attempt: Attempt) -> Recorded:
        """Fail."""
        raise DatabaseAway

    async def revision(self) -> int:
        """Fail."""
        raise DatabaseAway


async def test_nothing_is_given_that_cannot_be_put_on_record(house: House) -> None:
    """Where the audit entry cannot be written the answer is 503, from memory too."""
    await put(house, "first")
    store: Store = NoInk(house.world.store)
    async with another_server(house, replace(house.world, store=store)) as other:
        for _ in range(2):
            assert problem(await read(other)) == (503, "ServiceUnavailable")


async def test_reads_of_what_a_rotation_keeps_leave_receipts(house: House) -> None:
    """Who holds which version is known from plain reads as well, and is noted again in time."""
    await house.rotate_by_order()
    for wait_s in (0, 10, 61):
        house.clock.advance(wait_s)
        await house.served()
    async with house.world.store.reading() as tx:
        (receipt,) = await tx.list(Receipt)
    assert (receipt.version, receipt.given) == (1, 1)
    assert receipt.read_at == house.clock.now()


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"secretPath": "/nowhere"}, 404),
        ({"environment": "nowhere"}, 404),
        ({"workspaceId": "nowhere"}, 404),
        ({"version": "7"}, 404),
        ({"environment": ""}, 422),
    ],
)
async def test_what_is_not_there_is_told_by_the_general_routes(
    house: House, more: dict[str, str], status: int
) -> None:
    """The short way has no words for errors."""
    await put(house, "first")
    assert problem(await read(house, **more))[0] == status


async def test_a_get_with_a_body_is_served(house: House) -> None:
    """Some clients send one: it is read and ignored."""
    await put(house, "first")
    answer = await house.http.request("GET", f"{SECRETS}/KEY", params=house.place, json={"a": 1})
    assert value_of(answer) == "first"
