"""Orgs saved and loaded: everything an org holds, in one file that only its owner may read."""

import json
import stat
from pathlib import Path

import httpx2
import pytest
from sandbox_kit import BASE, World

from keyturn.sandbox import Fault, Org, SandboxConfig, SnapshotError, build_app, serving
from keyturn.sandbox.state.codec import Reader, Writer
from keyturn.sandbox.state.snapshot import (
    new_org,
    parse_snapshot,
    read_snapshot,
    render_snapshot,
    restore,
    write_snapshot,
)

pytestmark = pytest.mark.anyio


async def lived(world: World) -> World:
    """Let an org have a past: secrets, tokens, a fault, a moved clock."""
    await world.make_secret()
    await world.redeem((await world.log_in())["code"])
    await world.service_token()
    world.org.add_fault(Fault("error-before-effect", route="/nowhere", probability=0.5))
    await world.http.get("/nowhere")
    world.org.clock.advance(600)
    return world


def through_json(org: Org) -> Org:
    """Save an org to JSON text and load another one from it."""
    text = json.dumps(render_snapshot({"main": org}))
    return new_org(parse_snapshot(json.loads(text))["main"])


async def test_nothing_is_lost(world: World) -> None:
    """An org that was loaded saves itself to the same bytes, clock aside."""
    org = (await lived(world)).org
    one, two = render_snapshot({"a": org}), render_snapshot({"a": through_json(org)})
    for document in (one, two):
        document["orgs"]["a"].pop("clock")  # type: ignore[index, call-overload, union-attr]  # JSON
    assert json.dumps(one) == json.dumps(two)


async def test_parts_still_belong_together(world: World) -> None:
    """What several parts share they share again, and they write to the loaded org."""
    org = through_json((await lived(world)).org)
    assert org.people.users is org.users
    before = org.system_log.last
    org.people.suspend(org.seeded.user_id)
    assert org.system_log.last == before + 1


async def test_tokens_stay_good(world: World) -> None:
    """A token issued before is accepted after, and the same keys are published."""
    token = (await world.service_token()).json()["access_token"]
    org = through_json(world.org)
    org.clock.set(world.clock.at)
    transport = httpx2.ASGITransport(build_app(org))
    async with httpx2.AsyncClient(transport=transport, base_url=BASE) as http:
        answer = await http.get("/api/v1/apps", headers={"authorization": f"Bearer {token}"})
        keys = await http.get("/oauth2/v1/keys")
    assert answer.status_code == 200
    assert keys.content == (await world.http.get("/oauth2/v1/keys")).content


async def test_chance_goes_on(world: World) -> None:
    """The next id, and the next request that a fault strikes, are the ones that would have come."""
    org = through_json((await lived(world)).org)
    assert [org.mint.issue_id("x") for _ in range(3)] == [
        world.org.mint.issue_id("x") for _ in range(3)
    ]
    drawn = [[bool(o.faults.draw("GET", "/nowhere")) for _ in range(20)] for o in (org, world.org)]
    assert drawn[0] == drawn[1]


async def test_clock_goes_on_from_where_it_was(world: World) -> None:
    """A clock that was moved and stopped shows the same moment in the loaded org."""
    world.org.clock.advance(1000)
    world.org.clock.run(0)
    assert through_json(world.org).now() == world.org.now()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": 1}, "reads only version 2"),
        ({"format": "other"}, "not a snapshot"),
        ({"orgs": {}}, "holds no org"),
        ({"orgs": {"a": []}}, "org a is an object, not list"),
    ],
)
def test_other_documents_are_refused(change: dict[str, object], words: str) -> None:
    """Another format, an unknown version and an empty one are refused by name."""
    document = {"format": "keyturn-sandbox", "version": 2, "orgs": {"a": {}}} | change
    with pytest.raises(SnapshotError, match=words):
        parse_snapshot(document)  # type: ignore[arg-type]  # JSON


@pytest.mark.parametrize("broken", ["tokens", "mint", "apps"])
async def test_half_a_state_changes_nothing(world: World, broken: str) -> None:
    """A state with a part missing or spoilt is refused, and the org is what it was."""
    text = json.dumps(render_snapshot({"a": world.org})["orgs"]["a"])  # type: ignore[index, call-overload]  # JSON
    before = world.org.credentials()
    without, spoilt = json.loads(text), json.loads(text)
    del without[broken]
    spoilt[broken]["$is"] = "os.system"
    for state in (without, spoilt):
        with pytest.raises(SnapshotError):
            restore(world.org, state)
    assert world.org.credentials() == before


@pytest.mark.parametrize(
    "value",
    [
        {"$is": "org.asyncio", "of": {}},
        {"$is": "org.Nobody", "of": {}},
        {"$is": "records.Secret", "of": {"colour": 1}},
        {"$is": "records.Secret", "of": {}},
        {"$method": "__reduce__", "of": {"$same": 0}},
        {"$same": 99},
        {"$eval": "1"},
    ],
)
async def test_only_what_a_writer_writes_is_read(world: World, value: dict[str, object]) -> None:
    """Nothing outside the sandbox's own classes can be named."""
    with pytest.raises(SnapshotError):
        Reader(world.org).read(value)  # type: ignore[arg-type]  # JSON


@pytest.mark.parametrize("value", [lambda: None, object(), Path()])
def test_what_has_no_form_is_named(value: object) -> None:
    """What cannot be saved is an error that says what it is, not a hole in the file."""
    with pytest.raises(SnapshotError, match="no place in a snapshot"):
        Writer(None).write(value)


def test_a_collection_in_two_places_is_refused() -> None:
    """Two holders of one collection would part ways after loading."""
    shared: dict[str, int] = {}
    with pytest.raises(SnapshotError, match="two places"):
        Writer(None).write_state({"one": shared, "two": shared})


async def test_an_org_without_what_it_was_seeded_with(world: World) -> None:
    """An org whose example app and person are gone is saved and loaded like any other."""
    world.org.deactivate_app(world.app_id)
    world.org.delete_app(world.app_id)
    world.org.people.deactivate(world.org.seeded.user_id)
    world.org.people.delete(world.org.seeded.user_id)
    shown = through_json(world.org).credentials()
    assert shown["user"] is None
    assert shown["app"]["client_secret"] is None  # type: ignore[index, call-overload]  # JSON


def test_file_is_private(tmp_path: Path) -> None:
    """Only the owner may read a file with clear secrets, also one that was there before."""
    path = tmp_path / "org.json"
    path.write_text("{}")
    write_snapshot(path, {"main": Org()})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [*read_snapshot(path)] == ["main"]
    assert [*tmp_path.iterdir()] == [path]


async def test_saved_at_the_end_and_loaded(tmp_path: Path) -> None:
    """What one run of the server saves, the next one serves."""
    path = tmp_path / "org.json"
    async with serving(SandboxConfig(0, 0, 0, seed=3, save=path)) as ready:
        made = ready.org.create_secret(ready.org.seeded.web_app_id)
        token = ready.as_json()["ssws_token"]
    async with serving(SandboxConfig(0, 0, 0, load=path)) as ready:
        assert ready.as_json()["ssws_token"] == token
        assert ready.org.read_secret(ready.org.seeded.web_app_id, made.id).value == made.value
