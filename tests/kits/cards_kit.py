"""Cards walked as they stand in flows, over the sandbox or over services in memory.

A walk asks, and here the real performers answer; nothing of a run is kept. Judged by what the
org, or the service, has seen.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import httpx2
from browser_kit import Browser, query
from connections_kit import servers
from rig import ORG_URL, PLACE, Rig, rigged

from keyturn.adapters.oauth import HttpAuthorizationServers
from keyturn.adapters.resources import HttpResourceServers
from keyturn.domain.access import Caller, Grant, Holding, Role, Verb
from keyturn.domain.flows.failures import CardFailure
from keyturn.domain.flows.reading import read_flow
from keyturn.domain.flows.values import MASK, Bound, Value, seen
from keyturn.domain.flows.walk import (
    Act,
    Allowance,
    Ask,
    Compute,
    End,
    Load,
    Open,
    Sent,
    Sleep,
    Step,
    Walk,
)
from keyturn.domain.ids import FlowId
from keyturn.domain.oauth.connection import Connection, GrantType
from keyturn.domain.oauth.lifetimes import COOL_DOWN
from keyturn.domain.project import Place
from keyturn.domain.sensitive import Sensitive
from keyturn.jose.signing import JoseSigner
from keyturn.sandbox import build_app
from keyturn.sandbox.state.directory import AppDraft
from keyturn.sandbox.state.records import App
from keyturn.services.authorizing import begin_authorization, complete_authorization
from keyturn.services.cards import Stage, perform
from keyturn.services.grants import ConnectionDraft
from keyturn.services.oauth_connections import create_connection
from keyturn.services.projects import read_place, resolve_project
from keyturn.services.registrations import Credential, RegistrationDraft, create_registration
from keyturn.testing import FakeResources

DOMAIN = ORG_URL.removeprefix("https://")
BACK = "http://127.0.0.1:7777/callback"
DEVICES = ("okta.devices.manage", "okta.devices.read")
MAY = frozenset({Verb.USE_GRANTS, Verb.READ_SECRETS, Verb.ROTATE, Verb.READ_ROTATIONS})
Body = dict[str, Any]


@dataclass
class Workshop:
    """An installation, an org, and a flow that may do something in one folder."""

    rig: Rig
    place: Place
    verbs: frozenset[Verb] = MAY
    paths: tuple[str, ...] = ()
    timeout_s: float = 5.0
    secrets: dict[str, str] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)
    helpers: dict[str, Body] = field(default_factory=dict)

    @property
    def resources(self) -> FakeResources:
        """Return the services in memory."""
        assert isinstance(self.rig.world.resources, FakeResources)
        return self.rig.world.resources

    # --- connections ---

    def app(self, *scopes: str) -> App:
        """Make an app at the org that was granted these scopes."""
        draft = AppDraft("flows", redirect_uris=(BACK,), granted_scopes=scopes)
        return self.rig.org.create_app(
            replace(draft, grant_types=("authorization_code", "refresh_token"))
        )

    def grant(self, app: App, *scopes: str) -> None:
        """Have a super admin grant scopes to an app."""
        org = self.rig.org
        held = org.read_app(app.id)
        org.store_app(replace(held, grants=(*held.grants, *org.make_grants(scopes, "console"))))

    async def connect(
        self,
        name: str,
        app: App,
        connector: str = "okta-devices",
        scopes: tuple[str, ...] | None = None,
    ) -> Connection:
        """Connect to the org, as a super admin authorizes it."""
        credential = Credential(app.client_id, Sensitive(app.live_secrets[0].value))
        draft = RegistrationDraft(
            f"r-{name}", PLACE, credential, connector=connector, domain=DOMAIN
        )
        world, admin = self.rig.world, self.rig.admin
        made = (await create_registration(world, admin, draft)).registration
        asked = ConnectionDraft(name, made.id, GrantType.CODE, scopes=scopes)
        one = (await create_connection(world, admin, asked)).connection
        return await self.authorize(one)

    async def authorize(self, one: Connection) -> Connection:
        """Have the super admin authorize a connection in a browser, for the first time or again."""
        world, org = self.rig.world, self.rig.org
        begun = await begin_authorization(world, self.rig.admin, one.id, redirect_uri=BACK)
        user = next(user for user in org.users.values() if user.admin)
        told = {"login": user.login, "password": user.password}
        transport = httpx2.ASGITransport(build_app(org))
        async with httpx2.AsyncClient(transport=transport, base_url=ORG_URL) as http:
            came = await Browser(http, told).visit(begun.address.reveal(), BACK)
        seen_after = await complete_authorization(world, query(came), binding=begun.binding)
        self.rig.clock.advance(1)
        return seen_after.connection

    def age(self) -> None:
        """Let tokens be so old that others are asked for where they are refused."""
        self.rig.clock.advance(COOL_DOWN.total_seconds())

    # --- walks ---

    async def walk(self, *cards: Body, given: Value = None) -> End:
        """Walk a flow of these cards to its end."""
        flow = {
            "flow": "test",
            "start": {"kind": "helper"},
            "secrets": {name: f"/{name}" for name in self.secrets},
            "cards": [{"id": f"c{number}", **card} for number, card in enumerate(cards, 1)],
        }
        walk = Walk(Allowance(), self.rig.clock.now)
        course = walk.course(read_flow(json.dumps(flow)), seen(given or {}), run=seen({"id": "r"}))
        try:
            ask = next(course)
            while True:
                try:
                    sent = await self._answer(ask)
                except CardFailure as failure:
                    ask = course.throw(failure)
                else:
                    ask = course.send(sent)
        except StopIteration as stop:
            self.steps += walk.steps
            end: End = stop.value
            return end

    async def _answer(self, ask: Ask) -> Sent:
        match ask:
            case Act():
                self.acts.append(ask)
                return await self.perform(ask)
            case Open(names=names):
                values: dict[str, Value] = {name: self.secrets[name] for name in names}
                return Bound(values, dict.fromkeys(values, MASK))
            case Load(name=name):
                head = {"flow": name, "start": {"kind": "helper"}}
                return read_flow(json.dumps(head | self.helpers[name]))
            case Compute(work=work):
                return work()
            case Sleep(pause_s=pause_s):
                await self.rig.live(pause_s)
                return None
            case _:
                raise AssertionError(ask)

    async def perform(self, act: Act) -> Bound:
        """Do what one card does."""
        role = Role(
            "flow", "Flow", (Grant(self.verbs, ("dev",), self.paths or (self.place.folder.path,)),)
        )
        holdings = (Holding(role, self.place.project.id),)
        caller = Caller("flow f", "test", self.place.project.organization_id, holdings)
        world = self.rig.world
        return await perform(
            Stage(world, self.place, caller, "r", FlowId("f"), act.position, self.timeout_s), act
        )

    async def outputs(self, card: str, connection: str = "", **inputs: object) -> Bound:
        """Walk one card, which must not fail, and return its outputs."""
        end = await self.walk(
            _card(card, connection, inputs), {"card": "flow.return", "with": {"o": "{{ c1 }}"}}
        )
        assert end.failure is None, end.failure
        assert isinstance(end.response.body.value, dict)
        assert isinstance(end.response.body.view, dict)
        return Bound(end.response.body.value["o"], end.response.body.view["o"])

    async def given(self, card: str, connection: str = "", **inputs: object) -> Any:  # noqa: ANN401
        """Walk one card, and return the values of its outputs."""
        return (await self.outputs(card, connection, **inputs)).value

    async def failed(self, card: str, connection: str = "", **inputs: object) -> CardFailure:
        """Walk one card, which must fail, and return how."""
        end = await self.walk(_card(card, connection, inputs))
        assert end.failure
        return end.failure


def _card(card: str, connection: str, inputs: Mapping[str, object]) -> Body:
    on = {"connection": connection} if connection else {}
    return {"card": card, **on, "with": dict(inputs)}


@asynccontextmanager
async def workshop() -> AsyncIterator[Workshop]:
    """Set up an installation whose services and authorization servers are in memory."""
    async with rigged() as rig:
        world = replace(rig.world, resources=FakeResources(), signer=JoseSigner())
        there = replace(rig, world=world)
        yield Workshop(there, await _place(there))


@asynccontextmanager
async def workshop_at_the_org() -> AsyncIterator[Workshop]:
    """Set up an installation whose one service and authorization server is the org."""
    async with workshop() as it:
        rig = it.rig
        app = build_app(rig.org)
        asked = HttpAuthorizationServers(
            rig.clock, rig.world.chance, lambda _: httpx2.ASGITransport(app)
        )
        resources = HttpResourceServers(rig.clock, lambda _: httpx2.ASGITransport(app))
        rig.world = replace(rig.world, servers=asked, resources=resources)
        try:
            yield it
        finally:
            await asked.aclose()
            await resources.aclose()


async def _place(rig: Rig) -> Place:
    project_id = await resolve_project(rig.world, PLACE.project)
    async with rig.world.store.reading() as tx:
        return await read_place(tx, project_id, PLACE)


def accepted(it: Workshop) -> int:
    """Return how many access tokens the authorization server in memory has issued."""
    return len(servers(it.rig).access_tokens)


AN_HOUR = timedelta(hours=1)
