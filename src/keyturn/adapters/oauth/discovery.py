"""What an issuer says of itself, found where it says it.

Decides where is looked, and in which order. What is believed, `domain.oauth.metadata` decides.
"""

from collections.abc import Awaitable, Callable, Collection

from keyturn.domain.errors import InvalidInput, ServerError
from keyturn.domain.oauth.answers import Reply, read_members
from keyturn.domain.oauth.metadata import Metadata, read_metadata, well_known

Read = Callable[[str], Awaitable[Reply]]
"""Read an address. Raises AddressRefused."""


async def discover(issuer: str, read: Read, foreign: Collection[str]) -> Metadata:
    """Return the first document that is this issuer's (RFC 8414, 3; OpenID Discovery, 4).

    A server may answer for another issuer, or with a page, at an address that it does not know.
    Raises InvalidInput where documents came and none may be believed, ServerError for none, and
    AddressRefused.
    """
    unbelieved: InvalidInput | None = None
    for url in well_known(issuer):
        reply = await read(url)
        document = read_members(reply) if reply.status == 200 else {}
        try:
            if document:
                return read_metadata(document, issuer, url, foreign=foreign)
        except InvalidInput as error:
            unbelieved = unbelieved or error
    raise unbelieved or ServerError(
        "The issuer says nothing of itself at any of the addresses where it could: look at the "
        "issuer, or enter the endpoints by hand."
    )
