"""`keyturn okta self-check`: asks an org what is not known, and leaves it as it was."""

import re

import anyio
import pytest
from click.testing import CliRunner, Result
from sandbox_kit import World

from keyturn.cli.main import cli
from keyturn.cli.self_check import READS, WRITES, SelfCheck, Stopped, named_in_creation
from keyturn.domain.sensitive import Sensitive
from keyturn.sandbox import Fault, Org, Ready, SandboxConfig, serving

pytestmark = pytest.mark.anyio
SECRETS = "/api/v1/apps/{appId}/credentials/secrets"
VALUE = "7U_MTFeIoRVHtPTcb4MY0gESLLisXfNRbbob1Quo"
HASH = "cfQjsGNDYEn5e3rqJME_jQ"


class Run:
    """A check of the world's org; waiting moves the clock."""

    def __init__(self, world: World) -> None:
        self.told: list[str] = []
        self.waits: list[float] = []
        self.world = world
        token = Sensitive(world.org.seeded.api_token)
        self.check = SelfCheck(world.http, token, self._sleep, self.told.append)

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.world.clock.advance(seconds)

    async def whole(self) -> dict[str, str]:
        """Look and change, and return what was seen of each point."""
        await self.check.look()
        await self.check.change()
        return {one.point: one.seen for one in self.check.findings}


@pytest.fixture
async def world() -> World:
    """Begin with an untouched org."""
    return World()


async def test_what_the_sandbox_answers(world: World) -> None:
    """The sandbox takes a side in every open point; docs/sandbox.md says which."""
    assert await Run(world).whole() == {
        "metadata of the org server": "404 E0000008 The requested path was not found",
        "wrong bearer token": "401 E0000011 Invalid token provided, with www-authenticate",
        "list of keys": "200, an array",
        "value used twice": "201",
        "created INACTIVE": "201, status INACTIVE",
        "deactivated while INACTIVE": "200",
        "time until a new secret authenticates": "accepted after waiting 0 s",
        "secret shown by PUT": "200, the newer",
        "secret in the log of a token call": "200, 1 of 1 equal secret_hash",
        "secret in the log of its creation": "by its hash",
    }


async def test_the_plan_names_every_call(world: World) -> None:
    """What is done was announced, in that order; what was announced is done."""
    run = Run(world)
    await run.whole()
    planned = [one.why for one in (*READS, *WRITES)]
    made = [re.findall(r"\((.*)\)", line)[0] for line in run.told]
    assert sorted(set(made), key=planned.index) == planned


async def test_only_the_own_app_is_touched_and_it_is_gone(world: World) -> None:
    """All other apps are as they were, and the one made exists no more."""
    before = world.org.list_apps()
    await Run(world).whole()
    assert world.org.list_apps() == before
    (own,) = [app for app in world.org.apps.values() if app not in before]
    assert own.label.startswith("keyturn-self-check-")


async def test_no_value_is_told(world: World) -> None:
    """Neither the token nor any client secret is in what is said."""
    run = Run(world)
    await run.whole()
    said = " ".join([*run.told, *map(str, run.check.findings), repr(run.check)])
    values = [one.value for app in world.org.apps.values() for one in app.secrets]
    assert len(values) >= 4
    assert [one for one in (*values, world.org.seeded.api_token) if one in said] == []


async def test_a_refusal_in_the_middle_still_deletes_the_app(world: World) -> None:
    """A call that fails for good ends the check, not the tidying up."""
    before = world.org.list_apps()
    run = Run(world)
    world.org.add_fault(Fault("error-before-effect", "POST", SECRETS, skip=2, status=503))
    with pytest.raises(Stopped, match=r"refused POST /api/v1/apps/.*: 503"):
        await run.whole()
    assert (world.org.list_apps(), run.check.left_behind) == (before, None)


async def test_an_app_that_stays_is_named(world: World) -> None:
    """Where the app cannot be deleted, its label is told."""
    run = Run(world)
    world.org.add_fault(Fault("error-before-effect", "DELETE", "/api/v1/apps/{appId}"))
    await run.whole()
    (left,) = [app.label for app in world.org.list_apps() if app.label == run.check.left_behind]
    assert left.startswith("keyturn-self-check-")


async def test_an_unanswered_creation_is_not_forgotten(world: World) -> None:
    """When the answer to the creation is lost, the label is told: the app may exist."""
    run = Run(world)
    world.org.add_fault(Fault("error-after-effect", "POST", "/api/v1/apps", status=502))
    with pytest.raises(Stopped):
        await run.whole()
    assert run.check.left_behind in [app.label for app in world.org.list_apps()]


async def test_a_refused_creation_leaves_nothing(world: World) -> None:
    """A token that may not make apps is a refusal, and no app is looked for."""
    run = Run(world)
    run.check.token = Sensitive("wrong")
    with pytest.raises(Stopped, match="401 E0000011"):
        await run.check.change()
    assert run.check.left_behind is None


async def test_a_full_rate_window_is_waited_for(world: World) -> None:
    """A call that comes too early is made again when the window has ended."""
    world.org.add_fault(Fault("rate-limit", "POST", SECRETS, count=1))
    run = Run(world)
    assert len(await run.whole()) == 10
    assert len(run.waits) == 1
    assert 1 <= run.waits[0] <= 61


async def test_a_window_that_never_ends_is_a_refusal(world: World) -> None:
    """Patience ends."""
    world.org.add_fault(Fault("rate-limit", "GET", "/api/v1/apps"))
    with pytest.raises(Stopped, match="rate limit"):
        await Run(world).check.look()


async def test_a_slow_secret_is_timed(world: World) -> None:
    """The time until a new client secret works is measured in whole tries."""
    world.org.change_settings(propagation_s=12)
    seen = await Run(world).whole()
    assert seen["time until a new secret authenticates"] == "accepted after waiting 15 s"


@pytest.mark.parametrize(
    ("named", "seen"),
    [(HASH, "by its hash"), (VALUE, "IN THE CLEAR"), ("else", "not at all")],
)
def test_a_value_in_the_clear_is_noticed(named: str, seen: str) -> None:
    """Should a log ever show the value itself, the check says so without repeating it."""
    entry = {"detailEntry": {"ClientSecret": named}}
    event = {"eventType": "app.oauth2.credentials.lifecycle.create", "target": [entry]}
    assert named_in_creation({"": [event]}, Sensitive(VALUE)) == seen
    assert named_in_creation({}, Sensitive(VALUE)) == "not at all"


async def test_a_log_that_stays_silent(world: World) -> None:
    """Patience with the log ends as well."""
    run = Run(world)
    world.org.add_fault(Fault("empty-list", "GET", "/api/v1/logs"))
    assert (await run.whole())["secret in the log of a token call"] == "none in 60 s"


# --- the command ----------------------------------------------------------------------------------


def invoke(*arguments: str, token: str = "") -> Result:
    """Run the command with the token in the environment."""
    words = ["okta", "self-check", *arguments]
    return CliRunner().invoke(cli, words, env={"ORG_TOKEN": token}, input="n\n")


def test_plan_makes_no_call() -> None:
    """The plan needs no token and no org."""
    result = invoke("--plan", "--url", "https://org.example.invalid")
    assert result.exit_code == 0
    assert len(result.output.splitlines()) == len(READS) + len(WRITES)
    assert "writes  DELETE /api/v1/apps/{app}  (leave nothing behind)" in result.output


@pytest.mark.parametrize("url", ["http://org.example.com", "https://org-admin.okta.com", "org"])
def test_a_token_is_not_sent_to_a_wrong_address(url: str) -> None:
    """Plain http is for this machine only, and the console is not the org."""
    result = invoke("--url", url, "--token-env", "ORG_TOKEN", token="t")
    assert result.exit_code == 2


@pytest.fixture
async def ready() -> Ready:
    """Give a fresh org on free ports."""
    async with serving(SandboxConfig(0, 0, 0, org=Org(1))) as ready:
        yield ready


@pytest.mark.parametrize("yes", [True, False])
async def test_the_command(ready: Ready, yes: bool) -> None:  # noqa: FBT001
    """With --yes everything is tried; without consent the org is only read."""
    words = ["--url", ready.https_url, "--ca-file", str(ready.ca_file), "--token-env", "ORG_TOKEN"]
    words += ["--yes"] if yes else []
    token = str(ready.as_json()["ssws_token"])
    result = await anyio.to_thread.run_sync(lambda: invoke(*words, token=token))
    assert result.exit_code == 0, result.output
    assert ("secret shown by PUT" in result.output) == yes
    writes = [one for one in ready.org.requests()["requests"] if one["method"] != "GET"]
    assert bool(writes) == yes
    assert token not in result.output


async def test_an_org_that_is_not_there() -> None:
    """One line says so."""
    words = ("--url", "http://127.0.0.1:9", "--token-env", "ORG_TOKEN")
    result = await anyio.to_thread.run_sync(lambda: invoke(*words, token="t"))
    assert (result.exit_code, "does not answer" in result.output) == (1, True)
