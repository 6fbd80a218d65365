"""Somebody authorizes a connection at another device, and is waited for (RFC 8628)."""

from dataclasses import dataclass
from datetime import timedelta

from keyturn.domain.access import Caller, Verb
from keyturn.domain.errors import FieldProblem, InvalidInput, NotFound, Refused, ServerError
from keyturn.domain.oauth.answers import Fault, NoTokens, read_members, read_token_answer
from keyturn.domain.oauth.authorization import AuthorizationRequest, answered
from keyturn.domain.oauth.connection import GrantType
from keyturn.domain.oauth.device import DeviceStart, askable, asked, read_start, slowed
from keyturn.domain.oauth.provider import RequestType
from keyturn.domain.oauth.words import why_failed
from keyturn.domain.sensitive import Sensitive
from keyturn.services.authorizing import Granted, forget_ended, keep_granted
from keyturn.services.clients import open_client
from keyturn.services.oauth_connections import ConnectionView, admit, read_stored
from keyturn.services.ports import World
from keyturn.services.sealing import open_members, seal_members

WAITING = frozenset({Fault.PENDING, Fault.SLOW_DOWN, Fault.AWAY})


@dataclass(frozen=True)
class DeviceBegun:
    """What somebody is told, and by which request the answer is asked for."""

    request: AuthorizationRequest
    start: DeviceStart


async def begin_device(world: World, caller: Caller, connection_id: str) -> DeviceBegun:
    """Have the server make a code that somebody enters elsewhere.

    Raises NotFound, Forbidden, NotReady, InvalidInput for another grant type, and ServerError.
    """
    seen = await admit(world, caller, Verb.AUTHORIZE_GRANTS, connection_id, "authorize")
    connection, project = seen.connection, seen.place.project
    if connection.grant_type is not GrantType.DEVICE:
        rule = "only a connection of the grant type device_code is authorized at another device"
        raise InvalidInput(FieldProblem(("grantType",), rule))
    async with world.store.reading() as tx:
        held = await open_client(world, tx, seen.registration, connection)
    provider = held.client.provider
    scope = {"scope": provider.scope(connection.scopes)} if connection.scopes else {}
    reply = await world.servers.ask(held.client, RequestType.DEVICE, scope)
    start = read_start(read_members(reply)) if reply.status == 200 else None
    if start is None:
        answer = read_token_answer(reply)
        why = why_failed(answer) if isinstance(answer, NoTokens) else "It sent tokens."
        raise ServerError(f"The authorization server gave no code for a device. {why}")
    now, new_id = world.clock.now(), world.chance.uuid()
    kept = {"device_code": start.device_code}
    request = AuthorizationRequest(
        id=new_id,
        connection_id=connection.id,
        state_hash=new_id.encode(),
        binding=b"",
        redirect_uri="",
        scopes=connection.scopes,
        created_at=now,
        ends_at=now + timedelta(seconds=start.lifetime_s),
        sealed=seal_members(world, project, _place(new_id), kept),
        interval_s=start.interval_s,
        asked_at=now,
    )
    async with world.store.writing() as tx:
        await read_stored(tx, connection_id)
        await forget_ended(world, tx, connection)
        await tx.add(request)
    return DeviceBegun(request, start)


async def ask_device(
    world: World, caller: Caller, connection_id: str, request_id: str
) -> ConnectionView | AuthorizationRequest:
    """Ask what somebody has decided; the request is returned while they have not.

    Asked too soon, nobody is asked. Raises NotFound, Forbidden, NotReady, and Refused where they
    decided against it or took too long.
    """
    seen = await admit(world, caller, Verb.AUTHORIZE_GRANTS, connection_id, "authorize")
    now = world.clock.now()
    async with world.store.writing() as tx:
        request = await tx.find(AuthorizationRequest, id=request_id, connection_id=connection_id)
        if request is None or request.answered_at:
            raise NotFound(f"Nobody is asked anything by {request_id}: begin again.")
        if now >= request.ends_at:
            raise Refused("The code has run out: begin the authorization again.")
        if not askable(request, now):
            return request
        await tx.replace(asked(request, now))
        held = await open_client(world, tx, seen.registration, seen.connection)
    kept = open_members(world, held.place.project, _place(request.id), request.sealed)
    members: dict[str, Sensitive] = {"device_code": kept["device_code"]}
    asked_at = world.clock.now()
    reply = await world.servers.ask(held.client, RequestType.DEVICE_CODE, members)
    answer = read_token_answer(reply)
    if not isinstance(answer, NoTokens):
        await _note(world, answered(request, world.clock.now()))
        return await keep_granted(world, held, request, Granted(answer, asked_at))
    if answer.fault not in WAITING:
        await _note(world, answered(request, world.clock.now()))
        raise Refused(f"The code brought no tokens. {why_failed(answer)}")
    after = slowed(asked(request, now), answer)
    await _note(world, after)
    return after


async def _note(world: World, after: AuthorizationRequest) -> None:
    """Write down what came of a question, unless it has been removed with its connection."""
    async with world.store.writing() as tx:
        if await tx.find(AuthorizationRequest, id=after.id):
            await tx.replace(after)


def _place(request_id: str) -> str:
    return f"authorization-request/{request_id}/device"
