"""What a grant begins with: whether it fits its registration, and what it is given.

Knows nothing of what is asked of an authorization server.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit

from keyturn.domain.errors import FieldProblem, InvalidInput, Refused
from keyturn.domain.ids import OAuthConnectionId
from keyturn.domain.oauth.connection import Connection, GrantType, State, Tokens
from keyturn.domain.oauth.connectors import OF_OKTA, ORG_TOKENS
from keyturn.domain.oauth.provider import ClientAuth, RequestType
from keyturn.domain.oauth.registration import ClientRegistration, Scheme
from keyturn.domain.project import Place
from keyturn.domain.sensitive import Sensitive
from keyturn.services.clients import (
    OpenTokens,
    open_input,
    open_tokens,
    provider_of,
    seal_input,
    seal_tokens,
)
from keyturn.services.ports import Reading, World

SCOPES_MAX = 200
INPUT_MAX = 65_536
INPUTS: Mapping[GrantType, tuple[str, ...]] = {
    GrantType.JWT_BEARER: ("assertion",),
    GrantType.PASSWORD: ("username", "password"),
    GrantType.REFRESH: ("refresh_token",),
    GrantType.EXCHANGE: ("subject_token_type",),
}
"""What a grant is given at the beginning, by the names of its parameters."""
ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"
BROUGHT = "brought"
"""By what a refresh token from elsewhere is recognised: it may have been replaced long since."""


@dataclass(frozen=True)
class ConnectionDraft:
    """A connection as somebody asks for it; without ``scopes``, those of its connector.

    ``given`` is what its grant needs (`INPUTS`); ``source`` is the id of the connection whose token
    is exchanged.
    """

    name: str
    registration_id: str
    grant_type: GrantType
    scopes: tuple[str, ...] | None = None
    given: Mapping[str, Sensitive] | None = None
    source: str = ""
    description: str | None = None


def require_fit(registration: ClientRegistration, draft: ConnectionDraft) -> None:
    """Raise InvalidInput for a grant that cannot come of such a registration."""
    without = draft.grant_type is GrantType.NONE
    if without is (registration.scheme is Scheme.OAUTH):
        rule = "must be none for a registration without OAuth, and for no other"
        raise InvalidInput(FieldProblem(("grantType",), rule))
    if without:
        return
    provider = provider_of(registration)
    wanted = {
        GrantType.CODE: (RequestType.AUTHORIZE, "authorization"),
        GrantType.DEVICE: (RequestType.DEVICE, "deviceAuthorization"),
    }.get(draft.grant_type)
    if wanted and not provider.endpoints.of(wanted[0]):
        rule = f"needs the registration to name the {wanted[1]} endpoint"
        raise InvalidInput(FieldProblem(("grantType",), rule))
    if draft.grant_type is GrantType.CLIENT_CREDENTIALS:
        _require_client(registration)
    if draft.source and draft.grant_type is not GrantType.EXCHANGE:
        raise InvalidInput(FieldProblem(("source",), "is for token exchange alone"))


def _require_client(registration: ClientRegistration) -> None:
    """Raise InvalidInput for a client that is given no credentials of its own.

    Okta's org authorization server answers ``invalid_client`` to whoever comes with a secret, which
    would be taken for the secret's fault (Okta: client credentials with the org's server).
    """
    provider = provider_of(registration)
    auth = provider.auth_for(RequestType.CLIENT_CREDENTIALS)
    if auth is ClientAuth.NONE:
        rule = "needs a client that authenticates"
        raise InvalidInput(FieldProblem(("grantType",), rule))
    of_org = urlsplit(provider.endpoints.token).path == ORG_TOKENS
    if registration.connector in OF_OKTA and of_org and auth is not ClientAuth.KEY_JWT:
        rule = (
            "is given at Okta's org authorization server to clients with a key alone: make a "
            "registration with auth private_key_jwt, or one of a custom authorization server "
            "(connector api, issuer https://DOMAIN/oauth2/default)"
        )
        raise InvalidInput(FieldProblem(("grantType",), rule))


def with_given(
    world: World,
    place: Place,
    made: Connection,
    told: Mapping[str, Sensitive] | None,
    now: datetime,
) -> Connection:
    """Return a connection with what its grant is given, sealed, at the beginning or anew.

    Raises InvalidInput for what is missing and what the grant does not take.
    """
    wanted = INPUTS.get(made.grant_type, ())
    given = dict(told or {})
    if made.grant_type is GrantType.EXCHANGE:
        given.setdefault("subject_token_type", Sensitive(ACCESS_TOKEN_TYPE))
    problems = [
        FieldProblem((name,), "must be given, of at most 65,536 characters")
        for name in wanted
        if name not in given or not 0 < len(given[name].reveal()) <= INPUT_MAX
    ]
    problems += [
        FieldProblem((name,), f"is nothing that {made.grant_type} takes")
        for name in given
        if name not in wanted
    ]
    if problems:
        raise InvalidInput(*problems)
    if made.grant_type is GrantType.REFRESH:
        return _brought(world, place, made, given["refresh_token"], now)
    sealed = seal_input(world, place.project, made.id, given)
    return replace(made, sealed_input=sealed, due_at=now if made.minted else None)


def _brought(
    world: World, place: Place, made: Connection, refresh: Sensitive, now: datetime
) -> Connection:
    """Return a connection with a refresh token from elsewhere, which is used at once.

    An access token that there is stays in use while it lasts.
    """
    access, project = Sensitive(""), place.project
    tokens = Tokens(0, b"", "Bearer", renewable=True, issued_at=now, expires_at=now, version=0)
    if made.tokens:
        access = open_tokens(world, project, made, made.tokens).access
        tokens = replace(made.tokens, number=made.tokens.number + 1, renewable=True)
    sealed = seal_tokens(world, project, made, tokens.number, OpenTokens(access, refresh))
    return replace(
        made,
        state=State.READY,
        tokens=replace(tokens, sealed=sealed),
        sealed_input=seal_input(world, project, made.id, {BROUGHT: _digest(refresh)}),
        authorized_at=now,
        due_at=now,
    )


def _digest(token: Sensitive) -> Sensitive:
    return Sensitive(hashlib.sha256(token.reveal().encode()).hexdigest())


async def refuse_brought_twice(world: World, tx: Reading, place: Place, made: Connection) -> None:
    """Raise Refused where another connection of the registration was brought the same token.

    Two who renew by one refresh token end the grant at a server that replaces it (RFC 9700,
    4.14.2). It is known by what was brought, as it may have been replaced since.
    """
    if made.grant_type is not GrantType.REFRESH:
        return
    brought = open_input(world, place.project, made).get(BROUGHT)
    for each in await tx.list(Connection, registration_id=made.registration_id):
        other = each.grant_type is GrantType.REFRESH and each.id != made.id
        if other and open_input(world, place.project, each).get(BROUGHT) == brought:
            raise Refused(
                f"The connection {each.name} was brought the same refresh token: use that one, by "
                "an alias if need be, or have a token of its own granted."
            )


async def read_source(
    tx: Reading, registration: ClientRegistration, source_id: str
) -> OAuthConnectionId:
    """Return the connection whose token is exchanged; it lies in the same folder."""
    found = await tx.find(Connection, id=source_id)
    if found is None or found.folder_id != registration.folder_id:
        raise InvalidInput(FieldProblem(("source",), "must be a connection of the same folder"))
    return found.id


def checked_scopes(given: tuple[str, ...]) -> tuple[str, ...]:
    """Return scopes, each once; each is what RFC 6749 (3.3) calls a scope token."""
    clean = tuple(dict.fromkeys(each.strip() for each in given if each.strip()))
    if len(clean) > SCOPES_MAX or any(not _is_scope(each) for each in clean):
        rule = f"must be at most {SCOPES_MAX}, of ASCII's characters without spaces and quotes"
        raise InvalidInput(FieldProblem(("scopes",), rule))
    return clean


def _is_scope(text: str) -> bool:
    return text.isascii() and text.isprintable() and not set(text) & set(' "\\')
