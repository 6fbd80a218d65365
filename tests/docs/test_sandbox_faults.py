"""Each fault that the sandbox's page shows an example of is put in force and seen."""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest
from sandbox_kit import World

from keyturn.sandbox import build_control
from keyturn.sandbox.faults import KINDS

pytestmark = pytest.mark.anyio

PAGE = Path(__file__).parents[2] / "docs" / "sandbox.md"
ROW = re.compile(r"^\| `([\w-]+)` \|.*\| `({.*})` \|$", re.MULTILINE)
EXAMPLES = dict(ROW.findall(PAGE.read_text()))
APPS, ROUNDS = "/api/v1/apps", 30


@dataclass
class Met:
    """One call as its caller met it, and what the journal and the truth say after it."""

    answer: httpx2.Response | None
    seconds: float
    outcome: object
    fault: object
    app: dict[str, object]
    first_page: list[object]

    @property
    def shape(self) -> tuple[int | None, object]:
        """Return the status, None for no whole answer, and what happened inside."""
        return self.answer.status_code if self.answer else None, self.outcome

    @property
    def secrets(self) -> list[object]:
        """Return the statuses of the app's client secrets that are left."""
        held = self.app["secrets"]
        assert isinstance(held, list)
        return [one["status"] for one in held if one["status"] != "DELETED"]

    @property
    def whole(self) -> httpx2.Response:
        """Return the answer, which came."""
        assert self.answer is not None
        return self.answer


class Struck(Exception):
    """A call was struck by a fault."""

    def __init__(self, met: Met) -> None:
        super().__init__(met.fault)
        self.met = met


@dataclass
class Life:
    """What happens in an org until a fault strikes: an app looks, an admin turns a secret."""

    world: World
    bearer: dict[str, str] = field(default_factory=dict)
    page: list[object] = field(default_factory=list)

    async def call(self, method: str, path: str, headers: dict[str, str] | None = None) -> Met:
        """Make one call, and return how it was met; Struck when a fault was in it."""
        began = self.world.clock.at
        auth = headers or {"authorization": f"SSWS {self.world.org.seeded.api_token}"}
        answer = None
        with suppress(httpx2.TransportError):
            answer = await self.world.http.request(method, path, headers=auth)
        entry = self.world.org.journal.list()[-1]
        apps = self.world.org.truth()["apps"]
        assert isinstance(apps, list)
        seconds = (self.world.clock.at - began).total_seconds()
        met = Met(answer, seconds, entry["outcome"], entry["fault"], apps[0], self.page)
        if met.fault is not None:
            raise Struck(met)
        return met

    async def turn(self) -> None:
        """Look at two pages of apps, add a client secret, look at it, take it away again."""
        page, secrets = f"{APPS}?limit=1", self.world.secrets_path
        self.page = (await self.call("GET", page, self.bearer)).whole.json()
        await self.call("GET", f"{page}&after={self.world.app_id}", self.bearer)
        await self.call("GET", secrets)
        new = (await self.call("POST", secrets)).whole.json()["id"]
        await self.call("GET", secrets)
        await self.call("GET", f"{APPS}/{self.world.app_id}")
        await self.call("POST", f"{secrets}/{new}/lifecycle/deactivate")
        await self.call("DELETE", f"{secrets}/{new}")
        self.world.clock.advance(60)


async def struck(example: str) -> Met:
    """Put an example in force by the control port, and return the first call that it struck."""
    world = World()
    world.org.change_settings(profile="off")
    token = (await world.service_token()).json()["access_token"]
    transport = httpx2.ASGITransport(build_control(world.org, "t"))
    async with httpx2.AsyncClient(transport=transport, base_url="http://c") as control:
        headers = {"authorization": "Bearer t", "content-type": "application/json"}
        answer = await control.post("/faults", content=example, headers=headers)
    assert answer.status_code == 200, answer.text
    life = Life(world, {"authorization": f"Bearer {token}"})
    try:
        for _ in range(ROUNDS):
            await life.turn()
    except Struck as strike:
        return strike.met
    raise AssertionError("it never struck")


def json_of(met: Met) -> object:
    """Return the body of an answer."""
    value: object = met.whole.json()
    return value


def half_a_body(met: Met) -> bool:
    """Tell whether the body breaks off."""
    with pytest.raises(json.JSONDecodeError):
        met.whole.json()
    return True


def links(met: Met) -> set[str]:
    """Return the addresses of a page's links."""
    return {link["url"] for link in met.whole.links.values()}


def date_of(met: Met) -> str:
    """Return the Date header."""
    return str(met.whole.headers["date"])


EFFECTS: dict[str, Callable[[Met], object]] = {
    "drop-before-effect": lambda met: met.shape == (None, "none"),
    "drop-after-effect": lambda met: met.shape == (None, "ok") and len(met.secrets) == 2,
    "error-before-effect": lambda met: met.shape == (503, "none"),
    "error-after-effect": lambda met: met.shape == (500, "ok"),
    "rate-limit": lambda met: met.whole.headers["x-rate-limit-remaining"] == "0",
    "delay": lambda met: met.seconds == 2,
    "delay-after-effect": lambda met: met.seconds == 30,
    "html": lambda met: met.shape == (503, "none") and met.whole.text.startswith("<html>"),
    "truncate": half_a_body,
    "cut": lambda met: met.shape == (None, "ok"),
    "slow": lambda met: met.seconds == 5,
    "wrong-clock": lambda met: "12:05:00" in date_of(met),
    "stale-read": lambda met: len(met.secrets) > len(json_of(met)),  # type: ignore[arg-type]  # a list
    "empty-list": lambda met: json_of(met) == [],
    "duplicate-page": lambda met: json_of(met) == met.first_page != [],
    "looping-page": lambda met: len(links(met)) == 1 and "next" in met.whole.links,
    "token-revoked": lambda met: met.shape == (401, "E0000011"),
    "scope-removed": lambda met: met.shape == (403, "insufficient_scope"),
    "role-removed": lambda met: met.shape == (403, "E0000006"),
    "app-deactivated": lambda met: met.app["status"] == "INACTIVE",
    "app-deleted": lambda met: met.app["status"] == "DELETED",
    "secret-added": lambda met: len(met.secrets) == 2,
    "secret-deactivated": lambda met: met.secrets == ["ACTIVE", "INACTIVE"],
    "secret-removed": lambda met: met.secrets == ["ACTIVE"],
    "secrets-switched-to-keys": lambda met: met.app["auth_method"] == "private_key_jwt",
}


def test_every_fault_has_an_example() -> None:
    """Each kind is explained once, with an example of that kind, and its effect is known here."""
    rows = ROW.findall(PAGE.read_text())
    assert [kind for kind, _ in rows] == [*KINDS] == [*EFFECTS]
    assert [json.loads(example)["kind"] for _, example in rows] == [*KINDS]


@pytest.mark.parametrize("kind", EXAMPLES)
async def test_the_example_does_what_the_page_says(kind: str) -> None:
    """The example is taken by the control port, strikes, and the call that it strikes shows it."""
    met = await struck(EXAMPLES[kind])
    assert met.fault == kind
    assert EFFECTS[kind](met), (met.shape, met.answer and met.answer.text, met.app)


@pytest.mark.slow
async def test_an_example_without_effect_would_show() -> None:
    """An example that changes nothing for anybody never strikes."""
    with pytest.raises(AssertionError, match="never struck"):
        await struck('{"kind": "role-removed", "route": "/oauth2/v1/token"}')
