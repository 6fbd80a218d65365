"""Subscribers are told what has changed, and only what they may read."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from api_kit import ROTATIONS, SECRETS, House, problem
from identity_kit import ask, at, newcomer
from stream_kit import LIMIT_S, SUBSCRIBE, Stream, Wire, wired
from surface_kit import make_folder, make_import, make_role, put

from keyturn.domain.access import Verb
from keyturn.domain.errors import DatabaseAway
from keyturn.domain.identity import AccessToken, Membership
from keyturn.domain.ids import FolderId, SecretId
from keyturn.domain.project import Folder
from keyturn.domain.secret import Secret, Version
from keyturn.services.streams import STREAMS_EACH

CANARY = "canary-value"


@pytest.fixture
async def wire(house: House) -> AsyncIterator[Wire]:
    """Reach a house by a transport that carries streams."""
    async with wired(house) as wire:
        yield wire


async def change(house: House, name: str, value: str, path: str = "/") -> None:
    """Store the next value of a secret."""
    body = house.place | {"secretPath": path, "secretValue": value}
    await ask(house, "PATCH", f"{SECRETS}/{name}", body)


async def reader(house: House, *, path: str = "/**", env: str = "dev") -> tuple[str, str]:
    """Add somebody who may read what fits a path; return their id and a token of theirs."""
    slug = "reads"
    await make_role(house, Verb.READ_SECRETS, slug=slug, environments=(env,), paths=(path,))
    return await newcomer(house, (slug, house.installed.project.id))


def told(event: str, name: str, path: str = "/") -> dict[str, object]:
    """Return what is told of one secret."""
    changed = {"environment": "dev", "secretPath": path, "secretKey": name}
    return {"eventType": event, "payload": [changed]}


async def test_a_secret_is_told_of_from_its_making_to_its_end(wire: Wire) -> None:
    """Creation, change and deletion are told in Infisical's words, and never a value."""
    stream = await wire.subscribe(wire.wanted())
    await put(wire.house, "KEY", CANARY)
    assert await stream.next() == told("secret:create", "KEY")
    await change(wire.house, "KEY", f"{CANARY}-2")
    assert await stream.next() == told("secret:update", "KEY")
    await ask(wire.house, "DELETE", f"{SECRETS}/KEY", wire.house.place)
    assert await stream.next() == told("secret:delete", "KEY")
    assert CANARY not in "".join(stream.frames)
    assert '"projectType":"secret-manager"' in stream.frames[-1]


async def test_the_answer_is_a_stream_that_no_proxy_keeps(wire: Wire) -> None:
    """The type is that of server-sent events; nothing of it is cached or held back."""
    stream = await wire.subscribe(wire.wanted())
    headers = stream.answer.headers
    assert headers["content-type"].partition(";")[0] == "text/event-stream"
    assert (headers["cache-control"], headers["x-accel-buffering"]) == ("no-store", "no")
    assert "content-length" not in headers


async def test_a_turn_is_told_of(wire: Wire) -> None:
    """Readers hear that the next client secret is served."""
    made = await wire.house.rotate_by_order()
    stream = await wire.subscribe(wire.wanted())
    await ask(wire.house, "POST", f"{ROTATIONS}/{made['id']}/rotate-secrets")
    heard = await stream.next()
    assert heard["eventType"] == "secret:update"
    assert "OKTA_CLIENT_SECRET" in [each["secretKey"] for each in heard["payload"]]


async def test_other_folders_and_events_are_not_told(wire: Wire) -> None:
    """Who wants one event of one folder hears of nothing else."""
    await make_folder(wire.house, "/app")
    for path in ("/", "/app"):
        await put(wire.house, "KEY", "1", path)
    stream = await wire.subscribe(wire.wanted("/app", "dev", "secret:update"))
    await put(wire.house, "NEW", "1", "/app")
    await change(wire.house, "KEY", "2")
    await change(wire.house, "KEY", "2", "/app")
    assert await stream.next() == told("secret:update", "KEY", "/app")


@pytest.mark.parametrize("path", ["/**", "/app/**"])
async def test_a_folder_and_all_below_it(wire: Wire, path: str) -> None:
    """A path may end in what stands for every folder below, itself included."""
    await make_folder(wire.house, "/app")
    await make_folder(wire.house, "/app/deep")
    await make_folder(wire.house, "/apple")
    stream = await wire.subscribe(wire.wanted(path, "dev", "secret:create"))
    expected = ["/app", "/app/deep", *(["/apple"] if path == "/**" else [])]
    for where in ("/apple", "/app", "/app/deep"):
        await put(wire.house, "KEY", "1", where)
    heard: list[str] = []
    while len(heard) < len(expected):
        heard += [each["secretPath"] for each in (await stream.next())["payload"]]
    assert sorted(heard) == expected


async def test_without_conditions_it_is_the_whole_project(wire: Wire) -> None:
    """An event alone is heard of from every environment."""
    body = {"projectId": "example", "register": [{"event": "secret:create"}]}
    stream = await wire.subscribe(body)
    await put(wire.house, "KEY", "1", env="prod")
    assert (await stream.next())["payload"][0]["environment"] == "prod"


async def test_imports_are_told_of_where_they_lead(wire: Wire) -> None:
    """Who listens to a folder hears that something which it imports has changed."""
    await make_folder(wire.house, "/shared")
    stream = await wire.subscribe(wire.wanted("/", "dev", "secret:import-mutation"))
    expected = {
        "eventType": "secret:import-mutation",
        "payload": {"environment": "dev", "secretPath": "/"},
    }
    await make_import(wire.house, "/shared")
    assert await stream.next() == expected
    await put(wire.house, "KEY", "1", "/shared")
    assert await stream.next() == expected


async def test_a_caller_hears_of_nothing_that_it_may_not_read(wire: Wire) -> None:
    """Neither of other folders, nor of an import that it may not read."""
    for path in ("/app", "/app/own", "/secret"):
        await make_folder(wire.house, path)
    await make_import(wire.house, "/secret", "/app/own")
    _, token = await reader(wire.house, path="/app/**")
    stream = await wire.subscribe(wire.wanted("/**"), token)
    await put(wire.house, "HIDDEN", "1", "/secret")
    await put(wire.house, "SEEN", "1", "/app/own")
    assert await stream.next() == told("secret:create", "SEEN", "/app/own")
    await change(wire.house, "SEEN", "2", "/app/own")
    assert await stream.next() == told("secret:update", "SEEN", "/app/own")
    assert "HIDDEN" not in "".join(stream.frames)


async def test_nobody_hears_of_keyturns_own(wire: Wire) -> None:
    """What lies in a folder that no caller can name is not told to an administrator either."""
    made = await put(wire.house, "KEY", "1")
    stream = await wire.subscribe(wire.wanted("/**"))
    async with wire.house.world.store.writing() as tx:
        (secret,) = await tx.list(Secret, id=made["id"])
        (version,) = await tx.list(Version, secret_id=secret.id)
        (folder,) = await tx.list(Folder, id=secret.folder_id)
        await tx.add(
            replace(folder, id=FolderId("own"), path="/.own"),
            replace(secret, id=SecretId("own"), folder_id=FolderId("own")),
            replace(version, id="own", secret_id=SecretId("own")),
        )
    await put(wire.house, "OTHER", "1")
    assert await stream.next() == told("secret:create", "OTHER")


async def test_what_is_told_is_on_record_before(wire: Wire) -> None:
    """The audit log has the subscription, and each folder of which something was told."""
    stream = await wire.subscribe(wire.wanted())
    await put(wire.house, "KEY", "1")
    await stream.next()
    async with wire.house.world.store.reading() as tx:
        subjects = [entry.attempt.subject for entry in await tx.list_audit()]
    project = wire.house.installed.project.id
    assert f"events of {project}/dev/" in subjects
    assert f"change in {project}/dev/" in subjects


async def revoked(house: House, identity_id: str) -> None:
    """End every token of an identity."""
    async with house.world.store.writing() as tx:
        await tx.remove(*await tx.list(AccessToken, identity_id=identity_id))


async def dismissed(house: House, identity_id: str) -> None:
    """Take every role from an identity."""
    async with house.world.store.writing() as tx:
        await tx.remove(*await tx.list(Membership, identity_id=identity_id))


async def expired(house: House, identity_id: str) -> None:
    """Let the time of an identity's tokens pass."""
    async with house.world.store.reading() as tx:
        (token,) = await tx.list(AccessToken, identity_id=identity_id)
    house.clock.advance((token.expires_at - house.clock.now()).total_seconds())


@pytest.mark.parametrize("end", [revoked, dismissed, expired])
@pytest.mark.parametrize("path", ["/", "/**"])
async def test_who_may_no_longer_read_hears_no_more(
    wire: Wire,
    end: object,
    path: str,
) -> None:
    """The stream ends, and what is committed at that moment is not told any more."""
    identity_id, token = await reader(wire.house)
    stream = await wire.subscribe(wire.wanted(path), token)
    await end(wire.house, identity_id)  # type: ignore[operator]  # one of those above
    if end is not expired:
        await put(wire.house, "KEY", "1")
    assert await stream.next() is None
    assert wire.room.open == 0


@pytest.mark.parametrize("end", [revoked, dismissed])
async def test_who_may_no_longer_read_is_sent_away_in_silence_too(
    house: House, end: object
) -> None:
    """Where nothing happens that could be told, the stream ends at the next ping."""
    async with wired(house, ping_s=0.01) as wire:
        identity_id, token = await reader(house)
        stream = await wire.subscribe(wire.wanted(), token)
        await end(house, identity_id)  # type: ignore[operator]  # one of those above
        assert await stream.next() is None


async def test_a_token_of_one_use_listens_all_its_life(wire: Wire) -> None:
    """The use is the subscription; what is told by it counts no more."""
    identity_id, token = await reader(wire.house)
    async with wire.house.world.store.writing() as tx:
        (stored,) = await tx.list(AccessToken, identity_id=identity_id)
        await tx.replace(replace(stored, uses_max=1))
    stream = await wire.subscribe(wire.wanted(), token)
    await put(wire.house, "KEY", "1")
    assert await stream.next() == told("secret:create", "KEY")
    assert (await wire.subscribe(wire.wanted(), token)).answer.status_code == 401


@pytest.mark.parametrize(
    ("place", "status"),
    [
        (("/", "prod"), 403),
        (("/", "nowhere"), 403),
        (("/other", "dev"), 403),
        (("/app/**", "prod"), 200),
        (("/nothing/there", "dev"), 403),
    ],
)
async def test_who_may_not_read_may_not_listen(
    wire: Wire, place: tuple[str, str], status: int
) -> None:
    """What is there and what is not are refused alike; many folders are looked at one by one."""
    _, token = await reader(wire.house, path="/app/**")
    stream = await wire.subscribe(wire.wanted(*place), token)
    assert stream.answer.status_code == status


async def test_what_does_not_exist_is_told_to_who_may_know(wire: Wire) -> None:
    """A slip in the environment or the project is an error, not a stream that stays silent."""
    unknown = await wire.subscribe(wire.wanted("/", "nowhere"))
    assert problem(unknown.answer) == (404, "NotFound")
    everywhere = {"register": [{"event": "secret:update"}]}
    for wanted in (wire.wanted(), everywhere):
        unknown = await wire.subscribe(wanted | {"projectId": "nothing"})
        assert problem(unknown.answer) == (404, "NotFound")


@pytest.mark.parametrize(
    "register",
    [
        [],
        [{"event": "secret:update"}] * 11,
        [{"event": "secret:read"}],
        [{"event": "secret:update", "conditions": {"secretPath": "/a*"}}],
        [{"event": "secret:update", "conditions": {"secretPath": "app/**"}}],
    ],
)
async def test_what_cannot_be_subscribed_to(wire: Wire, register: object) -> None:
    """Events are those four, ten at most, and a path is one of folders."""
    stream = await wire.subscribe({"projectId": "example", "register": register})
    assert problem(stream.answer) == (422, "ValidationFailure")


async def test_an_identity_has_so_many_streams(wire: Wire) -> None:
    """One more is refused until another has ended; other identities have their own."""
    streams = [await wire.subscribe(wire.wanted()) for _ in range(STREAMS_EACH)]
    refused = (await wire.subscribe(wire.wanted())).answer
    assert problem(refused) == (429, "RateLimitExceeded")
    assert refused.headers["retry-after"] == "1"
    _, token = await reader(wire.house)
    assert (await wire.subscribe(wire.wanted(), token)).answer.status_code == 200
    await streams[0].answer.aclose()
    assert (await wire.subscribe(wire.wanted())).answer.status_code == 200


async def test_all_together_have_so_many_streams(house: House) -> None:
    """A server is not filled up by many identities either."""
    async with wired(house, most=1) as wire:
        stream = await wire.subscribe(wire.wanted())
        _, token = await reader(house)
        refused = (await wire.subscribe(wire.wanted(), token)).answer
        assert problem(refused) == (429, "RateLimitExceeded")
        await stream.answer.aclose()
        assert (await wire.subscribe(wire.wanted(), token)).answer.status_code == 200


async def test_who_hangs_up_is_forgotten(wire: Wire) -> None:
    """Nothing of a subscriber stays."""
    stream = await wire.subscribe(wire.wanted())
    assert wire.room.open == 1
    await stream.answer.aclose()
    assert wire.room.open == 0


async def test_a_quiet_stream_is_kept_alive(house: House) -> None:
    """Pings come though nothing happens, so that proxies and clients know that it lives."""
    async with wired(house, ping_s=0.01) as wire:
        stream = await wire.subscribe(wire.wanted())
        pings = 0
        async with asyncio.timeout(LIMIT_S):
            while pings < 3:
                pings += await anext(stream.lines) == "event: ping"


class Flickering:
    """A store whose database is away for some looks."""

    def __init__(self, wire: Wire) -> None:
        self.away, self._store = 0, wire.house.world.store

    def reading(self) -> object:
        """Open a snapshot, if the database is there."""
        if self.away:
            self.away -= 1
            raise DatabaseAway
        return self._store.reading()

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


async def test_nothing_is_missed_while_the_database_is_away(wire: Wire) -> None:
    """The stream goes on, and tells of it once the database is back."""
    store = Flickering(wire)
    flickering = replace(wire.house, world=replace(wire.house.world, store=store))
    async with wired(flickering) as again:
        stream = await again.subscribe(again.wanted())
        store.away = 3
        await put(wire.house, "KEY", "1")
        assert await stream.next() == told("secret:create", "KEY")
        assert store.away == 0


async def test_many_changes_come_in_parts(wire: Wire) -> None:
    """No frame is longer than what clients read in one line, and nothing is left out."""
    stream = await wire.subscribe(wire.wanted())
    secrets = [{"secretKey": f"KEY{n:03}", "secretValue": "1"} for n in range(100)]
    await ask(
        wire.house, "POST", "/api/v3/secrets/batch/raw", wire.house.place | {"secrets": secrets}
    )
    heard = [at(await stream.next(), "payload") for _ in range(3)]
    assert [len(each) for each in heard] == [40, 40, 20]
    assert len({each["secretKey"] for part in heard for each in part}) == 100


async def test_a_slow_reader_is_told_once_of_all(wire: Wire) -> None:
    """What it has not taken is not kept for it: it hears of what there is to know by then."""
    stream = await wire.subscribe(wire.wanted())
    other = await wire.subscribe(wire.wanted())
    await put(wire.house, "KEY", "0")
    await other.next()
    for number in range(3):
        await change(wire.house, "KEY", str(number + 1))
        assert await other.next() == told("secret:update", "KEY")
    assert await stream.next() == told("secret:create", "KEY")


async def test_a_room_that_closes_ends_every_stream(wire: Wire) -> None:
    """A server that stops waits for nobody who listens, and takes nobody new."""
    streams: list[Stream] = [await wire.subscribe(wire.wanted()) for _ in range(3)]
    wire.room.close()
    assert [await each.next() for each in streams] == [None] * 3
    assert (await wire.http.post(SUBSCRIBE, json=wire.wanted())).status_code == 200
