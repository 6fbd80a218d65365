"""What a grant begins with: whether it fits its registration, and what it is given.

Knows nothing of what is asked of an authorization server.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.domain.ids import OAuthConnectionId
from keyturn.domain.oauth.connection import Connection, GrantType, State, Tokens
from keyturn.domain.oauth.provider import ClientAuth, RequestType
from keyturn.domain.oauth.registration import ClientRegistration, Scheme
from keyturn.domain.project import Place
from keyturn.domain.sensitive import Sensitive
from keyturn.services.clients import OpenTokens, provider_of, seal_input, seal_tokens
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
    anonymous = provider.auth_for(RequestType.CLIENT_CREDENTIALS) is ClientAuth.NONE
    if draft.grant_type is GrantType.CLIENT_CREDENTIALS and anonymous:
        rule = "needs a client that authenticates"
        raise InvalidInput(FieldProblem(("grantType",), rule))
    if draft.source and draft.grant_type is not GrantType.EXCHANGE:
        raise InvalidInput(FieldProblem(("source",), "is for token exchange alone"))


def with_given(world: World, place: Place, made: Connection, draft: ConnectionDraft) -> Connection:
    """Return a connection with what its grant was given, sealed."""
    wanted = INPUTS.get(made.grant_type, ())
    given = dict(draft.given or {})
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
        return _brought(world, place, made, given["refresh_token"])
    sealed = seal_input(world, place.project, made.id, given)
    due_at = made.created_at if made.minted else None
    return replace(made, sealed_input=sealed, due_at=due_at)


def _brought(world: World, place: Place, made: Connection, refresh: Sensitive) -> Connection:
    """Return a connection with a refresh token from elsewhere, which is used at once."""
    now, opened = made.created_at, OpenTokens(Sensitive(""), refresh)
    sealed = seal_tokens(world, place.project, made, 0, opened)
    tokens = Tokens(0, sealed, "Bearer", renewable=True, issued_at=now, expires_at=now, version=0)
    return replace(made, state=State.READY, tokens=tokens, authorized_at=now, due_at=now)


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
