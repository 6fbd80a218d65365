"""What a consumer embeds: the API as typed calls, and secrets that are always the current ones.

Knows the wire and nothing of the rules behind it.
"""

from keyturn.client.api import KeyturnApi, Place
from keyturn.client.calls import Identity, Person, Token
from keyturn.client.errors import ApiError, ClientError, Unreachable
from keyturn.client.oauth import TokenRefused, TokenSource, blocking
from keyturn.client.store import Held, Secret, Store

__all__ = [
    "ApiError",
    "ClientError",
    "Held",
    "Identity",
    "KeyturnApi",
    "Person",
    "Place",
    "Secret",
    "Store",
    "Token",
    "TokenRefused",
    "TokenSource",
    "Unreachable",
    "blocking",
]
