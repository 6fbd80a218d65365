"""Tokens that nobody will use any more are revoked, as far as their server can (RFC 7009).

Nothing hangs on it: whatever comes, whoever gave them up goes on.
"""

import structlog

from keyturn.domain.errors import AddressRefused
from keyturn.domain.oauth.provider import RequestType
from keyturn.services.clients import Held, OpenTokens
from keyturn.services.ports import Members, World

log = structlog.get_logger(__name__)


async def revoke(world: World, held: Held, tokens: OpenTokens) -> None:
    """Revoke tokens, the refresh token first (RFC 7009, 2.1)."""
    if not held.client.provider.endpoints.revocation:
        return
    try:
        for hint, token in (("refresh_token", tokens.refresh), ("access_token", tokens.access)):
            if token and token.reveal():
                members: Members = {"token": token, "token_type_hint": hint}
                await world.servers.ask(held.client, RequestType.REVOKE, members)
    except AddressRefused as error:
        log.warning("not revoked", client=held.client.client_id, why=error.message)
