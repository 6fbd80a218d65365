"""People log in with Okta: a browser is sent there, and its answer becomes an access token.

The client that asks is one of Keyturn's own registrations, so that its secret turns as any other.
What somebody's groups at Okta give them here is looked at anew at each log-in. Nothing of Okta's is
kept: whom an ID token is about is all that is read of it.
"""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from keyturn.domain.access import Caller
from keyturn.domain.audit import Attempt
from keyturn.domain.errors import Busy, CallerError, Refused, ServerError
from keyturn.domain.identity import AuthMethod, Identity
from keyturn.domain.ids import IdentityId, OrganizationId
from keyturn.domain.oauth.answers import NoTokens, TokenSet, read_token_answer
from keyturn.domain.oauth.authorization import (
    LIFETIME,
    SECRET_BYTES,
    Question,
    code_in,
    hashed,
    parameters,
    random_text,
)
from keyturn.domain.oauth.claims import Expected, require_made_for
from keyturn.domain.oauth.provider import RequestType
from keyturn.domain.oauth.registration import ClientRegistration, Scheme
from keyturn.domain.oauth.words import why_failed
from keyturn.domain.okta_login import (
    GROUPS,
    Claimed,
    LogInRequest,
    LogInRules,
    OktaPerson,
    claimed_by,
    question_of,
    require_asker,
    require_open,
)
from keyturn.domain.project import Project
from keyturn.domain.sensitive import Sensitive
from keyturn.services.authorizing import address_of, note_accepted
from keyturn.services.clients import Held, open_client, provider_of
from keyturn.services.identities import expired_tokens
from keyturn.services.logins import LoggedIn, attempted, grant_token
from keyturn.services.okta_people import admit, find_person
from keyturn.services.people import TOKENS
from keyturn.services.ports import Members, Reading, World
from keyturn.services.projects import find_place

T = TypeVar("T")

BEGUN_PER_S: Final = 10.0
"""How often log-ins are begun at most, by whomever: each is kept for ten minutes."""

NOT_OFFERED = "Nobody logs in with Okta here: whoever operates this server has not set it up."
NOWHERE = "Browsers do not know how to come back here: its operator sets KEYTURN_PUBLIC_URL."
OTHER = "Somebody else has logged in at Okta than the one who is logged in here."
UNSIGNED = "The ID token that came from Okta is not signed by its keys."
NO_ID_TOKEN = "Okta sent no ID token."


@dataclass(frozen=True)
class Begun:
    """Where a browser is to be sent, and what it has to come back with.

    ``binding`` is for a cookie of that browser: nobody else may know it.
    """

    address: Sensitive
    binding: Sensitive


@dataclass(frozen=True)
class Entered:
    """Who has come in; with ``again``, they were in and have proved once more who they are."""

    logged_in: LoggedIn
    identity: Identity
    after: str
    again: bool


def offered(world: World) -> bool:
    """Say whether people may log in with Okta."""
    return world.limits.okta_log_in is not None


def origin(world: World) -> str:
    """Return the scheme, host and port that browsers are sent to. Raises Refused."""
    return _rules(world).origin


async def logs_in_so(world: World, caller: Caller) -> bool:
    """Say whether somebody is one of those who log in with Okta."""
    async with world.store.reading() as tx:
        return await tx.find(OktaPerson, identity_id=caller.id) is not None


async def begin_log_in(
    world: World, *, redirect_uri: str, after: str = "/", again: Caller | None = None
) -> Begun:
    """Begin to log somebody in; the address holds for ten minutes, and its answer counts once.

    ``after`` is a page to go on to. ``again`` is who is logged in and is to prove it once more:
    Okta asks them anew, whatever it remembers. Raises Refused where nobody can log in so, NotReady,
    ServerError where Okta does not take what is pushed to it, and Busy.
    """
    rules = _rules(world)
    if not redirect_uri:
        raise Refused(NOWHERE)
    _require_leisure(world)
    binding = random_text(world.chance.random_bytes(SECRET_BYTES))
    question, now = question_of(binding), world.clock.now()
    request = LogInRequest(
        state_hash=hashed(question.state.reveal()),
        redirect_uri=redirect_uri,
        scopes=rules.scopes,
        after=after,
        created_at=now,
        ends_at=now + LIFETIME,
        identity_id=IdentityId(again.id) if again else None,
    )
    async with world.store.writing() as tx:
        _, held = await _client(world, tx, rules)
        await tx.remove(*(each for each in await tx.list(LogInRequest) if each.ends_at <= now))
        await tx.add(request)
    told = parameters(held.client.provider, held.client.client_id, request, question)
    anew = {"prompt": "login", "max_age": "0"} if again else {}
    where = await address_of(world, held.client, {**told, "response_mode": "query", **anew})
    return Begun(Sensitive(where), binding)


async def complete_log_in(
    world: World, told: Mapping[str, str], *, binding: Sensitive, address: str = ""
) -> Entered:
    """Take the answer that a browser brought, and let in who it proves.

    ``told`` is the callback's query, ``binding`` what the browser was given at the beginning,
    ``address`` the IP address that it comes from. Whatever came of it, it counts no second time.
    Raises Refused, in words for whoever sits there, and ServerError.
    """
    rules = _rules(world)
    unknown = attempted("person", "at Okta", address)
    proved = await _on_record(world, unknown, _prove(world, rules, told, binding))
    subject = attempted("person", proved.claimed.name, address)
    return await _on_record(world, subject, _enter(world, rules, proved, subject))


async def _on_record(world: World, subject: str, done: Awaitable[T]) -> T:
    """Return what comes of it; who is refused is on record, with the reason."""
    try:
        return await done
    except (CallerError, ServerError) as error:
        now, why = world.clock.now(), error.message
        refused = Attempt(now, "nobody", "log-in", subject, allowed=False, detail=why)
        await world.store.append_audit(refused)
        raise


# --- which client asks ----------------------------------------------------------------------------


def _rules(world: World) -> LogInRules:
    if world.limits.okta_log_in is None:
        raise Refused(NOT_OFFERED)
    return world.limits.okta_log_in


def _require_leisure(world: World) -> None:
    """Raise Busy where strangers begin so many log-ins that they would fill the database."""
    wait_s = world.doors.buckets.wait_s("okta-log-in", BEGUN_PER_S, world.clock.uptime_s())
    if wait_s:
        raise Busy("Too many people log in now: come again.", retry_after_s=wait_s)


async def _client(world: World, tx: Reading, rules: LogInRules) -> tuple[ClientRegistration, Held]:
    """Return the registration that people log in by, and what it authenticates with now."""
    named = rules.registration
    project = await tx.find(Project, slug=named.project)
    place = await find_place(tx, project, named.environment, named.path) if project else None
    found = (
        await tx.find(ClientRegistration, folder_id=place.folder.id, name=named.name)
        if place
        else None
    )
    if found is None:
        raise Refused(f"{NOT_OFFERED} There is no client registration {named}.")
    if found.scheme is not Scheme.OAUTH or not rules.fits(provider_of(found)):
        raise Refused(
            f"Nobody can log in with Okta now: the client registration {named} leads elsewhere "
            "than KEYTURN_LOGIN_ISSUER says, lacks an endpoint or goes without PKCE."
        )
    return found, await open_client(world, tx, found)


# --- who it is ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Proved:
    """Somebody whom Okta has proved, and to whose organization here they come."""

    request: LogInRequest
    organization_id: OrganizationId
    claimed: Claimed


async def _prove(
    world: World, rules: LogInRules, told: Mapping[str, str], binding: Sensitive
) -> _Proved:
    """Return whom an answer proves; from then on it counts no more."""
    question = question_of(binding)
    require_asker(told, question)
    async with world.store.writing() as tx:
        found = await tx.find(LogInRequest, state_hash=hashed(question.state.reveal()))
        await tx.remove(*([found] if found else []))
    request = require_open(found, world.clock.now())
    async with world.store.reading() as reading:
        registration, held = await _client(world, reading, rules)
    code = code_in(told, held.client.provider)
    tokens = await _redeem(world, held, request, code, question)
    async with world.store.writing() as tx:
        await note_accepted(world, tx, registration.id, held, RequestType.CODE)
    claims = await _read_claims(world, held, tokens, request, question)
    told_groups = claims if GROUPS in claims else await _userinfo(world, held, tokens, claims)
    return _Proved(request, held.place.project.organization_id, claimed_by(claims, told_groups))


async def _redeem(
    world: World, held: Held, request: LogInRequest, code: Sensitive, question: Question
) -> TokenSet:
    members: Members = {
        "code": code,
        "redirect_uri": request.redirect_uri,
        "code_verifier": question.verifier,
    }
    answer = read_token_answer(await world.servers.ask(held.client, RequestType.CODE, members))
    if isinstance(answer, NoTokens):
        raise Refused(f"Okta did not let you in: begin the log-in again. {why_failed(answer)}")
    return answer


async def _read_claims(
    world: World, held: Held, tokens: TokenSet, request: LogInRequest, question: Question
) -> Mapping[str, object]:
    """Return what the ID token says, once all of it was looked at (OpenID Connect Core, 3.1.3.7).

    Raises Refused.
    """
    if tokens.id_token is None:
        raise Refused(NO_ID_TOKEN)
    claims = await world.servers.read_claims(held.client, tokens.id_token)
    if claims is None:
        raise Refused(UNSIGNED)
    client, nonce = held.client, question.nonce.reveal()
    since = request.created_at if request.identity_id else None
    wanted = Expected(client.provider.issuer, client.client_id, nonce, tokens.access, since)
    require_made_for(claims, wanted, world.clock.now())
    return claims


async def _userinfo(
    world: World, held: Held, tokens: TokenSet, claims: Mapping[str, object]
) -> Mapping[str, object]:
    """Return what userinfo tells, if it is about the same person (OpenID Connect Core, 5.3.4)."""
    told = await world.servers.read_userinfo(held.client, tokens.access)
    return told if told.get("sub") == claims.get("sub") else {}


async def _enter(world: World, rules: LogInRules, proved: _Proved, subject: str) -> Entered:
    """Let somebody in whose groups give them a role. Raises Refused."""
    request, claimed = proved.request, proved.claimed
    async with world.store.writing() as tx:
        await _require_same(tx, rules, proved)
        identity = await admit(tx, world, proved.organization_id, rules, claimed)
        if identity:
            await tx.remove(*await expired_tokens(tx, world, identity.id))
            why, now, method = _told(rules, claimed), world.clock.now(), AuthMethod.OIDC_PERSON
            attempt = Attempt(now, identity.id, "log-in", subject, allowed=True, detail=why)
            await tx.append_audit(attempt)
            logged_in = await grant_token(tx, world, identity.id, method, TOKENS)
            return Entered(logged_in, identity, request.after, request.identity_id is not None)
    raise Refused(
        f"You are logged in at Okta as {claimed.name}, but none of your groups there gives you a "
        f"role here (Okta told of {len(claimed.groups) or 'no'} groups): ask your administrator."
    )


async def _require_same(tx: Reading, rules: LogInRules, proved: _Proved) -> None:
    """Raise Refused where somebody was to prove themselves again, and another one did."""
    wanted = proved.request.identity_id
    if wanted is None:
        return
    person = await find_person(tx, rules, proved.claimed)
    if person is None or person.identity_id != wanted:
        raise Refused(OTHER)


def _told(rules: LogInRules, claimed: Claimed) -> str:
    """Return what the groups gave, for the record."""
    return ", ".join(f"{each} by {each.group}" for each in rules.given(claimed.groups))
