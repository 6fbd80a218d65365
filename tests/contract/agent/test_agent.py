"""An agent keeps files equal to what a folder gives, and says so to who needs to know."""

import json
import stat
from dataclasses import replace

from agent_kit import ALL, CANARY, FILES, HEAD, Bench
from dotenv import dotenv_values
from surface_kit import make_folder, make_import

from keyturn.client.agent import Agent


async def test_files_are_of_one_answer(bench: Bench) -> None:
    """A template and a format hold the same client id and secret, with the modes asked for."""
    assert await bench.once()
    env = dotenv_values(bench.folder / "app.env", interpolate=False)
    served = await bench.house.served()
    assert bench.pair == {"id": env["OKTA_CLIENT_ID"], "secret": env["OKTA_CLIENT_SECRET"]}
    assert (bench.pair["secret"], env["OTHER"]) == (served, CANARY)
    modes = [stat.S_IMODE((bench.folder / each).stat().st_mode) for each in ("app.json", "app.env")]
    assert modes == [0o600, 0o640]


async def test_a_turn_reaches_files_hook_and_keyturn(bench: Bench) -> None:
    """The next look after a turn writes both files, runs the hook, and acknowledges the version."""
    async with bench.running():
        await bench.until(lambda: bench.hooked == 1)
        before = bench.pair
        await bench.turn()
        bench.looks.release()
        await bench.until(lambda: bench.hooked == 2)
        after = bench.pair
        await bench.until_acknowledged(2)
    assert before["id"] == after["id"]
    assert before["secret"] != after["secret"] == await bench.house.served()


async def test_what_is_the_same_is_left(bench: Bench) -> None:
    """Where nothing changed, no file is touched, no hook is run, nothing said twice."""
    await bench.once()
    before = [(bench.folder / each).stat().st_ino for each in ("app.json", "app.env")]
    told = len(bench.said)
    assert await bench.once()
    assert [(bench.folder / each).stat().st_ino for each in ("app.json", "app.env")] == before
    assert (bench.hooked, len(bench.said)) == (1, told)


async def test_a_file_that_somebody_changed_is_mended(bench: Bench) -> None:
    """The content and the mode are put right, and the service is told."""
    await bench.once()
    (bench.folder / "app.json").write_text("{}")
    (bench.folder / "app.env").chmod(0o644)
    assert await bench.once()
    assert bench.pair["secret"] == await bench.house.served()
    assert stat.S_IMODE((bench.folder / "app.env").stat().st_mode) == 0o640
    assert bench.hooked == 2


async def test_a_hook_that_fails_is_tried_again_before_anything_is_acknowledged(
    bench: Bench,
) -> None:
    """As long as the service was not told, Keyturn hears of no version in use."""
    (bench.folder / "broken").touch()
    async with bench.running():
        await bench.until(lambda: bench.hooked == 1)
        bench.tries.release()
        await bench.until(lambda: bench.hooked == 2)
        assert await bench.acknowledged() is None
        (bench.folder / "broken").unlink()
        bench.tries.release()
        await bench.until_acknowledged(1)
    assert "sh ended with 1" in bench.told
    assert bench.hooked == 3


async def test_a_hook_that_did_not_run_runs_after_a_restart(bench: Bench) -> None:
    """Files that are as they should be already do not hide that nobody was told of them."""
    (bench.folder / "broken").touch()
    assert not await bench.once()
    (bench.folder / "broken").unlink()
    assert await bench.once()
    assert bench.hooked == 2


async def test_a_file_that_was_mended_is_told_of_after_a_restart(bench: Bench) -> None:
    """Also where its content is again what the service was told of long ago."""
    await bench.once()
    (bench.folder / "app.env").write_text("theirs")
    (bench.folder / "broken").touch()
    assert not await bench.once()
    (bench.folder / "broken").unlink()
    assert await bench.once()
    assert bench.hooked == 3


async def test_what_is_imported_is_acknowledged_where_it_lies(bench: Bench) -> None:
    """A folder gives what it imports; Keyturn is told of the secret itself."""
    await make_folder(bench.house, "/app")
    await make_import(bench.house, "/", "/app")
    text = ALL.replace('environment = "dev"', 'environment = "dev"\npath = "/app"')
    assert await bench.once(text)
    assert bench.pair["secret"] == await bench.house.served()
    assert await bench.acknowledged() == 1


async def test_without_a_cache_a_start_runs_the_hook(bench: Bench) -> None:
    """Nobody knows whether the service was told; so it is told again."""
    text = ALL.replace(ALL[ALL.index("[cache]") : ALL.index("[[folder]]")], "")
    assert await bench.once(text)
    assert await bench.once(text)
    assert bench.hooked == 2


async def test_a_name_that_is_not_there_leaves_the_files(bench: Bench) -> None:
    """No file of the folder changes for a template that cannot be rendered; the line is told."""
    await bench.once()
    before = {each: each.read_bytes() for each in bench.folder.glob("app.*")}
    await bench.turn()
    text = ALL.replace("${OKTA_CLIENT_ID}", "\n${NOT_THERE}")
    assert not await bench.once(text)
    assert "NOT_THERE (line 2)" in bench.told
    assert {each: each.read_bytes() for each in bench.folder.glob("app.*")} == before


async def test_only_what_a_template_holds_is_acknowledged(bench: Bench) -> None:
    """A secret that no file holds is not in use here."""
    text = HEAD + FILES[: FILES.rindex("[[folder.file]]")]
    assert await bench.once(text)
    assert await bench.acknowledged("OKTA_CLIENT_ID") == 1
    assert await bench.acknowledged("OTHER") is None


async def test_values_are_told_nowhere(bench: Bench) -> None:
    """Neither what is said, the cache nor its key hold a value; a hook's own words neither."""
    hook = 'command = ["sh", "-c", "cat FOLDER/app.env; exit 3"]'
    text = ALL.replace(ALL[ALL.index("command = ") :], hook)
    assert not await bench.once(text)
    kept = b"".join((bench.folder / each).read_bytes() for each in ("cache", "cache.key"))
    values = [CANARY, bench.pair["secret"]]
    assert [each for each in values if each in bench.told or each.encode() in kept] == []
    assert "OTHER=[value]" in bench.told


async def test_a_check_changes_nothing(bench: Bench) -> None:
    """It says which files would be written, and makes neither file nor acknowledgement."""
    (due,) = await Agent(bench.config(), bench.host).list_due()
    assert [(target.path.name, written) for target, written in due.files] == [
        ("app.json", True),
        ("app.env", True),
    ]
    assert list(bench.folder.iterdir()) == []
    assert await bench.acknowledged() is None


async def test_the_hook_has_nothing_of_the_agents_own(bench: Bench) -> None:
    """What the agent logs in by is not in the hook's environment, nor what else is hidden."""
    hook = 'command = ["sh", "-c", "env >FOLDER/env"]'
    config = bench.config(ALL.replace(ALL[ALL.index("command = ") :], hook))
    environ = {**bench.host.environ, "KEYTURN_TOKEN": "t"}
    host = replace(bench.host, environ=environ, hidden=frozenset({"KEYTURN_TOKEN"}))
    assert await Agent(config, host).run_once()
    text = (bench.folder / "env").read_text()
    assert "PATH=" in text
    assert "TOKEN" not in text


async def test_json_stays_json_whatever_the_value(bench: Bench) -> None:
    """A value with quotes, lines and dollars is written as the format has it."""
    awkward = 'a"b\\c\n${OTHER} $x é'
    where = bench.house.place | {"secretValue": awkward}
    await bench.house.http.post("/api/v3/secrets/raw/AWKWARD", json=where)
    text = ALL.replace("${OKTA_CLIENT_ID}", "${AWKWARD}")
    assert await bench.once(text)
    assert json.loads((bench.folder / "app.json").read_text())["id"] == awkward.replace(
        "${OTHER}", CANARY
    )
