"""What hangs on a client secret: registrations, connections, aliases, flows, consumers, readers.

It is what a turn is planned by, and where somebody looks who asks what a change will touch.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain

from keyturn.domain.access import Caller, Verb
from keyturn.domain.destination import Destination
from keyturn.domain.flows.definition import Flow
from keyturn.domain.flows.reading import FlowRefused
from keyturn.domain.flows.run import FlowVersion, Run, SavedFlow
from keyturn.domain.identity import Identity
from keyturn.domain.ids import FolderId, RegistrationId, RotationId
from keyturn.domain.oauth.connection import Connection
from keyturn.domain.oauth.consumers import Alias, Consumer
from keyturn.domain.oauth.health import Fate, Health, Seen, judge, judge_secret
from keyturn.domain.oauth.registration import ClientRegistration
from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import Receipt, Secret, State, Version
from keyturn.services.clients import versions_of
from keyturn.services.dependents import list_registrations
from keyturn.services.flows import parse
from keyturn.services.oauth_connections import ConnectionView, admit
from keyturn.services.ports import Reading, World
from keyturn.services.records import must
from keyturn.services.registrations import RegistrationView, view
from keyturn.services.rotations import admit as admit_rotation
from keyturn.services.workflows import is_log_readable


@dataclass(frozen=True)
class FlowUse:
    """A flow that uses a connection, by the flows in ``through`` or, without any, by a card.

    ``last`` is its newest run.
    """

    saved: SavedFlow
    flow: Flow
    through: Sequence[str]
    last: Run | None


@dataclass(frozen=True)
class ConnectionUse:
    """A connection, how it does, the aliases that lead to it, and the flows that use it."""

    connection: Connection
    health: Health
    aliases: Sequence[Alias]
    flows: Sequence[FlowUse] = ()


@dataclass(frozen=True)
class RegistrationUse:
    """A registration, how its secret does, its connections, and its consumers elsewhere."""

    view: RegistrationView
    health: Health
    connections: Sequence[ConnectionUse]
    consumers: Sequence[Consumer]


@dataclass(frozen=True)
class Usage:
    """Everything that hangs on a rotation's client secret, as far as Keyturn knows.

    ``log_readable`` is whether Keyturn may read Okta's System Log; None where nobody asked, or
    Okta gave no answer.
    """

    rotation: Rotation | None
    registrations: Sequence[RegistrationUse]
    readers: Sequence[str] = ()
    destinations: Sequence[str] = ()
    log_readable: bool | None = None


async def usage_of_rotation(
    world: World, caller: Caller, rotation_id: str, *, log: bool = False
) -> Usage:
    """Return what a turn of a rotation touches. Raises NotFound, Forbidden.

    With ``log`` Okta is asked whether its System Log may be read, where a turn would: for
    connections inside Okta Workflows.
    """
    rotation = await admit_rotation(world, caller, Verb.READ_ROTATIONS, rotation_id, detail="usage")
    async with world.store.reading() as tx:
        found = await list_registrations(tx, rotation.id)
        used = [await _use(world, tx, each) for each in found]
        readers = await _list_readers(tx, rotation.id)
        brought = [d.name for d in await tx.list(Destination, folder_id=rotation.folder_id)]
    inside = any(consumer.workflows for each in used for consumer in each.consumers)
    asked = log and inside and rotation.policy.log
    readable = await is_log_readable(world, rotation) if asked else None
    return Usage(rotation, used, readers, brought, readable)


async def usage_of_connection(world: World, caller: Caller, connection_id: str) -> Usage:
    """Return what a connection hangs on, and what hangs on it. Raises NotFound, Forbidden."""
    seen = await admit(world, caller, Verb.READ_GRANTS, connection_id, "usage")
    async with world.store.reading() as tx:
        used = await _use(world, tx, seen.registration, only=seen.connection)
        secret_id = seen.registration.secret_id
        secret = await tx.find(Secret, id=secret_id) if secret_id else None
        rotation_id = secret.rotation_id if secret else None
        rotation = await tx.find(Rotation, id=rotation_id) if rotation_id else None
    return Usage(rotation, [used])


async def list_health(world: World, views: Sequence[ConnectionView]) -> Sequence[Health]:
    """Return how connections do now, in the same order, in as many looks as for one."""
    registrations = {each.registration.id: each.registration for each in views}
    async with world.store.reading() as tx:
        seen = await seen_of(tx, registrations.values())
    now = world.clock.now()
    return [
        judge(each.connection, each.registration, seen[each.registration.id], now) for each in views
    ]


async def list_secret_health(
    world: World, registrations: Sequence[ClientRegistration]
) -> Sequence[Health]:
    """Return how the secrets of registrations do now, in the same order."""
    async with world.store.reading() as tx:
        seen = await seen_of(tx, registrations)
    return [judge_secret(each, seen[each.id]) for each in registrations]


async def _use(
    world: World, tx: Reading, registration: ClientRegistration, only: Connection | None = None
) -> RegistrationUse:
    wanted = [only] if only else await tx.list(Connection, registration_id=registration.id)
    seen, now = (await seen_of(tx, [registration]))[registration.id], world.clock.now()
    aliases = await tx.list(Alias, connection_id=frozenset(each.id for each in wanted))
    flows, used = await _read_flows(tx, registration.folder_id), []
    for each in wanted:
        leading = [alias for alias in aliases if alias.connection_id == each.id]
        names = frozenset({each.name, *(alias.name for alias in leading)})
        health = judge(each, registration, seen, now)
        used.append(ConnectionUse(each, health, leading, await _flow_uses(tx, flows, names)))
    consumers = await tx.list(Consumer, registration_id=registration.id)
    return RegistrationUse(
        await view(tx, registration), judge_secret(registration, seen), used, consumers
    )


async def _read_flows(tx: Reading, folder_id: FolderId) -> Mapping[str, tuple[SavedFlow, Flow]]:
    """Read the flows of a folder by name; one that this version cannot read runs nothing."""
    found: dict[str, tuple[SavedFlow, Flow]] = {}
    for saved in await tx.list(SavedFlow, folder_id=folder_id):
        version = await must(tx.find(FlowVersion, flow_id=saved.id, number=saved.number))
        with suppress(FlowRefused):
            found[saved.name] = saved, parse(version.source)
    return found


async def _flow_uses(
    tx: Reading, flows: Mapping[str, tuple[SavedFlow, Flow]], names: frozenset[str]
) -> Sequence[FlowUse]:
    """List the flows whose cards name a connection, and those that run such flows."""
    through: dict[str, Sequence[str]] = {
        name: () for name, (_, flow) in flows.items() if flow.connections & names
    }
    left = [*through]
    while left:
        helper = left.pop()
        callers = [n for n, (_, flow) in flows.items() if helper in flow.helpers]
        new = {name: (helper,) for name in callers if name not in through}
        through |= new
        left += new
    return [
        FlowUse(*flows[name], by, next(iter(await tx.list_runs(flows[name][0].id, limit=1)), None))
        for name, by in through.items()
    ]


async def seen_of(
    tx: Reading, registrations: Collection[ClientRegistration]
) -> Mapping[RegistrationId, Seen]:
    """Return which version each registration uses, and what is known of those it has copies of."""
    versions = await versions_of(tx, registrations)
    hashes = frozenset(each.own_hash for each in registrations if each.own_hash)
    copies = await tx.list(Version, hash=hashes) if hashes else ()
    return {
        each.id: Seen(
            versions[each.id], _fate({v.state for v in copies if v.hash == each.own_hash})
        )
        for each in registrations
    }


def _fate(states: set[State]) -> Fate:
    """Tell what becomes of a secret by the states of those versions that are the same."""
    if not states:
        return Fate.UNKNOWN
    if states & {State.CURRENT, State.PENDING}:
        return Fate.IN_USE
    return Fate.LEAVING if State.PREVIOUS in states else Fate.GONE


async def _list_readers(tx: Reading, rotation_id: RotationId) -> Sequence[str]:
    """List who was given the secrets of a rotation."""
    kept = await tx.list(Secret, rotation_id=rotation_id)
    receipts = chain(*[await tx.list(Receipt, secret_id=each.id) for each in kept])
    ids = frozenset(each.identity_id for each in receipts)
    return [each.name for each in await tx.list(Identity, id=ids)] if ids else []
