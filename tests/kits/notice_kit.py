"""Connections whose health changes, and those who are told."""

from base64 import b64encode
from dataclasses import replace
from typing import Any

from connections_kit import CLIENT, SECRET, authorized, registered, servers
from rig import Rig

from keyturn.domain.access import Caller, Grant, Holding, Role, Verb
from keyturn.domain.channel_kinds import ChannelKind
from keyturn.domain.channels import Channel
from keyturn.domain.errors import NotReady
from keyturn.domain.notice import KEPT_ANYWAY, Notice
from keyturn.domain.oauth.connection import Connection, State
from keyturn.domain.oauth.lights import Light
from keyturn.domain.sensitive import Sensitive
from keyturn.services.channels import ChannelDraft, LogEntry, create_channel, list_log
from keyturn.services.oauth_connections import authorize_request
from keyturn.services.records import must
from keyturn.testing import FakeNotifier

PUBLIC = "https://keyturn.example.com"
HOUR_S = 3600
KEY = "whsec_" + b64encode(b"canary-signing-key-of-people").decode()


OF_CONNECTIONS = tuple(each.value for each in KEPT_ANYWAY)


async def with_people(rig: Rig) -> Rig:
    """Give a rig somebody to tell of connections, and an address for browsers."""
    limits = replace(rig.world.limits, public_url=PUBLIC)
    rig.world = replace(rig.world, notifier=FakeNotifier(), limits=limits)
    await opened_channel(rig, kinds=OF_CONNECTIONS)
    return rig


async def opened_channel(rig: Rig, name: str = "people", **changes: Any) -> Channel:  # noqa: ANN401
    """Create a channel, by default to a program that is told all one by one."""
    plain: dict[str, Any] = {
        "name": name,
        "kind": ChannelKind.WEBHOOK,
        "settings": {"url": "https://people.example.com/"},
        "credential": {"secret": Sensitive(KEY)},
    }
    return await create_channel(rig.world, rig.admin, ChannelDraft(**plain | changes))


async def log_of(rig: Rig, channel: str = "people") -> list[LogEntry]:
    """Return the log of a channel, the oldest first."""
    return [*reversed(await list_log(rig.world, rig.admin, channel, limit=1000))]


def people(rig: Rig) -> FakeNotifier:
    """Return who is told."""
    assert isinstance(rig.world.notifier, FakeNotifier)
    return rig.world.notifier


def told(rig: Rig) -> list[tuple[str, Light | None]]:
    """Return what has arrived: of which subject, and how that does."""
    return [(each.subject, each.after) for each in people(rig).told]


async def kept(rig: Rig) -> list[Notice]:
    """Return the notices that are stored."""
    async with rig.world.store.reading() as tx:
        return [*await tx.list(Notice)]


async def later(rig: Rig, seconds: float = 0) -> None:
    """Let so much time pass, and let a worker do what is due then, in two ticks."""
    rig.clock.advance(seconds)
    await rig.tick()
    await rig.tick()


async def use(rig: Rig, one: Connection) -> None:
    """Use a connection, whatever comes of it."""
    try:
        await authorize_request(rig.world, rig.admin, one.id)
    except NotReady:
        return


async def ready(rig: Rig, name: str = "person") -> Connection:
    """Return a connection that is known to be well, and told to nobody."""
    one = await authorized(rig, name)
    await use(rig, one)
    await later(rig)
    assert people(rig).tried == []
    return one


async def end_grant(rig: Rig) -> None:
    """Have every grant end at its server, and have that found out while tokens last."""
    servers(rig).revoke_all()
    await later(rig, 250)


async def reject(rig: Rig) -> None:
    """Have the server reject the client's secret, and have that found out."""
    servers(rig).secrets[CLIENT] = set()
    await ask_again(rig)


async def accept(rig: Rig) -> None:
    """Have the server accept it again, and have that found out."""
    servers(rig).secrets[CLIENT] = {SECRET}
    await ask_again(rig)


async def ask_again(rig: Rig) -> None:
    """Have the client's secret asked about now."""
    one = await registered(rig)
    async with rig.world.store.writing() as tx:
        await tx.replace(replace(one, due_at=rig.clock.now()))
    await later(rig)


async def put(rig: Rig, one: Connection, state: State) -> None:
    """Have a connection lapse with its token, or be well without end; nobody looks yet."""
    async with rig.world.store.writing() as tx:
        stored = await must(tx.find(Connection, id=one.id))
        assert stored.tokens
        now = rig.clock.now()
        tokens = replace(stored.tokens, expires_at=now if state is State.LAPSED else None)
        after = replace(stored, state=state, tokens=tokens, due_at=None, told="It ended.")
        await tx.replace(replace(after, look_at=now))


def caller_at(rig: Rig, path: str) -> Caller:
    """Return somebody who may read what lies below a path."""
    grant = Grant(frozenset({Verb.READ_GRANTS, Verb.READ_CHANNELS}), paths=(path,))
    return replace(rig.admin, holdings=(Holding(Role("some", "Some", (grant,))),))
