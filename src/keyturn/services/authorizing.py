"""Somebody is asked to authorize a connection, and the answer becomes its tokens.

Whoever begins it gets an address for a browser; the answer counts once, in time, and only together
with what the beginner alone holds. What goes wrong leaves the connection as it was.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from keyturn.domain.access import Caller, Verb
from keyturn.domain.audit import Attempt
from keyturn.domain.errors import (
    FieldProblem,
    InvalidInput,
    NotFound,
    Refused,
    SealBroken,
    ServerError,
)
from keyturn.domain.ids import RegistrationId
from keyturn.domain.oauth.answers import NoTokens, TokenSet, read_members, read_token_answer
from keyturn.domain.oauth.authorization import (
    LIFETIME,
    SECRET_BYTES,
    UNASKED,
    AuthorizationRequest,
    Question,
    address,
    answered,
    checked_callback,
    hashed,
    parameters,
    random_text,
    require_asker,
)
from keyturn.domain.oauth.claims import NOBODY, Expected, Subject, subject_of
from keyturn.domain.oauth.connection import Connection, GrantType, State, authorized
from keyturn.domain.oauth.ladder import NATURAL
from keyturn.domain.oauth.provider import RequestType
from keyturn.domain.oauth.registration import ClientRegistration, proved
from keyturn.domain.oauth.words import why_failed
from keyturn.domain.sensitive import Sensitive
from keyturn.services.clients import Held, OpenTokens, is_current, open_client, open_tokens
from keyturn.services.ladder import settle
from keyturn.services.oauth_connections import ConnectionView, admit, read_stored, view
from keyturn.services.ports import Client, Members, Reading, World, Writing
from keyturn.services.records import must
from keyturn.services.renewing import draw, sealed
from keyturn.services.revoking import revoke
from keyturn.services.scopes import list_ungranted
from keyturn.services.sealing import open_members, seal_members

NOWHERE = (
    "Browsers do not know how to come back to this server: its operator sets KEYTURN_PUBLIC_URL to "
    "the address by which they reach it. Until then authorize by a command that listens itself."
)


@dataclass(frozen=True)
class Begun:
    """Where a browser is to be sent, and what has to come back along with its answer.

    ``binding`` is known to nobody else: a cookie holds it, or the command that listens.
    ``ungranted`` are scopes that the app lacks at Okta, so that nobody can give them now.
    """

    request: AuthorizationRequest
    address: Sensitive
    binding: Sensitive
    ungranted: tuple[str, ...] = ()


async def begin_authorization(
    world: World, caller: Caller, connection_id: str, *, redirect_uri: str
) -> Begun:
    """Begin to ask somebody; the address holds for ten minutes and counts once.

    Raises NotFound, Forbidden, NotReady, Refused without a ``redirect_uri``, InvalidInput for
    another grant type, and ServerError where the server does not take what is pushed to it.
    """
    seen = await admit(world, caller, Verb.AUTHORIZE_GRANTS, connection_id, "authorize")
    if not redirect_uri:
        raise Refused(NOWHERE)
    connection = seen.connection
    if connection.grant_type is not GrantType.CODE:
        rule = "only a connection of the grant type authorization_code is authorized in a browser"
        raise InvalidInput(FieldProblem(("grantType",), rule))
    question = Question(*(random_text(world.chance.random_bytes(SECRET_BYTES)) for _ in range(3)))
    binding = _new_binding(world)
    request = _request(world, seen, question, binding, redirect_uri)
    async with world.store.writing() as tx:
        await read_stored(tx, connection_id)
        held = await open_client(world, tx, seen.registration, connection)
        await forget_ended(world, tx, connection)
        await tx.add(request)
    where = await _address(world, held, request, question)
    ungranted = await list_ungranted(world, connection, seen.registration)
    return Begun(request, Sensitive(where), binding, ungranted)


async def open_link(world: World, request_id: str, binding: Sensitive) -> Begun:
    """Begin for whoever opens a link that was made by `begin_authorization`, once.

    From then on only that browser holds what the answer has to come with; where the server does
    not take what is pushed to it, the link can be opened again. Raises Refused for a link that was
    opened already or has run out, and as `begin_authorization` does.
    """
    own = _new_binding(world)
    async with world.store.reading() as reading:
        request = await _read_open(world, reading, request_id, binding)
        held = await _held(world, reading, request)
    kept = open_members(world, held.place.project, _place(request.id), request.sealed)
    question = Question(kept["state"], kept["nonce"], kept["verifier"])
    where = await _address(world, held, request, question)
    async with world.store.writing() as tx:
        request = await _read_open(world, tx, request_id, binding)
        request = replace(request, binding=hashed(own.reveal()))
        await tx.replace(request)
    return Begun(request, Sensitive(where), own)


async def _read_open(
    world: World, tx: Reading, request_id: str, binding: Sensitive
) -> AuthorizationRequest:
    """Read what a link asks. Raises Refused where that is over, or begun by somebody else."""
    request = await tx.find(AuthorizationRequest, id=request_id)
    if request is None or request.answered_at or world.clock.now() >= request.ends_at:
        raise Refused(UNASKED)
    require_asker(request, binding.reveal())
    return request


def _new_binding(world: World) -> Sensitive:
    return random_text(world.chance.random_bytes(SECRET_BYTES))


async def _held(world: World, tx: Reading, request: AuthorizationRequest) -> Held:
    connection = await must(tx.find(Connection, id=request.connection_id))
    registration = await must(tx.find(ClientRegistration, id=connection.registration_id))
    return await open_client(world, tx, registration, connection)


def _request(
    world: World,
    seen: ConnectionView,
    question: Question,
    binding: Sensitive,
    redirect_uri: str,
) -> AuthorizationRequest:
    now, new_id = world.clock.now(), world.chance.uuid()
    kept = {"state": question.state, "nonce": question.nonce, "verifier": question.verifier}
    return AuthorizationRequest(
        id=new_id,
        connection_id=seen.connection.id,
        state_hash=hashed(question.state.reveal()),
        binding=hashed(binding.reveal()),
        redirect_uri=redirect_uri,
        scopes=seen.connection.scopes,
        created_at=now,
        ends_at=now + LIFETIME,
        sealed=seal_members(world, seen.place.project, _place(new_id), kept),
    )


async def _address(
    world: World, held: Held, request: AuthorizationRequest, question: Question
) -> str:
    client = held.client
    told = parameters(client.provider, client.client_id, request, question)
    return await address_of(world, client, told)


async def address_of(
    world: World, client: Client, told: Mapping[str, str | tuple[str, ...]]
) -> str:
    """Return the address for a browser; pushed ahead, it carries no more than a reference.

    Raises ServerError where the server does not take what is pushed to it.
    """
    if not client.provider.push:
        return address(client.provider, told)
    reply = await world.servers.ask(client, RequestType.PUSH, told)
    reference = read_members(reply).get("request_uri")
    if reply.status not in {200, 201} or not isinstance(reference, str):
        raise ServerError(
            f"The authorization server did not take the pushed request (HTTP {reply.status}): "
            "look at the registration's client and its endpoints."
        )
    return address(client.provider, {"client_id": client.client_id, "request_uri": reference})


async def complete_authorization(
    world: World, told: Mapping[str, str], *, binding: Sensitive
) -> ConnectionView:
    """Take an answer that a browser brought, and keep the tokens that come of it.

    Nobody passes the gate for it: whoever began did, and ``binding`` shows that it is the same one.
    Raises Refused for an answer that does not count and for tokens that do not come, and NotReady.
    """
    taken = await _take(world, told, binding)
    request, held = taken.request, taken.held
    kept = open_members(world, held.place.project, _place(request.id), request.sealed)
    members: Members = {"code": taken.code, "redirect_uri": request.redirect_uri}
    if held.client.provider.pkce:
        members = {**members, "code_verifier": kept["verifier"]}
    asked_at = world.clock.now()
    answer = read_token_answer(await world.servers.ask(held.client, RequestType.CODE, members))
    if isinstance(answer, NoTokens):
        raise Refused(f"The code brought no tokens. {why_failed(answer)}")
    subject = await _subject(world, held, answer, kept["nonce"])
    return await keep_granted(world, held, request, Granted(answer, asked_at, subject))


@dataclass(frozen=True)
class _Taken:
    """An answer that counts."""

    request: AuthorizationRequest
    held: Held
    code: Sensitive


async def _take(world: World, told: Mapping[str, str], binding: Sensitive) -> _Taken:
    """Return an answer that counts; the question counts no second time, whatever came."""
    now, state = world.clock.now(), told.get("state", "")
    async with world.store.writing() as tx:
        request = await tx.find(AuthorizationRequest, state_hash=hashed(state))
        if request is None:
            raise Refused(UNASKED)
        held = await _held(world, tx, request)
        require_asker(request, binding.reveal())
        await tx.replace(answered(request, now))
    code = checked_callback(told, request, provider=held.client.provider, now=now)
    return _Taken(request, held, code)


async def _subject(world: World, held: Held, answer: TokenSet, nonce: Sensitive) -> Subject:
    """Return who granted it, where an ID token came that tells. Raises Refused for a false one."""
    provider = held.client.provider
    if answer.id_token is None or not provider.issuer:
        return NOBODY
    claims = await world.servers.read_claims(held.client, answer.id_token)
    if claims is None:
        raise Refused("The ID token that came with the tokens is not signed by its server's keys.")
    wanted = Expected(provider.issuer, held.client.client_id, nonce.reveal(), answer.access)
    return subject_of(claims, wanted, world.clock.now())


@dataclass(frozen=True)
class Granted:
    """What came of a grant: its first tokens, when they were asked for, and who granted it."""

    answer: TokenSet
    asked_at: datetime
    subject: Subject = NOBODY


async def keep_granted(
    world: World, held: Held, request: AuthorizationRequest, granted: Granted
) -> ConnectionView:
    """Keep the tokens of a new grant; the refresh token before it is revoked where that can be.

    Raises NotFound where the connection is gone: the tokens are revoked, as nobody has them.
    """
    answer = granted.answer
    try:
        seen, replaced = await _keep(world, held, request, granted)
    except NotFound:
        await revoke(world, held, OpenTokens(answer.access, answer.refresh))
        raise
    if replaced and held.client.provider.revoke_replaced:
        await revoke(world, held, OpenTokens(Sensitive(""), replaced))
    return seen


async def _keep(
    world: World, held: Held, request: AuthorizationRequest, granted: Granted
) -> tuple[ConnectionView, Sensitive | None]:
    """Return it with its new tokens, and the refresh token that they replace, if there is one.

    Scopes that the answer leaves out were granted as asked.
    """
    answer, luck, scopes = granted.answer, draw(world), request.scopes
    if answer.scope is not None:
        scopes = held.client.provider.scopes(answer.scope)
    async with world.store.writing() as tx:
        stored = await read_stored(tx, request.connection_id)
        before = _refresh_of(world, held, stored)
        refresh = answer.refresh or (before if _goes_on(stored, granted.subject) else None)
        tokens = sealed(world, held, stored, answer, asked_at=granted.asked_at, refresh=refresh)
        await tx.replace(authorized(stored, tokens, scopes, granted.subject, luck))
        told = f"connection {stored.id} ({' '.join(scopes)})"
        actor = f"authorization {request.id}"
        await tx.append_audit(Attempt(world.clock.now(), actor, "authorize", told, allowed=True))
        by = RequestType.CODE if request.redirect_uri else RequestType.DEVICE_CODE
        await note_accepted(world, tx, stored.registration_id, held, by)
        seen = await view(tx, await read_stored(tx, stored.id))
    return seen, None if before == refresh else before


async def note_accepted(
    world: World, tx: Writing, registration_id: RegistrationId, held: Held, by: RequestType
) -> None:
    """Note that the server took the client's secret in a request, where one was shown there."""
    registration = await must(tx.find(ClientRegistration, id=registration_id))
    shown = held.client.provider.auth_for(by).needs  # who shows no secret proves none
    if shown and await is_current(tx, registration, held):
        after = proved(registration, held.version, world.clock.now(), NATURAL)
        await settle(tx, after, registration, world.clock.now())


def _refresh_of(world: World, held: Held, stored: Connection) -> Sensitive | None:
    """Return the refresh token that there is; one that does not open any more is none."""
    if stored.tokens is None:
        return None
    try:
        return open_tokens(world, held.place.project, stored, stored.tokens).refresh
    except SealBroken:
        return None


def _goes_on(stored: Connection, subject: Subject) -> bool:
    """Say whether the grant before goes on: the same person's, not lapsed and not in doubt."""
    same = subject.id != "" and subject.id == stored.subject_id
    return same and stored.state is not State.LAPSED and stored.intent is None


async def forget_ended(world: World, tx: Writing, connection: Connection) -> None:
    """Remove the questions about a connection that nobody can answer any more."""
    asked = await tx.list(AuthorizationRequest, connection_id=connection.id)
    await tx.remove(*(each for each in asked if each.ends_at <= world.clock.now()))


def _place(request_id: str) -> str:
    return f"authorization-request/{request_id}"
