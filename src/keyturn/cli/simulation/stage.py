"""The stage: one org, one installation over one store, and processes that reach both by a rim.

Sets up and decides nothing of what happens on it.
"""

import asyncio
import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache

import httpx2
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.jwk import ECKey

from keyturn.adapters.crypto import Keyring
from keyturn.adapters.oauth import HttpAuthorizationServers
from keyturn.adapters.okta import Governor, OktaHttpOrgs
from keyturn.cli.simulation.destinations import Destinations, RimCarriers
from keyturn.cli.simulation.grants import Grants, HeardTokens
from keyturn.cli.simulation.judge import Judge
from keyturn.cli.simulation.kept import Kept, Reader
from keyturn.cli.simulation.kinds import PROPS, Props
from keyturn.cli.simulation.ledger import Ledger
from keyturn.cli.simulation.parts import Onboarding, Part
from keyturn.cli.simulation.processes import Process, bury
from keyturn.cli.simulation.rim import Fates, RimFlights, RimStore, RimTransport
from keyturn.domain.access import ADMIN, Caller, Holding
from keyturn.domain.connection import ApiToken, OktaConnection, OktaCredentials, ServiceApp
from keyturn.domain.destination_kinds import Kind
from keyturn.domain.foreign import Consent
from keyturn.domain.identity import Identity
from keyturn.domain.ids import CredentialId
from keyturn.domain.okta import KeyAlgorithm
from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import Secret, Version
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Policy
from keyturn.sandbox import Keys, Org, Settings, build_app
from keyturn.sandbox.http import Json
from keyturn.sandbox.state.keys import make_key
from keyturn.sandbox.state.limits import Profile
from keyturn.sandbox.state.org import SERVICE_SCOPES
from keyturn.sandbox.state.records import App, ClientKey
from keyturn.services.budgets import SharedPool
from keyturn.services.connections import OktaConnectionDraft, create_okta_connection
from keyturn.services.destinations import DestinationDraft, create_destination
from keyturn.services.identities import new_identity
from keyturn.services.installation import Installed, install
from keyturn.services.onboarding import RotationDraft, create_rotation
from keyturn.services.policies import PolicyChange
from keyturn.services.ports import Limits, Pool, World
from keyturn.services.projects import Where
from keyturn.testing import AppTransport, JumpingClock, ManualClock, MemoryStore, SeededChance

ORG_URL = "https://sandbox.okta.test"
PLACE = Where("example", "dev")
SCOPES = (
    *SERVICE_SCOPES,
    "okta.oauthIntegrations.manage",
    "okta.oauthIntegrations.read",
)
"""What the product's own service app may do."""
START = datetime(2026, 3, 27, 9, 30, tzinfo=UTC)


def _same_world(world: World) -> World:
    return world


def _same_way(way: httpx2.AsyncBaseTransport) -> httpx2.AsyncBaseTransport:
    return way


def _same_pool(pool: Pool, process: str) -> Pool | None:
    return pool


@dataclass(frozen=True)
class Sabotage:
    """What breaks the product on purpose.

    What it sees of the world, what it sends to Okta, and how a process shares rate windows.
    """

    world: Callable[[World], World] = _same_world
    way: Callable[[httpx2.AsyncBaseTransport], httpx2.AsyncBaseTransport] = _same_way
    pool: Callable[[Pool, str], Pool | None] = _same_pool


AS_IT_IS = Sabotage()


@cache
def shared_keys() -> Keys:
    """Return the key pairs that every simulated org has; what signs its tokens is no real key.

    It is the product of the two greatest primes of 512 bits, half as long as any should be: a
    signature by a real one takes as long as all else that the org does for a token.
    """
    return Keys(make_key(2**512 - 569, 2**512 - 629), Keys.of_seed(0).service)


@dataclass(frozen=True)
class Cast:
    """One app under a rotation, with the names by which its readers find it."""

    kept: Kept
    rotation_id: str
    app_id: str
    client_id: str
    name: str

    @property
    def props(self) -> Props:
        """Return what is special about the kind that is turned."""
        return self.kept.props


@dataclass
class Station:
    """One process and the world as it sees it; a new life begins with nothing remembered."""

    process: Process
    stage: "Stage"
    life: int = 0
    _world: World | None = None

    @property
    def world(self) -> World:
        """Return the world of the life that is now."""
        if self._world is None or self.life != self.process.life:
            self.life = self.process.life
            self._world = self.stage.make_world(self.process)
        return self._world


@dataclass
class Stage:
    """Everything that a simulation stands on."""

    clock: ManualClock
    wall: JumpingClock
    org: Org
    store: MemoryStore
    bare: World
    sabotage: Sabotage
    ledger: Ledger
    judge: Judge
    installed: Installed
    admin: Caller
    connection: OktaConnection
    transport: httpx2.AsyncBaseTransport
    destinations: Destinations
    fates: Fates
    seed: int
    casts: list[Cast] = field(default_factory=list)
    _lives: int = 0

    @property
    def own(self) -> Cast | None:
        """Return the rotation of the key by which the product itself logs in, if there is one."""
        return next((each for each in self.casts if each.props.rules.of_connection), None)

    def make_world(self, process: Process) -> World:
        """Return the world of a new life of a process."""
        self._lives += 1
        chance = SeededChance(self.seed * 100_003 + self._lives)
        transport = self.sabotage.way(RimTransport(self.transport, process, self.fates, self.judge))
        store = RimStore(self.store, process, self.fates, self.judge)
        shares = self.bare.limits.shares
        pool = self.sabotage.pool(SharedPool(store, shares), process.name)
        governor = Governor(self.wall, shares, pool)
        okta = OktaHttpOrgs(self.wall, chance, transport=lambda: transport, governor=governor)
        carriers = RimCarriers(self.destinations, process, self.fates, self.judge)
        way = RimTransport(self.transport, process, self.fates, self.judge, by_client=True)
        world = replace(
            self.bare,
            store=store,
            okta=okta,
            chance=chance,
            carriers=carriers,
            servers=HttpAuthorizationServers(self.wall, chance, lambda _: way),
            flights=RimFlights(process),
        )
        return self.sabotage.world(world)

    def station(self, name: str) -> Station:
        """Return a new process."""
        return Station(Process(name, self.fates), self)

    async def make_reader(self, name: str, app_id: str) -> tuple[Caller, Reader]:
        """Return somebody new who may read secrets."""
        project, organization = self.installed.project, self.installed.organization
        identity = new_identity(self.bare, name, organization.id)
        async with self.store.writing() as tx:
            await tx.add(identity)
        caller = Caller(identity.id, identity.name, organization.id, (Holding(ADMIN, project.id),))
        reader = Reader(name, identity.id)
        self.ledger.readers[app_id].append(reader)
        return caller, reader


@dataclass(frozen=True)
class Scenery:
    """What an org and its installation look like at the start."""

    seed: int
    profile: Profile = "off"
    service_app: bool = False
    start: datetime = START
    limits: Limits = field(default_factory=lambda: Limits(Policy(overlap_s=300, soak_s=3600)))


async def set_up(
    scenery: Scenery,
    clock: ManualClock,
    fates: Callable[[Judge], Fates],
    *,
    sabotage: Sabotage = AS_IT_IS,
    tracing: bool = False,
) -> Stage:
    """Set up an installation connected to a fresh org; nothing goes wrong meanwhile."""
    asyncio.get_running_loop().set_exception_handler(bury)
    wall, chance, store = JumpingClock(clock), SeededChance(scenery.seed), MemoryStore()
    settings = Settings(profile=scenery.profile)
    org = Org(scenery.seed, clock.now, keys=shared_keys(), settings=settings)
    grants = Grants(clock.uptime_s)
    org.tokens = HeardTokens(org.now, grants)
    transport = AppTransport(build_app(org))
    vault = Keyring(bytes(32), chance.random_bytes)
    shares = scenery.limits.shares
    governor = Governor(wall, shares, SharedPool(store, shares))
    okta = OktaHttpOrgs(wall, chance, transport=lambda: transport, governor=governor)
    destinations = Destinations()
    servers = HttpAuthorizationServers(wall, chance, lambda _: transport)
    bare = World(
        store, wall, chance, vault, okta, scenery.limits, carriers=destinations, servers=servers
    )
    installed = await install(bare)
    admin = await _administrator(bare)
    draft = OktaConnectionDraft(
        "okta", None, installed.project.id, ORG_URL, _credentials(org, scenery)
    )
    connection = await create_okta_connection(bare, admin, draft)
    ledger = Ledger(org, bare, clock.uptime_s, grants)
    ledger.principal = _principal(org, scenery)
    judge = Judge(ledger, tracing=tracing)
    judge.note_access(store.backup())
    judge.sharing.store, judge.sharing.principal = store, ledger.principal
    judge.secrets |= {org.seeded.api_token, installed.admin_token.reveal()}
    return Stage(
        clock,
        wall,
        org,
        store,
        bare,
        sabotage,
        ledger,
        judge,
        installed,
        admin,
        connection,
        transport,
        destinations,
        fates(judge),
        scenery.seed,
    )


def _credentials(org: Org, scenery: Scenery) -> OktaCredentials:
    if not scenery.service_app:
        return ApiToken(Sensitive(org.seeded.api_token))
    grants, app = org.make_grants(SCOPES, "admin"), org.read_app(org.seeded.service_app_id)
    org.store_app(replace(app, keys=service_keys(org), grants=grants))
    client_id = org.read_app(org.seeded.service_app_id).client_id
    return ServiceApp(client_id, Sensitive(json.dumps(_service_key().as_dict(private=True))))


@cache
def _service_key() -> ECKey:
    """Return the key of every service app: an elliptic one is read in no time."""
    return ECKey(ec.derive_private_key(4_711, ec.SECP256R1()), None)


def service_keys(org: Org) -> tuple[ClientKey, ...]:
    """Return the public half as the org keeps it."""
    public = {**_service_key().as_dict(private=False), "kid": "service", "use": "sig"}
    return (ClientKey(org.mint.issue_id("pks"), public, "ACTIVE", org.now(), org.now()),)


def _principal(org: Org, scenery: Scenery) -> str:
    """Return the name by which the org knows us: whoever made the last management call."""
    return [*org.journal.entries()][-1].principal


async def _administrator(world: World) -> Caller:
    async with world.store.reading() as tx:
        identities = await tx.list(Identity, name="administrator")
    identity = identities[0]
    return Caller(identity.id, identity.name, identity.organization_id, (Holding(ADMIN),))


def make_app(stage: Stage, part: Part) -> App:
    """Make the app of a part at Okta, with one credential of its owner's."""
    drafted = PROPS[part.kind].draft(part.name, part.auth_method)
    if part.client and part.client.leeway_s is not None:
        rotating: dict[str, Json] = {"rotation_type": "ROTATE", "leeway": part.client.leeway_s}
        drafted = replace(drafted, extras={"refresh_token": rotating})
    return stage.org.create_app(drafted)


def _draft(stage: Stage, part: Part, app: App) -> RotationDraft:
    """Return the rotation that the app's owner asks for."""
    props = PROPS[part.kind]
    adopt, retire = part.onboarding is Onboarding.ADOPT, part.onboarding is Onboarding.RETIRE
    own = props.show(app, None, "", stage.org.now()).secrets[0]
    entered = Sensitive(props.owned(app)) if adopt and not props.in_clear else None
    return RotationDraft(
        part.name,
        None,
        PLACE,
        stage.connection.id,
        app.client_id if part.by_client_id else app.id,
        part.mapping,
        part.schedule,
        adopt_existing=adopt,
        retire_existing=Consent(CredentialId(own.id), own.created_at.date()) if retire else None,
        existing_value=entered,
        policy=whole(part.policy),
        kind=part.kind,
        algorithm=KeyAlgorithm.ES256,
    )


def whole(policy: Policy) -> PolicyChange:
    """Return the change to a policy in all that worlds differ in."""
    return PolicyChange(
        policy.overlap,
        policy.overlap_s,
        policy.soak_s,
        policy.backstop_s,
        policy.quiet_s,
        policy.log,
        policy.repair,
    )


async def ask(stage: Stage, world: World, part: Part, app: App) -> None:
    """Ask for the rotation of a part; its owner may consent to the end of what the app has."""
    wanted = _draft(stage, part, app)
    given = wanted.retire_existing
    with stage.ledger.consenting(given.id) if given else nullcontext():
        await create_rotation(world, stage.admin, wanted)


async def cast(stage: Stage, part: Part) -> Cast:
    """Make an app, and a rotation that adopts what it has."""
    await ask(stage, stage.bare, part, make_app(stage, part))
    made = find_cast(stage, part)
    if made is None:
        raise LookupError(part.name)
    if part.delivered:
        await _deliver(stage, part, made)
    return made


async def _deliver(stage: Stage, part: Part, made: Cast) -> None:
    """Bring what is turned to a destination as well, once a worker gets to it."""
    path, names = f"{part.name}.json", (part.mapping.client_id, part.mapping.client_secret)
    wanted = DestinationDraft(part.name, Kind.FILE, PLACE, {"path": path}, {}, only=names)
    await create_destination(stage.bare, stage.admin, wanted)
    made.kept.brought = lambda: stage.destinations.held[path].get(made.name, "")


def find_cast(stage: Stage, part: Part) -> Cast | None:
    """Watch a part's rotation from now on, if it is in the store."""
    backup = stage.store.backup()
    rotation = next((r for r in backup.list(Rotation) if r.name == part.name), None)
    if rotation is None:
        return None
    name = rotation.mapping.client_secret
    secret = next(s for s in backup.list(Secret) if (s.rotation_id, s.name) == (rotation.id, name))
    kept = stage.ledger.keep(rotation, secret, stage.installed.project)
    for version in backup.list(Version):
        stage.judge.note_version(version)
    stage.judge.look()
    made = Cast(kept, rotation.id, rotation.app_id, rotation.client_id, name)
    stage.casts.append(made)
    return made
