"""How a client secret is proved without spending a grant.

Decides which question is asked next, and what its answer tells of the secret alone. A rung that
cannot tell leads to the next one; where none can, a natural renewal has to.
"""

from enum import StrEnum

from keyturn.domain.oauth.answers import (
    Fault,
    Reply,
    TokenSet,
    read_members,
    read_token_answer,
)
from keyturn.domain.oauth.provider import Provider, RequestType

WORTHLESS = "keyturn-probe"
"""A token that nobody issued."""


class Rung(StrEnum):
    """What can be asked, the most harmless first."""

    INTROSPECT = "introspection of a worthless token"
    REVOKE = "revocation of a worthless token"
    REFRESH = "refresh by a worthless token"
    MINT = "client credentials"


REQUESTS = {
    Rung.INTROSPECT: RequestType.INTROSPECT,
    Rung.REVOKE: RequestType.REVOKE,
    Rung.REFRESH: RequestType.REFRESH,
    Rung.MINT: RequestType.CLIENT_CREDENTIALS,
}
NATURAL = "a renewal"
"""What proves a secret besides."""


def rungs(provider: Provider, *, mints: bool) -> tuple[Rung, ...]:
    """Return what can be asked of a server; ``mints`` where the client has such connections.

    A question that needs no secret proves none.
    """
    return tuple(
        rung
        for rung, request in REQUESTS.items()
        if provider.endpoints.of(request)
        and provider.auth_for(request).needs
        and (rung is not Rung.MINT or mints)
    )


def verdict(rung: Rung, reply: Reply) -> bool | None:
    """Say whether a reply accepts the secret, rejects it, or tells nothing (None).

    Introspection calls a worthless token inactive and revocation answers 200, to whoever has
    authenticated (RFC 7662, 2.2; RFC 7009, 2.2); a refresh token is found worthless, and a scope
    refused, only once the client has been found valid (RFC 6749, 5.2).
    """
    answer = read_token_answer(reply)
    if isinstance(answer, TokenSet):
        return True
    if answer.fault is Fault.CLIENT:
        return False
    match rung:
        case Rung.INTROSPECT:
            inactive = reply.status == 200 and read_members(reply).get("active") is False
            return True if inactive else _if_refused(reply)
        case Rung.REVOKE:
            page = reply.body.lstrip().startswith(b"<")  # of whoever stands in between
            return True if reply.status == 200 and not page else _if_refused(reply)
        case Rung.REFRESH:
            return True if answer.fault is Fault.GRANT else None
        case Rung.MINT:
            return True if answer.fault is Fault.SCOPE else None


def _if_refused(reply: Reply) -> bool | None:
    """Tell by the status: nothing but the client can be unauthorized there."""
    return False if reply.status == 401 else None
