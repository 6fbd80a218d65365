"""OAuth connections: created, looked at, used, and removed.

A token is given to whoever may use the connection, at the time of the call and never earlier. What
somebody granted is given up only by somebody's word.
"""

from base64 import b64encode
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from keyturn.domain import names
from keyturn.domain.access import Caller, Target, Verb
from keyturn.domain.errors import (
    AddressRefused,
    NotFound,
    NotReady,
    Refused,
    SealBroken,
    Taken,
)
from keyturn.domain.ids import OAuthConnectionId, ProjectId
from keyturn.domain.oauth.connection import Connection, GrantType, State, given_anew, used
from keyturn.domain.oauth.connectors import CONNECTORS, missing
from keyturn.domain.oauth.consumers import Alias
from keyturn.domain.oauth.provider import Proof
from keyturn.domain.oauth.registration import ClientRegistration, Scheme
from keyturn.domain.project import Place
from keyturn.domain.sensitive import Sensitive
from keyturn.services import gate
from keyturn.services.clients import (
    Held,
    open_client,
    open_key,
    open_tokens,
    provider_of,
    seal_key,
)
from keyturn.services.grants import (
    ConnectionDraft,
    checked_scopes,
    read_source,
    refuse_brought_twice,
    require_fit,
    with_given,
)
from keyturn.services.ports import Proven, Reading, World
from keyturn.services.projects import anywhere_in, places_of, resolve_project, target_of
from keyturn.services.records import read_left
from keyturn.services.registrations import admit as admit_registration
from keyturn.services.registrations import read_stored as read_stored_registration
from keyturn.services.removal import remove_connections
from keyturn.services.renewing import draw, fresh, fresh_of, renew
from keyturn.services.revoking import revoke

log = structlog.get_logger(__name__)

USED_AGE = timedelta(minutes=1)
"""How closely uses are written down."""


@dataclass(frozen=True)
class ConnectionChange:
    """What to change; None leaves a field as it is. Other scopes take another authorization.

    ``given`` is what the grant was given, given anew: all of it.
    """

    name: str | None = None
    description: str | None = None
    scopes: tuple[str, ...] | None = None
    given: Mapping[str, Sensitive] | None = None


@dataclass(frozen=True)
class ConnectionView:
    """A connection, what it was made with, where it lies, and the aliases that lead to it."""

    connection: Connection
    registration: ClientRegistration
    place: Place
    aliases: Sequence[str] = ()

    @property
    def lacking(self) -> tuple[str, ...]:
        """Return the scopes that are wanted and were not granted."""
        if self.connection.tokens is None:
            return ()
        return missing(self.connection.scopes, self.connection.granted)


@dataclass(frozen=True)
class Pass:
    """What one request to a service is authorized by: headers, which token set, and until when.

    ``certificate`` has to be shown along with a token that is bound to it (RFC 8705, 3).
    """

    headers: Mapping[str, Sensitive]
    number: int = 0
    expires_at: datetime | None = None
    scopes: tuple[str, ...] = ()
    certificate: Sensitive | None = None


@dataclass(frozen=True)
class Wanted:
    """How somebody wants a token: not the one ``refused`` by its resource; proved for a request."""

    refused: int | None = None
    method: str = ""
    url: str = ""
    nonce: str | None = None


AS_IT_IS = Wanted()


async def create_connection(world: World, caller: Caller, draft: ConnectionDraft) -> ConnectionView:
    """Store a connection; one that needs nobody's consent has its first tokens at once, if it can.

    Raises InvalidInput, Forbidden, NotFound, Taken. What a server refuses, the connection tells.
    """
    seen = await admit_registration(
        world, caller, Verb.EDIT_GRANTS, draft.registration_id, f"connection {draft.name}"
    )
    registration, place, now = seen.registration, seen.place, world.clock.now()
    require_fit(registration, draft)
    if draft.source:  # whose token will be sent to the registration's server
        await admit(world, caller, Verb.USE_GRANTS, draft.source, f"source of {draft.name}")
    new_id = OAuthConnectionId(world.chance.uuid())
    wanted = draft.scopes
    if wanted is None:
        wanted = CONNECTORS[registration.connector].scopes
    made = Connection(
        id=new_id,
        registration_id=registration.id,
        folder_id=registration.folder_id,
        name=_name(draft.name),
        grant_type=draft.grant_type,
        scopes=checked_scopes(wanted),
        created_at=now,
        updated_at=now,
        description=names.description(draft.description),
        state=State.READY if draft.grant_type is GrantType.NONE else State.NEW,
    )
    if registration.scheme is Scheme.OAUTH and seen.provider.dpop:
        key = world.servers.new_dpop_key()
        made = replace(made, sealed_key=seal_key(world, place.project, new_id, key))
    made = with_given(world, place, made, draft.given, now)
    async with world.store.writing() as tx:
        await read_stored_registration(tx, registration.id)
        if draft.source:
            made = replace(made, source_id=await read_source(tx, registration, draft.source))
        await _refuse_taken_name(tx, made, made.name)
        await refuse_brought_twice(world, tx, place, made)
        await tx.add(made)
    if made.renewal:
        await _try_at_once(world, new_id)
    return await _read(world, new_id)


async def _try_at_once(world: World, connection_id: OAuthConnectionId) -> None:
    """Renew what has just become due, or wait for whoever else does."""
    try:
        begin = partial(renew, world, connection_id, ahead=True)
        await world.flights.share(connection_id, begin)
        await fresh(world, connection_id)
    except (NotReady, AddressRefused, SealBroken) as error:
        log.warning("no tokens yet", connection=connection_id, why=error.message)


async def list_connections(
    world: World, caller: Caller, *, project: str
) -> Sequence[ConnectionView]:
    """List the connections of a project that the caller may see. Raises Forbidden."""
    project_id, verb = await resolve_project(world, project), Verb.READ_GRANTS
    subject = f"connections of {project}"
    await gate.require(world, caller, verb, anywhere_in(project_id), subject=subject)
    return await views_for(world, caller, {project_id})


async def views_for(
    world: World, caller: Caller, projects: Collection[ProjectId]
) -> Sequence[ConnectionView]:
    """Return the connections of some projects that the caller may see, in a few looks."""
    async with world.store.reading() as tx:
        every = await _views(tx, await tx.list(Connection))
    near = [each for each in every if each.place.project.id in projects]
    return [each for each in near if gate.may(caller, Verb.READ_GRANTS, target_of(each.place))]


async def read_connection(world: World, caller: Caller, connection_id: str) -> ConnectionView:
    """Read one connection; its tokens are never shown here. Raises NotFound, Forbidden."""
    return await admit(world, caller, Verb.READ_GRANTS, connection_id)


async def update_connection(
    world: World, caller: Caller, connection_id: str, change: ConnectionChange
) -> ConnectionView:
    """Change a connection; other scopes are asked for when it is authorized next.

    What its grant is given anew is tried at once; what was given before is forgotten. Raises
    NotFound, Forbidden, Taken, InvalidInput, and Refused for a refresh token that another
    connection has.
    """
    seen = await admit(world, caller, Verb.EDIT_GRANTS, connection_id, "update")
    async with world.store.writing() as tx:
        stored = await read_stored(tx, connection_id)
        after = replace(stored, updated_at=world.clock.now())
        if change.name is not None and _name(change.name) != stored.name:
            await _refuse_taken_name(tx, stored, _name(change.name))
            after = replace(after, name=_name(change.name))
        if change.description is not None:
            after = replace(after, description=names.description(change.description))
        if change.scopes is not None:
            scopes, now = checked_scopes(change.scopes), world.clock.now()
            after = replace(after, scopes=scopes, look_at=now)
        if change.given:
            after = _given_anew(world, seen.place, after, change.given)
            await refuse_brought_twice(world, tx, seen.place, after)
        await tx.replace(after)
    if change.given:
        await _try_at_once(world, seen.connection.id)
    return await _read(world, seen.connection.id)


def _given_anew(
    world: World, place: Place, stored: Connection, given: Mapping[str, Sensitive]
) -> Connection:
    now = world.clock.now()
    return given_anew(with_given(world, place, stored, given, now), now)


async def authorize_request(
    world: World, caller: Caller, connection_id: str, wanted: Wanted = AS_IT_IS
) -> Pass:
    """Return what a request is authorized by now, with its tokens renewed where they have to be.

    Raises NotFound, Forbidden, and NotReady where no token can be had.
    """
    seen = await admit(world, caller, Verb.USE_GRANTS, connection_id, "token")
    found = await fresh_of(world, seen.connection, seen.place, refused=wanted.refused)
    await _note_use(world, found.connection)
    if seen.registration.scheme is not Scheme.OAUTH:
        return Pass(_headers_of(await _open(world, seen), seen.registration))
    tokens, opened = found.connection.tokens, found.tokens
    if tokens is None or opened is None:
        raise NotReady("The connection has no tokens: authorize it.")
    with_certificate = Proof.CERTIFICATE in provider_of(seen.registration).needs
    shown = (await _open(world, seen)).client.secret if with_certificate else None
    headers = _bearing(world, replace(seen, connection=found.connection), opened.access, wanted)
    return Pass(headers, tokens.number, tokens.expires_at, found.connection.granted, shown)


async def _open(world: World, seen: ConnectionView) -> Held:
    async with world.store.reading() as tx:
        return await open_client(world, tx, seen.registration)


def _bearing(
    world: World, seen: ConnectionView, access: Sensitive, wanted: Wanted
) -> Mapping[str, Sensitive]:
    """Return what shows a token, proved for the request where it is bound to a key."""
    kind = seen.connection.tokens.kind if seen.connection.tokens else ""
    headers = {"Authorization": Sensitive(f"{kind} {access.reveal()}")}
    key = open_key(world, seen.place.project, seen.connection)
    if kind == "DPoP" and wanted.url and key:
        what = Proven(wanted.method, wanted.url, access, wanted.nonce)
        headers["DPoP"] = Sensitive(world.servers.prove_possession(key, what))
    return headers


def _headers_of(held: Held, registration: ClientRegistration) -> Mapping[str, Sensitive]:
    """Return what authorizes requests without any token."""
    secret = held.client.secret.reveal() if held.client.secret else ""
    match registration.scheme:
        case Scheme.BASIC:
            pair = f"{held.client.client_id}:{secret}".encode()
            return {"Authorization": Sensitive(f"Basic {b64encode(pair).decode()}")}
        case Scheme.HEADER:
            return {held.client.client_id: Sensitive(secret)}
        case _:
            return {}


async def _note_use(world: World, connection: Connection) -> None:
    """Write down that a connection is used, once a minute."""
    now = world.clock.now()
    if connection.used_at and now - connection.used_at < USED_AGE:
        return
    async with world.store.writing() as tx:
        stored = await tx.find(Connection, id=connection.id)
        if stored:
            await tx.replace(used(stored, now, draw(world)))


async def delete_connection(
    world: World, caller: Caller, connection_id: str, *, force: bool = False
) -> ConnectionView:
    """Give a grant up: its tokens are revoked, as far as the server can, and it is removed.

    Raises NotFound, Forbidden, and Refused while aliases lead to it, unless ``force``d; then they
    are removed along with it.
    """
    seen = await admit(world, caller, Verb.EDIT_GRANTS, connection_id, "delete")
    if seen.aliases and not force:
        told = ", ".join(seen.aliases)
        raise Refused(f"It is used by the aliases {told}: lead them to another connection first.")
    await _revoke(world, seen, seen.connection)
    async with world.store.writing() as tx:
        stored = await read_stored(tx, connection_id)
        await remove_connections(tx, [stored])
    if stored.tokens != seen.connection.tokens:  # renewed meanwhile
        await _revoke(world, seen, stored)
    return seen


async def _revoke(world: World, seen: ConnectionView, connection: Connection) -> None:
    """Revoke what tokens a connection has, as far as that can be done."""
    if connection.tokens is None or seen.registration.scheme is not Scheme.OAUTH:
        return
    try:
        async with world.store.reading() as tx:
            held = await open_client(world, tx, seen.registration, connection)
        opened = open_tokens(world, seen.place.project, connection, connection.tokens)
    except (NotReady, SealBroken) as error:
        log.warning("not revoked", connection=connection.id, why=error.message)
    else:
        await revoke(world, held, opened)


async def admit(
    world: World, caller: Caller, verb: Verb, connection_id: str, detail: str = ""
) -> ConnectionView:
    """Find a connection and pass the gate for it; a refusal does not tell whether it is there.

    Raises NotFound, Forbidden.
    """
    async with world.store.reading() as tx:
        found = await tx.find(Connection, id=connection_id)
        seen = await view(tx, found) if found else None
    if seen and not gate.may(caller, verb, target_of(seen.place)):
        seen = None
    target = target_of(seen.place) if seen else Target(caller.home, somewhere=True)
    subject = f"connection {connection_id}" + (f" ({detail})" if detail else "")
    await gate.require(world, caller, verb, target, subject=subject)
    if seen is None:
        raise NotFound(f"There is no connection {connection_id}.")
    return seen


async def view(tx: Reading, connection: Connection) -> ConnectionView:
    """Return a connection with what is known around it."""
    (seen,) = await _views(tx, [connection])
    return seen


async def _views(tx: Reading, connections: Sequence[Connection]) -> Sequence[ConnectionView]:
    """Return connections with what is known around them, in as many looks as for one."""
    places = await places_of(tx, {each.folder_id for each in connections})
    made_with = frozenset(each.registration_id for each in connections)
    registrations = {each.id: each for each in await tx.list(ClientRegistration, id=made_with)}
    aliases: dict[OAuthConnectionId, list[str]] = {each.id: [] for each in connections}
    for alias in await tx.list(Alias, connection_id=frozenset(aliases)):
        aliases[alias.connection_id].append(alias.name)
    return [
        ConnectionView(
            each,
            registrations[each.registration_id],
            places[each.folder_id],
            aliases[each.id],
        )
        for each in connections
    ]


async def _read(world: World, connection_id: OAuthConnectionId) -> ConnectionView:
    async with world.store.reading() as tx:
        return await view(tx, await read_stored(tx, connection_id))


async def read_stored(tx: Reading, connection_id: str) -> Connection:
    """Read a connection that was there a moment ago. Raises NotFound where it has been removed."""
    return await read_left(tx.find(Connection, id=connection_id), f"connection {connection_id}")


async def _refuse_taken_name(tx: Reading, connection: Connection, name: str) -> None:
    if await tx.find(Connection, folder_id=connection.folder_id, name=name):
        raise Taken(f"There is a connection {name} in its folder already: choose another name.")


def _name(text: str) -> str:
    return names.slug("name", text)
