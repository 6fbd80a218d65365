"""While Keyturn is away, or refuses, an agent keeps what is there, and says so."""

from collections.abc import Callable

import pytest
from agent_kit import ALL, CANARY, Bench
from api_kit import SECRETS

from keyturn.client.agent import BadConfig, Config
from keyturn.client.agent.serving import Asked, serve


def content(bench: Bench) -> dict[str, bytes]:
    """Return what is in the files."""
    return {each.name: each.read_bytes() for each in sorted(bench.folder.glob("app.*"))}


def remove(bench: Bench) -> None:
    """Remove the files, as a host does that starts on a disk of memory."""
    for each in bench.folder.glob("app.*"):
        each.unlink()


async def test_files_come_from_the_cache_where_the_server_is_away(bench: Bench) -> None:
    """At a start without a server the files are there all the same; how old they are is told."""
    await bench.once()
    before = content(bench)
    remove(bench)
    bench.line.cut = True
    bench.house.clock.advance(1500)
    async with bench.running():
        await bench.until(lambda: len(content(bench)) == 2)
    assert content(bench) == before
    assert "uses the cached copy, which is 25 min old" in bench.told
    assert CANARY not in bench.told


async def test_a_cache_too_old_is_not_used(bench: Bench) -> None:
    """Beyond its age nothing is rendered, until the server is back."""
    await bench.once()
    remove(bench)
    bench.line.cut = True
    bench.house.clock.advance(3601)
    async with bench.running():
        await bench.until(lambda: "1 h 1 s old, which is too old" in bench.told)
        assert content(bench) == {}
        bench.line.cut = False
        bench.tries.release()
        await bench.until(lambda: len(content(bench)) == 2)


async def test_the_cache_is_as_old_as_the_last_answer(bench: Bench) -> None:
    """An answer that nothing changed makes the copy young again."""
    async with bench.running():
        await bench.until(lambda: bench.hooked == 1)
        bench.house.clock.advance(3000)
        for _ in range(2):
            bench.looks.release()
        await bench.until(bench.looks.locked)  # the second look begins when the first has ended
    bench.house.clock.advance(3000)
    bench.line.cut = True
    await bench.once()
    assert "50 min old" in bench.told


async def test_an_outage_in_the_middle_leaves_the_files(bench: Bench) -> None:
    """It is told once, and what turned meanwhile comes once the server is back."""
    async with bench.running():
        await bench.until(lambda: bench.hooked == 1)
        before = content(bench)
        bench.line.cut = True
        for _ in range(3):
            bench.looks.release()
        await bench.until(lambda: "stays in force" in bench.told)
        assert content(bench) == before
        bench.line.cut = False
        await bench.turn()
        for _ in range(3):
            bench.looks.release()
        await bench.until(lambda: bench.hooked == 2)
    assert bench.told.count("stays in force") == 1
    assert bench.pair["secret"] == await bench.house.served()


@pytest.mark.parametrize("status", [401, 403, 404, 422])
async def test_a_refusal_takes_nothing_away(bench: Bench, status: int) -> None:
    """Whoever may no longer read keeps the files of before; the cache is not rendered either."""
    await bench.once()
    before = content(bench)
    (bench.folder / "app.env").unlink()
    bench.line.status = status
    assert not await bench.once()
    assert content(bench) == {"app.json": before["app.json"]}
    assert f"HTTP {status}" in bench.told


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_server_in_trouble_is_as_one_that_is_away(bench: Bench, status: int) -> None:
    """The files come from the cache."""
    await bench.once()
    before = content(bench)
    remove(bench)
    bench.line.status = status
    await bench.once()
    assert content(bench) == before


async def test_a_secret_that_is_deleted_leaves_the_file_that_needs_it(bench: Bench) -> None:
    """A template that cannot be rendered any more keeps its file as it is."""
    text = ALL.replace("${OKTA_CLIENT_ID}", "${OTHER}")
    await bench.once(text)
    before = content(bench)
    await bench.house.http.request("DELETE", f"{SECRETS}/OTHER", json=bench.house.place)
    assert not await bench.once(text)
    assert content(bench) == before


async def test_a_token_is_read_again_where_it_was_refused(bench: Bench) -> None:
    """A token file that somebody renews is looked into again at the first 401."""
    token = bench.folder / "token"
    text = ALL.replace('{ env = "AGENT_TOKEN" }', f'{{ file = "{token}" }}')
    token.write_text("expired")
    assert not await bench.once(text)
    assert "HTTP 401" in bench.told
    token.write_text(bench.host.environ["AGENT_TOKEN"] + "\n")
    assert await bench.once(text)


async def test_a_token_file_that_is_away_is_told(bench: Bench) -> None:
    """Neither is it an end, nor is the cache used for it."""
    text = ALL.replace('{ env = "AGENT_TOKEN" }', f'{{ file = "{bench.folder}/token" }}')
    assert not await bench.once(text)
    assert "token cannot be read: No such file" in bench.told


async def test_a_broken_cache_is_left_out(bench: Bench) -> None:
    """A copy that somebody changed is told and never rendered; the next answer replaces it."""
    await bench.once()
    cache = bench.folder / "cache"
    text = cache.read_text()
    cache.write_text(text[:50] + ("A" if text[50] != "A" else "B") + text[51:])
    remove(bench)
    bench.line.cut = True
    assert not await bench.once()
    assert (content(bench), "cannot be opened" in bench.told) == ({}, True)
    bench.line.cut = False
    assert await bench.once()
    assert len(content(bench)) == 2


def reading(bench: Bench, texts: list[str]) -> Callable[[], Config]:
    """Return what reads one config after the other."""
    return lambda: bench.config(texts.pop(0))


async def test_a_new_config_is_taken_when_asked(bench: Bench) -> None:
    """The agent goes on with what the file holds now."""
    texts = [ALL, ALL.replace("app.env", "new.env")]
    async with bench.running(reading(bench, texts)) as asked:
        await bench.until(lambda: bench.hooked == 1)
        asked.reload.set()
        await bench.until((bench.folder / "new.env").exists)
    assert "read the config again" in bench.told


async def test_a_bad_config_leaves_the_old_one_in_force(bench: Bench) -> None:
    """It is told with its line, and a turn still reaches the files."""
    texts = [ALL, ALL.replace('mode = "0640"', "mode = 640")]
    async with bench.running(reading(bench, texts)) as asked:
        await bench.until(lambda: bench.hooked == 1)
        asked.reload.set()
        await bench.until(lambda: "The config of before stays in force." in bench.told)
        await bench.turn()
        bench.looks.release()
        await bench.until(lambda: bench.hooked == 2)
    assert "line 24, folder.0.file.1.mode" in bench.told


async def test_a_first_config_that_does_not_fit_is_the_end(bench: Bench) -> None:
    """Nothing is begun."""
    with pytest.raises(BadConfig, match=r"agent\.toml"):
        await serve(reading(bench, ["server = 1"]), bench.host, Asked())
